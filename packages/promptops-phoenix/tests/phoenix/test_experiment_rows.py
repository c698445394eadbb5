"""Rows become bodies that the server cannot misunderstand, and come back as they were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from promptops.core import RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive
from promptops.core.errors import InvalidResponseError, UnsupportedOperation, ValidationError
from promptops.core.testing import FakeTransport, json_response
from promptops.models.experiments import Evaluation, ExperimentRun, evaluation_columns
from promptops.phoenix import _generated as wire
from promptops.phoenix._ids import global_id
from promptops.phoenix.experiments._rows import checked_runs, logged_evaluation, logged_run
from promptops.phoenix.experiments._store_reading import Annotation, exported_annotations, row_of, same_value
from promptops.phoenix.experiments._store_rows import evaluation_drafts, names_of, run_drafts

EXAMPLE = global_id("DatasetExample", 7)
NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
NAN, INFINITY = float("nan"), float("inf")


def body_of(run: ExperimentRun) -> dict[str, Any]:
    (draft,) = run_drafts([run], now=NOW)
    found: dict[str, Any] = msgspec.json.decode(draft.body)
    return found


def run(output: str = "4", *, error: str | None = None, **fields: Any) -> ExperimentRun:
    return ExperimentRun(example_id=EXAMPLE, output=output, error=error, fields=fields)


def repeated(number: int) -> ExperimentRun:
    return ExperimentRun(example_id=EXAMPLE, output="4", fields={"promptops.repetition": number})


def there_and_back(row: ExperimentRun) -> ExperimentRun:
    """The row as a server would give it back that keeps everything it is sent."""
    (draft,) = run_drafts([row], now=NOW)
    stored = {"id": global_id("ExperimentRun", 1), "experiment_id": global_id("Experiment", 1)}
    answer = msgspec.convert({**msgspec.json.decode(draft.body), **stored}, wire.ExperimentRun)
    bodies = [msgspec.json.decode(each.body("run")) for each in draft.evaluations]
    exported = [{**body, **body.get("result", {})} for body in bodies]
    return row_of(answer, msgspec.convert(exported, list[Annotation]))


def test_times_are_sent_with_their_offset_and_differ_by_the_latency() -> None:
    body = body_of(run(latency=1234.567, **{"promptops.started_at": "2026-01-02T03:04:05.678+02:00"}))
    start, end = datetime.fromisoformat(body["start_time"]), datetime.fromisoformat(body["end_time"])
    assert start == datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone(timedelta(hours=2)))
    assert end - start == timedelta(microseconds=1234567)
    assert start.tzinfo is not None


def test_run_without_a_start_ended_now() -> None:
    body = body_of(run(latency=2000.0))
    assert datetime.fromisoformat(body["end_time"]) == NOW
    assert datetime.fromisoformat(body["start_time"]) == NOW - timedelta(seconds=2)


VALUES: list[Any] = [{"a": [1, 2.5, None, True]}, [], 3, 0.1, True, None, "text", {"": {}}]


@pytest.mark.parametrize("value", VALUES)
def test_typed_output_is_sent_as_the_json_that_it_is(value: object) -> None:
    fields = {} if isinstance(value, str) else {"promptops.output": msgspec.json.encode(value).decode()}
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    row = run(text, **fields)
    assert body_of(row)["output"] == value
    back = there_and_back(row)
    assert (back.output, back.value) == (text, value)


def test_text_that_looks_like_json_stays_text() -> None:
    assert body_of(run('{"a": 1}'))["output"] == '{"a": 1}'
    assert there_and_back(run("null")).value == "null"


def test_failed_run_has_no_output() -> None:
    body = body_of(run("", error="it broke"))
    assert (body["output"], body["error"]) == (None, "it broke")
    back = there_and_back(run("", error="it broke"))
    assert (back.output, back.error) == ("", "it broke")


@pytest.mark.parametrize("token", ["NaN", "Infinity", "[1, -Infinity]", "{", "", "1 2"])
def test_typed_output_that_is_not_json_is_refused(token: str) -> None:
    with pytest.raises(ValidationError, match=r"runs\[0\]\.promptops\.output") as caught:
        list(run_drafts([run("x", **{"promptops.output": token})]))
    assert [problem["field"] for problem in caught.value.validation_errors] == ["runs[0].promptops.output"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"latency": NAN}, "latency"),
        ({"latency": INFINITY}, "latency"),
        ({"latency": -1.0}, "latency"),
        ({"latency": 1e300}, "latency"),
        ({"latency": "fast"}, "latency"),
        ({"promptops.started_at": "2026-01-01T00:00:00"}, "promptops.started_at"),
        ({"promptops.started_at": "yesterday"}, "promptops.started_at"),
        ({"promptops.started_at": 5}, "promptops.started_at"),
        ({"promptops.repetition": 0}, "repetition"),
        ({"promptops.repetition": True}, "repetition"),
        ({"promptops.repetition": "1"}, "repetition"),
        ({"eval.judge.score": NAN}, "eval.judge.result.score"),
        ({"eval.judge.score": INFINITY}, "eval.judge.result.score"),
        ({"eval.judge.score": 1.0, "promptops.eval.judge.cost": INFINITY}, "eval.judge.metadata.promptops.cost"),
        ({"eval.judge.score": 1.0, "promptops.eval.judge.duration_ms": NAN}, "judge.duration_ms"),
    ],
)
def test_what_the_server_would_take_wrongly_is_refused_with_its_place(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        list(run_drafts([run(), run(**fields)]))
    assert caught.value.validation_errors[0]["field"] == f"runs[1].{field}"


@pytest.mark.parametrize("example_id", [None, "7", "", "RGF0YXNldEV4YW1wbGU6Nw", global_id("Dataset", 7)])
def test_id_that_is_none_of_an_example_is_refused(example_id: str | None) -> None:
    with pytest.raises(ValidationError, match=r"runs\[0\]\.example_id"):
        list(run_drafts([ExperimentRun(example_id=example_id, output="4")]))


def test_one_unit_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"runs\[2\]\.repetition is that of runs\[0\]"):
        list(run_drafts([run(), repeated(2), run("5")]))


def test_every_bad_row_is_named() -> None:
    with pytest.raises(ValidationError) as caught:
        list(run_drafts([run(latency=NAN), run(), repeated(0)]))
    assert [problem["field"] for problem in caught.value.validation_errors] == ["runs[0].latency", "runs[2].repetition"]


def test_output_that_nests_too_deep_to_be_read_again_is_refused() -> None:
    deep = "[" * 60 + "]" * 60
    with pytest.raises(ValidationError, match="nests deeper"):
        list(run_drafts([run(deep, **{"promptops.output": deep})]))
    fine = "[" * 40 + "]" * 40
    assert list(run_drafts([run(fine, **{"promptops.output": fine})]))


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30, 1e20, 2.0**64, -(2.0**63), 1.5e300])
def test_number_at_which_the_server_fails_is_refused(number: float) -> None:
    typed = msgspec.json.encode({"a": [number]}).decode()
    with pytest.raises(ValidationError, match=r"runs\[0\]\.output holds a number of more than 64 bits"):
        list(run_drafts([run(typed, **{"promptops.output": typed})]))
    fine = msgspec.json.encode(
        {"a": [2**64 - 1, -(2**63), True, 1.8e19, -9.2e18, 1e15, 1e-300], "b": str(number)}
    ).decode()
    assert list(run_drafts([run(fine, **{"promptops.output": fine})]))


def test_everything_of_a_row_comes_back() -> None:
    judged = Evaluation(
        score=0.25,
        label="poor",
        explanation="too short",
        cost=0.125,
        usage={"input_tokens": 21, "output_tokens": 3},
        duration_ms=12.345,
        parts={"style": Evaluation(score=1.0)},
    )
    fields: dict[str, Any] = {
        "latency": 1234.567,
        "promptops.repetition": 3,
        "promptops.started_at": "2026-01-02T03:04:05.678000+00:00",
        "promptops.trace_id": "a" * 32,
        **evaluation_columns("judge", judged),
        **evaluation_columns("broken", Evaluation(error="no answer")),
    }
    row = ExperimentRun(example_id=EXAMPLE, output="4", fields=fields)
    back = there_and_back(row)
    # Token counts say that a model judged.
    assert dict(back.fields) == {**row.fields, "promptops.eval.judge.annotator_kind": "LLM"}
    assert (back.example_id, back.output, back.error) == (EXAMPLE, "4", None)


def test_kind_and_metadata_of_another_client_survive_a_round_trip() -> None:
    columns = {
        "eval.human.label": "good",
        "promptops.eval.human.annotator_kind": "HUMAN",
        "promptops.eval.human.metadata": '{"reviewer":"ann","promptops":1}',
    }
    back = there_and_back(run(**columns))
    assert {name: back.fields[name] for name in columns} == columns


def test_evaluation_that_says_nothing_is_still_one() -> None:
    (draft,) = evaluation_drafts("silent", Evaluation(), ended=NOW)
    body = msgspec.json.decode(draft.body("run"))
    assert (body["name"], body["result"], body["annotator_kind"]) == ("silent", {}, "CODE")


def test_failed_evaluation_has_no_result() -> None:
    (draft,) = evaluation_drafts("judge", Evaluation(error="no answer", duration_ms=5.0), ended=NOW)
    body = msgspec.json.decode(draft.body("run"))
    assert "result" not in body
    assert body["error"] == "no answer"
    assert datetime.fromisoformat(body["end_time"]) == NOW


def test_parts_are_evaluations_of_their_own() -> None:
    said = Evaluation(score=1.0, parts={"tone": Evaluation(label="warm")})
    assert [draft.name for draft in evaluation_drafts("judge", said)] == ["judge", "judge.tone"]


@pytest.mark.parametrize("name", ["", "  ", "a\0b", "\ud800"])
def test_name_that_cannot_be_stored_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        evaluation_drafts(name, Evaluation(score=1.0))
    with pytest.raises(ValidationError):
        names_of([name])


def test_names_are_asked_for_once_and_never_none() -> None:
    assert names_of(["b", "a", "b"]) == ["b", "a"]
    with pytest.raises(ValidationError):
        names_of([])


@pytest.mark.parametrize("score", [NAN, INFINITY, -INFINITY])
def test_stored_score_that_is_no_number_is_an_error_of_its_evaluation(score: float) -> None:
    stored = wire.ExperimentRun(
        dataset_example_id=EXAMPLE,
        start_time=NOW,
        end_time=NOW,
        experiment_id="e",
        id="r",
        output="4",
        repetition_number=1,
    )
    row = row_of(stored, [Annotation(name="judge", score=score, label="kept")])
    found = row.evaluations["judge"]
    assert found.score is None
    assert found.label == "kept"
    assert "not a finite number" in str(found.error)
    assert not row.scores


def test_export_of_another_form_is_named() -> None:
    answers = FakeTransport([json_response([{"example_id": 1}])])
    runtime = SyncRuntime(RuntimeConfig(base_url="http://phoenix.test"), transport=answers)
    with pytest.raises(InvalidResponseError, match="expected form"):
        drive(exported_annotations(runtime, global_id("Experiment", 1)))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": [1, {"b": None}]}, {"a": [1.0, {"b": None}]}, True),
        (True, 1, False),
        ([True], [1], False),
        (0, False, False),
        (True, True, True),
        ("1", 1, False),
        ([1, 2], [1], False),
        ({"a": 1}, {"b": 1}, False),
        (None, "", False),
        (None, None, True),
    ],
)
def test_values_are_the_same_as_json(one: object, other: object, same: bool) -> None:
    assert same_value(one, other) is same
    assert same_value(other, one) is same


def test_rows_of_callers_are_typed() -> None:
    rows = checked_runs([{"example_id": EXAMPLE, "output": {"sum": 3}, "eval.x.score": 1, "id": "ignored"}])
    assert rows[0].value == {"sum": 3}
    assert rows[0].scores == {"x": 1.0}
    assert "id" not in rows[0].fields


@pytest.mark.parametrize(
    "runs",
    [
        [],
        "text",
        {"example_id": EXAMPLE, "output": "x"},
        [{"output": "x"}],
        [{"example_id": EXAMPLE}],
        [{"example_id": EXAMPLE, "output": "x", "error": 5}],
        [{"example_id": EXAMPLE, "output": NAN}],
        ["text"],
    ],
)
def test_rows_of_callers_that_are_none_are_refused(runs: Any) -> None:
    with pytest.raises(ValidationError):
        checked_runs(runs)


def test_columns_that_phoenix_does_not_keep_are_refused_by_name() -> None:
    with pytest.raises(UnsupportedOperation, match="note, other") as caught:
        checked_runs([{"example_id": EXAMPLE, "output": "x", "note": 1, "other": 2, "latency": 5.0}])
    assert caught.value.details == {"store": "phoenix", "feature": "columns"}


def log(**changes: Any) -> ExperimentRun:
    given: dict[str, Any] = {
        "example_id": EXAMPLE,
        "output": None,
        "repetition": 1,
        "start_time": NOW,
        "end_time": NOW + timedelta(milliseconds=1.5),
        "error": None,
        "trace_id": None,
    }
    return logged_run(**{**given, **changes})


def test_single_run_is_a_row() -> None:
    body = body_of(log(output={"a": 1}, repetition=2, trace_id="f" * 32))
    assert (body["output"], body["repetition_number"], body["trace_id"]) == ({"a": 1}, 2, "f" * 32)
    assert datetime.fromisoformat(body["end_time"]) == NOW + timedelta(milliseconds=1.5)
    assert body_of(log(error="broke"))["output"] is None
    assert body_of(log())["output"] is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"start_time": NOW.replace(tzinfo=None)}, "start_time"),
        ({"end_time": NOW.replace(tzinfo=None)}, "end_time"),
        ({"end_time": NOW - timedelta(seconds=1)}, "end_time"),
        ({"output": NAN}, "output"),
        ({"output": object()}, "output"),
    ],
)
def test_single_run_is_checked(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        log(**changes)
    assert caught.value.validation_errors[0]["field"] == field


def evaluate(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = dict.fromkeys(
        ("score", "label", "explanation", "error", "metadata", "start_time", "end_time", "trace_id")
    )
    given.update(name="judge", annotator_kind="CODE")
    draft = logged_evaluation(**(given | changes))
    found: dict[str, Any] = msgspec.json.decode(draft.body("run"))
    return found


def test_single_evaluation_sends_what_is_given() -> None:
    body = evaluate(score=0.5, annotator_kind="HUMAN", metadata={"k": [1]}, end_time=NOW)
    assert body["result"] == {"score": 0.5}
    assert (body["annotator_kind"], body["metadata"]) == ("HUMAN", {"k": [1]})
    assert body["start_time"] == body["end_time"]
    assert "error" not in body


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "score"),
        ({"score": NAN}, "score"),
        ({"score": 1.0, "annotator_kind": "ROBOT"}, "annotator_kind"),
        ({"score": 1.0, "metadata": {"x": INFINITY}}, "metadata.x"),
        ({"score": 1.0, "start_time": NOW, "end_time": NOW - timedelta(seconds=1)}, "end_time"),
        ({"score": 1.0, "end_time": NOW.replace(tzinfo=None)}, "end_time"),
        ({"score": 1.0, "name": " "}, "name"),
    ],
)
def test_single_evaluation_is_checked(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        evaluate(**changes)
    assert caught.value.validation_errors[0]["field"] == field
