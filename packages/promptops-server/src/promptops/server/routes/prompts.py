"""Prompts: ``/v1/client/prompts``."""

from __future__ import annotations

from types import NoneType
from typing import Final

from promptops.server import wire
from promptops.server.calls import Call, Reply
from promptops.server.grants import Scope
from promptops.server.operations import IDEMPOTENCY_KEY, operation
from promptops.server.queries import ProjectQuery, PromptDeleteQuery, PromptListQuery, PromptQuery, VersionListQuery

__all__ = ["PROMPTS"]

_ONE: Final = "/v1/client/prompts/{prompt_id:str}"
_IF_NONE_MATCH: Final = ("If-None-Match", "Answer 304 when the prompt still has this ETag.")
_IF_MATCH: Final = ("If-Match", "Refuse with 409 when the prompt no longer has this ETag.")


@operation(
    "prompts_list",
    "GET",
    "/v1/client/prompts",
    tag="prompts",
    summary="List prompts, the latest version of each",
    scope=Scope.PROMPTS_READ,
    query=PromptListQuery,
    body=NoneType,
    response=wire.PromptListEnvelope,
    errors=(404, 422),
)
async def prompts_list(call: Call[PromptListQuery, None]) -> Reply:
    """List prompts."""
    return call.reply(await call.services.prompts.list(call.grant, call.query))


@operation(
    "prompts_create",
    "POST",
    "/v1/client/prompts",
    tag="prompts",
    summary="Create a prompt",
    scope=Scope.PROMPTS_WRITE,
    query=ProjectQuery,
    body=wire.PromptCreate,
    response=wire.PromptEnvelope,
    status=201,
    errors=(404, 409, 422),
    headers=(IDEMPOTENCY_KEY,),
)
async def prompts_create(call: Call[ProjectQuery, wire.PromptCreate]) -> Reply:
    """Create a prompt with its first version."""
    prompt = await call.services.prompts.create(call.grant, call.body, project=call.query.project_id, once=call.once)
    return call.reply(prompt, headers=_etag(prompt))


@operation(
    "prompts_get",
    "GET",
    _ONE,
    tag="prompts",
    summary="Get one version of a prompt, the latest unless a version or a label is named",
    scope=Scope.PROMPTS_READ,
    query=PromptQuery,
    body=NoneType,
    response=wire.PromptEnvelope,
    errors=(404, 422),
    headers=(_IF_NONE_MATCH,),
)
async def prompts_get(call: Call[PromptQuery, None]) -> Reply:
    """Get a prompt by id or slug."""
    query = call.query
    prompt = await call.services.prompts.get(
        call.grant, call.path["prompt_id"], version=query.version, label=query.label, project=query.project_id
    )
    return call.conditional(prompt, prompt.etag)


@operation(
    "prompts_update",
    "PUT",
    _ONE,
    tag="prompts",
    summary="Change a prompt: a new version, or an edit of one in place",
    scope=Scope.PROMPTS_WRITE,
    query=ProjectQuery,
    body=wire.PromptUpdate,
    response=wire.PromptEnvelope,
    errors=(404, 409, 422),
    headers=(_IF_MATCH, IDEMPOTENCY_KEY),
)
async def prompts_update(call: Call[ProjectQuery, wire.PromptUpdate]) -> Reply:
    """Change a prompt."""
    prompt = await call.services.prompts.update(
        call.grant,
        call.path["prompt_id"],
        call.body,
        project=call.query.project_id,
        if_match=call.headers.get("if-match"),
        once=call.once,
    )
    return call.reply(prompt, headers=_etag(prompt))


@operation(
    "prompts_delete",
    "DELETE",
    _ONE,
    tag="prompts",
    summary="Delete a version of a prompt, or all of them",
    scope=Scope.PROMPTS_WRITE,
    query=PromptDeleteQuery,
    body=NoneType,
    response=wire.PromptDeletedEnvelope,
    errors=(404, 409, 422),
    headers=(_IF_MATCH, IDEMPOTENCY_KEY),
)
async def prompts_delete(call: Call[PromptDeleteQuery, None]) -> Reply:
    """Delete a prompt."""
    query = call.query
    deleted = await call.services.prompts.delete(
        call.grant,
        call.path["prompt_id"],
        version=query.version,
        force=query.force,
        project=query.project_id,
        if_match=call.headers.get("if-match"),
        once=call.once,
    )
    return call.reply(deleted)


@operation(
    "prompts_versions_list",
    "GET",
    f"{_ONE}/versions",
    tag="prompts",
    summary="List the versions of a prompt, highest first, prereleases last",
    scope=Scope.PROMPTS_READ,
    query=VersionListQuery,
    body=NoneType,
    response=wire.PromptVersionListEnvelope,
    errors=(404, 422),
)
async def prompts_versions_list(call: Call[VersionListQuery, None]) -> Reply:
    """List versions."""
    return call.reply(await call.services.prompts.versions(call.grant, call.path["prompt_id"], call.query))


@operation(
    "prompts_versions_get",
    "GET",
    f"{_ONE}/versions/{{version:str}}",
    tag="prompts",
    summary="Get one version of a prompt",
    scope=Scope.PROMPTS_READ,
    query=ProjectQuery,
    body=NoneType,
    response=wire.PromptEnvelope,
    errors=(404, 422),
    headers=(_IF_NONE_MATCH,),
)
async def prompts_versions_get(call: Call[ProjectQuery, None]) -> Reply:
    """Get one version."""
    prompt = await call.services.prompts.get(
        call.grant, call.path["prompt_id"], version=call.path["version"], project=call.query.project_id
    )
    return call.conditional(prompt, prompt.etag)


@operation(
    "prompts_render",
    "POST",
    f"{_ONE}/render",
    tag="prompts",
    summary="Fill the variables into a prompt",
    scope=Scope.PROMPTS_READ,
    query=ProjectQuery,
    body=wire.RenderRequest,
    response=wire.RenderEnvelope,
    errors=(404, 422),
)
async def prompts_render(call: Call[ProjectQuery, wire.RenderRequest]) -> Reply:
    """Render a prompt."""
    rendered = await call.services.prompts.render(
        call.grant, call.path["prompt_id"], call.body, project=call.query.project_id
    )
    return call.reply(rendered)


@operation(
    "prompts_batch",
    "POST",
    "/v1/client/prompts/batch",
    tag="prompts",
    summary="Get up to 100 prompts at once; those that cannot be had are errors of their own",
    scope=Scope.PROMPTS_READ,
    query=ProjectQuery,
    body=wire.PromptBatchRequest,
    response=wire.PromptBatchEnvelope,
    errors=(404, 422),
)
async def prompts_batch(call: Call[ProjectQuery, wire.PromptBatchRequest]) -> Reply:
    """Get many prompts."""
    return call.reply(await call.services.prompts.batch(call.grant, call.body, project=call.query.project_id))


@operation(
    "prompts_for_model",
    "GET",
    f"{_ONE}/model/{{model_provider:str}}/{{model_name:str}}",
    tag="prompts",
    summary="Get the text of a prompt that applies to a model",
    scope=Scope.PROMPTS_READ,
    query=PromptQuery,
    body=NoneType,
    response=wire.PromptForModelEnvelope,
    errors=(404, 422),
    headers=(_IF_NONE_MATCH,),
)
async def prompts_for_model(call: Call[PromptQuery, None]) -> Reply:
    """Get the model's own text, its provider's, or the prompt's."""
    found = await call.services.prompts.for_model(
        call.grant,
        call.path["prompt_id"],
        wire.ModelReference(model_provider=call.path["model_provider"], model_name=call.path["model_name"]),
        version=call.query.version,
        label=call.query.label,
        project=call.query.project_id,
    )
    return call.conditional(found, found.etag)


def _etag(prompt: wire.PromptResponse) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"etag", f'"{prompt.etag}"'.encode()),)


PROMPTS = (
    prompts_list,
    prompts_create,
    prompts_get,
    prompts_update,
    prompts_delete,
    prompts_versions_list,
    prompts_versions_get,
    prompts_render,
    prompts_batch,
    prompts_for_model,
)
