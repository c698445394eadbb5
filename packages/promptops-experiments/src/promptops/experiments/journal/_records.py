"""What a journal holds: experiments, units and scores, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec
from promptops.experiments.journal._changes import Change
from promptops.experiments.journal._fingerprints import Fingerprint
from promptops.models.experiments import Evaluation

__all__ = ["ExperimentRecord", "RunPlan", "ScoreRecord", "UnitKey", "UnitRecord", "UnitState"]

UnitState = Literal["done", "failed"]


class UnitKey(NamedTuple):
    """Which unit of an experiment: an example and a repetition, from 1."""

    example_id: str
    repetition: int


class UnitRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One unit that was run.

    Attributes:
        example_id: The example.
        repetition: From 1.
        state: ``done`` when the task gave an output, ``failed`` otherwise.
        output: The output as JSON text, or None.
        error: Why the task failed, or None.
        service_s: Seconds that the task itself took, the successful attempt alone.
        waiting_s: Seconds of waiting for rate limits and between attempts.
        attempts: How often the task was called, over all runs.
        cost: What it cost, in the currency of the run.
        usage: Tokens and the like.
        fingerprint: Of what made the output; see :meth:`Fingerprint.of_unit`.
        started_at: Unix time in seconds.
        finished_at: Unix time in seconds.
        fields: Further columns of the row, any JSON values.
        revision: Grows with each change of the row or its scores; set by the journal.
        scores: By the name of the evaluator; filled by the journal when a row is read with its scores.
    """

    example_id: str
    repetition: int
    state: UnitState
    output: str | None = None
    error: str | None = None
    service_s: float | None = None
    waiting_s: float | None = None
    attempts: int = 1
    cost: float | None = None
    usage: Mapping[str, Any] | None = None
    fingerprint: str | None = None
    started_at: float | None = None
    finished_at: float | None = None
    fields: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])
    revision: int = 0
    scores: Mapping[str, ScoreRecord] = msgspec.field(default_factory=dict[str, "ScoreRecord"])

    @property
    def key(self) -> UnitKey:
        """Which unit this is."""
        return UnitKey(self.example_id, self.repetition)

    @property
    def value(self) -> Any:
        """The output as the task returned it, or None."""
        return None if self.output is None else msgspec.json.decode(self.output)


class ScoreRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one evaluator said about one unit.

    Attributes:
        evaluator: Its name.
        evaluation: Score, label, explanation, cost and so on, or the error.
        fingerprint: Of the evaluator.
        cost: What the judgement cost, in the currency of the run; that of the evaluation when not given.
        seconds: How long it took, without waiting.
    """

    evaluator: str
    evaluation: Evaluation
    fingerprint: str | None = None
    cost: float | None = None
    seconds: float | None = None


class RunPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal must know of an experiment before its first unit.

    Attributes:
        name: Unique in its dataset.
        dataset_id: The dataset; other servers may have another one of that id.
        fingerprint: Of everything that makes an output or a score.
        units: How many units the plan has.
        repetitions: How often each example is run.
        dataset_name: For people.
        parameters: Of the run, any JSON values.
        metadata: Stored with the experiment, any JSON values.
        origin: The address of the server that it belongs to; empty without one, and when it is not known.
    """

    name: str
    dataset_id: str
    fingerprint: Fingerprint
    units: int
    repetitions: int = 1
    dataset_name: str = ""
    parameters: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])
    metadata: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])
    origin: str = ""


class ExperimentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment as the journal knows it.

    Attributes:
        id: Its id in the journal.
        plan: What it began with, or was last resumed with; ``plan.fingerprint.examples`` is read on demand and empty
            here.
        created_at: Unix time in seconds.
        finished_at: When its last run ended with every unit done, or None.
        overrides: Changes that were accepted by resuming all the same, oldest first.
        remote_id: The id that a server gave it, or None.
        earlier: What else its rows may be made by (code, prompt, parameters, without the examples), oldest first.
    """

    id: str
    plan: RunPlan
    created_at: float
    finished_at: float | None = None
    overrides: tuple[Change, ...] = ()
    remote_id: str | None = None
    earlier: tuple[Fingerprint, ...] = ()

    @property
    def made_by(self) -> tuple[Fingerprint, ...]:
        """Everything that its rows may be made by, without the examples."""
        return (*self.earlier, self.plan.fingerprint.of_code)
