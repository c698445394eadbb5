"""Examples of ours as a Phoenix server keeps them, and back: any JSON comes back as it was.

The server keeps three objects for each example: ``input``, ``output`` and ``metadata``. An example whose fields are
``input``, ``expected`` and ``metadata`` (at least ``input``), each a non-empty object, is kept like that, with
``expected`` as the output. Of any other, ``expected`` becomes ``{"expected": ...}`` in the output, ``metadata`` the
metadata if it is an object, and all other fields the input; one more key in the metadata, :data:`MARKER`, says so.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec
from promptops.core.narrow import is_array, is_object
from promptops.models.datasets import DatasetExample
from promptops.phoenix._generated import models as wire
from promptops.phoenix._numbers import LARGE_NUMBER, Path, fits, large_numbers

__all__ = [
    "MARKER",
    "ExampleParts",
    "PhoenixExample",
    "example_of",
    "fields_of",
    "parts_of",
]

MARKER: Final = "promptops.fields"
"""The key in the metadata which says that the example was one flat object, and what of it lies outside the input."""

_INPUT, _EXPECTED, _METADATA = "input", "expected", "metadata"
_DIRECT: Final = frozenset({_INPUT, _EXPECTED, _METADATA})
_OUTSIDE, _INTEGERS = "outside", "integers"
_INTEGER: Final = re.compile(r"-?[0-9]{19,4300}")
"""Python reads no longer one."""
_FLOAT: Final = re.compile(r"-?[0-9]\.?[0-9]*e\+[0-9]{2,3}")
"""As Python writes those that are no small ones."""


class ExampleParts(msgspec.Struct, frozen=True, kw_only=True):
    """The three objects of an example on the server."""

    input: dict[str, Any]
    output: dict[str, Any]
    metadata: dict[str, Any]


class PhoenixExample(DatasetExample, frozen=True, kw_only=True):
    """An example of a dataset on a Phoenix server; ``id`` is the one that runs are stored with.

    Attributes:
        example_id: The caller's own id of the example, or ``id`` again when it was given none.
        input: The input as the server keeps it.
        output: The output as the server keeps it; empty when there is none.
        metadata: The metadata as the server keeps it.
        span_id: The span that it was made of, or None.
    """

    example_id: str
    input: Mapping[str, Any]
    output: Mapping[str, Any]
    metadata: Mapping[str, Any]
    span_id: str | None = None


def example_of(item: wire.DatasetExample) -> PhoenixExample:
    """Return an example that the server sent as users see it."""
    return PhoenixExample(
        id=item.node_id,
        example_id=item.id,
        fields=fields_of(item.input, item.output, item.metadata),
        input=item.input,
        output=item.output,
        metadata=item.metadata,
        updated_at=item.updated_at,
        span_id=item.source.span_id if isinstance(item.source, wire.DatasetExampleSource) else None,
    )


def parts_of(fields: Mapping[str, Any], encoded: bytes | None = None) -> ExampleParts:
    """Return the three objects that keep an example.

    Args:
        fields: The flat example, plain JSON values.
        encoded: Its JSON, if it is at hand: without long runs of digits nothing need be looked at closely.
    """
    # The server fails (status 500) on numbers that 64 bits do not hold: these travel as text.
    close = encoded is None or LARGE_NUMBER.search(encoded) is not None
    # In an order of their own: that of the fields must not make another example of this one.
    large = sorted(large_numbers(fields), key=msgspec.json.encode) if close else []
    if not large and _is_direct(fields):
        metadata = cast("dict[str, Any]", fields.get(_METADATA, {}))
        return ExampleParts(input=fields[_INPUT], output=fields.get(_EXPECTED, {}), metadata=metadata)
    flat: dict[str, Any] = _with_texts(fields, large) if large else dict(fields)
    outside: list[str] = []
    output: dict[str, Any] = {}
    metadata = {}
    if _EXPECTED in flat:
        outside.append(_EXPECTED)
        output = {_EXPECTED: flat.pop(_EXPECTED)}
    if is_object(flat.get(_METADATA)) and MARKER not in flat[_METADATA]:
        outside.append(_METADATA)
        metadata = dict(flat.pop(_METADATA))
    mark: Any = {_OUTSIDE: outside, _INTEGERS: [list(path) for path in large]} if large else outside
    return ExampleParts(input=flat, output=output, metadata={**metadata, MARKER: mark})


def fields_of(given: Mapping[str, Any], output: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flat example that the three objects keep; what others changed in them since is not left out."""
    mark = _mark_of(metadata)
    if mark is None:
        found: dict[str, Any] = {_INPUT: dict(given)}
        found |= {_EXPECTED: dict(output)} if output else {}
        return found | ({_METADATA: dict(metadata)} if metadata else {})
    outside, large = mark
    found = dict(given)
    if output or _EXPECTED in outside:
        found.setdefault(_EXPECTED, output[_EXPECTED] if list(output) == [_EXPECTED] else dict(output))
    rest = {name: value for name, value in metadata.items() if name != MARKER}
    if rest or _METADATA in outside:
        found.setdefault(_METADATA, rest)
    if large:
        found = copy.deepcopy(found)  # what the server keeps stays as it is
    for path in large:
        _restore(found, path)
    return found


def _is_direct(fields: Mapping[str, Any]) -> bool:
    return (
        _INPUT in fields
        and fields.keys() <= _DIRECT
        and all(is_object(value) and value for value in fields.values())
        and MARKER not in fields.get(_METADATA, ())
    )


def _mark_of(metadata: Mapping[str, Any]) -> tuple[list[str], list[Path]] | None:
    """What the marker says; None when there is none, or one that nobody of us wrote."""
    mark = metadata.get(MARKER)
    outside: object = mark
    large: object = []
    if is_object(mark):
        outside, large = mark.get(_OUTSIDE), mark.get(_INTEGERS)
    if not is_array(outside) or not is_array(large):
        return None
    return [str(name) for name in outside], [tuple(path) for path in large if is_array(path)]


def _with_texts(fields: Mapping[str, Any], large: list[Path]) -> dict[str, Any]:
    copied: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(fields))
    for path in large:
        holder = _holder(copied, path)
        if holder is not None:
            holder[path[-1]] = repr(holder[path[-1]])
    return copied


def _restore(fields: dict[str, Any], path: Path) -> None:
    """Make the number again, unless somebody else has changed what is there."""
    holder = _holder(fields, path)
    text = None if holder is None else holder[path[-1]]
    if holder is None or not isinstance(text, str):
        return
    number = int(text) if _INTEGER.fullmatch(text) else float(text) if _FLOAT.fullmatch(text) else 0
    if not fits(number):
        holder[path[-1]] = number


def _holder(fields: dict[str, Any], path: Path) -> Any:
    """The object or array that has the last step of the path, or None when it does not lead anywhere any more."""
    holder: Any = None
    found: Any = fields
    for step in path:
        holder = found
        # Others can write a marker too: a step may be anything.
        if is_object(holder):
            there = isinstance(step, str) and step in holder
        else:
            there = is_array(holder) and isinstance(step, int) and 0 <= step < len(holder)
        if not there:
            return None
        found = cast("Any", holder)[step]
    return holder
