"""Texts read as the two sides read them, and written so that the other side reads the same.

A plain template is literal text with holes for variables. Phoenix, as its client renders, knows nothing else:

- ``MUSTACHE``: a hole is ``{{name}}`` of word characters, with blanks around the name, unless a backslash stands before
  it. Everything else is literal, a section or a dotted path too.
- ``F_STRING``: what ``str.format`` makes of the names that it is given.
- ``NONE``: no holes.

Ours have sections, dotted paths and comments, and no way to write ``{{`` as text in mustache.
"""

from __future__ import annotations

import re
import string
from typing import Final, NamedTuple

from promptops.prompts._nodes import Section, TemplateSyntaxError
from promptops.prompts._syntax import PARSERS
from promptops.prompts.template import MAX_TEMPLATE_BYTES

__all__ = ["FORMATS", "PHOENIX_FORMATS", "Hole", "Nodes", "Reading", "read_ours", "read_phoenix", "written"]

FORMATS: Final = {"MUSTACHE": "mustache", "F_STRING": "f-string", "NONE": "none"}
"""The formats of Phoenix, and ours of the same name."""
PHOENIX_FORMATS: Final = {ours: theirs for theirs, ours in FORMATS.items()}

_TAG: Final = re.compile(r"(?<!\\){{\s*(\w+)\s*}}")
_FIELD: Final = re.compile(r"[^.\[\]{}!:]+")
_BRACES: Final = str.maketrans({"{": "{{", "}": "}}"})


class Hole(NamedTuple):
    """Where a variable goes."""

    name: str


Nodes = tuple[str | Hole, ...]
"""Texts and holes in their order; no text is empty, and no two stand side by side."""


class Reading(NamedTuple):
    """How one side reads a text.

    Attributes:
        nodes: Its texts and holes; None when it says more than that, or nothing.
        broken: Whether it is no template of this format, so that it cannot be rendered.
    """

    nodes: Nodes | None = None
    broken: bool = False


BROKEN: Final = Reading(broken=True)
RICHER: Final = Reading()


def read_phoenix(text: str, template_format: str) -> Reading:
    """A text as the client of Phoenix reads it; the format is by our name."""
    if template_format == "none":
        return _plain([text])
    if template_format == "mustache":
        pieces = _TAG.split(text)
        return _plain([Hole(piece) if index % 2 else piece for index, piece in enumerate(pieces)])
    found: list[str | Hole] = []
    try:
        for literal, name, spec, conversion in string.Formatter().parse(text):
            found.append(literal)
            if name is None:
                continue
            if spec or conversion or not _FIELD.fullmatch(name) or name.isdecimal():
                return RICHER
            found.append(Hole(name))
    except ValueError:
        return BROKEN
    return _plain(found)


def read_ours(text: str, template_format: str) -> Reading:
    """A text as our engine reads it."""
    if template_format not in PARSERS:
        return RICHER
    if len(text) * 4 > MAX_TEMPLATE_BYTES and len(text.encode(errors="surrogatepass")) > MAX_TEMPLATE_BYTES:
        return BROKEN
    found: list[str | Hole] = []
    try:
        nodes = PARSERS[template_format](text)
    except TemplateSyntaxError:
        return BROKEN
    for node in nodes:
        if isinstance(node, str):
            found.append(node)
        elif isinstance(node, Section) or len(node) != 1:
            return RICHER
        else:
            found.append(Hole(node[0]))
    return _plain(found)


def written(nodes: Nodes, template_format: str) -> str:
    """Texts and holes in a format that both sides have; whether they are read so again is for the caller to see."""
    if template_format == "mustache":
        return "".join(node if isinstance(node, str) else f"{{{{{node.name}}}}}" for node in nodes)
    if template_format == "f-string":
        return "".join(node.translate(_BRACES) if isinstance(node, str) else f"{{{node.name}}}" for node in nodes)
    return "".join(node for node in nodes if isinstance(node, str))


def _plain(found: list[str | Hole]) -> Reading:
    nodes: list[str | Hole] = []
    for node in found:
        if isinstance(node, str) and nodes and isinstance(nodes[-1], str):
            nodes[-1] += node
        elif node:
            nodes.append(node)
    return Reading(tuple(nodes))
