"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from promptops.core.errors import ConfigurationError

__all__ = ["write_bytes"]


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
