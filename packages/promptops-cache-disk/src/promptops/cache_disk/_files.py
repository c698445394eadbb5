"""Files that are trusted only when they are ours: opened without following links, checked, replaced in one step."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import Final

__all__ = ["Foreign", "not_ours", "open_ours", "read_ours", "replace", "sync_folder"]

_READ: Final = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe that somebody put there must not keep us waiting
    | getattr(os, "O_NOATIME", 0)  # the time of use is ours to set, and a read need not cost a write
    | getattr(os, "O_BINARY", 0)
)
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_NOT_A_FILE_OF_OURS: Final = (errno.ELOOP, errno.EPERM, errno.ENXIO, errno.EISDIR)


class Foreign(Exception):  # noqa: N818 - it describes what was found
    """Something lies there that is not ours."""


def not_ours(found: os.stat_result, *, open_bits: int) -> bool:
    """Whether it belongs to somebody else, or grants one of these permissions; never on Windows, which has neither."""
    if sys.platform == "win32":
        return False
    return found.st_uid != os.geteuid() or bool(found.st_mode & open_bits)


def open_ours(path: str, *, limit: int) -> tuple[int, os.stat_result]:
    """Open a private file for reading.

    Returns:
        The descriptor, which is the caller's to close, and what the system knows of the file.

    Raises:
        FileNotFoundError: There is none.
        Foreign: It is no plain file of ours with mode 0600, or has more than ``limit`` bytes.
        OSError: The system could not open it.
    """
    try:
        descriptor = os.open(path, _READ)
    except OSError as error:
        if error.errno in _NOT_A_FILE_OF_OURS:
            raise Foreign(path) from error
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or not_ours(found, open_bits=0o177) or found.st_size > limit:
            raise Foreign(path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, found


def read_ours(path: str, *, limit: int, now: float | None = None, every: float = 60.0) -> bytes:
    """The content of a private file; errors as for :func:`open_ours`.

    Args:
        path: Which file.
        limit: Most bytes.
        now: Note this as the time of its last use, unless the one noted is at most ``every`` seconds away.
        every: Seconds.
    """
    descriptor, found = open_ours(path, limit=limit)
    try:
        if now is not None and not -every <= now - found.st_atime <= every:
            _note_use(descriptor, now, found)
        data = os.read(descriptor, found.st_size)
        while len(data) < found.st_size and (more := os.read(descriptor, found.st_size - len(data))):
            data += more
        return data
    finally:
        os.close(descriptor)


def replace(path: str, data: bytes, *, temporary: str, when: float | None) -> None:
    """Put a whole private file in the place of what is there; a reader sees the old or the new, a crash leaves either.

    Args:
        path: Where.
        data: The content.
        temporary: A name on the same file system that nobody else uses.
        when: Seconds since 1970 that the file is to bear; None for now.

    Raises:
        OSError: It was not written; what was there before still is.
    """
    descriptor = os.open(temporary, _CREATE, 0o600)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            if sys.platform != "win32":
                os.fchmod(descriptor, 0o600)  # whatever the umask took away
                if when is not None:
                    os.utime(descriptor, (when, when))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(Path(path).parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder survive a loss of power, where the system can."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that cannot
            raise
    finally:
        os.close(descriptor)


def _note_use(descriptor: int, now: float, found: os.stat_result) -> None:
    if os.utime in os.supports_fd:
        try:
            os.utime(descriptor, ns=(int(now * 1e9), found.st_mtime_ns))
        except OSError:  # a disk that takes no writes still serves reads
            return
