"""What all integration tests share: a journal of their own, and two Phoenix servers for the whole run.

To test against a Phoenix of your own, set ``PROMPTOPS_TEST_PHOENIX_URL`` (a server without authentication), and
``PROMPTOPS_TEST_PHOENIX_AUTH_URL`` with ``PROMPTOPS_TEST_PHOENIX_AUTH_SECRET`` (one with it, and the key of an
administrator). Without them a server is started when the first test asks for it, which takes 15 to 30 seconds, and all
test processes of the run use it. The one without authentication then keeps its data in SQLite, and the one with it in
PostgreSQL, as most installations do; tests of what the database decides use that one.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from promptops.core import limits

ROOT = Path(__file__).parents[2]
SERVER_PROCESS = Path(__file__).parent / "phoenix" / "server_process.py"
START_SECONDS = 240.0
SECRET = f"admin1secret{'x' * 30}"


class Phoenix(msgspec.Struct, frozen=True, kw_only=True):
    """A running server.

    Attributes:
        url: Where it is.
        secret: The key of an administrator, when the server asks for keys.
    """

    url: str
    secret: str | None = None


@pytest.fixture(autouse=True)
def journal_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the journal of this test lies, instead of the user's data directory."""
    path = tmp_path / "journal" / "journal.sqlite3"
    monkeypatch.setenv("PROMPTOPS_JOURNAL", str(path))
    return path


@pytest.fixture(autouse=True)
def _nothing_learned() -> None:
    """Forget what earlier tests learned of servers: the system hands their ports out again."""
    limits.reset()


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
    with shared_server(run_directory / "phoenix-auth", secret=SECRET, database="postgresql") as url:
        yield Phoenix(url=url, secret=SECRET)


@contextmanager
def shared_server(root: Path, *, secret: str | None = None, database: str = "sqlite") -> Generator[str]:
    """Use the server of this run, and start it when nobody has yet; one that could not be started is not tried again.

    Otherwise every test process would wait for it in vain, one after the other.
    """
    root.mkdir(exist_ok=True)
    failed = root / "failed"
    with (root / "users.lock").open("a") as users:
        with (root / "start.lock").open("a") as start:
            fcntl.flock(start, fcntl.LOCK_EX)
            if failed.exists():
                raise RuntimeError(failed.read_text(encoding="utf-8"))
            fcntl.flock(users, fcntl.LOCK_SH)
            pid = None if is_running(root) else launch(root, secret, database)
            try:
                url = address(root, pid)
            except RuntimeError as error:
                failed.write_text(str(error), encoding="utf-8")
                raise
        yield url


def is_running(root: Path) -> bool:
    with (root / "alive.lock").open("a") as alive:
        try:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def launch(root: Path, secret: str | None, database: str) -> int:
    """Start the process that starts the server, and ends it when nobody uses it any more; returns its id."""
    for left in ("address", "started"):
        (root / left).unlink(missing_ok=True)
    output = os.open(root / "process.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # Not a Popen: the process outlives this one when another test process still needs the server.
        return os.posix_spawn(
            sys.executable,
            [sys.executable, str(SERVER_PROCESS), str(ROOT), str(root), secret or "", database],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)],
            setsid=True,
        )
    finally:
        os.close(output)


def address(root: Path, pid: int | None) -> str:
    """Where the server is, once it is ready.

    Args:
        root: The folder that the test processes share.
        pid: The process that starts it, when this one launched that.

    Raises:
        RuntimeError: That process ended, or took too long; what it said is in the message.
    """
    what, deadline = f"not ready after {START_SECONDS:g} s", time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if (root / "address").exists():
            return (root / "address").read_text(encoding="utf-8")
        if pid is not None and os.waitpid(pid, os.WNOHANG) != (0, 0):
            pid = None
            (root / "started").touch()
        if pid is None and (root / "started").exists() and not is_running(root):
            what = "its process ended"
            break
        time.sleep(0.05)
    raise RuntimeError(f"no Phoenix server ({what}): {(root / 'process.log').read_text(encoding='utf-8')[-4000:]}")
