"""Bodies that are too much, wrong or hostile: always a 4xx that says what is wrong."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from promptops.server import EmbeddedServer

PROMPTS = "/v1/client/prompts"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(("path", "limit"), [(PROMPTS, 1024 * 1024), ("/v2/datasets", 16 * 1024 * 1024)])
def test_a_body_that_announces_too_much_is_refused_before_it_is_sent(
    server: EmbeddedServer, path: str, limit: int
) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        head = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {limit + 1}", "", ""]
        connection.sendall("\r\n".join(head).encode())
        assert b" 413 " in connection.recv(4096)


@pytest.mark.parametrize(("path", "limit"), [(PROMPTS, 1024 * 1024), ("/v2/datasets", 16 * 1024 * 1024)])
def test_a_body_that_grows_too_large_is_refused_while_it_streams(client: httpx.Client, path: str, limit: int) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(limit // 65_536 + 2):
            yield b" " * 65_536

    try:
        answer = client.post(path, content=chunks(), headers=JSON)
    except (httpx.WriteError, httpx.ReadError):  # the server may hang up before everything is sent
        return
    assert answer.status_code == 413
    assert str(limit) in answer.text


@pytest.mark.parametrize("depth", [65, 1000, 100_000])
@pytest.mark.parametrize("path", [PROMPTS, "/v2/datasets"])
def test_deep_nesting_is_refused_before_it_is_decoded(client: httpx.Client, path: str, depth: int) -> None:
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        body = opening * depth + "1" + closing * depth
        answer = client.post(path, content=body, headers=JSON)
        assert answer.status_code == 422
        assert "deeper than 64" in answer.text


def test_nesting_within_the_limit_is_kept(client: httpx.Client) -> None:
    deep = json.loads('{"a":' * 60 + "1" + "}" * 60)
    made = client.post(PROMPTS, json={"name": "deep", "content": "x", "metadata": deep})
    assert made.status_code == 201
    assert made.json()["data"]["metadata"] == deep


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_body_that_a_web_page_could_send_is_refused(client: httpx.Client, kind: str) -> None:
    answer = client.post(PROMPTS, content='{"name":"a","content":"b"}', headers={"Content-Type": kind})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b'{"name":}',
        b"\xff\xfe",
        b'{"name":"\xff","content":"x"}',
        b'{"name":"\\ud800","content":"x"}',
        b'{"name":"a","content":"\x00"}',
        b'{"name":1e999,"content":"x"}',
        b'{"name":' + b"9" * 5000 + b"}",
        b'{"name":"a","content":"x","metadata":NaN}',
        b"<html></html>",
    ],
)
def test_a_body_that_is_no_good_json_is_422(client: httpx.Client, body: bytes) -> None:
    for method, path in (
        ("POST", PROMPTS),
        ("PUT", f"{PROMPTS}/x"),
        ("POST", "/v2/datasets"),
        ("POST", "/v2/experiments"),
    ):
        answer = client.request(method, path, content=body, headers=JSON)
        assert answer.status_code == 422, (method, path, answer.text)


def test_no_input_makes_the_server_fail(client: httpx.Client) -> None:
    """Bodies and paths with bytes changed at random: never a 5xx, never a word of SQL, Python or a path."""
    chance = random.Random(20261121)
    seeds = [
        b'{"name":"n","content":"{{a}}","metadata":{"a":[1,2.5,null,true]},"version":"1.0.0","tags":["x"]}',
        b'{"create_new_version":false,"version":"1.0","bump":"minor","messages":[{"role":"user","content":"x"}]}',
        b'{"variables":{"a":{"b":[1]}},"version":"1","model_provider":"openai","model_name":"m"}',
        b'{"name":"d","space_id":"default","examples":[{"a":1},{"b":{"c":[]}}]}',
        b'{"name":"e","space_id":"default","experiment_runs":[{"output":"x","example_id":"y","error":null}]}',
    ]
    targets = [
        ("POST", PROMPTS),
        ("PUT", f"{PROMPTS}/n"),
        ("POST", f"{PROMPTS}/n/render"),
        ("POST", "/v2/datasets"),
        ("POST", "/v2/experiments"),
    ]
    pieces = [
        b"\x00",
        b"\xff",
        b'"',
        b"{",
        b"]",
        b"1e999",
        b"-0",
        b"\\ud800",
        b"null",
        b"'; DROP TABLE prompts;--",
        b"99999999999999999999999",
    ]
    for number in range(400):
        index = chance.randrange(len(seeds))
        body = bytearray(seeds[index])
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(body))
            body[at : at + chance.randrange(0, 3)] = chance.choice(pieces)
        method, path = targets[index]
        query = "".join(chance.choice("limit=&%0aversion<'\";") for _ in range(8)) if number % 3 else ""
        answer = client.request(method, f"{path}?{query}", content=bytes(body), headers=JSON)
        assert answer.status_code < 500, (method, path, bytes(body), answer.text)
        for word in ("Traceback", "sqlite", "SELECT", ".py", "msgspec."):
            assert word not in answer.text or word.encode() in bytes(body)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/client/prompts/%00",
        "/v1/client/prompts/%ff",
        "/v1/client/prompts/a%00b/versions",
        "/v1/client/prompts/" + "x" * 5000,
        "/v2/datasets/%00",
        "/v2/datasets/' OR 1=1 --",
        "/v2/spaces/%F0%9F%92%A9",
    ],
)
def test_strange_paths_are_not_found(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code in {400, 404, 422}


def test_a_body_that_does_not_arrive_is_given_up(server: EmbeddedServer) -> None:
    import asyncio

    from promptops.server.body import read_body
    from promptops.server.refusals import RequestRefused

    async def silent() -> object:
        await asyncio.sleep(60)
        return {}

    started = time.monotonic()
    with pytest.raises(RequestRefused, match="did not arrive") as caught:
        asyncio.run(read_body(silent, limit=1024, content_length=None, seconds=0.05))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - a receive that never answers
    assert caught.value.status == 408
    assert time.monotonic() - started < 30
