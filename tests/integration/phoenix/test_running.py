"""The runner on a real Phoenix server: rows arrive while tasks run, and nothing that was paid for is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import httpx
import msgspec
import pytest
from promptops.core.errors import NotFoundError, ValidationError
from promptops.core.messages import EXPERIMENT_RESULTS
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import Pass, Refuse
from promptops.experiments import UploadError
from promptops.experiments.journal import Journal
from promptops.models import DatasetExample
from promptops.phoenix import PhoenixClient, SyncPhoenixClient

pytestmark = pytest.mark.anyio
Unique = Callable[..., str]
COUNT = 12
WAIT_SECONDS = 100.0


class Rest:
    """The server without any client of ours; usable in worker threads."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30)

    def data(self, where: str) -> Any:
        return self._client.get(where).raise_for_status().json()["data"]

    def experiment(self, dataset: str, name: str) -> dict[str, Any]:
        (found,) = [item for item in self.data(f"/v1/datasets/{dataset}/experiments") if item["name"] == name]
        return dict(found)

    def runs(self, dataset: str, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.data(f"/v1/experiments/{self.experiment(dataset, name)['id']}/runs")
        return found

    def rows(self, dataset: str, name: str) -> list[dict[str, Any]]:
        experiment = self.experiment(dataset, name)["id"]
        found: list[dict[str, Any]] = self._client.get(f"/v1/experiments/{experiment}/json").raise_for_status().json()
        return found

    def scored(self, dataset: str, name: str) -> int:
        """How many runs of an experiment have scores; none while it has no runs, or does not exist."""
        try:
            return sum(bool(row["annotations"]) for row in self.rows(dataset, name))
        except (ValueError, httpx.HTTPStatusError):
            return 0

    def wait_for(self, dataset: str, name: str, count: int) -> None:
        """Wait until so many runs have scores."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self.scored(dataset, name) < count:
            assert time.monotonic() < deadline, f"{count} runs did not arrive"
            time.sleep(0.02)

    def close(self) -> None:
        self._client.close()


@pytest.fixture
async def rest(phoenix_url: str) -> AsyncIterator[Rest]:
    rest = Rest(phoenix_url)
    yield rest
    rest.close()


async def dataset_of(phoenix: PhoenixClient, name: str, count: int = COUNT) -> str:
    rows = [{"n": number, "expected": str(number)} for number in range(count)]
    return (await phoenix.datasets.create(name, rows)).id


@pytest.fixture
async def dataset(phoenix: PhoenixClient, unique: Unique) -> str:
    return await dataset_of(phoenix, unique("numbers"))


class Calls:
    """A task that counts how often it was called for which example."""

    def __init__(self, *, broken: tuple[int, ...] = ()) -> None:
        self.of: Counter[int] = Counter()
        self.broken = broken
        self._lock = threading.Lock()

    def __call__(self, example: DatasetExample) -> str:
        with self._lock:
            self.of[example["n"]] += 1
        if example["n"] in self.broken:
            raise ValueError(f"not {example['n']}")
        return str(example["n"])


def right(output: str, expected: str) -> bool:
    return output == expected


def length(output: str) -> dict[str, Any]:
    return {"score": float(len(output)), "label": "short", "explanation": "it has few characters"}


def scores_of(rows: list[dict[str, Any]]) -> list[set[str]]:
    return [{annotation["name"] for annotation in row["annotations"]} for row in rows]


async def test_rows_and_scores_are_on_the_server(
    phoenix: PhoenixClient, rest: Rest, dataset: str, unique: Unique
) -> None:
    name = unique("run")
    result = await phoenix.experiments.run(
        name,
        dataset=dataset,
        task=Calls(),
        evaluators=[right, length],
        repetitions=2,
        metadata={"model": "small"},
        progress=False,
    )
    assert (len(result.rows), result.mean("right"), result.failed) == (2 * COUNT, 1.0, 0)
    record = rest.experiment(dataset, name)
    assert record["id"] == result.experiment.id
    assert (record["repetitions"], record["successful_run_count"], record["missing_run_count"]) == (2, 2 * COUNT, 0)
    assert record["metadata"]["model"] == "small"
    rows = rest.rows(dataset, name)
    assert Counter(row["repetition_number"] for row in rows) == {1: COUNT, 2: COUNT}
    assert all(row["output"] == row["reference_output"]["expected"] for row in rows)
    assert all(row["start_time"] < row["end_time"] for row in rows)
    said = {annotation["name"]: annotation for annotation in rows[0]["annotations"]}
    assert said["right"]["score"] == 1.0
    assert (said["length"]["label"], said["length"]["explanation"]) == ("short", "it has few characters")


async def test_output_of_any_shape_is_the_json_that_it_is(
    phoenix: PhoenixClient, rest: Rest, dataset: str, unique: Unique
) -> None:
    values: list[Any] = [{"a": [1, None]}, 3, 2.5, True, None, "text", "", [], '{"a": 1}', "☃", {}, False]

    def answer(example: DatasetExample) -> Any:
        return values[example["n"]]

    name = unique("shapes")
    await phoenix.experiments.run(name, dataset=dataset, task=answer, progress=False)
    stored = {row["input"]["n"]: row["output"] for row in rest.rows(dataset, name)}
    assert [stored[place] for place in range(COUNT)] == values
    found = await phoenix.experiments.runs(name, dataset=dataset)
    examples = {example.id: example["n"] for example in await phoenix.datasets.examples(dataset)}
    assert {examples[str(row.example_id)]: row.value for row in found} == dict(enumerate(values))


async def test_rows_arrive_while_tasks_still_run(
    phoenix: PhoenixClient, rest: Rest, dataset: str, unique: Unique
) -> None:
    name = unique("meanwhile")
    seen: list[int] = []

    def waits_for_the_others(example: DatasetExample) -> str:
        if example["n"] == 0:
            rest.wait_for(dataset, name, COUNT - 1)
            seen.append(rest.scored(dataset, name))
        return str(example["n"])

    await phoenix.experiments.run(
        name, dataset=dataset, task=waits_for_the_others, evaluators=right, concurrency=2, progress=False
    )
    assert seen == [COUNT - 1], "every other row was stored before the last task ended"
    assert len(rest.runs(dataset, name)) == COUNT


async def test_failed_task_is_stored_as_failed_and_not_scored(
    phoenix: PhoenixClient, rest: Rest, dataset: str, unique: Unique
) -> None:
    name = unique("failing")
    judged: list[str] = []

    def judge(output: str) -> bool:
        judged.append(output)
        return True

    result = await phoenix.experiments.run(
        name, dataset=dataset, task=Calls(broken=(3, 5)), evaluators=judge, progress=False
    )
    assert result.failed == 2
    record = rest.experiment(dataset, name)
    assert (record["successful_run_count"], record["failed_run_count"]) == (COUNT - 2, 2)
    rows = {row["input"]["n"]: row for row in rest.rows(dataset, name)}
    for number in (3, 5):
        assert f"not {number}" in rows[number]["error"]
        assert (rows[number]["output"], rows[number]["annotations"]) == (None, [])
    assert len(judged) == COUNT - 2


async def test_failed_runs_are_replaced_in_place(
    phoenix: PhoenixClient, rest: Rest, dataset: str, unique: Unique
) -> None:
    name = unique("mended")
    calls = Calls(broken=(1, 4))
    await phoenix.experiments.run(name, dataset=dataset, task=calls, evaluators=right, task_version="1", progress=False)
    before = {run["id"]: run for run in rest.runs(dataset, name)}
    again = Calls()
    result = await phoenix.experiments.retry_failed(
        name, dataset=dataset, task=again, evaluators=right, task_version="1", progress=False
    )
    assert (result.failed, set(again.of)) == (0, {1, 4})
    after = {run["id"]: run for run in rest.runs(dataset, name)}
    assert after.keys() == before.keys()
    assert {key for key, run in after.items() if run != before[key]} == {
        key for key, run in before.items() if run["error"]
    }
    assert scores_of(rest.rows(dataset, name)) == [{"right"}] * COUNT


async def test_scores_are_added_and_replaced_without_touching_runs(
    phoenix: PhoenixClient, rest: Rest, dataset: str, unique: Unique
) -> None:
    name = unique("rescored")
    await phoenix.experiments.run(name, dataset=dataset, task=Calls(), evaluators=right, progress=False)
    before = rest.runs(dataset, name)
    await phoenix.experiments.rescore(name, length, dataset=dataset, progress=False)
    assert rest.runs(dataset, name) == before
    assert scores_of(rest.rows(dataset, name)) == [{"right", "length"}] * COUNT

    def replaced(output: str) -> float:
        return float(output) / 2

    await phoenix.experiments.rescore(
        name, {"length": replaced}, dataset=dataset, force=True, evaluator_versions={"length": "2"}, progress=False
    )
    assert rest.runs(dataset, name) == before
    rows = rest.rows(dataset, name)
    found = [(row["input"]["n"], one["score"]) for row in rows for one in row["annotations"] if one["name"] == "length"]
    assert found == [(number, number / 2) for number, _ in found]
    assert len(found) == COUNT


async def test_experiment_of_another_machine_is_resumed_from_the_server(
    phoenix: PhoenixClient, rest: Rest, dataset: str, unique: Unique, tmp_path: Path
) -> None:
    name = unique("elsewhere")
    examples = await phoenix.datasets.examples(dataset)
    made = await phoenix.experiments.create_empty(name=name, dataset=dataset)
    rows: list[dict[str, Any]] = [{"example_id": one.id, "output": str(one["n"])} for one in examples[:5]]
    rows.append({"example_id": examples[5].id, "output": "", "error": "it broke there"})
    await phoenix.experiments.insert_runs(made.id, rows)
    stored = {run["id"]: run for run in rest.runs(dataset, name)}
    calls = Calls()
    result = await phoenix.experiments.resume(
        name, dataset=dataset, task=calls, evaluators=right, journal=tmp_path / "another.sqlite3", progress=False
    )
    assert set(calls.of) == set(range(6, COUNT))
    assert (len(result.rows), result.failed) == (COUNT, 1)
    record = rest.experiment(dataset, name)
    assert (record["successful_run_count"], record["failed_run_count"]) == (COUNT - 1, 1)
    after = {run["id"]: run for run in rest.runs(dataset, name)}
    assert {key: after[key] for key in stored} == stored
    assert scores_of([row for row in rest.rows(dataset, name) if row["error"] is None]) == [{"right"}] * (COUNT - 1)
    await phoenix.experiments.retry_failed(
        name, dataset=dataset, task=calls, evaluators=right, journal=tmp_path / "third.sqlite3", progress=False
    )
    assert calls.of[5] == 1
    assert rest.experiment(dataset, name)["successful_run_count"] == COUNT


async def test_experiment_of_a_split_is_resumed_with_the_examples_of_the_split(
    phoenix: PhoenixClient, rest: Rest, dataset: str, unique: Unique, tmp_path: Path
) -> None:
    name = unique("part")
    examples = await phoenix.datasets.examples(dataset)
    chosen = unique("split")
    await phoenix.datasets.create_split(dataset=dataset, name=chosen, example_ids=[one.id for one in examples[2:5]])
    await phoenix.experiments.create_empty(name=name, dataset=dataset, splits=[chosen])
    calls = Calls()
    options: dict[str, Any] = {"dataset": dataset, "task": calls, "task_version": "1", "progress": False}
    options["journal"] = tmp_path / "another.sqlite3"
    with pytest.raises(ValidationError, match="made with repetitions=1"):
        await phoenix.experiments.resume(name, repetitions=2, **options)
    for _ in range(2):
        assert len((await phoenix.experiments.resume(name, **options)).rows) == 3
    assert calls.of == {2: 1, 3: 1, 4: 1}
    assert rest.experiment(dataset, name)["successful_run_count"] == 3


async def test_dry_run_takes_the_examples_that_were_assigned_to_a_split(
    phoenix: PhoenixClient, dataset: str, unique: Unique
) -> None:
    half, rest = unique("half"), unique("rest")
    await phoenix.datasets.assign_split(dataset, {half: 0.5, rest: 0.5})
    wanted = {example.id for example in await phoenix.datasets.examples(dataset, split=half)}
    result = await phoenix.experiments.run(unique(), dataset=dataset, task=Calls(), dry_run=half, progress=False)
    assert {row.example_id for row in result.rows} == wanted
    assert 0 < len(wanted) < COUNT
    with pytest.raises(ValidationError, match="no example is of that split"):
        await phoenix.experiments.run(unique(), dataset=dataset, task=Calls(), dry_run=unique(), progress=False)


async def test_deleted_experiment_is_stored_anew_and_not_in_the_one_that_got_its_id(
    phoenix: PhoenixClient, rest: Rest, dataset: str, unique: Unique
) -> None:
    name, calls = unique("deleted"), Calls()
    options: dict[str, Any] = {"dataset": dataset, "task": calls, "task_version": "1", "progress": False}
    await phoenix.experiments.run(name, **options)
    await phoenix.experiments.delete(name, dataset=dataset)
    other = await phoenix.experiments.create_empty(name=unique("other"), dataset=dataset)
    await phoenix.experiments.resume(name, **options)
    assert rest.runs(dataset, other.name) == []
    assert len(rest.runs(dataset, name)) == COUNT
    assert set(calls.of.values()) == {1}


async def test_two_experiments_are_compared_on_the_server(phoenix: PhoenixClient, dataset: str, unique: Unique) -> None:
    names = [unique("first"), unique("second")]

    def nought(example: DatasetExample) -> str:
        return "0" if example["n"] < 6 else str(example["n"])

    tasks: list[Callable[[DatasetExample], str]] = [nought, Calls()]
    for name, task in zip(names, tasks, strict=True):
        await phoenix.experiments.run(name, dataset=dataset, task=task, evaluators=right, progress=False)
    comparison = await phoenix.experiments.compare(*names, dataset=dataset)
    assert (len(comparison["right"].better), len(comparison["right"].worse)) == (5, 0)


async def test_unchanged_rows_are_taken_over_by_a_rerun(
    phoenix: PhoenixClient, rest: Rest, dataset: str, unique: Unique
) -> None:
    first, second = unique("first"), unique("second")
    calls = Calls()
    options: dict[str, Any] = {"dataset": dataset, "task": calls, "task_version": "1", "progress": False}
    await phoenix.experiments.run(first, evaluators=right, **options)
    await phoenix.experiments.rerun(first, second, evaluators=[right, length], **options)
    assert set(calls.of.values()) == {1}
    assert scores_of(rest.rows(dataset, second)) == [{"right", "length"}] * COUNT


PROGRAM = """
import os, sys, time
from promptops.phoenix import SyncPhoenixClient

url, dataset, name, calls = sys.argv[1:]
file = os.open(calls, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def answer(example):
    os.write(file, f"{example['n']}\\n".encode())
    if example["n"] >= 8:
        time.sleep(60)
    return str(example["n"])

with SyncPhoenixClient(base_url=url) as client:
    client.experiments.run(name, dataset=dataset, task=answer, task_version="1", concurrency=2, progress=False)
"""


def killed_after(arguments: list[str], log: Path, *, calls: int) -> None:
    """Start a program and kill it as soon as so many calls are in its log."""
    with subprocess.Popen(arguments, env=dict(os.environ), stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + WAIT_SECONDS
        while not log.exists() or len(log.read_text(encoding="utf-8").split()) < calls:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise AssertionError(f"the program did not get so far: {process.communicate()[1]}")
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)


async def test_killed_run_goes_on_from_its_journal(
    phoenix: PhoenixClient, phoenix_url: str, rest: Rest, dataset: str, unique: Unique, tmp_path: Path
) -> None:
    name, log = unique("killed"), tmp_path / "calls"
    killed_after([sys.executable, "-c", PROGRAM, phoenix_url, dataset, name, str(log)], log, calls=10)
    calls = Calls()
    result = await phoenix.experiments.resume(name, dataset=dataset, task=calls, task_version="1", progress=False)
    assert len(result.rows) == COUNT
    assert set(calls.of) >= set(range(8, COUNT)), "what was under way is done again"
    assert sum(calls.of.values()) <= COUNT - 8 + 2, "what was paid for is not"
    stored = rest.runs(dataset, name)
    assert len(stored) == len({run["dataset_example_id"] for run in stored}) == COUNT


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives up soon, so that tests of failures take no longer than they must."""
    once = msgspec.structs.replace(EXPERIMENT_RESULTS, attempts=1)
    monkeypatch.setattr("promptops.phoenix.experiments._store_upload.EXPERIMENT_RESULTS", once)
    monkeypatch.setattr("promptops.experiments._upload._FIRST_PAUSE_SECONDS", 0.02)


@pytest.mark.usefixtures("impatient")
async def test_server_that_goes_away_and_comes_back_costs_nothing(
    make_phoenix: Callable[..., PhoenixClient], phoenix_url: str, rest: Rest, unique: Unique
) -> None:
    name = unique("away")
    calls = Calls()
    with FaultProxy(phoenix_url) as proxy:
        phoenix = make_phoenix(base_url=proxy.url)
        dataset = await dataset_of(phoenix, unique("away"), 40)

        def answer(example: DatasetExample) -> str:
            if example["n"] == 10:
                proxy.set(Refuse())
            if example["n"] == 25:
                proxy.set(Pass())
            time.sleep(0.01)
            return calls(example)

        result = await phoenix.experiments.run(
            name, dataset=dataset, task=answer, evaluators=right, concurrency=2, progress=False
        )
    assert len(result.rows) == 40
    assert set(calls.of.values()) == {1}
    assert scores_of(rest.rows(dataset, name)) == [{"right"}] * 40


@pytest.mark.usefixtures("impatient")
async def test_server_that_stays_away_leaves_the_rows_in_the_journal(
    make_phoenix: Callable[..., PhoenixClient], phoenix_url: str, rest: Rest, unique: Unique
) -> None:
    name = unique("gone")
    calls = Calls()
    options: dict[str, Any] = {"evaluators": right, "concurrency": 2, "task_version": "1", "progress": False}
    with FaultProxy(phoenix_url) as proxy:
        phoenix = make_phoenix(base_url=proxy.url)
        dataset = await dataset_of(phoenix, unique("gone"))

        def answer(example: DatasetExample) -> str:
            if example["n"] == 5:
                proxy.set(Refuse())
            return calls(example)

        with pytest.raises(UploadError) as caught:
            await phoenix.experiments.run(name, dataset=dataset, task=answer, **options)
        assert len(caught.value.rows) == COUNT
        proxy.set(Pass())
        result = await phoenix.experiments.resume(name, dataset=dataset, task=calls, **options)
    assert len(result.rows) == COUNT
    assert set(calls.of.values()) == {1}, "nothing is paid for twice"
    assert scores_of(rest.rows(dataset, name)) == [{"right"}] * COUNT


async def test_experiment_of_a_server_at_another_address_is_not_made_here_until_the_journal_is_told_that_it_moved(
    make_phoenix: Callable[..., PhoenixClient],
    phoenix: PhoenixClient,
    phoenix_url: str,
    dataset: str,
    tmp_path: Path,
    unique: Unique,
) -> None:
    name = unique("moved")
    calls = Calls()
    options: dict[str, Any] = {"task": calls, "task_version": "1", "progress": False}
    options["journal"] = tmp_path / "journal.sqlite3"
    result = await phoenix.experiments.run(name, dataset=dataset, **options)
    await phoenix.experiments.delete(result.experiment.id)
    with FaultProxy(phoenix_url) as proxy:
        moved = make_phoenix(base_url=proxy.url)
        with pytest.raises(NotFoundError, match="move_server") as caught:
            await moved.experiments.resume(name, dataset=dataset, **options)
        [known] = caught.value.details["origins"]
        assert known.rpartition(":")[2] == phoenix_url.rpartition(":")[2]
        assert name not in [item.name for item in await phoenix.experiments.list(dataset=dataset)]
        with Journal.open(options["journal"]) as journal:
            assert journal.move_server(phoenix_url, proxy.url) == 1
        again = await moved.experiments.resume(name, dataset=dataset, **options)
    assert len(again.rows) == COUNT
    assert set(calls.of.values()) == {1}


async def test_two_runs_at_once_keep_their_rows_apart(phoenix_url: str, rest: Rest, unique: Unique) -> None:
    async with PhoenixClient(base_url=phoenix_url) as phoenix:
        dataset = await dataset_of(phoenix, unique("both"))
        names = [unique("one"), unique("two")]
        await asyncio.gather(
            *(
                phoenix.experiments.run(name, dataset=dataset, task=Calls(), evaluators=right, progress=False)
                for name in names
            )
        )
    with SyncPhoenixClient(base_url=phoenix_url) as blocking, ThreadPoolExecutor(2) as threads:

        def run(name: str) -> object:
            return blocking.experiments.run(name, dataset=dataset, task=Calls(), evaluators=right, progress=False)

        names += [unique("three"), unique("four")]
        list(threads.map(run, names[2:]))
    for name in names:
        rows = rest.rows(dataset, name)
        assert [row["output"] for row in rows] == [row["reference_output"]["expected"] for row in rows]
        assert scores_of(rows) == [{"right"}] * COUNT


async def test_cancelled_run_leaves_no_task_and_no_broken_connection(
    phoenix_url: str, rest: Rest, unique: Unique
) -> None:
    async with PhoenixClient(base_url=phoenix_url) as phoenix:
        dataset = await dataset_of(phoenix, unique("cancelled"), 24)
        name = unique("cancelled")
        hanging: list[int] = []
        cancelled: list[int] = []
        all_hang = asyncio.Event()
        before = asyncio.all_tasks()

        async def answer(example: DatasetExample) -> str:
            if example["n"] >= 10:
                hanging.append(example["n"])
                if len(hanging) == 8:
                    all_hang.set()
                try:
                    await asyncio.sleep(600)
                except asyncio.CancelledError:
                    cancelled.append(example["n"])
                    raise
            return str(example["n"])

        running = asyncio.create_task(
            phoenix.experiments.run(name, dataset=dataset, task=answer, evaluators=right, concurrency=8, progress=False)
        )
        await asyncio.wait_for(all_hang.wait(), WAIT_SECONDS)
        await asyncio.to_thread(rest.wait_for, dataset, name, 10)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert asyncio.all_tasks() - before == set()
        assert sorted(cancelled) == sorted(hanging)
        assert len(await phoenix.experiments.runs(name, dataset=dataset)) == 10
        calls = Calls()
        await phoenix.experiments.resume(
            name, dataset=dataset, task=calls, evaluators=right, accept_changes=True, progress=False
        )
    assert set(calls.of) == set(range(10, 24))
    assert scores_of(rest.rows(dataset, name)) == [{"right"}] * 24


class TooFast(Exception):  # noqa: N818 - it says what happened
    """What client libraries raise for status 429."""

    status_code = 429
    retry_after = 0.05


class Gaps:
    """How long the loop was away at the most while something ran, and how long it worked without a pause.

    The second is processor time of its thread alone, so that other programs of a busy machine do not count.
    """

    def __init__(self) -> None:
        self.away_s = 0.0
        self.working_s = 0.0

    async def during(self, work: Callable[[], Awaitable[object]]) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._tick)
            await asyncio.sleep(0.01)
            self.away_s = self.working_s = 0.0
            await work()
            await asyncio.sleep(0.002)
            group.cancel_scope.cancel()

    async def _tick(self) -> None:
        wall, cpu = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(0.001)
            self.away_s = max(self.away_s, time.perf_counter() - wall)
            self.working_s = max(self.working_s, time.thread_time() - cpu)
            wall, cpu = time.perf_counter(), time.thread_time()


async def test_rate_limits_never_stall_the_loop(phoenix_url: str, unique: Unique) -> None:
    stalls: list[float] = []
    async with PhoenixClient(base_url=phoenix_url) as phoenix:
        dataset = await dataset_of(phoenix, unique("limited"), 30)
        for _ in range(8):  # another program may take the processor; a stall of ours is there every time
            refused: set[int] = set()

            async def answer(example: DatasetExample, refused: set[int] = refused) -> str:
                if example["n"] % 5 == 0 and example["n"] not in refused:
                    refused.add(example["n"])
                    raise TooFast
                await asyncio.sleep(0.005)
                return str(example["n"])

            async def run() -> None:
                name = unique("limited")
                await phoenix.experiments.run(name, dataset=dataset, task=answer, evaluators=right, progress=False)

            gaps, idle = Gaps(), Gaps()
            await gaps.during(run)
            await idle.during(lambda: asyncio.sleep(0.2))
            assert len(refused) == 6
            assert gaps.working_s < 0.1
            stalls.append(gaps.away_s - idle.away_s)
            if stalls[-1] < 0.1:
                break
    assert min(stalls) < 0.1, stalls


async def test_a_stall_is_measured() -> None:
    gaps = Gaps()

    async def sleeping() -> None:
        time.sleep(0.15)  # noqa: ASYNC251 - this is what the measure is for

    await gaps.during(sleeping)
    assert gaps.away_s > 0.1
    assert gaps.working_s < 0.1

    async def working() -> None:
        ends = time.thread_time() + 0.15
        while time.thread_time() < ends:
            pass

    await gaps.during(working)
    assert gaps.working_s > 0.1
