"""What is collected during a conversion: what is lost, and what must be refused."""

from __future__ import annotations

from typing import Any, Final

from promptops.core.errors import ValidationError
from promptops.prompts.formats import Loss
from promptops.prompts.formats._losses import Reason

__all__ = ["Report"]

_SHOWN: Final = 20


class Report:
    """The losses and the problems of one conversion."""

    def __init__(self) -> None:
        self._losses: list[Loss] = []
        self._problems: list[dict[str, Any]] = []

    def lose(self, field: str, what: Reason, detail: str) -> None:
        """Something is not said as it was; ``field`` is where it was."""
        self._losses.append(Loss(provider="phoenix", field=field, what=what, detail=detail))

    def refuse(self, field: str, message: str, code: str = "invalid_value") -> None:
        """Something can be said in no way at all."""
        self._problems.append({"field": field, "message": message, "code": code})

    def losses(self) -> tuple[Loss, ...]:
        """Everything that was lost.

        Raises:
            ValidationError: Something was refused; all of it is named.
        """
        if self._problems:
            lines = [f"{item['field']}: {item['message']}" for item in self._problems[:_SHOWN]]
            raise ValidationError("; ".join(lines), validation_errors=self._problems)
        return tuple(self._losses)
