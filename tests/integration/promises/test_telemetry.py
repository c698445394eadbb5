"""Telemetry against the real server: it takes what the exporter sends, once, and an outage loses nothing."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import msgspec
import pytest
from promptops.client import ClientConfig, SyncPromptOpsClient
from promptops.core import RuntimeConfig
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import Cut, Exchange, Mode, Pass, Refuse, Reset
from promptops.models._generated import models
from promptops.server import EmbeddedServer
from promptops.telemetry import Batch, HttpExporter, Telemetry, TelemetryConfig
from promptops.telemetry.events import ATTRIBUTES, encode_event
from promptops.telemetry.http import encode_batch

VALUES: dict[type, object] = {str: "text", float: 1.5, bool: True}


def full_event() -> bytes:
    facts = {name: VALUES[kind] for name, kind in ATTRIBUTES.items()}
    return encode_event("prompt.get", at=time.time(), duration_ms=1.5, outcome="ok", attributes=facts)


def test_a_batch_is_what_the_document_of_the_server_says() -> None:
    batch = Batch(batch_id="0123456789abcdef", encoded=(full_event(),) * 512, dropped=3, sample_rate=0.1)
    body = encode_batch(batch, client="promptops-python/0")
    assert len(body) < 1024 * 1024
    decoded = msgspec.json.decode(body, type=models.TelemetryBatch)
    assert (len(decoded.events), decoded.dropped) == (512, 3)


def test_the_server_takes_every_attribute(server: EmbeddedServer) -> None:
    exporter = HttpExporter(RuntimeConfig(base_url=server.url))
    batch = Batch(batch_id="0123456789abcdef", encoded=(full_event(),), dropped=0, sample_rate=1.0)
    assert [exporter.export(batch, timeout=20.0).kind for _ in range(2)] == ["delivered", "delivered"]
    exporter.close()


@pytest.mark.parametrize("mode", [Refuse(), Reset(), Cut(40)], ids=lambda mode: type(mode).__name__)
def test_through_an_outage_every_event_arrives_once(server: EmbeddedServer, proxy: FaultProxy, mode: Mode) -> None:
    telemetry = Telemetry(
        TelemetryConfig(sample_rate=1.0, batch_size=50, flush_interval=0.1),
        exporter=HttpExporter(RuntimeConfig(base_url=proxy.url)),
    )
    for step in (Pass(), mode, Pass()):
        proxy.set(step)
        for _ in range(200):
            telemetry.record("prompt.get", prompt="greeting")
        time.sleep(0.2)
    assert telemetry.flush(30.0) or telemetry.flush(30.0)
    summary = telemetry.summary()
    telemetry.shutdown()
    assert (summary.offered_events, summary.delivered_events, summary.dropped_events) == (600, 600, 0)
    with closing(sqlite3.connect(server.directory / "promptops.db")) as database:
        assert database.execute("SELECT sum(events), sum(lost) FROM telemetry_batches").fetchone() == (600, 0)


def test_a_client_reports_its_calls_and_no_text(
    server: EmbeddedServer, config: Callable[..., ClientConfig], proxy: FaultProxy
) -> None:
    seen: list[bytes] = []

    class Watch(Pass):
        async def answer(self, exchange: Exchange) -> None:
            seen.append(exchange.request)
            await super().answer(exchange)

    proxy.set(Watch())
    settings = config(proxy.url, telemetry=TelemetryConfig(sample_rate=1.0))
    with SyncPromptOpsClient(settings) as client:
        client.create_prompt({"name": "Greeting", "content": "SECRET-TEXT {{ who }}"})
        client.render_prompt("greeting", {"who": "SECRET-VALUE"})
        client.flush_telemetry()
        assert client.get_telemetry_summary().pending_events == 0
    batches = [request for request in seen if request.startswith(b"POST /v1/client/telemetry")]
    assert batches
    assert not [batch for batch in batches if b"SECRET" in batch]
