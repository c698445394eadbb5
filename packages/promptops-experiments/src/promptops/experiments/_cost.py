"""What tasks and evaluators report about their cost, gathered for the call in which they report it."""

from __future__ import annotations

import math
from contextvars import ContextVar

import msgspec
from promptops.core.errors import ValidationError

__all__ = ["Ledger", "Usage", "report_cost"]


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What one or more calls of a model used.

    Attributes:
        cost: In one currency of your choice, the same in the whole run; None when nothing was reported.
        input_tokens: Tokens that went in.
        output_tokens: Tokens that came out.
    """

    cost: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        known = [part.cost for part in (self, other) if part.cost is not None]
        return Usage(
            cost=sum(known) if known else None,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
        )

    @property
    def tokens(self) -> int:
        """Tokens in both directions."""
        return self.input_tokens + self.output_tokens


class Ledger:
    """The reports of one call; threads and tasks that the call starts may write to it too."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[Usage] = []

    def add(self, usage: Usage) -> None:
        """Take a report."""
        self._entries.append(usage)

    @property
    def total(self) -> Usage | None:
        """The sum of the reports, or None when there was none."""
        return sum(self._entries, Usage()) if self._entries else None


CURRENT: ContextVar[Ledger | None] = ContextVar("promptops_ledger", default=None)


def report_cost(cost: float | None = None, *, input_tokens: int = 0, output_tokens: int = 0) -> None:
    """Say what a call of a model cost; for tasks, evaluators and whatever they call.

    The reports of one task or evaluator are added up, attempts that failed included, and count against ``max_cost``.
    Outside of a run this does nothing, so that a task can be called by itself.

    Args:
        cost: In one currency of your choice, the same in the whole run.
        input_tokens: Tokens that went in.
        output_tokens: Tokens that came out.

    Raises:
        ValidationError: A figure is negative or not finite.
    """
    for name, figure in (("cost", cost or 0.0), ("input_tokens", input_tokens), ("output_tokens", output_tokens)):
        if not (math.isfinite(figure) and figure >= 0):
            raise ValidationError(f"report_cost: {name} must be 0 or more, not {figure!r}")
    ledger = CURRENT.get()
    if ledger is not None:
        ledger.add(Usage(cost=cost, input_tokens=input_tokens, output_tokens=output_tokens))
