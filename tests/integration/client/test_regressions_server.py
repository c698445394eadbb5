"""Where the original product failed silently, and the server's part in it: regressions 12 to 15 of the contract.

The numbers in the names are those of the contract's list.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from promptops.client import (
    AuthenticationError,
    AuthorizationError,
    ClientConfig,
    PromptNotFoundError,
    PromptOpsClient,
    RateLimitError,
    ValidationError,
)
from promptops.core.signing import new_nonce, sign, timestamp
from promptops.server import EmbeddedServer, Limits, wire
from promptops.server.grants import Scope
from promptops.server.key_admin import create_key
from promptops.server.keys import IssuedKey

MakeClient = Callable[..., PromptOpsClient]
PROMPTS = "/v1/client/prompts"
KEYS = "/v1/client/auth/api-keys"
WIDE = wire.KeyLimits(rate=100_000, per_minute=1_000_000)
pytestmark = pytest.mark.anyio


class Place:
    """A server with keys, and configurations of clients that use them."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url, self.directory = url, directory

    def key(self, **facts: Any) -> IssuedKey:
        plain: dict[str, Any] = {"name": "k", "scopes": list(Scope), "limits": WIDE}
        return create_key(self.directory, **{**plain, **facts})

    def config(self, key: str | None, **settings: Any) -> ClientConfig:
        return ClientConfig(base_url=self.url, api_key=key, read_environment=False, **settings)

    def http(self, key: IssuedKey) -> httpx.Client:
        return httpx.Client(base_url=self.url, verify=False, headers={"Authorization": f"Bearer {key.text}"})


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    create_key(tmp_path, name="first", projects=["admin"], scopes=[Scope.ADMIN], limits=WIDE)
    with EmbeddedServer(tmp_path, limits=Limits(failed_auth_per_minute=1_000_000)) as server:
        yield Place(server.url, tmp_path)


async def test_regression_12_every_send_has_a_signature_of_its_own(make_client: MakeClient, place: Place) -> None:
    key = place.key(require_signature=True)
    client = make_client(place.config(key.text, secret_key=key.secret_key))
    await client.prompts.create("same", content="x")
    for _ in range(10):
        await client.prompts.get("same", use_cache=False)
    with contextlib.closing(sqlite3.connect(place.directory / "promptops.db")) as database:
        (used,) = database.execute("SELECT count(*) FROM nonces WHERE public_id = ?", (key.public_id,)).fetchone()
    assert used == 11


def test_regression_12_a_replay_a_stale_time_and_a_changed_body_are_refused(place: Place) -> None:
    key = place.key()

    def headers(body: bytes, *, skew: float = 0.0) -> dict[str, str]:
        host = place.url.removeprefix("http://")
        made = sign(
            secret=key.secret_key,
            key_id=key.public_id,
            method="POST",
            host=host,
            path=PROMPTS,
            body=body,
            at=timestamp(time.time() + skew),
            nonce=new_nonce(),
        )
        return {"Content-Type": "application/json", **dict(made)}

    body = b'{"name":"signed","content":"x"}'
    with place.http(key) as client:
        once = headers(body)
        assert client.post(PROMPTS, content=body, headers=once).status_code == 201
        refused = [
            client.post(PROMPTS, content=body, headers=once),
            client.post(PROMPTS, content=b'{"name":"stale","content":"x"}', headers=headers(body, skew=-301)),
            client.post(PROMPTS, content=b'{"name":"other","content":"x"}', headers=headers(body)),
        ]
        assert [answer.status_code for answer in refused] == [401, 401, 401]
        assert len({answer.json()["error"]["message"] for answer in refused}) == 3
        assert client.get(PROMPTS).json()["data"]["total"] == 1


async def test_regression_13_each_refusal_has_its_class_and_429_says_when_in_whole_seconds(
    make_client: MakeClient, place: Place
) -> None:
    spent = place.key(limits=wire.KeyLimits(per_day=1))
    client = make_client(place.config(spent.text))
    await client.prompts.list()
    with pytest.raises(RateLimitError) as limited:
        await client.prompts.list()
    assert type(limited.value.retry_after) is int
    assert 0 < limited.value.retry_after <= 86_400
    with pytest.raises(AuthenticationError):
        await make_client(place.config(f"{spent.text[:-1]}{'0' if spent.text[-1] != '0' else '1'}")).prompts.list()
    reader = make_client(place.config(place.key(scopes=[Scope.PROMPTS_READ]).text))
    with pytest.raises(AuthorizationError):
        await reader.prompts.create("nothing", content="x")
    with place.http(place.key()) as http:
        answer = http.get(PROMPTS, params={"sort_by": "unknown"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")
    with pytest.raises(ValidationError):
        await make_client(place.config(place.key().text)).prompts.create("bad", content="x", slug="no good slug!")


async def test_regression_14_a_key_of_one_project_gets_nothing_of_another_from_any_route(
    make_client: MakeClient, place: Place
) -> None:
    owner, stranger = place.key(projects=["b"]), place.key(projects=["a"])
    prompt = await make_client(place.config(owner.text)).prompts.create("secretive", content="the hidden text")
    client = make_client(place.config(stranger.text))
    for reference in (prompt.id, "secretive"):
        with pytest.raises(PromptNotFoundError):
            await client.prompts.get(reference)
    assert list(await client.prompts.list(query="hidden")) == []
    one = f"{PROMPTS}/{prompt.id}"
    with place.http(stranger) as http:
        refused = [
            http.get(one),
            http.get(one, params={"project_id": "b"}),
            http.get(PROMPTS, params={"project_id": "b"}),
            http.get(f"{one}/versions"),
            http.get(f"{one}/versions/1.0.0"),
            http.get(f"{one}/model/openai/gpt-4"),
            http.post(f"{one}/render", json={}),
            http.post("/v1/client/models/compatibility", json={"prompt_id": prompt.id, "model_provider": "openai"}),
            http.get("/v1/client/usage/stats", params={"project_id": "b"}),
            http.get("/v1/client/audit", params={"project_id": "b"}),
            http.get(KEYS, params={"project_id": "b"}),
            http.delete(f"{KEYS}/{owner.public_id}"),
            http.put(one, json={"content": "taken over"}),
            http.delete(one),
        ]
        assert {answer.status_code for answer in refused} <= {404, 422}
        empty = [
            http.get(PROMPTS),
            http.get(PROMPTS, params={"query": "hidden"}),
            http.post(f"{PROMPTS}/batch", json={"prompt_ids": [prompt.id, "secretive"]}),
            http.get("/v1/client/usage/stats"),
            http.get("/v1/client/audit"),
            http.get(KEYS),
        ]
        assert {answer.status_code for answer in empty} == {200}
        for answer in (*refused, *empty):
            for theirs in ("hidden text", owner.public_id, prompt.project_id or "nothing"):
                assert theirs not in answer.text.replace(f"'{owner.public_id}'", "")
        assert empty[2].json()["data"]["prompts"] == {}
    assert (await make_client(place.config(owner.text)).prompts.get("secretive")).content == "the hidden text"


def test_regression_15_the_list_of_keys_never_contains_a_secret(place: Place) -> None:
    admin = place.key()
    with place.http(admin) as http:
        made = [http.post(KEYS, json={"name": f"k{number}"}).json()["data"] for number in range(5)]
        text = "".join(http.get(KEYS, params={"limit": 2, "offset": offset}).text for offset in range(0, 8, 2))
        text += http.post("/v1/client/auth/validate").text + http.get("/v1/client/audit").text
    secrets = [admin.text, admin.secret_key]
    for key in made:
        assert key["key"]["id"] in text
        secrets += [key["api_key"], key["secret_key"]]
    for secret in secrets:
        _, _, _, hidden, checksum = secret.split("_")
        assert hidden not in text
        assert f"_{checksum}" not in text
    for word in ("hash", "secret", "api_key", "pepper"):
        assert f'"{word}' not in text
