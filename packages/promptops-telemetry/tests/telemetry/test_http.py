"""The exporter to a server, over real sockets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from promptops.core import ConfigurationError, RuntimeConfig
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import BlackHole, Canned, Cut, Delay, Html, Mode, Pass, Refuse, Reset
from promptops.telemetry import Batch, HttpExporter, Telemetry

Make = Callable[..., Telemetry]
KEY = f"po_live_{'a' * 12}_{'B' * 43}_{'0' * 6}"
BATCH = Batch(
    batch_id="batch-0001", encoded=(b'{"name":"a","timestamp":"2026-01-01T00:00:00Z"}',), dropped=3, sample_rate=0.5
)


@pytest.fixture
def exporter(receiver: Any) -> Iterator[HttpExporter]:
    made = HttpExporter(RuntimeConfig(base_url=receiver.url, api_key=KEY))
    yield made
    made.close()


@pytest.fixture
def proxy(receiver: Any) -> Iterator[FaultProxy]:
    with FaultProxy(receiver.url) as made:
        yield made


def test_a_batch_is_posted_with_its_id_as_the_idempotency_key(receiver: Any, exporter: HttpExporter) -> None:
    assert exporter.export(BATCH, timeout=5.0).kind == "delivered"
    ((path, headers),) = receiver.requests
    assert path == "/v1/client/telemetry"
    assert headers["idempotency-key"] == BATCH.batch_id
    assert headers["authorization"].endswith(KEY)
    (sent,) = receiver.batches.values()
    assert (sent["dropped"], sent["sample_rate"], len(sent["events"])) == (3, 0.5, 1)
    assert sent["client"].startswith("promptops-python/")


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/client", "/v1/client/telemetry"])
def test_an_endpoint_of_the_same_server_gets_the_key(receiver: Any, ending: str) -> None:
    exporter = HttpExporter(RuntimeConfig(base_url=receiver.url, api_key=KEY), endpoint=receiver.url + ending)
    assert exporter.export(BATCH, timeout=5.0).kind == "delivered"
    exporter.close()
    ((path, headers),) = receiver.requests
    assert path == "/v1/client/telemetry"
    assert "authorization" in headers


def test_an_endpoint_elsewhere_never_gets_the_key(receiver: Any) -> None:
    config = RuntimeConfig(base_url="http://127.0.0.1:9", api_key=KEY, secret_key="s" * 32)
    exporter = HttpExporter(config, endpoint=receiver.url)
    assert exporter.export(BATCH, timeout=5.0).kind == "delivered"
    exporter.close()
    assert KEY not in str(receiver.requests)
    assert not {"authorization", "x-promptops-signature"} & set(receiver.requests[0][1])


def test_an_endpoint_that_is_no_address_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        HttpExporter(RuntimeConfig(base_url="http://127.0.0.1:9"), endpoint="collector")


@pytest.mark.parametrize(
    ("status", "kind", "waits"),
    [
        (401, "again", True),
        (403, "again", True),
        (404, "again", True),
        (409, "again", False),
        (413, "smaller", False),
        (422, "refused", False),
        (500, "again", False),
        (503, "again", False),
    ],
)
def test_what_becomes_of_a_batch_depends_on_the_answer(
    receiver: Any, exporter: HttpExporter, status: int, kind: str, waits: bool
) -> None:
    receiver.status = status
    outcome = exporter.export(BATCH, timeout=5.0)
    assert (outcome.kind, outcome.wait is not None) == (kind, waits)
    assert outcome.reason
    assert KEY not in outcome.reason


def test_a_pause_that_the_server_asks_for_is_kept(proxy: FaultProxy) -> None:
    proxy.set(Canned(429, (("retry-after", "40"),), b"{}"))
    exporter = HttpExporter(RuntimeConfig(base_url=proxy.url))
    assert exporter.export(BATCH, timeout=5.0).wait == 40.0
    exporter.close()


def test_telemetry_that_is_held_back_holds_no_prompt_back(proxy: FaultProxy) -> None:
    from promptops.core import Request, SyncRuntime
    from promptops.core.bridge import drive

    proxy.set(Canned(503, (("retry-after", "40"),), b"{}"))
    config = RuntimeConfig(base_url=proxy.url)
    exporter = HttpExporter(config)
    for _ in range(12):
        assert exporter.export(BATCH, timeout=0.5).kind == "again"
    exporter.close()
    proxy.set(Canned(200, (), b"{}"))
    runtime = SyncRuntime(config)
    assert drive(runtime.send(Request(method="GET", path="/x", timeout=20.0))).status == 200
    drive(runtime.aclose())


@pytest.mark.parametrize(
    "mode",
    [Refuse(), Reset(), BlackHole(), Cut(20), Html(), Canned(200, (), b"{}")],
    ids=lambda mode: type(mode).__name__,
)
def test_no_failure_loses_a_batch(receiver: Any, proxy: FaultProxy, mode: Mode) -> None:
    exporter = HttpExporter(RuntimeConfig(base_url=proxy.url))
    proxy.set(mode)
    start = time.monotonic()
    assert exporter.export(BATCH, timeout=0.5).kind == "again"
    assert time.monotonic() - start < 10.0
    proxy.set(Pass())
    assert exporter.export(BATCH, timeout=5.0).kind == "delivered"
    exporter.close()
    assert len(receiver.batches) == 1


@pytest.mark.parametrize("mode", [Refuse(), BlackHole(), Delay(2.0), Canned(503)], ids=lambda mode: type(mode).__name__)
def test_shutdown_is_prompt_whatever_the_server_does(
    make: Make, proxy: FaultProxy, balanced: Callable[[Telemetry], None], mode: Mode
) -> None:
    proxy.set(mode)
    telemetry = make(HttpExporter(RuntimeConfig(base_url=proxy.url)), flush_interval=0.05)
    for _ in range(3_000):
        telemetry.record("a", prompt="greeting")
    start = time.monotonic()
    assert telemetry.shutdown() is False
    assert time.monotonic() - start <= 5.0 + 4.0  # a busy machine is late; without a limit it takes 12 s and more
    balanced(telemetry)


def test_every_event_is_delivered_dropped_or_queued_through_an_outage(
    receiver: Any, make: Make, proxy: FaultProxy, balanced: Callable[[Telemetry], None]
) -> None:
    telemetry = make(HttpExporter(RuntimeConfig(base_url=proxy.url)), flush_interval=0.05, batch_size=100)
    for mode in (Pass(), Refuse(), Reset(), Cut(30), Canned(503), Pass()):
        proxy.set(mode)
        for _ in range(400):
            telemetry.record("a", prompt="greeting")
        balanced(telemetry)
        time.sleep(0.05)
    for _ in range(9_000):
        telemetry.record("a", prompt="greeting")
    assert telemetry.flush(10.0) or telemetry.flush(10.0)
    summary = telemetry.summary()
    assert summary.offered_events == 11_400
    assert len(receiver.events) == summary.delivered_events
    assert summary.delivered_events + summary.dropped_events == 11_400
    assert sum(batch["dropped"] for batch in receiver.batches.values()) == summary.dropped_events
