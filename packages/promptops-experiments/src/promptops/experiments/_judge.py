"""Holds experiments and comparisons against gates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from promptops.core.errors import ValidationError
from promptops.experiments._comparison import Comparison
from promptops.experiments._gates import RELATIVE_RULES, Gate, GateResult, Status, Verdict, limit_text, worst
from promptops.experiments._result import ExperimentResult
from promptops.experiments.statistics import DEFAULT_RESAMPLES, examples_needed, paired_test, summarise
from promptops.models.experiments import ExperimentRun

__all__ = ["Evidence", "compared", "judge", "measured", "status_of"]


class Evidence(NamedTuple):
    """A number, its interval, and where they come from."""

    estimate: float
    low: float | None
    high: float | None
    stderr: float | None
    clusters: int


def judge(subject: Comparison | ExperimentResult, gates: Gate | Sequence[Gate]) -> Verdict:
    """Say whether an experiment passes its gates, fails them, or too little is known.

    A limit passes when the whole interval lies within it, fails when the whole interval lies beyond it, and is
    inconclusive otherwise. All limits have to pass, so there is nothing to correct for their number.

    Args:
        subject: A comparison, whose candidate is judged, or the result of one experiment.
        gates: At least one. ``max_regression`` and ``min_improvement`` need a comparison.

    Raises:
        ValidationError: There is no gate, a gate names a metric that nothing was scored by, or it needs a baseline.
    """
    asked = [gates] if isinstance(gates, Gate) else list(gates)
    if not asked:
        raise ValidationError("a verdict needs at least one gate")
    results = [_result(subject, gate, rule, limit) for gate in asked for rule, limit in gate.limits.items()]
    return Verdict(status=worst([result.status for result in results]), results=results)


def _result(subject: Comparison | ExperimentResult, gate: Gate, rule: str, limit: float) -> GateResult:
    if rule not in RELATIVE_RULES:
        evidence, unscored, total = _absolute(subject, gate)
    elif isinstance(subject, Comparison):
        evidence, unscored, total = _relative(subject, gate)
    else:
        raise ValidationError(f"{rule} of the gate for {gate.metric!r} needs a baseline; judge a comparison")
    asked = f"{gate.metric}: {limit_text(rule, limit)}"
    left_out = _left_out(subject) if rule in RELATIVE_RULES else ""
    if evidence is None:
        return _inconclusive(gate, rule, limit, None, f"{asked}, but there is no score to judge{left_out}")
    if gate.max_unscored is not None and unscored > gate.max_unscored * total:
        why = (
            f"{asked}, but {unscored:,} of {total:,} rows have no score{left_out}, more than "
            f"max_unscored={gate.max_unscored:g}"
        )
        return _inconclusive(gate, rule, limit, evidence, why)
    status = status_of(rule, limit, evidence)
    needed = None
    found = f"{_found(rule, evidence)}, {_interval(gate, evidence)}"
    if status == "inconclusive" and evidence.stderr:
        distance = evidence.estimate - _edge(rule, limit)
        needed = examples_needed(evidence.stderr, evidence.clusters, distance, confidence=gate.confidence)
        found += f"; {_advice(evidence, needed)}"
    return GateResult(
        metric=gate.metric,
        rule=rule,
        limit=limit,
        status=status,
        estimate=evidence.estimate,
        low=evidence.low,
        high=evidence.high,
        needed=needed,
        reason=f"{asked}, and {found}",
    )


def status_of(rule: str, limit: float, evidence: Evidence, *, margin: float = 0.0) -> Status:
    """Return what an interval says of a limit; it has to clear the limit by ``margin`` to decide."""
    low, high = evidence.low, evidence.high
    if low is None or high is None:
        return "inconclusive"
    edge = _edge(rule, limit)
    if rule == "max_mean":
        low, high, edge = -high, -low, -edge
    if low - margin >= edge:
        return "pass"
    return "fail" if high + margin < edge else "inconclusive"


def compared(
    pairs: Sequence[tuple[str | None, float, float]],
    *,
    lower_is_better: bool,
    confidence: float,
    resamples: int = DEFAULT_RESAMPLES,
) -> Evidence:
    """Return how much better the candidate is, of triples of example, baseline and candidate; below zero is worse."""
    test = paired_test(
        [before for _, before, _ in pairs],
        [after for _, _, after in pairs],
        [example for example, _, _ in pairs],
        confidence=confidence,
        resamples=resamples,
    )
    low, high, estimate = test.low, test.high, test.difference
    if lower_is_better:
        low, high, estimate = None if high is None else -high, None if low is None else -low, -estimate
    return Evidence(estimate, low, high, test.stderr, test.clusters)


def measured(scores: Sequence[tuple[str | None, float]], *, confidence: float) -> Evidence:
    """Return the mean of scores with their examples."""
    summary = summarise(
        [score for _, score in scores],
        [place if example is None else example for place, (example, _) in enumerate(scores)],
        confidence=confidence,
    )
    return Evidence(summary.mean, summary.low, summary.high, summary.stderr, summary.clusters)


def _relative(comparison: Comparison, gate: Gate) -> tuple[Evidence | None, int, int]:
    metric = comparison.metrics.get(gate.metric)
    if metric is None:
        _check_known(gate, [*comparison.metrics, *comparison.not_compared])
        return None, len(comparison.rows), len(comparison.rows)
    # What was asked another question says nothing of the difference, as if it had no score.
    unscored = metric.unscored + len(comparison.changed)
    total = len(metric.pairs) + unscored
    if not metric.pairs:
        return None, unscored, total
    test = metric.test
    if test is not None and abs(test.confidence - gate.confidence) < 1e-12:
        sign = -1 if metric.lower_is_better else 1
        ends = sorted(sign * end for end in (test.low, test.high) if end is not None)
        low, high = ends if len(ends) == 2 else (None, None)
        evidence = Evidence(sign * test.difference, low, high, test.stderr, test.clusters)
    else:
        pairs = [(pair.key.example_id, pair.baseline, pair.candidate) for pair in metric.pairs]
        evidence = compared(pairs, lower_is_better=metric.lower_is_better, confidence=gate.confidence)
    return evidence, unscored, total


def _left_out(subject: Comparison | ExperimentResult) -> str:
    if not isinstance(subject, Comparison) or not subject.changed:
        return ""
    count = len(subject.changed)
    return f" (the examples of {count:,} {'pair' if count == 1 else 'pairs'} changed between the two)"


def _absolute(subject: Comparison | ExperimentResult, gate: Gate) -> tuple[Evidence | None, int, int]:
    rows: Sequence[ExperimentRun]
    if isinstance(subject, Comparison):
        rows = [candidate for _, candidate in (*subject.rows.values(), *subject.changed.values())]
        _check_known(gate, [*subject.metrics, *subject.not_compared])
    else:
        rows = subject.rows
        _check_known(gate, list(subject.metrics))
    scores = [(row.example_id, score) for row in rows if (score := row.score(gate.metric)) is not None]
    if not scores:
        return None, len(rows), len(rows)
    return measured(scores, confidence=gate.confidence), len(rows) - len(scores), len(rows)


def _check_known(gate: Gate, names: Sequence[str]) -> None:
    if gate.metric not in names:
        known = ", ".join(names) or "none"
        raise ValidationError(f"no row was scored by {gate.metric!r}, which a gate names; the evaluators are: {known}")


def _edge(rule: str, limit: float) -> float:
    return -limit if rule == "max_regression" else limit


def _found(rule: str, evidence: Evidence) -> str:
    if rule not in RELATIVE_RULES:
        return f"it is {evidence.estimate:.4g}"
    if evidence.estimate == 0:
        return "is the same"
    return f"is {'better' if evidence.estimate > 0 else 'worse'} by {abs(evidence.estimate):.4g}"


def _interval(gate: Gate, evidence: Evidence) -> str:
    if evidence.low is None or evidence.high is None:
        return f"without a {gate.confidence * 100:g}% interval, since the scores do not vary"
    return f"{gate.confidence * 100:g}% interval {evidence.low:+.4g} to {evidence.high:+.4g}"


def _advice(evidence: Evidence, needed: int | None) -> str:
    if needed is None:
        return "the estimate is the limit itself, which no number of examples would decide"
    # The estimate may be far enough from the limit for the examples there are, which then were unlucky.
    more = max(needed, evidence.clusters + 1)
    return f"about {more:,} examples would decide if that is the truth ({evidence.clusters:,} now)"


def _inconclusive(gate: Gate, rule: str, limit: float, evidence: Evidence | None, why: str) -> GateResult:
    return GateResult(
        metric=gate.metric,
        rule=rule,
        limit=limit,
        status="inconclusive",
        estimate=None if evidence is None else evidence.estimate,
        low=None if evidence is None else evidence.low,
        high=None if evidence is None else evidence.high,
        needed=None,
        reason=why,
    )
