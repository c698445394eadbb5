"""Spans on a real server: logged, seen, queried and deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest
from promptops.core.errors import NotFoundError, ValidationError
from promptops.core.errors import TimeoutError as PromptOpsTimeoutError
from promptops.phoenix import PhoenixClient, SyncPhoenixClient
from promptops.phoenix.tracing import (
    NewSpan,
    Span,
    SpanEvent,
    SpanKind,
    SpansRefusedError,
    spans_from_dataframe,
    spans_to_dataframe,
)

pytestmark = pytest.mark.anyio
NOTHING: frozenset[str] = frozenset()
EVERYTHING: dict[str, Any] = {}
Unique = Callable[..., str]
START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """Spans that are there for every test of this module.

    Attributes:
        project: Where they are.
        root: The root of a trace.
        model: Its child, which failed.
        tool: Its other child.
        other: The root of another trace, an hour later.
    """

    project: str
    root: NewSpan
    model: NewSpan
    tool: NewSpan
    other: NewSpan


@pytest.fixture(scope="module")
def logged(phoenix_url: str) -> Iterator[Logged]:
    root = NewSpan(
        name="answer",
        kind="CHAIN",
        start_time=START,
        end_time=START + timedelta(seconds=2),
        status_code="OK",
        input="question",
        output={"answer": [1, None]},
        session_id="talk",
        attributes={"llm": {"model_name": "m-1"}, "count": 3, "share": 0.5, "cached": False, "text": "3"},
        events=[SpanEvent(name="looked", timestamp=START + timedelta(seconds=1), attributes={"page": 1})],
    )
    model = NewSpan(
        name="call",
        trace_id=root.trace_id,
        parent_id=root.span_id,
        kind="LLM",
        start_time=START + timedelta(seconds=1),
        end_time=START + timedelta(seconds=2),
        status_code="ERROR",
        status_message="too slow",
    )
    tool = NewSpan(name="look", trace_id=root.trace_id, parent_id=root.span_id, kind="TOOL", start_time=START)
    other = NewSpan(name="answer", start_time=START + timedelta(hours=1))
    with SyncPhoenixClient(base_url=phoenix_url) as client:
        project = f"spans-{root.trace_id[:12]}"
        client.spans.log(project=project, spans=[root, model, tool, other], wait=60)
        yield Logged(project=project, root=root, model=model, tool=tool, other=other)


def names(logged: Logged, spans: list[Span]) -> set[str]:
    """Which of the spans of this module they are."""
    ids = {getattr(logged, name).span_id: name for name in ("root", "model", "tool", "other")}
    return {ids[span.context.span_id] for span in spans}


async def test_a_span_comes_back_field_by_field(phoenix: PhoenixClient, logged: Logged) -> None:
    span = await phoenix.spans.get(project=logged.project, span_id=logged.root.span_id)

    assert (span.name, span.span_kind, span.parent_id) == ("answer", "CHAIN", None)
    assert (span.context.trace_id, span.context.span_id) == (logged.root.trace_id, logged.root.span_id)
    assert (span.start_time, span.end_time) == (START, START + timedelta(seconds=2))
    assert (span.status_code, span.status_message) == ("OK", "")
    assert span.events == list(logged.root.events)
    assert span.attributes == {
        "input.value": "question",
        "input.mime_type": "text/plain",
        "output.value": '{"answer":[1,null]}',
        "output.mime_type": "application/json",
        "session.id": "talk",
        "llm.model_name": "m-1",
        "count": 3,
        "share": 0.5,
        "cached": False,
        "text": "3",
    }
    child = await phoenix.spans.get(project=logged.project, span_id=logged.model.span_id)
    assert (child.parent_id, child.status_code, child.status_message) == (logged.root.span_id, "ERROR", "too slow")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (EVERYTHING, {"root", "model", "tool", "other"}),
        ({"roots_only": True}, {"root", "other"}),
        ({"name": "call"}, {"model"}),
        ({"name": ["call", "look"]}, {"model", "tool"}),
        ({"span_kind": "LLM"}, {"model"}),
        ({"span_kind": ["LLM", "TOOL"]}, {"model", "tool"}),
        ({"status_code": "ERROR"}, {"model"}),
        ({"status_code": ["OK", "ERROR"]}, {"root", "model"}),
        ({"start_time": START + timedelta(seconds=1)}, {"model", "other"}),
        ({"end_time": START + timedelta(seconds=1)}, {"root", "tool"}),
        ({"attributes": {"llm.model_name": "m-1"}}, {"root"}),
        ({"attributes": {"count": 3, "cached": False, "share": 0.5}}, {"root"}),
        ({"attributes": {"count": "3"}}, NOTHING),
        ({"attributes": {"text": 3}}, NOTHING),
        ({"attributes": {"text": "3"}}, {"root"}),
        ({"attributes": {"cached": True}}, NOTHING),
        ({"trace_ids": []}, NOTHING),
        ({"name": "answer", "start_time": START + timedelta(minutes=1)}, {"other"}),
    ],
)
async def test_a_filter_finds_what_fits(
    phoenix: PhoenixClient, logged: Logged, query: dict[str, Any], expected: set[str]
) -> None:
    assert names(logged, await phoenix.spans.list(project=logged.project, **query)) == expected
    assert names(logged, (await phoenix.spans.list_page(project=logged.project, **query)).items) == expected


async def test_spans_are_found_by_trace_id_and_parent(phoenix: PhoenixClient, logged: Logged) -> None:
    project, root = logged.project, logged.root

    of_trace = await phoenix.spans.list(project=project, trace_ids=[root.trace_id])
    assert names(logged, of_trace) == {"root", "model", "tool"}
    by_id = await phoenix.spans.list(project=project, span_ids=[root.span_id, logged.other.span_id, "f" * 16])
    assert names(logged, by_id) == {"root", "other"}
    assert names(logged, await phoenix.spans.list(project=project, parent_id=root.span_id)) == {"model", "tool"}


async def test_more_ids_than_an_address_holds_are_asked_for_in_groups(phoenix: PhoenixClient, logged: Logged) -> None:
    ids = [logged.root.span_id, *(f"{number:016x}" for number in range(1, 250)), logged.model.span_id]

    assert names(logged, await phoenix.spans.list(project=logged.project, span_ids=ids)) == {"root", "model"}
    assert names(logged, await phoenix.spans.list(project=logged.project, span_ids=ids, limit=1)) == {"root"}
    with pytest.raises(ValidationError, match="iterate"):
        await phoenix.spans.list_page(project=logged.project, span_ids=ids)


async def test_spans_come_in_the_order_asked_for_and_page_by_page(phoenix: PhoenixClient, logged: Logged) -> None:
    project = logged.project
    expected = [logged.other.span_id, logged.model.span_id]

    newest = [span async for span in phoenix.spans.iterate(project=project, sort="start_time", limit=2)]
    assert [span.context.span_id for span in newest] == expected
    oldest = await phoenix.spans.list(project=project, sort="start_time", order="asc")
    assert [span.context.span_id for span in oldest][-2:] == expected[::-1]

    first = await phoenix.spans.list_page(project=project, sort="start_time", limit=3)
    rest = await phoenix.spans.list_page(project=project, sort="start_time", limit=3, cursor=first.next_cursor)
    assert (len(first.items), first.has_more, len(rest.items), rest.has_more) == (3, True, 1, False)


async def test_every_kind_that_may_be_written_may_be_asked_for(phoenix: PhoenixClient, logged: Logged) -> None:
    kinds: Any = get_args(SpanKind)

    assert len(await phoenix.spans.list(project=logged.project, span_kind=kinds)) == 4


async def test_logging_counts_what_was_taken_and_waits_until_it_can_be_read(
    phoenix: PhoenixClient, unique: Unique
) -> None:
    project = unique("spans")
    spans = [NewSpan(name=f"step {number}") for number in range(5)]

    done = await phoenix.spans.log(project=project, spans=spans, wait=60)

    assert (done.queued, done.skipped) == (5, ())
    assert len(await phoenix.spans.list(project=project)) == 5
    assert (await phoenix.spans.log(project=project, spans=[])).queued == 0


async def test_spans_of_a_project_with_a_slash_in_its_name(phoenix: PhoenixClient, unique: Unique) -> None:
    project = unique("spans") + "/a#b"

    await phoenix.spans.log(project=project, spans=[NewSpan(name="x")], wait=60)

    assert [span.name for span in await phoenix.spans.list(project=project)] == ["x"]


async def test_spans_that_are_there_are_named_and_nothing_of_the_request_is_stored(
    phoenix: PhoenixClient, logged: Logged
) -> None:
    new = NewSpan(name="new")

    with pytest.raises(SpansRefusedError) as caught:
        await phoenix.spans.log(project=logged.project, spans=[logged.root, new, logged.other])

    assert {span.span_id for span in caught.value.duplicates} == {logged.root.span_id, logged.other.span_id}
    assert {span.trace_id for span in caught.value.duplicates} == {logged.root.trace_id, logged.other.trace_id}
    assert caught.value.details["queued"] == 0
    assert {problem["code"] for problem in caught.value.validation_errors} == {"duplicate"}
    with pytest.raises(NotFoundError):
        await phoenix.spans.get(project=logged.project, span_id=new.span_id)


async def test_spans_that_are_there_can_be_left_out(phoenix: PhoenixClient, unique: Unique) -> None:
    project = unique("spans")
    old, new = NewSpan(name="old"), NewSpan(name="new")
    await phoenix.spans.log(project=project, spans=[old], wait=60)

    done = await phoenix.spans.log(project=project, spans=[old, new], on_duplicate="skip", wait=60)

    assert (done.queued, done.skipped) == (1, (old.span_id,))
    assert {span.name for span in await phoenix.spans.list(project=project)} == {"old", "new"}
    again = await phoenix.spans.log(project=project, spans=[old, new], on_duplicate="skip")
    assert (again.queued, set(again.skipped)) == (0, {old.span_id, new.span_id})


async def test_waiting_for_a_span_that_does_not_come_ends(phoenix: PhoenixClient, logged: Logged) -> None:
    with pytest.raises(PromptOpsTimeoutError, match="Of 2 spans") as caught:
        await phoenix.spans.wait_until_visible(
            project=logged.project, span_ids=[logged.root.span_id, "f" * 16], timeout=0.2
        )
    assert caught.value.details == {"missing": 2}
    await phoenix.spans.wait_until_visible(project=logged.project, span_ids=[logged.root.span_id], timeout=60)


async def test_what_was_read_can_be_logged_again(phoenix: PhoenixClient, unique: Unique) -> None:
    project = unique("spans")
    await phoenix.spans.log(project=project, spans=[NewSpan(name="x", input="in", session_id="s")], wait=60)
    (read,) = await phoenix.spans.list(project=project)
    await phoenix.spans.delete(span_id=read.id)
    assert await phoenix.spans.list(project=project) == []

    await phoenix.spans.log(project=project, spans=[read], wait=60)

    (again,) = await phoenix.spans.list(project=project)
    assert msgspec.structs.replace(again, id=read.id) == read


async def test_a_span_is_deleted_by_its_own_id(phoenix: PhoenixClient, unique: Unique) -> None:
    project, span = unique("spans"), NewSpan(name="x")
    await phoenix.spans.log(project=project, spans=[span], wait=60)

    await phoenix.spans.delete(span_id=span.span_id)

    with pytest.raises(NotFoundError):
        await phoenix.spans.get(project=project, span_id=span.span_id)
    with pytest.raises(NotFoundError, match=span.span_id):
        await phoenix.spans.delete(span_id=span.span_id)


async def test_a_data_frame_of_spans_can_be_logged(phoenix: PhoenixClient, logged: Logged, unique: Unique) -> None:
    project = unique("spans")
    frame = spans_to_dataframe(await phoenix.spans.list(project=logged.project, trace_ids=[logged.root.trace_id]))
    copies = spans_from_dataframe(frame.drop(columns=["context.trace_id", "parent_id"]).reset_index(drop=True))

    await phoenix.spans.log(project=project, spans=copies, wait=60)

    wanted = await phoenix.spans.list(project=logged.project, name="answer", trace_ids=[logged.root.trace_id])
    found = await phoenix.spans.list(project=project, name="answer")
    assert [(span.attributes, span.events) for span in found] == [(span.attributes, span.events) for span in wanted]


async def test_a_note_is_written_and_with_an_identifier_replaced(phoenix: PhoenixClient, logged: Logged) -> None:
    span_id = logged.tool.span_id
    first = await phoenix.spans.add_note(span_id=span_id, note="one")
    second = await phoenix.spans.add_note(span_id=span_id, note="two")
    kept = await phoenix.spans.add_note(span_id=span_id, note="three", identifier=first)
    replaced = await phoenix.spans.add_note(span_id=span_id, note="four", identifier=first)

    assert len({first, second, kept}) == 3
    assert replaced == kept
    notes = await phoenix.annotations.list(project=logged.project, span_ids=[span_id], names="note")
    assert {first: "one", second: "two", kept: "four"}.items() <= {note.id: note.explanation for note in notes}.items()
    with pytest.raises(NotFoundError):
        await phoenix.spans.add_note(span_id="f" * 16, note="nobody")


async def test_a_project_that_does_not_exist_has_no_spans(phoenix: PhoenixClient, unique: Unique) -> None:
    with pytest.raises(NotFoundError):
        await phoenix.spans.list(project=unique("nothing"))
    with pytest.raises(NotFoundError):
        await phoenix.spans.list(project=unique("nothing") + "/x")
