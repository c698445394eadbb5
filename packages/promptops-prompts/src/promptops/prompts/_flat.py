"""Templates of texts and variables alone: a render is a copy of a list, one assignment for each hole, and a join."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from promptops.core.errors import ValidationError
from promptops.prompts._nodes import Path
from promptops.prompts._problems import problem, refusal
from promptops.prompts._values import MISSING, UnrenderableValue, Walk, lookup
from promptops.prompts._work import MAX_OUTPUT_BYTES, Work

__all__ = ["Template", "check_encoded", "too_large", "value_problem"]


class _Slot(msgspec.Struct, frozen=True, gc=False):
    """One variable and every place where its text goes."""

    root: str
    rest: tuple[str, ...]
    positions: tuple[int, ...]


class Template:
    """A parsed template; immutable, and safe to share between threads.

    Attributes:
        variables: The names that a caller must give, in the order of their first use (``user`` for
            ``{{ user.name }}``).
        optional: Further names that the text mentions. Of a mustache template those within sections alone: they may be
            keys of the section's item, and are needed only when the section is rendered. Of a jinja2 template those
            that are asked for with ``is defined`` or have a ``default``. A given name that is in neither is unused.
        paths: ``variables`` with their dotted parts (``user.name``).
    """

    __slots__ = ("_literal_size", "_parts", "_slots", "optional", "paths", "variables")

    optional: tuple[str, ...]
    paths: tuple[str, ...]
    variables: tuple[str, ...]

    def __init__(self, nodes: Sequence[str | Path]) -> None:
        parts: list[str] = []
        positions: dict[Path, list[int]] = {}
        for node in nodes:
            if isinstance(node, str):
                parts.append(node)
            else:
                positions.setdefault(node, []).append(len(parts))
                parts.append("")
        self._parts = parts
        self._slots = tuple(_Slot(path[0], path[1:], tuple(where)) for path, where in positions.items())
        self._literal_size = sum(map(len, parts))
        self.optional = ()
        self.paths = tuple(".".join(path) for path in positions)
        self.variables = tuple(dict.fromkeys(path[0] for path in positions))

    def render(self, values: Mapping[str, Any], work: Work | None = None) -> tuple[str, tuple[str, ...]]:
        """Fill in the values.

        Strings are taken as they are; numbers, booleans and None as JSON; dicts and lists as compact JSON. No value is
        read as a template, and nothing of an object is called or read.

        Args:
            values: By name; others than those of the template are not looked at.
            work: The budget that this text shares with other texts of the same render; None gives it its own.

        Returns:
            The text, and the names that were filled in, in the order of their first use.

        Raises:
            ValidationError: Variables are missing or cannot be rendered (all are named at once), or the text would
                be longer than 1 MiB.
        """
        parts = self._parts.copy()
        size = self._literal_size
        walk: Walk | None = None
        problems: list[dict[str, Any]] | None = None
        for slot in self._slots:
            value = values.get(slot.root, MISSING)
            if slot.rest and value is not MISSING:
                value = lookup(value, slot.rest)
            if type(value) is not str:
                walk = walk or (Walk(MAX_OUTPUT_BYTES) if work is None else work.walk)
                try:
                    value = walk.text(value)
                except UnrenderableValue as error:
                    problems = problems or []
                    problems.append(value_problem((slot.root, *slot.rest), error))
                    continue
            size += len(value) * len(slot.positions)
            if size > MAX_OUTPUT_BYTES:
                raise too_large()
            for position in slot.positions:
                parts[position] = value
        if problems:
            raise refusal(*problems)
        text = "".join(parts)
        if not text.isascii():
            check_encoded(text)
        return text, self.variables


def value_problem(path: Path, error: UnrenderableValue) -> dict[str, Any]:
    """The entry of ``validation_errors`` for a value that has no text."""
    return problem(f"variables.{'.'.join(path) or '.'}{error.where}", error.reason, error.code)


def check_encoded(text: str) -> None:
    """Refuse a rendered text that is no Unicode, or too long as UTF-8."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise refusal(
            problem(
                "variables",
                f"a value holds half a surrogate pair, at character {error.start} of the rendered text",
                "invalid_value",
            )
        ) from error
    if size > MAX_OUTPUT_BYTES:
        raise too_large()


def too_large() -> ValidationError:
    """The error for a text beyond the limit."""
    message = f"the rendered text would exceed {MAX_OUTPUT_BYTES} bytes; give shorter values"
    return refusal(problem("variables", message, "too_large"))
