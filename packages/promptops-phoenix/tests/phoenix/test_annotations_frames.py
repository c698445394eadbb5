"""Annotations become data frames and data frames become annotations."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from promptops.core.errors import ValidationError
from promptops.phoenix.tracing import (
    Annotation,
    NewAnnotation,
    annotations_from_dataframe,
    annotations_to_dataframe,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def pandas() -> Any:
    return import_module("pandas")


def test_an_annotation_is_a_row() -> None:
    made = Annotation(
        id="x",
        name="q",
        span_id="s",
        annotator_kind="LLM",
        score=1.5,
        metadata={"a": 1},
        created_at=NOW,
        updated_at=NOW,
    )

    frame = annotations_to_dataframe([made])

    (row,) = frame.to_dict("records")
    assert (row["id"], row["name"], row["span_id"], row["score"], row["metadata"]) == ("x", "q", "s", 1.5, {"a": 1})
    assert row["created_at"] == NOW
    assert list(annotations_to_dataframe([]).columns) == list(frame.columns)


def test_a_row_is_an_annotation(pandas: Any) -> None:
    frame = pandas.DataFrame(
        {
            "name": ["q", "r"],
            "span_id": ["a", "b"],
            "annotator_kind": ["LLM", None],
            "score": [1, float("nan")],
            "label": [None, "good"],
            "metadata": [{"m": 1}, None],
        }
    )

    assert annotations_from_dataframe(frame) == [
        NewAnnotation(name="q", span_id="a", annotator_kind="LLM", score=1.0, metadata={"m": 1}),
        NewAnnotation(name="r", span_id="b", label="good"),
    ]


@pytest.mark.parametrize("index", ["span_id", "context.span_id"])
def test_the_index_may_say_what_is_annotated_and_the_call_who_and_what(pandas: Any, index: str) -> None:
    frame = pandas.DataFrame({"score": [1, 2]}, index=pandas.Index(["a", "b"], name=index))

    assert annotations_from_dataframe(frame, name="q", annotator_kind="CODE") == [
        NewAnnotation(name="q", span_id=one, annotator_kind="CODE", score=score) for one, score in (("a", 1), ("b", 2))
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"name": ["q"], "span_id": ["s"], "scores": [1]}, "scores"),
        ({"name": ["q"], "annotation_name": ["q"], "span_id": ["s"]}, "name"),
        ({"span_id": ["s"], "score": [1]}, "row 0"),
        ({"name": ["q"], "span_id": ["s"], "score": ["high"]}, "row 0"),
        ({"name": ["q"], "span_id": ["s"], "annotator_kind": ["human"]}, "row 0"),
    ],
)
def test_a_data_frame_that_is_none_of_annotations_is_refused(
    pandas: Any, columns: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        annotations_from_dataframe(pandas.DataFrame(columns))
