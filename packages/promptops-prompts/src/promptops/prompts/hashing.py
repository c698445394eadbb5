"""The hash of what a prompt says: equal for equal prompts, whoever computes it.

Names, versions, labels, tags, metadata and times are not part of it. It is shared with the server and works on every
struct that has the fields, whether it came over the wire, from a file or out of a constructor.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from msgspec import UNSET, Struct

if TYPE_CHECKING:
    from promptops.models.prompts import PromptLike

__all__ = ["content_hash"]

_FIELDS: Final = (
    "messages",
    "template_format",
    "model_specific_prompts",
    "tools",
    "tool_choice",
    "response_format",
    "model_settings",
    "variables_schema",
)
_encode = msgspec.json.Encoder(order="sorted").encode


def content_hash(prompt: PromptLike | Struct) -> str:
    """SHA-256, in hexadecimal, of everything that a render or a model sees of a prompt.

    It is taken of JSON with sorted keys: the messages (of a plain text its content), the template format, the
    model-specific prompts, tools, tool choice, response format, model settings and the schema of the variables, each
    only when it is there and not empty. Fields of structs that are None are left out, and whole numbers in them count
    as integers (``1.0`` is ``1``); schemas, arguments of tool calls and ``extra`` are taken as they are. A
    model-specific prompt counts, like the prompt itself, with its messages or its content. A prompt that includes
    others is hashed as it was resolved.
    """
    fields = _FIELDS if getattr(prompt, "messages", None) else ("content", *_FIELDS[1:])
    values = {name: _plain(getattr(prompt, name, None)) for name in fields}
    return hashlib.sha256(_encode({name: value for name, value in values.items() if _is_there(value)})).hexdigest()


def _is_there(value: Any) -> bool:
    return value is not None and value is not UNSET and not (isinstance(value, (str, list, dict)) and not value)


def _plain(value: Any) -> Any:
    """A struct as a dict, lists of them as lists of those; JSON that callers wrote stays as it is."""
    if isinstance(value, Struct):
        return _fields(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in cast("list[Any]", value)]
    return value


def _fields(struct: Struct) -> dict[str, Any]:
    config = struct.__struct_config__
    if config.tag_field is not None and "raw" in struct.__struct_fields__:  # of a type that is not known here
        return dict(getattr(struct, "raw"))  # noqa: B009 - structs do not declare it
    values: dict[str, Any] = {} if config.tag_field is None else {config.tag_field: config.tag}
    for name, encoded in zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True):
        value = getattr(struct, name)
        if value is None or value is UNSET:
            continue
        if name == "content" and getattr(struct, "messages", None):  # of a variant; its messages say it all
            continue
        values[encoded] = int(value) if isinstance(value, float) and value.is_integer() else _plain(value)
    return values
