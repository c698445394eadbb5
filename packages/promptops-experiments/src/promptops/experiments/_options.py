"""The options of a run as callers give them, checked and turned into what a plan needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, TypedDict

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._binding import bind_task
from promptops.experiments._evaluation import Evaluators, named_evaluators
from promptops.experiments._plan import Options, StopWhen, metadata_columns
from promptops.experiments._progress import Progress
from promptops.experiments._rate_limiter import RateLimiter
from promptops.experiments._retries import RetryOn, RetryPolicy
from promptops.experiments.datasets._splits import in_split, split_of
from promptops.experiments.evaluators._run_named import RunEvaluators, named_run_evaluators
from promptops.experiments.journal import Journal
from promptops.models.datasets import DatasetExample

__all__ = ["Request", "RunOptions", "Task", "chosen", "request_of"]

Task = Callable[[DatasetExample], Any] | Callable[..., Any]
"""A function or a coroutine function that is run for every example; see :meth:`AsyncExperiments.run`."""


class RunOptions(TypedDict, total=False):
    """How a run is done; every one of these has a default.

    Attributes:
        concurrency: Most units at once (8). A unit is an example and a repetition.
        repetitions: How often each example is run (1).
        retries: Most further attempts of a task or an evaluator that failed (0). Attempts that a provider refused
            because they came too fast do not count; see ``rate_limiter``.
        retry_on: Which errors are worth it: classes, or a function of the error; every ``Exception`` by default.
        task_timeout: Seconds for one attempt of the task; no limit by default. A coroutine is cancelled then. The
            thread of a function goes on by itself, unheeded; at most 64 do so before the run waits for one of them.
        evaluator_timeout: The same for evaluators that do not come with the package.
        run_evaluators: What judges all rows together when the run is over; see :func:`evaluate_run`.
        exit_on_error: End the run at the first row with an error, by :class:`ExperimentStopped` (False).
        max_cost: Start no further unit once what was reported by :func:`report_cost`, and what the units under way are
            expected to cost, exceeds this. The first unit then runs alone.
        stop_when: Asked now and then with a :class:`RunState`; what it returns, when true, is why the run stops.
        rate_limiter: Share one between runs, or with code of your own; every run has one of its own by default.
        prompt: Handed to parameters named ``prompt``; its name and version are part of what the journal compares.
        parameters: What else outputs depend on, any JSON values: the model, the temperature. The journal compares it.
        task_version: Stands for the code of the task in the journal, where that cannot be read or changes too often.
        evaluator_versions: The same for evaluators, by name.
        metadata: Stored on every row, for example the model and the version of the prompt.
        progress: True shows a bar on a terminal and plain lines elsewhere (both on stderr), False shows nothing.
        journal: The file that holds every output and score before it is stored, or an open journal; by default
            ``PROMPTOPS_JOURNAL``, then a file in the user's data directory.
        dry_run: Run so many examples, or those of the split of this name, and store nothing.
    """

    concurrency: int
    repetitions: int
    retries: int
    retry_on: RetryOn | None
    task_timeout: float | None
    evaluator_timeout: float | None
    run_evaluators: RunEvaluators
    exit_on_error: bool
    max_cost: float | None
    stop_when: StopWhen | None
    rate_limiter: RateLimiter | None
    prompt: object
    parameters: Mapping[str, Any] | None
    task_version: str | None
    evaluator_versions: Mapping[str, str] | None
    metadata: Mapping[str, Any] | None
    progress: bool | Progress
    journal: Journal | str | PathLike[str] | None
    dry_run: bool | int | str


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was asked for, checked as far as that needs neither examples nor a journal.

    Attributes:
        name: The name of the experiment.
        task: The task as it was given, or None.
        options: For the plan.
        given: The rest of the options.
    """

    name: str
    task: Any
    options: Options
    given: RunOptions

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata of the run."""
        return self.given.get("metadata") or {}

    @property
    def progress(self) -> bool | Progress:
        """The display."""
        return self.given.get("progress", True)

    @property
    def dry_run(self) -> int | str | None:
        """How many examples, or which split, of a dry run; None when it is none."""
        asked = self.given.get("dry_run", False)
        if asked is False:
            return None
        return 10 if asked is True else asked

    def columns(self, metadata: Mapping[str, Any]) -> Request:
        """Return the same request with the metadata of an earlier run."""
        options = msgspec.structs.replace(self.options, columns=metadata_columns(metadata))
        return msgspec.structs.replace(self, options=options, given={**self.given, "metadata": metadata})


def request_of(
    name: str, task: Task | None, evaluators: Evaluators, given: RunOptions, *, scores_only: bool = False
) -> Request:
    """Check what was asked for; without a task only where there are nothing but scores to make.

    Raises:
        ValidationError: A parameter cannot be filled, or a number or a name does not fit.
        TypeError: There is no such option.
    """
    unknown = sorted(given.keys() - RunOptions.__optional_keys__)
    if unknown:
        known = ", ".join(sorted(RunOptions.__optional_keys__))
        raise TypeError(f"a run has no option {', '.join(map(repr, unknown))}; its options are: {known}")
    retries = RetryPolicy(retries=given.get("retries", 0), retry_on=given.get("retry_on"))
    limiter = given.get("rate_limiter")
    options = Options(
        task=None if scores_only else bind_task(task),
        evaluators=named_evaluators(evaluators),
        concurrency=given.get("concurrency", 8),
        repetitions=given.get("repetitions", 1),
        task_timeout=given.get("task_timeout"),
        evaluator_timeout=given.get("evaluator_timeout"),
        run_evaluators=named_run_evaluators(given.get("run_evaluators", ())),
        retry=retries,
        exit_on_error=given.get("exit_on_error", False),
        max_cost=given.get("max_cost"),
        stop_when=given.get("stop_when"),
        rate_limiter=limiter if limiter is not None else RateLimiter(),
        prompt=given.get("prompt"),
        columns=metadata_columns(given.get("metadata")),
    )
    request = Request(name=name, task=task, options=options, given=given)
    dry_run = request.dry_run
    if isinstance(dry_run, int) and dry_run < 1:
        raise ValidationError(f"dry_run must be True, a number of examples or the name of a split, not {dry_run!r}")
    return request


def chosen(examples: list[DatasetExample], dry_run: int | str | None) -> list[DatasetExample]:
    """Return the examples of a dry run, or all.

    Raises:
        ValidationError: No example is of that split.
    """
    if dry_run is None:
        return examples
    if isinstance(dry_run, int):
        return examples[:dry_run]
    found = list(in_split(examples, dry_run))
    if not found:
        splits = sorted({split for example in examples if (split := split_of(example)) is not None})
        there = f"those that examples name are: {', '.join(splits)}" if splits else "no example names one"
        raise ValidationError(f"dry_run={dry_run!r}: no example is of that split; {there}")
    return found
