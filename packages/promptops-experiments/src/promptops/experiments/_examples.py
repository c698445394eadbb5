"""Checks the examples of a dataset before any request, and encodes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from promptops.core import codec
from promptops.core.errors import ValidationError
from promptops.experiments._chunks import LARGEST_ITEM
from promptops.experiments._json import NotStorable, json_text
from promptops.models.datasets import RESERVED_EXAMPLE_FIELDS, DatasetExample

__all__ = ["encoded_examples"]

_MOST_NAMED: Final = 20


def encoded_examples(examples: Iterable[Mapping[str, Any] | DatasetExample]) -> list[bytes]:
    """Return each example as JSON.

    Raises:
        ValidationError: There is none, or some cannot be stored; every problem is named, with its position.
    """
    given: object = examples
    if isinstance(given, str | bytes | Mapping):
        raise ValidationError("examples must be a list of objects, not one object or text")
    encoded: list[bytes] = []
    problems: list[dict[str, Any]] = []
    for index, example in enumerate(cast("Iterable[object]", examples)):
        try:
            encoded.append(_encoded(example))
        except NotStorable as exc:
            problems.append({"field": f"examples[{index}]", "message": str(exc), "code": "invalid"})
    if problems:
        named = "; ".join(f"{problem['field']}: {problem['message']}" for problem in problems[:_MOST_NAMED])
        more = f"; and {len(problems) - _MOST_NAMED} more" if len(problems) > _MOST_NAMED else ""
        raise ValidationError(
            f"{len(problems)} of the examples cannot be stored: {named}{more}", validation_errors=problems
        )
    if not encoded:
        raise ValidationError("a dataset needs at least one example")
    return encoded


def _encoded(example: object) -> bytes:
    if isinstance(example, DatasetExample):
        fields: Mapping[str, Any] = example.fields
    elif isinstance(example, Mapping):
        fields = cast("Mapping[str, Any]", example)
        reserved = [name for name in RESERVED_EXAMPLE_FIELDS if name in fields]
        if reserved:
            raise NotStorable(f"the server gives {', '.join(reserved)}; rename or remove what is so named")
        if not all(isinstance(name, str) for name in cast("Iterable[object]", fields)):
            raise NotStorable("the names of fields must be strings")
    else:
        raise NotStorable(f"must be an object with fields, not {type(example).__name__}")
    if not fields:
        raise NotStorable("has no field")
    body = json_text(dict(fields)).encode()
    if len(body) > LARGEST_ITEM:
        raise NotStorable(
            f"takes {len(body) / 2**20:.1f} MiB, more than the {LARGEST_ITEM // 2**20} MiB of one request"
        )
    if codec.depth_exceeds(body, codec.MAX_DEPTH - 4):
        raise NotStorable(f"nests deeper than {codec.MAX_DEPTH - 4} levels")
    return body
