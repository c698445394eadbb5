"""Starts the real Phoenix server, of the pinned version, in an environment and a folder of its own."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tools.environments import interpreter

__all__ = ["PhoenixServer"]

_REQUIREMENTS: Final = Path(__file__).with_name("server.txt")
_ATTENDED: Final = Path(__file__).with_name("attended.py")
_READY_SECONDS: Final = 180.0
_STOP_SECONDS: Final = 20.0


class PhoenixServer:
    """A Phoenix server on loopback; a context manager.

    Args:
        folder: Where its files and its log go.
        admin_secret: Turns authentication on; works as the key of an administrator. At least 32 characters, with a
            digit and a lower-case letter.
        database_url: The PostgreSQL database that it keeps its data in, instead of a file of SQLite in the folder.

    Attributes:
        url: Where it listens, once it is ready.
    """

    def __init__(self, folder: Path, *, admin_secret: str | None = None, database_url: str | None = None) -> None:
        self.url = ""
        self._folder = folder
        self._admin_secret = admin_secret
        self._database_url = database_url
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return None if self._process is None else self._process.pid

    def start(self) -> Self:
        """Start the process in a session of its own, and wait until it answers (15 to 30 s).

        It ends with this process, even when this is killed.

        Raises:
            RuntimeError: It ended, or did not become ready within three minutes; the end of its log is in the message.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        port, grpc = _free_ports()
        log = self._folder / "server.log"
        # Its standard output is large (every statement of the migrations): a pipe that nobody reads would stop it.
        python = interpreter(_REQUIREMENTS)
        with log.open("wb") as output:
            # This process holds the other end of its standard input, and nobody else does: it ends with this process.
            self._process = subprocess.Popen(
                [python, "-I", _ATTENDED, python.with_name("phoenix"), "serve"],
                cwd=self._folder,
                env=self._environment(port, grpc),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        url = f"http://127.0.0.1:{port}"
        expires = time.monotonic() + _READY_SECONDS
        try:
            while not _is_ready(url):
                if self._process.poll() is not None or time.monotonic() > expires:
                    tail = log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"the Phoenix server did not become ready; its log ends with:\n{tail}")
                time.sleep(0.1)
        except BaseException:  # an interrupt, too: in its own session, the server would not hear of it
            self.stop()
            raise
        self.url = url
        return self

    def stop(self) -> None:
        """End the process; safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        finally:
            if process.stdin is not None:
                process.stdin.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _environment(self, port: int, grpc: int) -> dict[str, str]:
        ours = ("PHOENIX_", "OTEL_", "PYTHON", "VIRTUAL_ENV", "COV")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environment |= {
            "PHOENIX_WORKING_DIR": str(self._folder),
            "PHOENIX_HOST": "127.0.0.1",
            "PHOENIX_PORT": str(port),
            "PHOENIX_GRPC_PORT": str(grpc),
            "PHOENIX_TELEMETRY_ENABLED": "false",
            "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
            "PHOENIX_DISABLE_AGENT_ASSISTANT": "true",
        }
        if self._database_url is not None:
            environment["PHOENIX_SQL_DATABASE_URL"] = self._database_url
        if self._admin_secret is not None:
            environment |= {
                "PHOENIX_ENABLE_AUTH": "true",
                "PHOENIX_SECRET": f"a1{secrets.token_hex(24)}",
                "PHOENIX_ADMIN_SECRET": self._admin_secret,
                "PHOENIX_DISABLE_RATE_LIMIT": "true",
            }
        return environment


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        return first.getsockname()[1], second.getsockname()[1]


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
