"""What an example is made of: its fields, its id, its split, and the digest of its content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from promptops.core.errors import ValidationError
from promptops.core.json_schema import compile_schema
from promptops.server.wire.common import JsonObject

__all__ = ["SPLIT", "Item", "check_items", "check_schema", "content_id", "digest_of", "item_of"]

SPLIT: Final = "promptops.split"
"""The field of an example that names its split; it is no part of the content."""
_TIMES: Final = ("created_at", "updated_at")
_LONGEST: Final = 255
_MOST_PROBLEMS: Final = 100
_encode = msgspec.json.Encoder(order="deterministic").encode


class Item(Struct, frozen=True):
    """An example as it was sent, taken apart.

    Attributes:
        id: The caller's id, or None.
        split: The split, or None.
        fields: Everything else.
    """

    id: str | None
    split: str | None
    fields: JsonObject


def digest_of(fields: Mapping[str, Any]) -> str:
    """The digest of the content of an example: 64 hexadecimal digits, whatever the order of the fields."""
    return hashlib.sha256(b"promptops-example-1\n" + _encode(fields)).hexdigest()


def content_id(digest: str) -> str:
    """The id of an example that was sent without one."""
    return f"ex_{digest[:32]}"


def item_of(example: JsonObject) -> Item:
    """Take an example apart; it was checked before."""
    fields = {name: value for name, value in example.items() if name not in {"id", SPLIT}}
    return Item(example.get("id"), example.get(SPLIT), fields)


def check_items(examples: Sequence[JsonObject], *, ids: bool, partial: bool = False) -> None:
    """Refuse examples that cannot be stored.

    Args:
        examples: As they were sent.
        ids: Whether they may have ids.
        partial: Whether they say what changes of examples that exist, so each must have an id.

    Raises:
        ValidationError: Naming every problem.
    """
    problems: list[dict[str, Any]] = []
    for index, example in enumerate(examples):
        problems += _problems(f"examples[{index}]", example, ids=ids, partial=partial)
    _refuse(problems)


def check_schema(examples: Mapping[int, Mapping[str, Any]], schema: Mapping[str, Any] | None) -> None:
    """Refuse examples, by their places in the request, that do not meet the schema of their dataset.

    Raises:
        ValidationError: Naming every field, 100 at most.
    """
    if schema is None:
        return
    compiled = compile_schema(schema, field="example_schema")
    problems: list[dict[str, Any]] = []
    for index, example in examples.items():
        for violation in compiled.check(example):
            field = f"examples[{index}]" + (f".{violation.path}" if violation.path else "")
            problems.append({"field": field, "message": violation.message, "code": violation.code})
        if len(problems) >= _MOST_PROBLEMS:
            break
    _refuse(problems[:_MOST_PROBLEMS])


def _problems(field: str, example: JsonObject, *, ids: bool, partial: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if not example.keys() - ({"id"} if partial else {"id", SPLIT}):
        found.append({"field": field, "message": "has no fields", "code": "empty"})
    found.extend(
        {"field": f"{field}.{name}", "message": "is set by the server", "code": "reserved_field"}
        for name in (_TIMES if ids else ("id", *_TIMES))
        if name in example
    )
    if ids and "id" in example and not _is_short_text(example["id"]):
        message = f"must be a string of 1 to {_LONGEST} characters"
        found.append({"field": f"{field}.id", "message": message, "code": "invalid_value"})
    elif partial and "id" not in example:
        found.append({"field": f"{field}.id", "message": "missing", "code": "missing_field"})
    if SPLIT in example and example[SPLIT] is not None and not _is_short_text(example[SPLIT]):
        message = f"must be a string of 1 to {_LONGEST} characters, or null"
        found.append({"field": f"{field}.{SPLIT}", "message": message, "code": "invalid_value"})
    return found


def _is_short_text(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= _LONGEST


def _refuse(problems: list[dict[str, Any]]) -> None:
    if problems:
        first = problems[0]
        raise ValidationError(f"{first['field']}: {first['message']}", validation_errors=problems)
