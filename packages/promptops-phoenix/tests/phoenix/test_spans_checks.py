"""Spans are checked before they are sent: what the server would lose or bend is refused, and everything at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from promptops.core.errors import ValidationError
from promptops.phoenix._generated import SpanEvent
from promptops.phoenix.tracing import NewSpan, Span
from promptops.phoenix.tracing._spans_checks import EncodedSpan, batches, encoded_spans

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAIVE = NOW.replace(tzinfo=None)


def sent(span: NewSpan | Span) -> dict[str, Any]:
    (encoded,) = encoded_spans([span])
    found: dict[str, Any] = msgspec.json.decode(encoded.body)
    return found


def test_a_span_needs_nothing_but_a_name() -> None:
    one, other = NewSpan(name="x"), NewSpan(name="x")

    assert one.trace_id != other.trace_id
    assert one.span_id != other.span_id
    body = sent(one)
    assert body["context"] == {"trace_id": one.trace_id, "span_id": one.span_id}
    assert (body["span_kind"], body["status_code"], body["parent_id"]) == ("CHAIN", "UNSET", None)
    assert body["start_time"] == body["end_time"]
    assert abs(datetime.fromisoformat(body["start_time"]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_input_and_output_say_how_they_are_to_be_read_and_attributes_win() -> None:
    body = sent(NewSpan(name="x", input="é", output=[1, None], session_id="s", attributes={"session.id": "mine"}))

    assert body["attributes"] == {
        "input.value": "é",
        "input.mime_type": "text/plain",
        "output.value": "[1,null]",
        "output.mime_type": "application/json",
        "session.id": "mine",
    }


def test_a_span_that_was_read_travels_without_the_id_that_its_server_gave_it() -> None:
    read = msgspec.convert(sent(NewSpan(name="x")) | {"id": "U3Bhbjox"}, Span, strict=False)

    assert sent(read) == sent(msgspec.structs.replace(read, id=""))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"trace_id": "A" * 32}, "trace_id"),
        ({"trace_id": "a" * 31}, "trace_id"),
        ({"trace_id": "a" * 32 + "\n"}, "trace_id"),
        ({"trace_id": "0" * 32}, "trace_id"),
        ({"trace_id": 7}, "trace_id"),
        ({"span_id": "g" * 16}, "span_id"),
        ({"span_id": "0" * 16}, "span_id"),
        ({"span_id": ""}, "span_id"),
        ({"parent_id": ""}, "parent_id"),
        ({"parent_id": "null"}, "parent_id"),
        ({"span_id": "a" * 16, "parent_id": "a" * 16}, "parent_id"),
        ({"name": " "}, "name"),
        ({"kind": "llm"}, "kind"),
        ({"status_code": "FINE"}, "status_code"),
        ({"start_time": NAIVE}, "start_time"),
        ({"end_time": NAIVE}, "end_time"),
        ({"start_time": NOW, "end_time": NOW - timedelta(microseconds=1)}, "end_time"),
        ({"events": [SpanEvent(name="e", timestamp=NAIVE)]}, "events[0].timestamp"),
        ({"attributes": {"a": {"b": [0, float("nan")]}}}, "attributes.a.b[1]"),
        ({"attributes": {"a": object()}}, "attributes.a"),
        ({"attributes": {"a": {"b": [1, {"c": 2}]}}}, "attributes.a.b"),
        ({"attributes": {"a": [[{"c": 2}, "x"]]}}, "attributes.a[0]"),
    ],
)
def test_a_wrong_field_is_named(wrong: dict[str, Any], field: str) -> None:
    good = NewSpan(name="x", start_time=NOW, end_time=NOW)
    assert encoded_spans([good])

    with pytest.raises(ValidationError) as caught:
        encoded_spans([good, msgspec.structs.replace(good, **{"span_id": "b" * 16, **wrong})])

    assert [problem["field"] for problem in caught.value.validation_errors] == [f"spans[1].{field}"]
    assert "no span was sent" in caught.value.message


def test_lists_of_one_sort_are_fine() -> None:
    attributes = {"documents": [{"a": 1}, {"a": 2}], "numbers": [1, 2.5, None], "nothing": []}

    assert sent(NewSpan(name="x", attributes=attributes))["attributes"] == attributes


def test_an_input_that_json_cannot_carry_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"spans\[0\]"):
        encoded_spans([NewSpan(name="x", input=float("inf"))])


def test_all_problems_are_listed_and_a_duplicate_within_the_call_is_one() -> None:
    first = NewSpan(name="x")
    spans = [first, NewSpan(name=""), NewSpan(name="y", span_id=first.span_id), NewSpan(name="", kind="no")]  # type: ignore[arg-type]

    with pytest.raises(ValidationError, match="and 3 more problems") as caught:
        encoded_spans(spans)

    fields = [problem["field"] for problem in caught.value.validation_errors]
    assert fields == ["spans[1].name", "spans[2].span_id", "spans[3].name", "spans[3].kind"]


def test_no_more_than_a_hundred_problems_are_listed() -> None:
    with pytest.raises(ValidationError) as caught:
        encoded_spans(NewSpan(name="") for _ in range(500))

    assert len(caught.value.validation_errors) == 100


def test_requests_hold_a_thousand_spans_and_four_megabytes() -> None:
    small = [EncodedSpan(span_id=str(number), body=b"x") for number in range(2001)]
    large = [EncodedSpan(span_id=str(number), body=b"x" * 1_900_000) for number in range(5)]

    assert [len(batch) for batch in batches(small)] == [1000, 1000, 1]
    assert [len(batch) for batch in batches(large)] == [2, 2, 1]
    assert list(batches([])) == []
    assert [span for batch in batches(small) for span in batch] == small


NUL = "x\0y"


@pytest.mark.parametrize(
    ("lost", "field"),
    [
        ({"attributes": {"a": 2**64}}, "attributes.a"),
        ({"attributes": {"a": -(2**63) - 1}}, "attributes.a"),
        ({"attributes": {"a": 1e20}}, "attributes.a"),
        ({"attributes": {"a": {"b": [0.5, -1.5e300]}}}, "attributes.a.b[1]"),
        ({"attributes": {"a": [{"b": 2**70}]}}, "attributes.a[0].b"),
        ({"events": [SpanEvent(name="e", timestamp=NOW, attributes={"n": 2**70})]}, "events[0].attributes.n"),
        ({"attributes": {"a": NUL}}, "attributes.a"),
        ({"attributes": {NUL: 1}}, "attributes"),
        ({"status_message": NUL}, "status_message"),
        ({"session_id": NUL}, "attributes.session.id"),
        ({"events": [SpanEvent(name=NUL, timestamp=NOW, attributes={})]}, "events[0].name"),
        ({"attributes": {"a": {"b": 1}, "a.b": 2}}, "attributes.a.b"),
        ({"attributes": {"a": ({"b": 1}, 2)}}, "attributes.a"),
        ({"attributes": {"openinference.span.kind": "TOOL"}}, "attributes.openinference.span.kind"),
        ({"attributes": {"a": eval("[" * 60 + "]" * 60)}}, "attributes"),
    ],
)
def test_what_a_server_would_lose_after_it_took_it_is_refused(lost: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        encoded_spans([NewSpan(name="x"), NewSpan(name="x", **lost)])

    assert [problem["field"] for problem in caught.value.validation_errors] == [f"spans[1].{field}"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"a": 2**64 - 1, "b": -(2**63)},
        {"a": "1" * 40, "b": "\\u0000", "c": [1.8e19, -9.2e18, 1.5e-300]},
        {"a": [1], "a[0]": 2, "b": {"c": 1}, "b.d": 2},
        {"openinference.span.kind": "CHAIN"},
        {"a": eval("[" * 50 + "]" * 50)},
    ],
)
def test_what_a_server_keeps_is_sent_as_it_is(attributes: dict[str, Any]) -> None:
    assert sent(NewSpan(name="x", attributes=attributes))["attributes"] == attributes
