"""The official Phoenix client, in an environment and a process of its own, for tests of what it writes and reads."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import threading
from pathlib import Path
from textwrap import dedent
from types import TracebackType
from typing import IO, Any, ClassVar, Final, Self

from tools.environments import ROOT, interpreter

__all__ = ["OfficialClient", "OfficialError"]

_WORKER: Final = Path(__file__).with_name("official_worker.py")
_STOP_SECONDS: Final = 10.0


class OfficialError(Exception):
    """The code raised an error in the process of the official client.

    Attributes:
        kind: The name of the error's class.
        traceback: Where it was raised, over there.
    """

    def __init__(self, kind: str, message: str, trace: str = "") -> None:
        super().__init__(f"{kind}: {message}\n{trace}")
        self.kind = kind
        self.message = message
        self.traceback = trace


class OfficialClient:
    """Runs code with the official client against one server; a context manager.

    The process starts at the first call (0.5 s) and serves all calls after it, one after the other.

    Args:
        base_url: Where the Phoenix server is.
        api_key: Its key, when it asks for one.
        log: Where what the client prints goes; nowhere by default.
    """

    requirements: ClassVar[Path] = ROOT / "benchmarks/peers/phoenix.txt"
    """What is in its environment."""
    module: ClassVar[str] = "phoenix.client"
    """Where its classes are."""
    names: ClassVar[tuple[str, str]] = ("Client", "AsyncClient")
    """The blocking class, and the asynchronous one."""

    def __init__(self, base_url: str, *, api_key: str | None = None, log: Path | None = None) -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def __call__(self, code: str, payload: Any = None, *, timeout: float = 60.0) -> Any:
        """Run ``def run(client, payload): ...`` and return what it returns, both as JSON.

        Args:
            code: Python source that defines ``run``; with ``async def`` it gets the asynchronous client.
            payload: Any JSON value.
            timeout: Seconds that it may take; after that the process is killed.

        Raises:
            OfficialError: The code raised an error.
            TimeoutError: It took too long.
        """
        request = {
            "code": dedent(code),
            "payload": payload,
            "module": self.module,
            "names": self.names,
            "arguments": self.arguments(),
        }
        with self._lock:
            reply = json.loads(self._ask(json.dumps(request).encode() + b"\n", timeout))
        if (error := reply.get("error")) is not None:
            raise OfficialError(error["kind"], error["message"], error["traceback"])
        return reply["value"]

    def arguments(self) -> dict[str, Any]:
        """What the client is made with."""
        return {"base_url": self._base_url, "api_key": self._api_key}

    def close(self) -> None:
        """End the process; safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        requests, answers = _pipes(process)
        requests.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        answers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, line: bytes, timeout: float) -> bytes:
        process = self._process = self._process or self._start()
        requests, answers = _pipes(process)
        requests.write(line)
        requests.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(answers, selectors.EVENT_READ)
            ready = selector.select(timeout)
        if not ready:
            process.kill()
            self.close()
            raise TimeoutError(f"the official client did not answer within {timeout:g} s")
        answer = answers.readline()
        if not answer:
            self.close()
            raise RuntimeError("the process of the official client ended")
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        ours = ("PHOENIX_", "OTEL_", "PYTHON", "VIRTUAL_ENV", "COV")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environment["PHOENIX_DISCOVER_CONFIG"] = "false"
        python = str(interpreter(self.requirements))
        with (self._log or Path(os.devnull)).open("ab") as log:
            return subprocess.Popen(
                [python, "-I", str(_WORKER)],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process has no pipes")
    return process.stdin, process.stdout
