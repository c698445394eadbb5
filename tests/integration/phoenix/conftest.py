"""Two Phoenix servers for the whole run, shared by all its test processes, and clients of both kinds.

To test against a Phoenix of your own, set ``PROMPTOPS_TEST_PHOENIX_URL`` (a server without authentication), and
``PROMPTOPS_TEST_PHOENIX_AUTH_URL`` with ``PROMPTOPS_TEST_PHOENIX_AUTH_SECRET`` (one with it, and the key of an
administrator). Without them a server is started when the first test asks for it, which takes 15 to 30 seconds.
"""

from __future__ import annotations

import fcntl
import inspect
import os
import sys
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
import msgspec
import pytest
from promptops.core.bridge import SyncResource
from promptops.phoenix import PhoenixClient, SyncPhoenixClient

if TYPE_CHECKING:
    from tools.phoenix.official import OfficialClient

ROOT = Path(__file__).parents[3]
START_SECONDS = 240.0
SECRET = f"admin1secret{'x' * 30}"

MakePhoenix = Callable[..., PhoenixClient]
MakeOfficial = Callable[..., "OfficialClient"]


class Phoenix(msgspec.Struct, frozen=True, kw_only=True):
    """A running server.

    Attributes:
        url: Where it is.
        secret: The key of an administrator, when the server asks for keys.
    """

    url: str
    secret: str | None = None


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


@pytest.fixture(scope="session")
def run_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that all test processes of this run share, and no other run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def phoenix_url(run_directory: Path) -> Iterator[str]:
    """The address of the server without authentication."""
    given = os.environ.get("PROMPTOPS_TEST_PHOENIX_URL")
    if given:
        yield given.rstrip("/")
        return
    with shared_server(run_directory / "phoenix-open") as url:
        yield url


@pytest.fixture(scope="session")
def phoenix_auth(run_directory: Path) -> Iterator[Phoenix]:
    """The server with authentication, and the key of its administrator."""
    given = os.environ.get("PROMPTOPS_TEST_PHOENIX_AUTH_URL")
    if given:
        yield Phoenix(url=given.rstrip("/"), secret=os.environ["PROMPTOPS_TEST_PHOENIX_AUTH_SECRET"])
        return
    with shared_server(run_directory / "phoenix-auth", secret=SECRET) as url:
        yield Phoenix(url=url, secret=SECRET)


@contextmanager
def shared_server(root: Path, *, secret: str | None = None) -> Generator[str]:
    """Use the server of this run, and start it when nobody has yet."""
    root.mkdir(exist_ok=True)
    with (root / "users.lock").open("a") as users:
        with (root / "start.lock").open("a") as start:
            fcntl.flock(start, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)
            if not is_running(root):
                launch(root, secret)
            url = address(root)
        yield url


def is_running(root: Path) -> bool:
    with (root / "alive.lock").open("a") as alive:
        try:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def launch(root: Path, secret: str | None) -> None:
    """Start the process that starts the server, and ends it when nobody uses it any more."""
    for left in ("address", "started"):
        (root / left).unlink(missing_ok=True)
    script = Path(__file__).with_name("server_process.py")
    output = os.open(root / "process.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # Not a Popen: the process outlives this one when another test process still needs the server.
        os.posix_spawn(
            sys.executable,
            [sys.executable, str(script), str(ROOT), str(root), secret or ""],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)],
            setsid=True,
        )
    finally:
        os.close(output)


def address(root: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if (root / "address").exists():
            return (root / "address").read_text(encoding="utf-8")
        if (root / "started").exists() and not is_running(root):
            break
        time.sleep(0.05)
    raise RuntimeError(f"the Phoenix server did not start: {(root / 'process.log').read_text(encoding='utf-8')}")


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
def phoenix_admin(make_phoenix: MakePhoenix, phoenix_auth: Phoenix) -> PhoenixClient:
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
