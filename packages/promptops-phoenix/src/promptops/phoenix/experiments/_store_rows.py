"""Rows as a Phoenix server takes them: the body of a run, and the bodies of its evaluations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import msgspec
from promptops.core import codec
from promptops.core.errors import ValidationError
from promptops.experiments.journal import UnitKey
from promptops.models.experiments import (
    LATENCY,
    REPETITION,
    TYPED_OUTPUT,
    Evaluation,
    ExperimentRun,
    evaluation_columns,
)
from promptops.phoenix._checks import aware, check_finite, check_name, check_storable, json_body, refused, shown
from promptops.phoenix._ids import check_id
from promptops.phoenix._numbers import LARGE_NUMBER_TEXT, large_numbers

__all__ = [
    "COST",
    "KIND",
    "META",
    "STARTED_AT",
    "TRACE_ID",
    "USAGE",
    "EvaluationDraft",
    "RunDraft",
    "evaluation_drafts",
    "names_of",
    "run_drafts",
]

STARTED_AT: Final = "promptops.started_at"
TRACE_ID: Final = "promptops.trace_id"
COST: Final = "promptops.cost"
USAGE: Final = "promptops.usage"
KIND: Final = "promptops.eval.{}.annotator_kind"
META: Final = "promptops.eval.{}.metadata"

_KINDS: Final = ("CODE", "LLM", "HUMAN")
_MOST_NAMED: Final = 20
_DEEPEST: Final = codec.MAX_DEPTH - 8
_LONGEST_MS: Final = 366 * 24 * 3600 * 1000.0


class EvaluationDraft(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation, ready to be sent but for the id of its run."""

    name: str
    fields: dict[str, Any]

    def body(self, run_id: str) -> bytes:
        """Return the body of the request."""
        return json_body({"experiment_run_id": run_id, "name": self.name, **self.fields})


class RunDraft(msgspec.Struct, frozen=True, kw_only=True):
    """One run, ready to be sent.

    Attributes:
        key: Its example and repetition.
        output: What is sent as its output: any JSON value.
        error: Why its task failed, or None.
        body: The body of the request.
        evaluations: Its evaluations.
    """

    key: UnitKey
    output: Any
    error: str | None
    body: bytes
    evaluations: tuple[EvaluationDraft, ...]


def run_drafts(runs: Sequence[ExperimentRun], *, now: datetime | None = None) -> Iterator[RunDraft]:
    """Yield the drafts of all runs; when some cannot be stored, that is raised at the end, and none is to be used.

    Args:
        runs: The rows.
        now: When a run ended that does not say when it started; the present when absent.

    Raises:
        ValidationError: Some cannot be stored; every problem is named, with its position.
    """
    moment = datetime.now(UTC) if now is None else now
    problems: list[dict[str, Any]] = []
    seen: dict[UnitKey, int] = {}
    for index, run in enumerate(runs):
        try:
            draft = _run_draft(run, moment)
            first = seen.setdefault(draft.key, index)
            if first != index:
                raise refused("repetition", f"is that of runs[{first}], of the same example")
        except ValidationError as exc:
            problems += [{**problem, "field": f"runs[{index}].{problem['field']}"} for problem in exc.validation_errors]
        else:
            yield draft
    if problems:
        named = "; ".join(f"{problem['field']} {problem['message']}" for problem in problems[:_MOST_NAMED])
        more = f"; and {len(problems) - _MOST_NAMED} more" if len(problems) > _MOST_NAMED else ""
        raise ValidationError(f"runs that cannot be stored: {named}{more}", validation_errors=problems)


def evaluation_drafts(name: str, evaluation: Evaluation, *, ended: datetime | None = None) -> list[EvaluationDraft]:
    """Make the drafts of one evaluation and of its parts, which are stored as ``NAME.PART``.

    Args:
        name: The evaluator.
        evaluation: What it said.
        ended: When it ended; the present when absent.

    Raises:
        ValidationError: A number is not finite, or the name or a text cannot be stored.
    """
    check_name("name", name)
    moment = datetime.now(UTC) if ended is None else ended
    duration = _milliseconds("duration_ms", evaluation.duration_ms)
    columns = evaluation_columns(name, evaluation)
    found = ExperimentRun(example_id=None, fields=columns).evaluations or {name: Evaluation()}
    return [_evaluation_draft(each, said, moment - duration, {}) for each, said in found.items()]


def _run_draft(run: ExperimentRun, now: datetime) -> RunDraft:
    example_id = run.example_id
    if not isinstance(example_id, str):
        raise refused("example_id", "is needed: the id of an example of the dataset")
    check_id("example_id", example_id, "DatasetExample")
    repetition = run.fields.get(REPETITION, 1)
    if not isinstance(repetition, int) or isinstance(repetition, bool) or repetition < 1:
        raise refused("repetition", f"must be a whole number of at least 1, not {shown(repetition)}")
    output, sent = _output(run)
    took = _milliseconds(LATENCY, run.fields.get(LATENCY))
    started = _moment(run.fields.get(STARTED_AT))
    ended = now if started is None else started + took
    fields: dict[str, Any] = {
        "dataset_example_id": example_id,
        "output": sent,
        "repetition_number": repetition,
        "start_time": ended - took,
        "end_time": ended,
    }
    if run.error is not None:
        fields["error"] = run.error
    trace_id = run.fields.get(TRACE_ID)
    if isinstance(trace_id, str) and trace_id:
        fields["trace_id"] = trace_id
    body = json_body(fields)
    if codec.depth_exceeds(body, _DEEPEST):
        raise refused("output", f"nests deeper than {_DEEPEST - 1} levels")
    drafts: list[EvaluationDraft] = []
    for name, said in run.evaluations.items():
        drafts.append(_evaluation_draft(check_name("evaluator", name), said, ended, run.fields))
    return RunDraft(
        key=UnitKey(example_id, repetition), output=output, error=run.error, body=body, evaluations=tuple(drafts)
    )


def _output(run: ExperimentRun) -> tuple[Any, Any]:
    """The output as a value, and as what goes into a body."""
    typed = run.fields.get(TYPED_OUTPUT)
    if typed is None:
        empty = run.error is not None and not run.output
        return (None, None) if empty else (run.output, run.output)
    if not isinstance(typed, str):
        raise refused(TYPED_OUTPUT, f"must be JSON text, not {type(typed).__name__}")
    try:
        output, sent = msgspec.json.decode(typed), msgspec.Raw(typed.encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as exc:
        raise refused(TYPED_OUTPUT, f"is not JSON that can be stored: {exc}") from exc
    if LARGE_NUMBER_TEXT.search(typed) and next(large_numbers(output), None) is not None:
        raise refused("output", "holds a number of more than 64 bits, which the server cannot store; send text")
    return output, sent


def _evaluation_draft(name: str, said: Evaluation, started: datetime, columns: Mapping[str, Any]) -> EvaluationDraft:
    parts = {"score": said.score, "label": said.label, "explanation": said.explanation}
    result = {part: value for part, value in parts.items() if value is not None}
    facts = {COST: said.cost, USAGE: said.usage}
    metadata = _metadata(columns.get(META.format(name)))
    metadata.update({fact: value for fact, value in facts.items() if value is not None})
    kind = columns.get(KIND.format(name))
    fields: dict[str, Any] = {
        "annotator_kind": kind if kind in _KINDS else "LLM" if said.usage else "CODE",
        "start_time": started,
        "end_time": started + _milliseconds(f"{name}.duration_ms", said.duration_ms),
    }
    if said.error is not None:
        fields["error"] = said.error
    if result or said.error is None:
        fields["result"] = result
    if metadata:
        check_storable(f"eval.{name}.metadata", metadata)
        fields["metadata"] = metadata
    check_finite(f"eval.{name}", fields)
    return EvaluationDraft(name=name, fields=fields)


def _metadata(column: object) -> dict[str, Any]:
    if not isinstance(column, str):
        return {}
    try:
        return msgspec.json.decode(column, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}  # written by something else under this name


def _milliseconds(field: str, value: object) -> timedelta:
    if value is None:
        return timedelta()
    if not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= _LONGEST_MS:
        raise refused(field, f"must be milliseconds from 0 to a year's, not {shown(value)}")
    return timedelta(milliseconds=value)


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        return aware(STARTED_AT, datetime.fromisoformat(cast("str", value)))
    except (TypeError, ValueError):
        raise refused(STARTED_AT, f"must be an RFC 3339 date and time, not {shown(value)}") from None


def names_of(names: Iterable[str]) -> list[str]:
    """Return the names of evaluators, checked, each once.

    Raises:
        ValidationError: There is none.
    """
    found = [check_name("names", name) for name in dict.fromkeys(names)]
    if not found:
        raise refused("names", "must name at least one evaluator")
    return found
