"""Opens the journal of a run: begins an experiment in it, or holds one again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from promptops.core.errors import ConflictError
from promptops.core.log import event
from promptops.experiments._left import copy_unchanged
from promptops.experiments._made_by import evaluator_prints, example_digests, run_plan
from promptops.experiments._options import Request
from promptops.experiments._plan import Plan
from promptops.experiments._session import Kept
from promptops.experiments.journal import ExperimentRecord, Journal
from promptops.models.datasets import DatasetExample

if TYPE_CHECKING:
    from promptops.experiments.stores import Stores

__all__ = ["begin", "begin_from", "given_journal", "open_journal", "own_journal", "refuse_other_examples", "resume"]


def open_journal(request: Request) -> tuple[Journal, bool]:
    """Return the journal of a run, and whether the run opened it."""
    given = given_journal(request)
    return (own_journal(request), True) if given is None else (given, False)


def given_journal(request: Request) -> Journal | None:
    """Return the journal that a run was given open, if it was."""
    given = request.given.get("journal")
    return given if isinstance(given, Journal) else None


def own_journal(request: Request) -> Journal:
    """Open the journal of a run that was given none open."""
    given = request.given.get("journal")
    return Journal.open(None if given is None else str(given))


def begin(request: Request, plan: Plan, dataset_id: str, dataset_name: str, stores: Stores | None = None) -> Kept:
    """Begin an experiment in the journal of the run; of the server of the stores, if there are any.

    Raises:
        ConflictError: The journal has an experiment of that name with rows that are stored nowhere else; one without
            rows, of a run that ended before the first, gives way.
        JournalError: The journal cannot be used.
    """
    journal, own = open_journal(request)
    try:
        wanted = run_plan(request, plan, dataset_id, dataset_name, "" if stores is None else stores.origin)
        unique_ids = stores is not None and stores.unique_ids
        try:
            journaled = journal.begin(wanted, unique_ids=unique_ids)
        except ConflictError:
            _forget_stored(journal, request, dataset_id, "" if unique_ids else wanted.origin)
            journaled = journal.begin(wanted, unique_ids=unique_ids)
        return Kept(journaled=journaled, journal=journal if own else None, fingerprint=wanted.fingerprint)
    except BaseException:
        if own:
            journal.close()
        raise


def begin_from(  # noqa: PLR0917 - as begin, and the experiment before
    request: Request, plan: Plan, dataset_id: str, dataset_name: str, previous: str, stores: Stores | None = None
) -> tuple[Kept, Plan]:
    """Begin an experiment as :func:`begin` does, and take over what has not changed since the experiment before.

    Raises:
        NotFoundError: The journal has no experiment named ``previous`` of that dataset; nothing was begun.
    """
    journal, own = open_journal(request)
    try:
        origin = "" if stores is None else stores.journal_origin
        records = list(journal.units(journal.get(previous, dataset_id=dataset_id, origin=origin).id))
    finally:
        if own:
            journal.close()
    kept = begin(request, plan, dataset_id, dataset_name, stores)
    try:
        return kept, copy_unchanged(plan, kept, records, previous)
    except BaseException:
        kept.close()
        raise


def resume(
    request: Request,
    record: ExperimentRecord,
    journal: Journal,
    own: bool,
    plan: Plan | None,
    *,
    accept_changes: bool,
    origin: str = "",
) -> Kept:
    """Hold an experiment again; ``plan`` is compared with what was run before, None compares nothing.

    From now on it is one of the server at ``origin``, where that is known.

    Raises:
        ResumeRefused: Something changed.
        ExperimentHeld: Another process runs it.
    """
    before = record.plan
    if plan is None:
        journaled = journal.resume(record.id)
        prints = evaluator_prints(request)
        fingerprint = msgspec.structs.replace(before.fingerprint, evaluators=prints)
    else:
        wanted = run_plan(request, plan, before.dataset_id, before.dataset_name, before.origin)
        journaled = journal.resume(record.id, wanted, accept_changes=accept_changes)
        fingerprint = wanted.fingerprint
    if origin and before.origin != origin:
        try:
            journaled.set_origin(origin)
        except BaseException:
            journaled.close()
            raise
        if before.origin:
            event("experiment_moved", experiment=before.name, before=before.origin, origin=origin)
    return Kept(journaled=journaled, journal=journal if own else None, fingerprint=fingerprint)


def refuse_other_examples(record: ExperimentRecord, journal: Journal, examples: Sequence[DatasetExample]) -> None:
    """Refuse to store an experiment anew over examples that are not those that its outputs are of.

    Raises:
        ConflictError: Some changed since, or belong to another dataset that has the id now.
    """
    plan = record.plan
    scored = {unit.example_id for unit in journal.units(record.id)}
    now = example_digests([example for example in examples if example.id in scored])
    changes = journal.changes(
        record.id,
        msgspec.structs.replace(plan, fingerprint=msgspec.structs.replace(plan.fingerprint, examples=now)),
    )
    if changes:
        raise ConflictError(
            f"experiment {plan.name!r} is not in the store any more, and would be stored anew over other examples than "
            f"its outputs are of: {'; '.join(change.message for change in changes)}. Nothing was scored",
            details={"dataset_id": plan.dataset_id},
        )


def _forget_stored(journal: Journal, request: Request, dataset_id: str, origin: str) -> None:
    """Delete an experiment of that name from the journal, if it has no rows, or a server had all and deleted them."""
    record = journal.get(request.name, dataset_id=dataset_id, origin=origin)
    with journal.resume(record.id) as journaled:
        stored = record.remote_id is not None and next(iter(journaled.not_uploaded()), None) is None
        empty = not any(journaled.counts().values())
    # A run that ended before its first row paid for nothing; what has no units was made by a store that was asked to.
    if not (stored or (empty and record.plan.units)):
        rows = "without rows" if empty else "with rows that are stored nowhere else"
        raise ConflictError(
            f"the journal {journal.path} has an experiment named {request.name!r} already, {rows}; go on with it by "
            f"experiments.resume({request.name!r}, ...), or choose another name. No task was run",
            details={"experiment_id": record.id},
        )
    journal.delete(record.id)
