"""What a run is made of: units of work, and what is left to do for each."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._binding import Bound, check_fields
from promptops.experiments._comparison import PairKey
from promptops.experiments._evaluation import NamedEvaluator
from promptops.experiments._json import NotStorable, json_text
from promptops.experiments._rate_limiter import RateLimiter
from promptops.experiments._retries import RetryPolicy
from promptops.experiments.evaluators._run_named import NamedRunEvaluator
from promptops.experiments.journal import UnitKey, UnitRecord
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import METADATA_PREFIX, ExperimentRun

__all__ = ["Finished", "Options", "Plan", "RunState", "StopWhen", "Unit", "make_plan", "metadata_columns"]


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run is; what ``stop_when`` decides by.

    Attributes:
        rows: The finished rows in the order of the plan.
        total: How many rows there will be.
        remaining: The units that have no row yet.
        examples: The examples, by id.
    """

    rows: Sequence[ExperimentRun]
    total: int
    remaining: Collection[PairKey]
    examples: Mapping[str, DatasetExample] = msgspec.field(default_factory=dict[str, DatasetExample])


StopWhen = Callable[[RunState], object]
"""Says whether the remaining units can be spared: the reason in words, or anything true, such as a verdict.

``lambda state: decided(gates, state.rows, state.remaining)`` stops only when they cannot change the verdict.
"""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is to be done.

    Attributes:
        task: The bound task, or None when outputs are only scored.
        evaluators: The evaluators, with different names.
        concurrency: Most units at once.
        repetitions: How often each example is run.
        task_timeout: Seconds for one attempt of the task, or None.
        evaluator_timeout: Seconds for one attempt of an evaluator, or None.
        run_evaluators: What judges all rows together, with different names.
        retry: What happens to attempts that failed.
        exit_on_error: Whether the first row with an error ends the run.
        max_cost: The most that the experiment may cost, or None.
        stop_when: Says whether the remaining units can be spared.
        rate_limiter: Shared by tasks and judges.
        prompt: For parameters named ``prompt``.
        columns: Columns that every row gets.
    """

    task: Bound | None
    evaluators: Sequence[NamedEvaluator] = ()
    concurrency: int = 8
    repetitions: int = 1
    task_timeout: float | None = None
    evaluator_timeout: float | None = None
    run_evaluators: Sequence[NamedRunEvaluator] = ()
    retry: RetryPolicy = msgspec.field(default_factory=RetryPolicy)
    exit_on_error: bool = False
    max_cost: float | None = None
    stop_when: StopWhen | None = None
    rate_limiter: RateLimiter = msgspec.field(default_factory=RateLimiter)
    prompt: Any = None
    columns: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        whole: dict[str, Any] = {"concurrency": self.concurrency, "repetitions": self.repetitions}
        for name, number in whole.items():
            if not isinstance(number, int) or number < 1:
                raise ValidationError(f"{name} must be a whole number of 1 or more, not {number!r}")
        for name, seconds in (("task_timeout", self.task_timeout), ("evaluator_timeout", self.evaluator_timeout)):
            if seconds is not None and not _is_positive(seconds):
                raise ValidationError(f"{name} must be a number of seconds above 0, not {seconds!r}")
        if self.max_cost is not None and not _is_positive(self.max_cost):
            raise ValidationError(f"max_cost must be a number above 0, not {self.max_cost!r}")


class Unit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An example and a repetition, from 1, and what is left to do for the two.

    Attributes:
        position: Its place in the plan, from 0.
        example: The example.
        repetition: From 1.
        prior: What earlier runs brought and what stands, or None when the task is to run.
        evaluators: Names of the evaluators to run; all when None.
        replace: Whether the new output takes the place of one that is journaled.
    """

    position: int
    example: DatasetExample
    repetition: int
    prior: UnitRecord | None = None
    evaluators: tuple[str, ...] | None = None
    replace: bool = False

    @property
    def key(self) -> UnitKey:
        """The key of its row."""
        return UnitKey(self.example.id, self.repetition)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.prior is not None and self.evaluators == ()


class Finished(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A unit that is done, and its row."""

    position: int
    run: ExperimentRun


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a run will do, and what stands already.

    Attributes:
        options: How it is to be done.
        units: What is to be done.
        digests: Stand for the content of examples that rows which stand were made of another content of, by id.
    """

    options: Options
    units: Sequence[Unit]
    digests: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])

    @property
    def open(self) -> list[Unit]:
        """The units with something left to do."""
        return [unit for unit in self.units if not unit.is_done]


def make_plan(options: Options, examples: Sequence[DatasetExample], dataset: str) -> Plan:
    """Return the units of a run: all examples, then all again for each further repetition.

    Raises:
        ValidationError: There is no example, two have one id, or a parameter takes a field that no example has.
    """
    if not examples:
        raise ValidationError(f"dataset {dataset!r} has no example; insert some before running an experiment")
    check_ids(examples, dataset)
    if options.task is not None:
        check_fields("the task", options.task, examples, options.prompt)
    for evaluator in options.evaluators:
        check_fields(f"evaluator {evaluator.name!r}", evaluator.bound, examples, options.prompt)
    rounds = ((repetition, example) for repetition in range(1, options.repetitions + 1) for example in examples)
    units = [
        Unit(position=position, example=example, repetition=repetition)
        for position, (repetition, example) in enumerate(rounds)
    ]
    return Plan(options=options, units=units)


def check_ids(examples: Sequence[DatasetExample], dataset: str) -> None:
    """Refuse two examples of one id; their rows could not be told apart."""
    seen: set[str] = set()
    for example in examples:
        if example.id in seen:
            raise ValidationError(
                f"dataset {dataset!r} has two examples with the id {example.id!r}; rows are told apart by it, so give "
                "each its own. Nothing was run"
            )
        seen.add(example.id)


def _is_positive(number: object) -> bool:
    return isinstance(number, int | float) and 0 < number < math.inf


def metadata_columns(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the columns that carry the metadata of a run on each of its rows."""
    columns: dict[str, Any] = {}
    for name, value in (metadata or {}).items():
        try:
            columns[f"{METADATA_PREFIX}{name}"] = msgspec.json.decode(json_text(value))
        except NotStorable as exc:
            raise ValidationError(f"metadata[{name!r}] cannot be stored: {exc}") from None
    return columns
