"""What a run is made of: units of work, and what came out of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._binding import Bound, check_fields
from promptops.experiments._evaluation import NamedEvaluator
from promptops.experiments._json import NotStorable, json_text
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import METADATA_PREFIX, ExperimentRun

__all__ = ["Finished", "Options", "Plan", "Unit", "make_plan"]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is to be done.

    Attributes:
        task: The bound task.
        evaluators: The evaluators, with different names.
        concurrency: Most units at once.
        repetitions: How often each example is run.
        task_timeout: Seconds for one call of the task, or None.
        columns: Columns that every row gets.
    """

    task: Bound
    evaluators: Sequence[NamedEvaluator]
    concurrency: int
    repetitions: int
    task_timeout: float | None
    columns: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        whole: dict[str, Any] = {"concurrency": self.concurrency, "repetitions": self.repetitions}
        for name, number in whole.items():
            if not isinstance(number, int) or number < 1:
                raise ValidationError(f"{name} must be a whole number of 1 or more, not {number!r}")
        if self.task_timeout is not None and not (self.task_timeout > 0 and math.isfinite(self.task_timeout)):
            raise ValidationError(f"task_timeout must be a number of seconds above 0, not {self.task_timeout}")


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the task: an example and a repetition, from 1."""

    position: int
    example: DatasetExample
    repetition: int


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that is done: its row, and the row as JSON."""

    position: int
    run: ExperimentRun
    encoded: bytes


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a run will do."""

    options: Options
    units: Sequence[Unit]


def make_plan(options: Options, examples: Sequence[DatasetExample], dataset: str) -> Plan:
    """Return the units of a run: all examples, then all again for each further repetition.

    Raises:
        ValidationError: There is no example, or a parameter takes a field that no example has.
    """
    if not examples:
        raise ValidationError(f"dataset {dataset!r} has no example; insert some before running an experiment")
    check_fields("the task", options.task, examples)
    for evaluator in options.evaluators:
        check_fields(f"evaluator {evaluator.name!r}", evaluator.bound, examples)
    rounds = ((repetition, example) for repetition in range(1, options.repetitions + 1) for example in examples)
    units = [
        Unit(position=position, example=example, repetition=repetition)
        for position, (repetition, example) in enumerate(rounds)
    ]
    return Plan(options=options, units=units)


def metadata_columns(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the columns that carry the metadata of a run on each of its rows."""
    columns: dict[str, Any] = {}
    for name, value in (metadata or {}).items():
        try:
            columns[f"{METADATA_PREFIX}{name}"] = msgspec.json.decode(json_text(value))
        except NotStorable as exc:
            raise ValidationError(f"metadata[{name!r}] cannot be stored: {exc}") from None
    return columns
