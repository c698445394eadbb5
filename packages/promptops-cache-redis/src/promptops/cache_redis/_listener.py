"""One process's conversation with Redis about changed prompts: a connection, a thread, and what ends them."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol

from promptops.cache_redis._changes import Change, understand
from promptops.cache_redis._dial import deadline

__all__ = ["Connection", "Listener", "reconnect_delay"]

_FIRST_DELAY: Final = 0.5
_MOST_DELAY: Final = 10.0


def reconnect_delay(failures: int, chance: float) -> float:
    """Seconds until the next attempt after so many failures in a row: at random, so that not all come back at once.

    Args:
        failures: At least 1.
        chance: From 0 to 1.
    """
    return 0.05 + chance * min(_MOST_DELAY, _FIRST_DELAY * 2.0 ** (min(failures, 10) - 1))


class Connection(Protocol):
    """What is used of a connection of redis-py."""

    def connect(self) -> None:
        """Open it, unless it is open."""
        ...

    def disconnect(self) -> None:
        """Close it; in a forked child, its copy of the socket alone."""
        ...

    def send_command(self, *args: str) -> None:
        """Send."""
        ...

    def read_response(self) -> Any:
        """Read one reply."""
        ...

    def can_read(self, timeout: float) -> bool:
        """Whether there is something to read within ``timeout`` seconds."""
        ...


class Listener:
    """Listens until told to stop, over as many connections as it takes.

    Args:
        connection: Not connected yet.
        channel: To subscribe to.
        on_change: Called with each change.
        on_reset: Called when anything may have changed.
        resumed: Whether something may have been missed already, before the first connection.
        ping_seconds: Silence after which the server is asked whether it is there.
        timeout: Seconds for connecting, and for an answer.
        shown: The server, for the log.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        channel: str,
        on_change: Callable[[Change], None],
        on_reset: Callable[[], None],
        resumed: bool,
        ping_seconds: float,
        timeout: float,
        shown: str,
    ) -> None:
        self.pid = os.getpid()
        self.connected = threading.Event()
        self._stop = threading.Event()
        self._connection = connection
        self._channel = channel
        self._on_change = on_change
        self._on_reset = on_reset
        self._resumed = resumed
        self._ping_seconds = ping_seconds
        self._timeout = timeout
        self._shown = shown
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, on a daemon thread; nothing when it began already."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="promptops-redis-changes", daemon=True)
            thread.start()
            self._thread = thread

    def stop(self, patience: float) -> None:
        """End it; wait at most ``patience`` seconds for the thread, unless this is the thread."""
        self._stop.set()
        self._connection.disconnect()  # wakes the thread up
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(patience)

    def abandon(self) -> None:
        """In a forked child: let go of what the parent goes on using."""
        self._connection.disconnect()

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                self._converse()
            except Exception as error:  # noqa: BLE001 - whatever ended this conversation, the next one is due
                lost = self.connected.is_set() or not failures
                if lost and not self._stop.is_set():
                    _log_lost(self._shown, error)
            finally:
                self._connection.disconnect()
            failures = 1 if self.connected.is_set() else failures + 1
            self.connected.clear()
            self._stop.wait(reconnect_delay(failures, random.random()))  # noqa: S311 - spreads clients out

    def _converse(self) -> None:
        """Connect, subscribe, and hear messages until something breaks."""
        connection = self._connection
        with deadline(self._timeout):
            connection.connect()
            connection.send_command("SUBSCRIBE", self._channel)
            connection.read_response()
        if self._stop.is_set():
            return
        if self._resumed:  # before anybody is told that it listens
            self._tell(self._on_reset)
        self._resumed = True
        self.connected.set()
        while not self._stop.is_set():
            if not connection.can_read(self._ping_seconds):
                connection.send_command("PING")
                if not connection.can_read(self._timeout):
                    raise TimeoutError("it did not answer a ping")
            with deadline(self._timeout):
                self._hear(connection.read_response())

    def _hear(self, reply: list[Any]) -> None:
        if reply[0] != b"message":  # the answer to a ping
            return
        said = understand(reply[2])
        if isinstance(said, Change):
            self._tell(lambda: self._on_change(said))
        elif said is not None:
            self._tell(self._on_reset)

    def _tell(self, callback: Callable[[], None]) -> None:
        if self._stop.is_set():
            return
        try:
            callback()
        except Exception:
            import logging

            logging.getLogger("promptops.cache").exception("a callback for changed prompts failed")


def _log_lost(shown: str, error: Exception) -> None:
    import logging

    logging.getLogger("promptops.cache").warning(
        "changed prompts are not heard of until Redis at %s is back: %s: %s", shown, type(error).__name__, error
    )
