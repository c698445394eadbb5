"""Experiments and their runs: ``/v2/experiments``."""

from __future__ import annotations

from types import NoneType
from typing import Final

from promptops.server import wire
from promptops.server.calls import Call, Reply
from promptops.server.grants import Scope
from promptops.server.operations import IDEMPOTENCY_KEY, NoQuery, operation
from promptops.server.queries import CursorQuery, ExperimentListQuery

__all__ = ["EXPERIMENTS"]

_ALL: Final = "/v2/experiments"
_ONE: Final = "/v2/experiments/{experiment_id:str}"


@operation(
    "experiments_list",
    "GET",
    _ALL,
    tag="experiments",
    summary="List experiments, newest first",
    scope=Scope.EXPERIMENTS,
    query=ExperimentListQuery,
    body=NoneType,
    response=wire.ExperimentList,
    errors=(400, 404),
)
async def experiments_list(call: Call[ExperimentListQuery, None]) -> Reply:
    """List experiments."""
    return call.reply(await call.services.experiments.list(call.grant, call.query))


@operation(
    "experiments_create",
    "POST",
    _ALL,
    tag="experiments",
    summary="Create an experiment with its first runs",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=wire.ExperimentCreate,
    response=wire.Experiment,
    status=201,
    errors=(400, 404, 409, 422),
    headers=(IDEMPOTENCY_KEY,),
)
async def experiments_create(call: Call[NoQuery, wire.ExperimentCreate]) -> Reply:
    """Create an experiment."""
    return call.reply(await call.services.experiments.create(call.grant, call.body, once=call.once))


@operation(
    "experiments_get",
    "GET",
    _ONE,
    tag="experiments",
    summary="Get an experiment, without its runs",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=NoneType,
    response=wire.Experiment,
    errors=(400, 404),
)
async def experiments_get(call: Call[NoQuery, None]) -> Reply:
    """Get an experiment."""
    return call.reply(await call.services.experiments.get(call.grant, call.path["experiment_id"]))


@operation(
    "experiments_delete",
    "DELETE",
    _ONE,
    tag="experiments",
    summary="Delete an experiment and its runs",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=NoneType,
    response=None,
    status=204,
    errors=(400, 404, 409),
    headers=(IDEMPOTENCY_KEY,),
)
async def experiments_delete(call: Call[NoQuery, None]) -> Reply:
    """Delete an experiment."""
    await call.services.experiments.delete(call.grant, call.path["experiment_id"], once=call.once)
    return call.reply(None)


@operation(
    "experiments_runs_list",
    "GET",
    f"{_ONE}/runs",
    tag="experiments",
    summary="List the runs of an experiment in insertion order",
    scope=Scope.EXPERIMENTS,
    query=CursorQuery,
    body=NoneType,
    response=wire.ExperimentRunList,
    errors=(400, 404),
)
async def experiments_runs_list(call: Call[CursorQuery, None]) -> Reply:
    """List runs."""
    return call.reply(await call.services.experiments.runs(call.grant, call.path["experiment_id"], call.query))


@operation(
    "experiments_runs_search",
    "POST",
    f"{_ONE}/runs/search",
    tag="experiments",
    summary="List the runs of an experiment by id, those that a filter keeps",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=wire.ExperimentRunsSearch,
    response=wire.ExperimentRunList,
    errors=(400, 404, 422),
)
async def experiments_runs_search(call: Call[NoQuery, wire.ExperimentRunsSearch]) -> Reply:
    """Search runs."""
    return call.reply(await call.services.experiments.search_runs(call.grant, call.path["experiment_id"], call.body))


@operation(
    "experiments_runs_insert",
    "POST",
    f"{_ONE}/runs",
    tag="experiments",
    summary="Append runs to an experiment",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=wire.ExperimentRunsInsert,
    response=wire.ExperimentWithRunIds,
    status=201,
    errors=(400, 404, 409, 422),
    headers=(IDEMPOTENCY_KEY,),
)
async def experiments_runs_insert(call: Call[NoQuery, wire.ExperimentRunsInsert]) -> Reply:
    """Append runs."""
    inserted = await call.services.experiments.insert_runs(
        call.grant, call.path["experiment_id"], call.body, once=call.once
    )
    return call.reply(inserted)


EXPERIMENTS = (
    experiments_list,
    experiments_create,
    experiments_get,
    experiments_delete,
    experiments_runs_list,
    experiments_runs_search,
    experiments_runs_insert,
)
