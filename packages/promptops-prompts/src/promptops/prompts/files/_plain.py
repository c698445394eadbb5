"""Structs as plain values, without what a decoder adds by itself."""

from __future__ import annotations

from typing import Any, cast

import msgspec

__all__ = ["plain"]


def plain(value: Any) -> Any:
    """A struct as a dict of the fields that differ from their defaults; JSON that callers wrote stays as it is.

    Converting the result to the same type gives an equal struct.
    """
    if isinstance(value, msgspec.Struct):
        return _fields(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in cast("list[Any]", value)]
    return value


def _fields(struct: msgspec.Struct) -> dict[str, Any]:
    config = struct.__struct_config__
    fields: dict[str, Any] = {} if config.tag_field is None else {config.tag_field: config.tag}
    for field in msgspec.structs.fields(struct):
        value = getattr(struct, field.name)
        if field.default is not msgspec.NODEFAULT:
            default: Any = field.default
        elif field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        else:
            default = msgspec.NODEFAULT
        if default is msgspec.NODEFAULT or value != default:
            fields[field.encode_name] = plain(value)
    return fields
