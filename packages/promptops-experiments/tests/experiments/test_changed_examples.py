"""Scores of different questions are never compared as if they were one: they are left out, and said to be."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any
from xml.etree import ElementTree as ET

import anyio
import msgspec
import pytest
from promptops.core.errors import ValidationError
from promptops.experiments import (
    Comparison,
    ExperimentResult,
    Gate,
    PairwiseComparison,
    SyncDatasets,
    SyncExperiments,
    compare,
    compare_many,
    compare_pairwise,
    compare_pairwise_async,
    decided,
    make_report,
    pairwise_judge,
)
from promptops.experiments.reports import (
    report_dict,
    report_html,
    report_junit,
    report_markdown,
    report_text,
    stored_result,
)
from promptops.models import Experiment
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def examples(changed: int = 0, count: int = 40) -> dict[str, DatasetExample]:
    return {
        f"e{i}": DatasetExample(id=f"e{i}", fields={"input": f"question {i}{' anew' if i < changed else ''}"})
        for i in range(count)
    }


def rows(right: int, count: int = 40, repetitions: int = 1) -> list[ExperimentRun]:
    return [
        ExperimentRun(
            example_id=f"e{i}", output="x", fields={"eval.m.score": float(i < right), "promptops.repetition": turn}
        )
        for turn in range(1, repetitions + 1)
        for i in range(count)
    ]


def result(name: str, right: int, *, changed: int = 0, repetitions: int = 1) -> ExperimentResult:
    experiment = Experiment(id=name, name=name, space_id="s", dataset_id="d", created_at=NOW, updated_at=NOW)
    return stored_result(experiment, rows(right, repetitions=repetitions), examples(changed).values())


@pytest.fixture
def comparison() -> Comparison:
    return compare(result("old", 30), result("new", 20, changed=4), gates=[Gate(metric="m", max_regression=0.1)])


def test_pairs_whose_example_changed_are_no_part_of_any_figure(comparison: Comparison) -> None:
    assert comparison.changed_examples == ["e0", "e1", "e2", "e3"]
    assert (len(comparison.rows), len(comparison["m"].pairs)) == (36, 36)
    assert (comparison.only_in_baseline, comparison.only_in_candidate) == (0, 0)
    assert comparison["m"].difference == pytest.approx(-10 / 36)
    assert compare(result("old", 30), result("new", 20))["m"].difference == pytest.approx(-10 / 40)


def test_every_repetition_of_a_changed_example_is_left_out() -> None:
    found = compare(result("old", 30, repetitions=3), result("new", 20, changed=2, repetitions=3))
    assert [tuple(key) for key in found.changed] == [(f"e{i}", turn) for turn in (1, 2, 3) for i in (0, 1)]


def test_pairs_are_compared_all_the_same_when_that_is_asked_for() -> None:
    found = compare(result("old", 30), result("new", 20, changed=4), changed_examples="compare")
    assert (len(found.rows), found.changed) == (40, {})
    with pytest.raises(ValidationError, match="leave_out or compare"):
        compare([], [], changed_examples="maybe")  # type: ignore[arg-type]


def test_rows_are_compared_by_the_examples_that_are_given_with_them() -> None:
    found = compare(rows(30), rows(20), examples=examples(4), baseline_examples=examples())
    assert found.changed_examples == ["e0", "e1", "e2", "e3"]
    assert compare(rows(30), rows(20), examples=examples(4)).changed == {}


def test_a_split_that_was_assigned_in_between_changes_no_question() -> None:
    assigned = {
        ident: DatasetExample(id=ident, fields={**found.fields, "promptops.split": "test"})
        for ident, found in examples().items()
    }
    assert compare(rows(30), rows(20), examples=assigned, baseline_examples=examples()).changed == {}


def test_what_a_journal_knows_of_the_examples_goes_before_what_they_are_now() -> None:
    before = msgspec.structs.replace(result("old", 30), digests={"e7": "of another content"})
    assert compare(before, result("new", 20)).changed_examples == ["e7"]


def test_a_gate_takes_changed_examples_for_rows_without_a_score(comparison: Comparison) -> None:
    assert comparison.verdict is not None
    assert comparison.verdict.status == "inconclusive"
    assert "4 of 40 rows have no score (the examples of 4 pairs changed" in comparison.verdict.reasons[0]
    few = compare(result("old", 30), result("new", 20, changed=2), gates=[Gate(metric="m", max_regression=0.01)])
    assert few.verdict is not None
    assert few.verdict.status == "fail"


def test_a_gate_without_any_pair_left_says_why() -> None:
    found = compare(result("old", 30), result("new", 20, changed=40), gates=[Gate(metric="m", max_regression=0.1)])
    assert found.verdict is not None
    assert found.verdict.status == "inconclusive"
    assert "no score to judge (the examples of 40 pairs changed" in found.verdict.reasons[0]


def test_a_limit_of_the_mean_is_about_every_row_of_the_candidate() -> None:
    found = compare(result("old", 30), result("new", 20, changed=40), gates=[Gate(metric="m", min_mean=0.1)])
    assert found.verdict is not None
    assert (found.verdict.status, found.verdict.results[0].estimate) == ("pass", 0.5)


def test_several_comparisons_name_what_each_left_out() -> None:
    many = compare_many([result("old", 30), result("new", 20, changed=4), result("newer", 25, changed=4)])
    assert [len(item.changed) for item in many] == [4, 4, 0]
    assert many.to_text().count("4 pairs are left out") == 2


def test_a_verdict_is_not_decided_by_examples_that_changed() -> None:
    gate = Gate(metric="m", max_regression=0.5, max_unscored=0.2)
    before = result("old", 40)
    assert decided(gate, rows(40), [], baseline=before.rows) is not None
    found = decided(gate, rows(40), [], baseline=before, examples=examples(20))
    assert found is not None
    assert found.status == "inconclusive"


def test_a_pairwise_judge_is_not_asked_about_different_questions() -> None:
    asked: list[str] = []

    def ask(messages: list[dict[str, str]], *, schema: object) -> str:
        asked.append(messages[-1]["content"])
        return '{"explanation": "", "winner": "A"}'

    judge = pairwise_judge("better", ask=ask, template="{{ input }} {{ first }} {{ second }}")
    found = compare_pairwise(result("old", 30), result("new", 20, changed=38), judge)
    assert (len(found.verdicts), len(found.changed), found.only_in_baseline) == (2, 38, 0)
    assert not any("anew" in text for text in asked)
    assert "38 pairs are left out" in str(found)
    with pytest.raises(ValidationError, match="40 pairs can be judged: their examples have another content"):
        compare_pairwise(result("old", 30), result("new", 20, changed=40), judge)


@pytest.mark.parametrize("facade", ["sync", "asyncio", "trio"])
def test_a_pairwise_judge_is_asked_about_them_when_that_is_asked_for(facade: str) -> None:
    asked: list[str] = []

    def ask(messages: list[dict[str, str]], *, schema: object) -> str:
        asked.append(messages[-1]["content"])
        return '{"explanation": "", "winner": "A"}'

    judge = pairwise_judge("better", ask=ask, template="{{ input }} {{ first }} {{ second }}")

    def judged(changed: int, how: Any) -> PairwiseComparison:
        after = result("new", 20, changed=changed)
        others = [msgspec.structs.replace(row, output="y") for row in after.rows]  # equal outputs are a tie at once
        sides = result("old", 30), msgspec.structs.replace(after, rows=others)
        if facade == "sync":
            return compare_pairwise(*sides, judge, changed_examples=how)
        return anyio.run(partial(compare_pairwise_async, *sides, judge, changed_examples=how), backend=facade)

    found = judged(40, "compare")
    assert (len(found.verdicts), found.changed, found.only_in_baseline) == (40, [], 0)
    assert len(asked) == 80
    assert not any("anew" in text for text in asked)
    assert len(judged(38, "leave_out").verdicts) == 2
    with pytest.raises(ValidationError, match="leave_out or compare"):
        judged(38, "maybe")


def test_every_format_says_what_was_left_out_and_why(comparison: Comparison) -> None:
    assert "4 pairs are left out: their examples have the same id (e0, e1, e2, e3) but another" in str(comparison)
    assert comparison.to_dict()["changed"][0] == {"example_id": "e0", "repetition": 1}
    report = make_report([result("old", 30), result("new", 20, changed=4), comparison])
    assert "4 pairs are left out: their examples have the same id (e0, e1, e2, e3)" in report_text(report)
    assert "4 pairs are left out: the example has another content in each experiment (`e0`, `e1`" in report_markdown(
        report
    )
    (part,) = report_dict(report)["comparisons"]
    assert (part["pairs"], part["changed"]) == (36, 4)
    assert [row["example_id"] for row in part["changed_rows"]] == ["e0", "e1", "e2", "e3"]
    page = report_html(report)
    assert "36 pairs of rows; 4 left out, whose example changed." in page
    assert "4 pairs are left out: their examples have the same id (e0, e1, e2, e3)" in page


def test_junit_skips_what_was_left_out(comparison: Comparison) -> None:
    report = make_report([result("old", 30), result("new", 20, changed=4), comparison])
    suite = next(item for item in ET.fromstring(report_junit(report)) if item.get("name") == "new against old")
    skipped = {case.get("name"): case[0].get("message") for case in suite if len(case) and case[0].tag == "skipped"}
    assert list(skipped) == ["e0", "e1", "e2", "e3"]
    assert all("another content" in str(message) for message in skipped.values())
    assert not {case.get("name") for case in suite if case[:1] and case[0].tag == "failure"} & skipped.keys()


def same(example: DatasetExample) -> str:
    return "x"


def right(output: str) -> bool:
    return True


def test_experiments_of_two_versions_are_compared_by_what_each_was_asked(
    experiments: SyncExperiments, datasets: SyncDatasets, questions: str, server: Any
) -> None:
    def run(name: str) -> None:
        experiments.run(name, dataset=questions, task=same, evaluators={"m": right}, progress=False)

    run("first")
    run("second")
    first, second = server.experiments
    old, new = "RGF0YXNldFZlcnNpb246MQ==", "RGF0YXNldFZlcnNpb246Mg=="
    first["dataset_version_id"], second["dataset_version_id"] = old, new
    listed = server.examples[server.datasets[0]["id"]]
    reworded = [{**listed[0], "question": "another one"}, *listed[1:]]
    server.versions = {old: listed, new: reworded}
    found = experiments.compare("first", "second", dataset=questions)
    assert found.changed_examples == [listed[0]["id"]]
    assert experiments.compare("first", "second", dataset=questions, changed_examples="compare").changed == {}
    assert experiments.compare("first", "first", dataset=questions).changed == {}
