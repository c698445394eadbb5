"""Experiments and their runs in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec import Raw
from promptops.core.errors import ConflictError
from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.idempotency import Once
from promptops.server.ids import new_id
from promptops.server.row_filters import Filter
from promptops.server.stores._audit import record
from promptops.server.stores._base import SqliteBase
from promptops.server.stores._row_filters import Columns, condition_of
from promptops.server.stores._session import Row, Session, moment
from promptops.server.stores.protocol import Rows
from promptops.server.stores.scope import Scoped

__all__ = ["SqliteExperiments"]

_encode = msgspec.json.Encoder().encode
Check = Callable[[Sequence[wire.JsonObject], set[str] | None], None]

# ruff: noqa: S608 - every statement below is put together from constants of this module; values are parameters
_COLUMNS: Final = "x.id, x.name, x.project_id, x.dataset_id, x.dataset_version_id, x.created_at, x.updated_at, x.seq"
_GET: Final = Scoped(f"SELECT {_COLUMNS} FROM experiments x WHERE x.id = :id AND {{x:granted}}")
_LIST: Final = Scoped(
    f"SELECT {_COLUMNS} FROM experiments x WHERE {{x:granted}} AND (:before IS NULL OR x.seq < :before)"
    " AND (:dataset_id IS NULL OR x.dataset_id = :dataset_id)"
    " AND (:name IS NULL OR instr(lower(x.name), lower(:name)) > 0) ORDER BY x.seq DESC LIMIT :limit"
)
_HAS_DATASET: Final = Scoped("SELECT 1 FROM datasets d WHERE d.id = :id AND d.staged_name IS NULL AND {d:granted}")
_LATEST: Final = Scoped(
    "SELECT v.id, v.project_id FROM dataset_versions v WHERE v.dataset_id = :dataset_id AND v.mode IS NULL"
    " AND {v:granted} ORDER BY v.seq DESC LIMIT 1"
)
_INSERT: Final = Scoped(
    "INSERT INTO experiments (id, project_id, dataset_id, dataset_version_id, name, created_at, updated_at)"
    " VALUES (:id, :project_id, :dataset_id, :dataset_version_id, :name, :now, :now)"
)
_INSERT_RUN: Final = Scoped(
    "INSERT INTO runs (id, experiment_id, project_id, example_id, document)"
    " VALUES (:id, :experiment_id, :project_id, :example_id, :document)"
)
_KNOWN: Final = Scoped(
    "SELECT e.id FROM json_each(:ids) w JOIN examples e ON e.version_id = :version_id AND e.id = w.value"
    " WHERE {e:granted}"
)
_TOUCH: Final = Scoped("UPDATE experiments AS x SET updated_at = :now WHERE x.id = :id AND {x:granted}")
_DELETE: Final = Scoped("DELETE FROM experiments AS x WHERE x.id = :id AND {x:granted}")
_RUNS: Final = Scoped(
    "SELECT r.seq, r.document FROM runs r WHERE r.experiment_id = :id AND r.seq > :after AND {r:granted}"
    " ORDER BY r.seq LIMIT :limit"
)
_SEARCH: Final = "SELECT r.id, r.document FROM runs r WHERE r.experiment_id = :id AND r.id > :after AND {r:granted}"
_SEARCH_ORDER: Final = " ORDER BY r.id LIMIT :limit"
_RUN_COLUMNS: Final = Columns("r.document", {"id": "r.id"})


class SqliteExperiments(SqliteBase):
    """See :class:`promptops.server.stores.protocol.ExperimentStore`."""

    async def get_experiment(self, grant: Grant, experiment_id: str) -> wire.Experiment | None:
        """An experiment without its runs."""
        return _get(self._inline, grant, experiment_id)

    async def has_dataset(self, grant: Grant, dataset_id: str) -> bool:
        """Whether there is such a dataset."""
        return self._inline.one(_HAS_DATASET, grant, id=dataset_id) is not None

    async def list_experiments(
        self, grant: Grant, *, dataset_id: str | None, name: str | None, limit: int, before: int | None
    ) -> tuple[list[wire.Experiment], int | None]:
        """Newest first, and the position after the page when there is more."""

        def work(session: Session) -> tuple[list[wire.Experiment], int | None]:
            rows = session.all(_LIST, grant, dataset_id=dataset_id, name=name, before=before, limit=limit + 1)
            page = rows[:limit]
            return [_experiment(row) for row in page], page[-1][7] if len(rows) > limit else None

        return await self._listing(work)

    async def insert_experiment(
        self,
        grant: Grant,
        name: str,
        dataset_id: str | None,
        *,
        runs: Sequence[wire.JsonObject],
        check: Check,
        once: Once | None,
    ) -> wire.Experiment | None:
        """Create an experiment of a dataset, or of the default project when there is none."""

        def work(session: Session) -> wire.Experiment | None:
            version_id, project = None, grant.default
            if dataset_id is not None:
                latest = session.one(_LATEST, grant, dataset_id=dataset_id)
                if latest is None:
                    return None
                version_id, project = latest
            check(runs, _known(session, grant, version_id, runs))
            created = wire.Experiment(
                id=new_id("Experiment"),
                name=name,
                space_id=project,
                dataset_id=dataset_id,
                dataset_version_id=version_id,
                created_at=moment(now := session.now()),
                updated_at=moment(now),
            )
            values = {"dataset_id": dataset_id, "dataset_version_id": version_id, "name": name, "now": now}
            try:
                session.run(_INSERT, grant, id=created.id, project_id=project, **values)
            except sqlite3.IntegrityError as error:
                where = "this space" if dataset_id is None else "this dataset"
                raise ConflictError(f"An experiment named '{name}' exists in {where}; give another name.") from error
            _append(session, created, runs)
            record(session, grant, "experiment", "created", created.id, project_id=project)
            return created

        return await self._write(once, work)

    async def delete_experiment(self, grant: Grant, experiment_id: str, once: Once | None) -> bool | None:
        """Delete an experiment and its runs; None when there is none."""

        def work(session: Session) -> bool | None:
            found = _get(session, grant, experiment_id)
            if found is None:
                return None
            session.run(_DELETE, grant, id=experiment_id)
            record(session, grant, "experiment", "deleted", experiment_id, project_id=found.space_id)
            return True

        return await self._write(once, work)

    async def list_runs(
        self, grant: Grant, experiment_id: str, *, limit: int, after: tuple[int | str, ...] | None
    ) -> Rows | None:
        """The runs of an experiment in the order of insertion."""
        position = after[0] if after else 0

        def work(session: Session) -> Rows | None:
            if _get(session, grant, experiment_id) is None:
                return None
            rows = session.all(_RUNS, grant, id=experiment_id, after=position, limit=limit + 1)
            page = rows[:limit]
            last = (page[-1][0],) if len(rows) > limit else None
            return Rows(items=[Raw(row[1].encode()) for row in page], after=last)

        return await self._listing(work)

    async def search_runs(
        self,
        grant: Grant,
        experiment_id: str,
        *,
        limit: int,
        after: tuple[int | str, ...] | None,
        where: Filter | None,
    ) -> Rows | None:
        """The runs of an experiment by id; ``where`` keeps some."""
        condition, values = condition_of(where, _RUN_COLUMNS)
        statement = Scoped(f"{_SEARCH} AND {condition}{_SEARCH_ORDER}")
        position = after[0] if after else ""

        def work(session: Session) -> Rows | None:
            if _get(session, grant, experiment_id) is None:
                return None
            rows = session.all(statement, grant, id=experiment_id, after=position, limit=limit + 1, **values)
            page = rows[:limit]
            last = (page[-1][0],) if len(rows) > limit else None
            return Rows(items=[Raw(row[1].encode()) for row in page], after=last)

        return await (self._listing(work) if where is None else self._searching(work))

    async def insert_runs(
        self, grant: Grant, experiment_id: str, runs: Sequence[wire.JsonObject], check: Check, once: Once | None
    ) -> wire.ExperimentWithRunIds | None:
        """Append runs."""

        def work(session: Session) -> wire.ExperimentWithRunIds | None:
            found = _get(session, grant, experiment_id)
            if found is None:
                return None
            check(runs, _known(session, grant, found.dataset_version_id, runs))
            ids = _append(session, found, runs)
            now = session.now()
            session.run(_TOUCH, grant, id=experiment_id, now=now)
            record(session, grant, "experiment", "runs_added", experiment_id, project_id=found.space_id)
            return wire.ExperimentWithRunIds(
                id=found.id,
                name=found.name,
                space_id=found.space_id,
                dataset_id=found.dataset_id,
                dataset_version_id=found.dataset_version_id,
                created_at=found.created_at,
                updated_at=moment(now),
                run_ids=ids,
            )

        return await self._write(once, work)


def _get(session: Session, grant: Grant, experiment_id: str) -> wire.Experiment | None:
    row = session.one(_GET, grant, id=experiment_id)
    return None if row is None else _experiment(row)


def _experiment(row: Row) -> wire.Experiment:
    return wire.Experiment(
        id=row[0],
        name=row[1],
        space_id=row[2],
        dataset_id=row[3],
        dataset_version_id=row[4],
        created_at=moment(row[5]),
        updated_at=moment(row[6]),
    )


def _known(session: Session, grant: Grant, version_id: str | None, runs: Sequence[wire.JsonObject]) -> set[str] | None:
    """Which of the example ids of the runs are in the version; None when there is no version to be in."""
    if version_id is None:
        return None
    ids = _encode([run["example_id"] for run in runs if isinstance(run.get("example_id"), str)]).decode()
    return {row[0] for row in session.all(_KNOWN, grant, version_id=version_id, ids=ids)}


def _append(session: Session, experiment: wire.Experiment, runs: Sequence[wire.JsonObject]) -> list[str]:
    ids = [new_id("Run") for _ in runs]
    session.run_many(
        _INSERT_RUN,
        (
            {
                "id": run_id,
                "experiment_id": experiment.id,
                "project_id": experiment.space_id,
                "example_id": run.get("example_id"),
                "document": _encode({"id": run_id, "example_id": None, "output": None, "error": None, **run}).decode(),
            }
            for run_id, run in zip(ids, runs, strict=True)
        ),
    )
    return ids
