"""A program ends with the process that started it, whatever ends that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tools.phoenix import attended

# It writes down what it was given, and starts a process of its own that inherits what it can.
PROGRAM = """
import os, subprocess, sys, time
{trap}
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
with open(sys.argv[1] + ".new", "w") as file:
    print(os.getpid(), child.pid, repr(sys.stdin.read()), *sys.argv[1:], file=file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(60)
"""
PARENT = """
import subprocess, sys, time
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.{stdin}, start_new_session=True)
time.sleep(60)
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"


class Started:
    """A process that has started a program, and what the program wrote."""

    def __init__(self, folder: Path, command: list[str | Path], *, stdin: str = "PIPE", trap: str = "") -> None:
        self.report = folder / "report"
        program = folder / "program.py"
        program.write_text(PROGRAM.format(trap=trap))
        start = [sys.executable, "-c", PARENT.format(stdin=stdin), *command, program, self.report, "more"]
        self.parent = subprocess.Popen(start)
        wait_until(self.report.exists)
        said = self.report.read_text().split()
        self.program, self.child = int(said[0]), int(said[1])
        self.rest = said[2:]

    def close(self) -> None:
        self.parent.kill()
        self.parent.wait()
        for pid in (self.program, self.child):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Started]]:
    made: list[Started] = []

    def make(*command: str | Path, stdin: str = "PIPE", trap: str = "") -> Started:
        made.append(Started(tmp_path, [*command], stdin=stdin, trap=trap))
        return made[-1]

    yield make
    for one in made:
        one.close()


def attended_command(seconds: float, folder: Path) -> list[str | Path]:
    """The launcher, less patient than usual."""
    script = folder / "attended.py"
    source = Path(attended.__file__).read_text()
    assert "END_SECONDS = 20.0" in source
    script.write_text(source.replace("END_SECONDS = 20.0", f"END_SECONDS = {seconds}"))
    return [sys.executable, "-I", script]


def wait_until(true: Callable[[], bool]) -> None:
    expires = time.monotonic() + 30
    while not true():
        assert time.monotonic() < expires
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether a process goes on; one that has ended, and that nobody has asked about, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_program_gets_its_arguments_and_an_empty_input(start: Callable[..., Started], tmp_path: Path) -> None:
    started = start(*attended_command(20.0, tmp_path))
    assert started.rest == ["''", str(started.report), "more"]
    assert is_running(started.program)


@pytest.mark.parametrize("trap", ["", DEAF])
def test_program_ends_when_its_parent_is_killed(start: Callable[..., Started], tmp_path: Path, trap: str) -> None:
    """One that does not listen, too; and a process that it started does not keep it alive."""
    started = start(*attended_command(0.1 if trap else 20.0, tmp_path), trap=trap)
    os.kill(started.parent.pid, signal.SIGKILL)
    wait_until(lambda: not is_running(started.program))
    assert is_running(started.child)


def test_control_without_the_launcher_it_goes_on(start: Callable[..., Started]) -> None:
    started = start(sys.executable, stdin="DEVNULL")
    os.kill(started.parent.pid, signal.SIGKILL)
    started.parent.wait()
    time.sleep(0.5)
    assert is_running(started.program)
