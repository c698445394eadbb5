"""Prompts that were stored under fewer rules: what stays as it is stands in the way of nothing."""

from __future__ import annotations

import sqlite3
import uuid
from typing import Any

import httpx
import msgspec
import pytest
from promptops.prompts.hashing import content_hash
from promptops.server import EmbeddedServer
from promptops.server.stores.prompt_protocol import PromptDocument
from promptops.server.stores.sqlite import database_path

Json = dict[str, Any]
PROMPTS = "/v1/client/prompts"
VARIANTS: list[Json] = [{"model_provider": "openai", "model_name": name, "content": "o"} for name in ("", "*")]
OLD: dict[str, tuple[Json, str]] = {
    "no parts": ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
    "a blank role": ({"messages": [{"role": " ", "content": "x"}]}, "messages[0].role"),
    "two for a model": ({"model_specific_prompts": VARIANTS}, "model_specific_prompts[1].model_name"),
    "a blank provider": (
        {"model_specific_prompts": [{"model_provider": " ", "content": "o"}]},
        "model_specific_prompts[0].model_provider",
    ),
    "a schema of lists": ({"variables_schema": {"type": "array"}}, "variables_schema.type"),
    "two tools of a name": ({"tools": [{"name": "sum"}, {"name": "sum"}]}, "tools[1].name"),
}
"""What older versions took, and the field that is refused now."""


class Stored:
    """A prompt whose only version was stored as it is, below every rule."""

    def __init__(self, server: EmbeddedServer, client: httpx.Client, fields: Json) -> None:
        self.client, self.fields, self.slug = client, fields, f"old-{uuid.uuid4().hex[:10]}"
        made = client.post(PROMPTS, json={"name": self.slug, "slug": self.slug, "content": "x"}).json()["data"]
        document: Json = {
            **{name: made[name] for name in ("content", "messages", "template_format", "variables", "metadata")},
            **{name: made[name] for name in ("model_specific_prompts", "description", "target_models", "tags")},
            **fields,
        }
        digest = content_hash(msgspec.convert(document, PromptDocument))
        with sqlite3.connect(database_path(server.directory), timeout=30) as connection:
            connection.execute(
                "UPDATE prompt_versions SET document = ?, content_hash = ? WHERE prompt_id = ?",
                (msgspec.json.encode(document).decode(), digest, made["id"]),
            )
        connection.close()

    def get(self, version: str) -> Json:
        answer = self.client.get(f"{PROMPTS}/{self.slug}?version={version}")
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()["data"]
        return found

    def put(self, **body: Any) -> httpx.Response:
        return self.client.put(f"{PROMPTS}/{self.slug}", json=body)


@pytest.fixture(params=OLD)
def stored(request: pytest.FixtureRequest, server: EmbeddedServer, client: httpx.Client) -> tuple[Stored, str]:
    fields, problem = OLD[request.param]
    return Stored(server, client, fields), problem


def test_an_old_prompt_is_read_updated_and_labelled(stored: tuple[Stored, str]) -> None:
    old, _ = stored
    before = old.get("1.0.0")
    for body in ({"description": "new"}, {"tags": ["a"], "create_new_version": False}, {"metadata": {"a": 1}}):
        answer = old.put(**body)
        assert answer.status_code == 200, answer.text
    after = old.get("1.0.2")
    assert (after["description"], after["tags"], after["metadata"]) == ("new", ["a"], {"a": 1})
    assert after["content_hash"] == before["content_hash"]
    for name in old.fields:
        assert after[name] == before[name]
    moved = old.client.put(f"{PROMPTS}/{old.slug}/labels/staging", json={"version": "1.0.0"})
    assert moved.status_code == 200, moved.text


def test_an_old_prompt_gets_other_texts_and_is_rolled_back(stored: tuple[Stored, str]) -> None:
    old, _ = stored
    empty: Json = {"messages": None, "model_specific_prompts": [], "variables_schema": None, "tools": []}
    answer = old.put(content="mended", **empty)
    assert answer.status_code == 200, answer.text
    before = old.get("1.0.0")
    sent = {name: before[name] for name in (*empty, "description", "tags", "metadata", "template_format", "variables")}
    answer = old.put(**sent, **({} if sent["messages"] else {"content": before["content"]}))
    assert answer.status_code == 200, answer.text
    back = answer.json()["data"]
    assert (back["version"], back["content_hash"]) == ("1.0.2", before["content_hash"])


def test_what_no_version_of_the_prompt_says_is_held_to_the_rules(stored: tuple[Stored, str]) -> None:
    old, problem = stored
    answer = old.put(**old.fields, response_format={"type": "json_object"})
    assert answer.status_code == 422
    assert [item["field"] for item in answer.json()["error"]["details"]["validation_errors"]] == [problem]
    name = f"{old.slug}-again"
    content = {} if "messages" in old.fields else {"content": "x"}
    answer = old.client.post(PROMPTS, json={"name": name, "slug": name, **content, **old.fields})
    assert answer.status_code == 422
    assert [item["field"] for item in answer.json()["error"]["details"]["validation_errors"]] == [problem]


def test_a_change_of_the_tools_is_held_to_the_choice_that_stays(client: httpx.Client) -> None:
    name = f"tools-{uuid.uuid4().hex[:10]}"
    body: Json = {"name": name, "slug": name, "content": "x", "tools": [{"name": "sum"}]}
    made = client.post(PROMPTS, json={**body, "tool_choice": {"type": "tool", "name": "sum"}})
    assert made.status_code == 201, made.text
    answer = client.put(f"{PROMPTS}/{name}", json={"tools": []})
    assert [item["field"] for item in answer.json()["error"]["details"]["validation_errors"]] == ["tool_choice.name"]
