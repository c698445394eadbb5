"""Experiment runs as users see them, and the one mapping between them and the flat columns on the wire.

What the contract names is written under its own name (``output``, ``error``, ``latency``, ``eval.NAME.score``);
what only PromptOps knows is prefixed ``promptops.``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from promptops.models._preparing import prepared

__all__ = ["Evaluation", "ExperimentRun", "evaluation_columns"]

LATENCY: Final = "latency"
METADATA_PREFIX: Final = "promptops.metadata."
REPETITION: Final = "promptops.repetition"
TYPED_OUTPUT: Final = "promptops.output"

_EVAL: Final = "eval."
_EVAL_FACT_PREFIX: Final = "promptops.eval."
_EVAL_PARTS: Final = ("score", "label", "explanation")
_EVAL_FACTS: Final = ("error", "cost", "usage", "duration_ms")
_OWN: Final = ("id", "example_id", "output", "error")


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What one evaluator says about one output.

    Attributes:
        score: A number, or None for a label without one.
        label: A category.
        explanation: Why, in words.
        error: What went wrong; an evaluation with an error has no score.
        name: Which metric this is, in a list of several by one evaluator; None elsewhere.
        cost: What the evaluation itself cost, in the currency of the run's budget; None when not known.
        usage: Tokens of the evaluation itself, for example ``{"input_tokens": 210, "output_tokens": 12}``.
        duration_ms: How long the evaluation took, in milliseconds, without waiting for its turn.
        parts: Further metrics of the same evaluator by their names; as columns they are ``EVALUATOR.NAME``.
    """

    score: float | None = None
    label: str | None = None
    explanation: str | None = None
    error: str | None = None
    name: str | None = None
    cost: float | None = None
    usage: Mapping[str, int] | None = None
    duration_ms: float | None = None
    parts: Mapping[str, Evaluation] | None = None


class ExperimentRun(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of an experiment: what a task made of one example, and how it was scored.

    Attributes:
        example_id: The example, or None in an experiment without a dataset.
        output: The output as it is stored, a string; see :attr:`value` for the typed one.
        error: Why the task failed, or None.
        fields: Every other column, flat.
        id: The server's id of the row, or None before it is known.
    """

    example_id: str | None
    output: str | None = None
    error: str | None = None
    fields: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])
    id: str | None = None

    @property
    def value(self) -> Any:
        """The output as the task returned it: a string, or any other JSON value."""
        typed = self.fields.get(TYPED_OUTPUT)
        return self.output if typed is None else msgspec.json.decode(typed)

    @property
    def repetition(self) -> int:
        """Which repetition of its example this is, from 1."""
        number = self.fields.get(REPETITION)
        return number if isinstance(number, int) else 1

    @property
    def latency_ms(self) -> float | None:
        """How long the task took, in milliseconds, without waiting for its turn; None when not recorded."""
        latency = self.fields.get(LATENCY)
        return float(latency) if isinstance(latency, int | float) else None

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata that was given to the run of the experiment."""
        start = len(METADATA_PREFIX)
        return {name[start:]: value for name, value in self.fields.items() if name.startswith(METADATA_PREFIX)}

    @property
    def evaluations(self) -> dict[str, Evaluation]:
        """The evaluations by the name of their evaluator."""
        return _evaluations(self.fields)

    @property
    def scores(self) -> dict[str, float]:
        """The scores by the name of their evaluator; an evaluation without a score is not among them."""
        end = len(".score")
        found = {
            name[len(_EVAL) : -end]: _number(value)
            for name, value in self.fields.items()
            if name.startswith(_EVAL) and name.endswith(".score")
        }
        return {name: score for name, score in found.items() if name and score is not None}

    def score(self, evaluator: str) -> float | None:
        """Return the score that ``evaluator`` gave, or None when there is none."""
        return _number(self.fields.get(f"{_EVAL}{evaluator}.score"))

    @classmethod
    def from_wire(cls, item: Mapping[str, Any]) -> ExperimentRun:
        """Make a run of the flat object that the server sends.

        Raises:
            msgspec.ValidationError: ``id`` is missing, or a field of the server's has the wrong type.
        """
        own = msgspec.convert({name: item[name] for name in _OWN if name in item}, prepared(_Own))
        fields = {name: value for name, value in item.items() if name not in _OWN}
        return cls(id=own.id, example_id=own.example_id, output=own.output, error=own.error, fields=fields)

    def to_wire(self) -> dict[str, Any]:
        """Return the flat object that a create or an insert takes; a failed run has an empty output."""
        item: dict[str, Any] = {"example_id": self.example_id, "output": self.output or ""}
        if self.example_id is None:
            del item["example_id"]
        if self.error is not None:
            item["error"] = self.error
        item.update(self.fields)
        return item


def evaluation_columns(name: str, evaluation: Evaluation) -> dict[str, Any]:
    """Return the flat columns of one evaluation and of its parts; what is None gets no column."""
    columns: dict[str, Any] = {}
    for part in _EVAL_PARTS:
        value = getattr(evaluation, part)
        if value is not None:
            columns[f"{_EVAL}{name}.{part}"] = value
    for fact in _EVAL_FACTS:
        value = getattr(evaluation, fact)
        if value is not None:
            column = f"{_EVAL_FACT_PREFIX}{name}.{fact}"
            columns[column] = msgspec.json.encode(value).decode() if fact == "usage" else value
    for part, further in (evaluation.parts or {}).items():
        columns.update(evaluation_columns(f"{name}.{part}", further))
    return columns


class _Own(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    example_id: str | None = None
    output: str | None = None
    error: str | None = None


def _evaluations(fields: Mapping[str, Any]) -> dict[str, Evaluation]:
    found: dict[str, dict[str, Any]] = {}
    for column, value in fields.items():
        name, _, part = column.rpartition(".")
        if part in _EVAL_PARTS and name.startswith(_EVAL):
            text = _number(value) if part == "score" else value if isinstance(value, str) else None
            found.setdefault(name[len(_EVAL) :], {})[part] = text
        elif part in _EVAL_FACTS and name.startswith(_EVAL_FACT_PREFIX):
            found.setdefault(name[len(_EVAL_FACT_PREFIX) :], {})[part] = _fact(part, value)
    return {name: Evaluation(**parts) for name, parts in found.items() if name}


def _fact(part: str, value: object) -> object:
    if part == "error":
        return str(value)
    return _usage(value) if part == "usage" else _number(value)


def _usage(value: object) -> Mapping[str, int] | None:
    try:
        return msgspec.json.decode(value, type=dict[str, int]) if isinstance(value, str) else None
    except msgspec.MsgspecError:
        return None  # written by something else under this name


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
