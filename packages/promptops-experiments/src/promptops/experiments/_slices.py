"""Divides a comparison by what its examples have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from promptops.core.errors import ValidationError
from promptops.experiments._comparison import PairKey
from promptops.models.datasets import DatasetExample

__all__ = ["SliceBy", "divided", "slice_name"]

SliceBy = str | Callable[[DatasetExample], object]

_MOST_SLICES: Final = 50
_NOTHING: Final = "(none)"


def slice_name(by: SliceBy) -> str:
    """Return what a slice is called: the field, or the name of the function."""
    return by if isinstance(by, str) else getattr(by, "__name__", type(by).__name__)


def divided(keys: Sequence[PairKey], examples: Mapping[str, DatasetExample], by: SliceBy) -> dict[str, list[PairKey]]:
    """Gather pairs by the value that their example has, the values in order.

    Args:
        keys: The pairs.
        examples: The examples by id; a pair whose example is not known, or has no such field, is in ``(none)``.
        by: A field of the metadata or of the example itself, or a function of the example.

    Raises:
        ValidationError: No example is known, none has the field, or there are more than 50 values.
    """
    name = slice_name(by)
    if keys and not any(key.example_id in examples for key in keys):
        raise ValidationError(f"slices by {name!r} need the examples; pass examples=, or results of a run")
    found: dict[str, list[PairKey]] = {}
    values: dict[str, str] = {}
    for key in keys:
        if key.example_id not in values:
            example = examples.get(key.example_id)
            values[key.example_id] = _NOTHING if example is None else _value(example, by)
        found.setdefault(values[key.example_id], []).append(key)
    if isinstance(by, str) and set(found) == {_NOTHING}:
        fields = sorted({field for example in examples.values() for field in _fields(example)})
        raise ValidationError(f"no example has {name!r} to slice by; there are: {', '.join(fields) or 'no fields'}")
    if len(found) > _MOST_SLICES:
        raise ValidationError(
            f"slicing by {name!r} gives {len(found):,} slices; slice by something with at most {_MOST_SLICES} values"
        )
    return dict(sorted(found.items()))


def _value(example: DatasetExample, by: SliceBy) -> str:
    if not isinstance(by, str):
        return _text(by(example))
    return _text(_fields(example).get(by))


def _fields(example: DatasetExample) -> dict[str, Any]:
    metadata = example.get("metadata")
    if isinstance(metadata, Mapping):
        return {**example.fields, **cast("Mapping[str, Any]", metadata)}
    return dict(example.fields)


def _text(value: object) -> str:
    if value is None:
        return _NOTHING
    return str(value).lower() if isinstance(value, bool) else str(value)
