"""Texts of users inside generated Python: nothing breaks out of them, and ruff has nothing to change."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Final

__all__ = ["WIDTH", "docstring", "literal", "prose"]

# Narrower than any usual line length, so that formatters with other settings leave the lines alone too.
WIDTH: Final = 79


def literal(value: str | int | bool | None) -> str:
    """The Python literal of a value, as formatters write it."""
    if not isinstance(value, str):
        return repr(value)
    quote = "'" if value.count('"') > value.count("'") else '"'
    body = value.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return f"{quote}{''.join(char if char.isprintable() else _escaped(char) for char in body)}{quote}"


def prose(text: str) -> str:
    """A text in one line for a docstring: no line breaks, no quotes that could end it, nothing that hides itself."""
    line = " ".join(text.split()).replace("\\", "\\\\").replace('"', "'")
    return "".join(char if char.isprintable() else f"\\{_escaped(char)}" for char in line)


def docstring(summary: str, paragraphs: Iterable[str], *, indent: str = "    ") -> str:
    """A docstring of lines that are already safe; a paragraph is wrapped, one that is indented stays indented."""
    blocks = [_wrapped(summary, indent)]
    blocks += [_wrapped(paragraph, indent) for paragraph in paragraphs]
    body = "\n\n".join(blocks).removeprefix(indent)
    ending = "" if "\n" not in body and len(body) + len(indent) + 6 <= WIDTH and body[-1] != "\\" else f"\n{indent}"
    return f'{indent}"""{body}{ending}"""'


def _wrapped(paragraph: str, indent: str) -> str:
    lines: list[str] = []
    for line in paragraph.split("\n"):
        deeper = " " * (len(line) - len(line.lstrip()))
        lines += textwrap.wrap(
            line.strip(),
            WIDTH,
            initial_indent=indent + deeper,
            subsequent_indent=indent + deeper + ("    " if deeper else ""),
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return "\n".join(lines)


def _escaped(char: str) -> str:
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    if short is not None:
        return short
    number = ord(char)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
