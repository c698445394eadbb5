"""What one group of appended rows is waited for with: by threads, and by event loops that wake once for all of it."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Protocol

from promptops.core import errors
from promptops.core.errors import PromptOpsError

__all__ = ["Commit", "LoopCommits", "Wakeup"]


class Commit:
    """The fate of a group of rows that travel to the disk together; safe to use from any thread.

    Whoever appends while a group is still open shares its commit.
    """

    __slots__ = ("_callbacks", "_done", "_error", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._error: PromptOpsError | None = None
        self._callbacks: list[Callable[[], object]] = []

    @property
    def done(self) -> bool:
        """Whether the rows are on the disk, or will never be."""
        return self._done.is_set()

    def check(self) -> None:
        """Raise the error that kept the rows from the disk; for when :attr:`done` is true.

        Raises:
            JournalError: The rows are not stored.
        """
        if self._error is not None:
            raise self._error

    def wait(self, timeout: float | None = None) -> None:
        """Return once the rows are on the disk.

        Args:
            timeout: Seconds, or None for as long as it takes.

        Raises:
            JournalError: The rows are not stored.
            TimeoutError: They are not stored yet.
        """
        if not self._done.wait(timeout):
            raise errors.TimeoutError(f"the journal did not answer within {timeout:g} s")
        self.check()

    def settled(self) -> None:
        """Return once it is decided whether the rows are on the disk."""
        self._done.wait()

    def on_done(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` once, in the journal's thread when the commit ends, or now when it has ended."""
        with self._lock:
            if not self._done.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def settle(self, error: PromptOpsError | None = None) -> list[Callable[[], object]]:
        """Set the outcome and return what is to be called; for the journal alone."""
        with self._lock:
            self._error = error
            self._done.set()
            callbacks, self._callbacks = self._callbacks, []
        return callbacks


class Wakeup(Protocol):
    """An event of an async library; ``anyio.Event`` is one."""

    def set(self) -> object:
        """Wake all who wait."""
        ...

    def wait(self) -> Awaitable[object]:
        """Wait for ``set``."""
        ...


class LoopCommits:
    """Waits for commits in an event loop; the loop is woken once per commit, however many units wait for it.

    Args:
        call_soon: Runs a function in the loop's thread, from any thread: ``loop.call_soon_threadsafe``.
        wakeup: Makes an event of that loop: ``anyio.Event``.
    """

    def __init__(self, call_soon: Callable[[Callable[[], object]], object], wakeup: Callable[[], Wakeup]) -> None:
        self._call_soon = call_soon
        self._wakeup = wakeup
        self._waiting: dict[Commit, Wakeup] = {}

    async def wait(self, commit: Commit) -> None:
        """Return once the rows of ``commit`` are on the disk.

        Raises:
            JournalError: They are not stored.
        """
        if not commit.done:
            event = self._waiting.get(commit)
            if event is None:
                event = self._waiting[commit] = self._wakeup()
                commit.on_done(lambda: self._call_soon(lambda: self._wake(commit)))
            await event.wait()
        commit.check()

    def _wake(self, commit: Commit) -> None:
        event = self._waiting.pop(commit, None)
        if event is not None:
            event.set()
