"""Stores the rows of a test session: in the journal, and on a server when asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from promptops.core.bridge import drive
from promptops.core.errors import NotFoundError, ValidationError
from promptops.experiments._compare import compare
from promptops.experiments._comparison import Comparison
from promptops.experiments._gates import RELATIVE_RULES, Verdict
from promptops.experiments._judge import judge
from promptops.experiments._pytest_cases import RecordedRow
from promptops.experiments._result import ExperimentResult
from promptops.experiments.journal._fingerprints import example_digest
from promptops.experiments.reports import journaled_result
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = ["Outcome", "judged_outcome", "on_journal", "on_server"]

_PART: Final = 1000
LATEST: Final = "latest"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one experiment of a session brought.

    Attributes:
        result: Its rows and metrics.
        comparison: With its baseline, when there is one.
        verdict: What its gates say, when there are any.
        passes: Whether it lets the session pass.
    """

    result: ExperimentResult
    comparison: Comparison | None
    verdict: Verdict | None
    passes: bool


def on_journal(place: Any, rows: Sequence[RecordedRow], name: str) -> ExperimentResult:
    """Store rows of one experiment in a local store, and return them as a result.

    Args:
        place: A ``LocalStore``.
        rows: Of one experiment.
        name: What to call it.
    """
    dataset = rows[0].dataset
    try:
        known = drive(_all(place.datasets.examples(dataset)))
    except NotFoundError:
        drive(place.datasets.create(dataset, _distinct(rows)))
    else:
        missing = _missing(known, rows)
        if missing:
            drive(place.datasets.append(dataset, missing))
    examples = drive(_all(place.datasets.examples(dataset)))
    runs = _runs(rows, examples)
    dataset_id = drive(place.datasets.get(dataset)).id
    stored = drive(place.experiments.create(name, dataset_id=dataset_id, runs=runs[:_PART]))
    for start in range(_PART, len(runs), _PART):
        drive(place.experiments.upload_runs(stored.id, runs[start : start + _PART]))
    return journaled_result(stored.id, journal=place.journal)


def on_server(rows: Sequence[RecordedRow], name: str) -> str:
    """Store rows of one experiment on the server of the environment, and return the id that it got."""
    from promptops.core.config import RuntimeConfig
    from promptops.core.sync_runtime import SyncRuntime
    from promptops.experiments._datasets import AsyncDatasets
    from promptops.experiments._experiments import AsyncExperiments

    config = RuntimeConfig.from_env()
    runtime = SyncRuntime(config)
    datasets, experiments = (
        AsyncDatasets(runtime, project=config.project),
        AsyncExperiments(runtime, project=config.project),
    )
    dataset = rows[0].dataset
    try:
        try:
            known = drive(datasets.examples(dataset))
        except NotFoundError:
            drive(datasets.create(dataset, _distinct(rows)))
        else:
            missing = _missing(known, rows)
            if missing:
                drive(datasets.insert(dataset, missing))
        runs = _runs(rows, drive(datasets.examples(dataset)))
        return drive(experiments.create(name, dataset=dataset, runs=runs)).id
    finally:
        drive(runtime.aclose())


def judged_outcome(place: Any, rows: Sequence[RecordedRow], result: ExperimentResult, experiment: str) -> Outcome:
    """Compare a stored result with its baseline, and hold it against its gates."""
    first = rows[0]
    before = None if first.baseline is None else _baseline(place, first.baseline, result, experiment)
    comparison: Comparison | None = None
    gates = list(first.gates)
    if before is not None:
        comparison = compare(before, result, lower_is_better=first.lower_is_better)
        verdict = judge(comparison, gates) if gates else None
    else:
        # The first run has nothing to be compared with; it is the baseline of the next.
        gates = [gate for gate in gates if not any(rule in RELATIVE_RULES for rule in gate.limits)]
        verdict = judge(result, gates) if gates else None
    if comparison is not None and verdict is not None:
        comparison = msgspec.structs.replace(comparison, verdict=verdict)
    allowed = {"pass"} if first.inconclusive == "fail" else {"pass", "inconclusive"}
    return Outcome(
        result=result, comparison=comparison, verdict=verdict, passes=verdict is None or verdict.status in allowed
    )


def _baseline(place: Any, wanted: str, result: ExperimentResult, experiment: str) -> ExperimentResult | None:
    dataset_id = result.experiment.dataset_id
    if wanted != LATEST:
        return journaled_result(wanted, journal=place.journal, dataset_id=dataset_id)
    earlier = [
        record
        for record in place.journal.experiments()
        if record.plan.dataset_id == dataset_id
        and record.id != result.experiment.id
        and record.plan.name.startswith(f"{experiment} ")
    ]
    return journaled_result(earlier[-1].id, journal=place.journal) if earlier else None


def _distinct(rows: Iterable[RecordedRow]) -> list[dict[str, Any]]:
    return list({example_digest(row.fields): dict(row.fields) for row in rows}.values())


def _missing(known: Iterable[DatasetExample], rows: Iterable[RecordedRow]) -> list[dict[str, Any]]:
    there = {example_digest(example.fields) for example in known}
    return [fields for fields in _distinct(rows) if example_digest(fields) not in there]


def _runs(rows: Iterable[RecordedRow], examples: Iterable[DatasetExample]) -> list[ExperimentRun]:
    """Give rows the ids that their examples have in a store; the last of the same row counts."""
    ids = {example_digest(example.fields): example.id for example in examples}
    found: dict[tuple[str, int], ExperimentRun] = {}
    for row in rows:
        ident = ids.get(example_digest(row.fields))
        if ident is None:
            raise ValidationError(f"dataset {row.dataset!r} lacks the example of case {row.fields['case']!r}")
        found[ident, row.run.repetition] = msgspec.structs.replace(row.run, example_id=ident)
    return list(found.values())


async def _all(items: Any) -> list[DatasetExample]:
    return [item async for item in items]
