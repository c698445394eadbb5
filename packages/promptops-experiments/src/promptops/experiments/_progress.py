"""Shows how far a run is: a bar on a terminal, plain lines elsewhere, and never a reason for a run to fail."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from time import monotonic
from typing import Final, Protocol, TextIO

from promptops.core.log import log

__all__ = ["BarProgress", "LineProgress", "Progress", "ShownProgress", "guarded_progress"]

_BAR_WIDTH: Final = 30
_REDRAW_SECONDS: Final = 0.1
_LINE_SECONDS: Final = 5.0


class Progress(Protocol):
    """Is told how a run goes.

    The three methods are called one after another, never at once, and quickly: what takes long belongs elsewhere. An
    error in one of them is logged, and from then on the run goes on without it. A display that has ``skip(count)`` is
    told how many units were done before the run, and one that has ``spend(cost)`` what each unit cost.
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


class ShownProgress(Protocol):
    """A display as a run uses it: guarded, and with the calls that others may leave out."""

    def start(self, total: int, name: str) -> None:
        """See :class:`Progress`."""
        ...

    def skip(self, count: int) -> None:
        """``count`` units are done already."""
        ...

    def advance(self, *, failed: bool, cost: float | None = None) -> None:
        """See :class:`Progress`; ``cost`` is what the unit cost, when known."""
        ...

    def finish(self) -> None:
        """See :class:`Progress`."""
        ...


class _Counting(ABC):
    """Counts, and says when it is time to show something."""

    def __init__(self, stream: TextIO, every: float, clock: Callable[[], float] = monotonic) -> None:
        self._stream = stream
        self._every = every
        self._clock = clock
        self._name = ""
        self._total = self._done = self._failed = self._skipped = 0
        self._cost: float | None = None
        self._started = self._shown = 0.0

    def start(self, total: int, name: str) -> None:
        """Begin at nothing."""
        self._name, self._total, self._done, self._failed, self._skipped = name, total, 0, 0, 0
        self._cost = None
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

    def skip(self, count: int) -> None:
        """Count units that were done before; they say nothing about the rate."""
        self._done += count
        self._skipped += count

    def spend(self, cost: float) -> None:
        """Add what a unit cost."""
        self._cost = (self._cost or 0.0) + cost

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
        if self._cost is not None:
            facts.append(f"cost {self._cost:.4g}")
        ran = self._done - self._skipped
        if ran:
            facts.append(_rate(ran / elapsed))
            left = (self._total - self._done) * elapsed / ran
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

    def skip(self, count: int) -> None:
        """Do nothing."""

    def advance(self, *, failed: bool, cost: float | None = None) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""


class _Guarded:
    """Keeps the errors of a progress away from the run, and leaves out what it does not have."""

    def __init__(self, progress: Progress) -> None:
        self._progress: Progress | None = progress
        self._skip: Callable[[int], object] | None = getattr(progress, "skip", None)
        self._spend: Callable[[float], object] | None = getattr(progress, "spend", None)

    def start(self, total: int, name: str) -> None:
        """Pass it on."""
        self._safely(lambda progress: progress.start(total, name))

    def skip(self, count: int) -> None:
        """Pass it on."""
        skip = self._skip
        if skip is not None and count:
            self._safely(lambda _: skip(count))

    def advance(self, *, failed: bool, cost: float | None = None) -> None:
        """Pass it on."""
        spend = self._spend
        if spend is not None and cost is not None:
            self._safely(lambda _: spend(cost))
        self._safely(lambda progress: progress.advance(failed=failed))

    def finish(self) -> None:
        """Pass it on."""
        self._safely(lambda progress: progress.finish())

    def _safely(self, call: Callable[[Progress], object]) -> None:
        if self._progress is None:
            return
        try:
            call(self._progress)
        except Exception as exc:  # noqa: BLE001 - a broken display must not cost the results
            self._progress = None
            log().warning("progress_failed", error=repr(exc))


def guarded_progress(progress: bool | Progress) -> ShownProgress:
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
