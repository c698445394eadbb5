"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Final

from promptops.core.errors import ConfigurationError

__all__ = ["alone", "write_bytes"]

_PATIENCE: Final = 5.0  # seconds; what is done alone takes milliseconds


@contextlib.contextmanager
def alone(folder: Path) -> Generator[None]:
    """While nobody else, thread or process, is in here for the same folder; systems that lock no folders do without.

    Raises:
        ConfigurationError: Somebody else stays for five seconds, or there cannot be such a folder.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as exc:
        raise ConfigurationError(f"{folder} cannot be used: {exc.strerror or exc}.") from exc
    try:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                if time.monotonic() >= deadline:
                    raise ConfigurationError(f"Somebody else writes in {folder} for {_PATIENCE:g} seconds.") from exc
                time.sleep(0.01)
                continue
            except OSError:  # a file system without locks
                pass
            break
        yield
    finally:
        os.close(handle)


def write_bytes(path: Path, data: bytes) -> Path:
    """Put a file in its place at once: written beside it, flushed to the disk, then renamed.

    Raises:
        ConfigurationError: It cannot be written; what was there before is untouched.
    """
    beside = path.with_name(f".{path.name}.{os.urandom(6).hex()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o777 if path.exists() else None
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            beside.chmod(mode)
        beside.replace(path)
        _flush_folder(path.parent)
    except OSError as exc:
        raise ConfigurationError(f"{path} cannot be written: {exc.strerror or exc}.") from exc
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
    return path


def _flush_folder(folder: Path) -> None:
    # Makes the rename itself last; systems whose folders cannot be opened (Windows) do without.
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
