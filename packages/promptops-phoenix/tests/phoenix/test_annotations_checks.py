"""Annotations are checked before they are sent, and go to the route of what they are about."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from promptops.core.errors import ValidationError
from promptops.phoenix._generated import AnnotationResult, SpanAnnotation
from promptops.phoenix.tracing import NewAnnotation
from promptops.phoenix.tracing._annotations_models import annotation_of
from promptops.phoenix.tracing._annotations_send import annotation_batches

SPAN = "a" * 16
GOOD = NewAnnotation(name="q", span_id=SPAN, score=1)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"span_id": None}, "annotations[1]"),
        ({"trace_id": "b" * 32}, "annotations[1]"),
        ({"span_id": ""}, "annotations[1].span_id"),
        ({"name": ""}, "annotations[1].name"),
        ({"name": "note"}, "annotations[1].name"),
        ({"annotator_kind": "human"}, "annotations[1].annotator_kind"),
        ({"score": None}, "annotations[1]"),
        ({"score": None, "label": "", "explanation": ""}, "annotations[1]"),
        ({"score": float("nan")}, "annotations[1].score"),
        ({"score": float("inf")}, "annotations[1].score"),
        ({"score": True}, "annotations[1].score"),
        ({"score": "1"}, "annotations[1].score"),
        ({"metadata": {"a": eval("[" * 61 + "]" * 61)}}, "annotations[1].metadata"),
        ({"metadata": {"a": [float("nan")]}}, "annotations[1].metadata.a[0]"),
        ({"document_position": -1}, "annotations[1].document_position"),
        ({"document_position": True}, "annotations[1].document_position"),
        ({"span_id": None, "trace_id": "b" * 32, "document_position": 0}, "annotations[1].document_position"),
        ({}, "annotations[1]"),
    ],
)
def test_a_wrong_field_is_named(wrong: dict[str, Any], field: str) -> None:
    other = {} if not wrong else {"identifier": "other"}

    with pytest.raises(ValidationError) as caught:
        annotation_batches([GOOD, msgspec.structs.replace(GOOD, **other, **wrong)])

    assert caught.value.validation_errors[0]["field"] == field


@pytest.mark.parametrize("said", [{"score": 0}, {"score": None, "label": "l"}, {"score": None, "explanation": "e"}])
def test_one_of_score_label_and_explanation_is_enough(said: dict[str, Any]) -> None:
    (batch,) = annotation_batches([msgspec.structs.replace(GOOD, **said)])

    (body,) = msgspec.json.decode(batch.body)["data"]
    assert body["result"] == {name: value for name, value in said.items() if value is not None}


def test_annotations_go_to_the_route_of_what_they_are_about() -> None:
    batches = annotation_batches(
        [
            GOOD,
            NewAnnotation(name="q", session_id="s", label="l"),
            NewAnnotation(name="q", span_id=SPAN, document_position=0, score=1),
            NewAnnotation(name="q", trace_id="t", score=1),
            NewAnnotation(name="q2", span_id=SPAN, score=1, metadata={"m": 1}, identifier="i"),
        ]
    )

    assert [(batch.route, batch.places, batch.targets) for batch in batches] == [
        ("span_annotations", [0, 4], [SPAN, SPAN]),
        ("session_annotations", [1], ["s"]),
        ("document_annotations", [2], [SPAN]),
        ("trace_annotations", [3], ["t"]),
    ]
    assert msgspec.json.decode(batches[0].body)["data"][1] == {
        "name": "q2",
        "annotator_kind": "HUMAN",
        "identifier": "i",
        "result": {"score": 1},
        "span_id": SPAN,
        "metadata": {"m": 1},
    }


def test_a_request_holds_five_hundred() -> None:
    annotations = [msgspec.structs.replace(GOOD, identifier=str(number)) for number in range(1001)]

    batches = annotation_batches(annotations)

    assert [len(batch.places) for batch in batches] == [500, 500, 1]
    assert [place for batch in batches for place in batch.places] == list(range(1001))
    assert annotation_batches([]) == []


@pytest.mark.parametrize("result", [None, msgspec.UNSET, AnnotationResult(), AnnotationResult(label="", score=None)])
def test_what_was_not_said_is_none(result: Any) -> None:
    common: dict[str, Any] = {
        "annotator_kind": "HUMAN",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "id": "x",
        "name": "q",
        "source": "API",
        "span_id": SPAN,
    }
    wire = msgspec.structs.replace(msgspec.convert(common, SpanAnnotation), result=result, metadata=None)

    found = annotation_of(wire)

    assert (found.label, found.score, found.explanation, found.metadata) == (None, None, None, {})
    assert (found.span_id, found.trace_id, found.session_id) == (SPAN, None, None)
