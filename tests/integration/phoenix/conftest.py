"""Clients of both kinds for the Phoenix servers of the run, and reverse proxies in front of them."""

from __future__ import annotations

import inspect
import os
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from promptops.core.bridge import SyncResource
from promptops.phoenix import PhoenixClient, SyncPhoenixClient

if TYPE_CHECKING:
    from tools.phoenix.official import OfficialClient

ROOT = Path(__file__).parents[3]

MakePhoenix = Callable[..., PhoenixClient]
MakeOfficial = Callable[..., "OfficialClient"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine says about a Phoenix server does not reach the tests."""
    for name in list(os.environ):
        if name.startswith(("PHOENIX_", "OTEL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PHOENIX_DISCOVER_CONFIG", "false")


@pytest.fixture
def unique() -> Callable[..., str]:
    """Makes names that no other test of any run has, and that prompts may have too."""

    def make(stem: str = "test") -> str:
        return f"{stem}-{uuid.uuid4().hex[:12]}"

    return make


class Awaited:
    """A blocking client or resource that is used like the asynchronous one, so that one test drives both."""

    def __init__(self, target: Any, twin: Any) -> None:
        self._target = target
        self._twin = twin

    def __getattr__(self, name: str) -> Any:
        value, twin = getattr(self._target, name), getattr(self._twin, name)
        if isinstance(value, SyncResource):
            return Awaited(value, twin)
        if inspect.iscoroutinefunction(twin):
            return partial(awaited, value)
        if inspect.isasyncgenfunction(twin):
            return partial(iterated, value)
        return value


async def awaited(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


async def iterated(function: Callable[..., Any], *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
    for item in function(*args, **kwargs):
        yield item


@pytest.fixture(params=["async", "sync"])
async def make_phoenix(request: pytest.FixtureRequest) -> AsyncIterator[MakePhoenix]:
    """Makes clients of one kind, from the arguments of ``PhoenixClient``; they are closed after the test."""
    ends: list[Callable[[], Awaitable[None]]] = []

    def make(**settings: Any) -> PhoenixClient:
        client = PhoenixClient(**settings)
        ends.append(client.aclose)
        if request.param == "async":
            return client
        blocking = SyncPhoenixClient(**settings)
        ends.append(partial(awaited, blocking.close))
        return cast("PhoenixClient", Awaited(blocking, client))

    yield make
    for end in ends:
        await end()


class Recorder:
    """A reverse proxy that remembers method, path and headers of each request, and passes it on.

    Args:
        upstream: The server.
        prefix: Below which path it has the server; anything else is not found.
    """

    def __init__(self, upstream: str, *, prefix: str = "") -> None:
        requests: list[tuple[str, str, dict[str, str]]] = []
        bare = self._bare = httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                requests.append((self.command, self.path, dict(headers)))
                body = self.rfile.read(int(headers.pop("content-length", "0")))
                if not self.path.startswith(f"{prefix}/"):
                    self.send_error(404)
                    return
                del headers["host"]
                where = upstream + self.path.removeprefix(prefix)
                answer = bare.request(self.command, where, headers=headers, content=body)
                self.send_response(answer.status_code)
                for name in {"content-type", "x-phoenix-server-version"} & set(answer.headers):
                    self.send_header(name, answer.headers[name])
                self.send_header("content-length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
                pass

        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.pass_on)
        self.requests = requests
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._bare.close()


@pytest.fixture
def make_recorder(phoenix_url: str) -> Iterator[Callable[..., Recorder]]:
    """Makes reverse proxies of the server without authentication: ``make_recorder(prefix="/team")``."""
    made: list[Recorder] = []

    def make(**settings: str) -> Recorder:
        made.append(Recorder(phoenix_url, **settings))
        return made[-1]

    yield make
    for recorder in made:
        recorder.close()


@pytest.fixture
def recorder(make_recorder: Callable[..., Recorder]) -> Recorder:
    """A reverse proxy of the server without authentication, which remembers what passes through."""
    return make_recorder()


@pytest.fixture
def phoenix(make_phoenix: MakePhoenix, phoenix_url: str) -> PhoenixClient:
    """A client of the server without authentication, in async and in blocking form."""
    return make_phoenix(base_url=phoenix_url)


@pytest.fixture
def phoenix_admin(make_phoenix: MakePhoenix, phoenix_auth: Any) -> PhoenixClient:
    """A client of the server with authentication, that of its administrator, in async and in blocking form."""
    return make_phoenix(base_url=phoenix_auth.url, api_key=phoenix_auth.secret)


@pytest.fixture(scope="session")
def make_official() -> Iterator[MakeOfficial]:
    """Makes the official client of a server: ``make_official(url, api_key=None)``; one process for each."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from tools.phoenix.official import OfficialClient

    made: dict[tuple[str, str | None], OfficialClient] = {}

    def make(url: str, *, api_key: str | None = None) -> OfficialClient:
        return made.setdefault((url, api_key), OfficialClient(url, api_key=api_key))

    yield make
    for client in made.values():
        client.close()


@pytest.fixture(scope="session")
def official(make_official: MakeOfficial, phoenix_url: str) -> OfficialClient:
    """The official client of the server without authentication.

    ``official("def run(client, payload): return ...", payload)`` runs that in its own process and returns the result.
    """
    return make_official(phoenix_url)
