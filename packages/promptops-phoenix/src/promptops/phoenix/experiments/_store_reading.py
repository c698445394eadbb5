"""Rows as a Phoenix server gives them back: its runs and their annotations as runs of ours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from promptops.core.narrow import is_array, is_object
from promptops.core.runtime import Runtime
from promptops.experiments.journal import UnitKey
from promptops.models.experiments import (
    LATENCY,
    REPETITION,
    TYPED_OUTPUT,
    Evaluation,
    ExperimentRun,
    evaluation_columns,
)
from promptops.phoenix import _generated as wire
from promptops.phoenix._http import fetch_json, path
from promptops.phoenix._large import in_turns
from promptops.phoenix.experiments._store_rows import COST, KIND, META, STARTED_AT, TRACE_ID, USAGE

__all__ = ["Annotation", "exported_annotations", "row_of", "same_value"]

_MILLISECOND: Final = timedelta(milliseconds=1)


class Annotation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One evaluation of the export; what is not needed is left out."""

    name: str
    annotator_kind: str = "CODE"
    label: str | None = None
    score: float | None = None
    explanation: str | None = None
    error: str | None = None
    metadata: dict[str, Any] | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None


class _Exported(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    example_id: str
    repetition_number: int
    annotations: list[Annotation]


async def exported_annotations(runtime: Runtime, experiment_id: str) -> dict[UnitKey, list[Annotation]]:
    """Return the annotations of the runs of an experiment, by example and repetition.

    Raises:
        NotFoundError: There is no such experiment, or it has no run.
        InvalidResponseError: The export does not have the form of one.
    """
    rows: list[_Exported] = await fetch_json(runtime, path("experiments", experiment_id, "json"), list[_Exported])
    return {key: annotations async for key, annotations in in_turns(runtime, rows, _annotations_of)}


def _annotations_of(rows: Sequence[_Exported]) -> list[tuple[UnitKey, list[Annotation]]]:
    return [(UnitKey(row.example_id, row.repetition_number), row.annotations) for row in rows]


def row_of(run: wire.ExperimentRun, annotations: Iterable[Annotation] = ()) -> ExperimentRun:
    """Return a run with its evaluations as columns.

    A score that is not finite, which other clients may have stored, becomes the error of its evaluation.
    """
    fields: dict[str, Any] = {REPETITION: run.repetition_number, STARTED_AT: run.start_time.isoformat()}
    if took := (run.end_time - run.start_time) / _MILLISECOND:
        fields[LATENCY] = round(took, 3)
    if isinstance(run.trace_id, str) and run.trace_id:
        fields[TRACE_ID] = run.trace_id
    error = run.error if isinstance(run.error, str) else None
    output: str = ""
    if isinstance(run.output, str):
        output = run.output
    elif run.output is not None or error is None:
        output = fields[TYPED_OUTPUT] = msgspec.json.encode(run.output).decode()
    for annotation in annotations:
        fields.update(_columns(annotation))
    return ExperimentRun(id=run.id, example_id=run.dataset_example_id, output=output, error=error, fields=fields)


def _columns(annotation: Annotation) -> dict[str, Any]:
    name = annotation.name
    metadata = dict(annotation.metadata or {})
    cost, usage = metadata.pop(COST, None), metadata.pop(USAGE, None)
    score, error = annotation.score, annotation.error
    if score is not None and not math.isfinite(score):
        error = error or f"the stored score is {score}, which is not a finite number"
        score = None
    took = 0.0
    if annotation.start_time is not None and annotation.end_time is not None:
        took = round((annotation.end_time - annotation.start_time) / _MILLISECOND, 3)
    evaluation = Evaluation(
        score=score,
        label=annotation.label,
        explanation=annotation.explanation,
        error=error,
        cost=float(cost) if isinstance(cost, int | float) else None,
        usage=_usage(usage),
        duration_ms=took or None,
    )
    columns = evaluation_columns(name, evaluation)
    if annotation.annotator_kind != "CODE":
        columns[KIND.format(name)] = annotation.annotator_kind
    if metadata:
        columns[META.format(name)] = msgspec.json.encode(metadata).decode()
    return columns


def _usage(value: object) -> Mapping[str, int] | None:
    if value is None:
        return None
    try:
        return msgspec.convert(value, dict[str, int])
    except msgspec.ValidationError:
        return None  # not ours


def same_value(one: object, other: object) -> bool:
    """Whether two JSON values are the same; unlike Python's, a boolean is no number here."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if is_object(one) and is_object(other):
        return one.keys() == other.keys() and all(same_value(value, other[name]) for name, value in one.items())
    if is_array(one) and is_array(other):
        return len(one) == len(other) and all(map(same_value, one, other))
    return one == other
