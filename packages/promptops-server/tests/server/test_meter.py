"""Counting in memory: cheap, exact, and patient with a database that fails."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence

import pytest
from promptops.server import meter as meter_module
from promptops.server.grants import ALL_SCOPES, Grant
from promptops.server.meter import SELECTED_PROJECT, UsageMeter
from promptops.server.stores.usage_rows import UsageCell

GRANT = Grant(projects=("p", "q"), default="p", scopes=ALL_SCOPES, subject="key")
pytestmark = pytest.mark.anyio


class Sink:
    """Takes cells, or fails as a database does."""

    def __init__(self) -> None:
        self.calls: list[list[UsageCell]] = []
        self.error: Exception | None = None
        self.taken = asyncio.Event()

    async def take(self, cells: Sequence[UsageCell]) -> None:
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        self.calls.append(list(cells))
        self.taken.set()


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def meter(sink: Sink) -> Iterator[UsageMeter]:
    token = SELECTED_PROJECT.set(None)
    yield UsageMeter(sink.take, clock=lambda: 7200.5)
    SELECTED_PROJECT.reset(token)


def cell(**fields: int | str) -> UsageCell:
    plain: dict[str, int | str] = {
        "project_id": "p",
        "subject": "key",
        "hour": 2,
        "operation": "get",
        "requests": 1,
        "errors": 0,
        "latency_us": 1000,
    }
    return UsageCell(**{**plain, **fields})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - checked by the test


async def test_a_thousand_requests_are_one_write_of_one_row(meter: UsageMeter, sink: Sink) -> None:
    for index in range(1000):
        meter.record(GRANT, "get", failed=index % 10 == 0, seconds=0.001)
    await meter.flush()
    await meter.flush()
    assert sink.calls == [[cell(requests=1000, errors=100, latency_us=1_000_000)]]


async def test_counts_are_kept_apart_by_key_project_and_operation(meter: UsageMeter, sink: Sink) -> None:
    meter.record(GRANT, "get", failed=False, seconds=0.001)
    meter.record(GRANT, "list", failed=False, seconds=0.001)
    SELECTED_PROJECT.set("q")
    meter.record(GRANT, "get", failed=False, seconds=0.001)
    SELECTED_PROJECT.set(None)
    meter.record(Grant(projects=("p",), default="p", scopes=ALL_SCOPES), "get", failed=False, seconds=0.001)
    await meter.flush()
    assert sink.calls == [[cell(), cell(operation="list"), cell(project_id="q"), cell(subject="")]]


async def test_counts_wait_for_a_database_that_fails(meter: UsageMeter, sink: Sink) -> None:
    sink.error = sqlite3.OperationalError("disk I/O error")
    meter.record(GRANT, "get", failed=False, seconds=0.001)
    await meter.flush()
    assert "wait" in meter.problem
    sink.error = None
    meter.record(GRANT, "get", failed=False, seconds=0.001)
    await meter.flush()
    assert (sink.calls, meter.problem) == ([[cell(requests=2, latency_us=2000)]], "")


async def test_counts_are_bounded_and_a_loss_is_reported(
    meter: UsageMeter, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter_module, "_MOST", 2)
    sink.error = sqlite3.OperationalError("disk I/O error")
    for name in ("a", "b", "c", "a"):
        meter.record(GRANT, name, failed=False, seconds=0.001)
    await meter.flush()
    assert (meter.lost, "lost" in meter.problem) == (1, True)
    sink.error = None
    await meter.flush()
    assert [(found.operation, found.requests) for found in sink.calls[0]] == [("a", 2), ("b", 1)]


async def test_counts_are_stored_by_themselves_after_a_while(
    meter: UsageMeter, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter_module, "FLUSH_SECONDS", 0.01)
    for _ in range(2):
        meter.record(GRANT, "get", failed=False, seconds=0.001)
        await asyncio.wait_for(sink.taken.wait(), 30)
        sink.taken.clear()
    assert sink.calls == [[cell()], [cell()]]


async def test_many_different_counts_are_stored_early(
    meter: UsageMeter, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter_module, "_EARLY", 3)
    for name in ("a", "b", "c"):
        meter.record(GRANT, name, failed=False, seconds=0.001)
    await asyncio.wait_for(sink.taken.wait(), 30)
    assert len(sink.calls[0]) == 3
