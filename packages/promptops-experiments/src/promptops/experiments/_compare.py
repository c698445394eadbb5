"""Compares two experiments example by example."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from promptops.core.errors import ValidationError
from promptops.experiments._comparison import Comparison, MetricComparison, PairKey, ScorePair
from promptops.experiments._result import ExperimentResult
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = ["compare"]


def compare(
    baseline: ExperimentResult | Sequence[ExperimentRun],
    candidate: ExperimentResult | Sequence[ExperimentRun],
    *,
    evaluator: str | None = None,
    lower_is_better: Collection[str] = (),
    baseline_name: str | None = None,
    candidate_name: str | None = None,
    examples: Mapping[str, DatasetExample] | None = None,
) -> Comparison:
    """Pair the rows of two experiments by example and repetition, and compare their scores.

    Args:
        baseline: What is compared with: the result of a run, or rows.
        candidate: What is judged.
        evaluator: Compare only this evaluator; all when absent.
        lower_is_better: Evaluators whose smaller scores are the better ones.
        baseline_name: What to call the baseline; the experiment's name when it is a result.
        candidate_name: What to call the candidate.
        examples: The examples by id, for reports; a result brings its own.

    Raises:
        ValidationError: ``evaluator`` scored neither of them.
    """
    first, second = _keyed(_rows(baseline)), _keyed(_rows(candidate))
    shared = {key: (first[key], second[key]) for key in first if key in second}
    in_first, in_second = _evaluator_names(first), _evaluator_names(second)
    names = list(dict.fromkeys([*in_first, *in_second]))
    if evaluator is not None:
        if evaluator not in names:
            raise ValidationError(
                f"no row was scored by {evaluator!r}; the evaluators are: {', '.join(names) or 'none'}"
            )
        names = [evaluator]
    metrics: dict[str, MetricComparison] = {}
    for name in names:
        if name in in_first and name in in_second:
            metrics[name] = _metric(name, shared, lower_is_better=name in lower_is_better)
    return Comparison(
        baseline=baseline_name or _name(baseline, "baseline"),
        candidate=candidate_name or _name(candidate, "candidate"),
        metrics=metrics,
        rows=shared,
        only_in_baseline=len(_rows(baseline)) - len(shared),
        only_in_candidate=len(_rows(candidate)) - len(shared),
        not_compared=[name for name in names if name not in metrics],
        examples=examples if examples is not None else {**_examples(candidate), **_examples(baseline)},
    )


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


def _evaluator_names(rows: Mapping[PairKey, ExperimentRun]) -> dict[str, None]:
    names: dict[str, None] = {}
    for row in rows.values():
        names.update((name, None) for name in row.scores)
    return names


def _metric(
    name: str, shared: Mapping[PairKey, tuple[ExperimentRun, ExperimentRun]], *, lower_is_better: bool
) -> MetricComparison:
    pairs: list[ScorePair] = []
    for key, (first, second) in shared.items():
        before, after = first.score(name), second.score(name)
        if before is not None and after is not None:
            pairs.append(ScorePair(key, before, after))
    return MetricComparison(name=name, pairs=pairs, lower_is_better=lower_is_better, unscored=len(shared) - len(pairs))
