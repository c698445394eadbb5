from __future__ import annotations

from collections.abc import Callable

import pytest
from promptops.core.errors import ValidationError
from promptops.experiments import ExperimentResult, Gate, compare, compare_many, make_report
from promptops.experiments.reports import Report
from promptops.experiments.reports._distribution import distributions

MakeResult = Callable[..., ExperimentResult]


def test_experiments_appear_once_and_rows_are_joined(report: Report) -> None:
    assert [part.name for part in report.experiments] == ["before", "after"]
    assert len(report.rows) == 40
    assert all(set(row.cells) == {0, 1} for row in report.rows)
    (part,) = report.comparisons
    assert (part.baseline, part.candidate, part.pairs) == (0, 1, 40)


def test_changed_rows_are_those_of_the_comparison(report: Report) -> None:
    (metric,) = report.comparisons[0].metrics
    assert [report.rows[place].example_id for place in metric.worse_rows] == [f"ex-{n}" for n in range(5)]
    assert (metric.better, metric.worse, metric.same, metric.unscored) == (5, 5, 29, 1)


def test_a_report_says_what_the_gates_say(report: Report) -> None:
    assert report.status == "fail"
    ((name, verdict),) = report.verdicts
    assert name == "after against before"
    assert [result.status for result in verdict.results] == ["pass", "fail"]


def test_gates_judge_results_when_there_is_no_comparison(before: ExperimentResult) -> None:
    assert make_report(before, gates=[Gate(metric="accuracy", min_mean=0.1)]).status == "pass"
    assert make_report(before).status is None


def test_a_comparison_alone_brings_its_rows(before: ExperimentResult, after: ExperimentResult) -> None:
    report = make_report(compare(before, after))
    assert [part.name for part in report.experiments] == ["before", "after"]
    assert len(report.rows) == 40
    assert report.rows[0].headline == "what is 0?"


def test_two_experiments_of_one_name_are_told_apart(make_result: MakeResult) -> None:
    first, second = make_result("same", [1.0]), make_result("same", [0.0, 1.0])
    other = compare(second, second, baseline_name="same", candidate_name="other")
    names = [part.name for part in make_report([first, other]).experiments]
    assert len(set(names)) == len(names) == 3


def test_comparisons_of_many_share_their_experiments(make_result: MakeResult) -> None:
    results = [make_result(name, [1.0, 0.0, 1.0]) for name in "abc"]
    report = make_report([*results, *compare_many(results)])
    assert len(report.experiments) == 3
    assert [(part.baseline, part.candidate) for part in report.comparisons] == [(0, 1), (0, 2), (1, 2)]


def test_few_scores_are_counted_one_by_one_and_many_in_ranges(make_result: MakeResult) -> None:
    binary = make_report(make_result("b", [0.0, 1.0, 1.0])).experiments[0].metrics[0].distribution
    assert binary is not None
    assert [(one.low, one.count) for one in binary.bins] == [(0.0, 1), (1.0, 2)]
    many = make_report(make_result("m", [number / 100 for number in range(101)])).experiments[0].metrics[0].distribution
    assert many is not None
    assert (many.kind, len(many.bins), sum(one.count for one in many.bins)) == ("ranges", 20, 101)


def test_experiments_share_bins(make_result: MakeResult) -> None:
    low, high = make_result("low", [n / 50 for n in range(50)]), make_result("high", [1 + n / 50 for n in range(50)])
    spreads = [part.metrics[0].distribution for part in make_report([low, high]).experiments]
    edges = [[one.low for one in spread.bins] for spread in spreads if spread is not None]
    assert len(edges) == 2
    assert edges[0] == edges[1]


@pytest.mark.parametrize("scores", [[1e308, -1e308, *range(20)], [5e-324 * n for n in range(30)]])
def test_extreme_scores_have_a_distribution(scores: list[float]) -> None:
    (spread,) = distributions([scores])
    assert spread is not None
    assert sum(one.count for one in spread.bins) == len(scores)


def test_the_cost_is_summed(before: ExperimentResult) -> None:
    assert make_report(before).experiments[0].cost == pytest.approx(10.0)


def test_a_report_about_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least one"):
        make_report([])


def test_the_same_items_give_the_same_report(before: ExperimentResult, after: ExperimentResult) -> None:
    assert make_report([before, compare(before, after)]) == make_report([before, compare(before, after)])
