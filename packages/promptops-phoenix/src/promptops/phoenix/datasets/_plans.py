"""Replacements that wait for a confirmation, and how one is carried out."""

from __future__ import annotations

import uuid
import weakref
from typing import Final

from promptops.core.errors import ConflictError, NotFoundError
from promptops.core.runtime import Runtime
from promptops.experiments._drafts import Progress
from promptops.experiments.datasets._changes import DatasetChanges
from promptops.experiments.datasets._spool import Spool
from promptops.phoenix.datasets._changes import Difference, Known, difference_of, every_row
from promptops.phoenix.datasets._models import PhoenixReplacePlan
from promptops.phoenix.datasets._rows import body_of
from promptops.phoenix.datasets._upload import Target, Uploaded, upload
from promptops.phoenix.datasets._uploads import append_rows, still_the_same
from promptops.phoenix.datasets._wire import latest_version, wire_dataset

__all__ = ["Pending", "Plans", "carry_out", "pending_of", "send_difference"]

_MOST_NAMED: Final = 100
_MOST_PENDING: Final = 16
_REPEAT: Final = "repeat the call to complete it"


class Pending:
    """A plan with the rows that it will send."""

    def __init__(
        self, plan: PhoenixReplacePlan, target: Target, difference: Difference, everything: Spool | None
    ) -> None:
        self.plan = plan
        self.target = target
        self.difference = difference
        self.everything = everything

    def close(self) -> None:
        """Forget the rows; safe to call twice."""
        self.difference.close()
        if self.everything is not None:
            self.everything.close()


class Plans:
    """The plans of one client that were neither carried out nor discarded; the latest 16 are kept."""

    def __init__(self) -> None:
        self._pending: dict[str, Pending] = {}
        # Rows may lie in temporary files, which have to be closed when the client goes.
        weakref.finalize(self, _close_all, self._pending)

    def add(self, pending: Pending) -> None:
        """Keep one."""
        while len(self._pending) >= _MOST_PENDING:
            self._pending.pop(next(iter(self._pending))).close()
        self._pending[pending.plan.token] = pending

    def find(self, token: str) -> Pending:
        """Return the one of that token.

        Raises:
            NotFoundError: This client has none.
        """
        found = self._pending.get(token)
        if found is None:
            raise NotFoundError(
                f"this client has no plan {token!r}: it was carried out or discarded, or another client made it "
                "(a Phoenix server keeps no plans); make a new one with plan_replace"
            )
        return found

    def remove(self, token: str) -> None:
        """Forget one; as for :meth:`find` when there is none."""
        self.find(token).close()
        del self._pending[token]


def pending_of(target: Target, version_id: str, known: Known, given: Spool) -> Pending:
    """Plan to make the given examples all examples of a dataset.

    Raises:
        ValidationError: Two of those given are the same example.
    """
    found = difference_of(known, given, every_copy=True)
    gone = [item.id for index, item in enumerate(known.examples) if index not in found.kept]
    plan = PhoenixReplacePlan(
        token=uuid.uuid4().hex,
        dataset_id=target.id,
        version_id=version_id,
        inserted=found.inserted,
        updated=found.updated,
        unchanged=found.unchanged,
        deleted=len(gone),
        total=len(found.kept) + found.inserted,
        deleted_ids=tuple(gone[:_MOST_NAMED]),
    )
    try:
        return Pending(plan, target, found, Spool.of(every_row(known, found)) if gone else None)
    except BaseException:
        found.close()
        raise


def _close_all(pending: dict[str, Pending]) -> None:
    for one in pending.values():
        one.close()


async def carry_out(runtime: Runtime, pending: Pending, on_progress: Progress | None) -> DatasetChanges:
    """Do what a plan says, unless somebody else changed the dataset since it was made.

    Raises:
        ConflictError: Somebody did. Nothing was changed, or, when it happened in the moment of the upload, the message
            says what was: the version before has it all.
    """
    plan, target = pending.plan, pending.target
    latest = await latest_version(runtime, target.id)
    if latest != plan.version_id:
        raise ConflictError(
            f"dataset {target.name!r} was changed after the plan was made (its latest version is {latest}, not "
            f"{plan.version_id}); nothing was changed, make a new plan",
            details={"dataset_id": target.id, "version_id": latest},
        )
    # SQLite gives the ids of the newest dataset and of its versions again, once that is deleted; its times are seconds.
    found = await wire_dataset(runtime, target.id)
    # The count is compared with that of before, not with the examples: PostgreSQL lets it differ from them for good.
    if (found.created_at, found.example_count) != (target.created_at, target.example_count):
        same = found.created_at == target.created_at
        happened = "changed, or made anew," if same else f"deleted, and {target.id} is another one now,"
        raise ConflictError(
            f"dataset {target.name!r} was {happened} after the plan was made; nothing was changed, make a new plan",
            details={"dataset_id": target.id},
        )
    if pending.everything is None:
        rows = pending.difference.rows
        done = await append_rows(runtime, target, rows, advice=_REPEAT, on_progress=on_progress)
    else:
        # Only an upload of everything deletes, and it does so in one step: it cannot be sent in parts.
        lines = await runtime.run_blocking(_lines, pending.everything)
        body = await runtime.run_blocking(body_of, "update", target.name, lines)
        done = await upload(runtime, body, repeatable=True)
        if on_progress is not None:
            on_progress(len(lines), len(lines))
        _check_what_was_done(plan, target, await still_the_same(runtime, target, done))
    await append_rows(runtime, target, pending.difference.splits, advice=_REPEAT)
    version_id = done.version_id if done is not None and done.changed else await latest_version(runtime, target.id)
    return DatasetChanges(
        dataset_id=target.id,
        version_id=version_id,
        inserted=plan.inserted,
        updated=plan.updated,
        unchanged=plan.unchanged,
        deleted=plan.deleted,
        total=plan.total,
    )


async def send_difference(
    runtime: Runtime, target: Target, found: Difference, on_progress: Progress | None
) -> Uploaded | None:
    """Send what is new and different; None when nothing is."""
    done = await append_rows(runtime, target, found.rows, advice=_REPEAT, on_progress=on_progress)
    await append_rows(runtime, target, found.splits, advice=_REPEAT)
    return done


def _check_what_was_done(plan: PhoenixReplacePlan, target: Target, done: Uploaded) -> None:
    did = (done.created, done.updated, done.deleted)
    # A repeated upload finds everything done: its first attempt did it.
    if done.changed and did != (plan.inserted, plan.updated, plan.deleted):
        raise ConflictError(
            f"somebody else changed dataset {target.name!r} in the moment of the replacement: it inserted {did[0]}, "
            f"updated {did[1]} and deleted {did[2]} examples, not {plan.inserted}, {plan.updated} and {plan.deleted}, "
            f"as planned; the version before {done.version_id} has what went",
            details={"dataset_id": target.id, "version_id": done.version_id, "done": list(did)},
        )


def _lines(spool: Spool) -> list[bytes]:
    return [line for part in spool.parts() for line in part]


def changes_of(target: Target, found: Difference, version_id: str, total: int) -> DatasetChanges:
    """Return what a difference did that was sent."""
    return DatasetChanges(
        dataset_id=target.id,
        version_id=version_id,
        inserted=found.inserted,
        updated=found.updated,
        unchanged=found.unchanged,
        total=total,
    )
