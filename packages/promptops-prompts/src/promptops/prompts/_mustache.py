"""The parser of the mustache subset: variables, sections, inverted sections and comments."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from promptops.prompts._nodes import MAX_DEPTH, Nodes, Path, Section, TemplateSyntaxError, shown

__all__ = ["parse_mustache"]

_PATH: Final = re.compile(r"\w[\w-]*(?:\.\w[\w-]*)*")
_REST_OF_LINE: Final = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_UNESCAPED: Final = (
    "write '{{ name }}': values are never escaped here. For a literal brace before a variable, put a space "
    "between them: '{ {{ name }}'"
)
_REFUSED: Final = {
    "{": _UNESCAPED,
    "&": _UNESCAPED,
    ">": "inclusion ('{{> slug@version }}') is resolved when a prompt is published, and this text was not published",
    "=": "other delimiters ('{{=') are not supported; tags are '{{' and '}}' everywhere",
    "<": "inheritance ('{{<') is not supported",
    "$": "blocks ('{{$') are not supported",
}


class _Open(msgspec.Struct, gc=False):
    """A section that is not closed yet, and what stood before it on its own level."""

    path: Path
    inverted: bool
    position: int
    outer: Nodes


def parse_mustache(source: str) -> Nodes:
    """Parse a text.

    A tag of a section or a comment that is alone on its line takes the line with it.

    Raises:
        TemplateSyntaxError: The text is not of the subset.
    """
    nodes: Nodes = []
    opened: list[_Open] = []
    end = 0
    while (start := source.find("{{", end)) >= 0:
        close = source.find("}}", start + 2)
        if close < 0:
            raise TemplateSyntaxError("'{{' is never closed; write '{{ name }}'", start)
        tag = source[start + 2 : close]
        sigil = tag[:1]
        text = source[end:start]
        at_line_start = end == 0 or source[end - 1] == "\n"
        end = close + 2
        if (refused := _REFUSED.get(sigil)) is not None:
            raise TemplateSyntaxError(refused, start)
        if sigil in {"#", "^", "/", "!"} and (alone := _alone(source, text, end, at_line_start)):
            text, end = alone
        if text:
            nodes.append(text)
        if sigil in {"#", "^"}:
            if len(opened) == MAX_DEPTH:
                raise TemplateSyntaxError(f"sections are nested more than {MAX_DEPTH} deep", start)
            path = _path(tag[1:], start, within=any(not section.inverted for section in opened))
            opened.append(_Open(path, sigil == "^", start, nodes))
            nodes = []
        elif sigil == "/":
            section = _closed(tag, start, opened)
            section.outer.append(Section(section.path, section.inverted, tuple(nodes)))
            nodes = section.outer
        elif sigil != "!":
            nodes.append(_path(tag, start, within=any(not section.inverted for section in opened)))
    if opened:
        raise TemplateSyntaxError(f"the section {_name(opened[-1].path)} is never closed", opened[-1].position)
    if end < len(source):
        nodes.append(source[end:])
    return nodes


def _alone(source: str, text: str, end: int, at_line_start: bool) -> tuple[str, int] | None:
    """The text before a tag and the place after it, both without the tag's line; None where the line has more."""
    line = text.rfind("\n") + 1
    if (line == 0 and not at_line_start) or text[line:].strip(" \t"):
        return None
    rest = _REST_OF_LINE.match(source, end)
    return None if rest is None else (text[:line], rest.end())


def _closed(tag: str, position: int, opened: list[_Open]) -> _Open:
    name = tag[1:].strip()
    if not opened:
        raise TemplateSyntaxError(f"{shown(name)} is closed and was not opened", position)
    section = opened.pop()
    if name != (expected := ".".join(section.path) or "."):
        raise TemplateSyntaxError(
            f"{shown(name)} is closed, but the section that is open is {shown(expected)}", position
        )
    return section


def _path(tag: str, position: int, *, within: bool) -> Path:
    name = tag.strip()
    if name == ".":
        if not within:
            raise TemplateSyntaxError("'.' is the item of a section, and there is no section around it", position)
        return ()
    if not _PATH.fullmatch(name):
        raise TemplateSyntaxError(
            f"{shown(name)} is not a variable; between '{{{{' and '}}}}' goes a name such as 'user' or 'user.name'",
            position,
        )
    path = tuple(name.split("."))
    if len(path) > MAX_DEPTH:
        raise TemplateSyntaxError(f"a path has {len(path)} parts; at most {MAX_DEPTH} are allowed", position)
    return path


def _name(path: Path) -> str:
    return shown(".".join(path) or ".")
