"""Turns rows of a store into what a journal holds of them."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec
from promptops.experiments._unit_rows import STARTED_AT
from promptops.experiments.journal import ScoreRecord, UnitRecord
from promptops.models.experiments import (
    LATENCY,
    REPETITION,
    TYPED_OUTPUT,
    Evaluation,
    ExperimentRun,
    evaluation_columns,
)

__all__ = ["record_of", "with_parts"]


def record_of(row: ExperimentRun, *, evaluators: Collection[str] = (), fingerprint: str | None = None) -> UnitRecord:
    """Return a row as a journal holds it; made a row again, it has the same columns.

    Args:
        row: The row.
        evaluators: Names whose evaluations may have parts; see :func:`with_parts`.
        fingerprint: Of the evaluators.
    """
    evaluations = row.evaluations
    own = {REPETITION, LATENCY, TYPED_OUTPUT, STARTED_AT}
    for name, evaluation in evaluations.items():
        own.update(evaluation_columns(name, evaluation))
    fields = {name: value for name, value in row.fields.items() if name not in own}
    started = _time(row.fields.get(STARTED_AT))
    if started is None and STARTED_AT in row.fields:
        fields[STARTED_AT] = row.fields[STARTED_AT]
    typed: Any = row.fields.get(TYPED_OUTPUT)
    output = typed if isinstance(typed, str) else msgspec.json.encode(row.output or "").decode()
    latency = row.latency_ms
    return UnitRecord(
        example_id=row.example_id or "",
        repetition=row.repetition,
        state="failed" if row.error is not None else "done",
        output=None if row.error is not None and not row.output else output,
        error=row.error,
        service_s=None if latency is None else latency / 1000,
        started_at=started,
        finished_at=time.time(),
        fields=fields,
        scores={
            name: ScoreRecord(evaluator=name, evaluation=evaluation, fingerprint=fingerprint)
            for name, evaluation in with_parts(evaluations, evaluators).items()
        },
    )


def with_parts(evaluations: Mapping[str, Evaluation], evaluators: Collection[str]) -> dict[str, Evaluation]:
    """Return the evaluations with those named ``EVALUATOR.NAME`` as parts of that of their evaluator.

    Only evaluators that are named can have parts, because a dot may belong to a name.
    """
    whole = {name: evaluation for name, evaluation in evaluations.items() if name in evaluators}
    parts: dict[str, dict[str, Evaluation]] = {}
    for name, evaluation in evaluations.items():
        if name in whole:
            continue
        owner = max((known for known in evaluators if name.startswith(f"{known}.")), key=len, default=None)
        if owner is None:
            whole[name] = evaluation
        else:
            parts.setdefault(owner, {})[name[len(owner) + 1 :]] = evaluation
    for owner, named in parts.items():
        whole[owner] = msgspec.structs.replace(whole.get(owner, Evaluation()), parts=named)
    return whole


def _time(text: object) -> float | None:
    """Return a time with its offset in Unix seconds; None for everything else."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if found.tzinfo is None else found.timestamp()
