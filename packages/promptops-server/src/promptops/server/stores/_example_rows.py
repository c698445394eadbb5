"""Rows of examples: their ids, their digests, and how they are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec
from promptops.core.errors import ValidationError
from promptops.server.examples import Item, content_id, digest_of
from promptops.server.grants import Grant
from promptops.server.stores._session import Session
from promptops.server.stores.scope import Scoped

__all__ = ["add_rows", "free_id"]

_encode = msgspec.json.Encoder().encode
_INSERT: Final = Scoped(
    "INSERT INTO examples (version_id, id, project_id, created_at, updated_at, document, digest, split, given)"
    " VALUES (:version_id, :id, :project_id, :created_at, :created_at, :document, :digest, :split, :given)"
)
_TAKEN: Final = Scoped(
    "SELECT e.id FROM examples e"
    " WHERE e.version_id = :version_id AND e.id IN (SELECT value FROM json_each(:ids)) AND {e:granted}"
)
_COUNTS: Final = Scoped(
    "SELECT e.digest, count(*) FROM examples e"
    " WHERE e.version_id = :version_id AND e.digest IN (SELECT value FROM json_each(:digests)) AND {e:granted}"
    " GROUP BY e.digest"
)
_IS_TAKEN: Final = Scoped(
    "SELECT 1 FROM examples e WHERE e.version_id IN (:version_id, :beside) AND e.id = :id AND {e:granted}"
)


def add_rows(
    session: Session,
    grant: Grant,
    project: str,
    version_id: str,
    items: Sequence[Item],
    *,
    beside: str | None = None,
    distinct: bool = False,
) -> list[str]:
    """Write examples and return their ids in the order given.

    An example without an id gets one that is made of its content; a second of the same content gets a number behind
    it, or is left out.

    Args:
        session: Where to write.
        grant: Who writes.
        project: The project of the dataset.
        version_id: The version to write to.
        items: The examples.
        beside: Another version whose ids are not to be used for examples without one.
        distinct: Leave out an example without an id whose content the version has.

    Raises:
        ValidationError: An id is given twice; each is named.
    """
    digests = [digest_of(item.fields) for item in items]
    candidates = _candidates(session, grant, version_id, items, digests, beside=beside, distinct=distinct)
    listed = _encode([candidate for candidate in candidates if candidate is not None]).decode()
    own = {row[0] for row in session.all(_TAKEN, grant, version_id=version_id, ids=listed)}
    used = own | {row[0] for row in session.all(_TAKEN, grant, version_id=beside, ids=listed)}
    named = {item.id for item in items if item.id is not None}
    rows: list[dict[str, Any]] = []
    problems: list[dict[str, Any]] = []
    # Each example has its own microsecond: "oldest first, then by id" is then the order in which they were given.
    first = session.now(len(items))
    for index, (item, digest, candidate) in enumerate(zip(items, digests, candidates, strict=True)):
        if candidate is None:
            continue
        example_id = candidate
        if item.id is None:
            # Rarely: examples keep their ids when their content changes.
            if example_id in used or example_id in named:
                example_id = free_id(session, grant, (version_id, beside), content_id(digest), used | named)
            used.add(example_id)
        elif example_id in own:
            message = f"two examples have the id '{example_id[:100]}'; give each its own"
            problems.append({"field": f"examples[{index}].id", "message": message, "code": "duplicate_id"})
            continue
        own.add(example_id)
        rows.append(
            {
                "version_id": version_id,
                "id": example_id,
                "project_id": project,
                "created_at": first + index,
                "document": _encode(item.fields).decode(),
                "digest": digest,
                "split": item.split,
                "given": item.id is not None,
            }
        )
    if problems:
        raise ValidationError(f"{problems[0]['field']}: {problems[0]['message']}", validation_errors=problems)
    session.run_many(_INSERT, rows)
    return [row["id"] for row in rows]


def _candidates(
    session: Session,
    grant: Grant,
    version_id: str,
    items: Sequence[Item],
    digests: Sequence[str],
    *,
    beside: str | None,
    distinct: bool,
) -> list[str | None]:
    """The ids that the examples should get; None for those that are to be left out."""
    # Only the content of examples without an id says which they are.
    listed = _encode([digest for item, digest in zip(items, digests, strict=True) if item.id is None]).decode()
    counts: Counter[str] = Counter(dict(session.all(_COUNTS, grant, version_id=version_id, digests=listed)))
    if beside is not None:
        counts.update(dict(session.all(_COUNTS, grant, version_id=beside, digests=listed)))
    found: list[str | None] = []
    for item, digest in zip(items, digests, strict=True):
        if item.id is not None:
            found.append(item.id)
        elif distinct and counts[digest]:
            found.append(None)
        else:
            counts[digest] += 1
            found.append(_numbered(content_id(digest), counts[digest]))
    return found


def free_id(
    session: Session, grant: Grant, versions: tuple[str, str | None], stem: str, used: Collection[str] = ()
) -> str:
    """The id of that stem with the smallest number behind it that is not used, in neither version."""
    first, second = versions
    number = 2
    while (found := _numbered(stem, number)) in used or session.one(
        _IS_TAKEN, grant, version_id=first, beside=second, id=found
    ):
        number += 1
    return found


def _numbered(example_id: str, number: int) -> str:
    return example_id if number == 1 else f"{example_id}-{number}"
