"""Makes the data of the HTML report: rows as JSON that no reader of HTML takes for anything else, of bounded size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from promptops.experiments.reports._model import Cell, Report, Row
from promptops.experiments.reports._words import cut, plain, text_of

__all__ = ["LARGEST_DATA", "Embedded", "embedded", "metric_names", "views"]

LARGEST_DATA: Final = 16 * 1024 * 1024
"""Bytes of rows in a report; longer texts are cut until the rows fit."""

_CUTS: Final = (20_000, 10_000, 5_000, 2_000, 1_000, 500, 200)
_ESCAPES: Final = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)


class Embedded(msgspec.Struct, frozen=True, kw_only=True):
    """The data, and what was done to make them fit.

    Attributes:
        text: JSON without ``<``, ``>``, ``&`` and line separators.
        longest: At how many characters texts were cut.
        is_cut: Whether any text was.
        left_out: How many rows are missing.
    """

    text: str
    longest: int
    is_cut: bool
    left_out: int


def embedded(report: Report, *, most: int, largest: int = LARGEST_DATA) -> Embedded:
    """Return the rows of a report for its page.

    Texts are cut at 20,000 characters, or at fewer, down to 200, until the rows fit; then rows are left out. Rows
    that got worse stay longest, then those that got better, then those with errors.

    Args:
        report: Whose rows.
        most: Most rows.
        largest: Most bytes.
    """
    lengths = [len(text) for row in report.rows for text in _texts(row)]
    order = _by_weight(report) if len(report.rows) > most or sum(lengths) > largest // 2 else range(len(report.rows))
    count = min(most, len(report.rows))
    level = 0
    while level < len(_CUTS) - 1 and sum(min(length, _CUTS[level]) for length in lengths) > largest:
        level += 1
    while True:
        chosen = sorted(order[:count])
        found = _encoded(report, [report.rows[place] for place in chosen], _CUTS[level])
        if len(found) <= largest or count <= 1:
            break
        if level < len(_CUTS) - 1:
            level += 1
        else:
            count = max(1, min(count - 1, count * largest // len(found)))
    longest = _CUTS[level]
    return Embedded(
        text=found.decode(),
        longest=longest,
        is_cut=max(lengths, default=0) > longest,
        left_out=len(report.rows) - count,
    )


def _by_weight(report: Report) -> list[int]:
    """Return the places of the rows, those that matter most first."""
    worse = [place for part in report.comparisons for metric in part.metrics for place in metric.worse_rows]
    better = [place for part in report.comparisons for metric in part.metrics for place in metric.better_rows]
    broken = [place for place, row in enumerate(report.rows) if any(cell.error for cell in row.cells.values())]
    return list(dict.fromkeys([*worse, *better, *broken, *range(len(report.rows))]))


def _texts(row: Row) -> list[str]:
    texts = [value for value in row.fields.values() if isinstance(value, str)]
    for cell in row.cells.values():
        texts += [cell.output, cell.error or ""]
        texts += [evaluation.explanation or "" for evaluation in cell.evaluations.values()]
    return texts


def _encoded(report: Report, rows: Sequence[Row], longest: int) -> bytes:
    metrics = metric_names(report)
    places = {name: place for place, name in enumerate(metrics)}
    lower = {metric.name for part in report.comparisons for metric in part.metrics if metric.lower_is_better}
    left_out: dict[tuple[str | None, int], list[int]] = {}
    for view, part in enumerate(report.comparisons):
        for place in part.changed_rows:
            left_out.setdefault(_key(report.rows[place]), []).append(view)
    data = {
        "experiments": [plain(part.name) for part in report.experiments],
        "metrics": [plain(name) for name in metrics],
        "lower": [places[name] for name in lower],
        "views": views(report),
        "rows": [_row(row, places, longest, left_out.get(_key(row), [])) for row in rows],
    }
    found = msgspec.json.encode(data)
    for character, escape in _ESCAPES:
        found = found.replace(character, escape)
    return found


def metric_names(report: Report) -> list[str]:
    """Return the metrics of all experiments, in the order in which they are seen first."""
    return list(dict.fromkeys(metric.name for part in report.experiments for metric in part.metrics))


def views(report: Report) -> list[dict[str, Any]]:
    """Return what can be looked at side by side: each comparison, and all experiments where they are more."""
    found = [
        {"name": plain(report.name_of(part)), "sides": [part.baseline, part.candidate], "compared": True}
        for part in report.comparisons
    ]
    if not found or len(report.experiments) > 2:
        found.append({"name": "all experiments", "sides": list(range(len(report.experiments))), "compared": False})
    return found


def _key(row: Row) -> tuple[str | None, int]:
    return row.example_id, row.repetition


def _row(row: Row, places: dict[str, int], longest: int, left_out: list[int]) -> list[Any]:
    found: list[Any] = [
        None if row.example_id is None else plain(row.example_id),
        row.repetition,
        plain(row.headline),
        [[plain(name), plain(cut(text_of(value), longest))] for name, value in row.fields.items()],
        [[place, *_cell(cell, places, longest)] for place, cell in row.cells.items()],
    ]
    # The views in which the two sides answer different questions, if there are any.
    return [*found, left_out] if left_out else found


def _cell(cell: Cell, places: dict[str, int], longest: int) -> list[Any]:
    return [
        plain(cut(cell.output, longest)),
        None if cell.error is None else plain(cut(cell.error, longest)),
        cell.latency_ms,
        [
            [
                places[name],
                evaluation.score,
                *(
                    None if text is None else plain(cut(text, longest))
                    for text in (evaluation.label, evaluation.explanation, evaluation.error)
                ),
            ]
            for name, evaluation in cell.evaluations.items()
            if name in places
        ],
    ]
