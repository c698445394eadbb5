"""The rows of a test session as examples and runs of a store, and the name of the experiment that they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._pytest_cases import RecordedRow
from promptops.experiments.journal._fingerprints import example_digest
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = ["distinct", "is_run_of", "missing", "run_name", "runs_of"]


def run_name(experiment: str, label: str) -> str:
    """The name of an experiment with that of the run, which holds no white space."""
    return f"{experiment} {label}"


def is_run_of(experiment: str, name: str) -> bool:
    """Whether a name is that of a run of an experiment; experiments may have names that begin with those of others."""
    label = name.removeprefix(run_name(experiment, ""))
    return label != name and label.split() == [label]


def distinct(rows: Iterable[RecordedRow]) -> list[dict[str, Any]]:
    """The examples of rows, each once."""
    return list({example_digest(row.fields): dict(row.fields) for row in rows}.values())


def missing(known: Iterable[DatasetExample], rows: Iterable[RecordedRow]) -> list[dict[str, Any]]:
    """The examples of rows that a dataset does not have; one that differs in any field but its split is another one."""
    there = {example_digest(example.fields) for example in known}
    return [fields for fields in distinct(rows) if example_digest(fields) not in there]


def runs_of(rows: Iterable[RecordedRow], examples: Iterable[DatasetExample]) -> list[ExperimentRun]:
    """Give rows the ids that their examples have in a store; the last of the same row counts."""
    ids = {example_digest(example.fields): example.id for example in examples}
    found: dict[tuple[str, int], ExperimentRun] = {}
    for row in rows:
        ident = ids.get(example_digest(row.fields))
        if ident is None:
            raise ValidationError(f"dataset {row.dataset!r} lacks the example of case {row.fields['case']!r}")
        found[ident, row.run.repetition] = msgspec.structs.replace(row.run, example_id=ident)
    return list(found.values())
