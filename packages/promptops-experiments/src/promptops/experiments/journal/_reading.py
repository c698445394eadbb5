"""Reads a journal a page at a time, so that neither memory nor the log grows with what is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from promptops.experiments.journal._database import reader, translated
from promptops.experiments.journal._records import ScoreRecord, UnitKey, UnitRecord, UnitState
from promptops.models import prepared
from promptops.models.experiments import Evaluation

if TYPE_CHECKING:
    import sqlite3

__all__ = [
    "NOT_UPLOADED",
    "UNSCORED",
    "Filter",
    "count_units",
    "read_revision",
    "read_states",
    "read_units",
    "scored_by",
]

_PAGE_ROWS: Final = 500
_PAGE_BYTES: Final = 4 * 1024 * 1024
_NO_FACTS: Final = Evaluation()

_UNITS: Final = """SELECT u.number, u.example, u.repetition, u.state, u.output, u.error, u.service_s, u.waiting_s,
    u.attempts, u.cost, u.usage, u.fingerprint, u.started_at, u.finished_at, u.fields, u.revision
    FROM {source} {join} WHERE u.experiment = ? AND u.number > ? {where} ORDER BY u.number"""
_SCORES: Final = """SELECT u.number, s.evaluator, s.score, s.label, s.explanation, s.error, s.cost, s.fingerprint,
    s.facts, s.revision, s.seconds
    FROM units u {join} scores s ON s.experiment = u.experiment AND s.example = u.example
    AND s.repetition = u.repetition WHERE {experiment} = ? AND u.number {among}"""
_REVISIONS: Final = (
    "SELECT max(revision) FROM units WHERE experiment = ?",
    "SELECT max(revision) FROM scores WHERE experiment = ?",
    "SELECT max(revision) FROM uploads WHERE experiment = ?",
)
_OF_UNIT: Final = "s.experiment = u.experiment AND s.example = u.example AND s.repetition = u.repetition"


class Filter(msgspec.Struct, frozen=True):
    """A condition on units: what to join, what to ask, and the values for it."""

    where: str = ""
    values: tuple[Any, ...] = ()
    join: str = ""


UNSCORED: Final = f"""AND NOT EXISTS (SELECT 1 FROM scores s WHERE {_OF_UNIT} AND s.evaluator = ?
    AND (? IS NULL OR s.fingerprint IS ?) AND (? OR s.error IS NULL)) AND (? OR u.state = 'done')"""  # noqa: S608 - text of ours
_UPLOADS: Final = """LEFT JOIN uploads p ON p.experiment = u.experiment AND p.example = u.example
    AND p.repetition = u.repetition"""
NOT_UPLOADED: Final = Filter(
    f"""AND (p.revision IS NULL OR p.revision < u.revision
    OR EXISTS (SELECT 1 FROM scores s WHERE {_OF_UNIT} AND s.revision > p.revision))""",  # noqa: S608 - text of ours
    join=_UPLOADS,
)


def scored_by(evaluators: Collection[str]) -> Filter:
    """Return the condition that a unit with an output has a score, or an error, of each of these."""
    if not evaluators:
        return Filter()
    marks = ", ".join("?" * len(evaluators))
    return Filter(
        f"""AND (u.state <> 'done' OR ? = (SELECT count(*) FROM scores s WHERE {_OF_UNIT}
        AND s.evaluator IN ({marks})))""",  # noqa: S608 - text of ours
        (len(evaluators), *evaluators),
    )


def read_units(
    path: Path, experiment: int, *filters: Filter, scores: bool = True, keys: Sequence[UnitKey] | None = None
) -> Iterator[UnitRecord]:
    """Yield units in the order in which they were first journaled; the file is not held between pages.

    Args:
        path: The file.
        experiment: The number of the experiment.
        filters: Conditions that all hold.
        scores: Whether to read their scores.
        keys: Only these units, one or more; those are found without looking at the others, so a few at most.
    """
    source = "units u"
    named: tuple[str | int, ...] = ()
    if keys is not None:
        # The cross join keeps this order of the two: each key is looked up in the index.
        marks = ", ".join(["(?, ?)"] * len(keys))
        source = f"(VALUES {marks}) w CROSS JOIN units u ON u.example = w.column1 AND u.repetition = w.column2"
        named = tuple(part for key in keys for part in key)
    where = " ".join(part.where for part in filters)
    join = " ".join(part.join for part in filters)
    values = [value for part in filters for value in part.values]
    query = _UNITS.format(source=source, join=join, where=where)
    connection = reader(path)
    try:
        last, more = 0, True
        while more:
            with translated(path):
                connection.execute("BEGIN")
                rows, more = _page(connection, query, (*named, experiment, last, *values))
                among = [row[0] for row in rows] if keys is not None else None
                found = _scores(connection, experiment, last, rows[-1][0], among) if rows and scores else {}
                connection.execute("COMMIT")
            for row in rows:
                last = row[0]
                yield _unit(row, found.get(last, {}))
    finally:
        connection.close()


def read_states(path: Path, experiment: int) -> dict[tuple[str, int], UnitState]:
    """Return the state of every unit."""
    connection = reader(path)
    try:
        with translated(path):
            query = "SELECT example, repetition, state FROM units WHERE experiment = ?"
            names: dict[str, UnitState] = {"done": "done", "failed": "failed"}
            return {(row[0], row[1]): names[row[2]] for row in connection.execute(query, (experiment,))}
    finally:
        connection.close()


def count_units(path: Path, experiment: int) -> dict[UnitState, int]:
    """Return how many units are in each state."""
    connection = reader(path)
    try:
        with translated(path):
            query = "SELECT state, count(*) FROM units WHERE experiment = ? GROUP BY state"
            found = dict(connection.execute(query, (experiment,)).fetchall())
    finally:
        connection.close()
    return {"done": found.get("done", 0), "failed": found.get("failed", 0)}


def read_revision(path: Path, experiment: int) -> int:
    """Return the highest revision that any row of an experiment has."""
    connection = reader(path)
    try:
        with translated(path):
            found = [connection.execute(query, (experiment,)).fetchone() for query in _REVISIONS]
    finally:
        connection.close()
    return max(row[0] or 0 for row in found)


def _page(connection: sqlite3.Connection, query: str, values: Sequence[Any]) -> tuple[list[Any], bool]:
    rows: list[Any] = []
    size = 0
    cursor = connection.execute(query, values)
    for row in cursor:
        rows.append(row)
        size += len(row[4] or "") + len(row[14] or "")
        if len(rows) >= _PAGE_ROWS or size >= _PAGE_BYTES:
            cursor.close()
            return rows, True
    return rows, False


def _scores(
    connection: sqlite3.Connection, experiment: int, first: int, last: int, among: Sequence[int] | None
) -> dict[int, dict[str, tuple[ScoreRecord, int]]]:
    """Return the scores of the units numbered after ``first`` until ``last``, or ``among`` these alone."""
    found: dict[int, dict[str, tuple[ScoreRecord, int]]] = {}
    numbers: Sequence[int] = (first, last)
    query = _SCORES.format(join="JOIN", experiment="u.experiment", among="> ? AND u.number <= ?")
    if among is not None:
        # Units first, each by its number (the plus keeps the index of all units out), then the scores of each.
        numbers = among
        marks = ", ".join("?" * len(among))
        query = _SCORES.format(join="CROSS JOIN", experiment="+u.experiment", among=f"IN ({marks})")
    for row in connection.execute(query, (experiment, *numbers)):
        record = ScoreRecord(
            evaluator=row[1],
            evaluation=_evaluation(row),
            fingerprint=row[7],
            cost=row[6],
            seconds=row[10],
        )
        found.setdefault(row[0], {})[row[1]] = (record, row[9])
    return found


def _evaluation(row: Any) -> Evaluation:
    facts = _NO_FACTS if row[8] is None else msgspec.json.decode(row[8], type=prepared(Evaluation))
    return Evaluation(
        score=row[2],
        label=row[3],
        explanation=row[4],
        error=row[5],
        cost=row[6],
        name=facts.name,
        usage=facts.usage,
        duration_ms=facts.duration_ms,
        parts=facts.parts,
    )


def _unit(row: Any, scores: Mapping[str, tuple[ScoreRecord, int]]) -> UnitRecord:
    return UnitRecord(
        example_id=row[1],
        repetition=row[2],
        state=row[3],
        output=row[4],
        error=row[5],
        service_s=row[6],
        waiting_s=row[7],
        attempts=row[8],
        cost=row[9],
        usage=_json(row[10]),
        fingerprint=row[11],
        started_at=row[12],
        finished_at=row[13],
        fields=_json(row[14]) or {},
        revision=max(row[15], *(revision for _, revision in scores.values())) if scores else row[15],
        scores={name: record for name, (record, _) in scores.items()},
    )


def _json(text: str | None) -> dict[str, Any] | None:
    return None if text is None else msgspec.json.decode(text, type=dict[str, Any])
