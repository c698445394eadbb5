"""The command as a user runs it, and a server that speaks the shapes of two model providers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

OURS = ("PROMPTOPS_", "OPENAI_", "ANTHROPIC_", "UV")
Ran = subprocess.CompletedProcess[str]


@pytest.fixture
def promptops(tmp_path: Path) -> Callable[..., Ran]:
    """Runs the command in an empty directory, on a machine with nothing configured."""

    def run(*arguments: str, **environ: str) -> Ran:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return subprocess.run(
            [sys.executable, "-m", "promptops.cli", *arguments],
            cwd=tmp_path,
            env={**clean, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    return run


class ModelServer:
    """Answers chats in the shape in which they are asked, with what ``answer`` makes of the messages."""

    def __init__(self, answer: Callable[[list[dict[str, str]]], str], status: int = 200) -> None:
        self.chats = 0
        self.keys: set[str] = set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = msgspec.json.decode(self.rfile.read(int(self.headers["content-length"])))
                server.chats += 1
                server.keys.add(self.headers.get("x-api-key") or self.headers.get("authorization") or "")
                self._reply(server.shaped(self.path, body, answer))

            def do_GET(self) -> None:
                self._reply({"data": [{"id": "local-model"}]})

            def _reply(self, document: Any) -> None:
                content = msgspec.json.encode(document)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def shaped(self, path: str, body: Any, answer: Callable[[list[dict[str, str]]], str]) -> Any:
        if path.endswith("/v1/messages"):
            chat = [{"role": "system", "content": body["system"]}, *body["messages"]]
            return {"content": [{"type": "text", "text": answer(chat)}]}
        return {"choices": [{"message": {"role": "assistant", "content": answer(body["messages"])}}]}

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def model_server() -> Iterator[Callable[..., ModelServer]]:
    """Starts model servers; they end with the test."""
    started: list[ModelServer] = []

    def start(answer: Callable[[list[dict[str, str]]], str], status: int = 200) -> ModelServer:
        started.append(ModelServer(answer, status))
        return started[-1]

    yield start
    for server in started:
        server.close()
