"""Sessions on a real server: read, turned into conversations, and deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from promptops.core.errors import NotFoundError, ValidationError
from promptops.phoenix import PhoenixClient, SyncPhoenixClient
from promptops.phoenix.tracing import NewSpan, TurnValue

pytestmark = pytest.mark.anyio
Unique = Callable[..., str]
START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """A project with two sessions.

    Attributes:
        project: Where they are.
        talk: A session of three traces; the second to be logged was the first to begin, and the third has no root.
        short: A session of one trace, that began later.
        traces: The traces of ``talk``, in the order in which they began.
    """

    project: str
    talk: str
    short: str
    traces: list[str]


def step(name: str, minute: int, session: str, **fields: object) -> NewSpan:
    start = START + timedelta(minutes=minute)
    made = NewSpan(name=name, start_time=start, end_time=start + timedelta(seconds=5), session_id=session)
    return msgspec.structs.replace(made, **fields)


@pytest.fixture(scope="module")
def logged(phoenix_url: str) -> Iterator[Logged]:
    seed = NewSpan(name="seed").trace_id
    talk, short = f"talk-{seed}", f"short-{seed}"
    later = step("later", 2, talk, input={"text": "more"}, output="done")
    first = step("first", 1, talk, input="hello", output="hi")
    inner = step("inner", 1, talk, trace_id=first.trace_id, parent_id=first.span_id, input="secret", output="x")
    rootless = step("rootless", 3, talk, parent_id="f" * 16)
    other = step("other", 10, short)
    with SyncPhoenixClient(base_url=phoenix_url) as client:
        project = f"sessions-{seed[:12]}"
        client.spans.log(project=project, spans=[later, first, inner, rootless, other], wait=60)
        traces = [first.trace_id, later.trace_id, rootless.trace_id]
        yield Logged(project=project, talk=talk, short=short, traces=traces)


async def test_a_session_is_read_by_its_name_and_its_id(phoenix: PhoenixClient, logged: Logged) -> None:
    session = await phoenix.sessions.get(session_id=logged.talk)

    assert session.session_id == logged.talk
    assert (session.start_time, session.end_time) == (
        START + timedelta(minutes=1),
        START + timedelta(minutes=3, seconds=5),
    )
    assert {trace.trace_id for trace in session.traces} == set(logged.traces)
    assert await phoenix.sessions.get(session_id=session.id) == session
    with pytest.raises(NotFoundError):
        await phoenix.sessions.get(session_id=f"no {logged.talk}")


async def test_sessions_are_listed_in_order_page_by_page_and_filtered(phoenix: PhoenixClient, logged: Logged) -> None:
    project = logged.project
    names = [session.session_id for session in await phoenix.sessions.list(project=project)]
    assert sorted(names) == sorted([logged.talk, logged.short])

    turned = [session.session_id async for session in phoenix.sessions.iterate(project=project, order="desc")]
    assert turned == names[::-1]
    first = await phoenix.sessions.list_page(project=project, limit=1)
    rest = await phoenix.sessions.list_page(project=project, limit=1, cursor=first.next_cursor)
    assert [session.session_id for session in first.items + rest.items] == names
    assert (first.has_more, rest.has_more) == (True, False)
    long = await phoenix.sessions.list(project=project, filter="num_traces > 1")
    assert [session.session_id for session in long] == [logged.talk]
    assert len(await phoenix.sessions.list(project=project, limit=1)) == 1
    with pytest.raises(ValidationError):
        await phoenix.sessions.list(project=project, filter="nonsense > 1")


async def test_the_turns_of_a_session_come_in_the_order_of_the_talk(phoenix: PhoenixClient, logged: Logged) -> None:
    turns = await phoenix.sessions.turns(session_id=logged.talk)

    assert [turn.trace_id for turn in turns] == logged.traces
    assert turns[0].input == TurnValue(value="hello", mime_type="text/plain")
    assert turns[0].output == TurnValue(value="hi", mime_type="text/plain")
    assert turns[1].input == TurnValue(value='{"text":"more"}', mime_type="application/json")
    assert turns[1].root_span is not None
    assert turns[1].root_span.name == "later"
    assert (turns[2].input, turns[2].output, turns[2].root_span) == (None, None, None)
    assert turns[2].start_time == START + timedelta(minutes=3)


async def test_a_session_is_deleted_with_its_traces(phoenix: PhoenixClient, unique: Unique) -> None:
    project, name = unique("sessions"), unique("talk")
    await phoenix.spans.log(project=project, spans=[step("x", 0, name), NewSpan(name="free")], wait=60)

    await phoenix.sessions.delete(session_id=name)

    assert [span.name for span in await phoenix.spans.list(project=project)] == ["free"]
    with pytest.raises(NotFoundError, match=name):
        await phoenix.sessions.delete(session_id=name)


async def test_many_sessions_are_deleted_at_once_whatever_they_are_named_by(
    phoenix: PhoenixClient, unique: Unique
) -> None:
    project = unique("sessions")
    names = [unique("talk"), unique("talk") + "/with a slash", unique("talk"), unique("kept")]
    await phoenix.spans.log(project=project, spans=[step("x", 0, name) for name in names], wait=60)
    ids = {session.session_id: session.id for session in await phoenix.sessions.list(project=project)}

    await phoenix.sessions.delete_many(session_ids=[names[0], names[1], ids[names[2]], unique("nobody")])

    assert [session.session_id for session in await phoenix.sessions.list(project=project)] == [names[3]]


async def test_a_name_with_a_slash_is_refused_where_no_route_takes_it(phoenix: PhoenixClient) -> None:
    for call in (phoenix.sessions.get, phoenix.sessions.turns, phoenix.sessions.delete):
        with pytest.raises(ValidationError, match="slash"):
            await call(session_id="a/b")


async def test_a_note_is_written_on_a_session(phoenix: PhoenixClient, logged: Logged) -> None:
    note = await phoenix.sessions.add_note(session_id=logged.short, note="short")

    notes = await phoenix.annotations.list(project=logged.project, session_ids=[logged.short], notes=True)
    assert {found.id: found.explanation for found in notes}[note] == "short"
    with pytest.raises(NotFoundError):
        await phoenix.sessions.add_note(session_id=f"no {logged.short}", note="nobody")
