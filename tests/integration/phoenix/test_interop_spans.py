"""Spans and annotations written by this client are read by the official one, and the other way round."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from promptops.phoenix import PhoenixClient
from promptops.phoenix.tracing import NewAnnotation, NewSpan, SpanEvent

if TYPE_CHECKING:
    from tools.phoenix.official import OfficialClient

pytestmark = pytest.mark.anyio
Unique = Callable[..., str]
START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)

READ_SPANS = """
def run(client, payload):
    return client.spans.get_spans(project_identifier=payload["project"], **payload["query"])
"""
LOG_SPANS = """
def run(client, payload):
    return client.spans.log_spans(project_identifier=payload["project"], spans=payload["spans"])
"""
READ_ANNOTATIONS = """
def run(client, payload):
    return client.spans.get_span_annotations(
        project_identifier=payload["project"], span_ids=payload["span_ids"], exclude_annotation_names=[]
    )
"""
ANNOTATE = """
def run(client, payload):
    span, trace, session = payload["span_id"], payload["trace_id"], payload["session_id"]
    common = dict(annotator_kind="LLM", label="fine", score=0.5, explanation="so", metadata={"m": 1}, sync=True)
    return [
        client.spans.add_span_annotation(span_id=span, annotation_name="of span", identifier="i", **common)["id"],
        client.traces.add_trace_annotation(trace_id=trace, annotation_name="of trace", **common)["id"],
        client.sessions.add_session_annotation(session_id=session, annotation_name="of session", **common)["id"],
        client.spans.add_span_note(span_id=span, note="noted")["id"],
    ]
"""
TURNS = """
def run(client, payload):
    return client.sessions.get_session_turns(session_id=payload)
"""


def conversation(session: str) -> list[NewSpan]:
    """Two spans of one trace, with everything that a span can have."""
    root = NewSpan(
        name="answer",
        kind="AGENT",
        start_time=START,
        end_time=START + timedelta(seconds=2, microseconds=5),
        status_code="OK",
        input="question",
        output={"text": "é"},
        session_id=session,
        attributes={"llm": {"model_name": "m", "token_count": {"prompt": 3}}, "tags": ["a", "b"]},
        events=[SpanEvent(name="looked", timestamp=START + timedelta(seconds=1), attributes={"n": 1})],
    )
    child = NewSpan(
        name="call",
        kind="LLM",
        trace_id=root.trace_id,
        parent_id=root.span_id,
        start_time=START + timedelta(seconds=1),
        status_code="ERROR",
        status_message="failed",
    )
    return [root, child]


async def test_the_official_client_reads_spans_written_here(
    phoenix: PhoenixClient, official: OfficialClient, unique: Unique
) -> None:
    project = unique("spans")
    root, child = conversation(unique("talk"))
    await phoenix.spans.log(project=project, spans=[root, child], wait=60)

    theirs = official(READ_SPANS, {"project": project, "query": {}})

    ours = await phoenix.spans.list(project=project)
    assert [as_theirs(span) for span in ours] == theirs
    assert {span["name"] for span in theirs} == {"answer", "call"}
    for query, same in (
        ({"parent_id": "null"}, {"roots_only": True}),
        ({"span_kind": "LLM"}, {"span_kind": "LLM"}),
        ({"attributes": {"llm.token_count.prompt": 3}}, {"attributes": {"llm.token_count.prompt": 3}}),
        (
            {"trace_ids": [root.trace_id], "status_code": "ERROR"},
            {"trace_ids": [root.trace_id], "status_code": "ERROR"},
        ),
    ):
        found: Any = same
        expected = [as_theirs(span) for span in await phoenix.spans.list(project=project, **found)]
        assert official(READ_SPANS, {"project": project, "query": query}) == expected
        assert len(expected) == 1


async def test_spans_written_by_the_official_client_are_read_here(
    phoenix: PhoenixClient, official: OfficialClient, unique: Unique
) -> None:
    project = unique("spans")
    new = NewSpan(name="x")
    span: dict[str, Any] = {
        "name": "official",
        "context": {"trace_id": new.trace_id, "span_id": new.span_id},
        "span_kind": "TOOL",
        "start_time": "2026-01-01T12:00:00+00:00",
        "end_time": "2026-01-01T12:00:01.500000+00:00",
        "status_code": "OK",
        "attributes": {"input.value": "in", "nested": {"a": [1, 2]}, "session.id": "s"},
        "events": [{"name": "e", "timestamp": "2026-01-01T12:00:00.250000+00:00", "attributes": {}}],
    }
    assert official(LOG_SPANS, {"project": project, "spans": [span]}) == {"total_received": 1, "total_queued": 1}
    await phoenix.spans.wait_until_visible(project=project, span_ids=[new.span_id], timeout=60)

    read = await phoenix.spans.get(project=project, span_id=new.span_id)

    assert (read.name, read.span_kind, read.status_code, read.parent_id) == ("official", "TOOL", "OK", None)
    assert (read.start_time, read.end_time - read.start_time) == (START, timedelta(seconds=1.5))
    assert read.attributes == {"input.value": "in", "nested.a": [1, 2], "session.id": "s"}
    assert read.events == [SpanEvent(name="e", timestamp=START + timedelta(seconds=0.25), attributes={})]


async def test_annotations_written_here_are_read_by_the_official_client(
    phoenix: PhoenixClient, official: OfficialClient, unique: Unique
) -> None:
    project = unique("spans")
    root, child = conversation(unique("talk"))
    await phoenix.spans.log(project=project, spans=[root, child], wait=60)
    ids = await phoenix.annotations.add_many(
        annotations=[
            NewAnnotation(name="q", span_id=root.span_id, score=0.5, label="l", explanation="e", metadata={"m": [1]}),
            NewAnnotation(name="q", span_id=child.span_id, annotator_kind="CODE", score=0, identifier="i"),
        ]
    )

    theirs = official(READ_ANNOTATIONS, {"project": project, "span_ids": [root.span_id, child.span_id]})

    fields = ("id", "span_id", "name", "annotator_kind", "identifier", "metadata")
    nothing: dict[str, Any] = {}
    expected: list[tuple[Any, ...]] = [
        (ids[0], root.span_id, "q", "HUMAN", "", {"m": [1]}, {"label": "l", "score": 0.5, "explanation": "e"}),
        (ids[1], child.span_id, "q", "CODE", "i", nothing, {"label": None, "score": 0.0, "explanation": None}),
    ]
    found = [(*(one[name] for name in fields), one["result"]) for one in theirs]
    assert sorted(found, key=lambda one: ids.index(one[0])) == expected


async def test_annotations_written_by_the_official_client_are_read_here(
    phoenix: PhoenixClient, official: OfficialClient, unique: Unique
) -> None:
    project, session = unique("spans"), unique("talk")
    root, _ = conversation(session)
    await phoenix.spans.log(project=project, spans=[root], wait=60)

    ids = official(ANNOTATE, {"span_id": root.span_id, "trace_id": root.trace_id, "session_id": session})

    of_span = await phoenix.annotations.list(project=project, span_ids=[root.span_id], notes=True)
    of_trace = await phoenix.annotations.list(project=project, trace_ids=[root.trace_id])
    of_session = await phoenix.annotations.list(project=project, session_ids=[session])
    note, first = of_span
    assert [first.id, of_trace[0].id, of_session[0].id, note.id] == ids
    assert (note.name, note.explanation) == ("note", "noted")
    assert (first.identifier, first.span_id) == ("i", root.span_id)
    for name, one in (("of span", first), ("of trace", of_trace[0]), ("of session", of_session[0])):
        assert (one.name, one.annotator_kind, one.label, one.score) == (name, "LLM", "fine", 0.5)
        assert (one.explanation, one.metadata) == ("so", {"m": 1})


async def test_the_turns_of_a_session_are_those_of_the_official_client(
    phoenix: PhoenixClient, official: OfficialClient, unique: Unique
) -> None:
    session = unique("talk")
    later = NewSpan(name="later", start_time=START + timedelta(minutes=1), session_id=session, output="only")
    await phoenix.spans.log(project=unique("spans"), spans=[later, *conversation(session)], wait=60)

    theirs = official(TURNS, session)

    ours = await phoenix.sessions.turns(session_id=session)
    assert [turn["trace_id"] for turn in theirs] == [turn.trace_id for turn in ours]
    for their, our in zip(theirs, ours, strict=True):
        assert datetime.fromisoformat(their["start_time"]) == our.start_time
        assert datetime.fromisoformat(their["end_time"]) == our.end_time
        for name in ("input", "output"):
            value = getattr(our, name)
            expected = None if value is None else {"value": value.value, "mime_type": value.mime_type}
            assert their.get(name) == expected
        assert our.root_span is not None
        assert as_theirs(our.root_span) == their["root_span"]


def as_theirs(span: Any) -> dict[str, Any]:
    """A span in the form in which the official client returns it."""
    return {
        "id": span.id,
        "name": span.name,
        "context": {"trace_id": span.context.trace_id, "span_id": span.context.span_id},
        "span_kind": span.span_kind,
        "parent_id": span.parent_id,
        "start_time": span.start_time.isoformat(),
        "end_time": span.end_time.isoformat(),
        "status_code": span.status_code,
        "status_message": span.status_message,
        "attributes": span.attributes,
        "events": [
            {"name": event.name, "timestamp": event.timestamp.isoformat(), "attributes": event.attributes}
            for event in span.events
        ],
    }
