"""A client whose server hung works again with the very next call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest
from promptops.core._transport import SyncTransport
from promptops.core.testing.faults import BlackHole, FaultProxy, Pass
from promptops.core.transport import Attempt, TransportError

Make = Callable[..., Attempt]
Drive = Callable[[Coroutine[Any, Any, Any]], Any]
THREADS, CALLS = 20, 200


def _hammer(call: Callable[[], None]) -> None:
    def work() -> None:
        for _ in range(CALLS):
            call()

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_blocking_client_recovers_at_once(attempt: Make, drive: Drive) -> None:
    with FaultProxy(mode=BlackHole()) as server:
        transport = SyncTransport(server.url, max_connections=10)
        failures: list[type[BaseException]] = []

        def call() -> None:
            try:
                drive(transport.send(attempt(deadline=5.0, pool=0.03, connect=0.05, read=0.02)))
            except TransportError as exc:
                failures.append(type(exc))

        _hammer(call)
        assert len(failures) == THREADS * CALLS
        stats = transport.stats()
        assert (stats.open, stats.busy, stats.waiting) == (0, 0, 0)
        server.set(Pass())
        began = time.monotonic()
        assert drive(transport.send(attempt(deadline=30.0, pool=30.0))).status == 200
        assert time.monotonic() - began <= 10.0
        drive(transport.aclose())


class _Forgetful(SyncTransport):
    """The control: ours, without freeing the slot of a call that failed."""

    def _give_back(self, pool: Any, connection: Any) -> None:
        if connection is not None and not connection.closed:
            super()._give_back(pool, connection)


def test_control_without_freed_slots_it_does_not_recover(attempt: Make, drive: Drive) -> None:
    with FaultProxy(mode=BlackHole()) as server:
        transport = _Forgetful(server.url, max_connections=10)
        for _ in range(10):
            with pytest.raises(TransportError):
                drive(transport.send(attempt(read=0.02)))
        server.set(Pass())
        with pytest.raises(TransportError):
            drive(transport.send(attempt(pool=0.1)))
        drive(transport.aclose())


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_control_httpx_does_not_recover() -> None:
    limits = httpx.Limits(max_connections=10)
    for _ in range(5):
        with FaultProxy(mode=BlackHole()) as server:
            client = httpx.Client(limits=limits, timeout=httpx.Timeout(0.02, pool=0.03))

            def call(client: httpx.Client = client, url: str = server.url) -> None:
                try:
                    client.get(url)
                except (httpx.HTTPError, RuntimeError):
                    # Among its failures is "deque mutated during iteration".
                    return

            _hammer(call)
            server.set(Pass())
            try:
                client.get(server.url, timeout=httpx.Timeout(5.0, pool=1.0))
            except httpx.PoolTimeout:
                return
    pytest.fail("httpx recovered five times: the control no longer shows the fault")
