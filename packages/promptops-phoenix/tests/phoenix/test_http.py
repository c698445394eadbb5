"""Requests are complete and escaped, answers are looked at before they are decoded."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
import pytest
from promptops.core import RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive
from promptops.core.errors import InvalidResponseError, NetworkError, NotFoundError, ServerError, ValidationError
from promptops.core.messages import Response
from promptops.core.testing import FakeClock, FakeTransport, json_response
from promptops.core.transport import Attempt, ExchangeFailed
from promptops.phoenix import _http

T = TypeVar("T")
PAGE = b"<!DOCTYPE html>\n<html>\n  <head><title>Phoenix</title></head></html>"
EMPTY: Mapping[str, str] = {}
VERSION = {"x-phoenix-server-version": "20.26.1"}


class Thing(msgspec.Struct, frozen=True):
    id: str


class One(msgspec.Struct, frozen=True):
    data: Thing


class Many(msgspec.Struct, frozen=True):
    data: list[Thing]
    next_cursor: str | None


class Script:
    """A runtime over scripted answers."""

    def __init__(self, *outcomes: Any) -> None:
        self.transport = FakeTransport(outcomes)
        config = RuntimeConfig(base_url="http://phoenix.test/sub")
        self.runtime = SyncRuntime(config, transport=self.transport, clock=FakeClock(), random=lambda: 0.5)

    def run(self, call: Callable[..., Coroutine[Any, Any, T]], *args: Any, **kwargs: Any) -> T:
        return drive(call(self.runtime, *args, **kwargs))

    @property
    def last(self) -> Attempt:
        return self.transport.attempts[-1]


def text(
    body: bytes, *, status: int = 200, media: str = "text/plain; charset=utf-8", headers: Mapping[str, str] = EMPTY
) -> Response:
    return Response(status=status, headers={"content-type": media, **headers}, body=body)


def test_path_escapes_every_segment() -> None:
    assert _http.path("prompts", "a/b?c#d e", "..", "latest") == "/v1/prompts/a%2Fb%3Fc%23d%20e/%2E%2E/latest"


def test_query_leaves_out_none_repeats_lists_and_says_offsets() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    made = _http.pairs(a="x&y", n=5, yes=True, no=False, gone=None, many=["1", "2"], empty=[], at=moment)
    assert made == (
        ("a", "x&y"),
        ("n", "5"),
        ("yes", "true"),
        ("no", "false"),
        ("many", "1"),
        ("many", "2"),
        ("at", "2026-01-02T03:04:05+00:00"),
    )


def test_query_refuses_a_moment_without_offset() -> None:
    with pytest.raises(ValidationError, match="start_time"):
        _http.pairs(start_time=datetime(2026, 1, 1))


def test_thing_is_fetched_below_the_base_path_with_an_escaped_query() -> None:
    script = Script(json_response({"data": {"id": "RGF0YXNldDox"}}))
    found = script.run(_http.fetch, _http.path("datasets"), One, query=(("id", "RGF0=&x"),))
    assert found == One(data=Thing(id="RGF0YXNldDox"))
    assert script.last.target == "/sub/v1/datasets?id=RGF0%3D%26x"


@pytest.mark.parametrize(("headers", "told"), [(EMPTY, True), (VERSION, False)])
def test_answer_of_another_form_is_blamed_on_the_address_unless_a_phoenix_sent_it(
    headers: Mapping[str, str], told: bool
) -> None:
    with pytest.raises(InvalidResponseError, match="required field `data`") as caught:
        Script(text(b'{"hello":1}', media="application/json", headers=headers)).run(_http.fetch, "/v1/x", One)
    assert ("Perhaps base_url does not lead to a Phoenix server" in str(caught.value)) is told


CALLS: dict[str, Callable[[Script], object]] = {
    "fetch": lambda script: script.run(_http.fetch, "/v1/x", One),
    "fetch_page": lambda script: script.run(_http.fetch_page, "/v1/x", Many, limit=1, cursor=None, convert=str),
    "fetch_text": lambda script: script.run(_http.fetch_text, "/v1/x", media="text/csv"),
    "fetch_json": lambda script: script.run(_http.fetch_json, "/v1/x"),
    "send": lambda script: script.run(_http.send, "POST", "/v1/x", b"{}", One),
    "send_empty": lambda script: script.run(_http.send_empty, "POST", "/v1/x", b"{}"),
    "delete": lambda script: script.run(_http.delete, "/v1/x"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("media", ["text/html; charset=utf-8", "application/json"])
def test_web_page_is_never_taken_for_an_answer(call: str, media: str) -> None:
    script = Script(text(PAGE, media=media, headers=VERSION))
    with pytest.raises(InvalidResponseError, match=r"/v1/x answered with a web page.*route is missing") as caught:
        CALLS[call](script)
    assert "20.26.1" in caught.value.message
    assert caught.value.details == {"server_version": "20.26.1"}
    assert not caught.value.retryable
    assert len(script.transport.attempts) == 1


@pytest.mark.parametrize("call", ["send", "send_empty", "delete"])
def test_write_of_a_route_that_an_old_server_lacks_names_route_and_version(call: str) -> None:
    refused = text(b"Method Not Allowed", status=405, headers={"x-phoenix-server-version": "4.1.0"})
    script = Script(refused)
    with pytest.raises(InvalidResponseError, match=r"(POST|DELETE) /v1/x answered with status 405.*version 4\.1\.0"):
        CALLS[call](script)
    assert len(script.transport.attempts) == 1
    with pytest.raises(InvalidResponseError, match="base_url does not lead to a Phoenix server"):
        CALLS[call](Script(text(b"Method Not Allowed", status=405)))


@pytest.mark.parametrize("call", CALLS)
def test_web_page_of_something_else_says_that_the_address_is_wrong(call: str) -> None:
    with pytest.raises(InvalidResponseError, match="base_url does not lead to a Phoenix server"):
        CALLS[call](Script(text(PAGE, media="text/html")))


@pytest.mark.parametrize("limit", [None, 1, 500])
def test_page_always_says_how_many(limit: int | None) -> None:
    script = Script(json_response({"data": [{"id": "a"}], "next_cursor": "c="}))
    page = script.run(
        _http.fetch_page,
        "/v1/x",
        Many,
        query=(("name", "n"),),
        limit=limit,
        cursor="b=",
        convert=attrgetter("id"),
    )
    assert (page.items, page.has_more, page.next_cursor) == (["a"], True, "c=")
    assert script.last.target == f"/sub/v1/x?name=n&limit={limit or 100}&cursor=b%3D"


def test_last_page_has_no_cursor() -> None:
    script = Script(json_response({"data": [], "next_cursor": None}))
    page = script.run(_http.fetch_page, "/v1/x", Many, limit=5, cursor=None, convert=str)
    assert (page.items, page.has_more, page.next_cursor) == ([], False, None)


BAD_LIMITS: list[Any] = [0, -1, True, 1.5, "5"]


@pytest.mark.parametrize("limit", BAD_LIMITS)
def test_limit_that_the_server_would_refuse_is_not_sent(limit: Any) -> None:
    script = Script()
    with pytest.raises(ValidationError, match="limit must be at least 1"):
        script.run(_http.fetch_page, "/v1/x", Many, limit=limit, cursor=None, convert=str)
    assert script.transport.attempts == []


def test_item_that_does_not_fit_is_an_invalid_response() -> None:
    script = Script(json_response({"data": [{"id": "a"}], "next_cursor": None}))

    def convert(item: Thing) -> int:
        return msgspec.convert(item.id, int)

    with pytest.raises(InvalidResponseError, match="does not fit"):
        script.run(_http.fetch_page, "/v1/x", Many, limit=5, cursor=None, convert=convert)


def test_answer_of_another_form_is_an_invalid_response() -> None:
    with pytest.raises(InvalidResponseError, match=r"\$\.data"):
        Script(json_response({"data": {"id": 5}})).run(_http.fetch, "/v1/x", One)


def test_json_with_bare_numbers_beyond_json_is_read() -> None:
    body = b'[{"a": Infinity, "b": -Infinity, "c": NaN, "d": "Infinity", "e": 1.5}]'
    ((found,),) = (Script(text(body, media="application/json")).run(_http.fetch_json, "/v1/x"),)
    assert (found["a"], found["b"], found["d"], found["e"]) == (float("inf"), float("-inf"), "Infinity", 1.5)
    assert found["c"] != found["c"]


def test_control_strict_decoding_refuses_such_json() -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(b'[{"a": Infinity}]')


@pytest.mark.parametrize("body", [b"", b"{", b"[1,]", b"\xff\xfe", b"Infinit", b"[" * 5000 + b"]" * 5000])
def test_what_is_no_json_even_so_is_an_invalid_response(body: bytes) -> None:
    with pytest.raises(InvalidResponseError):
        Script(text(body, media="application/json")).run(_http.fetch_json, "/v1/x")


def test_text_is_asked_for_by_its_media_type() -> None:
    script = Script(text("é,b\n".encode(), media="text/csv"))
    assert script.run(_http.fetch_text, "/v1/x/csv", media="text/csv") == "é,b\n"
    assert dict(script.last.headers)["accept"] == "text/csv"


def test_text_that_is_not_utf8_is_an_invalid_response() -> None:
    with pytest.raises(InvalidResponseError, match="UTF-8"):
        Script(text(b"\xff\xfe\xfa", media="text/csv")).run(_http.fetch_text, "/v1/x", media="text/csv")


LOST = ExchangeFailed("reset", sent=True)
GOOD = json_response({"data": {"id": "a"}})


def test_repeatable_write_is_sent_again_when_its_answer_is_lost_without_a_key() -> None:
    script = Script(LOST, GOOD)
    script.run(_http.send, "POST", "/v1/x", b"{}", One, repeatable=True)
    assert len(script.transport.attempts) == 2
    assert all("idempotency-key" not in dict(attempt.headers) for attempt in script.transport.attempts)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_control_other_writes_are_sent_once(method: str) -> None:
    script = Script(LOST, GOOD)
    with pytest.raises(NetworkError):
        script.run(_http.send, method, "/v1/x", b"{}", One)
    assert len(script.transport.attempts) == 1


FAILED = text(b"Internal Server Error", status=500)


@pytest.mark.parametrize("call", ["send", "send_empty"])
def test_500_of_a_write_that_is_not_repeatable_is_final(call: str) -> None:
    with pytest.raises(ServerError) as caught:
        CALLS[call](Script(FAILED))
    assert not caught.value.retryable


@pytest.mark.parametrize("status", [500, 503])
def test_failure_of_a_repeatable_write_stays_retryable(status: int) -> None:
    script = Script(*[text(b"busy", status=status)] * 3)
    with pytest.raises(ServerError) as caught:
        script.run(_http.send, "POST", "/v1/x", b"{}", One, repeatable=True)
    assert caught.value.retryable
    assert caught.value.status_code == status


def test_full_storage_is_not_worth_another_try() -> None:
    with pytest.raises(ServerError, match="storage limit") as caught:
        Script(text(b"storage limit reached", status=507)).run(_http.send, "POST", "/v1/x", b"{}", One, repeatable=True)
    assert (caught.value.status_code, caught.value.retryable) == (507, False)


def test_full_span_queue_is_retryable_also_where_nothing_is_sent_twice() -> None:
    with pytest.raises(ServerError) as caught:
        Script(text(b"queue full", status=503)).run(_http.send_empty, "POST", "/v1/x", b"{}")
    assert caught.value.retryable


def test_deletion_whose_answer_was_lost_is_done() -> None:
    script = Script(LOST, text(b"Not Found", status=404))
    script.run(_http.delete, "/v1/x")
    assert [attempt.method for attempt in script.transport.attempts] == ["DELETE", "DELETE"]


def test_control_deletion_of_nothing_says_so() -> None:
    with pytest.raises(NotFoundError):
        Script(text(b"Not Found", status=404)).run(_http.delete, "/v1/x")


def test_content_type_of_a_body_can_be_chosen_and_is_never_compressed() -> None:
    script = Script(GOOD)
    script.run(_http.send, "POST", "/v1/x", b"--b--", One, content_type="multipart/form-data; boundary=b")
    headers = dict(script.last.headers)
    assert headers["content-type"] == "multipart/form-data; boundary=b"
    assert "content-encoding" not in headers
    assert script.last.body == b"--b--"


def test_input_that_the_server_echoes_stays_out_of_the_error() -> None:
    detail = [{"type": "missing", "loc": ["body", "name"], "msg": "Field required", "input": {"secret": "canary"}}]
    with pytest.raises(ValidationError) as caught:
        Script(json_response({"detail": detail}, status=422)).run(_http.send, "POST", "/v1/x", b"{}", One)
    assert caught.value.message == "body.name: Field required"
    assert "canary" not in repr(caught.value.__dict__)


@pytest.mark.parametrize(
    ("sent", "noted"),
    [
        ("a\0", True),
        ("\0", True),
        ("\\\0", True),
        ("\\\\\0", True),
        ("\\u0000", False),
        ("\\\\u0000", False),
        ("a", False),
    ],
)
def test_a_failure_names_a_nul_that_was_sent_and_nothing_that_only_looks_like_one(sent: str, noted: bool) -> None:
    script = Script(text(b"Internal Server Error", status=500))
    with pytest.raises(ServerError) as caught:
        script.run(_http.send, "POST", _http.path("prompts"), msgspec.json.encode({"text": sent}), One)
    assert any("NUL" in note for note in getattr(caught.value, "__notes__", [])) == noted
