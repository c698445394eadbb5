"""Decides whether an attempt is made again, and when: plain functions over what was raised."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import msgspec
from promptops.core.errors import ValidationError

__all__ = ["RetryOn", "RetryPolicy", "backoff"]

RetryOn = type[BaseException] | Sequence[type[BaseException]] | Callable[[BaseException], bool]
"""Which errors are worth another attempt: a class, several, or a function that says so."""

_FIRST_SECONDS: Final = 0.5
_LONGEST_SECONDS: Final = 30.0
_SHORTEST_SECONDS: Final = 0.025


def backoff(number: int, *, first: float = _FIRST_SECONDS, longest: float = _LONGEST_SECONDS) -> float:
    """Seconds before attempt ``number + 1``: anything up to twice as much each time, so that no two come together."""
    most = min(longest, first * 2.0 ** min(number - 1, 30))
    return max(_SHORTEST_SECONDS, random.uniform(0.0, most))  # noqa: S311 - spreads load, guards nothing


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How often a failed call is made again.

    Attributes:
        retries: Most further attempts.
        retry_on: Which errors are worth it; every ``Exception`` when absent, timeouts among them.
    """

    retries: int = 0
    retry_on: RetryOn | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        retries: Any = self.retries
        if not isinstance(retries, int) or isinstance(retries, bool) or retries < 0:
            raise ValidationError(f"retries must be a whole number of 0 or more, not {retries!r}")
        rule: Any = self.retry_on
        if rule is None or (callable(rule) and not isinstance(rule, type)):
            return
        for kind in cast("list[object]", [rule] if isinstance(rule, type | str) else list(rule)):
            if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise ValidationError(f"retry_on takes classes of errors or one function, not {kind!r}")

    def again(self, failures: int, exc: BaseException) -> bool:
        """Whether another attempt follows after ``failures`` failed ones, the last with ``exc``."""
        if failures > self.retries:
            return False
        rule = self.retry_on
        if rule is None:
            return isinstance(exc, Exception)
        if isinstance(rule, type):
            return isinstance(exc, rule)
        if callable(rule):
            return bool(rule(exc))
        return isinstance(exc, tuple(rule))
