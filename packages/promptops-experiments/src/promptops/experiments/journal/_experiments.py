"""The rows of experiments in a journal: how they are written, found and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from promptops.core.errors import ConflictError, NotFoundError, ValidationError
from promptops.experiments._resolve import not_found
from promptops.experiments.journal._errors import JournalDamaged
from promptops.experiments.journal._group import insert_rows
from promptops.experiments.journal._records import ExperimentRecord
from promptops.experiments.journal._schema import FINGERPRINTS
from promptops.models import prepared

if TYPE_CHECKING:
    import sqlite3

__all__ = [
    "Found",
    "decoded",
    "delete_experiment",
    "example_digests",
    "find_experiment",
    "insert_experiment",
    "is_of",
    "move_experiment",
    "replace_experiment",
    "write_record",
]

_COMPARED = 1000
"""Most names that one which is not there is compared with."""
_TABLES = ("units", "scores", "uploads", "fingerprints")


class Found(NamedTuple):
    """An experiment and the number of its rows."""

    number: int
    record: ExperimentRecord


def insert_experiment(connection: sqlite3.Connection, record: ExperimentRecord, *, unique_ids: bool = False) -> int:
    """Write a new experiment with the fingerprints of its examples, and return its number.

    With ``unique_ids`` the id of the dataset says which one it is, whatever the address of its server.

    Raises:
        ConflictError: The dataset has one of that name.
    """
    plan = record.plan
    query = "SELECT id, origin FROM experiments WHERE dataset_id = ? AND name = ?"
    named = connection.execute(query, (plan.dataset_id, plan.name)).fetchall()
    taken = next((row for row in named if unique_ids or is_of(row[1], plan.origin)), None)
    if taken is not None:
        raise ConflictError(
            f"the journal has an experiment named {plan.name!r} of that dataset; resume it, delete it, or choose "
            "another name. No task was run",
            details={"experiment_id": taken[0]},
        )
    cursor = connection.execute(
        "INSERT INTO experiments(id, dataset_id, name, record, origin) VALUES (?, ?, ?, ?, ?)",
        (record.id, plan.dataset_id, plan.name, _encoded(record), plan.origin),
    )
    number = cursor.lastrowid
    if number is None:
        raise AssertionError("an insert gives a number")
    _write_examples(connection, number, plan.fingerprint.examples)
    return number


def replace_experiment(connection: sqlite3.Connection, number: int, record: ExperimentRecord) -> None:
    """Write what an experiment is now, with the fingerprints of its examples."""
    write_record(connection, number, record)
    connection.execute("DELETE FROM fingerprints WHERE experiment = ?", (number,))
    _write_examples(connection, number, record.plan.fingerprint.examples)


def write_record(connection: sqlite3.Connection, number: int, record: ExperimentRecord) -> None:
    """Write what an experiment is now; the fingerprints of its examples stay as they are."""
    connection.execute(
        "UPDATE experiments SET record = ?, origin = ? WHERE number = ?", (_encoded(record), record.plan.origin, number)
    )


def move_experiment(connection: sqlite3.Connection, number: int, record: ExperimentRecord) -> None:
    """Write an experiment that belongs to another server now, or is known to.

    Raises:
        ConflictError: The same dataset of that server has one of that name.
    """
    plan = record.plan
    query = "SELECT id FROM experiments WHERE origin = ? AND dataset_id = ? AND name = ? AND number <> ?"
    taken = connection.execute(query, (plan.origin, plan.dataset_id, plan.name, number)).fetchone()
    if taken is not None:
        raise ConflictError(
            f"the journal has an experiment named {plan.name!r} of that dataset of {plan.origin} already ({taken[0]}); "
            "delete one of the two from the journal",
            details={"experiment_id": taken[0]},
        )
    write_record(connection, number, record)


def is_of(origin: str, wanted: str) -> bool:
    """Whether an experiment of the server at ``origin`` may be one of that at ``wanted``; empty is not known."""
    return not origin or not wanted or origin == wanted


def delete_experiment(connection: sqlite3.Connection, number: int) -> None:
    """Delete an experiment with all its rows."""
    for table in _TABLES:
        connection.execute(f"DELETE FROM {table} WHERE experiment = ?", (number,))  # noqa: S608 - names of ours
    connection.execute("DELETE FROM experiments WHERE number = ?", (number,))


def find_experiment(connection: sqlite3.Connection, experiment: str, dataset_id: str | None, origin: str = "") -> Found:
    """Return the experiment of that id, or of that name.

    Raises:
        NotFoundError: There is none; close names are suggested, or the servers named that have one.
        ValidationError: Several datasets have one of that name.
    """
    rows = connection.execute("SELECT number, record FROM experiments WHERE id = ?", (experiment,)).fetchall()
    if not rows:
        query = "SELECT number, record FROM experiments WHERE name = ? AND (? IS NULL OR dataset_id = ?)"
        rows = connection.execute(query, (experiment, dataset_id, dataset_id)).fetchall()
    if not rows:
        raise _not_found(connection, experiment)
    everywhere = [Found(row[0], decoded(row[1])) for row in rows]
    found = _of_server(everywhere, origin)
    if not found:
        raise _of_others(experiment, origin, everywhere)
    if len(found) > 1:
        ids = ", ".join(item.record.id for item in found)
        raise ValidationError(
            f"{len(found)} experiments are named {experiment!r} ({ids}); give the id of the one meant"
        )
    return found[0]


def example_digests(connection: sqlite3.Connection, number: int) -> dict[str, str]:
    """Return the digest of each example that the experiment began with."""
    rows = connection.execute("SELECT example, digest FROM fingerprints WHERE experiment = ?", (number,))
    return dict(rows.fetchall())


def decoded(text: str) -> ExperimentRecord:
    """Return an experiment as it was written.

    Raises:
        JournalDamaged: It cannot be read.
    """
    try:
        return msgspec.json.decode(text, type=prepared(ExperimentRecord))
    except msgspec.DecodeError as exc:
        raise JournalDamaged(f"the journal holds an experiment that cannot be read: {exc}") from exc


def _of_server(found: Sequence[Found], origin: str) -> list[Found]:
    """Return what may be of the server at ``origin``; what is known to be of it goes before what may be."""
    here = {item.record.plan.dataset_id for item in found if origin and item.record.plan.origin == origin}
    return [
        item
        for item in found
        if is_of(item.record.plan.origin, origin)
        and (item.record.plan.origin == origin or item.record.plan.dataset_id not in here)
    ]


def _of_others(experiment: str, origin: str, found: Sequence[Found]) -> NotFoundError:
    others = sorted({item.record.plan.origin for item in found})
    return NotFoundError(
        f"the journal has no experiment {experiment!r} of the server at {origin}, only of the one at "
        f"{' and '.join(others)}; use a client of that server. If it is the same server, which has moved, tell the "
        f"journal once: Journal.open(...).move_server({others[0]!r}, {origin!r})",
        details={"name": experiment, "suggestions": [], "origin": origin, "origins": others},
    )


def _not_found(connection: sqlite3.Connection, experiment: str) -> NotFoundError:
    rows = connection.execute("SELECT name FROM experiments ORDER BY number DESC LIMIT ?", (_COMPARED + 1,)).fetchall()
    names = [row[0] for row in rows[:_COMPARED]]
    return not_found("experiment", experiment, names, where=" in the journal", more=len(rows) > _COMPARED)


def _encoded(record: ExperimentRecord) -> str:
    plan = record.plan
    bare = msgspec.structs.replace(plan.fingerprint, examples={})
    return msgspec.json.encode(
        msgspec.structs.replace(record, plan=msgspec.structs.replace(plan, fingerprint=bare))
    ).decode()


def _write_examples(connection: sqlite3.Connection, number: int, digests: Mapping[str, str]) -> None:
    insert_rows(connection, FINGERPRINTS, [(number, example, digest) for example, digest in digests.items()])
