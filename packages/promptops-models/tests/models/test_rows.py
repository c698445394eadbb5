from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from promptops.models import DatasetExample, Evaluation, ExperimentRun, evaluation_columns

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
evaluations = st.builds(
    Evaluation,
    score=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    label=st.none() | st.text(max_size=5),
    explanation=st.none() | st.text(max_size=5),
    error=st.none() | st.text(min_size=1, max_size=5),
    cost=st.none() | st.floats(min_value=0, allow_nan=False, allow_infinity=False),
    usage=st.none() | st.dictionaries(st.text(max_size=5), st.integers(0, 2**62), max_size=2),
    duration_ms=st.none() | st.floats(min_value=0, allow_nan=False, allow_infinity=False),
).filter(lambda evaluation: evaluation != Evaluation())


def test_an_example_reads_like_a_dictionary_of_the_users_fields() -> None:
    example = DatasetExample.from_wire({"id": "e", "created_at": "2026-01-01T00:00:00Z", "q": 1, "annotations": []})
    assert (example["q"], example.get("x", 2), "q" in example, "id" in example) == (1, 2, True, False)
    assert list(example) == ["q", "annotations"]
    assert example.to_wire() == {"q": 1, "annotations": []}


def test_a_field_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(KeyError, match="no field 'answer'; its fields: a, q"):
        DatasetExample(id="e", fields={"q": 1, "a": 2})["answer"]


@pytest.mark.parametrize("item", [{}, {"id": 5}, {"id": "e", "created_at": "yesterday"}])
def test_an_example_that_does_not_fit_is_refused(item: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        DatasetExample.from_wire(item)


def test_a_run_keeps_every_column() -> None:
    item = {"id": "r", "example_id": "e", "output": "x", "error": None, "latency": 3, "eval.a.score": 1, "own": [1]}
    run = ExperimentRun.from_wire(item)
    assert run.to_wire() == {name: value for name, value in item.items() if name not in {"id", "error"}}
    assert (run.latency_ms, run.repetition, run.scores) == (3.0, 1, {"a": 1.0})


def test_a_failed_run_is_written_with_an_empty_output() -> None:
    assert ExperimentRun(example_id="e", error="broken").to_wire() == {
        "example_id": "e",
        "output": "",
        "error": "broken",
    }


@pytest.mark.parametrize("value", [None, 0, "", [1, {"a": None}], True, 1.5])
def test_a_typed_output_comes_back_as_it_was(value: Any) -> None:
    text = msgspec.json.encode(value).decode()
    assert ExperimentRun(example_id="e", output=text, fields={"promptops.output": text}).value == value


@given(st.dictionaries(names, evaluations, max_size=4))
def test_evaluations_survive_the_flat_columns(given_ones: dict[str, Evaluation]) -> None:
    columns = {
        column: value for name, one in given_ones.items() for column, value in evaluation_columns(name, one).items()
    }
    wire = msgspec.json.decode(msgspec.json.encode({"id": "r", "output": "", **columns}))
    assert ExperimentRun.from_wire(wire).evaluations == given_ones


def test_columns_of_other_programs_are_read_and_odd_ones_do_no_harm() -> None:
    fields: dict[str, Any] = {
        "eval.a.score": "high",
        "eval.a.label": 5,
        "eval.b.trace.id": "t",
        "eval.c.metadata.k": 1,
        "eval.score": 1,
        "eval.d.score": 2,
    }
    run = ExperimentRun(example_id="e", fields=fields)
    assert run.scores == {"d": 2.0}
    assert run.evaluations["d"] == Evaluation(score=2.0)
    assert set(run.evaluations) == {"a", "d"}


def test_the_parts_of_an_evaluation_are_columns_of_their_own() -> None:
    parts = {"precision": Evaluation(score=0.5), "recall": Evaluation(label="low", cost=0.25)}
    columns = evaluation_columns("rouge", Evaluation(cost=1.0, parts=parts))
    assert columns == {
        "promptops.eval.rouge.cost": 1.0,
        "eval.rouge.precision.score": 0.5,
        "eval.rouge.recall.label": "low",
        "promptops.eval.rouge.recall.cost": 0.25,
    }
    run = ExperimentRun(example_id="e", fields=columns)
    assert run.scores == {"rouge.precision": 0.5}
    assert run.evaluations == {
        "rouge": Evaluation(cost=1.0),
        "rouge.precision": parts["precision"],
        "rouge.recall": parts["recall"],
    }


@pytest.mark.parametrize("usage", ["no json", "[1]", 7, None, '{"a": "b"}'])
def test_a_usage_that_another_program_wrote_does_no_harm(usage: Any) -> None:
    run = ExperimentRun(example_id="e", fields={"promptops.eval.a.usage": usage, "eval.a.score": 1})
    assert run.evaluations == {"a": Evaluation(score=1.0)}
