"""Objects under a tag that nobody knows become the ``Unknown`` arm of their union; all else stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard, cast

import msgspec.inspect as mi
from promptops.models._unknown import Unknown


def tolerated(value: Any, type_: Any) -> Any:
    """A copy of decoded JSON in which every unknown tag has its arm."""
    return _rewrite(value, mi.type_info(type_))


def _rewrite(value: Any, info: mi.Type) -> Any:
    while isinstance(info, mi.Metadata):
        info = info.type
    if isinstance(value, dict):
        return _object(cast("dict[str, Any]", value), info)
    if _is_list(value):
        return _array(value, info)
    return value


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _object(value: dict[str, Any], info: mi.Type) -> Any:
    alternatives = info.types if isinstance(info, mi.UnionType) else (info,)
    for arm in alternatives:
        if isinstance(arm, mi.DictType):
            return {key: _rewrite(item, arm.value_type) for key, item in value.items()}
        if isinstance(arm, mi.TypedDictType | mi.DataclassType):
            return _fields(value, {field.encode_name: field.type for field in arm.fields})
    structs = [arm for arm in alternatives if isinstance(arm, mi.StructType) and not arm.array_like]
    if not structs:
        return value
    tag_field = structs[0].tag_field
    if tag_field is None:
        return _struct(value, structs[0])
    tag = value.get(tag_field)
    # A literal sentinel from the wire is as unknown as any other tag.
    known = {arm.tag: arm for arm in structs if not issubclass(arm.cls, Unknown)}
    if isinstance(tag, str | int) and tag in known:
        return _struct(value, known[tag])
    unknown = next((arm for arm in structs if issubclass(arm.cls, Unknown)), None)
    if unknown is not None and type(tag) is type(unknown.tag):
        return {tag_field: unknown.tag, "__tag__": tag, "__raw__": value}
    if len(structs) == 1 and type(tag) is type(structs[0].tag):
        # Outside of a union the tag tells nothing apart; the place already says what this is.
        return _struct({**value, tag_field: structs[0].tag}, structs[0])
    return value


def _struct(value: dict[str, Any], info: mi.StructType) -> dict[str, Any]:
    return _fields(value, {field.encode_name: field.type for field in info.fields})


def _fields(value: dict[str, Any], types: Mapping[str, mi.Type]) -> dict[str, Any]:
    return {key: _rewrite(item, types[key]) if key in types else item for key, item in value.items()}


def _array(value: list[Any], info: mi.Type) -> list[Any]:
    alternatives = info.types if isinstance(info, mi.UnionType) else (info,)
    for arm in alternatives:
        if isinstance(arm, mi.CollectionType):
            return [_rewrite(item, arm.item_type) for item in value]
        if isinstance(arm, mi.TupleType):
            return _each(value, arm.item_types)
    return value


def _each(value: list[Any], types: Sequence[mi.Type]) -> list[Any]:
    if len(value) != len(types):
        return value
    return [_rewrite(item, info) for item, info in zip(value, types, strict=True)]
