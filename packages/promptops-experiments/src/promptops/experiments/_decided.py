"""Whether the units of a run that remain can still change its verdict."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from promptops.core.errors import ValidationError
from promptops.experiments._comparison import PairKey
from promptops.experiments._contents import changed_ids, contents_of
from promptops.experiments._gates import RELATIVE_RULES, Gate, GateResult, Status, Verdict, limit_text
from promptops.experiments._judge import Evidence, compared, measured, status_of
from promptops.experiments._result import ExperimentResult
from promptops.experiments.statistics import normal_quantile, sample_of
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = ["decided"]

_PARTS: Final = 4
_MARGIN: Final = 0.05
_RESAMPLES: Final = 4_000
_UNIT: Final = (0.0, 1.0)


class _Scored(NamedTuple):
    """A score of an example beside that of the baseline; 0 where only the mean counts."""

    example_id: str | None
    before: float
    after: float


class _Open(NamedTuple):
    """A unit that remains."""

    example_id: str
    before: float


class _Limit(NamedTuple):
    """One limit of a gate, and the scores that it is about."""

    gate: Gate
    rule: str
    limit: float
    bounds: tuple[float, float]
    lower_is_better: bool
    scored: Sequence[_Scored]
    open: Sequence[_Open]


def decided(
    gates: Gate | Sequence[Gate],
    done: Sequence[ExperimentRun],
    remaining: Collection[PairKey],
    *,
    baseline: ExperimentResult | Sequence[ExperimentRun] = (),
    examples: Mapping[str, DatasetExample] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    lower_is_better: Collection[str] = (),
) -> Verdict | None:
    """Return the verdict when the units that remain cannot change it, or None while they can.

    This is no forecast: the verdict is taken with every remaining score at its worst, with every one at its best, with
    half of them at each, and with only a part of them or none at all (a unit that fails has no score), and all of these
    have to agree, with a little room for what is drawn at random. The intervals that decide move up with each score,
    so what lies between agrees as well. Calls take up to a second when the end is near; ask now and then, not after
    each unit.

    Args:
        gates: What is asked for.
        done: The finished rows of the candidate.
        remaining: The units that have no row yet.
        baseline: The baseline, for gates that compare: a result, or rows.
        examples: The examples of the candidate by id (``state.examples``); those that have another content in a result
            as ``baseline`` are not compared, as :func:`compare` has it.
        bounds: The lowest and the highest possible score of a metric; 0 and 1 where it is not named.
        lower_is_better: Metrics whose smaller scores are the better ones.

    Raises:
        ValidationError: There is no gate, or a finished score lies outside its bounds.
    """
    asked = [gates] if isinstance(gates, Gate) else list(gates)
    if not asked:
        raise ValidationError("a verdict needs at least one gate")
    rows = baseline.rows if isinstance(baseline, ExperimentResult) else baseline
    before = {PairKey(row.example_id, row.repetition): row for row in rows if row.example_id is not None}
    changed = changed_ids({key.example_id for key in before}, contents_of(baseline), contents_of(done, examples))
    before = {key: row for key, row in before.items() if key.example_id not in changed}
    results: list[GateResult] = []
    possible: list[set[Status]] = []
    for gate in asked:
        own = (bounds or {}).get(gate.metric, _UNIT)
        _check_bounds(gate.metric, own, done)
        for rule, limit in gate.limits.items():
            scored, left = _scores(gate.metric, before if rule in RELATIVE_RULES else None, done, remaining)
            asked_for = _Limit(gate, rule, limit, own, gate.metric in lower_is_better, scored, left)
            statuses, evidence = _possible(asked_for)
            if _too_many_unscored(gate, done, remaining, changed if rule in RELATIVE_RULES else ()):
                statuses = set[Status](("inconclusive",))
            possible.append(statuses)
            if len(statuses) == 1:
                (status,) = statuses
                results.append(_result(asked_for, status, evidence, len(remaining)))
    together = _together(possible)
    return None if together is None else Verdict(status=together, results=results)


def _together(possible: Sequence[set[Status]]) -> Status | None:
    """Return what the limits come to, if that is the same whatever each of them comes to."""
    if {"fail"} in possible:
        return "fail"
    if any("fail" in statuses for statuses in possible):
        return None
    if {"inconclusive"} in possible:
        return "inconclusive"
    return "pass" if all(statuses == {"pass"} for statuses in possible) else None


def _possible(asked: _Limit) -> tuple[set[Status], list[Evidence]]:
    """Return every status that the remaining scores can lead to, and what they were found by."""
    statuses: set[Status] = set()
    found: list[Evidence] = []
    if _far_apart(asked):
        return {"pass", "inconclusive", "fail"}, found
    for scores in _completions(asked):
        evidence = _evidence(asked, scores)
        if evidence is None:
            statuses.add("inconclusive")
            continue
        found.append(evidence)
        margin = 0.0
        if asked.open and evidence.low is not None and evidence.high is not None:
            margin = _MARGIN * (evidence.high - evidence.low)
        statuses |= {status_of(asked.rule, asked.limit, evidence, margin=room) for room in (margin, -margin)}
        if len(statuses) > 1:
            break
    return statuses, found


def _far_apart(asked: _Limit) -> bool:
    """Say by simple intervals whether the best and the worst end lead to different verdicts; they cost no drawing."""
    seen: set[Status] = set()
    z = normal_quantile(0.5 + asked.gate.confidence / 2)
    for scores in (_filled(asked, len(asked.open), best=False), _filled(asked, len(asked.open), best=True)):
        if not scores:
            return False
        relative = asked.rule in RELATIVE_RULES
        sign = -1 if relative and asked.lower_is_better else 1
        values = [sign * (score.after - score.before) for score in scores]
        sample = sample_of(values, [place if s.example_id is None else s.example_id for place, s in enumerate(scores)])
        half = z * (sample.stderr or 0.0)
        evidence = Evidence(sample.mean, sample.mean - half, sample.mean + half, sample.stderr, sample.clusters)
        seen.add(status_of(asked.rule, asked.limit, evidence))
    return len(seen) > 1


def _completions(asked: _Limit) -> Iterator[list[_Scored]]:
    count = len(asked.open)
    yield _filled(asked, count, best=False)
    if not count:
        return
    yield _filled(asked, count, best=True)
    low, high = asked.bounds
    yield [
        *asked.scored,
        *(_Scored(unit.example_id, unit.before, (low, high)[place % 2]) for place, unit in enumerate(asked.open)),
    ]
    for part in range(_PARTS):
        for best in (False, True):
            yield _filled(asked, count * part // _PARTS, best=best)


def _filled(asked: _Limit, count: int, *, best: bool) -> list[_Scored]:
    """Give ``count`` of the units that remain, those that move the mean most, the best or the worst score."""
    units = sorted(asked.open, key=lambda unit: unit.before, reverse=not best)[:count]
    score = asked.bounds[best]
    return [*asked.scored, *(_Scored(unit.example_id, unit.before, score) for unit in units)]


def _evidence(asked: _Limit, scores: Sequence[_Scored]) -> Evidence | None:
    if not scores:
        return None
    confidence = asked.gate.confidence
    if asked.rule in RELATIVE_RULES:
        return compared(scores, lower_is_better=asked.lower_is_better, confidence=confidence, resamples=_RESAMPLES)
    return measured([(score.example_id, score.after) for score in scores], confidence=confidence)


def _scores(
    metric: str,
    baseline: Mapping[PairKey, ExperimentRun] | None,
    done: Sequence[ExperimentRun],
    remaining: Collection[PairKey],
) -> tuple[list[_Scored], list[_Open]]:
    if baseline is None:
        scored = [_Scored(row.example_id, 0.0, score) for row in done if (score := row.score(metric)) is not None]
        return scored, [_Open(key.example_id, 0.0) for key in remaining]
    known = {key: score for key, row in baseline.items() if (score := row.score(metric)) is not None}
    pairs: list[_Scored] = []
    for row in done:
        score = row.score(metric)
        key = None if row.example_id is None else PairKey(row.example_id, row.repetition)
        if key is not None and score is not None and key in known:
            pairs.append(_Scored(key.example_id, known[key], score))
    return pairs, [_Open(key.example_id, known[key]) for key in remaining if key in known]


def _too_many_unscored(
    gate: Gate, done: Sequence[ExperimentRun], remaining: Collection[PairKey], changed: Collection[str]
) -> bool:
    if gate.max_unscored is None:
        return False
    unscored = sum(row.score(gate.metric) is None or row.example_id in changed for row in done)
    unscored += sum(key.example_id in changed for key in remaining)
    return unscored > gate.max_unscored * (len(done) + len(remaining))


def _check_bounds(metric: str, bounds: tuple[float, float], done: Sequence[ExperimentRun]) -> None:
    low, high = bounds
    for row in done:
        score = row.score(metric)
        if score is not None and not low <= score <= high:
            raise ValidationError(
                f"{metric!r} gave {score:g}, outside its bounds {low:g} to {high:g}; give its bounds in bounds="
            )


def _result(asked: _Limit, status: Status, evidence: Sequence[Evidence], remaining: int) -> GateResult:
    lows = [one.low for one in evidence if one.low is not None]
    highs = [one.high for one in evidence if one.high is not None]
    return GateResult(
        metric=asked.gate.metric,
        rule=asked.rule,
        limit=asked.limit,
        status=status,
        estimate=None,
        low=min(lows) if lows else None,
        high=max(highs) if highs else None,
        needed=None,
        reason=(
            f"{asked.gate.metric}: {limit_text(asked.rule, asked.limit)}; "
            f"the {remaining:,} units that remain cannot change that this comes to {status}"
        ),
    )
