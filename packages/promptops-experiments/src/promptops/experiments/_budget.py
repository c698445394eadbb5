"""Adds up what a run costs and says when the next unit would be too much; plain arithmetic."""

from __future__ import annotations

import math
from typing import Final

from promptops.core.errors import ValidationError
from promptops.experiments._cost import Usage

__all__ = ["Budget"]

_ROUNDING: Final = 1e-9


class Budget:
    """What was spent, and what the units under way are expected to cost.

    Args:
        max_cost: The most that the run may cost, or None.
        spent: What earlier runs of the experiment cost.
    """

    def __init__(self, max_cost: float | None, *, spent: float = 0.0) -> None:
        if max_cost is not None and not (math.isfinite(max_cost) and max_cost > 0):
            raise ValidationError(f"max_cost must be a number above 0, not {max_cost!r}")
        self.max_cost = max_cost
        self.usage = Usage()
        self._before = spent
        self._finished = 0
        self._finished_cost = 0.0
        self._running = 0

    @property
    def spent(self) -> float:
        """What the experiment cost so far, earlier runs included."""
        return self._before + (self.usage.cost or 0.0)

    def take(self, usage: Usage) -> None:
        """Count what a call reported, as soon as it did."""
        self.usage += usage

    def start(self) -> None:
        """Count a unit that begins."""
        self._running += 1

    def finish(self, cost: float) -> None:
        """Count a unit that is done, with what it cost in this run."""
        self._running -= 1
        self._finished += 1
        self._finished_cost += cost

    def leave(self) -> None:
        """Count a unit that was given up."""
        self._running -= 1

    def refusal(self) -> str | None:
        """Why no further unit may start, or None.

        The units under way and the next one are expected to cost what the finished ones did on average.
        """
        if self.max_cost is None:
            return None
        mean = self._finished_cost / self._finished if self._finished else 0.0
        expected = max(self._before + self._finished_cost + mean * (self._running + 1), self.spent + mean)
        most = self.max_cost * (1 + _ROUNDING)
        if expected <= most and self.spent < self.max_cost * (1 - _ROUNDING):
            return None
        return (
            f"the budget: {self.spent:.6g} of max_cost={self.max_cost:g} is spent, and a unit costs {mean:.6g} on "
            "average"
        )
