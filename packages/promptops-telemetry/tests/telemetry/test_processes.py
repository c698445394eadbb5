"""Forks and exits: nobody's events are lost or sent twice, and nobody waits for long."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import BlackHole, Canned, Delay, Mode, Refuse

HERE = Path(__file__).parent


def run(program: str, *arguments: str) -> tuple[subprocess.CompletedProcess[str], float]:
    """What became of a program, and when it had ended."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", str(HERE / program), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done, time.monotonic()


@pytest.mark.parametrize("how", ["hooks", "no-hooks"])
def test_forked_children_start_empty_and_lose_nothing(receiver: Any, how: str) -> None:
    done, _ = run("fork_program.py", receiver.url, how)
    assert done.stdout.split("\n")[0] == "[0, 0, 0, 0] True 101 True", done.stdout + done.stderr
    counts = Counter(event["name"] for event in receiver.events)
    assert counts == {"warm": 1, "parent": 100, **{f"child-{number}": 1_000 for number in range(4)}}


@pytest.mark.parametrize(("how", "expected"), [("plain", 1_200), ("multiprocessing", 600)])
def test_what_is_queued_at_exit_is_sent(receiver: Any, how: str, expected: int) -> None:
    done, _ = run("exit_program.py", receiver.url, how)
    assert (done.returncode, done.stderr) == (3, "")
    assert len(receiver.events) == expected


def test_a_server_that_is_named_is_found_at_exit(receiver: Any) -> None:
    done, _ = run("exit_program.py", receiver.url.replace("127.0.0.1", "localhost"), "plain")
    assert (done.returncode, done.stderr) == (3, "")
    assert len(receiver.events) == 1_200


@pytest.mark.parametrize("mode", [Refuse(), BlackHole(), Delay(2.0), Canned(503)], ids=lambda mode: type(mode).__name__)
def test_exit_is_prompt_whatever_the_server_does(receiver: Any, mode: Mode) -> None:
    with FaultProxy(receiver.url, mode=mode) as proxy:
        done, ended = run("exit_program.py", proxy.url, "plain")
    assert (done.returncode, done.stderr) == (3, "")
    assert ended - float(done.stdout) <= 5.0 + 10.0  # a busy machine ends programs late; without a limit it takes 20 s
