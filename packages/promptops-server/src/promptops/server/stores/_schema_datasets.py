"""What datasets got later: drafts of versions, schemas, splits, and digests of examples."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec
from promptops.server.examples import digest_of

__all__ = ["DATASETS", "register"]

DATASETS: Final = (
    # A dataset whose first version is a draft has its real name here, and is not seen.
    "ALTER TABLE datasets ADD COLUMN staged_name TEXT",
    "ALTER TABLE datasets ADD COLUMN example_schema TEXT",
    # What a draft does to the version that was the latest when it began; NULL of what is published.
    "ALTER TABLE dataset_versions ADD COLUMN mode TEXT",
    "ALTER TABLE dataset_versions ADD COLUMN base_id TEXT",
    "ALTER TABLE dataset_versions ADD COLUMN base_at INTEGER",
    "CREATE INDEX dataset_drafts_by_age ON dataset_versions (updated_at) WHERE mode IS NOT NULL",
    "ALTER TABLE examples ADD COLUMN digest TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE examples ADD COLUMN split TEXT",
    # Whether the caller gave the id; without it the content decides what an example is.
    "ALTER TABLE examples ADD COLUMN given INTEGER NOT NULL DEFAULT 1",
    "UPDATE examples SET digest = promptops_example_digest(document)",
    # Two versions are compared by this index alone.
    "CREATE INDEX examples_by_digest ON examples (version_id, digest, id, split)",
)


def register(connection: sqlite3.Connection) -> None:
    """Give the migration the function that it calls."""
    connection.create_function("promptops_example_digest", 1, _digest_of_text, deterministic=True)


def _digest_of_text(document: str) -> str:
    return digest_of(msgspec.json.decode(document))
