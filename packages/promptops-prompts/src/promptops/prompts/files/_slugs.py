"""Slugs and the paths that they have within a folder."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Final

from promptops.core.errors import ConfigurationError

__all__ = ["SUFFIX", "is_slug", "path_of", "slug_of"]

SUFFIX: Final = ".prompt.md"
_SLUG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:-]*(?:/[A-Za-z0-9_~:-][A-Za-z0-9._~:-]*)*")
_LONGEST: Final = 128


def is_slug(text: str) -> bool:
    """Whether a server takes it, and no path that it makes leads out of a folder."""
    return len(text) <= _LONGEST and _SLUG.fullmatch(text) is not None


def slug_of(path: Path) -> str:
    """The slug that a path within the folder implies."""
    return PurePosixPath(*path.parts).as_posix().removesuffix(SUFFIX).replace("%3A", ":")


def path_of(slug: str) -> Path:
    """The path within the folder that a slug implies; a colon is written ``%3A``, for systems that have none.

    Raises:
        ConfigurationError: It is not a slug, so it might lead anywhere.
    """
    if not is_slug(slug):
        raise ConfigurationError(
            f"{slug!r:.80} is not a slug: use letters, digits and . _ ~ : - with / between parts, for example"
            " team/greeting."
        )
    return Path(*f"{slug.replace(':', '%3A')}{SUFFIX}".split("/"))
