"""What can be read off a row: whether something failed, and what it cost."""

from __future__ import annotations

from typing import Final

from promptops.models.experiments import ExperimentRun

__all__ = ["COST", "cost_of", "has_error"]

COST: Final = "promptops.cost"


def has_error(run: ExperimentRun) -> bool:
    """Whether the task of a row failed, or one of its evaluators."""
    return run.error is not None or any(name.endswith(".error") for name in run.fields)


def cost_of(run: ExperimentRun) -> float | None:
    """Return what a row cost, its judgements included, or None when nothing was reported."""
    found = [
        value
        for name, value in run.fields.items()
        if (name == COST or (name.startswith("promptops.eval.") and name.endswith(".cost")))
        and isinstance(value, int | float)
    ]
    return float(sum(found)) if found else None
