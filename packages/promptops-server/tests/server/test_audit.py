"""The record of writes: one row for each, with who and what, and nothing changes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from promptops.server import EmbeddedServer, wire
from promptops.server.grants import Scope
from promptops.server.key_admin import create_key, revoke_key
from promptops.server.keys import IssuedKey
from promptops.server.stores import migrations
from promptops.server.stores.sqlite import database_path

AUDIT = "/v1/client/audit"


class Recorded:
    """A server with one administrator."""

    def __init__(self, url: str, directory: Path, key: IssuedKey) -> None:
        self.directory, self.key = directory, key
        self.client = httpx.Client(
            verify=False, base_url=url, headers={"Authorization": f"Bearer {key.text}", "X-Request-ID": "asked-for-it"}
        )

    def send(self, method: str, path: str, **rest: Any) -> Any:
        answer = self.client.request(method, path, **rest)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def entries(self, **filters: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.send("GET", AUDIT, params=filters)["data"]["entries"]
        return found


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    key = create_key(tmp_path, name="admin", scopes=[Scope.ADMIN], limits=wire.KeyLimits(rate=10_000))
    with EmbeddedServer(tmp_path) as server:
        made = Recorded(server.url, tmp_path, key)
        yield made
        made.client.close()


def test_every_write_leaves_one_row_that_says_who_what_and_when(recorded: Recorded) -> None:
    send = recorded.send
    prompt = send("POST", "/v1/client/prompts", json={"name": "p", "content": "x"})["data"]
    one = f"/v1/client/prompts/{prompt['id']}"
    send("PUT", one, json={"content": "y"})
    send("PUT", one, json={"content": "z", "create_new_version": False, "version": "1.0.1"})
    send("POST", f"{one}/render", json={})
    send("DELETE", one, params={"version": "1.0.0"})
    send("DELETE", one)
    body: Any = {"name": "d", "space_id": prompt["project_id"], "examples": [{"a": 1}]}
    dataset = send("POST", "/v2/datasets", json=body)
    send("POST", f"/v2/datasets/{dataset['id']}/examples", json={"examples": [{"a": 2}]})
    example = send("GET", f"/v2/datasets/{dataset['id']}/examples")["examples"][0]["id"]
    run = {"example_id": example, "output": "o"}
    body = {"name": "e", "dataset_id": dataset["id"], "experiment_runs": [run]}
    experiment = send("POST", "/v2/experiments", json=body)
    send("POST", f"/v2/experiments/{experiment['id']}/runs", json={"experiment_runs": [run]})
    send("DELETE", f"/v2/experiments/{experiment['id']}")
    send("DELETE", f"/v2/datasets/{dataset['id']}")
    key = send("POST", "/v1/client/auth/api-keys", json={"name": "k"})["data"]["key"]["id"]
    send("DELETE", f"/v1/client/auth/api-keys/{key}")
    send("DELETE", f"/v1/client/auth/api-keys/{key}")  # changes nothing any more
    entries = [entry for entry in reversed(recorded.entries()) if entry["key_id"] is not None]
    version = dataset["versions"][0]["id"]
    assert [(entry["kind"], entry["action"], entry["object_id"], entry["version"]) for entry in entries] == [
        ("prompt", "created", prompt["id"], "1.0.0"),
        ("prompt", "versioned", prompt["id"], "1.0.1"),
        ("prompt", "edited", prompt["id"], "1.0.1"),
        ("prompt", "deleted", prompt["id"], "1.0.0"),
        ("prompt", "deleted", prompt["id"], None),
        ("dataset", "created", dataset["id"], version),
        ("dataset", "examples_added", dataset["id"], version),
        ("experiment", "created", experiment["id"], None),
        ("experiment", "runs_added", experiment["id"], None),
        ("experiment", "deleted", experiment["id"], None),
        ("dataset", "deleted", dataset["id"], None),
        ("key", "created", key, None),
        ("key", "revoked", key, None),
    ]
    assert {entry["key_id"] for entry in entries} == {recorded.key.public_id}
    assert {entry["request_id"] for entry in entries} == {"asked-for-it"}
    assert {entry["project_id"] for entry in entries} == {prompt["project_id"]}
    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)


def test_a_write_that_fails_or_is_a_repetition_leaves_no_row(recorded: Recorded) -> None:
    body = {"name": "p", "content": "x"}
    for _ in range(3):
        recorded.send("POST", "/v1/client/prompts", json=body, headers={"Idempotency-Key": "k"})
    assert recorded.client.post("/v1/client/prompts", json=body).status_code == 409
    assert recorded.client.put("/v1/client/prompts/p", json={"version": "1.0.0"}).status_code == 409
    assert recorded.client.delete("/v1/client/prompts/nowhere").status_code == 404
    assert [entry["action"] for entry in recorded.entries(kind="prompt")] == ["created"]


def test_the_record_is_read_in_pages_and_by_thing(recorded: Recorded) -> None:
    ids = [
        recorded.send("POST", "/v1/client/prompts", json={"name": f"p{n}", "content": "x"})["data"]["id"]
        for n in range(5)
    ]
    found: list[str] = []
    query: dict[str, Any] = {"kind": "prompt", "limit": 2}
    while True:
        page = recorded.send("GET", AUDIT, params=query)["data"]
        found += [entry["object_id"] for entry in page["entries"]]
        if not page["pagination"]["has_more"]:
            break
        query["cursor"] = page["pagination"]["next_cursor"]
    assert found == list(reversed(ids))
    assert [entry["object_id"] for entry in recorded.entries(object_id=ids[2])] == [ids[2]]
    assert recorded.client.get(AUDIT, params={"cursor": query["cursor"]}).status_code == 422


def test_keys_made_on_the_command_line_are_in_the_record(recorded: Recorded) -> None:
    key = create_key(recorded.directory, name="cli")
    revoke_key(recorded.directory, key.public_id)
    revoke_key(recorded.directory, key.public_id)
    entries = recorded.entries(object_id=key.public_id)
    assert [(entry["action"], entry["key_id"], entry["request_id"]) for entry in entries] == [
        ("revoked", None, None),
        ("created", None, None),
    ]


@pytest.mark.parametrize("statement", ["UPDATE audit SET action = 'nothing'", "DELETE FROM audit"])
def test_the_record_only_grows(recorded: Recorded, statement: str) -> None:
    connection = sqlite3.connect(database_path(recorded.directory))
    with pytest.raises(sqlite3.IntegrityError, match="only grows"):
        connection.execute(statement)
    connection.close()


def test_the_record_of_an_older_database_is_carried_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with monkeypatch.context() as first:
        first.setattr(migrations, "HEAD", 1)
        migrations.migrate(connection)
    connection.execute("INSERT INTO prompt_audit VALUES (1, 'id', 'project', '1.0.0', 'created', 'key', 'hash', 5)")
    migrations.migrate(connection)
    rows = connection.execute("SELECT kind, action, object_id, version, key_id, project_id, at FROM audit").fetchall()
    assert rows == [("prompt", "created", "id", "1.0.0", "key", "project", 5)]
    connection.close()
    assert not list(tmp_path.iterdir())
