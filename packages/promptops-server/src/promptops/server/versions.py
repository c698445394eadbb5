"""Versions of prompts: canonical SemVer, and a text whose plain order is their order."""

from __future__ import annotations

import re
from typing import Final, Literal

from promptops.server.refusals import invalid

__all__ = ["FIRST", "bump", "is_version", "normalise", "sort_key"]

FIRST: Final = "1.0.0"
_LONGEST: Final = 64
_NUMBER: Final = r"0|[1-9]\d*"
_INPUT: Final = re.compile(
    rf"[vV]?(?P<major>{_NUMBER})(?:\.(?P<minor>{_NUMBER}))?(?:\.(?P<patch>{_NUMBER}))?"
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?",
    re.ASCII,
)


def normalise(text: str | None) -> str | None:
    """The canonical form: no ``v``, three numbers; ``latest`` and None mean None.

    Raises:
        ValidationError: It is not a version; build metadata (``+...``) is not taken, it would not order.
    """
    if text is None or text == "latest":
        return None
    matched = _parsed(text)
    if matched is None:
        raise invalid("version", "not a version; write it like 1.2.0, v1.2 or 2.0.0-rc.1", "invalid_version")
    core = ".".join(matched[part] or "0" for part in ("major", "minor", "patch"))
    return f"{core}-{matched['pre']}" if matched["pre"] else core


def is_version(text: str) -> bool:
    """Whether it names a version, in any of the forms that are taken."""
    return _parsed(text) is not None


def sort_key(version: str) -> str:
    """Text that sorts as the versions do: by SemVer, every prerelease below every release."""
    core, _, pre = version.partition("-")
    numbers = "".join(_number(part) for part in core.split("."))
    if not pre:
        return f"1{numbers}"
    # "!" sorts below everything that an identifier may contain, so a shorter identifier or list comes first.
    parts = "".join(f"1{_number(part)}!" if part.isdigit() else f"2{part}!" for part in pre.split("."))
    return f"0{numbers}{parts}"


def bump(version: str, level: Literal["patch", "minor", "major"]) -> str:
    """The next version; of a prerelease it is the release that it leads to, when the level allows."""
    core, _, pre = version.partition("-")
    major, minor, patch = (int(part) for part in core.split("."))
    match level:
        case "major":
            return core if pre and not minor and not patch else f"{major + 1}.0.0"
        case "minor":
            return core if pre and not patch else f"{major}.{minor + 1}.0"
        case "patch":
            return core if pre else f"{major}.{minor}.{patch + 1}"


def _parsed(text: str) -> re.Match[str] | None:
    matched = _INPUT.fullmatch(text) if len(text) <= _LONGEST else None
    return matched if matched is not None and _valid_prerelease(matched["pre"]) else None


def _number(digits: str) -> str:
    return f"{len(digits):02d}{digits}"


def _valid_prerelease(pre: str | None) -> bool:
    return pre is None or not any(part.isdigit() and len(part) > 1 and part[0] == "0" for part in pre.split("."))
