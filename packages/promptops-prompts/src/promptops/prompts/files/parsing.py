"""From the text of a `.prompt.md` file to the prompt that it describes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import msgspec
from promptops.core.errors import ConfigurationError
from promptops.models import (
    ChatMessage,
    FilePart,
    ImagePart,
    ModelSettings,
    ModelSpecificPrompt,
    ResponseFormat,
    TextPart,
    ToolCallPart,
    ToolChoice,
    ToolDefinition,
    ToolResultPart,
    prepared,
)
from promptops.prompts._checks import with_content
from promptops.prompts.files._body import parse_body
from promptops.prompts.files._problem import refused_line, unknown_key
from promptops.prompts.files._slugs import is_slug
from promptops.prompts.files._yaml import Node, load_yaml
from promptops.prompts.files.documents import PromptDocument

__all__ = ["KEYS", "parse_document", "read_document"]

KEYS: Final = {
    "slug": "slug",
    "name": "name",
    "description": "description",
    "format": "template_format",
    "tags": "tags",
    "metadata": "metadata",
    "module": "module_id",
    "target_models": "target_models",
    "variables": "variables",
    "schema": "variables_schema",
    "model": "model_settings",
    "tools": "tools",
    "tool_choice": "tool_choice",
    "response_format": "response_format",
    "variants": "model_specific_prompts",
    "content": "content",
    "messages": "messages",
}
"""The keys of the front matter, in the order in which they are written, and the fields that they fill."""

FORMATS: Final = ("mustache", "f-string", "none", "jinja2")
_LARGEST: Final = 16 * 1024 * 1024
_PATH: Final = re.compile(r" - at `(?:key in )?\$\.?(?P<path>.*)`$")
_PARTS: Final[dict[str, type[msgspec.Struct]]] = {
    "text": TextPart,
    "image": ImagePart,
    "file": FilePart,
    "tool_call": ToolCallPart,
    "tool_result": ToolResultPart,
}
_LISTS: Final[dict[str, type[msgspec.Struct]]] = {
    "tools": ToolDefinition,
    "variants": ModelSpecificPrompt,
    "messages": ChatMessage,
}
_STRUCTS: Final[dict[str, type[msgspec.Struct]]] = {
    "model": ModelSettings,
    "model_settings": ModelSettings,
    "tool_choice": ToolChoice,
    "response_format": ResponseFormat,
}


def read_document(path: str | Path, *, slug: str | None = None) -> PromptDocument:
    """The prompt in a file.

    Args:
        path: The file.
        slug: What the file's place implies, unless it names a slug itself; its name without ``.prompt.md`` unless
            given.

    Raises:
        ConfigurationError: The file cannot be read, or PyYAML is not installed.
        ValidationError: The file is wrong; the error names the line.
    """
    file = Path(path)
    try:
        if file.stat().st_size > _LARGEST:
            raise refused_line(str(file), 1, f"larger than {_LARGEST // 2**20} MiB")
        data = file.read_bytes()
    except OSError as exc:
        raise ConfigurationError(f"{file} cannot be read: {exc.strerror or exc}.") from exc
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise refused_line(str(file), line, "not UTF-8; save the file in this encoding") from exc
    document = parse_document(text, where=str(file), slug=slug)
    return msgspec.structs.replace(document, source_path=file)


def parse_document(text: str, *, where: str, slug: str | None = None) -> PromptDocument:
    """The prompt in a text.

    Line ends may be ``\\n`` or ``\\r\\n`` and mean the same; a text with carriage returns of its own is written in the
    front matter.

    Args:
        text: The file.
        where: Its name, for errors.
        slug: The slug unless the text names one; the last part of ``where`` unless given.

    Raises:
        ConfigurationError: PyYAML is not installed.
        ValidationError: It is wrong; the error names the line.
    """
    matter, body, body_line = _split(text.replace("\r\n", "\n"), where)
    top = load_yaml(matter, where=where, first_line=2)
    entries = top.children if isinstance(top.children, dict) else {}
    for key, node in entries.items():
        if key not in KEYS:
            raise unknown_key(where, node.line, key, KEYS)
        _check(key, node, where)
    fields: dict[str, Any] = {KEYS[key]: value for key, value in top.value.items()}
    _add_text(fields, entries, body, body_line, where)
    if "model_specific_prompts" in fields:
        fields["model_specific_prompts"] = with_content(fields["model_specific_prompts"])
    fields.setdefault("slug", slug if slug is not None else Path(where).name.removesuffix(".prompt.md"))
    fields.setdefault("name", fields["slug"])
    _check_words(fields, entries, where)
    try:
        return msgspec.convert(fields, prepared(PromptDocument), strict=True)
    except msgspec.ValidationError as exc:
        raise _named(exc, top, where) from exc


def _split(text: str, where: str) -> tuple[str, str, int]:
    """The front matter, the body, and the number of the body's first line."""
    if text != "---" and not text.startswith("---\n"):
        return "", text, 1
    lines = text.split("\n")
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip(" \t") == "---":
            return "\n".join(lines[1:number]) + "\n", "\n".join(lines[number + 1 :]), number + 2
    raise refused_line(where, 1, "the front matter has no end; close it with a line '---'")


def _add_text(fields: dict[str, Any], entries: dict[str, Node], body: str, line: int, where: str) -> None:
    given = [key for key in ("content", "messages") if key in entries]
    if len(given) == 2:
        raise refused_line(where, entries["messages"].line, "give content or messages, not both")
    if not given:
        parsed = parse_body(body, where=where, first_line=line)
        fields["content" if isinstance(parsed, str) else "messages"] = parsed
        return
    node = entries[given[0]]
    if body.strip():
        first = line + next(number for number, row in enumerate(body.split("\n")) if row.strip())
        raise refused_line(where, first, f"text here and {given[0]!r} in line {node.line}; keep one of the two")
    if not node.value and given[0] == "messages":
        raise refused_line(where, node.line, "messages is empty; give at least one message")
    if node.value is None:
        raise refused_line(where, node.line, f"{given[0]} has no value")


def _check_words(fields: dict[str, Any], entries: dict[str, Node], where: str) -> None:
    word = fields.get("template_format", "mustache")
    if word not in FORMATS:
        reason = f"format {str(word)[:80]!r} is unknown; use one of {', '.join(FORMATS)}"
        raise refused_line(where, entries["format"].line, reason)
    for key in ("slug", "name"):
        if not isinstance(fields[key], str) or not fields[key].strip():
            line = entries[key].line if key in entries else 1
            raise refused_line(where, line, f"{key} must be a text that is not blank; quote it if it is a number")
    if not is_slug(fields["slug"]):
        line = entries["slug"].line if "slug" in entries else 1
        reason = f"{fields['slug'][:80]!r} is not a slug: use letters, digits and . _ ~ : - with / between parts"
        raise refused_line(where, line, reason)


def _check(key: str, node: Node, where: str) -> None:
    """Refuse keys below that mean nothing; wrong types are left to the conversion."""
    if isinstance(node.children, dict) and key in _STRUCTS:
        _check_struct(node, _STRUCTS[key], where)
    elif isinstance(node.children, list) and key in _LISTS:
        for item in node.children:
            if isinstance(item.children, dict):
                _check_struct(item, _LISTS[key], where)
    elif isinstance(node.children, list) and key == "content":
        for item in node.children:
            _check_part(item, where)


def _check_struct(node: Node, kind: type[msgspec.Struct], where: str, *, extra: tuple[str, ...] = ()) -> None:
    known = (*kind.__struct_encode_fields__, *extra)
    entries = node.children if isinstance(node.children, dict) else {}
    for key, below in entries.items():
        if key not in known:
            raise unknown_key(where, below.line, key, known)
        if kind in {ChatMessage, ModelSpecificPrompt}:
            _check(key, below, where)


def _check_part(node: Node, where: str) -> None:
    if not isinstance(node.children, dict):
        return
    named = node.children.get("type")
    kind = None if named is None else _PARTS.get(str(named.value))
    if kind is None:
        shown = "a part needs a type" if named is None else f"type {str(named.value)[:80]!r} is unknown"
        line = node.line if named is None else named.line
        raise refused_line(where, line, f"{shown}; use one of {', '.join(_PARTS)}")
    _check_struct(node, kind, where, extra=("type",))


def _named(error: msgspec.ValidationError, top: Node, where: str) -> Exception:
    reason = str(error)
    match = _PATH.search(reason)
    path = "" if match is None else match["path"]
    key = re.split(r"[.\[]", path, maxsplit=1)[0]
    shown = next((name for name, field in KEYS.items() if field == key), key)
    place = f"{shown}{path[len(key) :]}"
    plain = reason[: match.start()] if match is not None else reason
    return refused_line(where, top.find(place).line, f"{place}: {plain[:1].lower()}{plain[1:]}")
