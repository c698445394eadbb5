"""The version is learned from what the server sends anyway, and asked for once at most."""

from __future__ import annotations

from typing import Any

import pytest
from promptops.core import RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive
from promptops.core.errors import InvalidResponseError, UnsupportedOperation
from promptops.core.messages import Request, Response
from promptops.core.testing import FakeTransport, json_response
from promptops.phoenix._runtime import PhoenixRuntime
from promptops.phoenix._versions import AT_LEAST


def client(*script: Any) -> tuple[PhoenixRuntime, FakeTransport]:
    transport = FakeTransport(script)
    return PhoenixRuntime(SyncRuntime(RuntimeConfig(base_url="http://phoenix.test"), transport=transport)), transport


def answer(version: str | None) -> Response:
    return json_response({}, headers={} if version is None else {"x-phoenix-server-version": version})


def plain(body: bytes, **headers: str) -> Response:
    return Response(status=200, headers={"content-type": "text/plain", **headers}, body=body)


def test_any_answer_tells_the_version() -> None:
    runtime, transport = client(answer("20.26.1"), answer("20.27.0"))
    assert runtime.version.known is None
    for version in ("20.26.1", "20.27.0"):
        drive(runtime.send(Request(method="GET", path="/x")))
        assert runtime.version.known == version
    drive(runtime.version.require("anything", "19.18"))
    assert len(transport.attempts) == 2


async def read_stream(runtime: PhoenixRuntime) -> None:
    async with runtime.stream(Request(method="GET", path="/x")):
        pass


def test_streamed_answer_tells_it_too() -> None:
    runtime, _ = client(answer("20.26.1"))
    drive(read_stream(runtime))
    assert runtime.version.known == "20.26.1"


def test_server_is_asked_once_when_nothing_has_answered() -> None:
    runtime, transport = client(plain(b"19.17.0\n"))
    for _ in range(2):
        with pytest.raises(UnsupportedOperation, match=r"19\.17\.0.*at least 19\.18 for changing prompts") as caught:
            drive(runtime.version.require("changing prompts"))
        assert caught.value.details["needed_version"] == "19.18"
    assert [attempt.target for attempt in transport.attempts] == ["/arize_phoenix_version"]


@pytest.mark.parametrize(
    ("running", "needed", "enough"),
    [
        ("19.18.0", "19.18", True),
        ("19.18.0", "19.18.1", False),
        ("20.0.0", "19.18", True),
        ("9.99.9", "10.0", False),
        ("20.8.0rc1", "20.8", True),
        ("20.26.1", "20.26.1", True),
    ],
)
def test_versions_are_compared_as_numbers(running: str, needed: str, enough: bool) -> None:
    runtime, _ = client(plain(running.encode()))
    if enough:
        drive(runtime.version.require("it", needed))
    else:
        with pytest.raises(UnsupportedOperation):
            drive(runtime.version.require("it", needed))


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"OK", b"20", b"\xff"])
def test_what_says_no_version_is_no_phoenix(body: bytes) -> None:
    runtime, _ = client(plain(body))
    with pytest.raises(InvalidResponseError, match="does not lead to a Phoenix server"):
        drive(runtime.version.require("it", "1.0"))


def test_an_address_without_the_route_is_no_phoenix_rather_than_something_not_found() -> None:
    runtime, _ = client(Response(status=404, headers={"content-type": "text/plain"}, body=b"not found"))
    with pytest.raises(InvalidResponseError, match="does not lead to a Phoenix server"):
        drive(runtime.version.ask())


@pytest.mark.parametrize("said", ["", "new", "20", "x" * 500, "1.2.3.4"])
def test_header_that_is_no_version_is_passed_by(said: str) -> None:
    runtime, _ = client(answer(said))
    drive(runtime.send(Request(method="GET", path="/x")))
    assert runtime.version.known is None


def test_every_feature_of_the_table_has_a_version() -> None:
    runtime, _ = client(plain(b"99.0.0"))
    for feature in AT_LEAST:
        drive(runtime.version.require(feature))
