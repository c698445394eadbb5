"""Makes the report of results and comparisons; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._comparison import Comparison, MetricComparison, PairKey, ScorePair
from promptops.experiments._gates import Gate
from promptops.experiments._judge import judge
from promptops.experiments._result import ExperimentResult, Metric, metrics_of
from promptops.experiments._row_facts import cost_of, has_error
from promptops.experiments._table import first_text
from promptops.experiments.reports._distribution import distributions
from promptops.experiments.reports._model import (
    Cell,
    ComparisonPart,
    ExperimentPart,
    MetricDifference,
    MetricFigures,
    Report,
    Row,
    SliceDifference,
)
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = ["Item", "make_report"]

Item = Comparison | ExperimentResult

_HEADLINE: Final = 120
_Key = tuple[str | None, int]


def make_report(
    items: Item | Iterable[Item],
    *,
    title: str = "Experiments",
    gates: Sequence[Gate] = (),
    created_at: str | None = None,
) -> Report:
    """Put results and comparisons together as one report.

    An experiment that is in several of them appears once: by its id, or by its name in a comparison.

    Args:
        items: At least one, in the order in which to show them; several comparisons at once as in ``Comparisons``.
        title: The heading.
        gates: What the comparisons have to hold, or the results when there is no comparison; those that were judged
            already keep their verdict.
        created_at: When the report was made; left out unless given, so that the same items give the same report.

    Raises:
        ValidationError: There is no item, or a gate names a metric that is not there.
    """
    listed = [items] if isinstance(items, Comparison | ExperimentResult) else list(items)
    if not listed:
        raise ValidationError("a report needs at least one result or comparison")
    table = _Table()
    comparisons = [item for item in listed if isinstance(item, Comparison)]
    for item in listed:
        if isinstance(item, ExperimentResult):
            table.add_result(item, () if comparisons else gates)
    parts = [table.add_comparison(item, gates) for item in comparisons]
    return Report(
        title=title,
        experiments=table.experiments(),
        comparisons=parts,
        rows=table.rows(),
        created_at=created_at,
    )


class _Table:
    """The rows of all experiments, joined by example and repetition."""

    def __init__(self) -> None:
        self._sides: list[tuple[ExperimentPart, dict[_Key, ExperimentRun]]] = []
        self._order: dict[_Key, int] = {}
        self._examples: dict[str, DatasetExample] = {}

    def add_result(self, result: ExperimentResult, gates: Sequence[Gate]) -> None:
        if any(part.id == result.experiment.id and part.name == result.name for part, _ in self._sides):
            return
        part = ExperimentPart(
            name=self._free(result.name),
            id=result.experiment.id,
            rows=len(result.rows),
            failed=result.failed,
            errors=result.errors,
            duration_s=result.duration_s if result.duration_s > 0 else None,
            cost=_total_cost(result.rows) if result.cost is None else result.cost,
            metrics=_figures(result.metrics),
            stopped=result.stopped,
            remaining=result.remaining,
            run_evaluations=dict(result.run_evaluations),
            verdict=judge(result, gates) if gates else None,
        )
        keyed: dict[_Key, ExperimentRun] = {}
        for run in result.rows:
            repetition = run.repetition
            while (run.example_id, repetition) in keyed:
                repetition += 1
            keyed[run.example_id, repetition] = run
        self._add(part, keyed, result.examples)

    def add_comparison(self, item: Comparison, gates: Sequence[Gate]) -> ComparisonPart:
        verdict = judge(item, gates) if gates and item.verdict is None else item.verdict
        sides = [self._side_of(item, place) for place in (0, 1)]
        return ComparisonPart(
            baseline=sides[0],
            candidate=sides[1],
            pairs=len(item.rows),
            only_in_baseline=item.only_in_baseline,
            only_in_candidate=item.only_in_candidate,
            not_compared=list(item.not_compared),
            metrics=[self._difference(metric, listed=True) for metric in item.metrics.values()],
            slices=[
                SliceDifference(
                    name=part.name,
                    value=part.value,
                    pairs=part.pairs,
                    metrics=[self._difference(metric, listed=False) for metric in part.metrics.values()],
                )
                for part in item.slices
            ],
            tests=item.tests,
            verdict=verdict,
            changed=len(item.changed),
            changed_rows=sorted(self._order[_key(key)] for key in item.changed),
        )

    def experiments(self) -> list[ExperimentPart]:
        """Return the experiments with distributions over bins that they share."""
        names = dict.fromkeys(metric.name for part, _ in self._sides for metric in part.metrics)
        spread: list[dict[str, Any]] = [{} for _ in self._sides]
        for name in names:
            samples = [
                [score for run in keyed.values() if (score := run.score(name)) is not None] for _, keyed in self._sides
            ]
            for place, found in enumerate(distributions(samples)):
                spread[place][name] = found
        return [
            msgspec.structs.replace(
                part,
                metrics=[
                    msgspec.structs.replace(metric, distribution=spread[place][metric.name]) for metric in part.metrics
                ],
            )
            for place, (part, _) in enumerate(self._sides)
        ]

    def rows(self) -> list[Row]:
        """Return every row of every experiment, in the order in which they were first seen."""
        return [self._row(key) for key in self._order]

    def _row(self, key: _Key) -> Row:
        example_id, repetition = key
        example = None if example_id is None else self._examples.get(example_id)
        fields: Mapping[str, Any] = {} if example is None else example.fields
        return Row(
            example_id=example_id,
            repetition=repetition,
            headline=_headline(fields),
            fields=fields,
            cells={place: _cell(keyed[key]) for place, (_, keyed) in enumerate(self._sides) if key in keyed},
        )

    def _side_of(self, item: Comparison, place: int) -> int:
        name = (item.baseline, item.candidate)[place]
        pairs = {**item.rows, **item.changed}
        runs: dict[_Key, ExperimentRun] = {_key(key): pair[place] for key, pair in pairs.items()}
        for index, (part, keyed) in enumerate(self._sides):
            if part.name == name and runs.keys() <= keyed.keys():
                self._know(runs, item.examples)
                return index
        rows = list(runs.values())
        part = ExperimentPart(
            name=self._free(name),
            id=None,
            rows=len(rows) + (item.only_in_baseline, item.only_in_candidate)[place],
            failed=sum(run.error is not None for run in rows),
            errors=sum(has_error(run) for run in rows),
            cost=_total_cost(rows),
            metrics=_figures(metrics_of(rows)),
        )
        self._add(part, runs, item.examples)
        return len(self._sides) - 1

    def _add(
        self, part: ExperimentPart, keyed: dict[_Key, ExperimentRun], examples: Mapping[str, DatasetExample]
    ) -> None:
        self._sides.append((part, keyed))
        self._know(keyed, examples)

    def _know(self, keyed: Mapping[_Key, ExperimentRun], examples: Mapping[str, DatasetExample]) -> None:
        for key in keyed:
            self._order.setdefault(key, len(self._order))
            if key[0] is not None and key[0] in examples:
                self._examples.setdefault(key[0], examples[key[0]])

    def _free(self, name: str) -> str:
        taken = {part.name for part, _ in self._sides}
        free, number = name, 2
        while free in taken:
            free, number = f"{name} ({number})", number + 1
        return free

    def _difference(self, metric: MetricComparison, *, listed: bool) -> MetricDifference:
        better, worse = metric.better, metric.worse
        return MetricDifference(
            name=metric.name,
            lower_is_better=metric.lower_is_better,
            pairs=len(metric.pairs),
            unscored=metric.unscored,
            baseline_mean=metric.baseline_mean,
            candidate_mean=metric.candidate_mean,
            difference=metric.difference,
            test=metric.test,
            better=len(better),
            worse=len(worse),
            same=len(metric.same),
            worse_rows=self._places(worse) if listed else (),
            better_rows=self._places(better) if listed else (),
        )

    def _places(self, pairs: Sequence[ScorePair]) -> list[int]:
        """Return the rows of pairs, the largest change first, otherwise in the order of the dataset."""
        found = [(-abs(pair.candidate - pair.baseline), self._order[_key(pair.key)]) for pair in pairs]
        return [place for _, place in sorted(found)]


def _key(key: PairKey) -> _Key:
    return key.example_id, key.repetition


def _figures(metrics: Mapping[str, Metric]) -> list[MetricFigures]:
    return [
        MetricFigures(
            name=metric.name,
            mean=metric.mean,
            scored=metric.scored,
            errors=metric.errors,
            labels=dict(metric.labels),
            summary=metric.summary,
        )
        for metric in metrics.values()
    ]


def _cell(run: ExperimentRun) -> Cell:
    return Cell(
        output=run.output or "",
        error=run.error,
        latency_ms=run.latency_ms,
        cost=cost_of(run),
        evaluations=run.evaluations,
    )


def _total_cost(rows: Iterable[ExperimentRun]) -> float | None:
    costs = [cost for run in rows if (cost := cost_of(run)) is not None]
    return sum(costs) if costs else None


def _headline(fields: Mapping[str, Any]) -> str:
    text = first_text(fields)
    return text if len(text) <= _HEADLINE else text[: _HEADLINE - 1] + "…"
