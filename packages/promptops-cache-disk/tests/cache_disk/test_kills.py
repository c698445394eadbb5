"""A writer that is killed at any moment leaves whole entries, old or new, and nothing that stays for ever."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from promptops.cache_disk import DiskStore

Make = Callable[..., DiskStore]
Start = Callable[..., "subprocess.Popen[str]"]

KILLS = 100 if os.environ.get("PROMPTOPS_SOAK") else 20

# One Python forks a writer each time it is told to, so that a kill costs no start of an interpreter.
WRITERS = """
import os, sys
from promptops.cache_disk import DiskStore
store = DiskStore(sys.argv[1], namespace="tenant")
store.write("first", b"")
for line in sys.stdin:
    if line == "reap\\n":
        os.wait()
        print("reaped", flush=True)
        continue
    child = os.fork()
    if child == 0:
        number = int(line)
        while True:
            number += 1
            store.write(f"key-{number % 5}", bytes([number % 251]) * 300_000)
    print(child, flush=True)
"""

IN_PLACE = """
import sys
number = 0
while True:
    number += 1
    with open(sys.argv[1], "wb", buffering=0) as file:
        if number == 1:
            print("ready", flush=True)
        for _ in range(300):
            file.write(bytes([number % 251]) * 1000)
"""


def say(child: subprocess.Popen[str], line: str) -> str:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(line + "\n")
    child.stdin.flush()
    return child.stdout.readline().strip()


def wait_for(store: DiskStore, key: str, start: bytes) -> None:
    until = time.monotonic() + 30.0
    while not (store.get(key) or b"").startswith(start):
        assert time.monotonic() < until, "nothing was written"
        time.sleep(0.001)


def whole(value: bytes) -> bool:
    return len(value) == 300_000 and value == value[:1] * len(value)


def test_killed_writers_leave_no_torn_entry(make: Make, start: Start, directory: Path) -> None:
    chance = random.Random(7)
    parent = start(WRITERS, directory)
    store = make()
    served = 0
    for number in range(KILLS):
        writer = int(say(parent, str(number * 1000)))
        if number % 4 == 0:  # so that writers get somewhere on a slow disk as well
            wait_for(store, "key-1", bytes([(number * 1000 + 1) % 251]))
        time.sleep(chance.uniform(0.002, 0.03))
        os.kill(writer, signal.SIGKILL)
        assert say(parent, "reap") == "reaped"
        for key in range(5):
            value = store.get(f"key-{key}")
            if value is not None:
                served += 1
                assert whole(value)
    assert served >= KILLS  # the writers got somewhere, also on a slow disk
    assert store.stats().corrupt == 0

    left_behind = list((directory / "v1" / "temporary").iterdir())
    assert store.measure().size <= 6
    assert 0 < len(left_behind) <= KILLS  # kills did meet writers in the middle
    store.write("after", b"value")
    assert store.get("after") == b"value"


def test_a_writer_that_wrote_in_place_would_leave_torn_files(start: Start, tmp_path: Path) -> None:
    """The control: kills at such moments do tear what is not replaced in one step."""
    chance = random.Random(7)
    path = tmp_path / "file"
    torn = 0
    for _ in range(20):
        child = start(IN_PLACE, path)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(chance.uniform(0.002, 0.02))
        child.kill()
        child.wait()
        torn += not whole(path.read_bytes())
        if torn > 1:
            break
    assert torn > 0


def test_what_killed_writers_left_behind_is_tidied_up_when_it_is_old(
    make: Make, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make()
    store.write("key", b"value")
    scratch = directory / "v1" / "temporary" / "123-abc"
    scratch.write_bytes(b"half")
    store.sweep()
    assert scratch.exists()  # somebody may be writing it
    ahead = time.time() + 3700.0
    monkeypatch.setattr("promptops.cache_disk._sweep.time.time", lambda: ahead)
    store.sweep()
    assert not scratch.exists()
    assert store.get("key") == b"value"
