"""One server process for the whole run, shared by all its test processes, and clients of both kinds."""

from __future__ import annotations

import fcntl
import inspect
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from promptops.client import ClientConfig, PromptOpsClient, SyncPromptOpsClient
from promptops.experiments import AsyncDatasets, AsyncExperiments
from promptops.prompts import AsyncPrompts

START_SECONDS = 150.0
PROJECTS = ("mine", "theirs")
SCOPES = ("prompts:read", "prompts:write", "prompts:label", "experiments")
KEY = re.compile(r"\b[a-z0-9]+_[a-z0-9]+_\w{12}_\w{43}_\w{6}\b")
RESOURCES: dict[str, type[Any]] = {"prompts": AsyncPrompts, "datasets": AsyncDatasets, "experiments": AsyncExperiments}
MakeClient = Callable[..., PromptOpsClient]


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A running server.

    Attributes:
        url: Where it is.
        key: May do everything in the project ``mine``, when the server has keys.
        other_key: May do everything in the project ``theirs``.
    """

    url: str
    key: str | None = None
    other_key: str | None = None

    def config(self, **settings: Any) -> ClientConfig:
        """The configuration of a client of this server."""
        config = ClientConfig(base_url=self.url, api_key=self.key, read_environment=False)
        return msgspec.structs.replace(config, **settings)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Makes names that no other test of the run has."""
    return lambda stem: f"{stem}-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def run_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that all test processes of this run share, and no other run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def open_server(run_directory: Path) -> Iterator[Server]:
    """The server without keys."""
    with shared_server(run_directory / "open-server") as server:
        yield server


@pytest.fixture(scope="session")
def keyed_server(run_directory: Path) -> Iterator[Server]:
    """The server that knows one key, which may do everything in the default project."""
    with shared_server(run_directory / "keyed-server", keyed=True) as server:
        yield server


@contextmanager
def shared_server(root: Path, *, keyed: bool = False) -> Generator[Server]:
    """Use the server of this run, and start it when nobody has yet."""
    root.mkdir(exist_ok=True)
    with (root / "users.lock").open("a") as users:
        with (root / "start.lock").open("a") as start:
            fcntl.flock(start, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)
            if not is_running(root):
                launch(root, keyed=keyed)
            url = address(root)
        keys = (root / "keys").read_text(encoding="utf-8").split() if keyed else [None, None]
        yield Server(url=url, key=keys[0], other_key=keys[1])


def is_running(root: Path) -> bool:
    with (root / "alive.lock").open("a") as alive:
        try:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def launch(root: Path, *, keyed: bool) -> None:
    (root / "address").unlink(missing_ok=True)
    data_dir = root / "data"
    if keyed and not (root / "keys").exists():
        (root / "keys").write_text("\n".join(make_key(data_dir, project) for project in PROJECTS), encoding="utf-8")
    script = Path(__file__).with_name("server_process.py")
    output = os.open(root / "process.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # Not a Popen: the process outlives this one when another test process still needs the server.
        os.posix_spawn(
            sys.executable,
            [sys.executable, str(script), str(root), str(data_dir), "--failed-auth-per-minute", "1000000"],
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
        time.sleep(0.02)
    raise RuntimeError(f"the server did not start: {(root / 'process.log').read_text(encoding='utf-8')}")


def make_key(data_dir: Path, project: str) -> str:
    scopes = [part for scope in SCOPES for part in ("--scope", scope)]
    command = [
        sys.executable,
        "-m",
        "promptops.cli",
        "keys",
        "create",
        "--name",
        "tests",
        "--project",
        project,
        *scopes,
        *("--rate", "100000", "--per-minute", "1000000000"),
    ]
    made = subprocess.run([*command, "--data-dir", str(data_dir)], capture_output=True, text=True, check=True)
    found = KEY.search(made.stdout)
    assert found is not None, made.stdout
    return found.group()


class Awaited:
    """A blocking client that is used like the asynchronous one, so that one test drives both."""

    def __init__(self, target: Any, twin: type[Any]) -> None:
        self._target = target
        self._twin = twin

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if self._twin is PromptOpsClient and name in RESOURCES:
            return Awaited(value, RESOURCES[name])
        twin = inspect.getattr_static(self._twin, name)
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
async def make_client(request: pytest.FixtureRequest) -> AsyncIterator[MakeClient]:
    """Makes clients of one kind from a configuration; they are shut down after the test."""
    ends: list[Callable[[], Awaitable[None]]] = []

    def make(config: ClientConfig, **keywords: Any) -> PromptOpsClient:
        if request.param == "async":
            client = PromptOpsClient(config, **keywords)
            ends.append(client.shutdown)
            return client
        blocking = Awaited(SyncPromptOpsClient(config, **keywords), PromptOpsClient)
        ends.append(blocking.shutdown)
        return cast("PromptOpsClient", blocking)

    yield make
    for end in ends:
        await end()


@pytest.fixture(params=["open", "keyed"])
def server(request: pytest.FixtureRequest) -> Server:
    """A server without keys, then one with."""
    return cast("Server", request.getfixturevalue(f"{request.param}_server"))


@pytest.fixture
def client(make_client: MakeClient, server: Server) -> PromptOpsClient:
    """A client of the server, in async and in blocking form."""
    return make_client(server.config())
