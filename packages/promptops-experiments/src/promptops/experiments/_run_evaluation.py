"""What a run-level evaluator says about all rows of an experiment together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = ["RunEvaluation"]


class RunEvaluation(msgspec.Struct, frozen=True, kw_only=True):
    """One figure about a whole run.

    Attributes:
        name: The run-level evaluator, or one of the figures that it gives.
        score: A number, or None for a figure without one, such as a confusion matrix.
        label: A category.
        explanation: Why, in words.
        details: Further plain values that JSON can hold: the figures by class, the matrix, how many rows were left
            out.
        error: What went wrong; a run evaluation with an error has no score.
    """

    name: str
    score: float | None = None
    label: str | None = None
    explanation: str | None = None
    details: Mapping[str, Any] | None = None
    error: str | None = None
