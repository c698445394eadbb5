"""Writes a report as JSON for programs, in a format with a version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from promptops.experiments.reports._model import FORMAT, FORMAT_VERSION, Cell, ComparisonPart, Report, Row
from promptops.experiments.reports._words import plain, text_of

__all__ = ["report_dict", "report_json"]


def report_dict(report: Report, *, rows: bool = True) -> dict[str, Any]:
    """Return a report as plain values that JSON can hold.

    ``format`` is ``promptops.report`` and ``version`` is 1. Within a version fields are only added; a change of what a
    field means is a new version.

    Args:
        report: What to write.
        rows: Whether the rows are part of it, with the whole of their texts; figures and the keys of changed rows
            always are.
    """
    found: dict[str, Any] = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "title": report.title,
        "created_at": report.created_at,
        "status": report.status,
        "experiments": msgspec.to_builtins(report.experiments),
        "comparisons": [_comparison(report, part) for part in report.comparisons],
    }
    if rows:
        found["rows"] = [_row(report, row) for row in report.rows]
    return found


def report_json(report: Report, *, rows: bool = True) -> str:
    """Return a report as indented JSON; see :func:`report_dict`."""
    text = msgspec.json.encode(_valid(report_dict(report, rows=rows)))
    return msgspec.json.format(text, indent=2).decode() + "\n"


def _comparison(report: Report, part: ComparisonPart) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(part)
    found["baseline"] = report.experiments[part.baseline].name
    found["candidate"] = report.experiments[part.candidate].name
    for metric, plain_metric in zip(part.metrics, found["metrics"], strict=True):
        plain_metric["tone"] = metric.tone
        for rows in ("worse_rows", "better_rows"):
            places: Sequence[int] = getattr(metric, rows)
            changed = [report.rows[place] for place in places]
            plain_metric[rows] = [{"example_id": row.example_id, "repetition": row.repetition} for row in changed]
    changed = [report.rows[place] for place in part.changed_rows]
    found["changed_rows"] = [{"example_id": row.example_id, "repetition": row.repetition} for row in changed]
    for slice_ in found["slices"]:
        for metric in slice_["metrics"]:
            del metric["worse_rows"], metric["better_rows"]
    return found


def _row(report: Report, row: Row) -> dict[str, Any]:
    return {
        "example_id": row.example_id,
        "repetition": row.repetition,
        "fields": {name: value if isinstance(value, str) else _field(value) for name, value in row.fields.items()},
        "experiments": {report.experiments[place].name: _cell(cell) for place, cell in row.cells.items()},
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "output": cell.output,
        "error": cell.error,
        "latency_ms": cell.latency_ms,
        "cost": cell.cost,
        "evaluations": {
            name: {
                part: value
                for part, value in (
                    ("score", evaluation.score),
                    ("label", evaluation.label),
                    ("explanation", evaluation.explanation),
                    ("error", evaluation.error),
                )
                if value is not None
            }
            for name, evaluation in cell.evaluations.items()
        },
    }


def _field(value: object) -> object:
    try:
        return msgspec.to_builtins(value)
    except (TypeError, ValueError, RecursionError):
        return text_of(value)


def _valid(value: Any) -> Any:
    """Write halves of surrogate pairs as escapes, wherever they are."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain(str(name)): _valid(part) for name, part in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list | tuple):
        return [_valid(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
    return value
