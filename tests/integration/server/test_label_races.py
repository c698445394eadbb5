"""Labels under many movers at once, and prompts that include by a label while it moves."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
from promptops.server import EmbeddedServer, wire
from promptops.server.grants import Scope
from promptops.server.key_admin import create_key

PROMPTS = "/v1/client/prompts"
MOVERS = 50
STEPS = 5


def client_of(server: EmbeddedServer, key: str) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=MOVERS)
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(base_url=server.url, headers=headers, limits=limits, timeout=30, verify=False)


def key_for(directory: Path) -> str:
    limits = wire.KeyLimits(rate=100_000, per_minute=1_000_000)
    return create_key(directory, name="race", scopes=list(Scope), limits=limits).text


async def versions(client: httpx.AsyncClient, name: str, count: int) -> None:
    made = await client.post(PROMPTS, json={"name": name, "content": "text 0"})
    assert made.status_code == 201, made.text
    for number in range(1, count):
        changed = await client.put(f"{PROMPTS}/{name}", json={"content": f"text {number}"})
        assert changed.status_code == 200, changed.text


async def history(client: httpx.AsyncClient, name: str, label: str) -> list[dict[str, Any]]:
    answer = await client.get(f"{PROMPTS}/{name}/history", params={"label": label, "limit": 1000})
    events: list[dict[str, Any]] = answer.json()["data"]["events"]
    return events


def assert_unbroken(events: list[dict[str, Any]]) -> None:
    """Every move begins where the one before it ended, and no two happened at one time."""
    assert [event["from_version"] for event in events] == [*(event["version"] for event in events[1:]), None]
    assert len({event["at"] for event in events}) == len(events)
    assert sorted((event["at"] for event in events), reverse=True) == [event["at"] for event in events]


async def step_by_step(server: EmbeddedServer, key: str) -> None:
    async with client_of(server, key) as client:
        await versions(client, "raced", STEPS)
        path, expected = f"{PROMPTS}/raced/labels/staging", None
        for step in range(STEPS):
            body = {"version": f"1.0.{step}", "expected_version": expected}
            answers = await asyncio.gather(*(client.put(path, json=body) for _ in range(MOVERS)))
            assert sorted(answer.status_code for answer in answers) == [200, *[409] * (MOVERS - 1)]
            expected = f"1.0.{step}"
        events = await history(client, "raced", "staging")
        assert [event["version"] for event in events] == [f"1.0.{step}" for step in reversed(range(STEPS))]
        assert_unbroken(events)


def test_of_50_movers_that_expect_the_same_exactly_one_wins_each_step(tmp_path: Path) -> None:
    key = key_for(tmp_path)
    with EmbeddedServer(tmp_path) as server:
        asyncio.run(step_by_step(server, key))


async def all_at_once(server: EmbeddedServer, key: str) -> None:
    async with client_of(server, key) as client:
        await versions(client, "raced", STEPS)
        path = f"{PROMPTS}/raced/labels/staging"
        bodies = [{"version": f"1.0.{number % STEPS}"} for number in range(MOVERS * 4)]
        answers = await asyncio.gather(*(client.put(path, json=body) for body in bodies))
        assert {answer.status_code for answer in answers} == {200}
        events = await history(client, "raced", "staging")
        assert len(events) > 1
        assert_unbroken(events)
        now = (await client.get(f"{PROMPTS}/raced?label=staging")).json()["data"]
        assert now["version"] == events[0]["version"]
        assert now["labels"] == ["staging"]


def test_the_history_is_unbroken_after_moves_at_once(tmp_path: Path) -> None:
    key = key_for(tmp_path)
    with EmbeddedServer(tmp_path) as server:
        asyncio.run(all_at_once(server, key))


async def include_while_it_moves(server: EmbeddedServer, key: str) -> None:
    async with client_of(server, key) as client:
        await versions(client, "part", STEPS)
        await client.put(f"{PROMPTS}/part/labels/live", json={"version": "1.0.0"})

        async def move(number: int) -> None:
            body = {"version": f"1.0.{number % STEPS}"}
            assert (await client.put(f"{PROMPTS}/part/labels/live", json=body)).status_code == 200

        async def include(number: int) -> dict[str, Any]:
            body = {"name": f"whole {number}", "content": "{{> part@live }} and {{> part@live }}"}
            made = await client.post(PROMPTS, json=body)
            assert made.status_code == 201, made.text
            data: dict[str, Any] = made.json()["data"]
            return data

        done = await asyncio.gather(*(work(number) for number in range(MOVERS) for work in (move, include)))
        for prompt in filter(None, done):
            (included,) = prompt["includes"]
            text = f"text {included['version'].rpartition('.')[2]}"
            assert prompt["content"] == f"{text} and {text}"
            part = (await client.get(f"{PROMPTS}/part?version={included['version']}")).json()["data"]
            assert included["content_hash"] == part["content_hash"]


def test_a_prompt_records_the_version_that_went_in_while_the_label_moves(tmp_path: Path) -> None:
    key = key_for(tmp_path)
    with EmbeddedServer(tmp_path) as server:
        asyncio.run(include_while_it_moves(server, key))
