"""Usage over a real socket: what the server counted, what clients reported, what is left."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from promptops.server import EmbeddedServer
from promptops.server.grants import Scope
from promptops.server.key_admin import create_key
from promptops.server.stores.sqlite import database_path

STATS, LOG, LIMITS = (f"/v1/client/usage/{name}" for name in ("stats", "log", "limits"))
PROMPTS = "/v1/client/prompts"
Json = dict[str, Any]


def key(directory: Path, name: str, *projects: str) -> dict[str, str]:
    made = create_key(directory, name=name, projects=list(projects), scopes=list(Scope))
    return {"Authorization": f"Bearer {made.text}"}


class Keyed:
    """A server with three keys: two of one project, one of both."""

    def __init__(self, directory: Path, client: httpx.Client, keys: list[dict[str, str]]) -> None:
        self.directory, self.client = directory, client
        self.first, self.second, self.both = keys

    def get(self, headers: dict[str, str], path: str = PROMPTS, **query: str) -> httpx.Response:
        return self.client.get(path, headers=headers, params=query)

    def stats(self, headers: dict[str, str], **query: str) -> Json:
        answer = self.get(headers, STATS, **query)
        assert answer.status_code == 200, answer.text
        data: Json = answer.json()["data"]
        return data


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[Keyed]:
    keys = [key(tmp_path, "a", "left"), key(tmp_path, "b", "left"), key(tmp_path, "c", "left", "right")]
    with EmbeddedServer(tmp_path) as server, httpx.Client(base_url=server.url, verify=False) as client:
        yield Keyed(tmp_path, client, keys)


def counts(stats: Json) -> dict[str, tuple[int, int]]:
    return {each["operation"]: (each["requests"], each["errors"]) for each in stats["operations"]}


def record(**fields: Any) -> Json:
    return {"timestamp": datetime.now(UTC).isoformat(), "operation": "chat", **fields}


def report(keyed: Keyed, *records: Json, batch: str | None = None, who: dict[str, str] | None = None) -> Json:
    body = {"batch_id": batch or uuid.uuid4().hex, "records": list(records)}
    answer = keyed.client.post(LOG, json=body, headers=who or keyed.first)
    assert answer.status_code == 200, answer.text
    data: Json = answer.json()["data"]
    return data


def test_every_request_of_a_key_is_counted_at_once_with_its_failures(keyed: Keyed) -> None:
    for _ in range(3):
        keyed.get(keyed.first)
    keyed.get(keyed.first, f"{PROMPTS}/nowhere")
    keyed.get(keyed.first, PROMPTS, limit="-1")
    stats = keyed.stats(keyed.first)
    assert counts(stats) == {"prompts_list": (4, 1), "prompts_get": (1, 1)}
    assert (stats["total_requests"], stats["successful_requests"], stats["failed_requests"]) == (5, 3, 2)
    assert stats["average_latency_ms"] > 0
    assert sum(stats["requests_by_hour"].values()) == 5
    assert all(hour.endswith(":00:00Z") for hour in stats["requests_by_hour"])


def test_a_key_sees_its_own_usage_alone(keyed: Keyed) -> None:
    keyed.get(keyed.first)
    keyed.client.get(PROMPTS)
    stats = keyed.stats(keyed.second)
    assert (stats["total_requests"], stats["operations"], stats["average_latency_ms"]) == (0, [], None)


def test_requests_count_for_the_project_that_they_select(keyed: Keyed) -> None:
    keyed.get(keyed.both)
    keyed.get(keyed.both, project_id="right")
    keyed.get(keyed.both, project_id="right")
    keyed.get(keyed.both, project_id="nowhere")
    assert counts(keyed.stats(keyed.both, project_id="right")) == {"prompts_list": (2, 0)}
    found = counts(keyed.stats(keyed.both, project_id="left"))
    assert found == {"prompts_list": (2, 1)}
    assert counts(keyed.stats(keyed.both))["prompts_list"] == (4, 1)
    assert keyed.get(keyed.both, STATS, project_id="nowhere").status_code == 404


def test_counts_survive_a_stop(tmp_path: Path) -> None:
    headers = key(tmp_path, "a", "left")
    for expected in (2, 4):
        with EmbeddedServer(tmp_path) as server, httpx.Client(base_url=server.url, verify=False) as client:
            for _ in range(2):
                client.get(PROMPTS, headers=headers)
            answer = client.get(STATS, headers=headers).json()["data"]
            assert counts(answer)["prompts_list"] == (expected, 0)
            client.get(PROMPTS + "/x", headers=headers)  # counted after the last flush
    with contextlib.closing(sqlite3.connect(database_path(tmp_path))) as database, database:
        (stored,) = database.execute(
            "SELECT sum(requests) FROM usage_counters WHERE operation = 'prompts_get'"
        ).fetchone()
    assert stored == 2


def test_requests_do_not_write_to_the_database_one_by_one(keyed: Keyed) -> None:
    keyed.stats(keyed.first)
    with contextlib.closing(sqlite3.connect(database_path(keyed.directory))) as database, database:
        before = database.execute("SELECT coalesce(sum(requests), 0) FROM usage_counters").fetchone()
        keyed.get(keyed.first)
        assert database.execute("SELECT coalesce(sum(requests), 0) FROM usage_counters").fetchone() == before


def test_buckets_are_hours_or_days_of_utc_and_requests_by_hour_stay(keyed: Keyed) -> None:
    keyed.get(keyed.first)
    keyed.stats(keyed.first)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    yesterday = int((now - timedelta(days=1)).timestamp()) // 3600
    with contextlib.closing(sqlite3.connect(database_path(keyed.directory))) as database, database:
        database.execute(
            "INSERT INTO usage_counters SELECT project_id, subject, ?, 'old', 6, 1, 6000 FROM usage_counters LIMIT 1",
            (yesterday,),
        )
    stats = keyed.stats(keyed.first, granularity="day")
    assert stats["buckets"][0]["requests"] == 6
    assert stats["buckets"][0]["start"].endswith("T00:00:00Z")
    assert (stats["buckets"][0]["errors"], stats["buckets"][0]["average_latency_ms"]) == (1, 1.0)
    assert len(stats["requests_by_hour"]) >= 2
    start = (now - timedelta(days=1)).isoformat().replace("+00:00", "Z")
    end = (now - timedelta(hours=23)).isoformat().replace("+00:00", "Z")
    part = keyed.stats(keyed.first, **{"from": start, "to": end})
    assert (part["start"], part["end"], part["total_requests"]) == (start, end, 6)


def test_a_range_is_widened_to_whole_hours_and_other_zones_are_understood(keyed: Keyed) -> None:
    stats = keyed.stats(keyed.first, **{"from": "2026-01-02T03:30:00+02:00", "to": "2026-01-02T03:00:00.000001Z"})
    assert (stats["start"], stats["end"]) == ("2026-01-02T01:00:00Z", "2026-01-02T04:00:00Z")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-01-01T00:00:00"}, "from"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from"),
        ({"from": "2020-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-02-02T00:00:00Z"}, "from"),
        ({"from": "0001-01-01T00:00:00+05:00"}, "from"),
        ({"to": "9999-12-31T23:59:59Z"}, "to"),
        ({"from": "9999-12-31T23:59:59-05:00"}, "from"),
        ({"granularity": "minute"}, "granularity"),
        ({"from": ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"]}, "from"),
    ],
)
def test_a_range_that_is_none_is_refused_with_its_field(client: httpx.Client, query: Json, field: str) -> None:
    answer = client.get(STATS, params=query)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["details"]["validation_errors"][0]["field"] == field


def test_reported_usage_is_stored_once_for_each_batch(keyed: Keyed) -> None:
    rows = [record(cost="0.1", input_tokens=10, output_tokens=5), record(cost="0.200000001", success=False)]
    assert report(keyed, *rows, batch="my-batch-1") == {"batch_id": "my-batch-1", "accepted": 2, "duplicates": 0}
    assert report(keyed, *rows, batch="my-batch-1") == {"batch_id": "my-batch-1", "accepted": 0, "duplicates": 2}
    stats = keyed.stats(keyed.first)
    assert stats["reported"] == {
        "records": 2,
        "failures": 1,
        "input_tokens": 10,
        "output_tokens": 5,
        "cost": "0.300000001",
        "known_cost": "0.300000001",
        "records_without_cost": 0,
    }
    assert stats["total_cost"] == "0.300000001"
    assert report(keyed, *rows, batch="my-batch-1", who=keyed.second)["accepted"] == 2


def test_a_batch_sent_by_many_at_once_is_stored_once(keyed: Keyed) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(report, keyed, record(), batch="race-batch") for _ in range(16)]
    assert sorted(each.result()["accepted"] for each in asked) == [0] * 15 + [1]


def test_an_unknown_cost_makes_the_total_unknown(keyed: Keyed) -> None:
    assert keyed.stats(keyed.first)["total_cost"] is None
    report(keyed, record(cost="1.50"), record())
    reported = keyed.stats(keyed.first)["reported"]
    assert (reported["cost"], reported["known_cost"], reported["records_without_cost"]) == (None, "1.5", 1)


def test_a_cost_of_zero_is_known(keyed: Keyed) -> None:
    report(keyed, record(cost="0"))
    assert keyed.stats(keyed.first)["total_cost"] == "0"


def test_sums_of_costs_and_tokens_are_exact_and_do_not_overflow(keyed: Keyed) -> None:
    most = record(cost="999999999.999999999", input_tokens=1_000_000_000)
    for _ in range(4):
        report(keyed, *([most] * 500))
    reported = keyed.stats(keyed.first)["reported"]
    assert (reported["cost"], reported["input_tokens"]) == ("1999999999999.999998", 2_000_000_000_000)


def test_reported_usage_belongs_to_the_selected_project(keyed: Keyed) -> None:
    body = {"batch_id": "for-the-right", "records": [record()], "project_id": "right"}
    assert keyed.client.post(LOG, json=body, headers=keyed.both).status_code == 200
    assert keyed.stats(keyed.both, project_id="right")["reported"]["records"] == 1
    assert keyed.stats(keyed.both, project_id="left")["reported"]["records"] == 0
    assert keyed.client.post(LOG, json=body, headers=keyed.first).status_code == 404


FUTURE = (datetime.now(UTC) + timedelta(days=3)).isoformat()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"batch_id": "short"}, "batch_id"),
        ({"batch_id": "with spaces in it"}, "batch_id"),
        ({"records": []}, "records"),
        ({"records": [record()] * 501}, "records"),
        ({"records": [record(), record(timestamp="now")]}, "records[1].timestamp"),
        ({"records": [record(), record(timestamp=FUTURE)]}, "records[1].timestamp"),
        ({"records": [record(timestamp="0001-01-01T00:00:00+05:00")]}, "records[0].timestamp"),
        ({"records": [record(timestamp="1970-01-01T00:00:00+05:00")]}, "records[0].timestamp"),
        ({"records": [record(timestamp="2026-01-01T00:00:00")]}, "records[0].timestamp"),
        ({"records": [record(operation="")]}, "records[0].operation"),
        ({"records": [record(operation="two words")]}, "records[0].operation"),
        ({"records": [record(cost=0.1)]}, "records[0].cost"),
        ({"records": [record(cost="-1")]}, "records[0].cost"),
        ({"records": [record(cost="1e3")]}, "records[0].cost"),
        ({"records": [record(cost="1.0000000001")]}, "records[0].cost"),
        ({"records": [record(cost="NaN")]}, "records[0].cost"),
        ({"records": [record(input_tokens=-1)]}, "records[0].input_tokens"),
        ({"records": [record(input_tokens=10**30)]}, "records[0].input_tokens"),
        ({"records": [record(latency_ms=1e9)]}, "records[0].latency_ms"),
        ({"records": [record(prompt="the text of it")]}, "records[0].prompt"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_malformed_report_is_refused_with_its_field(client: httpx.Client, changes: Json, field: str) -> None:
    answer = client.post(LOG, json={"batch_id": uuid.uuid4().hex, "records": [record()], **changes})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["details"]["validation_errors"][0]["field"] == field


def test_limits_are_told_by_window(keyed: Keyed) -> None:
    limits = keyed.get(keyed.first, LIMITS).json()["data"]
    assert list(limits["windows"]) == ["minute", "hour", "day"]
    assert limits["limited"] is True
    for window in limits["windows"].values():
        assert 0 <= window["remaining"] < window["limit"]
        assert window["reset_at"].endswith("Z")


def test_without_keys_nothing_is_limited(client: httpx.Client) -> None:
    limits = client.get(LIMITS).json()["data"]
    assert limits["limited"] is False
    assert {window["limit"] for window in limits["windows"].values()} == {None}


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [("GET", STATS, "prompts:read"), ("GET", LIMITS, "prompts:read"), ("POST", LOG, "telemetry")],
)
def test_each_route_needs_its_scope(tmp_path: Path, method: str, path: str, needed: str) -> None:
    made = create_key(tmp_path, name="narrow", projects=["left"], scopes=[Scope.EXPERIMENTS])
    with EmbeddedServer(tmp_path) as server, httpx.Client(base_url=server.url, verify=False) as client:
        answer = client.request(method, path, headers={"Authorization": f"Bearer {made.text}"})
        assert answer.status_code == 403
        assert needed in answer.text
