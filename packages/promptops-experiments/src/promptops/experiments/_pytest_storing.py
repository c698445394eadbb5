"""Stores the rows of a test session in the journal, and judges what they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from promptops.core.bridge import drive
from promptops.core.errors import NotFoundError
from promptops.experiments._compare import compare
from promptops.experiments._comparison import Comparison
from promptops.experiments._gates import RELATIVE_RULES, Verdict
from promptops.experiments._judge import judge
from promptops.experiments._pytest_cases import RecordedRow
from promptops.experiments._pytest_rows import distinct, is_run_of, missing, runs_of
from promptops.experiments._result import ExperimentResult
from promptops.experiments.reports import journaled_result
from promptops.models.datasets import DatasetExample

__all__ = ["Outcome", "judged_outcome", "on_journal"]

Pair: TypeAlias = tuple[ExperimentResult, ExperimentResult]
_PART: Final = 1000


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
        drive(place.datasets.create(dataset, distinct(rows)))
    else:
        lacking = missing(known, rows)
        if lacking:
            drive(place.datasets.append(dataset, lacking))
    examples = drive(_all(place.datasets.examples(dataset)))
    runs = runs_of(rows, examples)
    dataset_id = drive(place.datasets.get(dataset)).id
    stored = drive(place.experiments.create(name, dataset_id=dataset_id, runs=runs[:_PART]))
    for start in range(_PART, len(runs), _PART):
        drive(place.experiments.upload_runs(stored.id, runs[start : start + _PART]))
    return journaled_result(stored.id, journal=place.journal)


def judged_outcome(
    place: Any,
    rows: Sequence[RecordedRow],
    result: ExperimentResult,
    experiment: str,
    *,
    elsewhere: Callable[[], Pair | None] | None = None,
) -> Outcome:
    """Compare a stored result with its baseline, and hold it against its gates.

    Args:
        place: A ``LocalStore``, where the baseline is looked for first.
        rows: Of one experiment.
        result: What they say.
        experiment: What it is called without the name of the run.
        elsewhere: Finds the baseline and this experiment on a server, when the journal does not have the baseline.

    Raises:
        NotFoundError: The baseline is a name, and there is none of it.
    """
    first = rows[0]
    pair = None if first.baseline is None else _pair(place, first.baseline, result, experiment, elsewhere)
    comparison: Comparison | None = None
    gates = list(first.gates)
    if pair is not None:
        comparison = compare(*pair, lower_is_better=first.lower_is_better)
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


def _pair(
    place: Any,
    wanted: str,
    result: ExperimentResult,
    experiment: str,
    elsewhere: Callable[[], Pair | None] | None,
) -> Pair | None:
    try:
        before = _baseline(place, wanted, result, experiment)
    except NotFoundError:
        if elsewhere is None:
            raise
        before = None
    if before is not None:
        return before, result
    return None if elsewhere is None else elsewhere()


def _baseline(place: Any, wanted: str, result: ExperimentResult, experiment: str) -> ExperimentResult | None:
    dataset_id = result.experiment.dataset_id
    if wanted != "latest":
        return journaled_result(wanted, journal=place.journal, dataset_id=dataset_id)
    earlier = [
        record
        for record in place.journal.experiments()
        if record.plan.dataset_id == dataset_id
        and record.id != result.experiment.id
        and is_run_of(experiment, record.plan.name)
    ]
    return journaled_result(earlier[-1].id, journal=place.journal) if earlier else None


async def _all(items: Any) -> list[DatasetExample]:
    return [item async for item in items]
