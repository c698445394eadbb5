"""What the tracing resources do when an answer is lost, a request is refused or the server is too old."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from promptops.core import RuntimeConfig, SyncRuntime
from promptops.core.errors import (
    ConflictError,
    InvalidResponseError,
    NetworkError,
    NotFoundError,
    ServerError,
    TimeoutError,  # noqa: A004 - the published name
    UnsupportedOperation,
    ValidationError,
)
from promptops.core.messages import Response
from promptops.core.testing import FakeClock, FakeTransport, assert_parity, json_response
from promptops.core.transport import Attempt, ExchangeFailed
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.tracing import NewAnnotation, NewSpan, SpansRefusedError, UnknownTargetsError
from promptops.phoenix.tracing._annotation_configs import AsyncAnnotationConfigs, SyncAnnotationConfigs
from promptops.phoenix.tracing._annotations import AsyncAnnotations, SyncAnnotations
from promptops.phoenix.tracing._projects import AsyncProjects, SyncProjects
from promptops.phoenix.tracing._sessions import AsyncSessions, SyncSessions
from promptops.phoenix.tracing._spans import AsyncSpans, SyncSpans
from promptops.phoenix.tracing._traces import AsyncTraces, SyncTraces

LOST = ExchangeFailed("the connection broke")
TAKEN = json_response({"total_received": 1, "total_queued": 1}, status=202)
EMPTY = json_response({"data": [], "next_cursor": None})
SPANS = [NewSpan(name="x", span_id=f"{number:016x}") for number in range(1, 4)]


class Script:
    """The tracing resources over scripted answers."""

    def __init__(self, *outcomes: Any, version: str = "20.26.1") -> None:
        self.clock = FakeClock()
        self.transport = FakeTransport(outcomes, clock=self.clock)
        config = RuntimeConfig(base_url="http://phoenix.test")
        runtime = SyncRuntime(config, transport=self.transport, clock=self.clock, random=lambda: 0.5)
        known = ServerVersion(runtime)
        known.known = version
        self.projects = SyncProjects(AsyncProjects(runtime, version=known))
        self.spans = SyncSpans(AsyncSpans(runtime, version=known))
        self.traces = SyncTraces(AsyncTraces(runtime, version=known))
        self.sessions = SyncSessions(AsyncSessions(runtime, version=known))
        self.annotations = SyncAnnotations(AsyncAnnotations(runtime, version=known))

    @property
    def sent(self) -> list[list[str]]:
        """The ids of the spans in each request."""
        bodies = [msgspec.json.decode(attempt.body) for attempt in self.transport.attempts]
        return [[span["context"]["span_id"] for span in body["data"]] for body in bodies]


def text(said: str, status: int) -> Response:
    return Response(status=status, headers={"content-type": "text/plain; charset=utf-8"}, body=said.encode())


def refusal(*duplicates: NewSpan, invalid: int = 0) -> Response:
    """The server's answer to spans that it does not take, JSON that says that it is text."""
    body = {
        "error": "Request contains invalid or duplicate spans",
        "total_received": 3,
        "total_queued": 0,
        "duplicate_spans": [{"span_id": span.span_id, "trace_id": span.trace_id} for span in duplicates],
        "invalid_spans": [{"span_id": "s", "trace_id": "t", "error": "why"}] * invalid,
    }
    return text(msgspec.json.encode(body).decode(), 400)


@pytest.mark.parametrize(
    ("asynchronous", "blocking"),
    [
        (AsyncProjects, SyncProjects),
        (AsyncSpans, SyncSpans),
        (AsyncTraces, SyncTraces),
        (AsyncSessions, SyncSessions),
        (AsyncAnnotations, SyncAnnotations),
        (AsyncAnnotationConfigs, SyncAnnotationConfigs),
    ],
)
def test_every_resource_has_its_blocking_twin(asynchronous: type[Any], blocking: type[Any]) -> None:
    assert_parity(asynchronous, blocking)


def test_a_refusal_names_the_spans() -> None:
    script = Script(refusal(SPANS[0], invalid=1), refusal(SPANS[0], invalid=1))

    with pytest.raises(SpansRefusedError, match="1 of them") as caught:
        script.spans.log(project="p", spans=SPANS)

    assert [span.span_id for span in caught.value.duplicates] == [SPANS[0].span_id]
    assert [(span.span_id, span.error) for span in caught.value.invalid] == [("s", "why")]
    assert [problem["code"] for problem in caught.value.validation_errors] == ["duplicate", "invalid"]


def test_a_refusal_for_another_reason_stays_what_it_was() -> None:
    script = Script(text("no", 400), text("no", 400))

    with pytest.raises(ValidationError, match="no") as caught:
        script.spans.log(project="p", spans=SPANS)
    assert not isinstance(caught.value, SpansRefusedError)


def test_spans_that_are_there_are_left_out_on_request_and_the_rest_is_sent() -> None:
    script = Script(refusal(SPANS[0]), refusal(SPANS[0]), TAKEN)

    done = script.spans.log(project="p", spans=SPANS, on_duplicate="skip")

    assert (done.queued, done.skipped) == (2, (SPANS[0].span_id,))
    assert script.sent[-1] == [SPANS[1].span_id, SPANS[2].span_id]


def test_an_invalid_span_is_an_error_even_when_duplicates_are_left_out() -> None:
    script = Script(refusal(SPANS[0], invalid=1), refusal(SPANS[0], invalid=1))

    with pytest.raises(SpansRefusedError):
        script.spans.log(project="p", spans=SPANS, on_duplicate="skip")


def test_spans_whose_answer_was_lost_are_sent_again_and_count_when_they_are_there() -> None:
    script = Script(LOST, refusal(*SPANS), refusal(*SPANS))

    done = script.spans.log(project="p", spans=SPANS)

    assert (done.queued, done.skipped) == (3, ())
    assert len(script.transport.attempts) == 3


def test_a_span_that_was_there_without_a_lost_answer_is_an_error() -> None:
    with pytest.raises(SpansRefusedError):
        Script(refusal(*SPANS), refusal(*SPANS)).spans.log(project="p", spans=SPANS)


def test_of_spans_stored_in_part_after_a_lost_answer_the_rest_is_sent() -> None:
    script = Script(LOST, refusal(SPANS[0]), refusal(SPANS[0]), TAKEN)

    assert script.spans.log(project="p", spans=SPANS).queued == 3
    assert script.sent[-1] == [SPANS[1].span_id, SPANS[2].span_id]


def test_spans_that_a_lost_request_brought_later_are_no_duplicates() -> None:
    """The server takes spans first and stores them a moment later, so it does not name all of them at once."""
    first, later = refusal(SPANS[0]), refusal(SPANS[1])
    script = Script(LOST, first, first, later, later, TAKEN)
    done = script.spans.log(project="p", spans=SPANS)
    assert (done.queued, done.skipped) == (3, ())
    assert script.sent[-1] == [SPANS[2].span_id]


def test_spans_that_are_taken_the_second_time_are_taken() -> None:
    assert Script(refusal(SPANS[0]), TAKEN).spans.log(project="p", spans=SPANS).queued == 3


def test_an_error_says_how_many_spans_were_queued_before() -> None:
    many = [NewSpan(name="x") for _ in range(1500)]
    script = Script(TAKEN, text("broken", 500), text("broken", 500), text("broken", 500))

    with pytest.raises(ServerError) as caught:
        script.spans.log(project="p", spans=many)
    assert caught.value.details["queued"] == 1000


def test_nothing_is_sent_when_a_span_is_wrong() -> None:
    script = Script()
    with pytest.raises(ValidationError):
        script.spans.log(project="p", spans=[*SPANS, NewSpan(name="")])
    with pytest.raises(ValidationError, match="on_duplicate"):
        script.spans.log(project="p", spans=SPANS, on_duplicate="ignore")  # type: ignore[arg-type]
    assert script.transport.attempts == []


def wire(span: NewSpan) -> dict[str, Any]:
    return {
        "name": span.name,
        "context": {"trace_id": span.trace_id, "span_id": span.span_id},
        "span_kind": "CHAIN",
        "start_time": "2026-01-01T00:00:00Z",
        "end_time": "2026-01-01T00:00:00Z",
        "status_code": "OK",
    }


def test_waiting_looks_again_until_all_are_there_also_before_the_project_is() -> None:
    found = [
        json_response({"data": [wire(span) for span in SPANS[:count]], "next_cursor": None}) for count in (0, 2, 3)
    ]
    script = Script(TAKEN, text("Project with name p not found", 404), *found)

    script.spans.log(project="p", spans=SPANS, wait=10)

    assert len(script.transport.attempts) == 5
    assert script.clock.sleeps == pytest.approx([0.05, 0.075, 0.1125])


def test_waiting_ends_with_its_time() -> None:
    script = Script()
    script.transport.then(EMPTY)
    start = script.clock.now

    with pytest.raises(TimeoutError, match="Of 3 spans up to 3 could not be read within 7 s") as caught:
        script.spans.wait_until_visible(project="p", span_ids=[span.span_id for span in SPANS], timeout=7)

    assert caught.value.timeout_duration == 7
    assert script.clock.now - start <= 7.5
    assert len(script.transport.attempts) < 30


def test_of_many_spans_the_last_are_looked_for_first() -> None:
    ids = [f"{number:016x}" for number in range(1, 151)]

    def answer(attempt: Attempt) -> Response:
        spans = [wire(NewSpan(name="x", span_id=one)) for one in ids if one in attempt.target]
        return json_response({"data": spans, "next_cursor": None})

    script = Script()
    script.transport.then(answer)
    script.spans.wait_until_visible(project="p", span_ids=ids)

    assert ["limit=50" in attempt.target for attempt in script.transport.attempts] == [True, False]
    assert ids[-1] in script.transport.attempts[0].target


TOO_OLD: list[tuple[Callable[[Script], object], str]] = [
    (lambda script: script.spans.list(project="p", trace_ids=["a"]), "13.8.9"),
    (lambda script: script.spans.list(project="p", span_ids=["a"]), "19.5.0"),
    (lambda script: script.spans.list(project="p", span_kind="LLM"), "13.14.0"),
    (lambda script: script.spans.list_page(project="p", attributes={"a": 1}), "14.8.0"),
    (lambda script: script.spans.wait_until_visible(project="p", span_ids=["a"]), "19.5.0"),
    (lambda script: script.traces.list(project="p"), "13.14.0"),
    (lambda script: script.traces.list(project="p", error=False), "20.7.9"),
    (lambda script: script.traces.list_page(project="p", max_latency_ms=1), "20.7.9"),
    (lambda script: script.sessions.get(session_id="s"), "13.4.0"),
    (lambda script: script.sessions.list(project="p"), "13.4.0"),
    (lambda script: script.sessions.delete(session_id="s"), "13.12.0"),
    (lambda script: script.sessions.delete_many(session_ids=["s"]), "13.12.0"),
    (lambda script: script.annotations.add(name="q", session_id="s", score=1), "11.38.0"),
    (lambda script: script.annotations.list(project="p", span_ids=["s"], identifiers=["i"]), "15.0.9"),
    (lambda script: script.projects.list(name_contains="p"), "17.15.0"),
    (lambda script: script.sessions.list(project="p", filter="num_traces > 1"), "20.3.0"),
    (lambda script: script.traces.list_page(project="p", filter="latency_ms > 1"), "20.8.0"),
]


@pytest.mark.parametrize(("call", "version"), TOO_OLD)
def test_a_server_that_is_too_old_is_not_asked(call: Callable[[Script], object], version: str) -> None:
    script = Script(version=version)

    with pytest.raises(UnsupportedOperation, match=version):
        call(script)
    assert script.transport.attempts == []


def test_an_old_server_is_asked_what_it_can_do() -> None:
    script = Script(EMPTY, EMPTY, version="13.15.0")

    assert script.traces.list(project="p") == []
    assert script.spans.list(project="p", name="x") == []


def test_unknown_targets_are_read_out_of_the_sentence() -> None:
    script = Script(text("Sessions with IDs s, do not, a do not exist.", 404))
    annotations = [NewAnnotation(name="q", session_id=name, score=1) for name in ("a", "not", "s")]

    with pytest.raises(UnknownTargetsError) as caught:
        script.annotations.add_many(annotations=annotations)

    assert caught.value.targets == ["a", "s"]


def test_a_not_found_that_names_nothing_stays_what_it_was() -> None:
    script = Script(text("Not Found", 404), text("Not Found", 404))

    with pytest.raises(NotFoundError, match="Not Found") as caught:
        script.annotations.add(name="q", span_id="a", score=1)
    assert not isinstance(caught.value, UnknownTargetsError)


def test_an_error_says_which_annotations_were_stored_before() -> None:
    stored = json_response({"data": [{"id": f"id-{number}"} for number in range(500)]})
    script = Script(stored, text("Spans with IDs s-500 do not exist.", 404))
    annotations = [NewAnnotation(name="q", span_id=f"s-{number}", score=1) for number in range(501)]

    with pytest.raises(UnknownTargetsError) as caught:
        script.annotations.add_many(annotations=annotations)

    assert caught.value.targets == ["s-500"]
    assert (caught.value.details["stored"], len(caught.value.stored)) == (500, 500)


def test_annotations_whose_answer_was_lost_are_sent_again() -> None:
    script = Script(LOST, json_response({"data": [{"id": "x"}]}))

    assert script.annotations.add(name="q", span_id="s", score=1) == "x"
    assert all("sync=true" in attempt.target for attempt in script.transport.attempts)


def test_a_failure_on_annotations_names_a_nul_in_them() -> None:
    failed = Response(status=500, headers={"content-type": "text/plain"}, body=b"Internal Server Error")
    script = Script(*[failed] * 5)
    with pytest.raises(ServerError) as caught:
        script.annotations.add(name="q", span_id="s", explanation="a\0b")
    assert any("NUL" in note for note in caught.value.__notes__)


def test_a_note_whose_answer_was_lost_is_written_once() -> None:
    script = Script(LOST, json_response({"data": {"id": "x"}}))

    assert script.spans.add_note(span_id="s", note="n") == "x"

    bodies = [msgspec.json.decode(attempt.body)["data"] for attempt in script.transport.attempts]
    assert bodies[0] == bodies[1]
    assert bodies[0]["identifier"]


def test_a_project_whose_answer_was_lost_is_not_created_again() -> None:
    script = Script(LOST, TAKEN)
    with pytest.raises(NetworkError):
        script.projects.create(name="p")
    assert len(script.transport.attempts) == 1


def test_a_failure_to_create_is_a_conflict_only_when_the_name_is_taken() -> None:
    failed, there = text("Internal Server Error", 500), json_response({"data": {"id": "i", "name": "p"}})

    with pytest.raises(ConflictError):
        Script(failed, there).projects.create(name="p")
    with pytest.raises(ServerError):
        Script(failed, text("Project with name p not found", 404)).projects.create(name="p")


def test_nothing_is_deleted_unless_it_is_said_which() -> None:
    script = Script()
    now = datetime(2026, 1, 1, tzinfo=UTC)
    delete = script.annotations.delete
    for given in ({}, {"name": "q"}, {"start_time": now}, {"end_time": now, "identifier": "i"}):
        wanted: dict[str, Any] = given
        with pytest.raises(ValidationError, match="delete_all"):
            delete(project="p", target="span", **wanted)
    with pytest.raises(ValidationError, match="target"):
        delete(project="p", target="document", delete_all=True)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="end_time"):
        script.traces.delete_range(project="p", start_time=now, end_time=now)
    with pytest.raises(ValidationError, match="session_ids"):
        script.sessions.delete_many(session_ids=[])
    assert script.transport.attempts == []


BY_FILTER: list[Callable[[Script], None]] = [
    lambda script: script.annotations.delete(project="p", target="span", delete_all=True),
    lambda script: script.traces.delete_range(
        project="p", start_time=datetime(2026, 1, 1, tzinfo=UTC), end_time=datetime(2026, 1, 2, tzinfo=UTC)
    ),
]


@pytest.mark.parametrize("delete", BY_FILTER)
def test_project_that_is_not_there_is_said_though_the_first_answer_was_lost(delete: Callable[[Script], None]) -> None:
    script = Script(LOST, text("Project with name p not found", 404))
    with pytest.raises(NotFoundError):
        delete(script)
    assert [attempt.method for attempt in script.transport.attempts] == ["DELETE", "DELETE"]
    delete(Script(LOST, Response(status=204, headers={}, body=b"")))


def test_control_one_thing_that_is_gone_after_a_lost_answer_was_deleted() -> None:
    gone = text("not found", 404)
    Script(LOST, gone).traces.delete(trace_id="a" * 32)
    Script(LOST, gone).spans.delete(span_id="b" * 16)
    with pytest.raises(NotFoundError):
        Script(gone).traces.delete(trace_id="a" * 32)


@pytest.mark.parametrize("given", [{}, {"span_ids": ["a"], "trace_ids": ["b"]}])
def test_annotations_are_listed_of_one_kind_of_target(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="only one"):
        Script().annotations.list(project="p", **given)


@pytest.mark.parametrize("wait", [float("nan"), float("inf"), -1.0])
def test_a_wait_without_an_end_is_refused_before_anything_is_sent(wait: float) -> None:
    script = Script()
    with pytest.raises(ValidationError, match="finite"):
        script.spans.log(project="p", spans=SPANS, wait=wait)
    with pytest.raises(ValidationError, match="finite"):
        script.spans.wait_until_visible(project="p", span_ids=["a" * 16], timeout=wait)
    assert script.transport.attempts == []


def test_one_id_where_several_are_wanted_is_not_waited_for_digit_by_digit() -> None:
    script = Script()
    with pytest.raises(ValidationError, match="not one text"):
        script.spans.wait_until_visible(project="p", span_ids="abcdef0123456789")
    assert script.transport.attempts == []


def test_error_of_annotations_has_no_secret_that_the_server_echoes() -> None:
    clock = FakeClock()
    transport = FakeTransport([text("no sk-canary-1 here", 404)] * 2, clock=clock)
    config = RuntimeConfig(base_url="http://phoenix.test", api_key="sk-canary-1")
    runtime = SyncRuntime(config, transport=transport, clock=clock)
    annotations = SyncAnnotations(AsyncAnnotations(runtime, version=ServerVersion(runtime)))

    with pytest.raises(NotFoundError) as caught:
        annotations.add(name="q", span_id="a" * 16, score=1)
    assert caught.value.message == "no [removed] here"
    assert "canary" not in repr((caught.value.__dict__, caught.value.__cause__, caught.value.__context__))


@pytest.mark.parametrize("ids", [0, 1, 3])
def test_answer_that_does_not_say_the_id_of_each_annotation_is_no_answer(ids: int) -> None:
    script = Script(json_response({"data": [{"id": "x"}] * ids}))
    two = [NewAnnotation(name="q", span_id=SPANS[number].span_id, score=1) for number in (0, 1)]
    with pytest.raises(InvalidResponseError, match=f"{ids} ids of 2"):
        script.annotations.add_many(annotations=two)
    page = Response(status=200, headers={"content-type": "text/html"}, body=b"<!doctype html>")
    with pytest.raises(InvalidResponseError, match="web page"):
        Script(page).annotations.add_many(annotations=two)


@pytest.mark.parametrize(
    ("method", "arguments", "sizes"),
    [
        ("spans", {}, [200, 200]),
        ("spans", {"limit": 1000}, [200, 200]),
        ("spans", {"limit": 7}, [7, 7]),
        ("traces", {}, [1000, 1000]),
        ("traces", {"include_spans": True}, [200, 200]),
    ],
)
def test_spans_come_in_pages_that_fit_into_an_answer(method: str, arguments: dict[str, Any], sizes: list[int]) -> None:
    script = Script(json_response({"data": [], "next_cursor": "more"}), EMPTY)
    assert getattr(script, method).list(project="p", **arguments) == []
    targets = [attempt.target for attempt in script.transport.attempts]
    assert [int(target.partition("limit=")[2].partition("&")[0]) for target in targets] == sizes
