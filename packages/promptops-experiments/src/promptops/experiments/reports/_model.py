"""What a report says, whatever it looks like: experiments, comparisons, verdicts and rows, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
from promptops.experiments._gates import Status, Verdict, worst
from promptops.experiments._run_evaluation import RunEvaluation
from promptops.experiments.statistics import PairedTest, Summary
from promptops.models.experiments import Evaluation

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "Bin",
    "Cell",
    "ComparisonPart",
    "Distribution",
    "ExperimentPart",
    "MetricDifference",
    "MetricFigures",
    "Report",
    "Row",
    "SliceDifference",
]

FORMAT: Final = "promptops.report"
FORMAT_VERSION: Final = 1


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Scores from ``low`` to ``high``; a single value when both are the same."""

    low: float
    high: float
    count: int


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """How scores are spread; experiments of one report share their bins, so that they can be held side by side.

    Attributes:
        kind: ``values`` when each bin is one value, else ``ranges``.
        bins: In order; a range holds its lower end, the last one both.
    """

    kind: Literal["values", "ranges"]
    bins: Sequence[Bin]


class MetricFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How one evaluator judged one experiment.

    Attributes:
        name: The evaluator.
        mean: Mean of the scores, or None when there are none.
        scored: How many rows have a score.
        errors: On how many rows it failed.
        labels: How often it gave each label.
        summary: Spread, quantiles and the interval of the mean, or None.
        distribution: Of the scores, or None.
    """

    name: str
    mean: float | None
    scored: int
    errors: int
    labels: Mapping[str, int] = msgspec.field(default_factory=dict[str, int])
    summary: Summary | None = None
    distribution: Distribution | None = None


class ExperimentPart(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment.

    Attributes:
        name: What it is called; unique in its report.
        id: Its id in the store, or None when only its rows are known.
        rows: How many rows it has.
        failed: How many tasks failed.
        errors: How many rows have any error.
        duration_s: Seconds that the run took, or None when not known.
        cost: What tasks and judges cost together, or None when nothing was reported.
        metrics: In the order of the evaluators.
        stopped: Why the run ended before its last unit, or None.
        remaining: How many rows are missing for that reason.
        run_evaluations: What run-level evaluators say about all rows together.
        verdict: What gates say of this experiment alone, or None.
    """

    name: str
    id: str | None
    rows: int
    failed: int
    errors: int
    duration_s: float | None = None
    cost: float | None = None
    metrics: Sequence[MetricFigures] = ()
    stopped: str | None = None
    remaining: int = 0
    run_evaluations: Mapping[str, RunEvaluation] = msgspec.field(default_factory=dict[str, RunEvaluation])
    verdict: Verdict | None = None


class MetricDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of two experiments.

    Attributes:
        name: The evaluator.
        lower_is_better: Which direction counts as better.
        pairs: Pairs in which both have a score.
        unscored: Pairs in which one or both have none.
        baseline_mean: Of the pairs.
        candidate_mean: Of the pairs.
        difference: Candidate minus baseline.
        test: Interval, p-values and the smallest difference that would be found.
        better: How many pairs got better.
        worse: How many got worse.
        same: How many have equal scores.
        worse_rows: Indexes of the rows of the report that got worse, the largest loss first; empty for slices.
        better_rows: Likewise for those that got better.
    """

    name: str
    lower_is_better: bool
    pairs: int
    unscored: int
    baseline_mean: float | None
    candidate_mean: float | None
    difference: float | None
    test: PairedTest | None
    better: int
    worse: int
    same: int
    worse_rows: Sequence[int] = ()
    better_rows: Sequence[int] = ()

    @property
    def tone(self) -> Literal["better", "worse", "unclear"]:
        """What the interval says: ``better`` or ``worse`` when it lies on one side of 0, else ``unclear``."""
        if self.test is None or self.test.low is None or self.test.high is None:
            return "unclear"
        low, high = self.test.low, self.test.high
        if self.lower_is_better:
            low, high = -high, -low
        return "better" if low > 0 else "worse" if high < 0 else "unclear"


class SliceDifference(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a comparison whose examples have one value in common.

    Attributes:
        name: By what the examples were divided.
        value: What those of this slice have.
        pairs: How many pairs of rows.
        metrics: As in the whole.
    """

    name: str
    value: str
    pairs: int
    metrics: Sequence[MetricDifference]


class ComparisonPart(msgspec.Struct, frozen=True, kw_only=True):
    """Two experiments side by side.

    Attributes:
        baseline: Index of the experiment that is compared with.
        candidate: Index of the experiment that is judged.
        pairs: How many pairs of rows.
        only_in_baseline: Rows without a partner.
        only_in_candidate: Rows without a partner.
        changed: Pairs that are left out, because their example has another content in each experiment.
        changed_rows: Indexes of their rows in the report, in the order of the dataset.
        not_compared: Evaluators that only one of the two has.
        metrics: In the order of the evaluators.
        slices: As far as they were asked for.
        tests: How many tests the p-values are adjusted for.
        verdict: What the gates say, or None.
    """

    baseline: int
    candidate: int
    pairs: int
    only_in_baseline: int
    only_in_candidate: int
    not_compared: Sequence[str]
    metrics: Sequence[MetricDifference]
    slices: Sequence[SliceDifference] = ()
    tests: int = 0
    verdict: Verdict | None = None
    changed: int = 0
    changed_rows: Sequence[int] = ()


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """What one experiment made of one row.

    Attributes:
        output: The output as text.
        error: Why the task failed, or None.
        latency_ms: How long the task took, or None.
        cost: What it cost, judges included, or None.
        evaluations: By the name of the evaluator.
    """

    output: str
    error: str | None = None
    latency_ms: float | None = None
    cost: float | None = None
    evaluations: Mapping[str, Evaluation] = msgspec.field(default_factory=dict[str, Evaluation])


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One example and repetition, and what each experiment made of it.

    Attributes:
        example_id: The example, or None for a row without one.
        repetition: From 1.
        headline: The first text of the example in one short line, or nothing.
        fields: The fields of the example, as far as they are known; those of the first experiment that has it.
        cells: By the index of the experiment.
    """

    example_id: str | None
    repetition: int
    headline: str
    fields: Mapping[str, Any]
    cells: Mapping[int, Cell]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a report says. Every format is made of this and of nothing else.

    Attributes:
        title: The heading.
        experiments: In the order in which they were given.
        comparisons: In the order in which they were given.
        rows: In the order of the dataset.
        created_at: When the report was made, as ISO 8601 text, or None to leave it out.
    """

    title: str
    experiments: Sequence[ExperimentPart]
    comparisons: Sequence[ComparisonPart]
    rows: Sequence[Row]
    created_at: str | None = None

    @property
    def verdicts(self) -> list[tuple[str, Verdict]]:
        """What was judged, and how it was judged."""
        named = [(part.name, part.verdict) for part in self.experiments]
        named += [(self.name_of(part), part.verdict) for part in self.comparisons]
        return [(name, verdict) for name, verdict in named if verdict is not None]

    @property
    def status(self) -> Status | None:
        """What the verdicts come to together, or None when nothing was judged."""
        statuses: list[Status] = [verdict.status for _, verdict in self.verdicts]
        return worst(statuses) if statuses else None

    def name_of(self, part: ComparisonPart) -> str:
        """Return what a comparison is called."""
        return f"{self.experiments[part.candidate].name} against {self.experiments[part.baseline].name}"
