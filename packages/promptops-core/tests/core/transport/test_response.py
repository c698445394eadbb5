"""Answers are read the same way however they arrive, and odd ones never leave a usable connection behind."""

from __future__ import annotations

import gzip
import random

import pytest
from promptops.core._transport._failures import ProtocolError
from promptops.core._transport._response import MAX_HEAD, ResponseReader
from promptops.core.messages import Response

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;ext=1\r\nlo\r\n0\r\nx-trailer: 1\r\n\r\n"
NO_REASON = b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello"
NO_SPACE = b"HTTP/1.1 200 OK\r\ncontent-length:5\r\nempty:\r\n\r\nhello"
CLOSE = b"HTTP/1.1 200 OK\r\nConnection: keep-alive, Close\r\nContent-Length: 5\r\n\r\nhello"
OLD = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + PLAIN
BARE_LF = b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"
MIXED_LF = b"HTTP/1.1 200 OK\r\nX: 1\nContent-Length: 5\r\n\r\nhello"
FOLDED = b"HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\nContent-Length: 5\r\n\r\nhello"
SAME_LENGTH_TWICE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"
SPACE_BEFORE_VALUE = b"HTTP/1.1 200 OK\r\nContent-Length:  \t5 \r\n\r\nhello"

REUSABLE = [PLAIN, CHUNKED, NO_REASON, NO_SPACE]
ODD = [CLOSE, OLD, INTERIM, BARE_LF, MIXED_LF, FOLDED, SAME_LENGTH_TWICE, SPACE_BEFORE_VALUE]


def read(data: bytes, *, step: int, method: str = "GET", eof: bool = False) -> tuple[Response, bool]:
    reader = ResponseReader()
    reader.start(method)
    for start in range(0, len(data), step):
        reader.feed(data[start : start + step])
    if eof:
        reader.feed(b"")
    assert reader.complete
    return reader.response(), reader.reusable


@pytest.mark.parametrize("step", [1, 2, 3, 7, 16, 1000])
@pytest.mark.parametrize("data", REUSABLE)
def test_well_formed_answer_is_read_however_it_arrives(data: bytes, step: int) -> None:
    response, reusable = read(data, step=step)
    assert (response.status, response.body, reusable) == (200, b"hello", True)


@pytest.mark.parametrize("step", [1, 5, 1000])
@pytest.mark.parametrize("data", ODD)
def test_odd_answer_is_read_but_its_connection_is_not_used_again(data: bytes, step: int) -> None:
    response, reusable = read(data, step=step)
    assert (response.status, response.body, reusable) == (200, b"hello", False)


def test_repeated_headers_are_joined_and_names_are_lower_case() -> None:
    response, _ = read(PLAIN, step=1000)
    assert response.headers == {"content-length": "5", "x-a": "1, 2"}


@pytest.mark.parametrize("step", [1, 1000])
def test_answer_without_a_length_ends_with_its_connection(step: int) -> None:
    response, reusable = read(b"HTTP/1.1 200 OK\r\n\r\nhello", step=step, eof=True)
    assert (response.body, reusable) == (b"hello", False)


@pytest.mark.parametrize(
    ("method", "head"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ],
)
def test_answer_without_a_body_is_complete_at_once(method: str, head: bytes) -> None:
    response, reusable = read(head, step=1000, method=method)
    assert (response.body, reusable) == (b"", True)


@pytest.mark.parametrize("data", [PLAIN, CHUNKED])
@pytest.mark.parametrize("extra", [b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"])
@pytest.mark.parametrize("apart", [False, True])
def test_bytes_after_the_answer_make_the_connection_unusable(data: bytes, extra: bytes, apart: bool) -> None:
    reader = ResponseReader()
    for piece in [data, extra] if apart else [data + extra]:
        assert reader.feed(piece)
    assert reader.response().body == b"hello"
    assert not reader.reusable


@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nX\x00: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX : 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n X: folded into nothing\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhelXX2\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"<html>",
    ],
)
def test_what_could_smuggle_or_is_not_http_is_refused(data: bytes, step: int) -> None:
    reader = ResponseReader()

    def feed() -> None:
        for start in range(0, len(data), step):
            reader.feed(data[start : start + step])

    with pytest.raises(ProtocolError):
        feed()
    assert not reader.complete
    assert not reader.reusable


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
def test_cut_off_answer_is_an_error(data: bytes) -> None:
    reader = ResponseReader()
    if data:
        reader.feed(data)
    with pytest.raises(ProtocolError):
        reader.feed(b"")


def _feed_many(reader: ResponseReader, data: bytes, times: int) -> None:
    for _ in range(times):
        reader.feed(data)


def test_endless_head_is_refused() -> None:
    reader = ResponseReader()
    reader.feed(b"HTTP/1.1 200 OK\r\n")
    with pytest.raises(ProtocolError, match="head"):
        _feed_many(reader, b"x-header: 12345678\r\n", MAX_HEAD // 10)


def test_large_complete_head_is_refused() -> None:
    with pytest.raises(ProtocolError, match="head"):
        ResponseReader().feed(b"HTTP/1.1 200 OK\r\nx: " + b"a" * MAX_HEAD + b"\r\ncontent-length: 0\r\n\r\n")


def test_endless_interim_responses_are_refused() -> None:
    reader = ResponseReader()
    with pytest.raises(ProtocolError, match="interim"):
        _feed_many(reader, b"HTTP/1.1 100 Continue\r\n\r\n", 100)


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 11\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n",
        b"\r\n12345678901",
    ],
)
def test_body_beyond_the_limit_is_refused(head: bytes) -> None:
    reader = ResponseReader()
    reader.start("GET", limit=10)
    with pytest.raises(ProtocolError, match="larger than 10 bytes"):
        reader.feed(b"HTTP/1.1 200 OK\r\n" + head)


def test_decoded_body_beyond_the_limit_is_refused() -> None:
    body = gzip.compress(b"0" * 100_000)
    reader = ResponseReader()
    reader.start("GET", limit=1000)
    reader.feed(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
    with pytest.raises(ProtocolError, match="larger than 1000 bytes"):
        reader.response()


def encoded(body: bytes, encoding: bytes = b"gzip") -> ResponseReader:
    """A reader that has read an answer with this encoded body."""
    reader = ResponseReader()
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: %s\r\ncontent-length: %d\r\n\r\n" % (encoding, len(body))
    for start in range(0, len(head + body), 50_000):
        reader.feed((head + body)[start : start + 50_000])
    assert reader.complete
    return reader


@pytest.mark.parametrize("parts", [0, 1, 3, 100])
def test_large_encoded_body_is_decoded_in_parts_or_at_once(parts: int) -> None:
    """A loop lets others run between the parts."""
    text = random.Random(7).randbytes(100_000) * 2
    reader = encoded(gzip.compress(text))
    decoded = sum(reader.decode_part() for _ in range(parts))
    assert decoded == min(parts, 12)
    assert reader.response().body == text
    assert not reader.decode_part()


@pytest.mark.parametrize("body", [b"", gzip.compress(b"hello", mtime=0)], ids=["empty", "short"])
def test_small_encoded_body_has_no_parts(body: bytes) -> None:
    reader = encoded(body)
    assert not reader.decode_part()
    assert reader.response().body == (b"hello" if body else b"")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 304 Not Modified\r\ncontent-encoding: br\r\ncontent-length: 500\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\ncontent-encoding: zstd\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 0\r\n\r\n",
    ],
    ids=["not modified", "no content", "empty"],
)
def test_encoding_of_no_body_matters_to_nobody(head: bytes) -> None:
    """A proxy that encodes in its own way says so of answers without a body too."""
    reader = ResponseReader()
    assert reader.feed(head)
    assert not reader.decode_part()
    assert reader.response().body == b""


def test_wrong_part_is_refused() -> None:
    good = gzip.compress(random.Random(7).randbytes(100_000))
    reader = encoded(good[:30_000] + bytes(70_000))
    with pytest.raises(ProtocolError, match=r"not valid gzip|cut off"):  # noqa: PT012 - any of the parts
        while reader.decode_part():
            pass
        reader.response()


def test_reader_can_be_used_again() -> None:
    reader = ResponseReader()
    for data in (CHUNKED, PLAIN, INTERIM, PLAIN):
        reader.start("GET")
        assert not reader.received
        assert reader.feed(data)
        assert reader.response().body == b"hello"
