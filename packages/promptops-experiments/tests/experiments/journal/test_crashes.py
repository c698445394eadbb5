"""Processes that are killed, and disks that are full, lose nothing that was acknowledged.

A killed process cannot show whether a write reached the disk: the system keeps what it was given. That synchronous
writes are asked for is therefore tested by itself, and what they promise beyond is the disk's to keep.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from promptops.experiments.journal import Journal, JournalFull, RunPlan, UnitRecord

KILLS = 20 if os.environ.get("PROMPTOPS_SOAK") else 3
EXAMPLES, REPETITIONS, AT_ONCE = 500, 3, 8
PAUSE = "0.02" if KILLS > 3 else "0.01"  # so that not all is done before the last kill

CHILD = """
import os, sys, threading, time
from promptops.core.errors import ConflictError
from promptops.experiments.journal import (
    Fingerprint, Journal, RunPlan, ScoreRecord, UnitKey, UnitRecord, plan_resume
)
from promptops.models.experiments import Evaluation

path, waits, pause = sys.argv[1], sys.argv[2] == "wait", float(sys.argv[3])
plan = RunPlan(name="killed", dataset_id="d", fingerprint=Fingerprint(task="t"), units=1500, repetitions=3)
units = [UnitKey(f"ex-{number}", repetition) for repetition in (1, 2, 3) for number in range(500)]
journal = Journal.open(path)
try:
    run = journal.begin(plan)
except ConflictError:
    run = journal.resume("killed", plan)
todo = plan_resume(units, run.units(), {"exact": "v1"})
waiting = iter([(key, True) for key in todo.to_run] + [(key, False) for key in todo.to_score])
turn = threading.Lock()

def say(word, key):
    os.write(1, f"{word} {key.example_id} {key.repetition}\\n".encode())

def work():
    while True:
        with turn:
            key, runs = next(waiting, (None, False))
        if key is None:
            return
        if runs:
            say("ran", key)
            time.sleep(pause)
            unit = UnitRecord(example_id=key.example_id, repetition=key.repetition, state="done", output='"x"' * 1)
            commit = run.append_outputs(unit)
            if waits:
                commit.wait()
            say("stored", key)
        say("scored", key)
        commit = run.append_scores(
            key, [ScoreRecord(evaluator="exact", evaluation=Evaluation(score=1.0), fingerprint="v1")]
        )
        if waits:
            commit.wait()
        say("judged", key)

threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
run.finish()
run.close()
journal.close()
os.write(1, b"finished\\n")
"""

FULL = """
import resource, sys
from promptops.experiments.journal import Fingerprint, Journal, JournalError, RunPlan, UnitRecord

journal = Journal.open(sys.argv[1])
run = journal.begin(RunPlan(name="full", dataset_id="d", fingerprint=Fingerprint(task="t"), units=1000))
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
for number in range(1000):
    unit = UnitRecord(example_id=f"ex-{number}", repetition=1, state="done", output='"' + "x" * 5000 + '"')
    try:
        run.append_outputs(unit).wait(30)
    except JournalError as exc:
        print(type(exc).__name__, number, exc.message, flush=True)
        try:
            run.append_outputs(unit)
        except JournalError as again:
            print(type(again).__name__, flush=True)
        break
    print("stored", number, flush=True)
import os
os._exit(0)
"""

Line = tuple[str, ...]


def lines_until_killed(path: Path, *arguments: str, after: float | None, since: bytes = b"") -> list[Line]:
    """Run the child, kill it so many seconds after a line that begins like that, and return what it said."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path), *arguments], stdout=subprocess.PIPE)
    assert child.stdout is not None
    said = [child.stdout.readline()]
    while said[-1] and not said[-1].startswith(since):
        said.append(child.stdout.readline())
    if after is not None:
        time.sleep(after)
        child.send_signal(signal.SIGKILL)
    said += child.stdout.readlines()
    child.stdout.close()
    child.wait(60)
    return [tuple(line.decode().split()) for line in said if line.endswith(b"\n")]


def keys(lines: Sequence[Line], word: str) -> list[Line]:
    return [line[1:] for line in lines if line[0] == word]


def test_killed_runs_resume_without_losing_or_repeating_anything(path: Path) -> None:
    chance = random.Random(20)
    stored: set[Line] = set()
    judged: set[Line] = set()
    ran: list[Line] = []
    interrupted = 0
    for number in range(KILLS):
        # Every second one gets somewhere, however slow the disk is.
        since = b"stored" if number % 2 else b""
        lines = lines_until_killed(path, "wait", PAUSE, after=chance.uniform(0.02, 0.25), since=since)
        assert not stored & set(keys(lines, "ran")), "an output that was acknowledged was paid for again"
        assert not judged & set(keys(lines, "scored")), "a score that was acknowledged was computed again"
        stored.update(keys(lines, "stored"))
        judged.update(keys(lines, "judged"))
        ran += keys(lines, "ran")
        interrupted += ("finished",) not in lines
    assert stored
    assert interrupted > KILLS // 2
    lines = lines_until_killed(path, "wait", "0", after=None)
    assert lines[-1] == ("finished",)
    assert not stored & set(keys(lines, "ran"))
    ran += keys(lines, "ran")
    assert len(set(ran)) == EXAMPLES * REPETITIONS
    assert len(ran) - len(set(ran)) <= AT_ONCE * KILLS
    with Journal.open(path) as journal:
        found = [(unit.example_id, str(unit.repetition)) for unit in journal.units("killed") if unit.scores]
        assert journal.transaction(lambda connection: connection.execute("PRAGMA integrity_check").fetchone()) == (
            "ok",
        )
    assert len(found) == len(set(found)) == EXAMPLES * REPETITIONS


def test_control_acknowledging_before_the_commit_loses_rows(path: Path) -> None:
    lost = 0
    for attempt in range(20):
        one = path.with_name(f"control-{attempt}.sqlite3")
        stored = set(keys(lines_until_killed(one, "hurry", "0", after=0.01), "stored"))
        with Journal.open(one) as journal:
            kept = {(unit.example_id, str(unit.repetition)) for unit in journal.units("killed")}
        lost += len(stored - kept)
        if lost:
            return
    assert lost, "the kill test would not notice a journal that acknowledges too early"


def test_full_disk_stops_with_an_error_and_keeps_what_was_acknowledged(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, timeout=120, check=True
    )
    *stored, failed, again = done.stdout.splitlines()
    assert failed.startswith(JournalFull.__name__), done.stdout + done.stderr
    assert "free some and resume" in failed
    assert again == JournalFull.__name__
    assert len(stored) > 10
    with Journal.open(path) as journal:
        kept = {unit.example_id for unit in journal.units("full")}
        assert {f"ex-{number}" for number in range(len(stored))} <= kept
        assert journal.transaction(lambda connection: connection.execute("PRAGMA integrity_check").fetchone()) == (
            "ok",
        )
        with journal.resume("full") as run:
            run.append_outputs(UnitRecord(example_id="later", repetition=1, state="done", output='"x"')).wait(30)


def test_every_commit_asks_for_a_synchronous_write(journal: Journal, make_plan: Callable[..., RunPlan]) -> None:
    with journal.begin(make_plan()):
        asked = journal.transaction(
            lambda connection: (
                connection.execute("PRAGMA synchronous").fetchone()[0],
                connection.execute("PRAGMA journal_mode").fetchone()[0],
            )
        )
    assert asked == (2, "wal")
