"""The process that keeps a server for a run of the tests ends it whatever happens."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).with_name("server_process.py")
STUB = """
import subprocess

class PhoenixServer:
    url = "http://stub.test"

    def __init__(self, folder, *, admin_secret=None, database_url=None):
        self.process = subprocess.Popen(["sleep", "300"], start_new_session=True)
        folder.with_name("pid").write_text(str(self.process.pid))

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait()
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    stub = tmp_path / "tools/phoenix/server.py"
    stub.parent.mkdir(parents=True)
    stub.write_text(STUB)
    stub.with_name("postgres.py").write_text("PostgresServer = None")
    made = tmp_path / "root"
    made.mkdir()
    return made


@pytest.fixture
def keeper(root: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, str(SCRIPT), str(tmp_path), str(root), "", ""]) as process:
        yield process
        process.kill()


@pytest.fixture
def in_use(root: Path) -> Iterator[None]:
    with (root / "users.lock").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        yield


def wait_until(true: Callable[[], bool]) -> None:
    expires = time.monotonic() + 100
    while not true():
        assert time.monotonic() < expires
        time.sleep(0.01)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_nobody_uses_it_so_it_ends(root: Path, keeper: subprocess.Popen[bytes]) -> None:
    assert keeper.wait(100) == 0
    assert not is_there(int((root / "pid").read_text()))


@pytest.mark.usefixtures("in_use")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_is_told_to_end_so_the_server_ends(
    root: Path, keeper: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    wait_until((root / "address").exists)
    pid = int((root / "pid").read_text())
    assert is_there(pid)
    keeper.send_signal(number)
    assert keeper.wait(100) == 128 + number
    assert not is_there(pid)
    assert not (root / "address").exists()


@pytest.mark.usefixtures("in_use")
def test_the_server_ends_by_itself_so_everybody_is_told(root: Path, keeper: subprocess.Popen[bytes]) -> None:
    wait_until((root / "address").exists)
    os.kill(int((root / "pid").read_text()), signal.SIGKILL)
    assert keeper.wait(100) == 0
    assert not (root / "address").exists()


@pytest.fixture
def sharing() -> ModuleType:
    """How test processes share a server: a copy of the module that this run itself uses."""
    spec = importlib.util.spec_from_file_location("sharing", SCRIPT.parents[1] / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "code", ["import no_such_module", "(ROOT / 'started').touch(); raise OSError('no_such_module')"]
)
def test_start_that_fails_is_told_at_once_and_not_tried_again(
    sharing: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    script, root = tmp_path / "process.py", tmp_path / "shared"
    script.write_text(
        "import sys; from pathlib import Path; ROOT = Path(sys.argv[2])\n"
        f"with (ROOT / 'tries').open('a') as tries: tries.write('x')\n{code}\n"
    )
    monkeypatch.setattr(sharing, "SERVER_PROCESS", script)
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"its process ended(?s:.*)no_such_module"), sharing.shared_server(root):
            pytest.fail("there is no server")
    assert time.monotonic() - began < sharing.START_SECONDS / 2
    assert (root / "tries").read_text() == "x"
