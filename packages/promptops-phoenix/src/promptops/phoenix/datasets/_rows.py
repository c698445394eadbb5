"""Rows of an upload: what is sent for each example, and the ids that make sending one twice harmless."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from promptops.core import codec
from promptops.core.errors import ValidationError
from promptops.experiments._examples import Example, checked_examples
from promptops.experiments._json import NotStorable, json_text, storable_text
from promptops.experiments.datasets._row import Problems
from promptops.experiments.datasets._splits import split_of
from promptops.phoenix.datasets._examples import LONG_NUMBER, large_integers, parts_of

__all__ = [
    "Columns",
    "ContentIds",
    "Row",
    "Splits",
    "body_of",
    "column_lines",
    "digest_of",
    "new_row",
    "row_lines",
    "row_of",
    "taken_apart",
]

Splits = str | Sequence[str] | None
"""The splits of one example: a name, several, or none."""
_OWN: Final = "promptops"
_LONGEST_ID: Final = 255
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


row_of: Final = msgspec.json.Decoder(Row).decode
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


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """Examples as the server keeps them, column by column; each column that is given has as many rows as ``inputs``.

    Attributes:
        inputs: The inputs.
        outputs: The outputs; empty objects when absent.
        metadata: The metadata; empty objects when absent.
        splits: Which splits each is in.
        span_ids: The spans that they are made of.
        example_ids: The caller's own ids; None for an example that gets one made of its content.
    """

    inputs: Sequence[Mapping[str, Any]]
    outputs: Sequence[Mapping[str, Any]] | None = None
    metadata: Sequence[Mapping[str, Any]] | None = None
    splits: Sequence[Splits] | None = None
    span_ids: Sequence[str | None] | None = None
    example_ids: Sequence[str | None] | None = None


def column_lines(columns: Columns, ids: ContentIds, *, named: set[str] | None = None) -> Iterator[bytes]:
    """Yield the row of each example; as :func:`row_lines`.

    Raises:
        ValidationError: The columns are not of one length.
        RowsError: Some rows cannot be stored; all of them are named.
    """
    _check_lengths(columns)
    problems = Problems("the rows")
    seen: dict[str, int] = {}
    for index in range(len(columns.inputs)):
        try:
            objects = [_object(name, {} if given is None else given[index]) for name, given in _objects(columns)]
            splits = _names(None if columns.splits is None else columns.splits[index])
            own = _own_id(None if columns.example_ids is None else columns.example_ids[index])
            span_id = _span_id(None if columns.span_ids is None else columns.span_ids[index])
        except NotStorable as exc:
            problems.add(f"rows[{index}]", str(exc))
            if problems.full:
                break
            continue
        if own is not None and named is not None:
            named.add(own)
        example_id = ids(digest_of({"row": objects})) if own is None else own
        if (first := seen.setdefault(example_id, index)) != index:
            problems.add(
                f"rows[{index}]", f"has the same id {example_id[:100]!r} as rows[{first}]", code="duplicate_id"
            )
        yield msgspec.json.encode((example_id, *objects, splits, span_id))
    if problems:
        raise problems.error()


def _objects(columns: Columns) -> tuple[tuple[str, Sequence[Mapping[str, Any]] | None], ...]:
    return (("input", columns.inputs), ("output", columns.outputs), ("metadata", columns.metadata))


def _check_lengths(columns: Columns) -> None:
    count = len(columns.inputs)
    given = {name: getattr(columns, name) for name in columns.__struct_fields__}
    texts = [name for name, rows in given.items() if isinstance(rows, str)]
    if texts:
        raise ValidationError(f"{', '.join(texts)} must be a list with a value for each row, not one text")
    wrong = [f"{name} has {len(rows)}" for name, rows in given.items() if rows is not None and len(rows) != count]
    if wrong:
        raise ValidationError(f"inputs has {count} rows, but {', '.join(wrong)}; give one for each input")


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


def _object(name: str, value: object) -> msgspec.Raw:
    if not isinstance(value, Mapping):
        raise NotStorable(f"{name} must be an object, not {type(value).__name__}")
    text = json_text(cast("Mapping[str, Any]", value)).encode()
    if codec.depth_exceeds(text, codec.MAX_DEPTH - 4):
        raise NotStorable(f"{name} nests deeper than {codec.MAX_DEPTH - 4} levels")
    if LONG_NUMBER.search(text) and next(large_integers(msgspec.json.decode(text)), None) is not None:
        raise NotStorable(f"{name} holds an integer that 64 bits do not, which the server cannot store")
    return msgspec.Raw(text)


def _names(splits: Splits) -> list[str] | None:
    if splits is None:
        return None
    if not isinstance(splits, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise NotStorable(f"splits must be a name or several, not {type(splits).__name__}")
    named = [splits] if isinstance(splits, str) else list(splits)
    # The server takes blanks off a name, and passes over one that is empty then.
    if not all(_text("the name of a split", name).strip() == name and name for name in named):
        raise NotStorable("the name of a split is empty, or begins or ends with a blank")
    return named


def _own_id(example_id: str | None) -> str | None:
    if example_id is not None and not 1 <= len(_text("an id", example_id)) <= _LONGEST_ID:
        raise NotStorable(f"an id is a text of 1 to {_LONGEST_ID} characters")
    return example_id


def _span_id(span_id: str | None) -> str | None:
    return None if span_id is None else _text("the id of a span", span_id)


def _text(what: str, value: object) -> str:
    if not isinstance(value, str):
        raise NotStorable(f"{what} must be text, not {type(value).__name__}")
    return storable_text(value)
