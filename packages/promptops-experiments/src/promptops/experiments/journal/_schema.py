"""The tables of the journal, and the statements that write them."""

from __future__ import annotations

from typing import Final

__all__ = [
    "APPLICATION_ID",
    "EXAMPLES",
    "FINGERPRINTS",
    "MIGRATIONS",
    "SCHEMA",
    "SCHEMA_VERSION",
    "SCORES",
    "UNITS",
    "UNITS_REPLACING",
    "UPLOADS",
    "Statement",
]

APPLICATION_ID: Final = 0x504F4A31
"""Marks the file as a journal ("POJ1")."""

SCHEMA_VERSION: Final = 2

_EXPERIMENTS: Final = """CREATE TABLE experiments(
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, dataset_id TEXT NOT NULL, name TEXT NOT NULL,
        record TEXT NOT NULL, origin TEXT NOT NULL DEFAULT '', UNIQUE(origin, dataset_id, name))"""

SCHEMA: Final = (
    _EXPERIMENTS,
    """CREATE TABLE fingerprints(
        experiment INTEGER NOT NULL, example TEXT NOT NULL, digest TEXT NOT NULL,
        PRIMARY KEY(experiment, example)) WITHOUT ROWID""",
    """CREATE TABLE units(
        number INTEGER PRIMARY KEY, experiment INTEGER NOT NULL, example TEXT NOT NULL, repetition INTEGER NOT NULL,
        state TEXT NOT NULL, output TEXT, error TEXT, service_s REAL, waiting_s REAL, attempts INTEGER NOT NULL,
        cost REAL, usage TEXT, fingerprint TEXT, started_at REAL, finished_at REAL, fields TEXT,
        revision INTEGER NOT NULL, UNIQUE(experiment, example, repetition))""",
    "CREATE INDEX units_of_experiment ON units(experiment)",
    """CREATE TABLE scores(
        experiment INTEGER NOT NULL, example TEXT NOT NULL, repetition INTEGER NOT NULL, evaluator TEXT NOT NULL,
        score REAL, label TEXT, explanation TEXT, error TEXT, cost REAL, fingerprint TEXT, seconds REAL, facts TEXT,
        revision INTEGER NOT NULL, PRIMARY KEY(experiment, example, repetition, evaluator)) WITHOUT ROWID""",
    """CREATE TABLE uploads(
        experiment INTEGER NOT NULL, example TEXT NOT NULL, repetition INTEGER NOT NULL, revision INTEGER NOT NULL,
        PRIMARY KEY(experiment, example, repetition)) WITHOUT ROWID""",
    """CREATE TABLE datasets(
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, record TEXT NOT NULL)""",
    """CREATE TABLE examples(
        number INTEGER PRIMARY KEY, dataset INTEGER NOT NULL, id TEXT NOT NULL, since INTEGER NOT NULL,
        fields TEXT NOT NULL, created_at REAL NOT NULL, UNIQUE(dataset, id))""",
    "CREATE INDEX examples_of_dataset ON examples(dataset)",
)

MIGRATIONS: Final = {
    # Of which server an experiment is was not known, and a name was unique in all datasets of the same id.
    1: (
        "ALTER TABLE experiments RENAME TO experiments_1",
        _EXPERIMENTS,
        """INSERT INTO experiments(number, id, dataset_id, name, record)
            SELECT number, id, dataset_id, name, record FROM experiments_1""",
        "DROP TABLE experiments_1",
    ),
}
"""What leads from each older format to the next one."""


class Statement:
    """An insert of many rows in one statement: each step of SQLite gives other threads a turn, so few are wanted."""

    def __init__(self, table: str, columns: str, then: str = "") -> None:
        names = columns.split()
        self._head = f"INSERT INTO {table}({', '.join(names)}) VALUES "  # noqa: S608 - names of ours
        self._row = f"({', '.join('?' * len(names))})"
        self._then = f" {then}"

    def of(self, rows: int) -> str:
        """Return the statement for so many rows."""
        return self._head + ",".join([self._row] * rows) + self._then


_UNIT_COLUMNS: Final = (
    "state output error service_s waiting_s cost usage fingerprint started_at finished_at fields revision"
)
_UNIT_UPDATE: Final = (
    "ON CONFLICT(experiment, example, repetition) DO UPDATE SET attempts = attempts + excluded.attempts, "
    + ", ".join(f"{name} = excluded.{name}" for name in _UNIT_COLUMNS.split())
)
_SCORE_COLUMNS: Final = "score label explanation error cost fingerprint seconds facts revision"
_KEY: Final = "experiment example repetition"

UNITS: Final = Statement("units", f"{_KEY} attempts {_UNIT_COLUMNS}", f"{_UNIT_UPDATE} WHERE units.state <> 'done'")
UNITS_REPLACING: Final = Statement("units", f"{_KEY} attempts {_UNIT_COLUMNS}", _UNIT_UPDATE)
SCORES: Final = Statement(
    "scores",
    f"{_KEY} evaluator {_SCORE_COLUMNS}",
    "ON CONFLICT(experiment, example, repetition, evaluator) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _SCORE_COLUMNS.split()),
)
UPLOADS: Final = Statement(
    "uploads",
    f"{_KEY} revision",
    "ON CONFLICT(experiment, example, repetition) DO UPDATE SET revision = max(revision, excluded.revision)",
)
FINGERPRINTS: Final = Statement("fingerprints", "experiment example digest")
EXAMPLES: Final = Statement("examples", "dataset id since fields created_at")
