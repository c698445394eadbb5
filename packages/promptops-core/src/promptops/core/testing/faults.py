"""A proxy that fails on command, for testing how an application bears a bad network or a bad server.

::

    with FaultProxy("http://127.0.0.1:8000") as proxy:
        client = SyncPromptOpsClient(base_url=proxy.url)
        proxy.set(BlackHole())      # from now on, until the next set()

Without an upstream it answers by itself: ``{"method": ..., "target": ...}``, or what ``respond`` returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from promptops.core._transport._response import ResponseReader
from promptops.core.testing._fault_modes import (
    BlackHole,
    Canned,
    Cut,
    Delay,
    Drip,
    Exchange,
    Garbage,
    Html,
    IdleClose,
    Mode,
    Pass,
    Refuse,
    Reset,
    TruncatedJson,
    Unreachable,
    WrongLength,
    http_answer,
)

if TYPE_CHECKING:
    import ssl

__all__ = [
    "BlackHole",
    "Canned",
    "Cut",
    "Delay",
    "Drip",
    "Exchange",
    "FaultProxy",
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
    "http_answer",
]

_START_LIMIT: Final = 60.0
_BACKLOG: Final = 512


def _echo(method: str, target: str) -> bytes:
    body = json.dumps({"method": method, "target": target}).encode()
    return http_answer(200, (("content-type", "application/json"),), b"" if method == "HEAD" else body)


class FaultProxy:
    """A TCP server on a thread of its own, between a client and an upstream.

    Use it as a context manager; every method may be called from any thread.

    Args:
        upstream: ``http://host:port`` to pass requests to, or None to answer here.
        mode: What it does at first.
        tls: Accept TLS with this context.
        rename: Tell the upstream that its own name was asked for, as reverse proxies do.
        respond: Without an upstream: method and target to a raw HTTP response.
    """

    def __init__(
        self,
        upstream: str | None = None,
        *,
        mode: Mode | None = None,
        tls: ssl.SSLContext | None = None,
        rename: bool = False,
        respond: Callable[[str, str], bytes] = _echo,
    ) -> None:
        self._upstream = urlsplit(upstream) if upstream is not None else None
        self._mode = mode if mode is not None else Pass()
        self._tls = tls
        self._rename = rename
        self._respond = respond
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._listener: socket.socket | None = None
        self._parked: list[socket.socket] = []
        self._clients: dict[asyncio.Task[None], asyncio.StreamWriter | None] = {}
        self._port = 0
        self._connections = 0
        self._requests = 0

    @property
    def port(self) -> int:
        """The port; it stays the same through all modes."""
        return self._port

    @property
    def url(self) -> str:
        """The origin to give to a client."""
        return f"{'https' if self._tls is not None else 'http'}://127.0.0.1:{self._port}"

    @property
    def connections(self) -> int:
        """Connections accepted since the start."""
        return self._connections

    @property
    def requests(self) -> int:
        """Requests read since the start."""
        return self._requests

    @property
    def open_connections(self) -> int:
        """Connections that are open now."""
        return len(self._clients)

    def set(self, mode: Mode) -> None:
        """Behave in another way from the next request on; :class:`Refuse` and :class:`Unreachable` cut what is open."""
        self._call(self._switch(mode, self._tls))

    def set_tls(self, context: ssl.SSLContext | None) -> None:
        """Speak TLS with another context, or none, on new connections."""
        self._call(self._switch(self._mode, context))

    def drop_connections(self) -> None:
        """Reset everything that is open."""
        self._call(self._drop())

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._switch(self._mode, self._tls))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_LIMIT)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _call(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            await work

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(_START_LIMIT)

    async def _switch(self, mode: Mode, tls: ssl.SSLContext | None) -> None:
        was_listening = self._listener is not None
        restart = tls is not self._tls or not mode.listens or not was_listening
        self._mode, self._tls = mode, tls
        if not restart:
            return
        self._unlisten()
        if not mode.listens:
            await self._drop()
        if isinstance(mode, Unreachable):
            self._fill_queue()
        elif mode.listens:
            self._listener = listener = self._bind(_BACKLOG)
            self._loop.add_reader(listener, self._accept, listener, tls)
        elif not self._port:
            # Refusing from the start: the port is found, and left alone.
            self._bind(1).close()

    def _bind(self, backlog: int) -> socket.socket:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", self._port))
        sock.listen(backlog)
        sock.setblocking(False)
        self._port = sock.getsockname()[1]
        return sock

    def _fill_queue(self) -> None:
        self._parked.append(self._bind(0))
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self._port))
            self._parked.append(filler)

    def _accept(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            sock, _ = listener.accept()
            sock.setblocking(False)
            self._connections += 1
            task = self._loop.create_task(self._welcome(sock, tls))
            self._clients[task] = None
            task.add_done_callback(lambda done: self._finished(done, sock))

    def _finished(self, task: asyncio.Task[None], sock: socket.socket) -> None:
        if self._clients.pop(task) is None:
            # It ended before it had a transport, which would have closed the socket.
            sock.close()

    def _unlisten(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            self._loop.remove_reader(listener)
            listener.close()
        while self._parked:
            self._parked.pop().close()

    async def _drop(self) -> None:
        clients = dict(self._clients)
        for task, writer in clients.items():
            if writer is not None:
                _reset(writer)
            task.cancel()
        if clients:
            await asyncio.wait(clients)

    async def _stop(self) -> None:
        self._unlisten()
        await self._drop()
        # Transports close in the rounds after this one.
        for _ in range(5):
            await asyncio.sleep(0)

    async def _welcome(self, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await self._loop.connect_accepted_socket(lambda: protocol, sock, ssl=tls)
        except OSError:
            # No TLS came of it; the client knows.
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
        task = asyncio.current_task()
        assert task is not None
        self._clients[task] = writer
        try:
            await self._serve(reader, writer)
        except (OSError, EOFError, ValueError):
            # The client or the upstream left, or speaks no HTTP: the end of this connection only.
            return
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = _Upstream(self._upstream.hostname or "", self._upstream.port or 80) if self._upstream else None
        try:
            while not writer.is_closing():
                request = await self._read_request(reader)
                if request is None:
                    return
                self._requests += 1
                await self._mode.answer(self._exchange(request, writer, upstream))
        finally:
            if upstream is not None:
                upstream.close()

    async def _read_request(self, reader: asyncio.StreamReader) -> bytes | None:
        limit = self._mode.idle_limit()
        try:
            async with asyncio.timeout(limit):
                start = await reader.readexactly(1)
                if not start.isalpha() and not isinstance(self._mode, BlackHole):
                    # Not HTTP; a TLS hello to a plain port, for example.
                    return None
                head = start + await reader.readuntil(b"\r\n\r\n")
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return None
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            elif name.lower() == b"transfer-encoding":
                return head + await reader.readuntil(b"0\r\n\r\n")
        return head + (await reader.readexactly(length) if length else b"")

    def _exchange(self, request: bytes, writer: asyncio.StreamWriter, upstream: _Upstream | None) -> Exchange:
        method, target = (part.decode("latin-1") for part in request.split(b" ", 2)[:2])

        async def fetch() -> bytes:
            if upstream is None:
                return self._respond(method, target)
            return await upstream.fetch(method, upstream.renamed(request) if self._rename else request)

        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        return Exchange(method, target, fetch, write, lambda: _reset(writer), writer.close, request)


class _Upstream:
    """The connection to the upstream that belongs to one connection of a client."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def renamed(self, request: bytes) -> bytes:
        """The request with the name of the upstream."""
        name = f"host: {self._host}:{self._port}".encode()
        return re.sub(rb"(?mi)^host:[^\r\n]*", name, request, count=1)

    async def fetch(self, method: str, request: bytes) -> bytes:
        """Send a request as it is and return the raw answer."""
        fresh = self._streams is None
        try:
            return await self._fetch(method, request)
        except (OSError, EOFError):
            self.close()
            if fresh:
                raise
            return await self._fetch(method, request)

    def close(self) -> None:
        """Close it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _fetch(self, method: str, request: bytes) -> bytes:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(request)
        answer = ResponseReader()
        answer.start(method, limit=None)
        raw: list[bytes] = []
        while not answer.complete:
            data = await reader.read(65536)
            if not data and not raw:
                raise EOFError("the upstream closed the connection")
            raw.append(data)
            answer.feed(data)
        if not answer.reusable:
            self.close()
        return b"".join(raw)


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None:
        # Linger for no time: the kernel answers with a reset.
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport = writer.transport
    transport.abort()
