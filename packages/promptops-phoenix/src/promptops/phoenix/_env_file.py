"""The ``.env.phoenix`` file: found in the working directory or above it, read only if it is the user's own."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from promptops.core.log import log

__all__ = ["FILE_NAME", "LARGEST_FILE", "find_settings"]

FILE_NAME: Final = ".env.phoenix"
LARGEST_FILE: Final = 64 * 1024
_SWITCH: Final = "PHOENIX_DISCOVER_CONFIG"
_OFF: Final = frozenset({"false", "0", "no", "off"})
_NAME: Final = re.compile(r"PHOENIX_[A-Za-z0-9_]*")


def find_settings() -> dict[str, str]:
    """The ``PHOENIX_`` settings of the nearest file; empty when there is none, or ``PHOENIX_DISCOVER_CONFIG=false``.

    The file is looked for in the working directory and in each one above it. One that is not a regular file of this
    user is passed by; one that is larger than 64 KiB or not UTF-8 counts as empty. Both are logged.
    """
    if os.environ.get(_SWITCH, "").strip().lower() in _OFF:
        return {}
    try:
        start = Path.cwd()
    except OSError:  # the directory is gone
        return {}
    for folder in (start, *start.parents):
        path = folder / FILE_NAME
        try:
            if _is_own(path.stat()):
                return _read(path)
        except FileNotFoundError:
            continue
        except OSError as exc:
            _left_out(path, f"it cannot be read ({exc.strerror})")
        else:
            _left_out(path, "it is not a regular file of this user")
    return {}


def _is_own(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and (not hasattr(os, "getuid") or found.st_uid == os.getuid())


def _read(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        if not _is_own(found):  # the name may lead elsewhere by now
            _left_out(path, "it is not a regular file of this user")
            return {}
        if os.name == "posix" and found.st_mode & 0o066:
            log().warning("env_file_open_to_others", path=str(path), advice="chmod 600")
        contents = file.read(LARGEST_FILE + 1)
    if len(contents) > LARGEST_FILE:
        _left_out(path, f"it is larger than {LARGEST_FILE} bytes")
        return {}
    try:
        return dict(_pairs(contents.decode()))
    except UnicodeDecodeError:
        _left_out(path, "it is not UTF-8")
        return {}


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("export "):
            line = line.removeprefix("export ").lstrip()
        name, separator, value = line.partition("=")
        name, value = name.strip(), value.strip()
        if not separator or not _NAME.fullmatch(name):
            continue
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        if value:
            yield name, value


def _left_out(path: Path, reason: str) -> None:
    log().warning("env_file_ignored", path=str(path), reason=reason)
