"""Evaluators that compare numbers, also those within a text."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Final

from promptops.core.errors import ValidationError
from promptops.experiments._evaluation import Evaluator, Simple
from promptops.experiments._json import shown
from promptops.experiments.evaluators._text import text_of, verdict
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import Evaluation

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["numeric_match"]

_MINUS: Final = "\N{MINUS SIGN}"
_NUMBER: Final = (
    rf"(?:(?<!\w)[-{_MINUS}]\s?)?\$?\s?"
    r"(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3}(?!\w))?"
)


def numeric_match(
    field: str = "expected",
    *,
    after: str | None = None,
    tolerance: float = 0.0,
    relative: float = 0.0,
    name: str = "numeric_match",
) -> Evaluator:
    """Score 1 when the number in the output is the number in the example's ``field``.

    Args:
        field: The field with the right number: a number, or a text that holds one.
        after: Take the first number after the last place where this text stands (for example ``"A:"``), in both; an
            output without it is wrong. When absent, the last number of the text counts.
        tolerance: How far the two may be apart, in units of the number.
        relative: How far they may be apart as a share of the right number, 0.01 for one per cent; the larger of the
            two tolerances counts.
        name: The name of the columns.
    """
    return _NumericMatch(name, field, after, tolerance, relative)


class _NumericMatch(Simple):
    def __init__(self, name: str, field: str, after: str | None, tolerance: float, relative: float) -> None:
        super().__init__(name, field, after=after, tolerance=tolerance, relative=relative)
        self._field = field
        self._after = after
        self._tolerance = _checked("tolerance", tolerance)
        self._relative = _checked("relative", relative)

    def evaluate(self, output: object, example: DatasetExample) -> Evaluation:
        """Score one output."""
        field = example[self._field]
        # A field that is a number needs no marker before it.
        wanted = self._number(field) if isinstance(field, str) else _last_number(text_of(field))
        if wanted is None:
            raise ValueError(f"the field {self._field!r} holds no number: {shown(field)}")
        got = self._number(output) if isinstance(output, str) else _last_number(text_of(output))
        if got is None:
            return verdict(False, f"no number found, expected {wanted}")
        allowed = max(self._tolerance, self._relative * abs(wanted))
        return verdict(abs(got - wanted) <= allowed, f"got {got}, expected {wanted}")

    def _number(self, text: str) -> Decimal | None:
        if self._after is None:
            return _last_number(text)
        _, marker, rest = text.rpartition(self._after)
        found = re.search(_NUMBER, rest) if marker else None
        return _decimal(found[0]) if found else None


def _checked(name: str, tolerance: float) -> Decimal:
    from decimal import Decimal

    number = Decimal(str(tolerance))
    if not number.is_finite() or number < 0:
        raise ValidationError(f"{name} must be a number of 0 or more, not {tolerance}")
    return number


def _last_number(text: str) -> Decimal | None:
    found = deque(re.finditer(_NUMBER, text), maxlen=1)
    return _decimal(found[0][0]) if found else None


def _decimal(text: str) -> Decimal:
    from decimal import Decimal

    return Decimal(re.sub(r"[\s$,]", "", text).replace(_MINUS, "-"))
