"""Checks the examples of a dataset before any request, and encodes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from typing import Any, Final, cast

import msgspec
from promptops.core import codec
from promptops.core.errors import ValidationError
from promptops.core.json_schema import Schema, compile_schema
from promptops.experiments._chunks import LARGEST_ITEM
from promptops.experiments._json import NotStorable, json_text
from promptops.experiments.datasets._frames import is_frame
from promptops.experiments.datasets._row import ExampleRow, Problems, RowsError
from promptops.experiments.datasets._splits import SPLIT
from promptops.models.datasets import RESERVED_EXAMPLE_FIELDS, DatasetExample

__all__ = ["Example", "checked_examples", "encoded_examples"]

Example = Mapping[str, Any] | DatasetExample | ExampleRow
"""What can be handed over as an example."""
_LONGEST: Final = 255


def encoded_examples(examples: Iterable[Example]) -> list[bytes]:
    """Return each example as JSON.

    Raises:
        ValidationError: There is none, or some cannot be stored; every problem is named, with its position.
    """
    encoded = list(checked_examples(examples))
    if not encoded:
        raise ValidationError("a dataset needs at least one example")
    return encoded


def checked_examples(
    examples: Iterable[Example],
    *,
    id_column: str | None = None,
    needs_id: bool = False,
    schema: Mapping[str, Any] | None = None,
) -> Iterator[bytes]:
    """Yield each example as JSON, and raise at the end when one cannot be stored.

    Args:
        examples: Read once, one at a time.
        id_column: The field that holds the id of an example; without, only rows that were read with ids have one.
        needs_id: Whether each must have an id.
        schema: A JSON schema that each must meet; the id is no part of what it sees.

    Raises:
        RowsError: Naming every problem, 100 at most, with row and field.
        ValidationError: The schema cannot be used.
    """
    _check_iterable(examples)
    check = None if schema is None else compile_schema(schema, field="schema")
    problems = Problems("the examples")
    seen: dict[str, int] = {}
    for index, example in enumerate(_until_broken(cast("Iterable[object]", examples), problems)):
        where = example if isinstance(example, ExampleRow) else f"examples[{index}]"
        try:
            example_id, fields = _taken_apart(example, id_column, needs_id=needs_id)
            body = _encoded(example_id, fields)
        except NotStorable as exc:
            problems.add(where, str(exc))
        else:
            if example_id is not None and (first := seen.setdefault(example_id, index)) != index:
                problems.add(where, f"has the same id {example_id[:100]!r} as example {first + 1}", code="duplicate_id")
            if check is not None:
                _meets(check, body, where, problems, has_id=example_id is not None)
            if not problems:
                yield body
        if problems.full:
            break
    if problems:
        raise problems.error()


def _check_iterable(given: object) -> None:
    """Refuse what is no list of examples, and say what makes one of a data frame or a file."""
    kind = type(given).__name__
    if is_frame(given):
        what = "a data frame; give read_examples(frame)"
    elif isinstance(given, str | PathLike):
        what = "text or a path; for a file, give read_examples(path)"
    elif isinstance(given, bytes | Mapping) or not hasattr(given, "__iter__"):
        raise ValidationError(f"examples must be a list of objects, not one {kind}")
    else:
        return
    raise ValidationError(f"examples must be a list of objects, not {what} of promptops.experiments.datasets")


def _until_broken(examples: Iterable[object], problems: Problems) -> Iterator[object]:
    """Pass on what is read; rows that could not be read are reported with those that cannot be stored."""
    try:
        yield from examples
    except RowsError as exc:
        problems.extend(exc)


def _taken_apart(example: object, id_column: str | None, *, needs_id: bool) -> tuple[str | None, Mapping[str, Any]]:
    example_id: object = None
    if isinstance(example, ExampleRow):
        fields, example_id = example.fields, example.id
    elif isinstance(example, DatasetExample):
        fields = example.fields
        example_id = example.id if needs_id or id_column == "id" else None
    elif isinstance(example, Mapping):
        fields = cast("Mapping[str, Any]", example)
    else:
        raise NotStorable(f"must be an object with fields, not {type(example).__name__}")
    if id_column is not None and id_column in fields:
        example_id = fields[id_column]
        fields = {name: value for name, value in fields.items() if name != id_column}
    if not all(isinstance(name, str) for name in cast("Iterable[object]", fields)):
        raise NotStorable("the names of fields must be strings")
    _check_own(fields, id_column)
    if isinstance(example_id, int) and not isinstance(example_id, bool):
        example_id = str(example_id)
    if example_id is None:
        if needs_id or id_column is not None:
            raise NotStorable(f"has no {id_column or 'id'!r}, which says which example it is")
        return None, fields
    if not isinstance(example_id, str) or not 1 <= len(example_id) <= _LONGEST:
        raise NotStorable(f"an id is a text of 1 to {_LONGEST} characters, or a whole number")
    return example_id, fields


def _check_own(fields: Mapping[str, Any], id_column: str | None) -> None:
    reserved = [name for name in RESERVED_EXAMPLE_FIELDS if name in fields]
    if reserved == ["id"] and id_column is None:
        raise NotStorable("has a field 'id': say id_column='id' when it is the id of the example, or rename it")
    if reserved:
        raise NotStorable(f"the server gives {', '.join(reserved)}; rename or remove what is so named")
    split = fields.get(SPLIT)
    if split is not None and not (isinstance(split, str) and 1 <= len(split) <= _LONGEST):
        raise NotStorable(f"{SPLIT} must be a text of 1 to {_LONGEST} characters")


def _encoded(example_id: str | None, fields: Mapping[str, Any]) -> bytes:
    if not fields.keys() - {SPLIT} and (example_id is None or not fields):
        raise NotStorable("has no field")
    body = json_text(dict(fields) if example_id is None else {"id": example_id, **fields}).encode()
    if len(body) > LARGEST_ITEM:
        raise NotStorable(
            f"takes {len(body) / 2**20:.1f} MiB, more than the {LARGEST_ITEM // 2**20} MiB of one request"
        )
    if codec.depth_exceeds(body, codec.MAX_DEPTH - 4):
        raise NotStorable(f"nests deeper than {codec.MAX_DEPTH - 4} levels")
    return body


def _meets(check: Schema, body: bytes, where: str | ExampleRow, problems: Problems, *, has_id: bool) -> None:
    """Check what the server will see: dates are text then, and tuples are lists."""
    fields: dict[str, Any] = msgspec.json.decode(body)
    fields.pop(SPLIT, None)
    if has_id:
        fields.pop("id", None)
    for violation in check.check(fields):
        problems.add(where, violation.message, column=violation.path or None, code=violation.code)
