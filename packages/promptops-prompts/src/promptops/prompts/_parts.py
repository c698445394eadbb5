"""The parts of a message: which of their texts are templates, and what they look like as plain dicts.

This module is shared with the server, so it tells parts apart by their tag and knows none of the classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeGuard

from promptops.prompts._problems import problem, refusal

__all__ = ["Visit", "given_part", "is_list", "is_object", "map_texts", "part_dict", "part_problems", "texts_of"]

Visit: TypeAlias = Callable[[str, str], str]
"""Gets a template and its field; returns what stands in its place."""

_TEMPLATES: Final[dict[str, tuple[str, ...]]] = {
    "text": ("text",),
    "image": ("url",),
    "file": ("url", "filename"),
    "tool_result": ("content",),
}
_FIELDS: Final[dict[str, dict[str, tuple[type, bool]]]] = {
    "text": {"text": (str, True)},
    "image": {"url": (str, False), "data": (str, False), "media_type": (str, False), "detail": (str, False)},
    "file": {
        "url": (str, False),
        "data": (str, False),
        "file_id": (str, False),
        "media_type": (str, False),
        "filename": (str, False),
    },
    "tool_call": {"id": (str, True), "name": (str, True), "arguments": (dict, False)},
    "tool_result": {
        "tool_call_id": (str, True),
        "content": (str, True),
        "name": (str, False),
        "is_error": (bool, False),
    },
}
_WORDS: Final = {str: "text", dict: "a dict", bool: "true or false"}
_MAX_DEPTH: Final = 64
_UNKNOWN: Final = "__unknown__"


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value is an object of JSON."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a value is an array of JSON."""
    return isinstance(value, list)


def part_dict(part: Any) -> dict[str, Any]:
    """A tagged struct as a dict with its ``type``, without what is None; one of an unknown type is its raw object."""
    tag = part.__struct_config__.tag
    if tag == _UNKNOWN:
        return dict(part.raw)
    fields: dict[str, Any] = {"type": tag}
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if value is not None:
            fields[name] = value
    return fields


def map_texts(part: dict[str, Any], field: str, visit: Visit) -> dict[str, Any]:
    """The part with every template in it replaced by what ``visit`` returns; ``field`` is where the part is."""
    kind = part["type"]
    for name in _TEMPLATES.get(kind, ()):
        text = part.get(name)
        if isinstance(text, str):
            part[name] = visit(text, f"{field}.{name}")
    if kind == "tool_call":
        part["arguments"] = _mapped(part.get("arguments") or {}, f"{field}.arguments", visit, 1)
    return part


def texts_of(content: str | list[dict[str, Any]]) -> list[str]:
    """What a message says in words: its text, or those of its text parts."""
    if isinstance(content, str):
        return [content]
    return [part["text"] for part in content if part["type"] == "text"]


def part_problems(part: object, field: str) -> list[dict[str, Any]]:
    """What is wrong with a part that a caller gave as a dict; one of an unknown type may hold anything."""
    if not is_object(part) or not isinstance(part.get("type"), str):
        return [
            problem(field, "expected a dict with a 'type', for example {'type': 'text', 'text': ...}", "wrong_type")
        ]
    known = _FIELDS.get(part["type"])
    if known is None:
        return []
    problems = [
        problem(f"{field}.{name!s:.80}", f"a part of the type {part['type']!r} has no such field", "unknown_field")
        for name in part
        if name != "type" and name not in known
    ]
    for name, (kind, needed) in known.items():
        value = part.get(name)
        if value is None and needed:
            problems.append(problem(f"{field}.{name}", "is missing", "required"))
        elif value is not None and not isinstance(value, kind):
            problems.append(problem(f"{field}.{name}", f"expected {_WORDS[kind]}", "wrong_type"))
    return problems


def given_part(part: dict[str, Any]) -> dict[str, Any]:
    """A checked part of the caller's as it is handed on: without what is None, unless its type is unknown."""
    if part["type"] not in _FIELDS:
        return part
    given = {name: value for name, value in part.items() if value is not None}
    if part["type"] == "tool_call":
        given.setdefault("arguments", {})
    return given


def _mapped(value: Any, field: str, visit: Visit, depth: int) -> Any:
    if isinstance(value, str):
        return visit(value, field)
    if not is_object(value) and not is_list(value):
        return value
    if depth > _MAX_DEPTH:
        raise refusal(problem(field, f"nested more than {_MAX_DEPTH} deep", "too_deep"))
    if is_object(value):
        return {name: _mapped(item, f"{field}.{name}", visit, depth + 1) for name, item in value.items()}
    return [_mapped(item, f"{field}[{index}]", visit, depth + 1) for index, item in enumerate(value)]
