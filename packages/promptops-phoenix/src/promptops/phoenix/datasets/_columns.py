"""Examples that are given column by column, as the server keeps them: checked, and made rows of an upload."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from promptops.core import codec
from promptops.core.errors import ValidationError
from promptops.experiments._json import NotStorable, json_text, storable_text
from promptops.experiments.datasets._row import Problems
from promptops.phoenix._numbers import LARGE_NUMBER, large_numbers
from promptops.phoenix.datasets._rows import ContentIds, digest_of

__all__ = ["Columns", "Splits", "column_lines"]

Splits = str | Sequence[str] | None
"""The splits of one example: a name, several, or none."""
_LONGEST_ID: Final = 255


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
    """Yield the row of each example; as ``row_lines``.

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


def _object(name: str, value: object) -> msgspec.Raw:
    if not isinstance(value, Mapping):
        raise NotStorable(f"{name} must be an object, not {type(value).__name__}")
    text = json_text(cast("Mapping[str, Any]", value)).encode()
    if codec.depth_exceeds(text, codec.MAX_DEPTH - 4):
        raise NotStorable(f"{name} nests deeper than {codec.MAX_DEPTH - 4} levels")
    if LARGE_NUMBER.search(text) and next(large_numbers(msgspec.json.decode(text)), None) is not None:
        raise NotStorable(f"{name} holds a number that 64 bits do not, which the server cannot store")
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
