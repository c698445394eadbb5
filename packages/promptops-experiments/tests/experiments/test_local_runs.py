# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# Tasks and evaluators are bound by name, so a lambda has no types that a checker could know.

"""Runs without a server, dry runs, and input that no run can do anything with."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import pytest
from promptops.core.errors import ConflictError, ValidationError
from promptops.experiments import (
    AsyncExperiments,
    ExperimentResult,
    SyncExperiments,
    UploadError,
    arun,
    exact_match,
    resume,
    run,
)
from promptops.experiments.journal import Journal, JournaledRun, JournalError, JournalFull
from promptops.models import DatasetExample

SUMS = [{"question": f"{i} + {i}", "expected": str(2 * i)} for i in range(5)]


def solve(example: DatasetExample) -> str:
    left, _, right = example["question"].partition(" + ")
    return str(int(left) + int(right))


def test_a_run_without_a_server_is_kept_in_the_journal(journal_path: Path) -> None:
    result = run("local", dataset=SUMS, task=solve, evaluators=exact_match(), progress=False)
    assert (result.mean("exact_match"), result.experiment.space_id) == (1.0, "local")
    with Journal.open(journal_path) as journal:
        [record] = journal.experiments()
        assert (record.plan.name, record.id) == ("local", result.experiment.id)
        assert record.finished_at is not None
        units = list(journal.units(record.id))
    assert sorted(unit.value for unit in units) == [str(2 * i) for i in range(5)]
    assert all(unit.scores["exact_match"].evaluation.score == 1 for unit in units)


def test_the_journal_may_lie_anywhere(tmp_path: Path, journal_path: Path) -> None:
    run("local", dataset=SUMS, task=solve, journal=tmp_path / "here.sqlite3", progress=False)
    assert (tmp_path / "here.sqlite3").exists()
    assert not journal_path.exists()
    with Journal.open(tmp_path / "here.sqlite3") as journal:
        run("again", dataset=SUMS, task=solve, journal=journal, progress=False)
        assert [record.plan.name for record in journal.experiments()] == ["local", "again"]


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_a_dataset_may_be_a_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sums{suffix}"
    lines = [json.dumps(item) for item in SUMS]
    path.write_text(f"[{','.join(lines)}]" if suffix == ".json" else "\n".join(lines), encoding="utf-8")
    assert run("file", dataset=path, task=solve, evaluators=exact_match(), progress=False).mean("exact_match") == 1.0


@pytest.mark.parametrize(("content", "reason"), [(b"{", "is not JSON"), (None, "cannot be read"), (b"[1]", "object")])
def test_a_file_that_is_no_dataset_is_refused(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "sums.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValidationError, match=reason):
        run("file", dataset=path, task=solve, progress=False)


def test_a_taken_name_is_refused(journal_path: Path) -> None:
    run("taken", dataset=SUMS, task=solve, progress=False)
    with pytest.raises(ConflictError, match="No task was run"):
        run("taken", dataset=SUMS, task=solve, progress=False)


def test_the_blocking_form_works_within_a_running_loop() -> None:
    async def later(example: DatasetExample) -> str:
        await asyncio.sleep(0)
        return solve(example)

    async def main() -> ExperimentResult:
        return run("within", dataset=SUMS, task=later, evaluators=exact_match(), progress=False)

    assert asyncio.run(main()).mean("exact_match") == 1.0


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_blocking_evaluator_stalls_the_loop_by_no_more_than_milliseconds(backend: str) -> None:
    gaps: list[float] = []

    def slow(output: str) -> float:
        time.sleep(0.2)
        return 1.0

    async def main() -> None:
        async def watch() -> None:
            while True:
                before = time.perf_counter()
                await anyio.sleep(0.001)
                gaps.append(time.perf_counter() - before - 0.001)

        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            await arun("e", dataset=SUMS, task=solve, evaluators=slow, progress=False)
            group.cancel_scope.cancel()

    anyio.run(main, backend=backend)
    # On a busy machine single gaps come from elsewhere; a stall by the evaluator would be 200 ms.
    assert sorted(gaps)[-5] < 0.1
    assert sorted(gaps)[len(gaps) * 9 // 10] < 0.005


@pytest.mark.parametrize(("asked", "count"), [(2, 2), (True, 5), ("test", 1), (99, 5)])
def test_a_dry_run_stores_nothing(journal_path: Path, asked: bool | int | str, count: int) -> None:
    examples = [{**item, "split": "test" if index == 3 else "train"} for index, item in enumerate(SUMS)]
    result = run("dry", dataset=examples, task=solve, evaluators=exact_match(), dry_run=asked, progress=False)
    assert (len(result.rows), result.mean("exact_match"), result.experiment.id) == (count, 1.0, "dry-run")
    assert not journal_path.exists()


def test_a_dry_run_on_a_server_sends_nothing(
    experiments: SyncExperiments, questions: str, server: Any, journal_path: Path
) -> None:
    server.requests.clear()
    result = experiments.run("dry", dataset=questions, task=solve, dry_run=3, progress=False)
    assert len(result.rows) == 3
    assert server.sent("POST") == []
    assert not journal_path.exists()


def test_a_split_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValidationError, match="no example has a field `split`"):
        run("dry", dataset=SUMS, task=solve, dry_run="test", progress=False)


def test_an_option_that_is_not_there_is_refused() -> None:
    options: dict[str, Any] = {"dataset": SUMS, "task": solve, "concurency": 3}
    with pytest.raises(TypeError, match=r"'concurency'.*concurrency"):
        run("e", **options)


def test_an_empty_dataset_is_refused() -> None:
    with pytest.raises(ValidationError, match="no example"):
        run("e", dataset=[], task=solve, progress=False)


def test_an_example_without_a_json_form_is_refused() -> None:
    with pytest.raises(ValidationError, match="example 'a' has no JSON form"):
        run("e", dataset=[{"id": "a", "question": object()}], task=solve, progress=False)


def test_a_run_without_a_task_is_refused() -> None:
    nothing: Any = None
    with pytest.raises(ValidationError, match="the task must be a function, not NoneType"):
        run("e", dataset=SUMS, task=nothing, progress=False)


@pytest.mark.parametrize("option", ["task_timeout", "evaluator_timeout", "max_cost"])
@pytest.mark.parametrize("number", ["5", 0, float("nan"), float("inf")])
def test_a_limit_that_is_no_positive_number_is_refused(option: str, number: object) -> None:
    options: dict[str, Any] = {option: number}
    with pytest.raises(ValidationError, match=f"{option} must be a number"):
        run("e", dataset=SUMS, task=solve, progress=False, **options)


def test_two_examples_of_one_id_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"two examples with the id 'a'.*Nothing was run"):
        run("e", dataset=[{"id": "a", "question": "1"}, {"id": "a", "question": "2"}], task=solve, progress=False)


def test_examples_of_the_same_content_are_different_examples() -> None:
    result = run("e", dataset=[SUMS[0], SUMS[0]], task=solve, progress=False)
    assert len({row.example_id for row in result.rows}) == 2


def test_an_output_of_fifty_megabytes_is_an_error_of_its_row() -> None:
    def task(example: DatasetExample) -> object:
        return {"0": "x" * 50_000_000, "2": ["x"] * 10_000_000}.get(example["expected"], "fine")

    result = run("e", dataset=SUMS, task=task, evaluators={"any": lambda output: True}, progress=False)
    assert ["MiB" in (row.error or "") for row in result.rows] == [True, True, False, False, False]
    assert result.mean("any") == 1.0


def fail_after(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    append = JournaledRun.append_outputs
    calls = 0

    def appending(self: JournaledRun, *units: Any, replace: bool = False) -> Any:
        nonlocal calls
        calls += 1
        if calls > count:
            raise JournalFull("there is no space left on the device; free some and resume")
        return append(self, *units, replace=replace)

    monkeypatch.setattr(JournaledRun, "append_outputs", appending)


@pytest.mark.parametrize("facade", ["sync", "async"])
def test_a_full_disk_stops_the_run_and_loses_nothing(monkeypatch: pytest.MonkeyPatch, facade: str) -> None:
    called: list[str] = []

    def task(example: DatasetExample) -> str:
        called.append(example["question"])
        time.sleep(0.01)
        return solve(example)

    options: dict[str, Any] = {
        "dataset": [{"question": f"{i} + {i}"} for i in range(50)],
        "task": task,
        "task_version": "1",
        "concurrency": 2,
        "progress": False,
    }

    def running() -> None:
        if facade == "sync":
            run("e", **options)
        else:
            anyio.run(lambda: arun("e", **options))

    with monkeypatch.context() as patch:
        fail_after(patch, 5)
        with pytest.raises(UploadError, match="no space left") as caught:
            running()
    assert len(called) == len(caught.value.rows) <= 8
    assert isinstance(caught.value.__cause__, JournalFull)
    assert "in the journal" not in caught.value.message
    paid = len(called)
    assert len(resume("e", **options).rows) == 50
    assert len(called) == 50 + paid - 5


FULL = """
import resource, sys
import anyio
from promptops.experiments import UploadError, arun, run

called = []

def task(input):
    if len(called) == 10:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
    called.append(input)
    return "x" * 20_000

options = dict(dataset=[{"input": n} for n in range(200)], task=task, journal=sys.argv[1], progress=False)
try:
    run("full", **options) if sys.argv[2] == "sync" else anyio.run(lambda: arun("full", **options))
except UploadError as exc:
    print(len(called), len(exc.rows), type(exc.__cause__).__name__)
"""


@pytest.mark.parametrize("facade", ["sync", "async"])
def test_rows_that_a_full_disk_did_not_take_are_in_the_error(tmp_path: Path, facade: str) -> None:
    arguments = [sys.executable, "-c", FULL, str(tmp_path / "journal.sqlite3"), facade]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    called, rows, cause = done.stdout.split()
    assert 10 < int(called) == int(rows) < 200
    assert cause == JournalFull.__name__


def test_a_journal_that_cannot_be_written_is_refused_before_anything_is_paid_for(tmp_path: Path) -> None:
    called: list[object] = []
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError):
        run("e", dataset=SUMS, task=called.append, journal=tmp_path / "file" / "journal.sqlite3", progress=False)
    assert called == []


def test_a_run_on_a_server_and_a_local_run_give_the_same_rows(
    async_experiments: AsyncExperiments, questions: str
) -> None:
    stored = anyio.run(
        lambda: async_experiments.run("e", dataset=questions, task=solve, evaluators=exact_match(), progress=False)
    )
    local = run("e", dataset=stored.examples.values(), task=solve, evaluators=exact_match(), progress=False)
    assert [(row.example_id, row.output, row.scores) for row in local.rows] == [
        (row.example_id, row.output, row.scores) for row in stored.rows
    ]
