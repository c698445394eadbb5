# pyright: reportUnknownLambdaType=false
# Tasks and evaluators are bound by name, so a lambda has no types that a checker could know.

"""Whatever user code raises is an error of its row; only the end of the run itself ends the run."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import anyio
import pytest
from promptops.experiments import AsyncExperiments, ExperimentResult, SyncExperiments
from promptops.experiments._calls import settled
from promptops.experiments.journal import Journal
from promptops.models.datasets import DatasetExample

Run = Callable[..., ExperimentResult]


@pytest.fixture(params=["sync", "asyncio", "trio"])
def run(request: pytest.FixtureRequest, experiments: SyncExperiments, async_experiments: AsyncExperiments) -> Run:
    """Runs through each facade, and the asynchronous one on both event loops."""

    def running(**options: Any) -> ExperimentResult:
        options = {"progress": False, "concurrency": 3, **options}
        if request.param == "sync":
            return experiments.run("e", **options)

        async def main() -> ExperimentResult:
            return await async_experiments.run("e", **options)

        return anyio.run(main, backend=request.param)

    return running


def fine(expected: str) -> str:
    return expected


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def raises(error: BaseException) -> Callable[[DatasetExample], str]:
    def task(example: DatasetExample) -> str:
        raise error

    return task


class UnreachableError(Exception):
    """As of clients whose errors have a response only when there was one."""

    @property
    def response(self) -> object:
        raise RuntimeError("no response was received")


class ReticentError(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


@pytest.mark.parametrize(
    "error",
    [
        GeneratorExit("own"),
        SystemExit(1),
        StopAsyncIteration(),
        asyncio.CancelledError(),
        UnreadableError(),
        UnreachableError("down"),
        ReticentError(),
        BaseExceptionGroup("several", [SystemExit(2), ValueError("a part")]),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("awaits", [False, True])
def test_whatever_an_async_task_raises_is_in_its_row_and_costs_no_other(
    run: Run, questions: str, error: BaseException, awaits: bool
) -> None:
    async def task(example: DatasetExample) -> str:
        if awaits:
            await anyio.sleep(0.001)
        if example["expected"] == "4":
            raise error
        return "fine"

    async def judge(output: str, example: DatasetExample) -> float:
        if example["expected"] == "6":
            raise error
        return 1

    result = run(dataset=questions, task=task, evaluators={"judge": judge})
    assert [row.error is not None for row in result.rows] == [False, False, True, *[False] * 7]
    assert (result.rows[2].error or "").startswith(type(error).__name__)
    assert type(error).__name__ in (result.rows[3].evaluations["judge"].error or "")
    assert result.metrics["judge"].scored == 8
    assert result.remaining == 0


def test_the_parts_of_an_exception_group_are_told(run: Run, questions: str) -> None:
    result = run(dataset=questions, task=raises(ExceptionGroup("several", [ValueError("a"), TypeError("b")])))
    assert result.rows[0].error == "ExceptionGroup: several (2 sub-exceptions): ValueError: a; TypeError: b"


@pytest.mark.parametrize("run", ["sync", "asyncio"], indirect=True)
def test_an_async_task_that_cancels_itself_is_a_row(run: Run, questions: str) -> None:
    async def task(example: DatasetExample) -> str:
        if example["expected"] in {"4", "8"}:
            own = asyncio.current_task()
            assert own is not None
            own.cancel()
            await asyncio.sleep(10)
        return "fine"

    result = run(dataset=questions, task=task, concurrency=2)
    assert [row.error for row in result.rows if row.error] == ["CancelledError"] * 2
    assert len(result.rows) == 10


def test_a_run_whose_loop_is_shut_down_takes_that_for_no_error_of_its_tasks(
    async_experiments: AsyncExperiments, questions: str, journal_path: Path
) -> None:
    async def task(example: DatasetExample) -> str:
        started[0].set()
        await asyncio.sleep(60)
        return "never"

    async def main() -> None:
        started.append(asyncio.Event())
        kept.append(asyncio.create_task(async_experiments.run("e", dataset=questions, task=task, progress=False)))
        await started[0].wait()

    started: list[asyncio.Event] = []
    kept: list[asyncio.Task[ExperimentResult]] = []
    asyncio.run(main())  # which cancels every task that is left
    assert kept[0].cancelled()
    with Journal.open(journal_path) as journal:
        assert journal.counts("e") == {"done": 0, "failed": 0}


@pytest.mark.parametrize("max_cost", [None, 5.0])
def test_a_run_that_is_cancelled_ends_whatever_it_is_at(
    async_experiments: AsyncExperiments, questions: str, max_cost: float | None
) -> None:
    async def task(example: DatasetExample) -> str:
        started[0].set()
        await asyncio.sleep(60)
        return "never"

    async def main() -> None:
        started.append(asyncio.Event())
        running = asyncio.create_task(
            async_experiments.run("e", dataset=questions, task=task, progress=False, max_cost=max_cost)
        )
        await started[0].wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    started: list[asyncio.Event] = []
    asyncio.run(main())


def test_a_run_that_is_cancelled_within_a_run_level_evaluator_ends(
    async_experiments: AsyncExperiments, questions: str
) -> None:
    async def judge(rows: object) -> float:
        started[0].set()
        await asyncio.sleep(60)
        return 1

    async def main() -> None:
        started.append(asyncio.Event())
        running = asyncio.create_task(
            async_experiments.run("e", dataset=questions, task=fine, run_evaluators=[judge], progress=False)
        )
        await started[0].wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    started: list[asyncio.Event] = []
    asyncio.run(main())


def test_a_run_level_evaluator_that_cancels_its_task_is_an_error_of_its_own(
    async_experiments: AsyncExperiments, questions: str
) -> None:
    async def judge(rows: object) -> float:
        own = asyncio.current_task()
        assert own is not None
        own.cancel()
        await asyncio.sleep(60)
        return 1

    result = asyncio.run(
        async_experiments.run("e", dataset=questions, task=fine, run_evaluators=[judge], progress=False)
    )
    assert "CancelledError" in (result.run_evaluations["judge"].error or "")


def test_a_coroutine_that_is_closed_is_not_taken_for_a_task_that_raised() -> None:
    @types.coroutine
    def waiting() -> Generator[None]:
        yield

    closed: list[str] = []

    async def task() -> None:
        try:
            await waiting()
        finally:
            closed.append("task")

    running = settled(task())
    running.send(None)
    running.close()  # which raises, if the coroutine goes on
    assert closed == ["task"]


def test_a_rule_that_stops_a_run_may_raise_anything(run: Run, questions: str) -> None:
    def leaves(state: object) -> bool:
        raise SystemExit(3)

    async def task(example: DatasetExample) -> str:
        await anyio.sleep(0.3 if example["expected"] == "18" else 0.001)
        return "fine"

    with pytest.raises(RuntimeError, match="stop_when raised SystemExit: 3"):
        run(dataset=questions, task=task, stop_when=leaves)
