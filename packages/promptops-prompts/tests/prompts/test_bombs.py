"""Bombs: templates and values that ask for far too much stop within a second of processor time and 64 MiB."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = 1.0
MIB = 64
GROUPS = ("sections", "flat", "f-string", "jinja2", "messages")


def set_off(group: str, cpu_seconds: int) -> subprocess.CompletedProcess[str]:
    """Run a group of bombs in a process that the kernel stops when nothing else does."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    command = [sys.executable, str(Path(__file__).with_name("bomb_process.py")), group]
    return subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=limit)


@pytest.mark.parametrize("group", GROUPS)
def test_every_bomb_is_refused_within_a_second_and_64_mib(group: str) -> None:
    done = set_off(group, 60)
    assert done.returncode == 0, done.stderr
    costs = json.loads(done.stdout)
    assert len(costs) > 5
    rendered = [index for index, (_, _, code) in enumerate(costs) if code == "rendered"]
    assert rendered == []
    slow = {index: seconds for index, (seconds, _, _) in enumerate(costs) if seconds > SECONDS}
    assert slow == {}
    # Growth of the peak over all of them, which is more than any one of them took.
    assert sum(mib for _, mib, _ in costs) < MIB


@pytest.mark.parametrize("group", ["control-memory", "control-format"])
def test_control_other_engines_take_the_memory(group: str) -> None:
    [[_, mib, code]] = json.loads(set_off(group, 60).stdout)
    assert code == "rendered"
    assert mib > MIB


def test_control_other_engines_take_the_time() -> None:
    assert set_off("control-time", 1).returncode in {-signal.SIGXCPU, -signal.SIGKILL}
