"""Posts runs and evaluations to a Phoenix server, several at once, each stored once however often it is sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

from promptops.core.errors import ConflictError, NotFoundError, PromptOpsError, ServerError, ValidationError
from promptops.core.messages import EXPERIMENT_RESULTS
from promptops.core.pagination import CursorPage, iterate_cursor
from promptops.core.runtime import Runtime
from promptops.experiments.journal import UnitKey
from promptops.phoenix import _generated as wire
from promptops.phoenix._checks import refused
from promptops.phoenix._http import holds_nul, is_failed, path, send
from promptops.phoenix._ids import is_global_id, number_of
from promptops.phoenix.experiments._lookup import RUNS_PER_PAGE, experiment_record, runs_page
from promptops.phoenix.experiments._store_known import Known
from promptops.phoenix.experiments._store_reading import same_value
from promptops.phoenix.experiments._store_rows import EvaluationDraft, RunDraft

__all__ = ["AT_ONCE", "post_evaluation", "post_evaluations", "post_run", "store_runs"]

AT_ONCE: Final = 8
"""Requests at once: one server process on SQLite is busy with fewer, and more only wait longer for their answers."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}")
_MOST_NAMED: Final = 20


async def store_runs(runtime: Runtime, known: Known, drafts: Sequence[RunDraft]) -> list[str]:
    """Store runs with their evaluations, and return their ids in the order given.

    Raises:
        ConflictError: Successful runs with other outputs stand in the place of some; the others are stored.
    """
    taken: dict[UnitKey, tuple[RunDraft, str | None]] = {}

    async def store(draft: RunDraft) -> None:
        try:
            run_id = await post_run(runtime, known, draft)
        except ConflictError as exc:
            taken[draft.key] = (draft, _named_run(exc.message))
            return
        known.run_ids[draft.key] = run_id
        for evaluation in draft.evaluations:
            await post_evaluation(runtime, known, run_id, evaluation)

    await runtime.gather(*[lambda draft=draft: store(draft) for draft in drafts], limit=AT_ONCE)
    if taken:
        await _reconcile(runtime, known, taken)
    return [known.run_ids[draft.key] for draft in drafts]


async def post_run(runtime: Runtime, known: Known, draft: RunDraft) -> str:
    """Store one run and return its id.

    Raises:
        ConflictError: A successful run is stored already.
        NotFoundError: The experiment is gone.
        ValidationError: The server failed on it, and it holds a NUL character.
    """
    where = path("experiments", known.record.id, "runs")
    shape = wire.CreateExperimentRunResponseBody
    try:
        answer = await send(runtime, "POST", where, draft.body, shape, profile=EXPERIMENT_RESULTS, repeatable=True)
    except ServerError as exc:
        await _explain(runtime, known.record, exc)
        _refuse_nul(f"the run of {draft.key.example_id}", draft.body, exc)
        raise
    return answer.data.id


async def post_evaluations(runtime: Runtime, known: Known, evaluations: Sequence[tuple[str, EvaluationDraft]]) -> None:
    """Store evaluations, each given with the id of its run; one of the same name is replaced."""
    await runtime.gather(
        *[
            lambda run_id=run_id, draft=draft: post_evaluation(runtime, known, run_id, draft)
            for run_id, draft in evaluations
        ],
        limit=AT_ONCE,
    )


async def post_evaluation(runtime: Runtime, known: Known | None, run_id: str, draft: EvaluationDraft) -> str:
    """Store one evaluation and return its id.

    Raises:
        NotFoundError: The experiment is gone.
        ValidationError: The server failed on it, and it holds a NUL character.
    """
    where = path("experiment_evaluations")
    shape = wire.UpsertExperimentEvaluationResponseBody
    body = draft.body(run_id)
    try:
        answer = await send(runtime, "POST", where, body, shape, profile=EXPERIMENT_RESULTS, repeatable=True)
    except ServerError as exc:
        if known is not None:
            await _explain(runtime, known.record, exc)
        _refuse_nul(f"the evaluation {draft.name!r:.80} of run {run_id}", body, exc)
        raise
    return answer.data.id


def _refuse_nul(what: str, body: bytes, error: ServerError) -> None:
    """Refuse what a server over PostgreSQL never takes: tried again and again, it would keep other rows from it."""
    if is_failed(error) and holds_nul(body):
        reason = "holds a NUL character (\\u0000), which the database of this server cannot store; leave it out"
        raise refused(what, reason) from error


async def _explain(runtime: Runtime, record: wire.Experiment, error: ServerError) -> None:
    """The server fails (500) where the experiment does not exist any more; find out whether that is it."""
    if error.status_code != 500:
        return
    try:
        await experiment_record(runtime, record.id)
    except NotFoundError as exc:
        raise NotFoundError(
            f"experiment {record.name!r} ({record.id}) was deleted on the server; its rows have no place to go",
            details={"experiment_id": record.id},
        ) from exc
    except PromptOpsError as exc:
        error.add_note(f"whether the experiment still exists could not be found out: {exc}")


def _named_run(sentence: str) -> str | None:
    """The id of a run that an error names in prose, or None."""
    return next((token for token in _TOKEN.findall(sentence) if is_global_id(token, "ExperimentRun")), None)


async def _reconcile(runtime: Runtime, known: Known, taken: dict[UnitKey, tuple[RunDraft, str | None]]) -> None:
    """Compare what is stored already with what was sent: the same is fine."""
    stored = await _stored(runtime, known.record.id, {key: named for key, (_, named) in taken.items()})
    other: list[UnitKey] = []
    evaluations: list[tuple[str, EvaluationDraft]] = []
    for key, (draft, _) in taken.items():
        run = stored.get(key)
        if run is None or draft.error is not None or not same_value(run.output, draft.output):
            other.append(key)
            continue
        known.run_ids[key] = run.id
        evaluations += [(run.id, evaluation) for evaluation in draft.evaluations]
    await post_evaluations(runtime, known, evaluations)
    if other:
        named = ", ".join(f"{key.example_id} repetition {key.repetition}" for key in other[:_MOST_NAMED])
        raise ConflictError(
            f"experiment {known.record.name!r} ({known.record.id}) has other successful runs of {len(other)} of these "
            f"units, and the server replaces only failed ones: {named}",
            details={"experiment_id": known.record.id, "units": [list(key) for key in other]},
        )


async def _stored(
    runtime: Runtime, experiment_id: str, wanted: dict[UnitKey, str | None]
) -> dict[UnitKey, wire.ExperimentRun]:
    """Return stored runs; the pages begin at the newest of those whose ids are known, and end at the last wanted."""
    named = [number_of(run_id, "ExperimentRun") for run_id in wanted.values() if run_id is not None]
    start, limit = None, RUNS_PER_PAGE
    if len(named) == len(wanted):
        start = next(
            run_id for run_id in wanted.values() if run_id and number_of(run_id, "ExperimentRun") == max(named)
        )
        limit = min(RUNS_PER_PAGE, max(named) - min(named) + 1)
    if start is not None:
        try:
            found = await _read_until(runtime, experiment_id, set(wanted), start, limit)
        except ValidationError:
            found = {}  # the server does not take the id of a run as a place in the list
        if len(found) == len(wanted):
            return found
    return await _read_until(runtime, experiment_id, set(wanted), None, RUNS_PER_PAGE)


async def _read_until(
    runtime: Runtime, experiment_id: str, wanted: set[UnitKey], cursor: str | None, limit: int
) -> dict[UnitKey, wire.ExperimentRun]:
    async def page(cursor: str | None) -> CursorPage[wire.ExperimentRun]:
        return await runs_page(runtime, cursor, experiment_id=experiment_id, limit=limit)

    found: dict[UnitKey, wire.ExperimentRun] = {}
    async with aclosing(iterate_cursor(page, cursor=cursor)) as runs:
        async for run in runs:
            key = UnitKey(run.dataset_example_id, run.repetition_number)
            if key in wanted:
                found[key] = run
                if len(found) == len(wanted):
                    break
    return found
