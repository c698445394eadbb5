"""Keeping the folder within its bounds: what is too old goes, then what was used longest ago."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from promptops.cache_disk._folder import Folder
from promptops.cache_disk._locks import FileLock
from promptops.cache_disk._usage import Usage, footprint

__all__ = ["is_entry", "measure", "sweep"]

_ENTRY: Final = re.compile(r"[0-9a-f]{16}-[0-9a-f]{40}")
_LEFT_BEHIND: Final = 3600.0
_ROOM: Final = 0.9


class _Found(NamedTuple):
    used: float
    written: float
    size: int
    path: str


def is_entry(name: str) -> bool:
    """Whether a file of this name is an entry; others are none of our business."""
    return _ENTRY.fullmatch(name) is not None


def measure(folder: Folder, now: float) -> Usage:
    """Count the entries of all tenants.

    Raises:
        OSError: The folder cannot be read.
    """
    found = list(_entries(folder))
    return Usage(sum(entry.size for entry in found), len(found), now)


def sweep(folder: Folder, *, max_bytes: int, max_age: float, now: float) -> tuple[Usage, int]:
    """Remove what is beyond the bounds, with some room to spare, and what killed processes left behind.

    Returns:
        What is left, and how many entries went.

    Raises:
        OSError: The folder cannot be read or changed.
    """
    kept: list[_Found] = []
    evicted = 0
    for entry in _entries(folder):
        if now - entry.written > max_age:
            evicted += _unlink(entry.path)
        else:
            kept.append(entry)
    size = sum(entry.size for entry in kept)
    left = len(kept)
    if size > max_bytes:
        for entry in sorted(kept):
            if size <= max_bytes * _ROOM:
                break
            evicted += _unlink(entry.path)
            size -= entry.size
            left -= 1
    _tidy(folder)
    return Usage(size, left, now), evicted


def _entries(folder: Folder) -> Iterator[_Found]:
    for item, found in _files(folder.entries):
        if is_entry(item.name):
            yield _Found(found.st_atime, found.st_mtime, footprint(found.st_size), item.path)


def _tidy(folder: Folder) -> None:
    # The time of the last change of an inode is the kernel's own, so these comparisons need no clock of ours.
    now = time.time()
    for item, found in _files(folder.temporary):
        if abs(now - found.st_ctime) > _LEFT_BEHIND:
            _unlink(item.path)
    for item, found in _files(folder.locks):
        if abs(now - found.st_ctime) > _LEFT_BEHIND:
            lock = FileLock(item.path)
            try:
                if lock.try_acquire():  # only who holds a lock may remove its file
                    _unlink(item.path)
            finally:
                lock.release()


def _files(path: str) -> Iterator[tuple[os.DirEntry[str], os.stat_result]]:
    try:
        items = os.scandir(path)
    except FileNotFoundError:
        return
    with items:
        for item in items:
            try:
                found = item.stat(follow_symlinks=False)
            except FileNotFoundError:  # another process removed it just now
                continue
            if not stat.S_ISDIR(found.st_mode):
                yield item, found


def _unlink(path: str) -> int:
    try:
        Path(path).unlink()
    except FileNotFoundError:
        return 0
    return 1
