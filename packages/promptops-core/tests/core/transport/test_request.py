"""Requests are encoded in one piece, and nothing can forge a line of them."""

from __future__ import annotations

import pytest
from promptops.core._transport._request import RequestEncoder, parse_origin
from promptops.core.errors import ConfigurationError, ValidationError


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000", ("127.0.0.1", 8000, False, "127.0.0.1:8000")),
        ("http://example.com", ("example.com", 80, False, "example.com")),
        ("https://example.com", ("example.com", 443, True, "example.com")),
        ("https://example.com:443/prefix", ("example.com", 443, True, "example.com")),
        ("http://[::1]:9", ("::1", 9, False, "[::1]:9")),
        ("HTTP://Example.com:81", ("example.com", 81, False, "example.com:81")),
        ("http://bücher.example", ("xn--bcher-kva.example", 80, False, "xn--bcher-kva.example")),
    ],
)
def test_origin_is_read_from_a_url(url: str, expected: tuple[str, int, bool, str]) -> None:
    assert tuple(parse_origin(url)) == expected


@pytest.mark.parametrize(
    "url", ["", "example.com", "ftp://example.com", "http://", "http://host:port", "http://h:70000"]
)
def test_unusable_url_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url"):
        parse_origin(url)


def test_get_has_no_body_and_no_length() -> None:
    encoder = RequestEncoder("example.com")
    assert encoder.encode("GET", "/a?b=c", (("accept", "x/y"),), b"") == (
        b"GET /a?b=c HTTP/1.1\r\nhost: example.com\r\naccept: x/y\r\n\r\n"
    )


def test_body_follows_the_head_in_one_piece() -> None:
    encoder = RequestEncoder("h")
    assert encoder.encode("POST", "/", (), b"{}") == b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n{}"


def test_post_without_a_body_says_so() -> None:
    assert b"content-length: 0\r\n\r\n" in RequestEncoder("h").encode("POST", "/", (), b"")


def test_headers_may_change_between_requests() -> None:
    encoder = RequestEncoder("h")
    assert b"a: 1\r\n" in encoder.encode("GET", "/", (("a", "1"),), b"")
    assert b"a: 2\r\n" in encoder.encode("GET", "/", (("a", "2"),), b"")
    assert b"a:" not in encoder.encode("GET", "/", (), b"")


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "/a b"), ("GET", "/a\r\nx: y"), ("GET", ""), ("GE T", "/"), ("GET", "/ü"), ("", "/"), ("GET", "/\x00")],
)
def test_odd_method_or_target_is_refused(method: str, target: str) -> None:
    with pytest.raises(ValidationError, match="method or path"):
        RequestEncoder("h").encode(method, target, (), b"")


@pytest.mark.parametrize(
    ("name", "value"),
    [("a", "x\r\nb: y"), ("a", "x\ny"), ("a", "x\ry"), ("a", "\x00"), ("a b", "x"), ("a:", "x"), ("", "x"), ("a", "€")],
)
def test_header_injection_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match="header"):
        RequestEncoder("h").encode("GET", "/", ((name, value),), b"")


def test_refusal_does_not_show_the_value() -> None:
    with pytest.raises(ValidationError) as caught:
        RequestEncoder("h").encode("GET", "/", (("authorization", "Bearer canary\n"),), b"")
    assert "canary" not in str(caught.value)
    assert "authorization" in str(caught.value)


@pytest.mark.parametrize("name", ["host", "Content-Length", "transfer-encoding", "connection"])
def test_headers_of_the_transport_cannot_be_set(name: str) -> None:
    with pytest.raises(ValidationError, match="set by the transport"):
        RequestEncoder("h").encode("GET", "/", ((name, "x"),), b"")
