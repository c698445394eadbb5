"""The runs and evaluations that callers hand over themselves, checked before any request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, cast

from promptops.core.errors import UnsupportedOperation, ValidationError
from promptops.experiments._json import NotStorable, json_text
from promptops.models.experiments import LATENCY, REPETITION, TYPED_OUTPUT, ExperimentRun
from promptops.phoenix._checks import aware, check_finite, check_name, check_storable, refused
from promptops.phoenix.experiments._store_rows import STARTED_AT, TRACE_ID, EvaluationDraft

__all__ = ["AnnotatorKind", "checked_runs", "logged_evaluation", "logged_run"]

AnnotatorKind = Literal["CODE", "LLM", "HUMAN"]
"""Who or what made an evaluation."""

_KINDS: Final = ("CODE", "LLM", "HUMAN")
_MILLISECOND: Final = timedelta(milliseconds=1)
_OWN: Final = ("example_id", "output", "error")


def checked_runs(runs: Iterable[Mapping[str, Any] | ExperimentRun]) -> list[ExperimentRun]:
    """Return what a caller gave as rows; an output that is not a string is kept typed beside its text.

    Raises:
        ValidationError: There is none, or some do not have the form of a run; every problem is named.
        UnsupportedOperation: Some have columns of the caller's own, which a Phoenix server does not keep.
    """
    given: object = runs
    if isinstance(given, str | bytes | Mapping):
        raise ValidationError("runs must be a list of objects, not one object or text")
    rows: list[ExperimentRun] = []
    problems: list[dict[str, Any]] = []
    foreign: set[str] = set()
    for index, run in enumerate(cast("Iterable[object]", runs)):
        try:
            row = _row(run)
        except NotStorable as exc:
            problems.append({"field": f"runs[{index}]", "message": str(exc), "code": "invalid"})
            continue
        foreign.update(name for name in row.fields if name != LATENCY and not name.startswith(("promptops.", "eval.")))
        rows.append(row)
    if problems:
        named = "; ".join(f"{problem['field']}: {problem['message']}" for problem in problems[:20])
        raise ValidationError(f"{len(problems)} of the runs cannot be stored: {named}", validation_errors=problems)
    if not rows:
        raise ValidationError("there is no run; an experiment without any is made by create_empty")
    if foreign:
        raise UnsupportedOperation(
            f"the phoenix store does not support columns of your own ({', '.join(sorted(foreign)[:20])}); put them "
            "into the output, or into the metadata of the experiment",
            details={"store": "phoenix", "feature": "columns"},
        )
    return rows


def _row(run: object) -> ExperimentRun:
    if isinstance(run, ExperimentRun):
        return run
    if not isinstance(run, Mapping):
        raise NotStorable(f"must be an object, not {type(run).__name__}")
    item = dict(cast("Mapping[str, Any]", run))
    if not isinstance(item.get("example_id"), str):
        raise NotStorable("needs an example_id, the id of an example of the dataset")
    if "output" not in item:
        raise NotStorable("needs an output")
    error = item.get("error")
    if error is not None and not isinstance(error, str):
        raise NotStorable("has an error that is not text")
    fields = {name: value for name, value in item.items() if name not in {*_OWN, "id"}}
    output = item["output"]
    if not isinstance(output, str):
        output = fields[TYPED_OUTPUT] = json_text(output)
    return ExperimentRun(example_id=item["example_id"], output=output, error=error, fields=fields)


def logged_run(
    *,
    example_id: str,
    output: object,
    repetition: int,
    start_time: datetime,
    end_time: datetime,
    error: str | None,
    trace_id: str | None,
) -> ExperimentRun:
    """Return one run as a row.

    Raises:
        ValidationError: A time has no offset, the end is before the start, or the output has no JSON form.
    """
    took = aware("end_time", end_time) - aware("start_time", start_time)
    if took < timedelta():
        raise refused("end_time", "is before start_time")
    fields: dict[str, Any] = {
        REPETITION: repetition,
        STARTED_AT: start_time.isoformat(),
        LATENCY: took / _MILLISECOND,
    }
    if trace_id is not None:
        fields[TRACE_ID] = check_name("trace_id", trace_id)
    text = ""
    if isinstance(output, str):
        text = output
    elif output is not None or error is None:
        try:
            text = fields[TYPED_OUTPUT] = json_text(output)
        except NotStorable as exc:
            raise refused("output", f"cannot be stored: {exc}") from exc
    return ExperimentRun(example_id=example_id, output=text, error=error, fields=fields)


def logged_evaluation(
    *,
    name: str,
    score: float | None,
    label: str | None,
    explanation: str | None,
    error: str | None,
    annotator_kind: AnnotatorKind,
    metadata: Mapping[str, Any] | None,
    start_time: datetime | None,
    end_time: datetime | None,
    trace_id: str | None,
) -> EvaluationDraft:
    """Return one evaluation, ready to be sent.

    Raises:
        ValidationError: It says nothing, a number is not finite, a time has no offset, or there is no such kind.
    """
    check_name("name", name)
    parts = {"score": score, "label": label, "explanation": explanation}
    result = {part: value for part, value in parts.items() if value is not None}
    if not result and error is None:
        raise refused("score", "is missing: give a score, a label, an explanation or an error")
    if annotator_kind not in _KINDS:
        raise refused("annotator_kind", f"must be one of {', '.join(_KINDS)}, not {annotator_kind!r:.40}")
    check_finite("score", score)
    check_storable("metadata", None if metadata is None else dict(metadata))
    ended = datetime.now(UTC) if end_time is None else aware("end_time", end_time)
    started = ended if start_time is None else aware("start_time", start_time)
    if started > ended:
        raise refused("end_time", "is before start_time")
    fields: dict[str, Any] = {"annotator_kind": annotator_kind, "start_time": started, "end_time": ended}
    if result:
        fields["result"] = result
    others = {"error": error, "metadata": None if metadata is None else dict(metadata), "trace_id": trace_id}
    fields.update({field: value for field, value in others.items() if value is not None})
    return EvaluationDraft(name=name, fields=fields)
