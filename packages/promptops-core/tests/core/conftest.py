"""Run one scenario on both runtimes, and serve scripted answers over real sockets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
import pytest
from promptops.core import AsyncRuntime, RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive


@pytest.fixture(params=["sync", "asyncio", "trio"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def play(flavour: str) -> Callable[..., Any]:
    """Call as ``play(scenario, config, **runtime_options)``; the scenario is a coroutine function of the runtime."""

    def run(scenario: Any, config: RuntimeConfig | None = None, **options: Any) -> Any:
        chosen = config or RuntimeConfig(base_url="http://server.test", api_key="key-of-the-test")
        kind = SyncRuntime if flavour == "sync" else AsyncRuntime

        async def main() -> Any:
            runtime = kind(chosen, **options)
            try:
                return await scenario(runtime)
            finally:
                await runtime.aclose()

        return drive(main()) if flavour == "sync" else anyio.run(main, backend=flavour)

    return run


class ScriptedServer:
    """Answers over a real socket with what a function of (method, path, headers, body) returns."""

    def __init__(self, answer: Callable[[str, str, dict[str, str], bytes], tuple[int, dict[str, str], bytes]]) -> None:
        requests: list[tuple[str, str, dict[str, str], bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = (self.command, self.path, headers, body)
                requests.append(seen)
                status, extra, content = answer(*seen)
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names of the base class

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
                return

        self.requests = requests
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    servers: list[ScriptedServer] = []

    def start(answer: Any) -> ScriptedServer:
        servers.append(ScriptedServer(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
