"""Environments are made once, repaired when that was cut short, and nobody gets in the way of who makes one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.environments import ROOT, interpreter
from tools.phoenix import server
from tools.phoenix.server import PhoenixServer

UV = """#!/bin/sh
echo "$1 begins" >> "$FAKE_UV/log"
if [ "$1" = venv ]; then
    for last; do :; done
    mkdir -p "$last/bin" && ln -sf "$FAKE_PYTHON" "$last/bin/python"
elif [ -e "$FAKE_UV/fails" ]; then
    rm "$FAKE_UV/fails"
    exit 1
elif [ -e "$FAKE_UV/slow" ]; then
    rm "$FAKE_UV/slow"
    sleep 1
fi
echo "$1 ends" >> "$FAKE_UV/log"
"""
WHOLE = ["venv begins", "venv ends", "pip begins", "pip ends"]


class Fake:
    """Requirements, a folder for environments, and an ``uv`` that writes down what it does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requirements = folder / "some.txt"
        self.requirements.write_text("a==1\n")
        self.python = folder / "python3"
        self.python.symlink_to(sys.executable)
        uv = folder / "uv"
        uv.write_text(UV)
        uv.chmod(0o700)

    @property
    def log(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    def make(self) -> Path:
        return interpreter(self.requirements, folder=self.folder / "environments")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    made = Fake(tmp_path)
    monkeypatch.setenv("UV", str(tmp_path / "uv"))
    monkeypatch.setenv("FAKE_UV", str(tmp_path))
    monkeypatch.setenv("FAKE_PYTHON", str(made.python))
    return made


def test_an_environment_is_made_once_and_again_for_other_requirements(fake: Fake) -> None:
    assert fake.make() == fake.make()
    assert fake.log == WHOLE
    fake.requirements.write_text("a==2\n")
    fake.make()
    assert fake.log == WHOLE * 2


def test_one_that_was_cut_short_is_made_anew(fake: Fake) -> None:
    (fake.folder / "fails").touch()
    with pytest.raises(subprocess.CalledProcessError):
        fake.make()
    assert fake.make().exists()
    assert fake.log == [*WHOLE[:3], *WHOLE]


def test_one_whose_interpreter_is_gone_is_made_anew(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.make()
    fake.python.unlink()
    monkeypatch.setenv("FAKE_PYTHON", sys.executable)
    assert fake.make().exists()
    assert fake.log == WHOLE * 2


def test_nobody_begins_while_what_a_killed_process_began_goes_on(fake: Fake) -> None:
    (fake.folder / "slow").touch()
    program = "import sys; from pathlib import Path; from tools.environments import interpreter; "
    program += "interpreter(Path(sys.argv[1]), folder=Path(sys.argv[2]))"
    command = [sys.executable, "-c", program, str(fake.requirements), str(fake.folder / "environments")]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}) as process:
        while "pip begins" not in fake.log:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    fake.make()
    assert fake.log == WHOLE * 2


def test_missing_uv_is_said_with_where_to_get_it(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV")
    monkeypatch.setenv("PATH", str(fake.folder / "nothing"))
    with pytest.raises(RuntimeError, match=r"uv is needed .*https://"):
        fake.make()


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_server_whose_start_is_interrupted_does_not_go_on(
    interrupt: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "phoenix").write_text("import time; time.sleep(60)")
    (tmp_path / "python").symlink_to(sys.executable)
    started: list[int | None] = []

    def interrupted(url: str) -> bool:
        started.append(phoenix.pid)
        raise interrupt

    def beside(requirements: Path) -> Path:
        return tmp_path / "python"

    monkeypatch.setattr(server, "interpreter", beside)
    monkeypatch.setattr(server, "_is_ready", interrupted)
    phoenix = PhoenixServer(tmp_path / "data")
    with pytest.raises(interrupt):
        phoenix.start()
    (pid,) = started
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
