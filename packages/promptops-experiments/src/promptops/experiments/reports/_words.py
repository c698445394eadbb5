"""Figures and texts of a report as people read them, the same in every format."""

from __future__ import annotations

from typing import Any, Final

from promptops.experiments._comparison_text import left_out_text
from promptops.experiments._json import NotStorable, json_text, shown
from promptops.experiments._run_evaluation import RunEvaluation
from promptops.experiments._table import number, one_line, probability, signed
from promptops.experiments.reports._model import ComparisonPart, ExperimentPart, MetricDifference, MetricFigures, Report

__all__ = [
    "STATUS_WORDS",
    "changed_line",
    "cut",
    "interval_of_difference",
    "interval_of_mean",
    "metric_title",
    "money",
    "one_line",
    "p_values",
    "pairs_line",
    "plain",
    "rows_line",
    "run_value",
    "text_of",
    "whole",
]

STATUS_WORDS: Final = {"pass": "passed", "fail": "failed", "inconclusive": "inconclusive"}


def interval_of_mean(metric: MetricFigures) -> str:
    """Return the interval of a mean, or a dash."""
    if metric.summary is None or metric.summary.low is None or metric.summary.high is None:
        return "-"
    return f"{number(metric.summary.low)} to {number(metric.summary.high)}"


def interval_of_difference(metric: MetricDifference) -> str:
    """Return the interval of a difference, or a dash."""
    if metric.test is None or metric.test.low is None or metric.test.high is None:
        return "-"
    return f"{signed(metric.test.low)} to {signed(metric.test.high)}"


def p_values(metric: MetricDifference) -> tuple[str, str, str]:
    """Return the p-value, the adjusted one, and the smallest difference that would be found."""
    if metric.test is None:
        return "-", "-", "-"
    return probability(metric.test.p_value), probability(metric.test.holm_p), number(metric.test.mde)


def metric_title(metric: MetricDifference) -> str:
    """Return the name of a metric, with its direction where that is not the usual one."""
    return f"{metric.name} (lower is better)" if metric.lower_is_better else metric.name


def rows_line(part: ExperimentPart) -> str:
    """Return what an experiment consists of in one line."""
    facts = [f"{part.rows:,} {'row' if part.rows == 1 else 'rows'}"]
    if part.failed:
        facts.append(f"{part.failed:,} failed")
    if part.errors > part.failed:
        facts.append(f"{part.errors:,} with errors")
    if part.duration_s is not None:
        facts.append(f"{part.duration_s:.1f} s")
    if part.cost is not None:
        facts.append(f"cost {money(part.cost)}")
    return ", ".join(facts)


def pairs_line(report: Report, part: ComparisonPart) -> str:
    """Return what a comparison consists of in one line."""
    facts = [f"{part.pairs:,} {'pair' if part.pairs == 1 else 'pairs'} of rows"]
    for count, side in ((part.only_in_baseline, part.baseline), (part.only_in_candidate, part.candidate)):
        if count:
            facts.append(f"{count:,} only in {report.experiments[side].name}")
    if part.changed:
        facts.append(f"{part.changed:,} left out, whose example changed")
    if part.not_compared:
        facts.append(f"not compared: {', '.join(part.not_compared)}")
    return "; ".join(facts)


def changed_line(report: Report, part: ComparisonPart, listed: int) -> str:
    """Return which pairs are left out and why, with up to ``listed`` ids of their examples; nothing without any."""
    ids = list(dict.fromkeys(str(report.rows[place].example_id) for place in part.changed_rows))
    return left_out_text(part.changed, [one_line(ident, 100) for ident in ids], listed) if part.changed else ""


def run_value(evaluation: RunEvaluation) -> str:
    """Return what a run-level evaluator says, in short."""
    if evaluation.error is not None:
        return f"error: {one_line(evaluation.error, 200)}"
    return number(evaluation.score) if evaluation.score is not None else evaluation.label or "see the JSON report"


def money(cost: float) -> str:
    """Return a cost in the currency of the run: at least two digits after the point."""
    return f"{cost:.2f}" if cost >= 1 else f"{cost:.4g}"


def text_of(value: Any) -> str:
    """Return a field of an example as text: a string as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json_text(value)
    except NotStorable:
        return shown(value)


def plain(text: str) -> str:
    """Return ``text`` as valid Unicode; halves of surrogate pairs are written as escapes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="backslashreplace").decode()
    return text


def cut(text: str, most: int) -> str:
    """Return at most ``most`` characters of ``text``, and how many are left out."""
    return text if len(text) <= most else f"{text[:most]}\n… {len(text) - most:,} more characters"


def whole(value: float) -> str:
    """Return a score in as few digits as tell it apart."""
    return f"{value:.4g}"
