"""A comparison as text for people, and as plain values for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from promptops.experiments._table import number, probability, signed, table

if TYPE_CHECKING:
    from promptops.experiments._comparison import Comparison, MetricComparison, ScorePair
    from promptops.experiments.statistics import PairedTest

__all__ = ["comparison_dict", "comparison_text", "interval_text", "left_out_text"]


def comparison_text(comparison: Comparison, listed: int) -> str:
    """Return the comparison as text; up to ``listed`` examples are named of those that got better and worse."""
    head = f"{comparison.candidate} compared with {comparison.baseline}: {len(comparison.rows)} pairs"
    for count, name in (
        (comparison.only_in_baseline, comparison.baseline),
        (comparison.only_in_candidate, comparison.candidate),
    ):
        if count:
            head += f", {count} only in {name}"
    parts = [head]
    if comparison.changed:
        parts.append(comparison.left_out(listed=listed))
    columns = ("metric", comparison.baseline, comparison.candidate, "difference", "better", "worse", "same")
    lines = [_line(metric) for metric in comparison.metrics.values()]
    parts.append(table(columns, lines) if lines else "no metric has a score in both")
    parts += _tests(comparison)
    for metric in comparison.metrics.values():
        for word, pairs in (("better", metric.better), ("worse", metric.worse)):
            if pairs and listed:
                parts.append(_named(comparison, f"{metric.name}: {len(pairs)} {word}", pairs, listed))
    parts += _slices(comparison)
    if comparison.not_compared:
        parts.append(f"not compared: {', '.join(comparison.not_compared)}")
    if comparison.verdict is not None:
        parts.append(comparison.verdict.to_text())
    return "\n\n".join(parts)


def interval_text(test: PairedTest) -> str:
    """Return the interval of a difference for people, or a dash."""
    return "-" if test.low is None or test.high is None else f"{signed(test.low)} to {signed(test.high)}"


def left_out_text(pairs: int, ids: Sequence[str], listed: int) -> str:
    """Return which pairs are left out and why, with up to ``listed`` ids of their examples."""
    named = ", ".join(ids[:listed]) + (", …" if len(ids) > listed > 0 else "")
    what = "1 pair is" if pairs == 1 else f"{pairs:,} pairs are"
    whose = "its example" if pairs == 1 else "their examples"
    has = "has" if pairs == 1 else "have"
    return (
        f"{what} left out: {whose} {has} the same id{f' ({named})' if named else ''} but another content in each "
        "experiment. Run both over one version of the dataset"
    )


def _tests(comparison: Comparison) -> Iterable[str]:
    known = [(metric.name, metric.test) for metric in comparison.metrics.values() if metric.test is not None]
    if not known:
        return
    columns = ("metric", f"{known[0][1].confidence * 100:g}% interval", "p", "p (Holm)", "detectable", "test")
    yield table(columns, [(name, *_test_cells(test), test.method) for name, test in known])


def _test_cells(test: PairedTest) -> tuple[str, ...]:
    return interval_text(test), probability(test.p_value), probability(test.holm_p), number(test.mde)


def _slices(comparison: Comparison) -> Iterable[str]:
    looks = 0
    for name in dict.fromkeys(part.name for part in comparison.slices):
        columns = (
            name,
            "metric",
            "pairs",
            comparison.baseline,
            comparison.candidate,
            "difference",
            "interval",
            "p (Holm)",
        )
        lines: list[tuple[str, ...]] = []
        for part in comparison.slices:
            for metric in part.metrics.values() if part.name == name else ():
                test = metric.test
                looks += test is not None
                means = (number(metric.baseline_mean), number(metric.candidate_mean), signed(metric.difference))
                cells = ("-", "-") if test is None else (interval_text(test), probability(test.holm_p))
                lines.append((part.value, metric.name, str(len(metric.pairs)), *means, *cells))
        if lines:
            yield table(columns, lines)
    if looks:
        yield (
            f"{looks} looks at slices: the p-values are adjusted for all of them; each interval is for its slice alone"
        )


def _named(comparison: Comparison, head: str, pairs: Sequence[ScorePair], listed: int) -> str:
    lines = [head]
    for pair in pairs[:listed]:
        repetition = f" #{pair.key.repetition}" if pair.key.repetition != 1 else ""
        scores = f"{pair.baseline:.4g} -> {pair.candidate:.4g}"
        lines.append(f"  {pair.key.example_id}{repetition}  {scores}  {comparison.headline(pair.key)}".rstrip())
    if len(pairs) > listed:
        lines.append(f"  and {len(pairs) - listed} more")
    return "\n".join(lines)


def _line(metric: MetricComparison) -> tuple[str, ...]:
    means = (number(metric.baseline_mean), number(metric.candidate_mean), signed(metric.difference))
    counts = (str(len(metric.better)), str(len(metric.worse)), str(len(metric.same)))
    return (metric.name, *means, *counts)


def comparison_dict(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as plain values that JSON can hold."""
    return {
        "baseline": comparison.baseline,
        "candidate": comparison.candidate,
        "pairs": len(comparison.rows),
        "only_in_baseline": comparison.only_in_baseline,
        "only_in_candidate": comparison.only_in_candidate,
        "changed": [{"example_id": key.example_id, "repetition": key.repetition} for key in comparison.changed],
        "not_compared": list(comparison.not_compared),
        "tests": comparison.tests,
        "metrics": {name: _metric_dict(metric, listed=True) for name, metric in comparison.metrics.items()},
        "slices": [
            {
                "name": part.name,
                "value": part.value,
                "pairs": part.pairs,
                "metrics": {name: _metric_dict(metric, listed=False) for name, metric in part.metrics.items()},
            }
            for part in comparison.slices
        ],
        "verdict": None if comparison.verdict is None else comparison.verdict.to_dict(),
    }


def _metric_dict(metric: MetricComparison, *, listed: bool) -> dict[str, Any]:
    better, worse = metric.better, metric.worse
    return {
        "pairs": len(metric.pairs),
        "unscored": metric.unscored,
        "baseline_mean": metric.baseline_mean,
        "candidate_mean": metric.candidate_mean,
        "difference": metric.difference,
        "lower_is_better": metric.lower_is_better,
        "test": None if metric.test is None else msgspec.to_builtins(metric.test),
        "better": [_pair_dict(pair) for pair in better] if listed else len(better),
        "worse": [_pair_dict(pair) for pair in worse] if listed else len(worse),
        "same": len(metric.same),
    }


def _pair_dict(pair: ScorePair) -> dict[str, Any]:
    return {
        "example_id": pair.key.example_id,
        "repetition": pair.key.repetition,
        "baseline": pair.baseline,
        "candidate": pair.candidate,
    }
