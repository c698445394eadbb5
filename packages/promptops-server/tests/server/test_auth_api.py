"""Keys, scopes and loopback over a real socket."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from promptops.core.errors import AuthenticationError, NotFoundError
from promptops.server import EmbeddedServer
from promptops.server.auth import Authenticator, is_loopback
from promptops.server.grants import Scope
from promptops.server.key_admin import create_key, list_keys, revoke_key
from promptops.server.keys import new_key
from promptops.server.openapi import operations
from promptops.server.settings import load_pepper
from promptops.server.stores.sqlite import SqliteStore, database_path


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[tuple[httpx.Client, Path]]:
    """A server that has one key with every scope, and a client without it."""
    create_key(tmp_path, name="first", scopes=list(Scope))
    with EmbeddedServer(tmp_path) as server, httpx.Client(verify=False, base_url=server.url) as client:
        yield client, tmp_path


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@pytest.mark.parametrize("path", ["/v1/client/prompts", "/v2/datasets", "/v2/nowhere", "/v1/nowhere", "/"])
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer nonsense", "Basic x", "Bearer promptops_sk_x", "unknown"]
)
def test_nothing_is_told_without_a_right_key(keyed: tuple[httpx.Client, Path], path: str, header: str | None) -> None:
    client, _ = keyed
    sent = {} if header is None else bearer(new_key().text) if header == "unknown" else {"Authorization": header}
    answer = client.get(path, headers=sent)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["x-should-retry"] == "false"
    assert "AUTHENTICATION_ERROR" in answer.text


def test_a_key_works_at_once_and_is_useless_at_once(keyed: tuple[httpx.Client, Path]) -> None:
    client, directory = keyed
    key = create_key(directory, name="second", projects=["team"], scopes=[Scope.PROMPTS_READ])
    assert client.get("/v1/client/prompts", headers=bearer(key.text)).status_code == 200
    revoke_key(directory, key.public_id)
    assert client.get("/v1/client/prompts", headers=bearer(key.text)).status_code == 401


def test_an_expired_key_is_refused(keyed: tuple[httpx.Client, Path]) -> None:
    client, directory = keyed
    key = create_key(directory, name="short", expires_in_seconds=-1)
    assert client.get("/v1/client/prompts", headers=bearer(key.text)).status_code == 401


def test_each_operation_needs_its_scope(keyed: tuple[httpx.Client, Path]) -> None:
    client, directory = keyed
    keys = {scope: create_key(directory, name=scope, scopes=[scope]).text for scope in Scope}
    for operation in operations():
        path = operation.path.replace("{prompt_id:str}", "x").replace("{version:str}", "1").replace(":str}", "}")
        for scope, key in keys.items():
            answer = client.request(operation.method, path, headers=bearer(key))
            allowed = operation.scope is None or scope in {operation.scope, operation.or_scope, Scope.ADMIN}
            assert (answer.status_code != 403) is allowed, (operation.id, scope, answer.text)
            if not allowed:
                assert str(operation.scope) in answer.text


def test_revoking_the_last_key_does_not_open_the_server(keyed: tuple[httpx.Client, Path]) -> None:
    client, directory = keyed
    for key in list_keys(directory):
        revoke_key(directory, key.public_id)
    assert client.get("/v1/client/prompts").status_code == 401


def test_the_first_key_closes_a_running_server(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server, httpx.Client(verify=False, base_url=server.url) as client:
        assert client.get("/v1/client/prompts").status_code == 200
        assert client.get("/v1/client/prompts", headers=bearer("anything")).status_code == 200
        key = create_key(tmp_path, name="first")
        assert client.get("/v1/client/prompts").status_code == 401
        assert client.get("/v1/client/prompts", headers=bearer(key.text)).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "10.0.0.1", "", "127.0.0.1.evil.example"])
def test_without_keys_a_foreign_host_name_is_refused(tmp_path: Path, host: str) -> None:
    with EmbeddedServer(tmp_path) as server, httpx.Client(verify=False, base_url=server.url) as client:
        assert client.get("/v1/client/prompts", headers={"Host": host}).status_code in {400, 401}


@pytest.mark.parametrize("peer", ["10.1.2.3", "192.168.0.7", "::ffff:10.0.0.1", "2001:db8::1", None])
def test_without_keys_a_foreign_peer_is_refused(store: SqliteStore, tmp_path: Path, peer: str | None) -> None:
    authenticator = Authenticator(store, load_pepper(tmp_path))
    with pytest.raises(AuthenticationError, match="promptops keys create"):
        asyncio.run(authenticator.identify(None, peer=peer, host="localhost"))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST", "a.localhost", "::ffff:127.0.0.1"]
)
def test_names_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "localhost.evil", "", "example", "128.0.0.1"])
def test_names_of_other_machines(host: str) -> None:
    assert not is_loopback(host)


def test_a_key_of_another_pepper_is_refused(tmp_path: Path) -> None:
    key = create_key(tmp_path, name="first")
    (tmp_path / "pepper").write_text("another pepper, long enough")
    with EmbeddedServer(tmp_path) as server:
        assert httpx.get(f"{server.url}/v1/client/prompts", headers=bearer(key.text)).status_code == 401


def test_a_copy_of_the_database_holds_no_key(tmp_path: Path) -> None:
    keys = [create_key(tmp_path, name=f"k{index}").text for index in range(20)]
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("promptops.db"))
    for key in keys:
        public, secret, _ = key.split("_")[2:]
        assert public.encode() in content
        assert secret.encode() not in content


def test_a_list_of_keys_has_no_secrets(tmp_path: Path) -> None:
    key = create_key(tmp_path, name="mine", projects=["b", "a"], scopes=[Scope.EXPERIMENTS, Scope.PROMPTS_READ])
    (found,) = list_keys(tmp_path)
    assert (found.public_id, found.name, found.default_project) == (key.public_id, "mine", "b")
    assert sorted(found.projects) == ["a", "b"]
    assert found.scopes == ["experiments", "prompts:read"]
    assert key.text not in repr(found)
    with pytest.raises(NotFoundError, match="no key"):
        revoke_key(tmp_path, "nobody")


def test_a_key_reaches_all_of_its_projects_and_writes_to_the_first(tmp_path: Path) -> None:
    key = create_key(tmp_path, name="both", projects=["one", "two"], scopes=[Scope.ADMIN])
    with (
        EmbeddedServer(tmp_path) as server,
        httpx.Client(verify=False, base_url=server.url, headers=bearer(key.text)) as client,
    ):
        spaces = {space["name"]: space["id"] for space in client.get("/v2/spaces").json()["spaces"]}
        assert set(spaces) == {"one", "two"}
        made = client.post("/v1/client/prompts", json={"name": "p", "content": "x"}).json()["data"]
        assert made["project_id"] == spaces["one"]
        assert made["created_by"] == key.public_id
        other = client.post("/v1/client/prompts?project_id=two", json={"name": "p", "slug": "q", "content": "x"})
        assert other.json()["data"]["project_id"] == spaces["two"]
        assert client.get("/v1/client/prompts").json()["data"]["total"] == 2
        assert client.get("/v1/client/prompts?project_id=two").json()["data"]["total"] == 1
        assert client.get("/v1/client/prompts/q").status_code == 404
        assert client.get("/v1/client/prompts/q?project_id=two").status_code == 200
        assert client.get(f"/v1/client/prompts/{other.json()['data']['id']}").status_code == 200
        clash = {"name": "z", "content": "x", "project_id": "one"}
        assert client.post("/v1/client/prompts?project_id=two", json=clash).status_code == 404


def test_keys_are_made_while_a_server_writes(tmp_path: Path) -> None:
    first = create_key(tmp_path, name="writer", scopes=[Scope.ADMIN])
    with (
        EmbeddedServer(tmp_path) as server,
        httpx.Client(verify=False, base_url=server.url, headers=bearer(first.text)) as client,
    ):
        for index in range(20):
            create_key(tmp_path, name=f"k{index}")
            made = client.post("/v1/client/prompts", json={"name": f"p{index}", "content": "x"})
            assert made.status_code == 201
    assert len(list_keys(tmp_path)) == 21
    connection = sqlite3.connect(database_path(tmp_path))
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
