"""The model catalogue: the shipped facts, and the file of an administrator."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from promptops.server import EmbeddedServer
from promptops.server.catalogue import FILE_NAME, Catalogue

MODELS = "/v1/client/models"
MINE = {"provider": "local", "name": "mine", "as_of": "2026-01-01", "source": "our own measurements"}


def write(path: Path, *models: dict[str, Any]) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"format": 1, "models": models}))
    draft.replace(path)


def names(catalogue: Catalogue) -> list[str]:
    return [entry.name for entry in catalogue.list()]


def test_every_shipped_fact_has_a_day_and_a_source() -> None:
    shipped = Catalogue().list()
    assert len(shipped) >= 14
    assert {entry.provider for entry in shipped} == {
        "openai",
        "anthropic",
        "google",
        "cohere",
        "huggingface",
        "local",
    }
    assert all(entry.source and entry.as_of >= "2024" for entry in shipped)


def test_the_models_of_the_reference_are_there() -> None:
    catalogue = Catalogue()
    gpt, claude = catalogue.find("openai", "gpt-4"), catalogue.find("claude", "Claude-3-Sonnet")
    assert gpt is not None
    assert claude is not None
    assert (gpt.context_window, claude.context_window) == (8192, 200_000)
    assert "embedding" not in gpt.capabilities


def test_no_price_is_zero_and_unknown_prices_are_null() -> None:
    prices = [entry.cost_per_1k_tokens for entry in Catalogue().list()]
    assert None in prices
    assert all(price.input > 0 and price.output > 0 for price in prices if price is not None)


def test_models_are_ordered_by_provider_and_name() -> None:
    pairs = [(entry.provider, entry.name) for entry in Catalogue().list()]
    assert pairs == sorted(pairs)


def test_the_file_of_an_administrator_replaces_the_shipped_one_and_its_changes_are_seen(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    catalogue = Catalogue(path)
    shipped, digest = names(catalogue), catalogue.digest
    write(path, MINE)
    assert names(catalogue) == ["mine"]
    assert catalogue.digest != digest
    write(path, MINE, {**MINE, "name": "another"})
    assert names(catalogue) == ["another", "mine"]
    path.unlink()
    assert (names(catalogue), catalogue.digest) == (shipped, digest)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"format": 2, "models": []}',
        json.dumps({"format": 1, "models": [{"provider": "x", "name": "y"}]}),
        json.dumps({"format": 1, "models": [{**MINE, "price": 1}]}),
        json.dumps({"format": 1, "models": [{**MINE, "cost_per_1k_tokens": {"input": -1, "output": 0}}]}),
        json.dumps({"format": 1, "models": [MINE, {**MINE, "name": "MINE"}]}),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing_and_is_reported(tmp_path: Path, content: str) -> None:
    path = tmp_path / FILE_NAME
    write(path, MINE)
    catalogue = Catalogue(path)
    assert names(catalogue) == ["mine"]
    path.write_text(content)
    assert names(catalogue) == ["mine"]
    assert catalogue.problem.startswith(FILE_NAME)
    write(path, {**MINE, "name": "repaired"})
    assert (names(catalogue), catalogue.problem) == (["repaired"], "")


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    write(path, MINE)
    catalogue = Catalogue(path)
    assert names(catalogue) == ["mine"]
    facts = path.stat()
    path.write_text(path.read_text().replace("mine", "evil"))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert names(catalogue) == ["mine"]


def listed(client: httpx.Client, **query: str) -> list[dict[str, Any]]:
    answer = client.get(MODELS, params=query)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data["total"] == len(data["models"])
    found: list[dict[str, Any]] = data["models"]
    return found


def test_the_list_is_filtered_on_the_server(client: httpx.Client) -> None:
    assert {model["provider"] for model in listed(client, provider="claude")} == {"anthropic"}
    assert {model["provider"] for model in listed(client, capability="embedding")} == {"openai"}
    assert listed(client, provider="local", capability="vision") == []
    assert len(listed(client)) > len(listed(client, capability="vision")) > 0


def test_a_provider_that_nobody_knows_is_refused_with_those_that_are_known(client: httpx.Client) -> None:
    answer = client.get(MODELS, params={"provider": "opnai"})
    assert answer.status_code == 422
    [problem] = answer.json()["error"]["details"]["validation_errors"]
    assert (problem["field"], problem["code"]) == ("provider", "unknown_value")
    assert "opnai" in problem["message"]
    assert "openai" in problem["message"]


def test_max_tokens_is_the_context_window(client: httpx.Client) -> None:
    assert all(model["max_tokens"] == model["context_window"] for model in listed(client))


def test_each_list_has_its_etag(client: httpx.Client) -> None:
    tag = client.get(MODELS).headers["etag"]
    again = client.get(MODELS, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(f"{MODELS}?provider=openai", headers={"If-None-Match": tag}).status_code == 200


def test_a_running_server_sees_the_file_and_health_tells_of_a_broken_one(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server, httpx.Client(base_url=server.url, verify=False) as client:
        before = client.get(MODELS).headers["etag"]
        write(tmp_path / FILE_NAME, MINE)
        answer = client.get(MODELS, headers={"If-None-Match": before})
        (model,) = answer.json()["data"]["models"]
        assert (model["name"], model["cost_per_1k_tokens"], model["context_window"]) == ("mine", None, None)
        (tmp_path / FILE_NAME).write_text("broken")
        health = client.get("/v1/client/health").json()["data"]
        assert (health["status"], health["dependencies"]["models"]["status"]) == ("degraded", "degraded")
        assert [model["name"] for model in listed(client)] == ["mine"]
