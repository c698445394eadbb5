"""A run that is cancelled while a thread prepares it: nothing stays open, and the experiment is free for the next."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from promptops.experiments import AsyncExperiments, ExperimentResult, _kept, arun, resume
from promptops.experiments._loop import run_in_thread
from promptops.experiments._opened import opened
from promptops.experiments._session import Session

if TYPE_CHECKING:
    from .conftest import MemoryServer

SUMS = [{"question": f"{i} + {i}", "expected": str(2 * i)} for i in range(5)]
JOURNAL_THREAD = "promptops-journal"


class Door:
    """Holds a function up between what it does and its return, and says when it is there."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._reached, self._open = threading.Event(), threading.Event()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        made = self._function(*args, **kwargs)
        self._reached.set()
        assert self._open.wait(60)
        return made

    async def cancel(self, running: asyncio.Task[Any]) -> None:
        """Cancel what waits for the function, and only then let that return."""
        async with asyncio.timeout(60):
            while not self._reached.is_set():  # noqa: ASYNC110 - a thread sets it
                await asyncio.sleep(0.001)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            self._open.set()


def answer(expected: str) -> str:
    return expected


def journals() -> int:
    return sum(thread.name == JOURNAL_THREAD for thread in threading.enumerate())


async def until_closed(before: int) -> None:
    async with asyncio.timeout(60):
        while journals() > before:  # noqa: ASYNC110 - a thread ends
            await asyncio.sleep(0.001)


class Thing:
    def __init__(self) -> None:
        self.closed: list[str] = []

    def close(self) -> None:
        self.closed.append(threading.current_thread().name)


def test_what_a_thread_opens_for_nobody_is_closed_by_it() -> None:
    thing = Thing()
    door = Door(lambda: thing)

    async def main() -> None:
        await door.cancel(asyncio.create_task(opened(run_in_thread, door)))
        async with asyncio.timeout(60):
            while not thing.closed:  # noqa: ASYNC110 - a thread closes it
                await asyncio.sleep(0.001)

    asyncio.run(main())
    assert len(thing.closed) == 1
    assert thing.closed != [threading.current_thread().name]


def test_what_a_thread_had_opened_when_its_wait_ended_is_closed_by_the_one_that_waited() -> None:
    thing = Thing()

    async def run_blocking(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        await run_in_thread(function, *args, **kwargs)
        raise asyncio.CancelledError

    async def main() -> None:
        with pytest.raises(asyncio.CancelledError):
            await opened(run_blocking, lambda: thing)

    asyncio.run(main())
    assert thing.closed == [threading.current_thread().name]


def test_what_is_taken_stays_open_and_what_is_never_made_is_not_closed() -> None:
    def broken() -> Thing:
        raise LookupError("no such thing")

    assert asyncio.run(opened(run_in_thread, Thing)).closed == []
    with pytest.raises(LookupError, match="no such thing"):
        asyncio.run(opened(run_in_thread, broken))


@pytest.mark.parametrize("step", ["begin", "own_journal", "resume"])
def test_a_run_that_is_cancelled_while_it_is_prepared_lets_go_of_its_journal(
    async_experiments: AsyncExperiments,
    server: MemoryServer,
    questions: str,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    monkeypatch.setattr(server, "run_blocking", run_in_thread)
    options: dict[str, Any] = {"dataset": questions, "task": answer, "progress": False}

    async def main() -> ExperimentResult:
        before = journals()
        if step != "begin":
            await async_experiments.run("e", **options)
        door = Door(getattr(_kept, step))
        with monkeypatch.context() as patched:
            patched.setattr(_kept, step, door)
            method = async_experiments.run if step == "begin" else async_experiments.resume
            await door.cancel(asyncio.create_task(method("e", **options)))
        await until_closed(before)
        return await async_experiments.resume("e", **options)

    assert len(asyncio.run(main()).rows) == 10


def test_a_local_run_that_is_cancelled_while_it_is_prepared_lets_go_of_its_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        before = journals()
        door = Door(_kept.begin)
        with monkeypatch.context() as patched:
            patched.setattr(_kept, "begin", door)
            await door.cancel(asyncio.create_task(arun("e", dataset=SUMS, task=answer, progress=False)))
        await until_closed(before)

    asyncio.run(main())
    assert len(resume("e", dataset=SUMS, task=answer, progress=False).rows) == 5


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_resume_that_is_cancelled_while_it_asks_the_store_closes_its_journal(
    async_experiments: AsyncExperiments,
    server: MemoryServer,
    questions: str,
    monkeypatch: pytest.MonkeyPatch,
    backend: str,
) -> None:
    monkeypatch.setattr(server, "run_blocking", run_in_thread)
    before = journals()
    options: dict[str, Any] = {"dataset": questions, "task": answer, "progress": False}

    async def main() -> None:
        await async_experiments.run("e", **options)
        send = server.send

        async def hanging(request: Any) -> Any:
            if "experiments" in request.path:
                scope.cancel()
                await anyio.sleep(60)
            return await send(request)

        monkeypatch.setattr(server, "send", hanging)
        with anyio.CancelScope() as scope:
            await async_experiments.resume("e", **options)

    anyio.run(main, backend=backend)
    assert journals() == before


class Patient(Mapping[str, str]):
    """An example that is read only once the event loop has gone on."""

    def __init__(self, ticks: list[int]) -> None:
        self._ticks = ticks
        self.went_on = False

    def __getitem__(self, name: str) -> str:
        return {"question": "1 + 1", "expected": "2"}[name]

    def __iter__(self) -> Any:
        self.went_on = self.went_on or _waited(self._ticks)
        return iter(("question", "expected"))

    def __len__(self) -> int:
        return 2


def _waited(ticks: list[int], seconds: float = 5.0) -> bool:
    until, before = threading.Event(), len(ticks)
    for _ in range(int(seconds / 0.001)):
        if len(ticks) >= before + 3:
            return True
        until.wait(0.001)
    return False


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_local_run_prepares_and_sums_up_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    ticks: list[int] = []
    example = Patient(ticks)
    threads: list[threading.Thread] = []
    result = Session.result

    def noting(session: Session) -> ExperimentResult:
        threads.append(threading.current_thread())
        return result(session)

    monkeypatch.setattr(Session, "result", noting)

    async def main() -> None:
        async def tick() -> None:
            while True:
                await anyio.sleep(0.001)
                ticks.append(1)

        async with anyio.create_task_group() as group:
            group.start_soon(tick)
            # Examples from where only this thread may read them are read here.
            items = (example for _ in range(1) if threading.current_thread() is threading.main_thread())
            found = await arun("e", dataset=items, task=answer, progress=False)
            assert [row.output for row in found.rows] == ["2"]
            group.cancel_scope.cancel()

    anyio.run(main, backend=backend)
    assert example.went_on
    assert threads
    assert threading.main_thread() not in threads
