"""The bytes of a request: head and body in one piece, checked so that no value can forge a line."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from promptops.core.errors import ConfigurationError, ValidationError

__all__ = ["Origin", "RequestEncoder", "parse_origin"]

_TOKEN = r"[-!#$%&'*+.^_`|~0-9A-Za-z]+"  # noqa: S105 - a grammar rule of HTTP, not a secret
_START = re.compile(rf"{_TOKEN} [!-~]+")
_HEADER = re.compile(rf"{_TOKEN}: [\t -~\x80-\xff]*\r\n")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Origin(NamedTuple):
    """Where a transport connects to.

    Attributes:
        host: Name or literal address, without brackets.
        port: TCP port.
        tls: Whether the connection is encrypted.
        authority: The value of the ``host`` header.
    """

    host: str
    port: int
    tls: bool
    authority: str


def parse_origin(url: str) -> Origin:
    """Read ``http://host:port`` or ``https://host:port``; a path, if any, is ignored.

    Raises:
        ConfigurationError: The URL names no host, or another scheme.
    """
    try:
        parts = urlsplit(url)
        host, port, scheme = parts.hostname, parts.port, parts.scheme.lower()
    except ValueError as exc:
        raise ConfigurationError(f"base_url is not a URL: {exc}") from exc
    if scheme not in {"http", "https"} or not host:
        raise ConfigurationError("base_url must look like http://host:port or https://host")
    tls = scheme == "https"
    default = 443 if tls else 80
    port = default if port is None else port
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    name = f"[{host}]" if ":" in host else host
    return Origin(host, port, tls, name if port == default else f"{name}:{port}")


class RequestEncoder:
    """Encodes requests for one authority; remembers the last header block, which rarely changes."""

    __slots__ = ("_host", "_last")

    def __init__(self, authority: str) -> None:
        self._host = f" HTTP/1.1\r\nhost: {authority}\r\n"
        # One tuple, replaced as a whole: threads share the encoder without a lock.
        self._last: tuple[tuple[tuple[str, str], ...], str] = ((), "")

    def encode(self, method: str, target: str, headers: tuple[tuple[str, str], ...], body: bytes) -> bytes:
        """The whole request, ready for one write.

        Raises:
            ValidationError: A method, target or header cannot be sent as it stands.
        """
        start = f"{method} {target}"
        if _START.fullmatch(start) is None:
            raise ValidationError("The method or path of the request holds a character that HTTP does not allow.")
        last_headers, block = self._last
        if headers != last_headers:
            block = _header_block(headers)
            self._last = (headers, block)
        if body:
            return f"{start}{self._host}{block}content-length: {len(body)}\r\n\r\n".encode("latin-1") + body
        if method in _WITH_BODY:
            return f"{start}{self._host}{block}content-length: 0\r\n\r\n".encode("latin-1")
        return f"{start}{self._host}{block}\r\n".encode("latin-1")


def _header_block(headers: tuple[tuple[str, str], ...]) -> str:
    lines: list[str] = []
    for name, value in headers:
        line = f"{name}: {value}\r\n"
        if _HEADER.fullmatch(line) is None:
            # The value may be a secret: it is not shown.
            raise ValidationError(f"The header {name!r} holds a character that HTTP does not allow.")
        if name.lower() in _OURS:
            raise ValidationError(f"The header {name!r} is set by the transport; leave it out.")
        lines.append(line)
    return "".join(lines)
