"""Drafts of dataset versions: ``/v2/dataset-drafts``, which is more than the contract of ``/v2`` has."""

from __future__ import annotations

from types import NoneType
from typing import Final

from promptops.server import wire
from promptops.server.calls import Call, Reply
from promptops.server.grants import Scope
from promptops.server.operations import IDEMPOTENCY_KEY, NoQuery, operation

__all__ = ["DATASET_DRAFTS"]

_ALL: Final = "/v2/dataset-drafts"
_ONE: Final = "/v2/dataset-drafts/{draft_id:str}"


@operation(
    "dataset_drafts_begin",
    "POST",
    _ALL,
    tag="datasets",
    summary="Begin a version of a dataset that nobody sees before it is published, or make and publish one at once",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=wire.DatasetDraftCreate,
    response=wire.DatasetDraft,
    status=201,
    errors=(400, 404, 409, 422),
    headers=(IDEMPOTENCY_KEY,),
)
async def dataset_drafts_begin(call: Call[NoQuery, wire.DatasetDraftCreate]) -> Reply:
    """Begin a draft."""
    return call.reply(await call.services.dataset_drafts.begin(call.grant, call.body, once=call.once))


@operation(
    "dataset_drafts_get",
    "GET",
    _ONE,
    tag="datasets",
    summary="Tell what publishing a draft would change",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=NoneType,
    response=wire.DatasetDraft,
    errors=(400, 404, 409, 422),
)
async def dataset_drafts_get(call: Call[NoQuery, None]) -> Reply:
    """Plan a draft."""
    return call.reply(await call.services.dataset_drafts.plan(call.grant, call.path["draft_id"]))


@operation(
    "dataset_drafts_discard",
    "DELETE",
    _ONE,
    tag="datasets",
    summary="Forget a draft",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=NoneType,
    response=None,
    status=204,
    errors=(400, 404, 409),
    headers=(IDEMPOTENCY_KEY,),
)
async def dataset_drafts_discard(call: Call[NoQuery, None]) -> Reply:
    """Forget a draft."""
    await call.services.dataset_drafts.discard(call.grant, call.path["draft_id"], once=call.once)
    return call.reply(None)


@operation(
    "dataset_drafts_examples_add",
    "POST",
    f"{_ONE}/examples",
    tag="datasets",
    summary="Add examples to a draft",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=wire.DatasetDraftExamples,
    response=wire.DatasetDraft,
    status=201,
    errors=(400, 404, 409, 422),
    headers=(IDEMPOTENCY_KEY,),
)
async def dataset_drafts_examples_add(call: Call[NoQuery, wire.DatasetDraftExamples]) -> Reply:
    """Add examples."""
    added = await call.services.dataset_drafts.add(call.grant, call.path["draft_id"], call.body, once=call.once)
    return call.reply(added)


@operation(
    "dataset_drafts_publish",
    "POST",
    f"{_ONE}/publish",
    tag="datasets",
    summary="Make a draft the latest version of its dataset",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=NoneType,
    response=wire.DatasetDraft,
    errors=(400, 404, 409, 422),
    headers=(IDEMPOTENCY_KEY,),
)
async def dataset_drafts_publish(call: Call[NoQuery, None]) -> Reply:
    """Publish a draft."""
    return call.reply(await call.services.dataset_drafts.publish(call.grant, call.path["draft_id"], once=call.once))


DATASET_DRAFTS = (
    dataset_drafts_begin,
    dataset_drafts_get,
    dataset_drafts_discard,
    dataset_drafts_examples_add,
    dataset_drafts_publish,
)
