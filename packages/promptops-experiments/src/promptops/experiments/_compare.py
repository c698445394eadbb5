"""Compares two experiments example by example."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._comparison import Comparison, ComparisonSlice, MetricComparison, PairKey, ScorePair
from promptops.experiments._contents import changed_ids, contents_of
from promptops.experiments._gates import Gate
from promptops.experiments._judge import judge
from promptops.experiments._result import ExperimentResult
from promptops.experiments._slices import SliceBy, divided, slice_name
from promptops.experiments.statistics import DEFAULT_RESAMPLES, DEFAULT_SEED, PairedTest, holm, paired_test
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = ["ChangedExamples", "Pairs", "check_changed_examples", "compare", "paired_rows", "with_holm"]

Pairs = dict[PairKey, tuple[ExperimentRun, ExperimentRun]]
"""Rows of the same repetition of the same example, the baseline's first."""

ChangedExamples = Literal["leave_out", "compare"]
"""What becomes of pairs whose example has another content in each experiment."""


def compare(
    baseline: ExperimentResult | Sequence[ExperimentRun],
    candidate: ExperimentResult | Sequence[ExperimentRun],
    *,
    evaluator: str | None = None,
    lower_is_better: Collection[str] = (),
    baseline_name: str | None = None,
    candidate_name: str | None = None,
    examples: Mapping[str, DatasetExample] | None = None,
    baseline_examples: Mapping[str, DatasetExample] | None = None,
    changed_examples: ChangedExamples = "leave_out",
    slices: Sequence[SliceBy] = (),
    gates: Sequence[Gate] = (),
    confidence: float = 0.95,
    resamples: int = DEFAULT_RESAMPLES,
    seed: int = DEFAULT_SEED,
) -> Comparison:
    """Pair the rows of two experiments by example and repetition, and compare their scores.

    Each metric gets an interval of the difference and a p-value, adjusted for the number of metrics; repetitions of
    one example count as one observation. The same rows and the same seed give the same figures.

    Scores of different questions are not compared: a pair whose example has another content in each experiment, as far
    as the contents are known (results know them; of rows, ``examples`` and ``baseline_examples`` say them), is left out
    of every figure and listed in ``changed``. Gates count it as a row without a score.

    Args:
        baseline: What is compared with: the result of a run, or rows.
        candidate: What is judged.
        evaluator: Compare only this evaluator; all when absent.
        lower_is_better: Evaluators whose smaller scores are the better ones.
        baseline_name: What to call the baseline; the experiment's name when it is a result.
        candidate_name: What to call the candidate.
        examples: The examples by id, for reports and slices; a result brings its own.
        baseline_examples: The examples of the baseline by id, where it is given as rows and they may differ.
        changed_examples: ``compare`` takes pairs whose example changed for pairs all the same.
        slices: By what to divide the examples for a closer look: the name of a field (of ``metadata``, or of the
            example), or a function of the example. The p-values of all slices are adjusted together.
        gates: What the candidate has to hold; the verdict is part of the comparison.
        confidence: How often the intervals hold the true difference.
        resamples: How many samples are drawn at random, for intervals and for the p-values that need it.
        seed: Of the drawing.

    Raises:
        ValidationError: ``evaluator`` scored neither of them, the examples have nothing to slice by, a gate names a
            metric that is not there, or ``confidence``, ``resamples`` or ``changed_examples`` make no sense.
    """
    check_changed_examples(changed_examples)
    if not 0.5 <= confidence < 1:
        raise ValidationError(f"confidence is {confidence}; give a number from 0.5 to below 1, such as 0.95")
    if not 100 <= resamples <= 1_000_000:
        raise ValidationError(f"resamples is {resamples}; give a number from 100 to 1,000,000")
    first, second = _keyed(_rows(baseline)), _keyed(_rows(candidate))
    shared, changed = _pairs(
        {key: (first[key], second[key]) for key in first if key in second},
        set[str]()
        if changed_examples == "compare"
        else changed_ids(
            {key.example_id for key in first.keys() & second.keys()},
            contents_of(baseline, baseline_examples),
            contents_of(candidate, examples),
        ),
    )
    names = list(dict.fromkeys([*_evaluator_names(first), *_evaluator_names(second)]))
    if evaluator is not None:
        if evaluator not in names:
            raise ValidationError(
                f"no row was scored by {evaluator!r}; the evaluators are: {', '.join(names) or 'none'}"
            )
        names = [evaluator]
    tested = _Tested(confidence, resamples, seed)
    metrics = {
        name: tested.metric(name, shared, lower_is_better=name in lower_is_better)
        for name in names
        if _scores_any(name, first) and _scores_any(name, second)
    }
    known = {**_examples(candidate), **_examples(baseline)}
    if examples is not None:
        known = {**examples, **(baseline_examples or {})}
    parts = [
        ComparisonSlice(
            name=slice_name(by),
            value=value,
            pairs=len(keys),
            metrics={
                name: tested.metric(name, {key: shared[key] for key in keys}, lower_is_better=metric.lower_is_better)
                for name, metric in metrics.items()
            },
        )
        for by in slices
        for value, keys in divided(list(shared), known, by).items()
    ]
    whole, sliced = with_holm([metrics]), with_holm([part.metrics for part in parts])
    comparison = Comparison(
        baseline=baseline_name or _name(baseline, "baseline"),
        candidate=candidate_name or _name(candidate, "candidate"),
        metrics=whole[0],
        rows=shared,
        only_in_baseline=len(_rows(baseline)) - len(shared) - len(changed),
        only_in_candidate=len(_rows(candidate)) - len(shared) - len(changed),
        changed=changed,
        not_compared=[name for name in names if name not in metrics],
        examples=known,
        slices=[msgspec.structs.replace(part, metrics=own) for part, own in zip(parts, sliced, strict=True)],
        tests=sum(metric.test is not None for metric in metrics.values()),
    )
    return msgspec.structs.replace(comparison, verdict=judge(comparison, gates)) if gates else comparison


def check_changed_examples(given: object) -> None:
    """Refuse what is none of :data:`ChangedExamples`.

    Raises:
        ValidationError: It is something else.
    """
    if given not in {"leave_out", "compare"}:
        raise ValidationError(f"changed_examples is {given!r}; it is leave_out or compare")


def paired_rows(
    baseline: ExperimentResult | Sequence[ExperimentRun],
    candidate: ExperimentResult | Sequence[ExperimentRun],
    *,
    changed_examples: ChangedExamples = "leave_out",
) -> tuple[Pairs, Pairs]:
    """Return the rows of both that belong to the same repetition of the same example, in the baseline's order.

    Returns:
        The pairs to compare, and those to leave out, whose example has another content in each.
    """
    first, second = _keyed(_rows(baseline)), _keyed(_rows(candidate))
    shared = {key: (first[key], second[key]) for key in first if key in second}
    if changed_examples == "compare":
        return shared, {}
    ids = {key.example_id for key in shared}
    return _pairs(shared, changed_ids(ids, contents_of(baseline), contents_of(candidate)))


def _pairs(shared: Pairs, changed: Collection[str]) -> tuple[Pairs, Pairs]:
    """Divide pairs into those to compare and those to leave out."""
    if not changed:
        return shared, {}
    return (
        {key: pair for key, pair in shared.items() if key.example_id not in changed},
        {key: pair for key, pair in shared.items() if key.example_id in changed},
    )


def with_holm(families: Sequence[Mapping[str, MetricComparison]]) -> list[dict[str, MetricComparison]]:
    """Return the metrics with p-values that are adjusted for all of them together."""
    tests = [metric.test for metrics in families for metric in metrics.values()]
    adjusted = iter(holm([None if test is None else test.p_value for test in tests]))
    changed: list[dict[str, MetricComparison]] = []
    for metrics in families:
        changed.append({})
        for name, metric in metrics.items():
            p_value = next(adjusted)
            test = metric.test
            if test is not None and p_value is not None:
                test = msgspec.structs.replace(test, holm_p=p_value)
            changed[-1][name] = msgspec.structs.replace(metric, test=test)
    return changed


def _rows(side: ExperimentResult | Sequence[ExperimentRun]) -> Sequence[ExperimentRun]:
    return side.rows if isinstance(side, ExperimentResult) else side


def _name(side: ExperimentResult | Sequence[ExperimentRun], otherwise: str) -> str:
    return side.name if isinstance(side, ExperimentResult) else otherwise


def _examples(side: ExperimentResult | Sequence[ExperimentRun]) -> Mapping[str, DatasetExample]:
    return side.examples if isinstance(side, ExperimentResult) else {}


def _keyed(rows: Sequence[ExperimentRun]) -> dict[PairKey, ExperimentRun]:
    """Give each row its key; further rows of one key count as further repetitions, rows of no example as none."""
    keyed: dict[PairKey, ExperimentRun] = {}
    following: dict[str, int] = {}
    for row in rows:
        if row.example_id is None:
            continue
        key = PairKey(row.example_id, row.repetition)
        if key in keyed:
            free = following.get(row.example_id, 2)
            while PairKey(row.example_id, free) in keyed:
                free += 1
            following[row.example_id] = free + 1
            key = PairKey(row.example_id, free)
        keyed[key] = row
    return keyed


def _evaluator_names(rows: Mapping[PairKey, ExperimentRun]) -> list[str]:
    # Of all columns at once: to make the evaluations of each row would take most of the time of a comparison.
    columns = dict.fromkeys(name for row in rows.values() for name in row.fields)
    return list(ExperimentRun(example_id=None, fields=columns).evaluations)


def _scores_any(name: str, rows: Mapping[PairKey, ExperimentRun]) -> bool:
    return any(row.score(name) is not None for row in rows.values())


class _Tested(msgspec.Struct, frozen=True):
    """Makes metrics with their tests."""

    confidence: float
    resamples: int
    seed: int

    def metric(
        self, name: str, shared: Mapping[PairKey, tuple[ExperimentRun, ExperimentRun]], *, lower_is_better: bool
    ) -> MetricComparison:
        pairs: list[ScorePair] = []
        for key, (first, second) in shared.items():
            before, after = first.score(name), second.score(name)
            if before is not None and after is not None:
                pairs.append(ScorePair(key, before, after))
        return MetricComparison(
            name=name,
            pairs=pairs,
            lower_is_better=lower_is_better,
            unscored=len(shared) - len(pairs),
            test=self._test(pairs) if pairs else None,
        )

    def _test(self, pairs: Sequence[ScorePair]) -> PairedTest:
        return paired_test(
            [pair.baseline for pair in pairs],
            [pair.candidate for pair in pairs],
            [pair.key.example_id for pair in pairs],
            confidence=self.confidence,
            resamples=self.resamples,
            seed=self.seed,
        )
