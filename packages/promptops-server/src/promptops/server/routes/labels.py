"""Labels and history of a prompt: ``/v1/client/prompts/{prompt_id}/labels`` and ``/history``."""

from __future__ import annotations

from types import NoneType
from typing import Final

from promptops.server import wire
from promptops.server.calls import Call, Reply
from promptops.server.grants import Scope
from promptops.server.operations import IDEMPOTENCY_KEY, operation
from promptops.server.queries import ProjectQuery, PromptHistoryQuery

__all__ = ["LABELS"]

_PROMPT: Final = "/v1/client/prompts/{prompt_id:str}"
_LABEL: Final = f"{_PROMPT}/labels/{{label:str}}"


@operation(
    "prompts_labels_list",
    "GET",
    f"{_PROMPT}/labels",
    tag="labels",
    summary="List the labels of a prompt",
    scope=Scope.PROMPTS_READ,
    query=ProjectQuery,
    body=NoneType,
    response=wire.PromptLabelListEnvelope,
    errors=(404, 422),
)
async def prompts_labels_list(call: Call[ProjectQuery, None]) -> Reply:
    """List labels."""
    labels = await call.services.labels.list(call.grant, call.path["prompt_id"], project=call.query.project_id)
    return call.reply(labels)


@operation(
    "prompts_labels_move",
    "PUT",
    _LABEL,
    tag="labels",
    summary="Let a label point to a version; a protected label needs the scope prompts:label",
    scope=Scope.PROMPTS_WRITE,
    or_scope=Scope.PROMPTS_LABEL,
    query=ProjectQuery,
    body=wire.PromptLabelMove,
    response=wire.PromptLabelEnvelope,
    errors=(404, 409, 422),
    headers=(IDEMPOTENCY_KEY,),
)
async def prompts_labels_move(call: Call[ProjectQuery, wire.PromptLabelMove]) -> Reply:
    """Create or move a label."""
    moved = await call.services.labels.move(
        call.grant,
        call.path["prompt_id"],
        call.path["label"],
        call.body,
        project=call.query.project_id,
        once=call.once,
    )
    return call.reply(moved)


@operation(
    "prompts_labels_remove",
    "DELETE",
    _LABEL,
    tag="labels",
    summary="Remove a label; a protected label needs the scope prompts:label",
    scope=Scope.PROMPTS_WRITE,
    or_scope=Scope.PROMPTS_LABEL,
    query=ProjectQuery,
    body=NoneType,
    response=wire.PromptLabelRemovedEnvelope,
    errors=(404, 422),
    headers=(IDEMPOTENCY_KEY,),
)
async def prompts_labels_remove(call: Call[ProjectQuery, None]) -> Reply:
    """Remove a label."""
    removed = await call.services.labels.remove(
        call.grant, call.path["prompt_id"], call.path["label"], project=call.query.project_id, once=call.once
    )
    return call.reply(removed)


@operation(
    "prompts_history",
    "GET",
    f"{_PROMPT}/history",
    tag="labels",
    summary="List what happened to a prompt, newest first, also after it was deleted (by its id)",
    scope=Scope.PROMPTS_READ,
    query=PromptHistoryQuery,
    body=NoneType,
    response=wire.PromptHistoryEnvelope,
    errors=(404, 422),
)
async def prompts_history(call: Call[PromptHistoryQuery, None]) -> Reply:
    """List events."""
    return call.reply(await call.services.labels.history(call.grant, call.path["prompt_id"], call.query))


LABELS = (prompts_labels_list, prompts_labels_move, prompts_labels_remove, prompts_history)
