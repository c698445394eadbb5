"""The parsers of the template formats: from a text to literal texts and variable paths."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from promptops.prompts._values import MAX_DEPTH

__all__ = ["PARSERS", "Path", "Segments", "TemplateSyntaxError"]

Path: TypeAlias = tuple[str, ...]
Segments: TypeAlias = list[str | Path]
"""Literal texts and variable paths in the order of the text."""

_PATH: Final = re.compile(r"\w[\w-]*(?:\.\w[\w-]*)*")
_NOT_YET: Final = {
    "#": "sections",
    "^": "inverted sections",
    "/": "sections",
    ">": "partials",
    "=": "other delimiters",
    "!": "comments",
}


class TemplateSyntaxError(Exception):
    """The text is not a template of this format.

    Attributes:
        reason: What is wrong and what to write instead.
        position: Where, in characters from the start.
    """

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


def _parse_mustache(source: str) -> Segments:
    segments: Segments = []
    end = 0
    while (start := source.find("{{", end)) >= 0:
        if start > end:
            segments.append(source[end:start])
        close = source.find("}}", start + 2)
        if close < 0:
            raise TemplateSyntaxError("'{{' is never closed; write '{{ name }}'", start)
        segments.append(_mustache_path(source[start + 2 : close], start))
        end = close + 2
    if end < len(source):
        segments.append(source[end:])
    return segments


def _mustache_path(tag: str, position: int) -> Path:
    if tag[:1] in {"{", "&"}:
        raise TemplateSyntaxError(
            "write '{{ name }}': values are never escaped here. For a literal brace before a variable, put a space "
            "between them: '{ {{ name }}'",
            position,
        )
    if (feature := _NOT_YET.get(tag[:1])) is not None:
        raise TemplateSyntaxError(f"{feature} ('{{{{{tag[0]}') are not supported", position)
    name = tag.strip()
    if not _PATH.fullmatch(name):
        raise TemplateSyntaxError(
            f"{_shown(name)} is not a variable; between '{{{{' and '}}}}' goes a name such as 'user' or 'user.name'",
            position,
        )
    return _split(name, position)


def _parse_f_string(source: str) -> Segments:
    segments: Segments = []
    literal: list[str] = []
    end = 0
    for match in re.finditer(r"[{}]", source):
        start = match.start()
        if start < end:
            continue
        literal.append(source[end:start])
        brace = match[0]
        if source.startswith(brace, start + 1):
            literal.append(brace)
            end = start + 2
            continue
        if brace == "}":
            raise TemplateSyntaxError("single '}'; write '}}' for a literal brace", start)
        close = source.find("}", start)
        if close < 0:
            raise TemplateSyntaxError("'{' is never closed; write '{name}', or '{{' for a literal brace", start)
        name = source[start + 1 : close].strip()
        if not name.isidentifier():
            raise TemplateSyntaxError(
                f"{_shown(name)} is not a name; between '{{' and '}}' goes a plain name, without attribute, index, "
                "conversion or format",
                start,
            )
        if text := "".join(literal):
            segments.append(text)
        literal.clear()
        segments.append((name,))
        end = close + 1
    literal.append(source[end:])
    if text := "".join(literal):
        segments.append(text)
    return segments


def _parse_none(source: str) -> Segments:
    return [source] if source else []


def _split(name: str, position: int) -> Path:
    path = tuple(name.split("."))
    if len(path) > MAX_DEPTH:
        raise TemplateSyntaxError(f"a path has {len(path)} parts; at most {MAX_DEPTH} are allowed", position)
    return path


def _shown(name: str) -> str:
    return repr(name if len(name) <= 40 else name[:40] + "...")


PARSERS: Final[dict[str, Callable[[str], Segments]]] = {
    "mustache": _parse_mustache,
    "f-string": _parse_f_string,
    "none": _parse_none,
}
