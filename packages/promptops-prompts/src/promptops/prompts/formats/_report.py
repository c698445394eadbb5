"""What is collected while arguments are made or read: what is lost, and what must be refused."""

from __future__ import annotations

from typing import Any

from promptops.prompts._problems import problem, refusal
from promptops.prompts.formats._losses import Loss, Provider, Reason

__all__ = ["Report"]


class Report:
    """The losses and the problems of one conversion.

    Args:
        provider: To whom the arguments go, or from whom they came.
    """

    def __init__(self, provider: Provider) -> None:
        self.provider: Provider = provider
        self._losses: list[Loss] = []
        self._problems: list[dict[str, Any]] = []

    def lose(self, field: str, what: Reason, detail: str) -> None:
        """The arguments are poorer than the prompt."""
        self._losses.append(Loss(provider=self.provider, field=field, what=what, detail=detail))

    def unsupported(self, field: str, detail: str = "") -> None:
        """Something is left out, because the provider has no place for it."""
        self.lose(field, "unsupported", detail or f"{self.provider} has no place for it")

    def refuse(self, field: str, message: str, code: str = "invalid_value") -> None:
        """The arguments would be wrong."""
        self._problems.append(problem(field, message, code))

    def check(self) -> None:
        """Stop here if something was refused.

        Raises:
            ValidationError: With every problem so far.
        """
        if self._problems:
            raise refusal(*self._problems)

    def losses(self) -> tuple[Loss, ...]:
        """Everything that was lost.

        Raises:
            ValidationError: Something was refused.
        """
        self.check()
        return tuple(self._losses)
