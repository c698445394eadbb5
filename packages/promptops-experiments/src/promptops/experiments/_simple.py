"""The simple evaluators that come with the package."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Final

from promptops.core.errors import ValidationError
from promptops.experiments._evaluation import Evaluator, Simple
from promptops.experiments._json import json_text, shown
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import Evaluation

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["contains", "exact_match", "numeric_match", "regex_match"]

_MINUS: Final = "\N{MINUS SIGN}"
_NUMBER: Final = (
    rf"(?:(?<!\w)[-{_MINUS}]\s?)?\$?\s?"
    r"(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3}(?!\w))?"
)


def exact_match(field: str = "expected", *, ignore_case: bool = False, name: str = "exact_match") -> Evaluator:
    """Score 1 when the output is the example's ``field``, white space around both aside."""
    return _ExactMatch(name, field, ignore_case=ignore_case)


def contains(field: str = "expected", *, ignore_case: bool = False, name: str = "contains") -> Evaluator:
    """Score 1 when the output contains the example's ``field``."""
    return _Contains(name, field, ignore_case=ignore_case)


def regex_match(pattern: str, *, field: str | None = None, name: str = "regex_match") -> Evaluator:
    """Score 1 when the output matches; with ``field``, when the last match (or its first group) is the field's text."""
    return _RegexMatch(name, field, pattern)


def numeric_match(
    field: str = "expected", *, after: str | None = None, tolerance: float = 0.0, name: str = "numeric_match"
) -> Evaluator:
    """Score 1 when the number in the output is the number in the example's ``field``.

    Args:
        field: The field with the right number: a number, or a text that holds one.
        after: Take the first number after the last place where this text stands (for example ``"A:"``), in both; an
            output without it is wrong. When absent, the last number of the text counts.
        tolerance: How far the two may be apart.
        name: The name of the columns.
    """
    return _NumericMatch(name, field, after, tolerance)


class _ExactMatch(Simple):
    def __init__(self, name: str, field: str, *, ignore_case: bool) -> None:
        super().__init__(name, field)
        self._field = field
        self._ignore_case = ignore_case

    def evaluate(self, output: object, example: DatasetExample) -> Evaluation:
        """Score one output."""
        wanted, got = _folded(example[self._field], self._ignore_case), _folded(output, self._ignore_case)
        return self._judged(got, wanted)

    def _judged(self, got: str, wanted: str) -> Evaluation:
        return _verdict(got == wanted)


class _Contains(_ExactMatch):
    def _judged(self, got: str, wanted: str) -> Evaluation:
        return _verdict(wanted in got)


class _RegexMatch(Simple):
    def __init__(self, name: str, field: str | None, pattern: str) -> None:
        super().__init__(name, field)
        self._field = field
        try:
            self._pattern = re.compile(pattern)
        except re.error as exc:
            raise ValidationError(f"the pattern {pattern!r} is not a regular expression: {exc}") from None

    def evaluate(self, output: object, example: DatasetExample) -> Evaluation:
        """Score one output."""
        matches = list(self._pattern.finditer(_text(output)))
        if self._field is None:
            return _verdict(bool(matches))
        wanted = _text(example[self._field]).strip()
        if not matches:
            return _verdict(False, f"the pattern does not match, expected {shown(wanted)}")
        found = (matches[-1][1] if self._pattern.groups else matches[-1][0]) or ""
        return _verdict(found.strip() == wanted, f"found {shown(found.strip())}, expected {shown(wanted)}")


class _NumericMatch(Simple):
    def __init__(self, name: str, field: str, after: str | None, tolerance: float) -> None:
        from decimal import Decimal

        super().__init__(name, field)
        self._field = field
        self._after = after
        self._tolerance = Decimal(str(tolerance))
        if not self._tolerance.is_finite() or self._tolerance < 0:
            raise ValidationError(f"tolerance must be a number of 0 or more, not {tolerance}")

    def evaluate(self, output: object, example: DatasetExample) -> Evaluation:
        """Score one output."""
        field = example[self._field]
        # A field that is a number needs no marker before it.
        wanted = self._number(field) if isinstance(field, str) else _last_number(_text(field))
        if wanted is None:
            raise ValueError(f"the field {self._field!r} holds no number: {shown(field)}")
        got = self._number(output) if isinstance(output, str) else _last_number(_text(output))
        if got is None:
            return _verdict(False, f"no number found, expected {wanted}")
        return _verdict(abs(got - wanted) <= self._tolerance, f"got {got}, expected {wanted}")

    def _number(self, text: str) -> Decimal | None:
        if self._after is None:
            return _last_number(text)
        _, marker, rest = text.rpartition(self._after)
        found = re.search(_NUMBER, rest) if marker else None
        return _decimal(found[0]) if found else None


def _verdict(right: bool, explanation: str | None = None) -> Evaluation:
    return Evaluation(score=float(right), label=str(right).lower(), explanation=explanation)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json_text(value)


def _folded(value: object, ignore_case: bool) -> str:
    text = _text(value).strip()
    return text.casefold() if ignore_case else text


def _last_number(text: str) -> Decimal | None:
    found = deque(re.finditer(_NUMBER, text), maxlen=1)
    return _decimal(found[0][0]) if found else None


def _decimal(text: str) -> Decimal:
    from decimal import Decimal

    return Decimal(re.sub(r"[\s$,]", "", text).replace(_MINUS, "-"))
