"""The folder of a disk cache: where things lie in it, whether it is ours alone, and its secret."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from promptops.cache import CacheMisconfigured
from promptops.cache_disk._files import Foreign, not_ours, read_ours, replace
from promptops.cache_disk._locks import LOCKS_WORK, FileLock

__all__ = ["Folder", "default_directory"]

_LAYOUT: Final = "v1"
_SECRET_SIZE: Final = 32
_WAIT_FOR_SECRET: Final = 2.0


class Folder:
    """A directory and what this process knows of it.

    Everything lies in a folder ``v1`` of it, which is closed to others; the directory itself may be readable.

    Args:
        directory: An absolute path; nothing is made until something is written.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory
        self._base = directory / _LAYOUT
        # Text from here on: these are put together on every read.
        base = str(self._base)
        self.entries = f"{base}/entries"
        self.temporary = f"{base}/temporary"
        self.locks = f"{base}/locks"
        self.usage = f"{base}/usage"
        self.sweeping = f"{base}/sweeping"
        self._secret_path = f"{base}/secret"
        self._secret: tuple[tuple[int, int, int], bytes] | None = None

    def check(self) -> None:
        """Look whether what is there can be trusted; nothing there is fine.

        Raises:
            CacheMisconfigured: It is no folder, somebody else's, or others may write to it.
        """
        _check(self.path, open_bits=0o022, advice="choose another directory, or: chmod go-w")
        _check(self._base, open_bits=0o077, advice="remove it, or: chmod 700")

    def prepare(self) -> None:
        """Make what is missing.

        Raises:
            CacheMisconfigured: As :meth:`check`.
            OSError: It cannot be made.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.check()
        for path in (self._base, self.entries, self.temporary, self.locks):
            Path(path).mkdir(mode=0o700, exist_ok=True)
        self.check()

    def entry(self, name: str) -> str:
        """The path of an entry."""
        return f"{self.entries}/{name}"

    def scratch(self) -> str:
        """The path of a new temporary file."""
        return f"{self.temporary}/{os.getpid()}-{os.urandom(8).hex()}"

    def secret_to_read(self) -> bytes | None:
        """The secret as last seen, or None when there is none that can be trusted; nothing is made."""
        return self._secret[1] if self._secret is not None else self.secret_now()

    def secret_now(self) -> bytes | None:
        """The secret as it is on the disk: another process may have made a new one."""
        try:
            found = os.lstat(self._secret_path)
            mark = (found.st_dev, found.st_ino, found.st_mtime_ns)
            if self._secret is None or self._secret[0] != mark or not_ours(found, open_bits=0o177):
                self._secret = None
                self.check()
                secret = read_ours(self._secret_path, limit=_SECRET_SIZE)
                self._secret = (mark, secret) if len(secret) == _SECRET_SIZE else None
        except (OSError, Foreign, CacheMisconfigured):
            self._secret = None
        return self._secret[1] if self._secret is not None else None

    def secret_to_write(self) -> bytes:
        """The secret, made if there is none; one that others could read is replaced, and its entries count no more.

        Raises:
            CacheMisconfigured: As :meth:`check`.
            OSError: It cannot be made.
        """
        secret = self.secret_now()
        if secret is not None:
            return secret
        self.prepare()
        lock = FileLock(self._secret_path + ".lock")
        try:
            if LOCKS_WORK and not lock.acquire(timeout=_WAIT_FOR_SECRET):
                raise TimeoutError("another process holds the lock of the secret")
            secret = self.secret_now()  # that process may have made it
            if secret is None:
                new = os.urandom(_SECRET_SIZE)
                replace(self._secret_path, new, temporary=self.scratch(), when=None)
                secret = self.secret_now()
        finally:
            lock.release()
        if secret is None:
            raise OSError(f"the secret that was just made in {self._base} is gone or cannot be trusted")
        return secret


def default_directory() -> Path:
    """``$XDG_CACHE_HOME/promptops``, or ``~/.cache/promptops``.

    Raises:
        CacheMisconfigured: There is no home directory.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():  # the specification of that variable wants others ignored
        try:
            base = Path.home() / ".cache"
        except RuntimeError as error:
            raise CacheMisconfigured("directory: there is no home directory for the disk cache; name one") from error
    return base / "promptops"


def _check(path: Path, *, open_bits: int, advice: str) -> None:
    try:
        link = path.lstat()
        found = path.stat() if stat.S_ISLNK(link.st_mode) else link
    except FileNotFoundError:
        return
    except OSError as error:
        raise CacheMisconfigured(f"directory: {path} cannot be looked at ({error.strerror})") from error
    if not stat.S_ISDIR(found.st_mode):
        raise CacheMisconfigured(f"directory: {path} is not a directory; choose another")
    if not_ours(link, open_bits=0) or not_ours(found, open_bits=0):
        raise CacheMisconfigured(f"directory: {path} belongs to another user; choose another directory")
    if not_ours(found, open_bits=open_bits):
        mode = stat.S_IMODE(found.st_mode)
        raise CacheMisconfigured(f"directory: {path} is open to others (mode {mode:04o}); {advice} {path}")
