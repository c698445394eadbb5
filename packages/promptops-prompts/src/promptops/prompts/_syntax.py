"""The template formats that are parsed here, and the parsers of the two simple ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from promptops.prompts._mustache import parse_mustache
from promptops.prompts._nodes import Nodes, TemplateSyntaxError, shown

__all__ = ["PARSERS"]


def _parse_f_string(source: str) -> Nodes:
    nodes: Nodes = []
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
                f"{shown(name)} is not a name; between '{{' and '}}' goes a plain name, without attribute, index, "
                "conversion or format",
                start,
            )
        if text := "".join(literal):
            nodes.append(text)
        literal.clear()
        nodes.append((name,))
        end = close + 1
    literal.append(source[end:])
    if text := "".join(literal):
        nodes.append(text)
    return nodes


def _parse_none(source: str) -> Nodes:
    return [source] if source else []


PARSERS: Final[dict[str, Callable[[str], Nodes]]] = {
    "mustache": parse_mustache,
    "f-string": _parse_f_string,
    "none": _parse_none,
}
