"""The rules of experiments and their runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from promptops.core.errors import NotFoundError, ValidationError
from promptops.server import wire
from promptops.server.cursors import Cursors
from promptops.server.grants import Grant
from promptops.server.idempotency import InFlight, Once
from promptops.server.queries import CursorQuery, ExperimentListQuery
from promptops.server.refusals import QueryError, invalid
from promptops.server.row_filters import parse_filter
from promptops.server.services.pages import DEFAULT_ROWS, RunPage, page_of, pagination
from promptops.server.services.projects import Projects
from promptops.server.stores.protocol import ExperimentStore

__all__ = ["ExperimentService"]

_NAMED_IN_MESSAGE: Final = 5


class ExperimentService:
    """What a caller can do with experiments; each method takes the grant first."""

    def __init__(
        self,
        store: ExperimentStore,
        projects: Projects,
        cursors: Cursors,
        in_flight: InFlight,
        *,
        accept_unknown_example_ids: bool,
    ) -> None:
        self._store = store
        self._projects = projects
        self._cursors = cursors
        self._in_flight = in_flight
        self._accept_unknown = accept_unknown_example_ids

    async def list(self, grant: Grant, query: ExperimentListQuery) -> wire.ExperimentList:
        """Experiments, newest first.

        Raises:
            QueryError: Both a dataset and a space are named.
        """
        if query.dataset_id is not None and query.space_id is not None:
            message = "name a dataset or a space, not both"
            raise QueryError(
                f"dataset_id: {message}",
                validation_errors=[{"field": "dataset_id", "message": message, "code": "conflicting_fields"}],
            )
        grant = await self._projects.within(grant, query.space_id)
        question = ("experiments", query.dataset_id, query.name)
        position = self._cursors.open(grant, question, query.cursor)
        if query.dataset_id is not None and not await self._store.has_dataset(grant, query.dataset_id):
            raise _no_dataset(query.dataset_id)
        found, after = await self._store.list_experiments(
            grant,
            dataset_id=query.dataset_id,
            name=query.name,
            limit=query.limit,
            before=int(position[0]) if position else None,
        )
        return wire.ExperimentList(
            experiments=found,
            pagination=pagination(self._cursors, grant, question, None if after is None else (after,)),
        )

    async def create(self, grant: Grant, body: wire.ExperimentCreate, *, once: Once | None) -> wire.Experiment:
        """Create an experiment with its first runs.

        Raises:
            ValidationError: Not exactly one of dataset and space is named, or a run is not allowed.
            NotFoundError: There is no such dataset or space.
            ConflictError: The name is taken in the dataset (or in the space, without a dataset).
        """
        if (body.dataset_id is None) == (body.space_id is None):
            raise invalid("dataset_id", "name exactly one of dataset_id and space_id", "conflicting_fields")
        if not body.name.strip():
            raise invalid("name", "must not be blank")
        grant = await self._projects.within(grant, body.space_id)
        with self._in_flight.claim(once):
            created = await self._store.insert_experiment(
                grant, body.name, body.dataset_id, runs=body.experiment_runs, check=self._check_runs, once=once
            )
        if created is None:
            raise _no_dataset(str(body.dataset_id))
        return created

    async def get(self, grant: Grant, experiment_id: str) -> wire.Experiment:
        """An experiment, without its runs.

        Raises:
            NotFoundError: There is none.
        """
        experiment = await self._store.get_experiment(grant, experiment_id)
        if experiment is None:
            raise _missing(experiment_id)
        return experiment

    async def delete(self, grant: Grant, experiment_id: str, *, once: Once | None) -> None:
        """Delete an experiment and its runs.

        Raises:
            NotFoundError: There is none.
        """
        with self._in_flight.claim(once):
            if await self._store.delete_experiment(grant, experiment_id, once) is None:
                raise _missing(experiment_id)

    async def runs(self, grant: Grant, experiment_id: str, query: CursorQuery) -> RunPage:
        """The runs of an experiment in the order of insertion.

        Raises:
            NotFoundError: There is no such experiment.
        """
        question = ("runs", experiment_id)
        after = self._cursors.open(grant, question, query.cursor)
        rows = await self._store.list_runs(grant, experiment_id, limit=query.limit, after=after)
        if rows is None:
            raise _missing(experiment_id)
        return RunPage(rows.items, page_of(self._cursors, grant, question, rows))

    async def search_runs(self, grant: Grant, experiment_id: str, body: wire.ExperimentRunsSearch) -> RunPage:
        """The runs of an experiment by id, those that a filter keeps.

        Raises:
            NotFoundError: There is no such experiment.
            QueryError: The filter is blank.
            ValidationError: The filter cannot be read.
        """
        where = parse_filter(body.filter)
        question = ("runs by id", experiment_id, body.filter)
        after = self._cursors.open(grant, question, body.cursor)
        rows = await self._store.search_runs(
            grant, experiment_id, limit=body.limit or DEFAULT_ROWS, after=after, where=where
        )
        if rows is None:
            raise _missing(experiment_id)
        return RunPage(rows.items, page_of(self._cursors, grant, question, rows))

    async def insert_runs(
        self, grant: Grant, experiment_id: str, body: wire.ExperimentRunsInsert, *, once: Once | None
    ) -> wire.ExperimentWithRunIds:
        """Append runs.

        Raises:
            NotFoundError: There is no such experiment.
            ValidationError: A run is not allowed.
        """
        with self._in_flight.claim(once):
            inserted = await self._store.insert_runs(grant, experiment_id, body.experiment_runs, self._check_runs, once)
        if inserted is None:
            raise _missing(experiment_id)
        return inserted

    def _check_runs(self, runs: Sequence[wire.JsonObject], known: set[str] | None) -> None:
        """Refuse runs that the contract does not allow; ``known`` is None without a dataset."""
        problems: list[dict[str, Any]] = []
        unknown: list[str] = []
        for index, run in enumerate(runs):
            field = f"experiment_runs[{index}]"
            problems += _shape_problems(field, run, needs_example=known is not None)
            example = run.get("example_id")
            if known is not None and isinstance(example, str) and example not in known and not self._accept_unknown:
                unknown.append(example)
                message = "there is no such example in this version of the dataset"
                problems.append({"field": f"{field}.example_id", "message": message, "code": "unknown_example_id"})
        if not problems:
            return
        message = f"{problems[0]['field']}: {problems[0]['message']}"
        if unknown:
            named = ", ".join(unknown[:_NAMED_IN_MESSAGE])
            rest = len(unknown) - _NAMED_IN_MESSAGE
            message = f"Unknown example_id: {named}{f' and {rest} more' if rest > 0 else ''}"
        raise ValidationError(message, validation_errors=problems)


def _shape_problems(field: str, run: wire.JsonObject, *, needs_example: bool) -> list[dict[str, Any]]:
    problems: list[dict[str, Any]] = []
    if "output" not in run:
        problems.append({"field": f"{field}.output", "message": "missing", "code": "missing_field"})
    elif not isinstance(run["output"], str):
        message = "must be a string; write other values as JSON text"
        problems.append({"field": f"{field}.output", "message": message, "code": "invalid_type"})
    example = run.get("example_id")
    if example is None and needs_example:
        problems.append({"field": f"{field}.example_id", "message": "missing", "code": "missing_field"})
    elif example is not None and not isinstance(example, str):
        problems.append({"field": f"{field}.example_id", "message": "must be a string", "code": "invalid_type"})
    if not isinstance(run.get("error"), str | None):
        problems.append({"field": f"{field}.error", "message": "must be a string or null", "code": "invalid_type"})
    if "id" in run:
        problems.append({"field": f"{field}.id", "message": "is set by the server", "code": "reserved_field"})
    return problems


def _missing(experiment_id: str) -> NotFoundError:
    return NotFoundError(f"There is no experiment '{experiment_id}' in the projects of this key.")


def _no_dataset(dataset_id: str) -> NotFoundError:
    return NotFoundError(f"There is no dataset '{dataset_id}' in the projects of this key.")
