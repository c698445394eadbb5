"""Rows that are committed together, in the order in which they depend on each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from promptops.experiments.journal._commit import Commit
from promptops.experiments.journal._records import ScoreRecord, UnitKey, UnitRecord
from promptops.experiments.journal._schema import SCORES, UNITS, UNITS_REPLACING, UPLOADS, Statement
from promptops.models.experiments import Evaluation

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Group", "insert_rows"]

_MOST_ROWS: Final = 2000
_MOST_BYTES: Final = 16 * 1024 * 1024
_ROWS_PER_STATEMENT: Final = 64
_FORGET_SCORES: Final = "DELETE FROM scores WHERE experiment = ? AND example = ? AND repetition = ?"


class _Segment:
    """Rows in which each unit comes at most once, so that their order within a table does not matter."""

    __slots__ = ("forgotten", "replacing", "scores", "seen", "units", "uploads")

    def __init__(self) -> None:
        self.forgotten: list[tuple[int, str, int]] = []
        self.units: list[list[Any]] = []
        self.replacing: list[list[Any]] = []
        self.scores: list[list[Any]] = []
        self.uploads: list[list[Any]] = []
        self.seen: set[tuple[int, str, int]] = set()


class Group:
    """What one transaction writes."""

    __slots__ = ("_bytes", "_rows", "_segments", "commit")

    def __init__(self) -> None:
        self.commit = Commit()
        self._segments = [_Segment()]
        self._rows = 0
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether further rows belong into the next group."""
        return self._rows >= _MOST_ROWS or self._bytes >= _MOST_BYTES

    def add_unit(self, experiment: int, unit: UnitRecord, revision: int, *, again: bool, replace: bool) -> None:
        """Add a unit; ``again`` says that it has a row already, whose scores go."""
        key = (experiment, unit.example_id, unit.repetition)
        segment = self._segments[-1]
        if key in segment.seen:
            segment = _Segment()
            self._segments.append(segment)
        segment.seen.add(key)
        if again:
            segment.forgotten.append(key)
        row = [
            *key,
            unit.attempts,
            unit.state,
            unit.output,
            unit.error,
            unit.service_s,
            unit.waiting_s,
            unit.cost,
            _json(unit.usage),
            unit.fingerprint,
            unit.started_at,
            unit.finished_at,
            _json(unit.fields),
            revision,
        ]
        (segment.replacing if replace else segment.units).append(row)
        self._rows += 1
        self._bytes += len(unit.output or "")

    def add_scores(self, experiment: int, key: UnitKey, scores: Sequence[ScoreRecord], revision: int) -> None:
        """Add scores of a unit."""
        for score in scores:
            said = score.evaluation
            self._segments[-1].scores.append(
                [
                    experiment,
                    key.example_id,
                    key.repetition,
                    score.evaluator,
                    said.score,
                    said.label,
                    said.explanation,
                    said.error,
                    said.cost if score.cost is None else score.cost,
                    score.fingerprint,
                    score.seconds,
                    _facts(said),
                    revision,
                ]
            )
        self._rows += len(scores)

    def add_uploads(self, experiment: int, units: Iterable[UnitRecord]) -> None:
        """Add what the server acknowledged."""
        rows = [[experiment, unit.example_id, unit.repetition, unit.revision] for unit in units]
        self._segments[-1].uploads.extend(rows)
        self._rows += len(rows)

    def write(self, connection: sqlite3.Connection) -> None:
        """Write everything."""
        for segment in self._segments:
            if segment.forgotten:
                connection.executemany(_FORGET_SCORES, segment.forgotten)
            insert_rows(connection, UNITS, segment.units)
            insert_rows(connection, UNITS_REPLACING, segment.replacing)
            insert_rows(connection, SCORES, segment.scores)
            insert_rows(connection, UPLOADS, segment.uploads)


def insert_rows(connection: sqlite3.Connection, statement: Statement, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows in statements of 64, 32, ... 1 rows, so that few different statements are ever prepared."""
    start, size = 0, _ROWS_PER_STATEMENT
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        part = rows[start : start + size]
        connection.execute(statement.of(size), [value for row in part for value in row])
        start += size


def _facts(said: Evaluation) -> str | None:
    """Return the parts of an evaluation that have no column of their own."""
    if said.name is None and said.usage is None and said.duration_ms is None and not said.parts:
        return None
    bare = Evaluation(name=said.name, usage=said.usage, duration_ms=said.duration_ms, parts=said.parts)
    return msgspec.json.encode(bare).decode()


def _json(value: object) -> str | None:
    return msgspec.json.encode(value).decode() if value else None
