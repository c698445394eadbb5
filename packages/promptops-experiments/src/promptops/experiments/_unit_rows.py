"""The row of a unit: what the journal holds of it as the columns that stores and reports know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from promptops.experiments._chunks import LARGEST_ITEM
from promptops.experiments._cost import Usage
from promptops.experiments._json import NotStorable, json_text, storable_text
from promptops.experiments._plan import Finished, Plan
from promptops.experiments._row_facts import COST
from promptops.experiments.journal import UnitRecord
from promptops.models.experiments import (
    LATENCY,
    REPETITION,
    TYPED_OUTPUT,
    Evaluation,
    ExperimentRun,
    evaluation_columns,
)

__all__ = ["ATTEMPTS", "STARTED_AT", "TRACE_ID", "WAITING", "row_of", "standing_rows", "stored_output", "usage_of"]

ATTEMPTS: Final = "promptops.attempts"
STARTED_AT: Final = "promptops.started_at"
TRACE_ID: Final = "promptops.trace_id"
WAITING: Final = "promptops.waiting"

_ROOM: Final = 4 * 1024 * 1024
_QUOTE: Final = '"'


def stored_output(value: object) -> str:
    """Return an output as JSON text.

    Raises:
        NotStorable: JSON cannot hold it, or it is larger than a row may be.
    """
    if isinstance(value, str):
        text = msgspec.json.encode(storable_text(str.__str__(value))).decode()
        size = len(text)
    else:
        text = json_text(value)
        size = 2 * len(text)  # the text, and the typed value
    if size > _ROOM:
        raw = text.encode()
        size = len(raw) if isinstance(value, str) else len(raw) + len(msgspec.json.encode(text))
        if size > LARGEST_ITEM - _ROOM // 4:
            raise NotStorable(
                f"it takes {size / 2**20:.0f} MiB in its row, more than the {LARGEST_ITEM // 2**20 - 1} MiB that fit"
            )
    return text


def row_of(
    record: UnitRecord, evaluations: Mapping[str, Evaluation], columns: Mapping[str, Any] | None = None
) -> ExperimentRun:
    """Return the row of a unit.

    Args:
        record: What the task brought.
        evaluations: What the evaluators said, by name.
        columns: Further columns.
    """
    fields: dict[str, Any] = {REPETITION: record.repetition}
    if record.service_s is not None:
        fields[LATENCY] = round(record.service_s * 1000, 3)
    if record.started_at is not None:
        fields[STARTED_AT] = datetime.fromtimestamp(record.started_at, UTC).isoformat(timespec="milliseconds")
    if record.waiting_s:
        fields[WAITING] = round(record.waiting_s * 1000, 3)
    if record.attempts != 1:
        fields[ATTEMPTS] = record.attempts
    if record.cost is not None:
        fields[COST] = record.cost
    if record.usage:
        fields.update({f"promptops.{name}": count for name, count in record.usage.items()})
    output = record.output or ""
    if output.startswith(_QUOTE):
        output = msgspec.json.decode(output, type=str)
    elif record.output is not None:
        fields[TYPED_OUTPUT] = output
    for name, evaluation in evaluations.items():
        fields.update(evaluation_columns(name, evaluation))
    fields.update(record.fields)
    if columns:
        fields.update(columns)
    return ExperimentRun(example_id=record.example_id, output=output, error=record.error, fields=fields)


def standing_rows(plan: Plan) -> Iterator[Finished]:
    """Yield the rows of the units that have nothing left to do."""
    for unit in plan.units:
        if unit.prior is not None and unit.is_done:
            evaluations = {name: score.evaluation for name, score in unit.prior.scores.items()}
            run = row_of(unit.prior, evaluations, plan.options.columns)
            yield Finished(position=unit.position, run=run)


def usage_of(usage: Usage) -> dict[str, int] | None:
    """Return the tokens as a journal keeps them, or None when there are none."""
    found = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    return {name: count for name, count in found.items() if count} or None
