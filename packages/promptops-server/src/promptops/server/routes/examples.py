"""Searches of examples, and changes of those that are there: ``/v2/datasets/{dataset_id}/examples``."""

from __future__ import annotations

from typing import Final

from promptops.server import wire
from promptops.server.calls import Call, Reply
from promptops.server.grants import Scope
from promptops.server.operations import IDEMPOTENCY_KEY, NoQuery, operation
from promptops.server.queries import ExamplesInsertQuery

__all__ = ["EXAMPLES"]

_ALL: Final = "/v2/datasets/{dataset_id:str}/examples"


@operation(
    "datasets_examples_search",
    "POST",
    f"{_ALL}/search",
    tag="datasets",
    summary="List the examples of a dataset, oldest first, those that a filter keeps",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=wire.DatasetExamplesSearch,
    response=wire.DatasetExampleList,
    errors=(400, 404, 422),
)
async def datasets_examples_search(call: Call[NoQuery, wire.DatasetExamplesSearch]) -> Reply:
    """Search examples."""
    return call.reply(await call.services.examples.search(call.grant, call.path["dataset_id"], call.body))


@operation(
    "datasets_examples_update",
    "PATCH",
    _ALL,
    tag="datasets",
    summary="Add and replace fields of examples, in place or in a new version",
    scope=Scope.EXPERIMENTS,
    query=ExamplesInsertQuery,
    body=wire.DatasetExamplesUpdate,
    response=wire.DatasetVersionWithExampleIds,
    errors=(400, 404, 409, 422),
    headers=(IDEMPOTENCY_KEY,),
)
async def datasets_examples_update(call: Call[ExamplesInsertQuery, wire.DatasetExamplesUpdate]) -> Reply:
    """Change examples."""
    updated = await call.services.examples.update(
        call.grant, call.path["dataset_id"], call.body, version=call.query.dataset_version_id, once=call.once
    )
    return call.reply(updated)


@operation(
    "datasets_examples_delete",
    "DELETE",
    _ALL,
    tag="datasets",
    summary="Remove examples from a version of a dataset, in place",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=wire.DatasetExamplesDelete,
    response=wire.DatasetExamplesDeleted,
    errors=(400, 404, 409, 422),
    headers=(IDEMPOTENCY_KEY,),
)
async def datasets_examples_delete(call: Call[NoQuery, wire.DatasetExamplesDelete]) -> Reply:
    """Remove examples."""
    deleted = await call.services.examples.delete(call.grant, call.path["dataset_id"], call.body, once=call.once)
    return call.reply(deleted)


EXAMPLES = (datasets_examples_search, datasets_examples_update, datasets_examples_delete)
