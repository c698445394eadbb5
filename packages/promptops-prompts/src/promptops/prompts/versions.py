"""Version texts as callers write them, turned into the one form that is compared and cached."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from promptops.prompts._problems import problem, refusal

__all__ = ["normalise_version"]

_NUMBER: Final = r"(?:0|[1-9][0-9]{0,17})"
_LABEL: Final = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION: Final = re.compile(
    rf"[vV]?(?P<major>{_NUMBER})(?:\.(?P<minor>{_NUMBER}))?(?:\.(?P<patch>{_NUMBER}))?"
    rf"(?P<rest>(?:-{_LABEL}(?:\.{_LABEL})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)"
)
_LONGEST: Final = 128


def normalise_version(version: str | None, *, field: str = "version") -> str | None:
    """The canonical SemVer of a version, or None for the latest.

    ``v1.0``, ``1`` and ``1.0.0`` are all ``1.0.0``; ``latest`` and None are None.

    Args:
        version: What the caller wrote.
        field: The name of the argument, for the error.

    Raises:
        ValidationError: It is not a version.
    """
    if version is None:
        return None
    if not isinstance(version, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        reason = f"expected text such as '1.2.0', got {type(version).__name__!r}"  # type: ignore[unreachable]
        raise refusal(problem(field, reason, "invalid_version"))
    canonical = _canonical(version)
    if canonical == "":
        shown = version if len(version) <= 40 else version[:40] + "..."
        reason = f"{shown!r} is not a version; write it as '1.2.0', or 'latest'"
        raise refusal(problem(field, reason, "invalid_version"))
    return canonical


@lru_cache(maxsize=1024)
def _canonical(version: str) -> str | None:
    if version == "latest":
        return None
    match = _VERSION.fullmatch(version) if len(version) <= _LONGEST else None
    if match is None:
        return ""
    major, minor, patch, rest = match.group("major", "minor", "patch", "rest")
    return f"{major}.{minor or 0}.{patch or 0}{rest}"
