"""Rows of datasets and of their versions, as every part of the store reads them."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType
from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.stores._session import Row, Session, moment
from promptops.server.stores.scope import Scoped

__all__ = ["COLUMNS", "VersionRow", "dataset_of", "find_dataset", "find_version"]

# ruff: noqa: S608 - every statement below is put together from constants of this module; values are parameters
COLUMNS: Final = "d.id, d.name, d.project_id, d.created_at, d.updated_at, d.seq"
_GET: Final = Scoped(
    f"SELECT {COLUMNS}, d.example_schema FROM datasets d WHERE d.id = :id AND d.staged_name IS NULL AND {{d:granted}}"
)
_VERSIONS: Final = Scoped(
    "SELECT v.id, v.name, v.dataset_id, v.created_at, v.updated_at FROM dataset_versions v"
    " WHERE v.dataset_id = :id AND v.mode IS NULL AND {v:granted} ORDER BY v.seq DESC"
)
_VERSION: Final = Scoped(
    "SELECT v.id, v.name, v.updated_at FROM dataset_versions v WHERE v.dataset_id = :id"
    " AND (:version IS NULL OR v.id = :version) AND v.mode IS NULL AND {v:granted} ORDER BY v.seq DESC LIMIT 1"
)


class VersionRow(Struct, frozen=True):
    """A published version: its id, its name, and when it was changed last, in microseconds."""

    id: str
    name: str
    updated_at: int


def find_version(session: Session, grant: Grant, dataset_id: str, version_id: str | None) -> VersionRow | None:
    """The published version of that id, or the latest."""
    row = session.one(_VERSION, grant, id=dataset_id, version=version_id)
    return None if row is None else VersionRow(*row)


def find_dataset(session: Session, grant: Grant, dataset_id: str) -> wire.Dataset | None:
    """A dataset that can be seen, with its versions."""
    row = session.one(_GET, grant, id=dataset_id)
    if row is None:
        return None
    versions = [
        wire.DatasetVersion(
            id=found[0],
            name=found[1],
            dataset_id=found[2],
            created_at=moment(found[3]),
            updated_at=moment(found[4]),
        )
        for found in session.all(_VERSIONS, grant, id=dataset_id)
    ]
    return dataset_of(row, versions)


def dataset_of(row: Row, versions: list[wire.DatasetVersion] | UnsetType = UNSET) -> wire.Dataset:
    """What callers see of a row of :data:`COLUMNS`, with or without the schema behind them."""
    return wire.Dataset(
        id=row[0],
        name=row[1],
        space_id=row[2],
        created_at=moment(row[3]),
        updated_at=moment(row[4]),
        versions=versions,
        example_schema=UNSET if len(row) < 7 or row[6] is None else msgspec.json.decode(row[6]),
    )
