"""What an experiment has to hold to be let through, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any, Final, Literal

import msgspec
from promptops.core.errors import ValidationError

__all__ = ["RELATIVE_RULES", "RULES", "Gate", "GateResult", "Status", "Verdict", "limit_text", "worst"]

Status = Literal["pass", "fail", "inconclusive"]

RELATIVE_RULES: Final = ("max_regression", "min_improvement")
RULES: Final = (*RELATIVE_RULES, "min_mean", "max_mean")


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """A limit for one metric. A gate that has several limits asks for all of them.

    Better is higher, except for metrics that were named as ``lower_is_better``; regressions and improvements are both
    positive numbers.

    Attributes:
        metric: The evaluator.
        max_regression: By how much the mean may be worse than that of the baseline; 0 for not at all.
        min_improvement: By how much the mean has to be better than that of the baseline.
        min_mean: What the mean has to reach.
        max_mean: What the mean has to stay within.
        alpha: How often the interval that decides may miss the truth, on both sides together; 0.05 for a 95 % interval.
        max_unscored: The share of rows that may lack a score, for example because their task failed; with more, the
            gate is inconclusive, since those rows may be the hard ones. None for no limit.
    """

    metric: str
    max_regression: float | None = None
    min_improvement: float | None = None
    min_mean: float | None = None
    max_mean: float | None = None
    alpha: float = 0.05
    max_unscored: float | None = 0.05

    def __post_init__(self) -> None:
        if not self.limits:
            raise ValidationError(f"the gate for {self.metric!r} has no limit; give one of {', '.join(RULES)}")
        for rule, limit in self.limits.items():
            if not isfinite(limit):
                raise ValidationError(f"{rule} of the gate for {self.metric!r} is {limit}; give a finite number")
            if limit < 0 and rule in RELATIVE_RULES:
                raise ValidationError(f"{rule} of the gate for {self.metric!r} is {limit}; give a number from 0 up")
        if not 0 < self.alpha < 0.5:
            raise ValidationError(f"alpha of the gate for {self.metric!r} is {self.alpha}; give a number within 0..0.5")
        if self.max_unscored is not None and not 0 <= self.max_unscored <= 1:
            raise ValidationError(
                f"max_unscored of the gate for {self.metric!r} is {self.max_unscored}; "
                "give a share from 0 to 1, or None for no limit"
            )

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are set, by their names."""
        found = {rule: getattr(self, rule) for rule in RULES}
        return {rule: limit for rule, limit in found.items() if limit is not None}

    @property
    def confidence(self) -> float:
        """The confidence of the interval that decides."""
        return 1 - self.alpha


class GateResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was found for one limit of a gate.

    Attributes:
        metric: The evaluator.
        rule: Which limit: ``max_regression``, ``min_improvement``, ``min_mean`` or ``max_mean``.
        limit: Its number.
        status: ``pass`` when the interval lies within the limit, ``fail`` when it lies beyond, else ``inconclusive``.
        estimate: The mean, or how much better the candidate is (below zero: worse); None without scores.
        low: Lower end of the interval of ``estimate``.
        high: Upper end of the interval.
        needed: About how many examples would decide, if the estimate is right; None where that is not known.
        reason: All of it in one sentence.
    """

    metric: str
    rule: str
    limit: float
    status: Status
    estimate: float | None
    low: float | None
    high: float | None
    needed: int | None
    reason: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an experiment is let through: ``fail`` if any limit fails, ``pass`` if all pass, else ``inconclusive``.

    Attributes:
        status: The verdict.
        results: What was found for each limit.
    """

    status: Status
    results: Sequence[GateResult]

    @property
    def reasons(self) -> list[str]:
        """A sentence for each limit."""
        return [result.reason for result in self.results]

    def to_text(self) -> str:
        """Return the verdict and its reasons, a line each."""
        return "\n".join(
            [f"verdict: {self.status}", *(f"  {result.status}: {result.reason}" for result in self.results)]
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain values that JSON can hold."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def __str__(self) -> str:
        return self.to_text()


def worst(statuses: Sequence[Status]) -> Status:
    """Return what several statuses come to together."""
    if "fail" in statuses:
        return "fail"
    return "inconclusive" if "inconclusive" in statuses else "pass"


def limit_text(rule: str, limit: float) -> str:
    """Return what a limit asks for, for people."""
    words = {
        "max_regression": "may be worse by {:g} at most",
        "min_improvement": "must be better by {:g}",
        "min_mean": "the mean must reach {:g}",
        "max_mean": "the mean must stay within {:g}",
    }
    return words[rule].format(limit)
