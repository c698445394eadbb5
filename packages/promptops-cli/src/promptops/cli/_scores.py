"""The mean of each score of an experiment, from its stored runs."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from promptops.client import ExperimentRun

__all__ = ["Score", "scores_of"]


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """How one evaluator judged an experiment.

    Attributes:
        mean: Mean of the scores, or None when there is none.
        scored: How many runs have a score.
        errors: How many runs it failed on.
    """

    mean: float | None
    scored: int
    errors: int


def scores_of(runs: Iterable[ExperimentRun]) -> dict[str, Score]:
    """The scores by the name of the evaluator, in the order in which they appear."""
    found: dict[str, list[float]] = {}
    errors: dict[str, int] = {}
    for run in runs:
        for name, evaluation in run.evaluations.items():
            scores = found.setdefault(name, [])
            if evaluation.error is not None:
                errors[name] = errors.get(name, 0) + 1
            elif evaluation.score is not None:
                scores.append(evaluation.score)
    return {
        name: Score(mean=fmean(scores) if scores else None, scored=len(scores), errors=errors.get(name, 0))
        for name, scores in found.items()
    }
