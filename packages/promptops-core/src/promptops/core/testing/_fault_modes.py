"""The ways in which a server can fail: what a :class:`FaultProxy` does with a request."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Awaitable, Callable
from typing import Final

__all__ = [
    "BlackHole",
    "Canned",
    "Cut",
    "Delay",
    "Drip",
    "Exchange",
    "Garbage",
    "Html",
    "IdleClose",
    "Mode",
    "Pass",
    "Refuse",
    "Reset",
    "TruncatedJson",
    "Unreachable",
    "WrongLength",
]

_REASONS: Final = {200: "OK", 204: "No Content", 304: "Not Modified", 404: "Not Found", 503: "Service Unavailable"}


@dataclasses.dataclass(frozen=True)
class Exchange:
    """One request at the proxy, and what a mode can do about it.

    Attributes:
        method: HTTP method.
        target: Path and query.
        fetch: Gives the healthy answer as raw bytes: the upstream's, or the proxy's own.
        write: Sends raw bytes to the client.
        abort: Resets the connection.
        close: Closes the connection in the normal way.
        request: The raw request.
    """

    method: str
    target: str
    fetch: Callable[[], Awaitable[bytes]]
    write: Callable[[bytes], Awaitable[None]]
    abort: Callable[[], None]
    close: Callable[[], None]
    request: bytes = b""


def http_answer(status: int, headers: tuple[tuple[str, str], ...], body: bytes, *, length: int | None = None) -> bytes:
    """A raw HTTP/1.1 response."""
    names = {name.lower() for name, _ in headers}
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if "content-length" not in names and "transfer-encoding" not in names and status not in {204, 304}:
        lines.append(f"content-length: {len(body) if length is None else length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


class Mode:
    """What the proxy does; subclass it for faults of your own."""

    listens = True
    """Whether connections are accepted at all."""

    def idle_limit(self) -> float | None:
        """Seconds after which an idle connection is closed, or None."""
        return None

    async def answer(self, exchange: Exchange) -> None:
        """Deal with one request."""
        await exchange.write(await exchange.fetch())


class Pass(Mode):
    """Healthy: answers are passed on."""


class Refuse(Mode):
    """Nothing listens on the port: connections are refused."""

    listens = False


class Unreachable(Mode):
    """Connecting hangs: the port is bound, but its queue is full, so the kernel answers nothing (Linux)."""

    listens = False


class Reset(Mode):
    """The connection is reset when a request has been read."""

    async def answer(self, exchange: Exchange) -> None:
        """Reset."""
        exchange.abort()


class BlackHole(Mode):
    """Requests are read (TLS hellos included) and never answered."""

    async def answer(self, exchange: Exchange) -> None:  # noqa: ARG002 - it is left unanswered
        """Wait for ever."""
        await asyncio.Event().wait()


@dataclasses.dataclass(frozen=True)
class Garbage(Mode):
    """Bytes that are not HTTP."""

    data: bytes = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not HTTP at all\r\n\r\n"

    async def answer(self, exchange: Exchange) -> None:
        """Send them and close."""
        await exchange.write(self.data)
        exchange.close()


@dataclasses.dataclass(frozen=True)
class Canned(Mode):
    """A fixed status, headers and body; ``content-length`` is added unless given."""

    status: int = 503
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    body: bytes = b'{"detail":"down"}'

    async def answer(self, exchange: Exchange) -> None:
        """Send it."""
        await exchange.write(http_answer(self.status, self.headers, b"" if exchange.method == "HEAD" else self.body))


@dataclasses.dataclass(frozen=True)
class Html(Canned):
    """The page of a proxy or a captive portal, with a status that claims success."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("content-type", "text/html; charset=utf-8"),)
    body: bytes = b"<!doctype html><html><head><title>Sign in</title></head><body>Welcome to the Wi-Fi</body></html>"


@dataclasses.dataclass(frozen=True)
class Drip(Mode):
    """The answer arrives slowly: ``bytes_per_second``, one byte at a time after ``head`` bytes at once."""

    bytes_per_second: float = 1.0
    head: int = 0

    async def answer(self, exchange: Exchange) -> None:
        """Send the healthy answer, slowly."""
        data = await exchange.fetch()
        if self.head:
            await exchange.write(data[: self.head])
        for byte in data[self.head :]:
            await exchange.write(bytes([byte]))
            await asyncio.sleep(1.0 / self.bytes_per_second)


@dataclasses.dataclass(frozen=True)
class Cut(Mode):
    """The connection ends after ``at`` bytes of the answer; with ``reset`` it is reset rather than closed."""

    at: int = 0
    reset: bool = False

    async def answer(self, exchange: Exchange) -> None:
        """Send a part and end."""
        data = await exchange.fetch()
        if self.at:
            await exchange.write(data[: self.at])
        if self.reset:
            exchange.abort()
        else:
            exchange.close()


@dataclasses.dataclass(frozen=True)
class TruncatedJson(Mode):
    """Valid HTTP around half of the healthy body; the length is that of the half."""

    async def answer(self, exchange: Exchange) -> None:
        """Send the half."""
        _, _, body = (await exchange.fetch()).partition(b"\r\n\r\n")
        await exchange.write(http_answer(200, (("content-type", "application/json"),), body[: len(body) // 2]))


@dataclasses.dataclass(frozen=True)
class WrongLength(Mode):
    """The announced length is off by ``by``: more than what comes when positive, less when negative."""

    by: int = 10

    async def answer(self, exchange: Exchange) -> None:
        """Send it; when more was announced, close, so that the client learns of it."""
        _, _, body = (await exchange.fetch()).partition(b"\r\n\r\n")
        headers = (("content-type", "application/json"),)
        await exchange.write(http_answer(200, headers, body, length=max(0, len(body) + self.by)))
        if self.by > 0:
            exchange.close()


@dataclasses.dataclass(frozen=True)
class Delay(Mode):
    """Every answer comes late."""

    seconds: float = 1.0

    async def answer(self, exchange: Exchange) -> None:
        """Wait, then behave."""
        await asyncio.sleep(self.seconds)
        await exchange.write(await exchange.fetch())


@dataclasses.dataclass(frozen=True)
class IdleClose(Mode):
    """Healthy, but a connection that is idle is closed after a random time between two limits, in seconds."""

    shortest: float = 0.0
    longest: float = 1.0
    seed: int = 0
    _random: random.Random = dataclasses.field(default_factory=random.Random, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._random.seed(self.seed)

    def idle_limit(self) -> float | None:
        """A new random time."""
        return self._random.uniform(self.shortest, self.longest)
