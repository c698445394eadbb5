# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# Tasks and evaluators are bound by name, so a lambda has no types that a checker could know.

"""Runs without a server, dry runs, and input that no run can do anything with."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from promptops.core.bridge import drive
from promptops.core.errors import ConflictError, NotFoundError, ValidationError
from promptops.experiments import (
    AsyncExperiments,
    ExperimentResult,
    RowsError,
    SyncExperiments,
    UploadError,
    arerun,
    arescore,
    aresume,
    aretry_failed,
    arun,
    compare,
    exact_match,
    read_examples,
    rerun,
    rescore,
    resume,
    retry_failed,
    run,
    write_examples,
)
from promptops.experiments.journal import Journal, JournaledRun, JournalError, JournalFull
from promptops.experiments.reports import journaled_result
from promptops.experiments.stores import LocalStore
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


@pytest.mark.parametrize(("content", "reason"), [(b"{", "is no JSON"), (None, "cannot be read"), (b"[1]", "object")])
def test_a_file_that_is_no_dataset_is_refused(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "sums.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValidationError, match=reason):
        run("file", dataset=path, task=solve, progress=False)


def test_a_dataset_may_be_a_table(tmp_path: Path) -> None:
    path = tmp_path / "sums.csv"
    write_examples([{"id": f"s{i}", **item} for i, item in enumerate(SUMS)], path)
    result = run("table", dataset=path, task=solve, evaluators=exact_match(), progress=False)
    assert result.mean("exact_match") == 1.0
    assert list(result.examples) == ["s0", "s1", "s2", "s3", "s4"]
    chosen = read_examples(path, id_column="question", columns={"expected": "answer"})
    named = run("named", dataset=chosen, task=lambda example: example["answer"], progress=False)
    assert [row.example_id for row in named.rows] == [item["question"] for item in SUMS]
    assert [row.output for row in named.rows] == [item["expected"] for item in SUMS]


def test_wrong_rows_of_a_table_are_named_before_anything_runs(tmp_path: Path) -> None:
    path = tmp_path / "sums.csv"
    path.write_text("question,expected\n1 + 1,2\n2 + 2,4,five\n", encoding="utf-8")
    with pytest.raises(RowsError, match="row 2"):
        run("table", dataset=path, task=solve, progress=False)


@pytest.mark.parametrize("backend", ["sync", "asyncio", "trio"])
def test_a_rerun_takes_over_what_has_not_changed_since(tmp_path: Path, backend: str) -> None:
    calls: list[str] = []

    def call(method: Any, in_loop: Any, *args: Any, **options: Any) -> ExperimentResult:
        if backend == "sync":
            found: ExperimentResult = method(*args, progress=False, **options)
            return found

        async def main() -> ExperimentResult:
            awaited: ExperimentResult = await in_loop(*args, progress=False, **options)
            return awaited

        return anyio.run(main, backend=backend)

    path = tmp_path / "sums.csv"
    write_examples([{"id": f"s{i}", **item} for i, item in enumerate(SUMS)], path)
    options: dict[str, Any] = {"dataset": path, "task": solve, "task_version": "1"}
    call(run, arun, "v1", evaluators=counted(calls), **options)
    assert len(calls) == 5
    changed = [{"id": "s0", "question": "9 + 9", "expected": "18"}, *({"id": f"s{i}", **SUMS[i]} for i in range(1, 5))]
    write_examples(changed, path)
    result = call(rerun, arerun, "v1", "v2", evaluators=counted(calls), **options)
    assert [row.output for row in result.rows] == ["18", "2", "4", "6", "8"]
    assert calls[5:] == ["18"]
    assert [row.fields.get("promptops.reused_from") for row in result.rows] == [None, "v1", "v1", "v1", "v1"]
    assert compare(journaled_result("v1"), result).changed_examples == ["s0"]
    with pytest.raises(NotFoundError):
        call(rerun, arerun, "nothing", "v3", **options)
    with pytest.raises(ValidationError, match="dry_run belongs to run"):
        call(rerun, arerun, "v1", "v3", dry_run=True, **options)
    assert call(resume, aresume, "v2", evaluators=counted(calls), **options).remaining == 0
    assert call(retry_failed, aretry_failed, "v2", evaluators=counted(calls), **options).remaining == 0
    scored = call(rescore, arescore, "v2", exact_match(), dataset=path)
    assert (scored.mean("exact_match"), len(calls)) == (1.0, 6)


def counted(calls: list[str]) -> Any:
    """An evaluator that notes what it is called with; an object, so that what it noted is no part of its code."""

    class Counted:
        name = "counted"
        fingerprint = "1"

        def evaluate(self, output: str) -> bool:
            calls.append(output)
            return True

    return Counted()


def test_examples_of_a_local_store_are_written_to_files_and_read_again(tmp_path: Path) -> None:
    with LocalStore(tmp_path / "store.sqlite3") as store:
        drive(store.datasets.create("sums", [{**item, "split": "test"} for item in SUMS]))
        drive(store.datasets.append("sums", [{"question": "9 + 9", "expected": "18", "split": "train"}]))
        assert drive(store.datasets.export("sums", tmp_path / "sums.csv", split="test")) == 5
        assert drive(store.datasets.export("sums", tmp_path / "sums.jsonl", id_column=None)) == 6
        frame = drive(store.datasets.to_dataframe("sums", split="train"))
        assert list(frame["question"]) == ["9 + 9"]
        ids = [example.id for example in drive(_all(store.datasets.examples("sums", split="test")))]
    result = run("file", dataset=tmp_path / "sums.csv", task=solve, evaluators=exact_match(), progress=False)
    assert (list(result.examples), result.mean("exact_match")) == (ids, 1.0)


async def _all(items: AsyncIterator[DatasetExample]) -> list[DatasetExample]:
    return [item async for item in items]


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
def test_a_blocking_evaluator_does_not_stall_the_loop(backend: str) -> None:
    gaps: list[float] = []

    def patient(output: str) -> bool:
        """Ends when the loop has gone on for a while."""
        before, until = len(gaps), time.monotonic() + 20
        while len(gaps) < before + 50 and time.monotonic() < until:
            time.sleep(0.001)
        return len(gaps) >= before + 50

    means: list[float | None] = []

    async def main() -> None:
        async def watch() -> None:
            while True:
                before = time.perf_counter()
                await anyio.sleep(0.001)
                gaps.append(time.perf_counter() - before - 0.001)

        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            result = await arun("e", dataset=SUMS, task=solve, evaluators=patient, progress=False)
            means.append(result.mean("patient"))
            group.cancel_scope.cancel()

    anyio.run(main, backend=backend)
    assert means == [1.0]
    # On a busy machine single gaps come from elsewhere.
    assert sorted(gaps)[len(gaps) // 2] < 0.1


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


def test_a_dry_run_finds_a_split_that_was_assigned_and_one_that_examples_name() -> None:
    given = [SUMS[0] | {"promptops.split": "test", "split": "train"}, SUMS[1] | {"split": "test"}]
    result = run("dry", dataset=given, task=solve, dry_run="test", progress=False)
    assert len(result.rows) == 2
    with pytest.raises(ValidationError, match="those that examples name are: test"):
        run("dry", dataset=given, task=solve, dry_run="train", progress=False)


def test_a_split_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValidationError, match="no example is of that split; no example names one"):
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
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=200, check=False)
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
