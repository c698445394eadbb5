"""How a wrong file is named: the file, the line, what is wrong and what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from promptops.core.errors import ValidationError
from promptops.prompts._problems import problem

__all__ = ["refused_line", "unknown_key"]


def refused_line(where: str, line: int, reason: str, code: str = "invalid_file") -> ValidationError:
    """The error for one line of a file."""
    place = f"{where}:{line}"
    return ValidationError(f"{place}: {reason}", validation_errors=[problem(place, reason, code)])


def unknown_key(where: str, line: int, key: str, known: Iterable[str]) -> ValidationError:
    """The error for a key that means nothing; it suggests the one that was probably meant."""
    names = sorted(known)
    close = difflib.get_close_matches(key, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(names)}"
    return refused_line(where, line, f"unknown key {key[:80]!r}; {hint}", "unknown_key")
