"""Drafts of dataset versions in SQLite: nobody sees their examples before they are published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from promptops.core.errors import ConflictError, ValidationError
from promptops.server import wire
from promptops.server.examples import Item, check_items, item_of
from promptops.server.grants import Grant
from promptops.server.idempotency import Once
from promptops.server.stores._audit import record
from promptops.server.stores._base import SqliteBase
from promptops.server.stores._dataset_merge import copy_rest, merge
from promptops.server.stores._dataset_rows import VersionRow, find_dataset, find_version
from promptops.server.stores._draft_rows import (
    DraftRow,
    delete_draft,
    expire_drafts,
    find_draft,
    insert_draft,
    merged_with_latest,
    name_is_taken,
    publish_row,
    touch_draft,
)
from promptops.server.stores._example_rows import add_rows
from promptops.server.stores._session import Session, moment
from promptops.server.stores.draft_protocol import NewDraft, SchemaCheck

__all__ = ["SqliteDatasetDrafts"]

_NOTHING: Final = wire.DatasetChange(inserted=0, updated=0, unchanged=0, deleted=0, total=0, deleted_ids=[])


class _Planned(Exception):  # noqa: N818 - no error: it takes back the work that found out the answer
    def __init__(self, draft: wire.DatasetDraft) -> None:
        super().__init__("the plan of a draft")
        self.draft = draft


class SqliteDatasetDrafts(SqliteBase):
    """See :class:`promptops.server.stores.draft_protocol.DatasetDraftStore`."""

    async def begin_draft(
        self, grant: Grant, new: NewDraft, check: SchemaCheck, once: Once | None
    ) -> wire.DatasetDraft | None:
        """Begin a draft, with its first examples; None when there is no such dataset."""

        def work(session: Session) -> wire.DatasetDraft | None:
            expire_drafts(session, grant)
            if new.dataset_id is None:
                draft = _begin_dataset(session, grant, new)
            else:
                dataset = find_dataset(session, grant, new.dataset_id)
                latest = None if dataset is None else find_version(session, grant, new.dataset_id, None)
                if dataset is None or latest is None:
                    return None
                draft = insert_draft(session, grant, dataset.space_id, new, base=latest)
            _add(session, grant, draft, new.examples, check)
            return _publish(session, grant, draft) if new.publish else _answer(draft)

        return await self._write(once, work)

    async def add_to_draft(
        self, grant: Grant, draft_id: str, examples: Sequence[wire.JsonObject], check: SchemaCheck, once: Once | None
    ) -> wire.DatasetDraft | None:
        """Add examples to a draft; None when there is none."""

        def work(session: Session) -> wire.DatasetDraft | None:
            draft = find_draft(session, grant, draft_id)
            if draft is None:
                return None
            if draft.mode is None:
                raise ConflictError("This draft is published; begin another one.")
            _add(session, grant, draft, examples, check)
            touch_draft(session, grant, draft)
            return _answer(draft)

        return await self._write(once, work)

    async def plan_draft(self, grant: Grant, draft_id: str) -> wire.DatasetDraft | None:
        """What publishing a draft would do; None when there is none."""

        def work(session: Session) -> None:
            draft = find_draft(session, grant, draft_id)
            if draft is not None:
                raise _Planned(_plan(session, grant, draft))

        try:
            await self._write(None, work)
        except _Planned as planned:
            return planned.draft
        return None

    async def publish_draft(self, grant: Grant, draft_id: str, once: Once | None) -> wire.DatasetDraft | None:
        """Make a draft the latest version; None when there is none, and nothing more happens to a published one."""

        def work(session: Session) -> wire.DatasetDraft | None:
            draft = find_draft(session, grant, draft_id)
            return None if draft is None else _publish(session, grant, draft)

        return await self._write(once, work)

    async def discard_draft(self, grant: Grant, draft_id: str, once: Once | None) -> bool | None:
        """Forget a draft; None when there is none."""

        def work(session: Session) -> bool | None:
            draft = find_draft(session, grant, draft_id)
            if draft is None:
                return None
            if draft.mode is None:
                raise ConflictError("This draft is published, and versions stay as they are.")
            delete_draft(session, grant, draft)
            return True

        return await self._write(once, work)


def _begin_dataset(session: Session, grant: Grant, new: NewDraft) -> DraftRow:
    name = str(new.name)
    if name_is_taken(session, grant, name):
        raise _taken(name)
    return insert_draft(session, grant, grant.default, new, base=None)


def _add(
    session: Session, grant: Grant, draft: DraftRow, examples: Sequence[wire.JsonObject], check: SchemaCheck
) -> None:
    if not examples:
        return
    check_items(examples, ids=True, partial=draft.mode == "update")
    items: Sequence[Item] = [item_of(example) for example in examples]
    if draft.mode == "update":
        items = merged_with_latest(session, grant, draft, examples)
    if draft.example_schema is not None:
        check({index: item.fields for index, item in enumerate(items)}, msgspec.json.decode(draft.example_schema))
    # An example that is appended without an id gets none that the dataset has; publishing looks again.
    beside = draft.base_id if draft.mode == "append" else None
    add_rows(session, grant, draft.project_id, draft.id, items, beside=beside, distinct=draft.mode == "upsert")


def _answer(draft: DraftRow, change: wire.DatasetChange | None = None, version: str | None = None) -> wire.DatasetDraft:
    return wire.DatasetDraft(
        id=draft.id,
        dataset_id=draft.dataset_id,
        name=draft.name,
        space_id=draft.project_id,
        mode=draft.mode or "published",
        created_at=moment(draft.created_at),
        base_version_id=draft.base_id,
        dataset_version_id=version,
        change=change,
    )


def _plan(session: Session, grant: Grant, draft: DraftRow) -> wire.DatasetDraft:
    if draft.mode is None:
        return _answer(draft, version=draft.id)
    return _answer(draft, _change(session, grant, draft, find_version(session, grant, draft.dataset_id, None)))


def _change(session: Session, grant: Grant, draft: DraftRow, latest: VersionRow | None) -> wire.DatasetChange:
    if draft.mode is None or latest is None or draft.mode == "create":
        count = draft.count(session, grant)
        return msgspec.structs.replace(_NOTHING, inserted=count, total=count)
    moved = (latest.id, latest.updated_at) != (draft.base_id, draft.base_at)
    if moved and draft.mode in {"update", "replace"}:
        raise ConflictError(
            f"Dataset '{draft.name}' was changed after this draft began; read it again and begin another draft.",
            details={"dataset_id": draft.dataset_id, "dataset_version_id": latest.id},
        )
    return merge(session, grant, draft.mode, draft.id, latest.id)


def _publish(session: Session, grant: Grant, draft: DraftRow) -> wire.DatasetDraft:
    if draft.mode is None:
        return _answer(draft, version=draft.id)
    latest = find_version(session, grant, draft.dataset_id, None)
    change = _change(session, grant, draft, latest)
    if change.total == 0:
        raise ValidationError(
            "examples: a dataset has at least one example",
            validation_errors=[{"field": "examples", "message": "a dataset has at least one", "code": "empty"}],
        )
    if latest is not None and change.inserted == change.updated == change.deleted == 0:
        delete_draft(session, grant, draft)
        return _answer(draft, change, latest.id)
    if latest is not None and draft.mode != "replace":
        copy_rest(session, grant, draft.id, latest.id)
    if not publish_row(session, grant, draft):
        raise _taken(draft.name)
    action: Literal["created", "versioned"] = "created" if draft.mode == "create" else "versioned"
    record(session, grant, "dataset", action, draft.dataset_id, project_id=draft.project_id, version=draft.id)
    return _answer(draft, change, draft.id)


def _taken(name: str) -> ConflictError:
    return ConflictError(f"A dataset named '{name}' exists in this space; give another name.")
