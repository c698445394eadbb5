"""The routes of keys over a real socket: what they tell, and that no key makes a stronger one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from promptops.server import EmbeddedServer, wire
from promptops.server.grants import Scope
from promptops.server.key_admin import create_key
from promptops.server.keys import IssuedKey

KEYS = "/v1/client/auth/api-keys"
VALIDATE = "/v1/client/auth/validate"
GENEROUS = wire.KeyLimits(rate=10_000)


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


class Admin:
    """A server with an administrator of the projects ``shop`` and ``blog``."""

    def __init__(self, url: str, directory: Path, key: IssuedKey) -> None:
        self.directory, self.key = directory, key
        self.client = httpx.Client(verify=False, base_url=url, headers=bearer(key.text))

    def make(self, **body: Any) -> httpx.Response:
        return self.client.post(KEYS, json={"name": "made", **body})

    def made(self, **body: Any) -> dict[str, Any]:
        answer = self.make(**body)
        assert answer.status_code == 201, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def another(self, **facts: Any) -> IssuedKey:
        plain: dict[str, Any] = {"name": "other", "scopes": [Scope.ADMIN], "projects": ["shop"], "limits": GENEROUS}
        return create_key(self.directory, **{**plain, **facts})


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[Admin]:
    key = create_key(tmp_path, name="admin", projects=["shop", "blog"], scopes=[Scope.ADMIN], limits=GENEROUS)
    with EmbeddedServer(tmp_path) as server:
        admin = Admin(server.url, tmp_path, key)
        yield admin
        admin.client.close()


def test_a_key_that_was_made_works_and_tells_its_secrets_once(admin: Admin) -> None:
    data = admin.made(name="app", projects=["blog"], scopes=["prompts:read"])
    key = data["key"]
    assert data["api_key"].split("_")[2] == key["id"] == data["secret_key"].split("_")[2]
    assert [project["name"] for project in key["projects"]] == ["blog"]
    assert key["scopes"] == ["prompts:read"]
    assert (key["revoked_at"], key["expires_at"], key["require_signature"]) == (None, None, False)
    answer = admin.client.post(VALIDATE, headers=bearer(data["api_key"]))
    assert answer.json()["data"] == {
        "valid": True,
        "key_id": key["id"],
        "name": "app",
        "projects": key["projects"],
        "default_project": key["projects"][0]["id"],
        "scopes": ["prompts:read"],
        "require_signature": False,
        "expires_at": None,
    }
    assert admin.client.get("/v1/client/prompts", headers=bearer(data["api_key"])).status_code == 200
    for path in (KEYS, VALIDATE, "/v1/client/audit"):
        method = "POST" if path == VALIDATE else "GET"
        text = admin.client.request(method, path).text
        assert data["api_key"].split("_")[3] not in text
        assert data["secret_key"].split("_")[3] not in text


def test_without_more_a_key_reads_the_default_project_of_its_maker(admin: Admin) -> None:
    key = admin.made()["key"]
    assert [project["name"] for project in key["projects"]] == ["shop"]
    assert key["scopes"] == ["prompts:read", "telemetry"]


def test_revocation_is_at_once_and_repeats_without_harm(admin: Admin) -> None:
    data = admin.made()
    path = f"{KEYS}/{data['key']['id']}"
    assert admin.client.post(VALIDATE, headers=bearer(data["api_key"])).status_code == 200
    first = admin.client.delete(path).json()["data"]
    assert first["revoked"] is True
    assert admin.client.post(VALIDATE, headers=bearer(data["api_key"])).status_code == 401
    assert admin.client.delete(path).json()["data"] == first
    assert admin.client.get(KEYS).json()["data"]["keys"][0]["revoked_at"] == first["revoked_at"]
    assert admin.client.delete(f"{KEYS}/nobody").status_code == 404


def test_keys_are_listed_in_pages_newest_first(admin: Admin) -> None:
    ids = [admin.made(name=f"k{number}")["key"]["id"] for number in range(5)]
    ids = [*reversed(ids), admin.key.public_id]
    pages = [admin.client.get(KEYS, params={"limit": 2, "offset": offset}).json()["data"] for offset in (0, 2, 4)]
    assert [key["id"] for page in pages for key in page["keys"]] == ids
    assert [page["has_more"] for page in pages] == [True, True, False]
    assert {page["total"] for page in pages} == {6}
    assert admin.client.get(KEYS, params={"limit": 1001}).status_code == 422
    listed = admin.client.get(KEYS, params={"project_id": "blog"}).json()["data"]
    assert [key["id"] for key in listed["keys"]] == [admin.key.public_id]


@pytest.mark.parametrize("scope", [scope for scope in Scope if scope is not Scope.ADMIN])
def test_only_administrators_reach_keys_and_the_record(admin: Admin, scope: Scope) -> None:
    weak = admin.made(scopes=[scope])["api_key"]
    for method, path in (("GET", KEYS), ("POST", KEYS), ("DELETE", f"{KEYS}/x"), ("GET", "/v1/client/audit")):
        answer = admin.client.request(method, path, headers=bearer(weak))
        assert answer.status_code == 403
        assert "'admin'" in answer.text
    assert admin.client.post(VALIDATE, headers=bearer(weak)).json()["data"]["scopes"] == [scope]


def test_a_key_grants_no_project_that_it_does_not_have(admin: Admin) -> None:
    narrow = bearer(admin.another(projects=["shop"]).text)
    for projects in (["blog"], ["shop", "blog"], ["nowhere"]):
        answer = admin.client.post(KEYS, json={"name": "more", "projects": projects}, headers=narrow)
        assert answer.status_code == 404, answer.text
    assert admin.client.post(KEYS, json={"name": "same", "projects": ["shop"]}, headers=narrow).status_code == 201


def test_a_key_with_more_projects_is_neither_seen_nor_revoked(admin: Admin) -> None:
    narrow = admin.another(projects=["shop"])
    seen = admin.client.get(KEYS, headers=bearer(narrow.text)).json()["data"]["keys"]
    assert [key["id"] for key in seen] == [narrow.public_id]
    answer = admin.client.delete(f"{KEYS}/{admin.key.public_id}", headers=bearer(narrow.text))
    assert answer.status_code == 404
    assert admin.client.post(VALIDATE).status_code == 200


def test_a_key_grants_no_longer_life_than_its_own(admin: Admin) -> None:
    short = bearer(admin.another(expires_in_seconds=3600).text)
    later = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    sooner = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    answer = admin.client.post(KEYS, json={"name": "n", "expires_at": later}, headers=short)
    assert (answer.status_code, "expires_at" in answer.text) == (403, True)
    assert admin.client.post(KEYS, json={"name": "n", "expires_at": sooner}, headers=short).status_code == 201
    inherited = admin.client.post(KEYS, json={"name": "n"}, headers=short).json()["data"]["key"]["expires_at"]
    assert inherited is not None
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    answer = admin.make(expires_at=past)
    assert (answer.status_code, answer.json()["error"]["details"]["validation_errors"][0]["field"]) == (
        422,
        "expires_at",
    )


def test_an_expiring_key_is_refused_once_its_time_has_come(admin: Admin) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=2.0)
    key = admin.made(expires_at=soon.isoformat())["api_key"]
    assert admin.client.post(VALIDATE, headers=bearer(key)).status_code == 200
    time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds()) + 0.01)
    assert admin.client.post(VALIDATE, headers=bearer(key)).status_code == 401


def test_a_key_grants_no_higher_limits_than_its_own(admin: Admin) -> None:
    plain = bearer(admin.another(limits=wire.KeyLimits(per_minute=50)).text)
    for limits in ({"per_minute": 51}, {"per_hour": 10**9}, {"rate": 20}):
        answer = admin.client.post(KEYS, json={"name": "n", "limits": limits}, headers=plain)
        assert (answer.status_code, f"limits.{next(iter(limits))}" in answer.text) == (403, True), answer.text
    made = admin.client.post(KEYS, json={"name": "n", "limits": {"per_hour": 10}}, headers=plain).json()["data"]["key"]
    assert made["limits"] == {"per_minute": 50, "per_hour": 10, "per_day": None, "rate": None}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": 5}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["root"]}, "scopes[0]"),
        ({"projects": []}, "projects"),
        ({"expires_at": "2026-01-01T00:00:00"}, "expires_at"),
        ({"limits": {"per_minute": 0}}, "limits.per_minute"),
        ({"limits": {"per_week": 1}}, "limits.per_week"),
        ({"owner": "me"}, "owner"),
        ({"id": "Ab3dEf6hIj9l"}, "id"),
        ({"hash": "x"}, "hash"),
    ],
)
def test_a_bad_field_is_named(admin: Admin, body: dict[str, Any], field: str) -> None:
    answer = admin.make(**body)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["validation_errors"][0]["field"] == field


def test_a_repeated_create_makes_one_key_and_its_secrets_are_stored_nowhere(admin: Admin) -> None:
    headers = {"Idempotency-Key": "once"}
    first = admin.client.post(KEYS, json={"name": "once"}, headers=headers).json()["data"]
    again = admin.client.post(KEYS, json={"name": "once"}, headers=headers)
    assert again.status_code == 409
    assert first["key"]["id"] in again.json()["error"]["message"]
    assert [key["name"] for key in admin.client.get(KEYS).json()["data"]["keys"]] == ["once", "admin"]
    stored = b"".join(path.read_bytes() for path in admin.directory.iterdir() if path.name.startswith("promptops.db"))
    assert first["key"]["id"].encode() in stored
    for secret in (first["api_key"], first["secret_key"], admin.key.text, admin.key.secret_key):
        assert secret.split("_")[3].encode() not in stored


def test_the_first_key_is_not_made_over_http(server: EmbeddedServer, client: httpx.Client) -> None:
    answer = client.post(KEYS, json={"name": "first"})
    assert answer.status_code == 403
    assert "promptops keys create" in answer.text
    assert client.get(KEYS).json()["data"]["keys"] == []
    told = client.post(VALIDATE).json()["data"]
    assert (told["valid"], told["key_id"], told["name"]) == (True, None, None)
    assert server.url.startswith("http://127.0.0.1")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_a_web_page_of_another_machine_does_not_reach_a_server_without_keys(client: httpx.Client, origin: str) -> None:
    assert client.get("/v1/client/prompts", headers={"Origin": origin}).status_code == 401
    assert client.get("/v1/client/prompts", headers={"Origin": "http://localhost:3000"}).status_code == 200
