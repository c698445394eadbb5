# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# Tasks and evaluators are bound by name, so a lambda has no types that a checker could know.

"""Ctrl-C while a run goes on, and what a run leaves behind."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any

import anyio
import pytest
from promptops.experiments import arun, resume, run
from promptops.experiments._control import Control
from promptops.experiments._signals import ctrl_c
from promptops.models import DatasetExample

Way = Callable[..., Any]


def numbers(count: int) -> list[dict[str, Any]]:
    return [{"id": f"n{number}", "i": number} for number in range(count)]


@pytest.fixture(autouse=True)
def default_ctrl_c() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where the tests were started in the background and would ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


@pytest.fixture(params=["sync", "asyncio", "trio"])
def way(request: pytest.FixtureRequest) -> Way:
    """Runs an experiment in blocking code, and on each event loop."""
    if request.param == "sync":
        return run

    def in_loop(name: str, **options: Any) -> Any:
        async def main() -> Any:
            return await arun(name, **options)

        return anyio.run(main, backend=request.param)

    return in_loop


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when a Ctrl-C was counted: two that come before the interpreter looks are one."""
    event = threading.Event()
    interrupt = Control.interrupt

    def counting(control: Control) -> int:
        presses = interrupt(control)
        event.set()
        return presses

    monkeypatch.setattr(Control, "interrupt", counting)
    return event


def press(*, again_after: threading.Event | None = None, pressed: Callable[[], object] = lambda: None) -> None:
    def pressing() -> None:
        if again_after is not None:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            again_after.wait(30.0)
            time.sleep(0.15)
        pressed()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=pressing).start()


def test_one_ctrl_c_lets_what_runs_end_and_the_run_resumes(way: Way, counted: threading.Event) -> None:
    called: list[int] = []

    def task(example: DatasetExample) -> str:
        called.append(example["i"])
        if example["i"] == 4:
            press()
            counted.wait(30)
        return str(example["i"])

    options: dict[str, Any] = {"dataset": numbers(10), "task": task, "task_version": "1", "concurrency": 1}
    started = time.perf_counter()
    with pytest.raises(KeyboardInterrupt) as caught:
        way("e", progress=False, **options)
    assert time.perf_counter() - started < 20
    assert "5 of its 10 rows are done" in caught.value.__notes__[0]
    assert "experiments.resume('e'" in caught.value.__notes__[0]
    assert called == [0, 1, 2, 3, 4]
    result = resume("e", progress=False, **options)
    assert [row.output for row in result.rows] == [str(i) for i in range(10)]
    assert called == list(range(10))


def test_two_ctrl_c_stop_at_once_and_the_run_resumes(way: Way, counted: threading.Event) -> None:
    release = threading.Event()
    called: list[int] = []
    pressed: list[float] = []

    def task(example: DatasetExample) -> str:
        called.append(example["i"])
        if example["i"] == 4 and not release.is_set():
            press(again_after=counted, pressed=lambda: pressed.append(time.perf_counter()))
            release.wait(30)
        return str(example["i"])

    options: dict[str, Any] = {"dataset": numbers(10), "task": task, "task_version": "1", "concurrency": 1}
    with pytest.raises(KeyboardInterrupt):
        way("e", progress=False, **options)
    assert time.perf_counter() - pressed[0] < 15.0
    release.set()
    result = resume("e", progress=False, **options)
    assert [row.output for row in result.rows] == [str(i) for i in range(10)]
    assert sorted(called) == sorted([*range(10), 4])


def test_what_does_not_end_is_given_up_after_a_while(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("promptops.experiments._control.DRAIN_SECONDS", 0.3)
    ended: list[bool] = []

    async def task(example: DatasetExample) -> str:
        press()
        try:
            await anyio.sleep(30)
        finally:
            ended.append(True)
        return ""

    started = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        way("e", dataset=numbers(3), task=task, concurrency=1, progress=False)
    assert time.perf_counter() - started < 15
    assert ended == [True]


def test_a_retry_is_not_waited_for_after_ctrl_c(way: Way, counted: threading.Event) -> None:
    def task(example: DatasetExample) -> str:
        press()
        counted.wait(30)
        raise ConnectionError

    started = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        way("e", dataset=numbers(3), task=task, retries=50, concurrency=1, progress=False)
    assert time.perf_counter() - started < 20


def test_ctrl_c_is_left_alone_in_other_threads() -> None:
    seen: list[object] = []

    def elsewhere() -> None:
        with ctrl_c(Control(), raise_at_second=True):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def test_a_program_that_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ctrl_c(Control(), raise_at_second=True):
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_third_ctrl_c_reaches_who_would_have_had_the_first() -> None:
    control = Control()
    with ctrl_c(control, raise_at_second=False):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert control.abandoned
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def new_threads(before: Collection[int | None]) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.ident not in before]


@pytest.mark.parametrize("end", ["done", "cancelled"])
def test_nothing_of_a_run_is_left_behind(end: str) -> None:
    before = {thread.ident for thread in threading.enumerate()}

    def task(example: DatasetExample) -> str:
        time.sleep(0.01)
        return ""

    async def judge(output: str) -> bool:
        await asyncio.sleep(0.01)
        return True

    async def main() -> int:
        with anyio.move_on_after(0.2 if end == "cancelled" else 60) as scope:
            await arun("e", dataset=numbers(400), task=task, evaluators=judge, progress=False)
        assert scope.cancelled_caught is (end == "cancelled")
        return len(asyncio.all_tasks())

    assert asyncio.run(main()) == 1
    deadline = time.perf_counter() + 20
    # The threads of the event loop, too, end a moment after it.
    while (left := new_threads(before)) and time.perf_counter() < deadline:
        time.sleep(0.01)
    assert left == []


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_what_a_thread_raises_ends_no_thread_and_loses_nothing(error: BaseException) -> None:
    def task(example: DatasetExample) -> str:
        if example["i"] == 2:
            raise error
        return "x"

    options: dict[str, Any] = {"dataset": numbers(5), "task_version": "1", "concurrency": 1, "progress": False}
    if isinstance(error, SystemExit):
        assert [row.error for row in run("e", task=task, **options).rows] == [None, None, "SystemExit: 3", None, None]
        return
    with pytest.raises(KeyboardInterrupt):
        run("e", task=task, **options)
    result = resume("e", task=lambda example: "y", **options)
    assert [row.output for row in result.rows] == ["x", "x", "y", "y", "y"]
