"""Spans become data frames and data frames become spans; pandas is imported for that alone."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from promptops.core.errors import ConfigurationError, ValidationError
from promptops.phoenix.tracing import NewSpan, SpanEvent, spans_from_dataframe, spans_to_dataframe
from promptops.phoenix.tracing._spans_new import wire_span

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def pandas() -> Any:
    return import_module("pandas")


def spans() -> list[NewSpan]:
    root = NewSpan(
        name="root",
        kind="AGENT",
        start_time=NOW,
        end_time=NOW + timedelta(microseconds=7),
        status_code="OK",
        attributes={"n": 3, "tags": ["a"], "input.value": "x"},
        events=[SpanEvent(name="e", timestamp=NOW, attributes={"k": 1})],
    )
    child = NewSpan(name="child", trace_id=root.trace_id, parent_id=root.span_id, start_time=NOW, end_time=NOW)
    return [root, child]


def test_spans_come_back_from_their_data_frame() -> None:
    before = [wire_span(span) for span in spans()]

    frame = spans_to_dataframe(before)

    assert list(frame.index) == [span.context.span_id for span in before]
    assert next(iter(frame["attributes.tags"])) == ["a"]
    assert [wire_span(span) for span in spans_from_dataframe(frame)] == before
    assert [wire_span(span) for span in spans_from_dataframe(frame.reset_index())] == before


def test_what_a_data_frame_does_not_say_is_made_up(pandas: Any) -> None:
    frame = pandas.DataFrame(
        {"name": ["a", "b"], "span_kind": ["LLM", None], "attributes.n": [1.5, float("nan")], "parent_id": [None, None]}
    )

    first, second = spans_from_dataframe(frame)

    assert (first.kind, second.kind) == ("LLM", "CHAIN")
    assert (first.attributes, second.attributes) == ({"n": 1.5}, {})
    assert len({first.span_id, second.span_id, first.trace_id, second.trace_id}) == 4


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"span_kind": ["LLM"]}, "name"),
        ({"name": ["a"], "latency": [1]}, "latency"),
        ({"name": [7]}, "row 0"),
        ({"name": ["a"], "events": ["none"]}, "row 0"),
        ({"name": ["a"], "span_kind": ["llm"]}, "row 0"),
    ],
)
def test_a_data_frame_that_is_none_of_spans_is_refused(pandas: Any, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        spans_from_dataframe(pandas.DataFrame(columns))


def test_no_spans_are_an_empty_data_frame() -> None:
    assert len(spans_to_dataframe([])) == 0
    assert spans_from_dataframe(spans_to_dataframe([])) == []


def test_the_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigurationError, match=r"promptops-phoenix\[pandas\]"):
        spans_to_dataframe([])


def test_the_tracing_side_is_imported_without_pandas() -> None:
    code = "import sys, promptops.phoenix.tracing; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
