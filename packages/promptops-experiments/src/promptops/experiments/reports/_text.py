"""Writes a report as plain text for terminals and logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from promptops.experiments._table import number, signed, table
from promptops.experiments.reports._model import ComparisonPart, ExperimentPart, MetricDifference, Report
from promptops.experiments.reports._words import (
    changed_line,
    interval_of_difference,
    interval_of_mean,
    metric_title,
    one_line,
    p_values,
    pairs_line,
    plain,
    rows_line,
    run_value,
    whole,
)

__all__ = ["report_text"]

_LISTED: Final = 5


def report_text(report: Report, *, listed: int = _LISTED) -> str:
    """Return a report as plain text.

    Args:
        report: What to write.
        listed: Most examples to name for each metric of those that got worse, and of those that got better.
    """
    parts = [part for experiment in report.experiments for part in _experiment(experiment)]
    parts += [part for comparison in report.comparisons for part in _comparison(report, comparison, listed)]
    return plain("\n\n".join(_tame(part) for part in parts))


def _experiment(part: ExperimentPart) -> Iterator[str]:
    yield f"{part.name}: {rows_line(part)}"
    lines = [
        (
            metric.name,
            number(metric.mean),
            interval_of_mean(metric),
            "-" if metric.summary is None else number(metric.summary.std),
            str(metric.scored),
            str(metric.errors),
        )
        for metric in part.metrics
    ]
    if lines:
        yield table(("metric", "mean", "95% interval", "spread", "scored", "errors"), lines)
    if part.stopped is not None:
        yield f"stopped with {part.remaining:,} rows missing: {part.stopped}"
    if part.run_evaluations:
        yield table(("whole run", "value"), [(name, run_value(one)) for name, one in part.run_evaluations.items()])
    if part.verdict is not None:
        yield part.verdict.to_text()


def _comparison(report: Report, part: ComparisonPart, listed: int) -> Iterator[str]:
    before, after = report.experiments[part.baseline].name, report.experiments[part.candidate].name
    yield f"{report.name_of(part)}: {pairs_line(report, part)}"
    if part.changed:
        yield changed_line(report, part, listed)
    lines = [_means(metric) for metric in part.metrics]
    if not lines:
        yield "no metric has a score in both"
    else:
        yield table(("metric", before, after, "difference", "better", "worse", "same"), lines)
        confidence = next((metric.test.confidence for metric in part.metrics if metric.test is not None), 0.95)
        head = ("metric", f"{confidence * 100:g}% interval", "p", f"p (Holm, {part.tests})", "detectable")
        yield table(head, [(metric.name, interval_of_difference(metric), *p_values(metric)) for metric in part.metrics])
    for metric in part.metrics:
        for word, rows in (("worse", metric.worse_rows), ("better", metric.better_rows)):
            if rows and listed:
                yield _named(report, part, metric, f"{metric.name}: {len(rows)} {word}", rows[:listed], len(rows))
    if part.slices:
        yield _slices(part)
    if part.verdict is not None:
        yield part.verdict.to_text()


def _means(metric: MetricDifference) -> tuple[str, ...]:
    means = (number(metric.baseline_mean), number(metric.candidate_mean), signed(metric.difference))
    return (metric_title(metric), *means, str(metric.better), str(metric.worse), str(metric.same))


def _named(  # noqa: PLR0917 - a list with its heading
    report: Report, part: ComparisonPart, metric: MetricDifference, head: str, rows: Sequence[int], total: int
) -> str:
    lines = [head]
    for place in rows:
        row = report.rows[place]
        scores = [row.cells[side].evaluations[metric.name].score or 0.0 for side in (part.baseline, part.candidate)]
        repetition = f" #{row.repetition}" if row.repetition != 1 else ""
        said = one_line(row.headline, 90)
        lines.append(f"  {row.example_id}{repetition}  {whole(scores[0])} -> {whole(scores[1])}  {said}".rstrip())
    if total > len(rows):
        lines.append(f"  and {total - len(rows)} more")
    return "\n".join(lines)


def _slices(part: ComparisonPart) -> str:
    lines = [
        (
            f"{slice_.name}={slice_.value}",
            metric.name,
            str(metric.pairs),
            signed(metric.difference),
            interval_of_difference(metric),
            p_values(metric)[1],
        )
        for slice_ in part.slices
        for metric in slice_.metrics
    ]
    return table(("slice", "metric", "pairs", "difference", "interval", "p (Holm)"), lines)


def _tame(text: str) -> str:
    """Write control characters as escapes: what a model wrote must not steer the terminal."""
    return "".join(
        character if character.isprintable() or character == "\n" else ascii(character)[1:-1] for character in text
    )
