"""Rows of drafts: versions that are not published, and datasets that have no other."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct
from promptops.core.errors import ConflictError, ValidationError
from promptops.server import wire
from promptops.server.examples import SPLIT, Item, item_of
from promptops.server.grants import Grant
from promptops.server.ids import new_id
from promptops.server.stores._dataset_rows import VersionRow, find_version
from promptops.server.stores._session import Session
from promptops.server.stores.draft_protocol import NewDraft
from promptops.server.stores.scope import Scoped

__all__ = [
    "KEEP_SECONDS",
    "DraftRow",
    "delete_draft",
    "expire_drafts",
    "find_draft",
    "insert_draft",
    "merged_with_latest",
    "name_is_taken",
    "publish_row",
    "touch_draft",
]

KEEP_SECONDS: Final = 24 * 3600
"""How long a draft that nobody adds to is kept."""
_encode = msgspec.json.Encoder().encode

_FIND: Final = Scoped(
    "SELECT v.id, v.dataset_id, v.project_id, coalesce(d.staged_name, d.name), v.mode, v.name, v.base_id, v.base_at,"
    " v.created_at, d.example_schema FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id"
    " WHERE v.id = :id AND {v:granted}"
)
_TAKEN: Final = Scoped("SELECT 1 FROM datasets d WHERE d.project_id = :project AND d.name = :name AND {d:granted}")
_INSERT_DATASET: Final = Scoped(
    "INSERT INTO datasets (id, project_id, name, created_at, updated_at, staged_name, example_schema)"
    " VALUES (:id, :project_id, :id, :now, :now, :name, :example_schema)"
)
_INSERT: Final = Scoped(
    "INSERT INTO dataset_versions (id, dataset_id, project_id, name, created_at, updated_at, mode, base_id, base_at)"
    " VALUES (:id, :dataset_id, :project_id, :name, :now, :now, :mode, :base_id, :base_at)"
)
_TOUCH: Final = Scoped("UPDATE dataset_versions AS v SET updated_at = :now WHERE v.id = :id AND {v:granted}")
_EXPIRE: Final = Scoped(
    "DELETE FROM dataset_versions AS v WHERE v.mode IS NOT NULL AND v.updated_at < :oldest AND {v:granted}"
)
_EXPIRE_DATASETS: Final = Scoped(
    "DELETE FROM datasets AS d WHERE d.staged_name IS NOT NULL AND d.created_at < :oldest AND {d:granted}"
    " AND NOT EXISTS (SELECT 1 FROM dataset_versions v WHERE v.dataset_id = d.id)"
)
_DELETE: Final = Scoped("DELETE FROM dataset_versions AS v WHERE v.id = :id AND {v:granted}")
_DELETE_STAGED: Final = Scoped(
    "DELETE FROM datasets AS d WHERE d.id = :id AND d.staged_name IS NOT NULL AND {d:granted}"
)
_COUNT: Final = Scoped("SELECT count(*) FROM examples e WHERE e.version_id = :id AND {e:granted}")
_COUNT_VERSIONS: Final = Scoped(
    "SELECT count(*) FROM dataset_versions v WHERE v.dataset_id = :id AND v.mode IS NULL AND {v:granted}"
)
_PUBLISH: Final = Scoped(
    # The latest version is the one that was published last, whenever it began.
    "UPDATE dataset_versions AS v SET mode = NULL, name = :name, created_at = :now, updated_at = :now,"
    " seq = (SELECT max(w.seq) + 1 FROM dataset_versions w) WHERE v.id = :id AND {v:granted}"
)
_PUBLISH_DATASET: Final = Scoped(
    "UPDATE datasets AS d SET name = coalesce(d.staged_name, d.name), staged_name = NULL, updated_at = :now"
    " WHERE d.id = :id AND {d:granted}"
)
_LATEST_ROWS: Final = Scoped(
    "SELECT e.id, e.document, e.split FROM examples e"
    " WHERE e.version_id = :version_id AND e.id IN (SELECT value FROM json_each(:ids)) AND {e:granted}"
)


class DraftRow(Struct, frozen=True):
    """A draft as it is stored; ``mode`` is None once it is published."""

    id: str
    dataset_id: str
    project_id: str
    name: str
    mode: Literal["create", "append", "upsert", "update", "replace"] | None
    version_name: str
    base_id: str | None
    base_at: int | None
    created_at: int
    example_schema: str | None

    def count(self, session: Session, grant: Grant) -> int:
        """How many examples it has."""
        return int(session.all(_COUNT, grant, id=self.id)[0][0])


def find_draft(session: Session, grant: Grant, draft_id: str) -> DraftRow | None:
    """A draft, or what became of it."""
    row = session.one(_FIND, grant, id=draft_id)
    return None if row is None else DraftRow(*row)


def name_is_taken(session: Session, grant: Grant, name: str) -> bool:
    """Whether a dataset of the default project has the name."""
    return session.one(_TAKEN, grant, project=grant.default, name=name) is not None


def insert_draft(session: Session, grant: Grant, project: str, new: NewDraft, *, base: VersionRow | None) -> DraftRow:
    """Write a draft: of the next version of a dataset, or without a ``base`` of a new one."""
    now = session.now()
    dataset_id, schema = new.dataset_id, None
    if dataset_id is None:
        dataset_id = new_id("Dataset")
        schema = None if new.example_schema is None else _encode(new.example_schema).decode()
        facts: dict[str, Any] = {"id": dataset_id, "project_id": project, "name": new.name, "example_schema": schema}
        session.run(_INSERT_DATASET, grant, now=now, **facts)
    version_id = new_id("DatasetVersion")
    session.run(
        _INSERT,
        grant,
        id=version_id,
        dataset_id=dataset_id,
        project_id=project,
        name=new.version_name or "",
        now=now,
        mode="create" if base is None else new.mode,
        base_id=None if base is None else base.id,
        base_at=None if base is None else base.updated_at,
    )
    found = find_draft(session, grant, version_id)
    if found is None:
        raise RuntimeError("a draft that was just written is not there")
    return found


def touch_draft(session: Session, grant: Grant, draft: DraftRow) -> None:
    """Note that somebody works on a draft."""
    session.run(_TOUCH, grant, id=draft.id, now=session.now())


def expire_drafts(session: Session, grant: Grant) -> None:
    """Forget the drafts that nobody has added to for :data:`KEEP_SECONDS`."""
    oldest = session.now() - KEEP_SECONDS * 1_000_000
    session.run(_EXPIRE, grant, oldest=oldest)
    session.run(_EXPIRE_DATASETS, grant, oldest=oldest)


def delete_draft(session: Session, grant: Grant, draft: DraftRow) -> None:
    """Remove a draft and its examples."""
    session.run(_DELETE, grant, id=draft.id)
    session.run(_DELETE_STAGED, grant, id=draft.dataset_id)


def publish_row(session: Session, grant: Grant, draft: DraftRow) -> bool:
    """Make a draft a version; False when the name of the new dataset is taken meanwhile."""
    now = session.now()
    (versions,) = session.all(_COUNT_VERSIONS, grant, id=draft.dataset_id)[0]
    try:
        session.run(_PUBLISH_DATASET, grant, id=draft.dataset_id, now=now)
    except sqlite3.IntegrityError:
        return False
    session.run(_PUBLISH, grant, id=draft.id, name=draft.version_name or f"v{versions + 1}", now=now)
    return True


def merged_with_latest(
    session: Session, grant: Grant, draft: DraftRow, examples: Sequence[wire.JsonObject]
) -> list[Item]:
    """The examples that partial ones become: the fields of the latest version, and over them those that were sent.

    Raises:
        ConflictError: The dataset has another latest version than when the draft began.
        ValidationError: There is no example of an id; each is named.
    """
    latest = find_version(session, grant, draft.dataset_id, None)
    if latest is None or (latest.id, latest.updated_at) != (draft.base_id, draft.base_at):
        raise ConflictError(f"Dataset '{draft.name}' was changed after this draft began; begin another draft.")
    ids = _encode([example["id"] for example in examples]).decode()
    rows = {row[0]: row for row in session.all(_LATEST_ROWS, grant, version_id=latest.id, ids=ids)}
    items: list[Item] = []
    problems: list[dict[str, Any]] = []
    for index, example in enumerate(examples):
        row = rows.get(example["id"])
        if row is None:
            message = f"the dataset has no example '{example['id'][:100]}'"
            problems.append({"field": f"examples[{index}].id", "message": message, "code": "unknown_example_id"})
            continue
        sent = item_of(example)
        split = sent.split if SPLIT in example else row[2]
        items.append(Item(sent.id, split, {**msgspec.json.decode(row[1]), **sent.fields}))
    if problems:
        raise ValidationError(f"{problems[0]['field']}: {problems[0]['message']}", validation_errors=problems)
    return items
