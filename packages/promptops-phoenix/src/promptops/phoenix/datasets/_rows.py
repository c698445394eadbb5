"""Rows of an upload: what is sent for each example, and the ids that make sending one twice harmless."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from promptops.experiments._examples import Example, checked_examples
from promptops.experiments.datasets._splits import split_of
from promptops.models import prepared
from promptops.phoenix.datasets._examples import parts_of

__all__ = [
    "ContentIds",
    "Row",
    "body_of",
    "digest_of",
    "new_row",
    "row_lines",
    "row_of",
    "taken_apart",
]

_OWN: Final = "promptops"
_EMPTY: Final = msgspec.Raw(b"{}")
_DETERMINISTIC: Final = msgspec.json.Encoder(order="deterministic")


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One row of an upload; the objects are JSON already."""

    id: str
    input: msgspec.Raw
    output: msgspec.Raw = _EMPTY
    metadata: msgspec.Raw = _EMPTY
    splits: list[str] | None = None
    span_id: str | None = None


row_of: Final = msgspec.json.Decoder(prepared(Row)).decode
"""Reads a line again."""


class ContentIds:
    """Gives examples ids that are made of their content; a second one of the same content gets a number behind it.

    Args:
        taken: Ids that are not to be given.
        token: With one, no example of another call gets the same ids.
    """

    def __init__(self, *, taken: Collection[str] = (), token: str | None = None) -> None:
        self._taken = taken
        self._stem = _OWN if token is None else f"{_OWN}-{token}"
        self._counts: Counter[str] = Counter()

    @classmethod
    def fresh(cls) -> ContentIds:
        """Ids that nothing else has."""
        return cls(token=uuid.uuid4().hex[:12])

    def __call__(self, digest: str) -> str:
        """Return the next id for that content."""
        while True:
            self._counts[digest] += 1
            number = self._counts[digest]
            found = f"{self._stem}-{digest}" + (f"-{number}" if number > 1 else "")
            if found not in self._taken:
                return found


def digest_of(fields: Mapping[str, Any]) -> str:
    """Return what says whether two examples have the same content; the order of their fields does not matter."""
    return hashlib.blake2b(_DETERMINISTIC.encode(fields), digest_size=16).hexdigest()


def new_row(example_id: str, fields: Mapping[str, Any], encoded: bytes, *, in_split: bool = True) -> bytes:
    """Return the row of an example, as a line.

    Args:
        example_id: Its id.
        fields: The flat example.
        encoded: Its JSON.
        in_split: Whether it goes into the split that it names.
    """
    parts = parts_of(fields, encoded)
    split = split_of(fields) if in_split else None
    named = [split.strip()] if split is not None and split.strip() else None
    return msgspec.json.encode((example_id, parts.input, parts.output, parts.metadata, named, None))


def row_lines(
    examples: Iterable[Example], ids: ContentIds, *, named: set[str] | None = None, **checks: Any
) -> Iterator[bytes]:
    """Yield the row of each example, all of which are new.

    Args:
        examples: Read once, one at a time.
        ids: Gives ids to those without.
        named: Gets the ids that the examples have of their own.
        checks: As for ``checked_examples``.

    Raises:
        RowsError: Some cannot be stored; all of them are named.
    """
    for encoded in checked_examples(examples, **checks):
        example_id, fields = taken_apart(encoded)
        if example_id is not None and named is not None:
            named.add(example_id)
        yield new_row(ids(digest_of(fields)) if example_id is None else example_id, fields, encoded)


def taken_apart(encoded: bytes) -> tuple[str | None, dict[str, Any]]:
    """Return the id of a checked example, if it has one of its own, and its fields."""
    fields: dict[str, Any] = msgspec.json.decode(encoded)
    # The checks let a field "id" pass only where it is the id.
    return fields.pop("id", None), fields


def body_of(action: str, name: str, lines: Sequence[bytes], description: str | None = None) -> bytes:
    """Return the body of an upload of some rows.

    Without any split in them, splits are not mentioned: where they are, the server takes an example that is there
    already out of the splits that its row does not name.
    """
    rows = [row_of(line) for line in lines]
    body: dict[str, Any] = {"action": action, "name": name}
    if description is not None:
        body["description"] = description
    body["inputs"] = [row.input for row in rows]
    body["outputs"] = [row.output for row in rows]
    body["metadata"] = [row.metadata for row in rows]
    body["example_ids"] = [row.id for row in rows]
    if any(row.splits is not None for row in rows):
        body["splits"] = [row.splits for row in rows]
    if any(row.span_id is not None for row in rows):
        body["span_ids"] = [row.span_id for row in rows]
    return msgspec.json.encode(body)
