"""Searches whose filter looks at every row: stopped after their time, and in nobody's way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from itertools import count

import httpx
import pytest
from promptops.core.errors import ServerError, ValidationError
from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.row_filters import parse_filter
from promptops.server.stores import _searches
from promptops.server.stores.sqlite import SqliteStore

NOTHING = " OR ".join(f"n = {-number}" for number in range(1, 51))
"""A filter that keeps none of the rows, at much cost."""
ROWS: list[wire.JsonObject] = [{"n": number} for number in range(400)]


class Clock:
    """Stands still, and holds every search in its middle, until it jumps by far."""

    def __init__(self) -> None:
        self.held = threading.Semaphore(0)
        self.jumped = threading.Event()
        self._begun: set[str] = set()

    def __call__(self) -> float:
        name = threading.current_thread().name
        if not name.startswith("promptops-search") or name not in self._begun:
            self._begun.add(name)
            return 0.0
        self.held.release()
        self.jumped.wait(120)
        return 100.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(_searches, "monotonic", clock)
    yield clock
    clock.jumped.set()


@pytest.mark.anyio
async def test_searches_that_find_nothing_are_stopped_and_lists_do_not_wait_for_them(
    store: SqliteStore, grant: Grant, clock: Clock
) -> None:
    made = await store.insert_dataset(grant, "many", ROWS, None)
    where = parse_filter(NOTHING)
    searches = [
        asyncio.ensure_future(store.list_examples(grant, made.id, None, limit=5, after=None, where=where))
        for _ in range(3)
    ]
    for _ in range(2):  # as many as run at once
        assert await asyncio.to_thread(clock.held.acquire, timeout=60)
    listed = await asyncio.wait_for(store.list_examples(grant, made.id, None, limit=5, after=None), 60)
    assert listed is not None
    assert len(listed.items) == 5
    assert not any(search.done() for search in searches)
    clock.jumped.set()
    first, second, third = await asyncio.gather(*searches, return_exceptions=True)
    for stopped in (first, second):
        assert isinstance(stopped, ValidationError)
        assert [(item["field"], item["code"]) for item in stopped.validation_errors] == [("filter", "search_too_slow")]
    assert isinstance(third, ServerError)  # it waited for too long
    assert (third.status_code, third.retryable) == (503, True)


@pytest.mark.anyio
async def test_a_thread_whose_search_was_stopped_searches_on(
    store: SqliteStore, grant: Grant, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await store.insert_dataset(grant, "many", ROWS, None)
    where = parse_filter(NOTHING)
    with monkeypatch.context() as hurried:
        hurried.setattr(_searches, "monotonic", count(step=1.5).__next__)
        for _ in range(4):
            with pytest.raises(ValidationError, match="stopped after 2 seconds"):
                await store.list_examples(grant, made.id, None, limit=5, after=None, where=where)
    for _ in range(4):
        found = await store.list_examples(grant, made.id, None, limit=5, after=None, where=where)
        assert found is not None
        assert found.items == []


@pytest.mark.parametrize("rows", ["examples", "experiment_runs"])
def test_a_search_that_takes_too_long_is_told_to_ask_for_less(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, rows: str
) -> None:
    body = {"name": f"many {rows}", "space_id": "default", "examples": ROWS}
    dataset = client.post("/v2/datasets", json=body).json()["id"]
    path = f"/v2/datasets/{dataset}/examples/search"
    if rows == "experiment_runs":
        listed = client.get(f"/v2/datasets/{dataset}/examples?limit=400").json()["examples"]
        runs = [{"example_id": row["id"], "output": "x", "n": row["n"]} for row in listed]
        made = client.post("/v2/experiments", json={"name": "x", "dataset_id": dataset, "experiment_runs": runs})
        path = f"/v2/experiments/{made.json()['id']}/runs/search"
    found = client.post(path, json={"filter": NOTHING})
    assert (found.status_code, found.json()[rows]) == (200, [])
    with monkeypatch.context() as hurried:
        hurried.setattr(_searches, "monotonic", count(step=1.5).__next__)
        answer = client.post(path, json={"filter": NOTHING})
    assert answer.status_code == 422
    assert [(item["field"], item["code"]) for item in answer.json()["errors"]] == [("filter", "search_too_slow")]
    assert "narrow it: fewer comparisons" in answer.json()["detail"]
    assert answer.headers["x-should-retry"] == "false"
