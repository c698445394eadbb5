"""Shows how far a run is: a bar on a terminal, plain lines elsewhere, and never a reason for a run to fail."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from time import monotonic
from typing import Final, Protocol, TextIO

from promptops.core.log import log

__all__ = ["BarProgress", "LineProgress", "Progress", "guarded_progress"]

_BAR_WIDTH: Final = 30
_REDRAW_SECONDS: Final = 0.1
_LINE_SECONDS: Final = 5.0


class Progress(Protocol):
    """Is told how a run goes.

    The three methods are called one after another, never at once, and quickly: what takes long belongs elsewhere. An
    error in one of them is logged, and from then on the run goes on without it.
    """

    def start(self, total: int, name: str) -> None:
        """The run ``name`` begins and has ``total`` units."""
        ...

    def advance(self, *, failed: bool) -> None:
        """One unit is done; ``failed`` says that its task or an evaluator of it failed."""
        ...

    def finish(self) -> None:
        """The run has ended, completely or not."""
        ...


class _Counting(ABC):
    """Counts, and says when it is time to show something."""

    def __init__(self, stream: TextIO, every: float, clock: Callable[[], float] = monotonic) -> None:
        self._stream = stream
        self._every = every
        self._clock = clock
        self._name = ""
        self._total = self._done = self._failed = 0
        self._started = self._shown = 0.0

    def start(self, total: int, name: str) -> None:
        """Begin at nothing."""
        self._name, self._total, self._done, self._failed = name, total, 0, 0
        self._started = self._shown = self._clock()
        self._show(self._line())

    def advance(self, *, failed: bool) -> None:
        """Count one unit."""
        self._done += 1
        self._failed += failed
        now = self._clock()
        if now - self._shown >= self._every:
            self._shown = now
            self._show(self._line())

    def finish(self) -> None:
        """Show the last state."""
        self._show(self._line())

    def _show(self, line: str) -> None:
        self._stream.write(line)
        self._stream.flush()

    @abstractmethod
    def _line(self) -> str:
        """The state in one line."""

    def _facts(self) -> str:
        elapsed = max(self._clock() - self._started, 1e-9)
        facts = [f"{self._done}/{self._total}"]
        if self._failed:
            facts.append(f"{self._failed} failed")
        if self._done:
            facts.append(_rate(self._done / elapsed))
            left = (self._total - self._done) * elapsed / self._done
            facts.append(f"{_duration(left)} left" if self._done < self._total else _duration(elapsed))
        return ", ".join(facts)


class BarProgress(_Counting):
    """A bar that redraws itself on a terminal."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = monotonic) -> None:
        super().__init__(stream, _REDRAW_SECONDS, clock)
        self._characters = "█░" if _can_write("█░", stream) else "#."

    def finish(self) -> None:
        """Show the last state and leave it there."""
        super().finish()
        self._show("\n")

    def _line(self) -> str:
        full = _BAR_WIDTH * self._done // max(self._total, 1)
        bar = self._characters[0] * full + self._characters[1] * (_BAR_WIDTH - full)
        return f"\r\x1b[2K{self._name} {bar} {self._facts()}"


class LineProgress(_Counting):
    """A line every five seconds, for logs and pipes."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = monotonic) -> None:
        super().__init__(stream, _LINE_SECONDS, clock)

    def _line(self) -> str:
        return f"{self._name}: {self._facts()}\n"


class _Silent:
    """Shows nothing."""

    def start(self, total: int, name: str) -> None:
        """Do nothing."""

    def advance(self, *, failed: bool) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""


class _Guarded:
    """Keeps the errors of a progress away from the run."""

    def __init__(self, progress: Progress) -> None:
        self._progress: Progress = progress

    def start(self, total: int, name: str) -> None:
        """Pass it on."""
        self._safely(lambda: self._progress.start(total, name))

    def advance(self, *, failed: bool) -> None:
        """Pass it on."""
        self._safely(lambda: self._progress.advance(failed=failed))

    def finish(self) -> None:
        """Pass it on."""
        self._safely(self._progress.finish)

    def _safely(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as exc:  # noqa: BLE001 - a broken display must not cost the results
            self._progress = _Silent()
            log().warning("progress_failed", error=repr(exc))


def guarded_progress(progress: bool | Progress) -> Progress:
    """Return what shows the progress: True picks by the kind of stderr, False shows nothing."""
    if not isinstance(progress, bool):
        return _Guarded(progress)
    stream = sys.stderr
    if not progress or stream is None:  # pyright: ignore[reportUnnecessaryComparison] - None without a console
        return _Silent()
    return _Guarded(BarProgress(stream) if stream.isatty() else LineProgress(stream))


def _can_write(characters: str, stream: TextIO) -> bool:
    try:
        characters.encode(stream.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _duration(seconds: float) -> str:
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _rate(per_second: float) -> str:
    """A rate as people read it: ``1,990/s``, ``42/s``, ``0.8/s``."""
    return f"{per_second:,.0f}/s" if per_second >= 10 else f"{per_second:.1f}/s"
