"""Blocking calls that run at once: as many as allowed, in order, and over when the first fails."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest
from promptops.core import Request, RuntimeConfig, SuspendedInSync, SyncRuntime
from promptops.core import TimeoutError as PromptOpsTimeoutError
from promptops.core.bridge import drive
from promptops.core.testing import FakeTransport, json_response
from promptops.core.threads import run_at_once

Serve = Callable[[Callable[[str, str, dict[str, str], bytes], tuple[int, dict[str, str], bytes]]], Any]


class Gauge:
    """Counts how many are inside at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = self.most = self.begun = 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            self.begun += 1
            self.most = max(self.most, self._inside)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1


def test_requests_of_a_blocking_client_are_under_way_together(serve: Serve) -> None:
    gauge, met, together = Gauge(), threading.Barrier(4), [True]

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        with gauge:
            if together[0]:
                met.wait(20)
        return 200, {}, path.encode()

    runtime = SyncRuntime(RuntimeConfig(base_url=serve(answer).url))

    async def scenario(limit: int | None) -> list[bytes]:
        thunks = [partial(runtime.send, Request(method="GET", path=f"/{number}")) for number in range(12)]
        return [response.body for response in await runtime.gather(*thunks, limit=limit)]

    assert drive(scenario(4)) == [f"/{number}".encode() for number in range(12)]
    assert gauge.most == 4
    # The control: without a limit they go in turn.
    gauge.most, together[0] = 0, False
    drive(scenario(None))
    assert gauge.most == 1
    drive(runtime.aclose())


def test_first_error_is_raised_and_nothing_further_begins() -> None:
    gauge, met, turn = Gauge(), threading.Barrier(3), threading.Semaphore(1)
    caller, failed = threading.current_thread(), threading.Event()
    failing: list[threading.Thread] = []

    async def work(number: int) -> int:
        with gauge:
            met.wait(20)
            if threading.current_thread() is not caller and turn.acquire(blocking=False):
                failing.append(threading.current_thread())
                failed.set()
                raise LookupError("this one")
            # The others end once the error is known: the thread that met it has nothing left to do.
            failed.wait(20)
            failing[0].join(20)
        return number

    with pytest.raises(LookupError, match="this one"):
        run_at_once([partial(work, number) for number in range(100)], 3)
    assert gauge.begun == 3
    assert not [thread for thread in threading.enumerate() if thread.name == "promptops-gather"]


def test_deadline_of_the_caller_holds_on_every_thread(serve: Serve) -> None:
    over = threading.Event()

    def silent(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        over.wait(20)
        return 200, {}, b""

    runtime = SyncRuntime(RuntimeConfig(base_url=serve(silent).url))

    async def scenario() -> None:
        with runtime.deadline(0.2):
            await runtime.gather(*[partial(runtime.send, Request(method="GET", path="/x"))] * 4, limit=4)

    began = time.monotonic()
    with pytest.raises(PromptOpsTimeoutError):
        drive(scenario())
    assert time.monotonic() - began < 10.0
    over.set()
    drive(runtime.aclose())


def test_interruption_of_the_caller_is_raised_at_once() -> None:
    caller, over = threading.current_thread(), threading.Event()

    async def work() -> None:
        if threading.current_thread() is caller:
            raise KeyboardInterrupt
        over.wait(20)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_at_once([work] * 4, 4)
    assert time.monotonic() - began < 10.0
    over.set()
    for thread in threading.enumerate():
        if thread.name == "promptops-gather":
            thread.join(20)


def test_work_that_needs_a_loop_is_refused() -> None:
    async def work() -> None:
        await asyncio.sleep(0)

    with pytest.raises(SuspendedInSync):
        run_at_once([work] * 3, 3)


def test_without_threads_to_be_had_the_caller_does_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def work(number: int) -> int:
        return number

    monkeypatch.setattr(threading.Thread, "start", refused)
    assert run_at_once([partial(work, number) for number in range(5)], 3) == [0, 1, 2, 3, 4]


def test_runtime_on_a_transport_of_its_own_keeps_to_the_order() -> None:
    runtime = SyncRuntime(RuntimeConfig(), transport=FakeTransport([json_response({}) for _ in range(6)]))
    order: list[tuple[int, str]] = []

    def thunk(number: int) -> Callable[[], Coroutine[Any, Any, None]]:
        async def work() -> None:
            await runtime.send(Request(method="GET", path="/x"))
            order.append((number, threading.current_thread().name))

        return work

    async def scenario() -> None:
        await runtime.gather(*[thunk(number) for number in range(6)], limit=3)

    drive(scenario())
    assert order == [(number, threading.current_thread().name) for number in range(6)]
