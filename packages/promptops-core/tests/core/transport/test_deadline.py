"""A deadline is a deadline, however slowly the answer drips."""

from __future__ import annotations

import asyncio
import gzip
import random
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any

import anyio
import httpx
import pytest
from promptops.core._transport import AsyncTransport, SyncTransport
from promptops.core._transport._response import ResponseReader
from promptops.core.testing.faults import Canned, Drip, FaultProxy, http_answer
from promptops.core.transport import Attempt, DeadlineExceeded

Make = Callable[..., Attempt]
CALLS, AT_ONCE, DEADLINE, GRACE = 200, 50, 0.6, 0.1


def _drip() -> FaultProxy:
    """About four seconds for an answer; never longer than a tenth of a second without a byte."""
    return FaultProxy(mode=Drip(20.0), respond=lambda method, target: http_answer(200, (), b"x" * 40))


class Delays:
    """How late a thread that only sleeps was woken: what a busy machine adds to every deadline."""

    def __init__(self) -> None:
        self._woken: list[tuple[float, float]] = []

    def add(self, due: float) -> None:
        now = time.monotonic()
        self._woken.append((due, now))

    def during(self, due: float, end: float) -> float:
        """All of them between two moments, and no less than the longest of any time."""
        longest = max((late - then for then, late in self._woken), default=0.0)
        return max(longest, sum(late - then for then, late in self._woken if then <= end and late >= due))


@contextmanager
def _machine_delays() -> Generator[Delays]:
    delays = Delays()
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            due = time.monotonic() + 0.01
            time.sleep(0.01)
            delays.add(due)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield delays
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_every_dripping_call_ends_in_time(backend: str, attempt: Make) -> None:
    ended: list[tuple[float, float]] = []

    async def one(transport: AsyncTransport) -> None:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await transport.send(attempt(deadline=DEADLINE))
        ended.append((began + DEADLINE, time.monotonic()))

    async def main(url: str) -> None:
        transport = AsyncTransport(url, max_connections=AT_ONCE)
        for _ in range(CALLS // AT_ONCE):
            async with anyio.create_task_group() as group:
                for _ in range(AT_ONCE):
                    group.start_soon(one, transport)
        assert transport.stats().busy == 0
        await transport.aclose()

    with _drip() as server, _machine_delays() as delays:
        anyio.run(main, server.url, backend=backend)
    assert len(ended) == CALLS
    assert max(end - due - delays.during(due, end) for due, end in ended) <= GRACE


def test_every_dripping_blocking_call_ends_in_time(
    attempt: Make, drive: Callable[[Coroutine[Any, Any, Any]], Any]
) -> None:
    ended: list[tuple[float, float]] = []

    def one() -> None:
        for _ in range(CALLS // AT_ONCE):
            began = time.monotonic()
            with pytest.raises(DeadlineExceeded):
                drive(transport.send(attempt(deadline=DEADLINE)))
            ended.append((began + DEADLINE, time.monotonic()))

    with _drip() as server, _machine_delays() as delays:
        transport = SyncTransport(server.url, max_connections=AT_ONCE)
        threads = [threading.Thread(target=one) for _ in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert transport.stats().busy == 0
        drive(transport.aclose())
    assert len(ended) == CALLS
    assert max(end - due - delays.during(due, end) for due, end in ended) <= GRACE


def test_control_a_timeout_for_each_read_lets_the_call_run_on() -> None:
    with _drip() as server, httpx.Client(timeout=DEADLINE) as client:
        began = time.monotonic()
        assert client.get(server.url).status_code == 200
        assert time.monotonic() - began > DEADLINE + GRACE


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("late", [False, True])
def test_an_answer_that_came_in_time_lets_nobody_run_before_it_past_the_deadline(
    backend: str, late: bool, attempt: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others run between the parts of a large encoded body; on a busy loop that takes much longer than decoding it."""
    text = random.Random(7).randbytes(300_000)
    passed, parts, decode_part = [0.0], [0], ResponseReader.decode_part

    def clock() -> float:
        return time.monotonic() + passed[0]

    def one_part(self: ResponseReader) -> bool:
        if decoded := decode_part(self):
            parts[0] += 1
            if late:
                passed[0] = 1000.0  # others took it
        return decoded

    async def main(url: str) -> None:
        if backend == "asyncio":
            monkeypatch.setattr(asyncio.get_running_loop(), "time", clock)
        transport = AsyncTransport(url, clock=clock)
        assert (await transport.send(attempt(deadline=60.0))).body == text
        await transport.aclose()

    monkeypatch.setattr(ResponseReader, "decode_part", one_part)
    with FaultProxy(mode=Canned(200, (("content-encoding", "gzip"),), gzip.compress(text))) as server:
        anyio.run(main, server.url, backend=backend)
    assert parts == [1 if late else 18]
