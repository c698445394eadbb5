"""Whether a run goes on: told from signals, budgets and verdicts, asked before each unit."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

from promptops.core.errors import PromptOpsError

__all__ = ["DRAIN_SECONDS", "JOURNAL", "Control"]

DRAIN_SECONDS: Final = 20.0
"""How long units that are under way may take after the first Ctrl-C; what then follows has 10 seconds more."""

JOURNAL: Final = "the journal"
"""The reason for a stop: the journal cannot be written to."""

_WHOLE_END_SECONDS: Final = 30.0


class Control:
    """The one place that says whether units may start and whether those under way may end; plain attributes only.

    It is written to by a signal handler, the event loop and the caller's thread, so each change is one assignment.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.interrupts = 0
        self.stopped: str | None = None
        self.error: PromptOpsError | None = None
        self._clock = clock
        self._first_interrupt = 0.0

    @property
    def halted(self) -> bool:
        """Whether no further unit may start."""
        return self.stopped is not None or self.interrupts > 0

    @property
    def journal_failed(self) -> bool:
        """Whether the journal could not be written to, so that it lacks rows."""
        return self.stopped == JOURNAL

    @property
    def abandoned(self) -> bool:
        """Whether what is under way is to end now."""
        if self.interrupts > 1:
            return True
        return self.interrupts == 1 and self._clock() - self._first_interrupt > DRAIN_SECONDS

    @property
    def time_left(self) -> float:
        """Seconds that the end of an interrupted run may still take."""
        if self.interrupts > 1:
            return 0.0
        return max(0.0, self._first_interrupt + _WHOLE_END_SECONDS - self._clock())

    def interrupt(self) -> int:
        """Count a Ctrl-C: the first lets units end, the second does not; return which it is."""
        if not self.interrupts:
            self._first_interrupt = self._clock()
        self.interrupts += 1
        return self.interrupts

    def stop(self, reason: str, error: PromptOpsError | None = None) -> None:
        """Start no further unit; those under way end. The first reason stands."""
        if self.stopped is None:
            self.stopped, self.error = reason, error
