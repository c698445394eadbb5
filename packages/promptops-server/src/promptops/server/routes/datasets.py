"""Datasets and their examples: ``/v2/datasets``."""

from __future__ import annotations

from types import NoneType
from typing import Final

from promptops.server import wire
from promptops.server.calls import Call, Reply
from promptops.server.grants import Scope
from promptops.server.operations import IDEMPOTENCY_KEY, NoQuery, operation
from promptops.server.queries import DatasetListQuery, ExampleListQuery, ExamplesInsertQuery

__all__ = ["DATASETS"]

_ALL: Final = "/v2/datasets"
_ONE: Final = "/v2/datasets/{dataset_id:str}"


@operation(
    "datasets_list",
    "GET",
    _ALL,
    tag="datasets",
    summary="List datasets, newest first",
    scope=Scope.EXPERIMENTS,
    query=DatasetListQuery,
    body=NoneType,
    response=wire.DatasetList,
    errors=(400, 404),
)
async def datasets_list(call: Call[DatasetListQuery, None]) -> Reply:
    """List datasets."""
    return call.reply(await call.services.datasets.list(call.grant, call.query))


@operation(
    "datasets_create",
    "POST",
    _ALL,
    tag="datasets",
    summary="Create a dataset with its first examples",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=wire.DatasetCreate,
    response=wire.Dataset,
    status=201,
    errors=(400, 404, 409, 422),
    headers=(IDEMPOTENCY_KEY,),
)
async def datasets_create(call: Call[NoQuery, wire.DatasetCreate]) -> Reply:
    """Create a dataset."""
    return call.reply(await call.services.datasets.create(call.grant, call.body, once=call.once))


@operation(
    "datasets_get",
    "GET",
    _ONE,
    tag="datasets",
    summary="Get a dataset with its versions",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=NoneType,
    response=wire.Dataset,
    errors=(400, 404),
)
async def datasets_get(call: Call[NoQuery, None]) -> Reply:
    """Get a dataset."""
    return call.reply(await call.services.datasets.get(call.grant, call.path["dataset_id"]))


@operation(
    "datasets_update",
    "PATCH",
    _ONE,
    tag="datasets",
    summary="Give a dataset another name",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=wire.DatasetUpdate,
    response=wire.Dataset,
    errors=(400, 404, 409, 422),
    headers=(IDEMPOTENCY_KEY,),
)
async def datasets_update(call: Call[NoQuery, wire.DatasetUpdate]) -> Reply:
    """Rename a dataset."""
    return call.reply(
        await call.services.datasets.rename(call.grant, call.path["dataset_id"], call.body, once=call.once)
    )


@operation(
    "datasets_delete",
    "DELETE",
    _ONE,
    tag="datasets",
    summary="Delete a dataset, its examples and its experiments",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=NoneType,
    response=None,
    status=204,
    errors=(400, 404, 409),
    headers=(IDEMPOTENCY_KEY,),
)
async def datasets_delete(call: Call[NoQuery, None]) -> Reply:
    """Delete a dataset."""
    await call.services.datasets.delete(call.grant, call.path["dataset_id"], once=call.once)
    return call.reply(None)


@operation(
    "datasets_examples_list",
    "GET",
    f"{_ONE}/examples",
    tag="datasets",
    summary="List the examples of a dataset, oldest first",
    scope=Scope.EXPERIMENTS,
    query=ExampleListQuery,
    body=NoneType,
    response=wire.DatasetExampleList,
    errors=(400, 404),
)
async def datasets_examples_list(call: Call[ExampleListQuery, None]) -> Reply:
    """List examples."""
    return call.reply(await call.services.datasets.examples(call.grant, call.path["dataset_id"], call.query))


@operation(
    "datasets_examples_insert",
    "POST",
    f"{_ONE}/examples",
    tag="datasets",
    summary="Append examples to a version of a dataset",
    scope=Scope.EXPERIMENTS,
    query=ExamplesInsertQuery,
    body=wire.DatasetExamplesInsert,
    response=wire.DatasetVersionWithExampleIds,
    status=201,
    errors=(400, 404, 409, 422),
    headers=(IDEMPOTENCY_KEY,),
)
async def datasets_examples_insert(call: Call[ExamplesInsertQuery, wire.DatasetExamplesInsert]) -> Reply:
    """Append examples."""
    inserted = await call.services.datasets.insert_examples(
        call.grant, call.path["dataset_id"], call.body, version=call.query.dataset_version_id, once=call.once
    )
    return call.reply(inserted)


@operation(
    "datasets_schema_set",
    "PUT",
    f"{_ONE}/schema",
    tag="datasets",
    summary="Set the JSON schema that new examples of a dataset must meet",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=wire.DatasetSchema,
    response=wire.Dataset,
    errors=(400, 404, 409, 422),
    headers=(IDEMPOTENCY_KEY,),
)
async def datasets_schema_set(call: Call[NoQuery, wire.DatasetSchema]) -> Reply:
    """Set the schema."""
    dataset = await call.services.datasets.set_schema(call.grant, call.path["dataset_id"], call.body, once=call.once)
    return call.reply(dataset)


DATASETS = (
    datasets_list,
    datasets_create,
    datasets_get,
    datasets_update,
    datasets_delete,
    datasets_examples_list,
    datasets_examples_insert,
    datasets_schema_set,
)
