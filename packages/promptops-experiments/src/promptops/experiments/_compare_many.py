"""Compares more than two experiments: every pair, or each with one baseline."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._compare import ChangedExamples, compare, with_holm
from promptops.experiments._comparison import Comparison
from promptops.experiments._comparison_text import interval_text
from promptops.experiments._gates import Gate
from promptops.experiments._judge import judge
from promptops.experiments._result import ExperimentResult
from promptops.experiments._slices import SliceBy
from promptops.experiments._table import probability, signed, table
from promptops.experiments.statistics import DEFAULT_RESAMPLES, DEFAULT_SEED
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = ["Comparisons", "compare_many"]


class Comparisons(msgspec.Struct, frozen=True, kw_only=True):
    """Several comparisons that were made together; ``print(comparisons)`` shows them in one table.

    Attributes:
        names: The experiments, in the order in which they were given.
        items: The comparisons; the ``holm_p`` of each is adjusted for all of them and all of their metrics.
        tests: For how many tests.
    """

    names: Sequence[str]
    items: Sequence[Comparison]
    tests: int

    def __getitem__(self, names: tuple[str, str]) -> Comparison:
        """Return the comparison of ``(baseline, candidate)``."""
        for item in self.items:
            if (item.baseline, item.candidate) == names:
                return item
        raise KeyError(f"{names[1]} was not compared with {names[0]}")

    def __iter__(self) -> Iterator[Comparison]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def to_text(self) -> str:
        """Return a line for each pair and metric, and the verdicts."""
        lines: list[tuple[str, ...]] = []
        confidence = 0.95
        for item in self.items:
            for metric in item.metrics.values():
                pair = f"{item.candidate} - {item.baseline}"
                cells: tuple[str, ...] = ("-", "-", "-")
                if metric.test is not None:
                    confidence = metric.test.confidence
                    test = metric.test
                    cells = (interval_text(test), probability(test.p_value), probability(test.holm_p))
                changed = (str(len(metric.better)), str(len(metric.worse)))
                lines.append((pair, metric.name, signed(metric.difference), cells[0], *changed, *cells[1:]))
        if not lines:
            return "no metric has a score in both of any pair"
        interval = f"{confidence * 100:g}% interval"
        columns = ("pair", "metric", "difference", interval, "better", "worse", "p", f"p (Holm, {self.tests})")
        left_out = [f"{item.candidate} - {item.baseline}: {item.left_out()}" for item in self.items if item.changed]
        verdicts = [f"{item.candidate}, {item.verdict.to_text()}" for item in self.items if item.verdict is not None]
        return "\n\n".join([table(columns, lines), *left_out, *verdicts])

    def to_dict(self) -> dict[str, Any]:
        """Return the comparisons as plain values that JSON can hold."""
        return {
            "names": list(self.names),
            "tests": self.tests,
            "comparisons": [item.to_dict() for item in self.items],
        }

    def __str__(self) -> str:
        return self.to_text()


def compare_many(
    experiments: Sequence[ExperimentResult] | Mapping[str, ExperimentResult | Sequence[ExperimentRun]],
    *,
    baseline: str | None = None,
    evaluator: str | None = None,
    lower_is_better: Collection[str] = (),
    examples: Mapping[str, DatasetExample] | None = None,
    changed_examples: ChangedExamples = "leave_out",
    slices: Sequence[SliceBy] = (),
    gates: Sequence[Gate] = (),
    confidence: float = 0.95,
    resamples: int = DEFAULT_RESAMPLES,
    seed: int = DEFAULT_SEED,
) -> Comparisons:
    """Compare experiments pair by pair, with p-values that are adjusted for all the pairs and their metrics together.

    Args:
        experiments: At least two: results, or results and rows by name.
        baseline: Compare the others with this one only; every pair, the earlier one as its baseline, when absent.
        evaluator: As for :func:`compare`, like everything that follows; slices are adjusted within their pair.
        lower_is_better: Evaluators whose smaller scores are the better ones.
        examples: The examples by id.
        changed_examples: ``compare`` takes pairs whose example changed for pairs all the same.
        slices: By what to divide the examples.
        gates: What each candidate has to hold.
        confidence: Of the intervals.
        resamples: How many samples are drawn at random.
        seed: Of the drawing.

    Raises:
        ValidationError: There are fewer than two experiments, two have one name, or ``baseline`` is none of them.
    """
    named = _named(experiments)
    names = list(named)
    if baseline is not None and baseline not in named:
        raise ValidationError(f"baseline {baseline!r} is none of the experiments: {', '.join(names)}")
    pairs = list(combinations(names, 2))
    if baseline is not None:
        pairs = [(baseline, name) for name in names if name != baseline]
    items = [
        compare(
            named[first],
            named[second],
            evaluator=evaluator,
            lower_is_better=lower_is_better,
            baseline_name=first,
            candidate_name=second,
            examples=examples,
            changed_examples=changed_examples,
            slices=slices,
            confidence=confidence,
            resamples=resamples,
            seed=seed,
        )
        for first, second in pairs
    ]
    tests = sum(item.tests for item in items)
    adjusted = with_holm([item.metrics for item in items])
    items = [
        msgspec.structs.replace(item, metrics=metrics, tests=tests)
        for item, metrics in zip(items, adjusted, strict=True)
    ]
    if gates:
        items = [msgspec.structs.replace(item, verdict=judge(item, gates)) for item in items]
    return Comparisons(names=names, items=items, tests=tests)


def _named(
    experiments: Sequence[ExperimentResult] | Mapping[str, ExperimentResult | Sequence[ExperimentRun]],
) -> dict[str, ExperimentResult | Sequence[ExperimentRun]]:
    named: dict[str, ExperimentResult | Sequence[ExperimentRun]] = {}
    if isinstance(experiments, Mapping):
        named.update(experiments)
    else:
        for result in experiments:
            if result.name in named:
                raise ValidationError(f"two experiments are named {result.name!r}; pass a mapping of other names")
            named[result.name] = result
    if len(named) < 2:
        raise ValidationError(f"there are {len(named)} experiments to compare; give at least two")
    return named
