"""Templates: parsed once, kept, and filled in without ever looking at a value as a template.

This module is shared with the server, which renders with it too; it knows nothing of requests, caches or models.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
from promptops.core.errors import ValidationError
from promptops.prompts._problems import problem, refusal
from promptops.prompts._syntax import PARSERS, Segments, TemplateSyntaxError
from promptops.prompts._values import MAX_DEPTH, MISSING, UnrenderableValue, lookup, text_of

__all__ = ["FORMATS", "MAX_DEPTH", "MAX_OUTPUT_BYTES", "MAX_TEMPLATE_BYTES", "Template", "compile_template"]

FORMATS: Final = tuple(PARSERS)
MAX_TEMPLATE_BYTES: Final = 256 * 1024
MAX_OUTPUT_BYTES: Final = 1024 * 1024


class _Slot(msgspec.Struct, frozen=True, gc=False):
    """One variable and every place where its text goes."""

    root: str
    rest: tuple[str, ...]
    positions: tuple[int, ...]


class Template:
    """A parsed template; immutable, and safe to share between threads.

    Attributes:
        variables: The names that a caller gives, in the order of their first use (``user`` for ``{{ user.name }}``).
        paths: The same with their dotted parts (``user.name``).
    """

    __slots__ = ("_literal_size", "_parts", "_slots", "paths", "variables")

    def __init__(self, segments: Segments) -> None:
        # Literals and holes in one list, so that a render is a copy, one assignment for each hole, and a join.
        parts: list[str] = []
        positions: dict[tuple[str, ...], list[int]] = {}
        for segment in segments:
            if isinstance(segment, str):
                parts.append(segment)
            else:
                positions.setdefault(segment, []).append(len(parts))
                parts.append("")
        self._parts = parts
        self._slots = tuple(_Slot(path[0], path[1:], tuple(where)) for path, where in positions.items())
        self._literal_size = sum(map(len, parts))
        self.paths = tuple(".".join(path) for path in positions)
        self.variables = tuple(dict.fromkeys(path[0] for path in positions))

    def render(self, values: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
        """Fill in the values.

        Strings are taken as they are; numbers, booleans and None as JSON; dicts and lists as compact JSON. No value is
        read as a template, and nothing of an object is called or read.

        Returns:
            The text, and the names that were filled in, in the order of their first use.

        Raises:
            ValidationError: Variables are missing or cannot be rendered (all are named at once), or the text would
                be longer than 1 MiB.
        """
        parts = self._parts.copy()
        size = self._literal_size
        problems: list[dict[str, Any]] | None = None
        for slot in self._slots:
            value = values.get(slot.root, MISSING)
            if slot.rest and value is not MISSING:
                value = lookup(value, slot.rest)
            if type(value) is not str:
                try:
                    value = text_of(value, MAX_OUTPUT_BYTES)
                except UnrenderableValue as error:
                    problems = problems or []
                    problems.append(_problem(slot, error))
                    continue
            size += len(value) * len(slot.positions)
            if size > MAX_OUTPUT_BYTES:
                raise _too_large()
            for position in slot.positions:
                parts[position] = value
        if problems:
            raise refusal(*problems)
        text = "".join(parts)
        if not text.isascii():
            _check_encoded(text)
        return text, self.variables


def compile_template(source: str, template_format: str = "mustache") -> Template:
    """Parse a template; the same text is parsed once.

    Args:
        source: The text, at most 256 KiB.
        template_format: ``mustache`` (``{{ name }}``, dotted paths), ``f-string`` (``{name}``) or ``none`` (no
            variables at all).

    Raises:
        ValidationError: The format is unknown, or the text is too long or not a template; the message says where.
    """
    return _compile(source, template_format)


@lru_cache(maxsize=256)
def _compile(source: str, template_format: str) -> Template:
    parser = PARSERS.get(template_format)
    if parser is None:
        message = f"{template_format!r} is unknown; use one of {', '.join(FORMATS)}"
        raise refusal(problem("template_format", message, "unknown_template_format"))
    try:
        size = len(source) if source.isascii() else len(source.encode())
    except UnicodeEncodeError as error:
        raise _bad_template(f"the template holds half a surrogate pair at character {error.start}") from error
    if size > MAX_TEMPLATE_BYTES:
        raise _bad_template(f"the template has {size} bytes; at most {MAX_TEMPLATE_BYTES} are allowed", "too_large")
    try:
        return Template(parser(source))
    except TemplateSyntaxError as error:
        line = source.count("\n", 0, error.position) + 1
        column = error.position - (source.rfind("\n", 0, error.position) + 1) + 1
        raise _bad_template(f"line {line}, column {column}: {error.reason}") from error


def _problem(slot: _Slot, error: UnrenderableValue) -> dict[str, Any]:
    name = ".".join((slot.root, *slot.rest))
    return problem(f"variables.{name}{error.where}", error.reason, error.code)


def _check_encoded(text: str) -> None:
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
        raise _too_large()


def _too_large() -> ValidationError:
    message = f"the rendered text would exceed {MAX_OUTPUT_BYTES} bytes; give shorter values"
    return refusal(problem("variables", message, "too_large"))


def _bad_template(message: str, code: str = "invalid_template") -> ValidationError:
    return refusal(problem("content", message, code))
