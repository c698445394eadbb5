"""Telemetry over a real socket and in a real store: once, bounded, and nothing but what is allowed."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from promptops.server import EmbeddedServer, wire
from promptops.server.grants import Grant, Scope
from promptops.server.key_admin import create_key
from promptops.server.settings import Retention
from promptops.server.stores.sqlite import SqliteStore, database_path
from promptops.server.stores.usage_rows import UsageCell

TELEMETRY = "/v1/client/telemetry"
Json = dict[str, Any]


def event(**fields: Any) -> Json:
    return {"name": "prompts.get", "timestamp": datetime.now(UTC).isoformat(), **fields}


def body(*events: Json, **fields: Any) -> Json:
    return {"batch_id": uuid.uuid4().hex, "events": list(events or (event(),)), **fields}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Path]]:
    """A server whose directory is known."""
    directory = tmp_path_factory.mktemp("telemetry")
    with EmbeddedServer(directory) as server, httpx.Client(base_url=server.url, verify=False, timeout=20) as client:
        yield client, directory


def stored(directory: Path, batch_id: str) -> tuple[Any, ...] | None:
    with contextlib.closing(sqlite3.connect(database_path(directory))) as database, database:
        row: tuple[Any, ...] | None = database.execute(
            "SELECT events, lost, client, sample_rate, document FROM telemetry_batches WHERE batch_id = ?", (batch_id,)
        ).fetchone()
        return row


def test_a_batch_is_stored_with_every_field(own: tuple[httpx.Client, Path]) -> None:
    client, directory = own
    full = event(duration_ms=1.5, outcome="ok", attributes={"text": "ü", "whole": 1, "part": 0.5, "yes": True})
    sent = body(full, event(), dropped=7, sample_rate=0.1, client="promptops-python/0.1.0")
    answer = client.post(TELEMETRY, json=sent)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"] == {"batch_id": sent["batch_id"], "accepted": 2, "duplicates": 0, "dropped": 0}
    row = stored(directory, sent["batch_id"])
    assert row is not None
    assert row[:4] == (2, 7, "promptops-python/0.1.0", 0.1)
    assert json.loads(row[4])[0]["attributes"] == full["attributes"]


def test_a_replayed_batch_stores_nothing_twice_and_says_so(own: tuple[httpx.Client, Path]) -> None:
    client, _ = own
    sent = body(event(), event())
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(client.post, TELEMETRY, json=sent) for _ in range(16)]
        receipts = [each.result().json()["data"] for each in asked]
    assert sorted((each["accepted"], each["duplicates"]) for each in receipts) == [(0, 2)] * 15 + [(2, 0)]


def test_events_that_would_not_be_kept_are_dropped_and_counted(own: tuple[httpx.Client, Path]) -> None:
    client, directory = own
    now = datetime.now(UTC)
    odd = [now - timedelta(days=31), now + timedelta(days=2), datetime(1, 1, 1, tzinfo=UTC)]
    sent = body(event(), *(event(timestamp=moment.isoformat()) for moment in odd))
    receipt = client.post(TELEMETRY, json=sent).json()["data"]
    assert (receipt["accepted"], receipt["dropped"]) == (1, 3)
    row = stored(directory, sent["batch_id"])
    assert row is not None
    assert row[0] == 1


def test_512_events_fit_and_one_more_does_not(client: httpx.Client) -> None:
    assert client.post(TELEMETRY, json=body(*([event()] * 512))).json()["data"]["accepted"] == 512
    answer = client.post(TELEMETRY, json=body(*([event()] * 513)))
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["validation_errors"][0]["field"] == "events"


def test_bodies_may_have_four_mebibytes_and_no_more(client: httpx.Client) -> None:
    large = body(*([event(attributes={f"a{index}": "x" * 500 for index in range(14)})] * 512))
    content = json.dumps(large).encode()
    assert 3_500_000 < len(content) < 4 * 1024 * 1024
    headers = {"Content-Type": "application/json"}
    assert client.post(TELEMETRY, content=content, headers=headers).status_code == 200
    padded = content + b" " * (4 * 1024 * 1024 - len(content) + 1)
    assert client.post(TELEMETRY, content=padded, headers=headers).status_code == 413
    padded = json.dumps({"name": "x", "content": "x"}).encode().ljust(1024 * 1024 + 1)
    assert client.post("/v1/client/prompts", content=padded, headers=headers).status_code == 413


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"batch_id": ""}, "batch_id"),
        ({"batch_id": 12345678}, "batch_id"),
        ({"events": []}, "events"),
        ({"events": [{"name": "x"}]}, "events[0].timestamp"),
        ({"events": [event(prompt="secret text")]}, "events[0].prompt"),
        ({"events": [event(variables={"a": 1})]}, "events[0].variables"),
        ({"events": [event(name="")]}, "events[0].name"),
        ({"events": [event(name="two words")]}, "events[0].name"),
        ({"events": [event(timestamp=5)]}, "events[0].timestamp"),
        ({"events": [event(timestamp="2026-01-01T00:00:00")]}, "events[0].timestamp"),
        ({"events": [event(duration_ms=-1)]}, "events[0].duration_ms"),
        ({"events": [event(outcome="x" * 65)]}, "events[0].outcome"),
        ({"events": [event(attributes={"a": None})]}, "events[0].attributes[...]"),
        ({"events": [event(attributes={"a": [1]})]}, "events[0].attributes[...]"),
        ({"events": [event(attributes={"a": {"b": 1}})]}, "events[0].attributes[...]"),
        ({"events": [event(attributes={"a": "x" * 1025})]}, "events[0].attributes[...]"),
        ({"events": [event(attributes={str(index): 1 for index in range(65)})]}, "events[0].attributes"),
        ({"dropped": -1}, "dropped"),
        ({"sample_rate": 1.5}, "sample_rate"),
        ({"host": "x"}, "host"),
    ],
)
def test_a_malformed_batch_is_refused_with_its_field(client: httpx.Client, changes: Json, field: str) -> None:
    answer = client.post(TELEMETRY, json=body(**changes) if "events" not in changes else {**body(), **changes})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["details"]["validation_errors"][0]["field"] == field


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-1e999"])
def test_numbers_that_are_none_are_refused(client: httpx.Client, number: str) -> None:
    text = json.dumps(body(event(attributes={"a": 12321}))).replace("12321", number)
    answer = client.post(TELEMETRY, content=text, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text


def test_the_scope_is_needed_and_other_keys_may_use_the_same_batch_id(tmp_path: Path) -> None:
    allowed = [create_key(tmp_path, name=name, projects=[name], scopes=[Scope.TELEMETRY]) for name in ("a", "b")]
    refused = create_key(tmp_path, name="c", projects=["a"], scopes=[Scope.PROMPTS_READ])
    sent = body()
    with EmbeddedServer(tmp_path) as server, httpx.Client(base_url=server.url, verify=False) as client:

        def post(key: str) -> httpx.Response:
            return client.post(TELEMETRY, json=sent, headers={"Authorization": f"Bearer {key}"})

        assert [post(key.text).json()["data"]["accepted"] for key in allowed] == [1, 1]
        assert post(refused.text).status_code == 403
        assert client.post(TELEMETRY, json=sent).status_code == 401


def batch(text: str = "") -> wire.TelemetryBatch:
    found = wire.TelemetryEvent(name="x", timestamp=datetime.now(UTC), attributes={"a": text})
    return wire.TelemetryBatch(batch_id=uuid.uuid4().hex, events=[found])


@pytest.mark.anyio
async def test_a_project_keeps_a_bounded_number_of_bytes_and_the_newest_batches(
    store: SqliteStore, grant: Grant, tmp_path: Path
) -> None:
    store.retention = Retention(telemetry_bytes=20_000)
    batches = [batch("x" * 1000) for _ in range(100)]
    for each in batches:
        assert await store.insert_telemetry(grant, each, each.events)
    with contextlib.closing(sqlite3.connect(database_path(tmp_path / "data"))) as database, database:
        kept = [row[0] for row in database.execute("SELECT batch_id FROM telemetry_batches ORDER BY seq")]
        (total,) = database.execute("SELECT bytes FROM telemetry_totals").fetchone()
        (summed,) = database.execute("SELECT sum(bytes) FROM telemetry_batches").fetchone()
    assert kept == [each.batch_id for each in batches[-len(kept) :]]
    assert 18_000 < total == summed <= 20_000


@pytest.mark.anyio
async def test_a_batch_larger_than_the_bound_is_kept_alone(store: SqliteStore, grant: Grant, tmp_path: Path) -> None:
    store.retention = Retention(telemetry_bytes=500)
    for _ in range(3):
        each = batch("x" * 1000)
        await store.insert_telemetry(grant, each, each.events)
    with contextlib.closing(sqlite3.connect(database_path(tmp_path / "data"))) as database, database:
        assert database.execute("SELECT count(*) FROM telemetry_batches").fetchone() == (1,)


@pytest.mark.anyio
async def test_what_is_older_than_the_retention_goes(store: SqliteStore, grant: Grant, tmp_path: Path) -> None:
    each = batch()
    await store.insert_telemetry(grant, each, each.events)
    record = wire.UsageRecord(timestamp=datetime.now(UTC), operation="x")
    await store.insert_usage_records(grant, "a-batch-id", [record])
    store.retention = Retention(telemetry_days=0, usage_days=0)
    old = UsageCell(project_id=grant.default, subject="", hour=1, operation="x", requests=1, errors=0, latency_us=0)
    await store.add_usage([old])
    with contextlib.closing(sqlite3.connect(database_path(tmp_path / "data"))) as database, database:
        left = [
            database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("telemetry_batches", "usage_batches", "usage_records", "usage_counters")
        ]
        assert (left, database.execute("SELECT bytes FROM telemetry_totals").fetchone()) == ([0, 0, 0, 0], (0,))
