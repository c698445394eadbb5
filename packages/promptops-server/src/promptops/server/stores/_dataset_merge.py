"""What publishing a draft makes of its examples and those of the latest version, in one transaction."""

from __future__ import annotations

from typing import Final

from promptops.core.errors import ValidationError
from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.stores._example_rows import free_id
from promptops.server.stores._session import Session
from promptops.server.stores.scope import Scoped

__all__ = ["copy_rest", "merge"]

_MOST_NAMED: Final = 100
# n is an example of the draft, b one of the version before it.
_SAME_SPLIT: Final = "(n.split IS NULL OR n.split IS b.split)"
# The projects are asked of the two versions, once: asked of every example, none could be compared by its index alone.
_OF_BASE: Final = (
    "b.version_id = :base AND EXISTS (SELECT 1 FROM dataset_versions v WHERE v.id = :base AND {v:granted})"
)
_OF_NEW: Final = "n.version_id = :new AND EXISTS (SELECT 1 FROM dataset_versions w WHERE w.id = :new AND {w:granted})"

# ruff: noqa: S608 - every statement below is put together from constants of this module; values are parameters
_COUNT: Final = Scoped(f"SELECT count(*) FROM examples n WHERE {_OF_NEW}")
_COMMON: Final = Scoped(
    f"SELECT n.id, n.given FROM examples n JOIN examples b ON b.id = n.id WHERE {_OF_NEW} AND {_OF_BASE} ORDER BY n.id"
)
_RENAME: Final = Scoped(f"UPDATE examples AS n SET id = :id WHERE n.id = :old AND {_OF_NEW}")
_ADOPT: Final = Scoped(
    "UPDATE OR IGNORE examples AS n SET given = 1, id = (SELECT b.id FROM examples b"
    f" WHERE b.digest = n.digest AND {_OF_BASE} LIMIT 1) WHERE n.given = 0 AND n.split IS NOT NULL AND {_OF_NEW}"
    f" AND EXISTS (SELECT 1 FROM examples b WHERE b.digest = n.digest AND {_OF_BASE})"
)
_DROP_KNOWN: Final = Scoped(
    f"DELETE FROM examples AS n WHERE n.given = 0 AND {_OF_NEW}"
    f" AND EXISTS (SELECT 1 FROM examples b WHERE b.digest = n.digest AND {_OF_BASE})"
)
_DROP_SAME: Final = Scoped(
    f"DELETE FROM examples AS n WHERE {_OF_NEW} AND EXISTS (SELECT 1 FROM examples b"
    f" WHERE b.id = n.id AND b.digest = n.digest AND {_SAME_SPLIT} AND {_OF_BASE})"
)
_DROP_SAME_EXACTLY: Final = Scoped(
    f"DELETE FROM examples AS n WHERE {_OF_NEW} AND EXISTS (SELECT 1 FROM examples b"
    f" WHERE b.id = n.id AND b.digest = n.digest AND n.split IS b.split AND {_OF_BASE})"
)
_TAKE_PLACE: Final = Scoped(
    "UPDATE examples AS n SET created_at = b.created_at, split = coalesce(n.split, b.split)"
    f" FROM examples b WHERE b.id = n.id AND {_OF_BASE} AND {_OF_NEW}"
)
_TAKE_PLACE_ONLY: Final = Scoped(
    f"UPDATE examples AS n SET created_at = b.created_at FROM examples b WHERE b.id = n.id AND {_OF_BASE} AND {_OF_NEW}"
)
_KEEP_SPLITS: Final = Scoped(
    "UPDATE examples AS n SET split = b.split FROM examples b"
    f" WHERE b.id = n.id AND n.split IS NULL AND b.split IS NOT NULL AND {_OF_BASE} AND {_OF_NEW}"
)
_COUNT_COMMON: Final = Scoped(
    f"SELECT count(*) FROM examples n JOIN examples b ON b.id = n.id WHERE {_OF_NEW} AND {_OF_BASE}"
)
_COUNT_SAME: Final = Scoped(
    "SELECT count(*) FROM examples n JOIN examples b ON b.digest = n.digest AND b.id = n.id"
    f" WHERE n.split IS b.split AND {_OF_NEW} AND {_OF_BASE}"
)
_GONE: Final = (
    f"FROM examples b WHERE {_OF_BASE}"
    " AND NOT EXISTS (SELECT 1 FROM examples n WHERE n.version_id = :new AND n.id = b.id)"
)
_COUNT_GONE: Final = Scoped(f"SELECT count(*) {_GONE}")
_LIST_GONE: Final = Scoped(f"SELECT b.id {_GONE} ORDER BY b.created_at, b.id LIMIT {_MOST_NAMED}")
_COPY: Final = Scoped(
    "INSERT INTO examples (version_id, id, project_id, created_at, updated_at, document, digest, split, given)"
    f" SELECT :new, b.id, b.project_id, b.created_at, b.updated_at, b.document, b.digest, b.split, b.given {_GONE}"
)


def merge(session: Session, grant: Grant, mode: wire.DraftMode, new: str, base: str) -> wire.DatasetChange:
    """Work out what a draft changes, and leave in it no more than that (all of it where it replaces everything).

    Args:
        session: Where to work; the caller may take it back.
        grant: Who asks.
        mode: What the draft does.
        new: The id of the draft.
        base: The id of the latest version.

    Raises:
        ValidationError: An id that is to be appended is taken.
    """
    if mode == "replace":
        return _replaced(session, grant, new, base)
    sent = _count(session, grant, new)
    updated = 0
    if mode == "append":
        _refuse_taken(session, grant, new, base)
    elif mode == "upsert":
        session.run(_ADOPT, grant, new=new, base=base)
        session.run(_DROP_KNOWN, grant, new=new, base=base)
        session.run(_DROP_SAME, grant, new=new, base=base)
    else:
        session.run(_DROP_SAME_EXACTLY, grant, new=new, base=base)
    _rename(session, grant, new, base)
    left = _count(session, grant, new)
    if mode != "append":
        updated = session.run(_TAKE_PLACE if mode == "upsert" else _TAKE_PLACE_ONLY, grant, new=new, base=base)
    return wire.DatasetChange(
        inserted=left - updated,
        updated=updated,
        unchanged=sent - left,
        deleted=0,
        total=_count(session, grant, base) + left - updated,
        deleted_ids=[],
    )


def copy_rest(session: Session, grant: Grant, new: str, base: str) -> None:
    """Copy to the new version what the one before has besides."""
    session.run(_COPY, grant, new=new, base=base)


def _replaced(session: Session, grant: Grant, new: str, base: str) -> wire.DatasetChange:
    session.run(_KEEP_SPLITS, grant, new=new, base=base)
    total = _count(session, grant, new)
    (common,) = session.all(_COUNT_COMMON, grant, new=new, base=base)[0]
    (same,) = session.all(_COUNT_SAME, grant, new=new, base=base)[0]
    (deleted,) = session.all(_COUNT_GONE, grant, new=new, base=base)[0]
    gone = session.all(_LIST_GONE, grant, new=new, base=base)
    return wire.DatasetChange(
        inserted=total - common,
        updated=common - same,
        unchanged=same,
        deleted=deleted,
        total=total,
        deleted_ids=[row[0] for row in gone],
    )


def _refuse_taken(session: Session, grant: Grant, new: str, base: str) -> None:
    taken = [row[0] for row in session.all(_COMMON, grant, new=new, base=base) if row[1]]
    if not taken:
        return
    shown = ", ".join(taken[:5]) + (f" and {len(taken) - 5} more" if len(taken) > 5 else "")
    message = "the dataset has an example of this id; upsert replaces it"
    raise ValidationError(
        f"the dataset has examples with these ids: {shown}; upsert replaces them",
        validation_errors=[
            {"field": "examples.id", "message": f"{example_id}: {message}", "code": "id_taken"}
            for example_id in taken[:_MOST_NAMED]
        ],
    )


def _rename(session: Session, grant: Grant, new: str, base: str) -> None:
    """Give examples without an id of their own another one where theirs is taken."""
    for example_id, given in session.all(_COMMON, grant, new=new, base=base):
        if not given:
            free = free_id(session, grant, (new, base), example_id.partition("-")[0])
            session.run(_RENAME, grant, id=free, old=example_id, new=new)


def _count(session: Session, grant: Grant, version: str) -> int:
    return int(session.all(_COUNT, grant, new=version)[0][0])
