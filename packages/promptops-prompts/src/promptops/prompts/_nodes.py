"""What the parsers of the template formats give: literal texts, variable paths and sections."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

__all__ = ["MAX_DEPTH", "Node", "Nodes", "Path", "Section", "TemplateSyntaxError", "shown"]

MAX_DEPTH: Final = 16

Path: TypeAlias = tuple[str, ...]
"""A variable and the keys within it; empty for the item of the section around it."""


class Section(msgspec.Struct, frozen=True, gc=False):
    """A part of the text that is there once for each item, once, or not at all.

    Attributes:
        path: What decides.
        inverted: Whether the part is there when there is nothing.
        body: The part.
    """

    path: Path
    inverted: bool
    body: tuple[str | Path | Section, ...]


Node: TypeAlias = str | Path | Section
Nodes: TypeAlias = list[Node]
"""In the order of the text."""


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


def shown(name: str) -> str:
    """A piece of the text as an error shows it."""
    return repr(name if len(name) <= 40 else name[:40] + "...")
