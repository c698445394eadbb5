"""What people read of results: labels, evaluators without scores, and the examples by their text."""

from __future__ import annotations

import pytest
from promptops.experiments import Evaluation, ExperimentResult, RowsError, compare, make_report, run
from promptops.experiments.datasets import validate_examples
from promptops.experiments.reports import report_text
from promptops.models import DatasetExample

CASES = [{"id": f"q{i}", "input": {"messages": {"text": f"question {i}"}, "n": i}} for i in range(12)]


def style(output: str) -> str:
    return "short" if len(output) < 2 else "long"


def score(output: str) -> bool:
    return len(output) < 2


def kind(output: str) -> Evaluation:
    return Evaluation(label=f"kind {output}")


def count(example: DatasetExample) -> str:
    return str(example["input"]["n"])


def done(name: str) -> ExperimentResult:
    return run(
        name,
        dataset=CASES,
        task=count,
        evaluators=[style, score, kind],
        task_version="1",
        progress=False,
    )


def test_labels_are_shown_with_how_often_each_came() -> None:
    text = str(done("e"))
    assert "\nstyle: short 10, long 2" in text
    assert "\nkind: kind 0 1, kind 1 1" in text
    assert " and 4 other labels" in text
    assert "score: true" not in text


def test_evaluators_that_give_labels_alone_are_named_as_not_compared() -> None:
    comparison = compare(done("old"), done("new"))
    assert list(comparison.metrics) == ["score"]
    assert comparison.not_compared == ["style", "kind"]
    assert "not compared: style, kind" in str(comparison)


def test_examples_are_shown_by_their_first_text_however_deep_it_is() -> None:
    before, after = done("old"), done("new")
    worse = [
        row if row.example_id != "q3" else type(row)(example_id="q3", output="", fields={"eval.score.score": 0.0})
        for row in after.rows
    ]
    comparison = compare(before.rows, worse, examples=before.examples)
    assert "q3  1 -> 0  question 3" in str(comparison)
    assert "question 3" in report_text(make_report(comparison))


def test_what_is_wrong_with_every_row_is_said_once() -> None:
    with pytest.raises(RowsError) as caught:
        validate_examples([{"id": "a", "input": str(i)} for i in range(30)])
    assert caught.value.message.count("has a field 'id'") == 1
    assert "examples[0], examples[1], examples[2] and 27 more: has a field 'id'" in caught.value.message
    assert len(caught.value.validation_errors) == 30
