"""Runs the application on a socket: what the command line and :class:`EmbeddedServer` share."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Generator
from types import FrameType
from typing import Final

import uvicorn
from promptops.core.errors import ConfigurationError
from promptops.server.app import PromptOpsApp, create_app
from promptops.server.auth import is_loopback
from promptops.server.settings import Settings

__all__ = ["bind", "run", "url_of"]

_BACKLOG: Final = 2048
_KEEP_ALIVE: Final = 75
_TICK_SECONDS: Final = 0.1
_TICKS_PER_DAY: Final = 864_000
_POLL_SECONDS: Final = 0.002


class _Server(uvicorn.Server):
    """uvicorn, told what to do when it is ready, leaving signals to us, and stopping as soon as it is told to."""

    on_ready: Callable[[], None] | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _told: asyncio.Event | None = None

    def stop(self) -> None:
        """Stop once the requests under way are answered; from any thread, and safe to call twice."""
        self.should_exit = True
        if self._loop is not None and self._told is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it has stopped
                self._loop.call_soon_threadsafe(self._told.set)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at a signal, and at once at a SIGINT after it."""
        super().handle_exit(sig, frame)
        self.stop()

    async def main_loop(self) -> None:
        """Do what is due ten times a second, until told to stop."""
        self._loop, self._told = asyncio.get_running_loop(), asyncio.Event()
        count = 0
        while not await self.on_tick(count):
            count = (count + 1) % _TICKS_PER_DAY
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), _TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, let the requests under way end in their time, and cancel those that do not."""
        for server in self.servers:
            server.close()
        for each in sockets or ():
            each.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while (state.connections or state.tasks) and not self.force_exit:  # noqa: ASYNC110 - uvicorn tells nobody
                    await asyncio.sleep(_POLL_SECONDS)
                # From Python 3.12 on this waits for the connections, which nobody wants any more who is told twice.
                for server in () if self.force_exit else self.servers:
                    await server.wait_closed()
        except TimeoutError:
            for task in state.tasks:
                task.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop cleanly at SIGINT and SIGTERM; a SIGINT after that stops at once. Threads leave signals alone.

        Once stopped the process is about to end, which a SIGTERM must not turn into a failure any more.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {name: signal.signal(name, self.handle_exit) for name in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            if self.should_exit:
                before[signal.SIGTERM] = signal.SIG_IGN
            for name, handler in before.items():
                signal.signal(name, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets=sockets)
        if self.started and self.on_ready is not None:
            self.on_ready()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        ConfigurationError: The address cannot be used; the message says what to do.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise ConfigurationError(f"The host '{host}' is not known; use an address of this machine.") from error
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"Port {port} of {host} cannot be used ({error.strerror}); choose another one with --port, or 0 for a free"
            " one."
        ) from error
    listening.setblocking(False)
    return listening


def url_of(listening: socket.socket) -> str:
    """The URL that reaches the socket."""
    address = listening.getsockname()
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"http://{host}:{address[1]}"


def run(
    settings: Settings,
    listening: socket.socket,
    *,
    on_ready: Callable[[], None],
    graceful_seconds: int,
    register: Callable[[Callable[[], None]], None] | None = None,
) -> None:
    """Serve on the socket until told to stop; closes it.

    Args:
        settings: Of the server.
        listening: From :func:`bind`.
        on_ready: Called when requests are answered.
        graceful_seconds: How long requests may finish after the stop.
        register: Called with a function that stops the server, from any thread.

    Raises:
        ConfigurationError: The data directory cannot be used, or the address is not loopback and there is no key.
    """
    with contextlib.closing(listening):
        app = create_app(settings)
        app.open()
        try:
            asyncio.run(
                _serve(
                    app,
                    settings,
                    listening,
                    on_ready=on_ready,
                    graceful_seconds=graceful_seconds,
                    register=register,
                )
            )
        finally:
            app.close()


async def _serve(
    app: PromptOpsApp,
    settings: Settings,
    listening: socket.socket,
    *,
    on_ready: Callable[[], None],
    graceful_seconds: int,
    register: Callable[[Callable[[], None]], None] | None,
) -> None:
    if not is_loopback(listening.getsockname()[0]) and not await app.has_keys():
        raise ConfigurationError(
            f"Without a key the server listens on this machine only, not on {settings.host}. Create a key first:"
            f" promptops keys create --name first --data-dir {settings.data_dir}"
        )
    server = _Server(
        uvicorn.Config(
            app,
            loop="asyncio",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=graceful_seconds,
            backlog=_BACKLOG,
        )
    )
    server.on_ready = on_ready
    if register is not None:
        register(server.stop)
    try:
        await server.serve(sockets=[listening])
    finally:
        await app.flush()
