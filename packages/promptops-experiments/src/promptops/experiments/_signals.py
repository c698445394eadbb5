"""Ctrl-C while a run goes on: once lets it drain, twice ends it; the handler that was there comes back in any case."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from promptops.experiments._control import Control

__all__ = ["ctrl_c"]

_FIRST: Final = "Ctrl-C: no new task starts, what runs may end. Press it again to stop at once; either way it resumes."


@contextmanager
def ctrl_c(control: Control, *, raise_at_second: bool) -> Generator[None]:
    """Count the Ctrl-Cs of this block in ``control`` instead of raising at whatever line runs.

    In other threads than the main one, and where the program ignores Ctrl-C or handles it outside of Python, nothing
    is installed.

    Args:
        control: Told of each.
        raise_at_second: Whether the second raises KeyboardInterrupt at once, as blocking code needs; an event loop
            asks ``control`` instead.
    """
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    if before is None or before is signal.SIG_IGN:
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        presses = control.interrupt()
        if presses == 1:
            _tell(_FIRST)
            return
        # A third one reaches whatever would have had the first.
        signal.signal(signal.SIGINT, before)
        if raise_at_second:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(text: str) -> None:
    stream = sys.stderr
    if stream is None or not stream.isatty():  # pyright: ignore[reportUnnecessaryComparison] - None without a console
        return
    try:
        stream.write(f"\n{text}\n")
    except (OSError, RuntimeError):  # a handler may come within a write to the same stream
        return
