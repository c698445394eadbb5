"""The one form in which this package refuses input: every problem named, none hidden behind the first."""

from __future__ import annotations

from typing import Any, Final

from promptops.core.errors import ValidationError

__all__ = ["MISSING_VARIABLE", "UNUSED_VARIABLE", "problem", "refusal"]

MISSING_VARIABLE: Final = "missing_variable"
UNUSED_VARIABLE: Final = "unused_variable"
_TITLES: Final = {MISSING_VARIABLE: "missing variables", UNUSED_VARIABLE: "variables that the prompt does not use"}
_NAMED: Final = 20


def problem(field: str, message: str, code: str) -> dict[str, Any]:
    """One entry of ``validation_errors``."""
    return {"field": field, "message": message, "code": code}


def refusal(*problems: dict[str, Any]) -> ValidationError:
    """The error for these problems, all of them in ``validation_errors`` and the first twenty in the message."""
    lines: list[str] = []
    for code, title in _TITLES.items():
        if named := [item["field"].removeprefix("variables.") for item in problems if item["code"] == code]:
            lines.append(f"{title}: {_some(named, ', ')}")
    others = [f"{item['field']}: {item['message']}" for item in problems if item["code"] not in _TITLES]
    if others:
        lines.append(_some(others, "; "))
    return ValidationError("; ".join(lines), validation_errors=list(problems))


def _some(names: list[str], separator: str) -> str:
    more = len(names) - _NAMED
    return separator.join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
