"""What journaling costs: units that wait for their commits, beside the same rows through bare SQLite, in one run.

Run it as ``python benchmarks/journal_bench.py [--json]``. Every unit has an output and one score, and keeps its slot
until both are on the disk; bare SQLite writes the same rows in transactions of as many units as there are slots. The
two take turns, so that what the disk does meanwhile meets both alike.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
from promptops.experiments.journal import Fingerprint, Journal, LoopCommits, RunPlan, ScoreRecord, UnitRecord
from promptops.models.experiments import Evaluation

ROUNDS = 5
UNITS = 2000
SLOTS = (8, 20, 100)
MANY = 100_000
SAID = Evaluation(score=1.0, label="true")

MEMORY = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from benchmarks.journal_bench import many
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
many(sys.argv[1])
print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def unit(number: int) -> UnitRecord:
    return UnitRecord(
        example_id=f"ex-{number}",
        repetition=1,
        state="done",
        output='"an answer"',
        service_s=0.001,
        fingerprint="0" * 32,
        started_at=1.0,
        finished_at=2.0,
    )


def score() -> ScoreRecord:
    return ScoreRecord(evaluator="exact", evaluation=SAID, fingerprint="0" * 32)


def plan(units: int) -> RunPlan:
    return RunPlan(name="bench", dataset_id="dataset", fingerprint=Fingerprint(task="task"), units=units)


def journaled(path: Path, slots: int) -> float:
    """Units per second when each waits for its rows."""

    async def main() -> float:
        with Journal.open(path) as journal, journal.begin(plan(UNITS)) as run:
            commits = LoopCommits(asyncio.get_running_loop().call_soon_threadsafe, anyio.Event)
            numbers = iter(range(UNITS))

            async def slot() -> None:
                for number in numbers:
                    await anyio.lowlevel.checkpoint()
                    one = unit(number)
                    run.append_outputs(one)
                    await commits.wait(run.append_scores(one.key, [score()]))

            started = time.perf_counter()
            async with anyio.create_task_group() as group:
                for _ in range(slots):
                    group.start_soon(slot)
            seconds = time.perf_counter() - started
            assert run.counts()["done"] == UNITS
            return UNITS / seconds

    return asyncio.run(main())


def bare(path: Path, slots: int) -> tuple[float, float]:
    """Units per second, and commits per second, of SQLite alone with as many units in each transaction."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE units(a, b, c, d, e, f, g, UNIQUE(a, b))")
    connection.execute("CREATE TABLE scores(a, b, c, d, e, PRIMARY KEY(a, b)) WITHOUT ROWID")
    started = time.perf_counter()
    for start in range(0, UNITS, slots):
        numbers = range(start, min(start + slots, UNITS))
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO units VALUES (?, 1, 'done', '\"an answer\"', 0.001, 1.0, 2.0)",
            [(f"ex-{number}",) for number in numbers],
        )
        connection.executemany(
            "INSERT INTO scores VALUES (?, 'exact', 1.0, 'true', NULL)", [(f"ex-{number}",) for number in numbers]
        )
        connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    connection.close()
    return UNITS / seconds, -(-UNITS // slots) / seconds


def many(path: str) -> None:
    """Journal 100,000 units, read them all, and acknowledge them as uploaded."""
    with Journal.open(path) as journal, journal.begin(plan(MANY)) as run:
        for start in range(0, MANY, 100):
            for number in range(start, start + 100):
                one = unit(number)
                run.append_outputs(one)
                run.append_scores(one.key, [score()])
            run.flush()
        batch: list[UnitRecord] = []
        for found in run.not_uploaded(["exact"]):
            batch.append(found)
            if len(batch) == 1000:
                run.append_uploaded(batch).wait()
                batch = []
        assert next(run.not_uploaded(), None) is None


def main() -> int:
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for slots in SLOTS:
            ours: list[float] = []
            theirs: list[tuple[float, float]] = []
            for turn in range(ROUNDS):
                ours.append(journaled(directory / f"ours-{slots}-{turn}", slots))
                theirs.append(bare(directory / f"bare-{slots}-{turn}", slots))
            units, commits = max(theirs)
            figures[f"{slots}_slots"] = {
                "journal_units_per_s": round(max(ours)),
                "bare_sqlite_units_per_s": round(units),
                "bare_sqlite_commits_per_s": round(commits),
                "ratio": round(max(ours) / units, 2),
            }
        root = str(Path(__file__).resolve().parent.parent)
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, str(directory / "many"), root], capture_output=True, text=True, check=True
        )
        before, after = (int(part) / 1024 for part in done.stdout.split())
        figures["100000_units"] = {"memory_mib": round(after), "of_which_imports_mib": round(before)}
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return 0
    for what, numbers in figures.items():
        print(what.replace("_", " ") + ": " + ", ".join(f"{key.replace('_', ' ')} {n}" for key, n in numbers.items()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
