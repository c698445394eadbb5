"""Traces on a real server: listed, moved and deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from promptops.core.errors import NotFoundError, ValidationError
from promptops.phoenix import PhoenixClient, SyncPhoenixClient
from promptops.phoenix.tracing import NewSpan, TraceData, TraceSpanData

pytestmark = pytest.mark.anyio
Unique = Callable[..., str]
START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """Traces that are there for every test of this module.

    Attributes:
        project: Where they are.
        session: The session of ``failed``.
        ids: Their ids: ``quick`` took 1 ms, ``failed`` 1 s with a failed step, ``slow`` 3 s, an hour apart each.
        child: The step of ``failed`` that failed.
    """

    project: str
    session: str
    ids: dict[str, str]
    child: NewSpan


@pytest.fixture(scope="module")
def logged(phoenix_url: str) -> Iterator[Logged]:
    def root(name: str, hour: int, seconds: float, session: str | None = None) -> NewSpan:
        start = START + timedelta(hours=hour)
        return NewSpan(name=name, start_time=start, end_time=start + timedelta(seconds=seconds), session_id=session)

    quick = root("quick", 0, 0.001)
    session = f"talk-{quick.trace_id}"
    failed, slow = root("failed", 1, 1, session), root("slow", 2, 3)
    child = NewSpan(
        name="step",
        kind="TOOL",
        trace_id=failed.trace_id,
        parent_id=failed.span_id,
        start_time=failed.start_time,
        status_code="ERROR",
    )
    spans = [quick, failed, slow]
    with SyncPhoenixClient(base_url=phoenix_url) as client:
        project = f"traces-{quick.trace_id[:12]}"
        client.spans.log(project=project, spans=[*spans, child], wait=60)
        ids = {span.name: span.trace_id for span in spans}
        yield Logged(project=project, session=session, ids=ids, child=child)


def names(logged: Logged, traces: list[TraceData]) -> list[str]:
    known = {trace_id: name for name, trace_id in logged.ids.items()}
    return [known[trace.trace_id] for trace in traces]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["slow", "failed", "quick"]),
        ({"order": "asc"}, ["quick", "failed", "slow"]),
        ({"sort": "latency_ms"}, ["slow", "failed", "quick"]),
        ({"sort": "latency_ms", "order": "asc"}, ["quick", "failed", "slow"]),
        ({"start_time": START + timedelta(hours=1)}, ["slow", "failed"]),
        ({"end_time": START + timedelta(hours=1)}, ["quick"]),
        ({"error": True}, ["failed"]),
        ({"error": False}, ["slow", "quick"]),
        ({"min_latency_ms": 1000}, ["slow", "failed"]),
        ({"max_latency_ms": 1000.0}, ["failed", "quick"]),
        ({"filter": "error_count > 0"}, ["failed"]),
        ({"filter": "latency_ms > 500 and error_count == 0"}, ["slow"]),
        ({"session_ids": []}, []),
    ],
)
async def test_a_filter_finds_what_fits(
    phoenix: PhoenixClient, logged: Logged, query: dict[str, Any], expected: list[str]
) -> None:
    assert names(logged, await phoenix.traces.list(project=logged.project, **query)) == expected
    assert names(logged, (await phoenix.traces.list_page(project=logged.project, **query)).items) == expected


async def test_traces_are_found_by_their_session(phoenix: PhoenixClient, logged: Logged) -> None:
    session = await phoenix.sessions.get(session_id=logged.session)
    for named in (logged.session, session.id):
        found = await phoenix.traces.list(project=logged.project, session_ids=[named])
        assert names(logged, found) == ["failed"]
    many = [f"nobody {number}" for number in range(150)]
    assert names(logged, await phoenix.traces.list(project=logged.project, session_ids=[*many, logged.session])) == [
        "failed"
    ]
    with pytest.raises(ValidationError, match="iterate"):
        await phoenix.traces.list_page(project=logged.project, session_ids=many)


async def test_traces_come_page_by_page_with_their_times(phoenix: PhoenixClient, logged: Logged) -> None:
    first = await phoenix.traces.list_page(project=logged.project, limit=2)
    rest = await phoenix.traces.list_page(project=logged.project, limit=2, cursor=first.next_cursor)

    assert names(logged, first.items + rest.items) == ["slow", "failed", "quick"]
    assert (first.has_more, rest.has_more) == (True, False)
    assert first.items[0].start_time == START + timedelta(hours=2)
    assert first.items[0].end_time == START + timedelta(hours=2, seconds=3)
    newest = [trace async for trace in phoenix.traces.iterate(project=logged.project, limit=1)]
    assert names(logged, newest) == ["slow"]


async def test_spans_come_with_their_trace_on_request(phoenix: PhoenixClient, logged: Logged) -> None:
    (without,) = await phoenix.traces.list(project=logged.project, error=True)
    (trace,) = await phoenix.traces.list(project=logged.project, error=True, include_spans=True)

    assert not without.spans
    spans: Any = trace.spans
    assert all(isinstance(span, TraceSpanData) for span in spans)
    child = next(span for span in spans if span.span_id == logged.child.span_id)
    assert (child.name, child.span_kind, child.status_code) == ("step", "TOOL", "ERROR")
    assert child.parent_id == logged.child.parent_id
    assert len(spans) == 2


async def test_a_filter_that_the_server_does_not_understand_is_refused(phoenix: PhoenixClient, logged: Logged) -> None:
    with pytest.raises(ValidationError, match="invalid name `nonsense`"):
        await phoenix.traces.list(project=logged.project, filter="nonsense > 1")


async def test_a_trace_is_deleted_with_its_spans(phoenix: PhoenixClient, unique: Unique) -> None:
    project, one, other = unique("traces"), NewSpan(name="one"), NewSpan(name="other")
    await phoenix.spans.log(project=project, spans=[one, other], wait=60)

    await phoenix.traces.delete(trace_id=one.trace_id)

    assert [trace.trace_id for trace in await phoenix.traces.list(project=project)] == [other.trace_id]
    assert [span.name for span in await phoenix.spans.list(project=project)] == ["other"]
    with pytest.raises(NotFoundError, match=one.trace_id):
        await phoenix.traces.delete(trace_id=one.trace_id)
    (left,) = await phoenix.traces.list(project=project)
    await phoenix.traces.delete(trace_id=left.id)
    assert await phoenix.traces.list(project=project) == []


async def test_the_traces_of_a_range_of_time_are_deleted(phoenix: PhoenixClient, unique: Unique) -> None:
    project = unique("traces")
    spans = [NewSpan(name=f"{hour}", start_time=START + timedelta(hours=hour)) for hour in range(4)]
    await phoenix.spans.log(project=project, spans=spans, wait=60)

    await phoenix.traces.delete_range(
        project=project, start_time=START + timedelta(hours=1), end_time=START + timedelta(hours=3)
    )

    assert [span.name for span in await phoenix.spans.list(project=project, order="asc")] == ["0", "3"]


@pytest.mark.parametrize("tail", ["", "/with a slash"])
async def test_traces_move_to_another_project_all_or_none(phoenix: PhoenixClient, unique: Unique, tail: str) -> None:
    source, target = unique("traces"), unique("traces") + tail
    one, other = NewSpan(name="one"), NewSpan(name="other")
    await phoenix.spans.log(project=source, spans=[one, other], wait=60)
    ids = [one.trace_id, other.trace_id]
    with pytest.raises(NotFoundError):
        await phoenix.traces.transfer(trace_ids=ids, project=target)
    await phoenix.projects.create(name=target)
    with pytest.raises(NotFoundError):
        await phoenix.traces.transfer(trace_ids=[*ids, "f" * 32], project=target)
    assert len(await phoenix.traces.list(project=source)) == 2

    assert await phoenix.traces.transfer(trace_ids=[*ids, one.trace_id], project=target) == 2

    assert await phoenix.traces.list(project=source) == []
    assert {trace.trace_id for trace in await phoenix.traces.list(project=target)} == set(ids)


async def test_a_note_is_written_on_a_trace(phoenix: PhoenixClient, logged: Logged) -> None:
    trace_id = logged.ids["slow"]

    note = await phoenix.traces.add_note(trace_id=trace_id, note="why so slow?")

    notes = await phoenix.annotations.list(project=logged.project, trace_ids=[trace_id], notes=True)
    assert {found.id: found.explanation for found in notes}[note] == "why so slow?"
    with pytest.raises(NotFoundError):
        await phoenix.traces.add_note(trace_id="f" * 32, note="nobody")
