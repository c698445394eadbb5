"""A Redis server of one's own for tests: started on a free port, without persistence, and stopped by its process id."""

from __future__ import annotations

import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

__all__ = ["RedisProcess"]

_START_SECONDS: Final = 60.0
_ATTEMPTS: Final = 3


class RedisProcess:
    """A ``redis-server`` (or ``valkey-server``) on loopback; a context manager.

    It can be stopped and started again on its port, and paused: then the kernel accepts connections for it and nothing
    ever answers.

    Args:
        executable: The program.
        port: 0 takes a free one.
        password: Asked of clients when given.
    """

    def __init__(self, executable: str, *, port: int = 0, password: str | None = None) -> None:
        self._executable = executable
        self._password = password
        self._chosen = port != 0
        self._process: subprocess.Popen[bytes] | None = None
        self._directory = tempfile.TemporaryDirectory(prefix="promptops-redis-")
        self.port = port

    @property
    def pid(self) -> int:
        """The process that runs."""
        if self._process is None:
            raise RuntimeError("it does not run")
        return self._process.pid

    @property
    def url(self) -> str:
        """For clients."""
        return f"redis://{self._userinfo}127.0.0.1:{self.port}/0"

    @property
    def socket_url(self) -> str:
        """For clients, over the Unix socket."""
        return f"unix://{self._userinfo}{self._socket}"

    def start(self) -> Self:
        """Start, on the port of the last time, and return once it answers.

        Raises:
            RuntimeError: It did not start; the message ends with what it said.
        """
        for attempt in range(_ATTEMPTS):
            if not self._chosen:
                self.port = _free_port()
            if self._launch():
                self._chosen = True
                return self
            if self._chosen and attempt:
                break
        raise RuntimeError(f"{self._executable} did not start: {self._said()[-500:]}")

    def stop(self) -> None:
        """Stop; what it held is gone. Safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def pause(self) -> None:
        """Hang: connections are accepted, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after :meth:`pause`."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        self._directory.cleanup()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _socket(self) -> Path:
        return Path(self._directory.name) / "redis.sock"

    @property
    def _userinfo(self) -> str:
        return f":{self._password}@" if self._password else ""

    def _launch(self) -> bool:
        command = [
            self._executable,
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        command += ["--unixsocket", str(self._socket), "--dir", self._directory.name, "--daemonize", "no"]
        if self._password:
            command += ["--requirepass", self._password]
        with (Path(self._directory.name) / "log").open("ab") as said:
            self._process = subprocess.Popen(  # noqa: S603 - the program that the caller chose
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
            )
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            if self._answers():
                return True
            time.sleep(0.01)
        self.stop()
        return False

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as sock:
                sock.sendall(b"PING\r\n")
                # With a password it answers -NOAUTH, which is an answer too.
                return sock.recv(64)[:1] in {b"+", b"-"} and self._process is not None and self._process.poll() is None
        except OSError:
            return False

    def _said(self) -> str:
        return (Path(self._directory.name) / "log").read_text(encoding="utf-8", errors="replace")

    def _signal(self, number: int) -> None:
        if self._process is None:
            raise RuntimeError("it does not run")
        self._process.send_signal(number)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
