"""Uploads of any number of examples: in parts, repeatable, with true counts whatever happens to the answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from promptops.core.errors import ConflictError, NetworkError, PromptOpsError, ServerError
from promptops.core.errors import TimeoutError as OutOfTime
from promptops.core.log import log
from promptops.core.runtime import Runtime
from promptops.experiments._drafts import Progress
from promptops.experiments.datasets._spool import Spool
from promptops.phoenix._answers import NOT_ALLOWED
from promptops.phoenix._http import is_failed
from promptops.phoenix.datasets._rows import body_of, row_of
from promptops.phoenix.datasets._upload import Target, Uploaded, upload
from promptops.phoenix.datasets._wire import dataset_named, example_list, latest_version, wire_dataset

__all__ = ["ROWS_PER_UPLOAD", "append_rows", "create_rows", "still_the_same"]

ROWS_PER_UPLOAD: Final = 2000
"""Rows of one request: the server takes about 2 s for them, and each request costs it 0.1 s of its own."""
_ATTEMPTS: Final = 3
_FIRST_WAIT: Final = 0.5
_NO_PART: Final[list[bytes]] = []


async def create_rows(
    runtime: Runtime, name: str, spool: Spool, *, description: str | None = None, on_progress: Progress | None = None
) -> Target:
    """Make a dataset of all rows: the first part creates it, the others are appended.

    Raises:
        ConflictError: The name is taken.
        PromptOpsError: A request failed; ``details`` says how many rows are ``stored``, and of which ``dataset_id``.
    """
    parts = spool.parts(most=ROWS_PER_UPLOAD)
    first: list[bytes] = await runtime.run_blocking(next, parts, _NO_PART)
    try:
        target = Target(id=await _created(runtime, name, first, description), name=name)
    except PromptOpsError as exc:
        exc.details.setdefault("stored", 0)
        raise
    if on_progress is not None:
        on_progress(len(first), spool.count)
    facts = Stored(begun=0, before=len(first), total=spool.count, advice="replace() them by all to complete it")
    await _append_parts(runtime, target, parts, facts, on_progress)
    return target


async def append_rows(
    runtime: Runtime, target: Target, spool: Spool, *, advice: str, on_progress: Progress | None = None
) -> Uploaded | None:
    """Add rows to a dataset, or change those whose ids it has; every row has an id, so nothing is ever added twice.

    Args:
        runtime: Sends the requests.
        target: The dataset.
        spool: The rows.
        advice: What to do when only some of them are stored.
        on_progress: Told after each request.

    Returns:
        What all requests together did, or None when there was no row.

    Raises:
        ConflictError: The dataset was deleted meanwhile.
        PromptOpsError: A request failed; ``details`` says how many rows are ``stored``.
    """
    facts = Stored(begun=target.example_count, before=0, total=spool.count, advice=advice)
    done = await _append_parts(runtime, target, spool.parts(most=ROWS_PER_UPLOAD), facts, on_progress)
    return None if done is None else await still_the_same(runtime, target, done)


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job in several requests has come.

    Attributes:
        begun: Examples that the dataset had when it began.
        before: Rows that are stored.
        total: Rows that there are.
        advice: What to do when it comes no further.
    """

    begun: int
    before: int
    total: int
    advice: str


async def _append_parts(
    runtime: Runtime, target: Target, parts: Iterator[list[bytes]], facts: Stored, on_progress: Progress | None
) -> Uploaded | None:
    done: Uploaded | None = None
    stored = facts.before
    while part := await runtime.run_blocking(next, parts, _NO_PART):
        try:
            answer = await _appended(runtime, target, part)
        except PromptOpsError as exc:
            await _say_what_is_stored(runtime, target, exc, msgspec.structs.replace(facts, before=stored), part)
            raise
        stored += len(part)
        done = answer if done is None else done.followed_by(answer)
        if on_progress is not None:
            on_progress(stored, facts.total)
    return done


async def _appended(runtime: Runtime, target: Target, part: Sequence[bytes]) -> Uploaded:
    body = await runtime.run_blocking(body_of, "append", target.name, part)
    answer = await upload(runtime, body, repeatable=True)
    if answer.dataset_id != target.id:
        raise _made_anew(target, answer)
    if answer.created:
        return answer
    # An upload that adds nothing may answer with a version that is not the latest.
    return msgspec.structs.replace(answer, version_id=await latest_version(runtime, target.id))


async def still_the_same(runtime: Runtime, target: Target, done: Uploaded) -> Uploaded:
    """Return what was done with the number of examples there are now.

    Raises:
        ConflictError: The dataset was deleted meanwhile: for an upload to a name that is not there, the server makes
            a dataset.
    """
    found = await wire_dataset(runtime, done.dataset_id)
    if found.id != target.id or (target.created_at is not None and found.created_at != target.created_at):
        raise _made_anew(target, done)
    return msgspec.structs.replace(done, total=found.example_count)


def _made_anew(target: Target, done: Uploaded) -> ConflictError:
    return ConflictError(
        f"dataset {target.name!r} ({target.id}) was deleted or renamed meanwhile; the server has made a new one of "
        f"that name ({done.dataset_id}), which holds nothing but what was sent; delete it when it is not wanted",
        details={"dataset_id": target.id, "new_dataset_id": done.dataset_id},
    )


async def _created(runtime: Runtime, name: str, part: Sequence[bytes], description: str | None) -> str:
    """Send the first part. Only one of several who create a name at once succeeds; after an attempt whose answer was
    lost, a dataset of that name that has exactly these rows is the one that it made.
    """
    body = await runtime.run_blocking(body_of, "create", name, part, description)
    number = 0
    while True:
        number += 1
        try:
            return (await upload(runtime, body, repeatable=False)).dataset_id
        except ConflictError as exc:
            found = await dataset_named(runtime, name) if number > 1 else None
            if found is None or not await _holds(runtime, found.id, part, alone=True):
                raise _is_taken(name, exc) from exc
            log().info("dataset_create_reconciled", name=name, dataset_id=found.id)
            return found.id
        except (NetworkError, OutOfTime, ServerError) as exc:
            if number == 1 and is_failed(exc) and await dataset_named(runtime, name) is not None:
                # What the server says over PostgreSQL of names that are taken while it looks whether they are.
                raise _is_taken(name, exc) from exc
            if not exc.retryable or number == _ATTEMPTS:
                if not isinstance(exc, ServerError) or exc.status_code != NOT_ALLOWED:
                    exc.add_note(
                        f"whether dataset {name!r} was created is not known; look for it before you repeat this"
                    )
                raise
            await runtime.sleep(_FIRST_WAIT * 2.0 ** (number - 1))


def _is_taken(name: str, error: PromptOpsError) -> ConflictError:
    return ConflictError(
        f"a dataset is named {name!r} already; append to it, replace what it holds, or choose another name",
        details={"name": name},
        request_id=error.request_id,
    )


async def _holds(runtime: Runtime, dataset_id: str, part: Sequence[bytes], *, alone: bool = False) -> bool:
    there = {item.id for item in await example_list(runtime, dataset_id)}
    rows = {row_of(line).id for line in part}
    return there == rows if alone else there >= rows


async def _say_what_is_stored(
    runtime: Runtime, target: Target, error: PromptOpsError, facts: Stored, part: Sequence[bytes]
) -> None:
    """Look again at what is there: the request that failed may have been stored all the same."""
    stored = facts.before
    try:
        grown = (await wire_dataset(runtime, target.id)).example_count - facts.begun
        # Others may have added examples too: the ids say whose they are.
        if grown > stored and await _holds(runtime, target.id, part):
            stored += len(part)
    except PromptOpsError as exc:
        log().info("dataset_count_unknown", dataset_id=target.id, reason=exc.message)
    error.details.update(dataset_id=target.id, stored=stored)
    if stored:
        error.add_note(
            f"dataset {target.name!r} ({target.id}) was changed in part: the first {stored} of {facts.total} examples "
            f"are stored; {facts.advice}"
        )
