"""Changes of datasets as the server takes them: in one step, or as a draft that is published when it is complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from promptops.core.errors import InvalidResponseError, PromptOpsError, ValidationError
from promptops.core.log import log
from promptops.core.messages import Profile, Timeouts
from promptops.core.runtime import Runtime
from promptops.experiments._chunks import body_with
from promptops.experiments._http import delete, fetch, path, post
from promptops.experiments.datasets._changes import DatasetChanges, ReplacePlan
from promptops.experiments.datasets._spool import Spool
from promptops.models import DatasetChange, DatasetDraft

__all__ = ["Progress", "change_dataset", "changes_of", "discard_draft", "plan_of", "publish_draft", "stage"]

Progress = Callable[[int, int], None]
"""Called with how many examples were sent, and how many there are."""
# A version of many examples is copied by the server in one step.
_PUBLISH: Final = Profile(
    name="publish", timeouts=Timeouts(connect=3.0, pool=5.0, write=10.0, read=60.0), attempts=3, deadline=180.0
)
_WHERE: Final = "dataset-drafts"


async def change_dataset(
    runtime: Runtime, spool: Spool, facts: Mapping[str, Any], on_progress: Progress | None = None
) -> DatasetDraft:
    """Make a version of a dataset; nobody sees any of it before all of it is there.

    Args:
        runtime: Sends the requests.
        spool: The examples.
        facts: What the draft is of, and what it does.
        on_progress: Told after each request.

    Raises:
        ValidationError: The server refuses an example; nothing was changed.
        PromptOpsError: A request failed; nothing was changed.
    """
    if not spool.fits_one_request:
        draft = await stage(runtime, spool, facts, on_progress)
        return await publish_draft(runtime, draft.id, discard=True)
    items = [item for part in spool.parts() for item in part]
    made = await post(
        runtime, path(_WHERE), body_with("examples", items, {**facts, "publish": True}), DatasetDraft, profile=_PUBLISH
    )
    if on_progress is not None:
        on_progress(spool.count, spool.count)
    return made


async def stage(
    runtime: Runtime, spool: Spool, facts: Mapping[str, Any], on_progress: Progress | None = None
) -> DatasetDraft:
    """Send the examples of a draft; it is forgotten again when a request fails."""
    draft = await post(runtime, path(_WHERE), body_with("examples", (), facts), DatasetDraft)
    where = path(_WHERE, draft.id, "examples")
    parts, sent = spool.parts(), 0
    try:
        while part := await runtime.run_blocking(next, parts, None):
            try:
                await post(runtime, where, body_with("examples", part), DatasetDraft)
            except ValidationError as exc:
                _say_where(exc, sent)
                raise
            sent += len(part)
            if on_progress is not None:
                on_progress(sent, spool.count)
    except PromptOpsError as exc:
        await _forget(runtime, draft.id)
        exc.details.update(dataset_id=draft.dataset_id, sent=sent)
        exc.add_note("nothing was changed: the examples are published together, once all of them have arrived")
        raise
    return draft


async def publish_draft(runtime: Runtime, draft_id: str, *, discard: bool = False) -> DatasetDraft:
    """Make a draft the latest version; with ``discard`` it is forgotten when that is refused."""
    try:
        return await post(runtime, path(_WHERE, draft_id, "publish"), b"", DatasetDraft, profile=_PUBLISH)
    except PromptOpsError:
        if discard:
            await _forget(runtime, draft_id)
        raise


async def discard_draft(runtime: Runtime, draft_id: str) -> None:
    """Forget a draft."""
    await delete(runtime, path(_WHERE, draft_id))


async def plan_of(runtime: Runtime, draft: DatasetDraft) -> ReplacePlan:
    """Return what publishing a draft would do."""
    change = _change_of(await fetch(runtime, path(_WHERE, draft.id), DatasetDraft, profile=_PUBLISH))
    return ReplacePlan(
        token=draft.id,
        dataset_id=draft.dataset_id,
        inserted=change.inserted,
        updated=change.updated,
        unchanged=change.unchanged,
        deleted=change.deleted,
        total=change.total,
        deleted_ids=tuple(change.deleted_ids),
    )


def changes_of(draft: DatasetDraft, sent: int | None = None) -> DatasetChanges:
    """Return what a published draft did; of the examples ``sent``, those that did nothing are unchanged."""
    change = _change_of(draft)
    if draft.dataset_version_id is None:
        raise InvalidResponseError(f"the server did not say which version draft {draft.id} became")
    unchanged = change.unchanged if sent is None else sent - change.inserted - change.updated
    return DatasetChanges(
        dataset_id=draft.dataset_id,
        version_id=draft.dataset_version_id,
        inserted=change.inserted,
        updated=change.updated,
        unchanged=unchanged,
        deleted=change.deleted,
        total=change.total,
    )


def _change_of(draft: DatasetDraft) -> DatasetChange:
    if draft.change is None:
        raise InvalidResponseError(f"the server did not say what draft {draft.id} changes")
    return draft.change


def _say_where(error: ValidationError, sent: int) -> None:
    """Count the rows that a server names from the first of all rather than from the first of its request."""
    for problem in error.validation_errors:
        head, bracket, rest = str(problem.get("field", "")).partition("examples[")
        number, closing, tail = rest.partition("]")
        if not head and bracket and closing and number.isdigit():
            problem["field"] = f"examples[{int(number) + sent}]{tail}"
    if sent and error.validation_errors:
        first = error.validation_errors[0]
        error.message = f"{first['field']}: {first.get('message', error.message)}"
        error.args = (error.message,)


async def _forget(runtime: Runtime, draft_id: str) -> None:
    try:
        await discard_draft(runtime, draft_id)
    except PromptOpsError as exc:
        # The server forgets it by itself after a day; the error that led here counts.
        log().warning("dataset_draft_kept", draft_id=draft_id, error=str(exc))
