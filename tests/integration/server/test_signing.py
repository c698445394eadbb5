"""Signed requests over HTTP: what is replayed, stale, altered or unsigned is refused, also after a restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from promptops.client import AuthenticationError, PromptOpsClient, SyncPromptOpsClient
from promptops.core.signing import new_nonce, sign, timestamp
from promptops.server import EmbeddedServer, Limits, wire
from promptops.server.grants import Scope
from promptops.server.key_admin import create_key
from promptops.server.keys import IssuedKey

PROMPTS = "/v1/client/prompts"
PATIENT = Limits(failed_auth_per_minute=1_000_000)
WIDE = wire.KeyLimits(rate=100_000, per_minute=10**9)


class Signed:
    """A key and the server that knows it."""

    def __init__(self, url: str, key: IssuedKey) -> None:
        self.url, self.key = url, key
        self.host = url.removeprefix("http://")

    def headers(self, method: str, path: str, *, body: bytes = b"", skew: float = 0, **rest: Any) -> dict[str, str]:
        """The headers of a signed request."""
        made = sign(
            secret=rest.get("secret", self.key.secret_key),
            key_id=self.key.public_id,
            method=method,
            host=self.host,
            path=path,
            query=rest.get("query", ()),
            body=body,
            at=timestamp(time.time() + skew),
            nonce=rest.get("nonce") or new_nonce(),
        )
        return {"Authorization": f"Bearer {self.key.text}", "Content-Type": "application/json", **dict(made)}

    def create(self, name: str, **rest: Any) -> httpx.Response:
        """Create a prompt with a signed request."""
        body = f'{{"name":"{name}","content":"x"}}'.encode()
        headers = self.headers("POST", PROMPTS, body=body, **rest)
        return httpx.post(self.url + PROMPTS, content=rest.get("send", body), headers=headers)


def make_key(directory: Path, *, required: bool) -> IssuedKey:
    return create_key(directory, name="k", scopes=list(Scope), require_signature=required, limits=WIDE)


@pytest.fixture
def signed(tmp_path: Path) -> Iterator[Signed]:
    """A key that must sign."""
    key = make_key(tmp_path, required=True)
    with EmbeddedServer(tmp_path, limits=PATIENT) as server:
        yield Signed(server.url, key)


def message(answer: httpx.Response) -> str:
    """What a refusal says; every refusal of a signature is a 401."""
    assert answer.status_code == 401, answer.text
    error = answer.json()["error"]
    assert error["code"] == "AUTHENTICATION_ERROR"
    assert error["details"] == {}
    assert answer.headers["x-should-retry"] == "false"
    text: str = error["message"]
    return text


def test_each_reason_to_refuse_has_a_message_that_tells_no_secret(signed: Signed) -> None:
    assert signed.create("good").status_code == 201
    unsigned = httpx.get(signed.url + PROMPTS, headers={"Authorization": f"Bearer {signed.key.text}"})
    nonce = new_nonce()
    assert signed.create("first", nonce=nonce).status_code == 201
    half = signed.headers("GET", PROMPTS)
    del half["x-promptops-nonce"]
    messages = [
        message(unsigned),
        message(signed.create("replayed", nonce=nonce)),
        message(signed.create("stale", skew=-310)),
        message(signed.create("altered", send=b'{"name":"other","content":"x"}')),
        message(httpx.get(signed.url + PROMPTS, headers=half)),
    ]
    assert len(set(messages)) == 5
    assert message(signed.create("forged", secret="guess")) == messages[3]
    for text in messages:
        for secret in (signed.key.text, signed.key.secret_key, nonce):
            assert secret not in text
    names = {
        prompt["name"]
        for prompt in httpx.get(signed.url + PROMPTS, headers=signed.headers("GET", PROMPTS)).json()["data"]["prompts"]
    }
    assert names == {"good", "first"}


@pytest.mark.parametrize(("skew", "status"), [(-299, 201), (298, 201), (-302, 401), (303, 401)])
def test_the_window_is_300_seconds_both_ways(signed: Signed, skew: int, status: int) -> None:
    assert signed.create("p", skew=skew).status_code == status


def test_the_path_the_query_and_the_host_are_covered(signed: Signed) -> None:
    query = {"limit": "10", "query": "a b/ü"}
    headers = signed.headers("GET", PROMPTS, query=query.items())
    with httpx.Client(base_url=signed.url) as client:
        assert client.get(PROMPTS, params={**query, "limit": "11"}, headers=headers).status_code == 401
        assert client.get(f"{PROMPTS}/x", params=query, headers=headers).status_code == 401
        assert client.get(PROMPTS, params=query, headers={**headers, "Host": "localhost"}).status_code == 401
        assert client.delete(PROMPTS, params=query, headers=headers).status_code == 401
        assert client.get(PROMPTS, params=query, headers=headers).status_code == 200
        encoded = f"{PROMPTS}/team%2Fgreeting"
        assert client.get(encoded, headers=signed.headers("GET", encoded)).status_code == 404
        assert client.get(encoded, headers=signed.headers("GET", f"{PROMPTS}/team/greeting")).status_code == 401


def test_a_refused_signature_comes_before_the_body_is_looked_at(signed: Signed) -> None:
    for body in (b"{", b"[" * 1000, b"\xff"):
        headers = signed.headers("POST", PROMPTS, body=b"something else")
        assert httpx.post(signed.url + PROMPTS, content=body, headers=headers).status_code == 401
    headers = signed.headers("POST", PROMPTS, body=b"{")
    assert httpx.post(signed.url + PROMPTS, content=b"{", headers=headers).status_code == 422


async def replays(signed: Signed, name: str, count: int) -> list[int]:
    body = f'{{"name":"{name}","content":"x"}}'.encode()
    headers = signed.headers("POST", PROMPTS, body=body)
    async with httpx.AsyncClient(base_url=signed.url, verify=False) as client:
        answers = await asyncio.gather(*(client.post(PROMPTS, content=body, headers=headers) for _ in range(count)))
    return sorted(answer.status_code for answer in answers)


def test_of_50_concurrent_replays_exactly_one_is_accepted(signed: Signed) -> None:
    for round_ in range(3):
        assert asyncio.run(replays(signed, f"p{round_}", 50)) == [201] + [401] * 49


def test_of_many_serial_replays_exactly_one_is_accepted(signed: Signed) -> None:
    headers = signed.headers("GET", PROMPTS)
    with httpx.Client(base_url=signed.url, verify=False) as client:
        statuses = [client.get(PROMPTS, headers=headers).status_code for _ in range(200)]
    assert statuses == [200] + [401] * 199


def test_a_replay_is_refused_after_a_restart(tmp_path: Path) -> None:
    key = make_key(tmp_path, required=True)
    with EmbeddedServer(tmp_path) as server:
        first = Signed(server.url, key)
        headers = first.headers("GET", PROMPTS)
        assert httpx.get(server.url + PROMPTS, headers=headers).status_code == 200
        port = int(server.url.rpartition(":")[2])
    with EmbeddedServer(tmp_path, port=port) as server:
        assert "nonce" in message(httpx.get(server.url + PROMPTS, headers=headers))


def test_a_key_that_need_not_sign_is_held_to_the_signatures_it_sends(tmp_path: Path) -> None:
    key = make_key(tmp_path, required=False)
    with EmbeddedServer(tmp_path) as server:
        signed = Signed(server.url, key)
        assert httpx.get(server.url + PROMPTS, headers={"Authorization": f"Bearer {key.text}"}).status_code == 200
        assert signed.create("good").status_code == 201
        assert "does not match" in message(signed.create("forged", secret="guess"))
        assert "300 seconds" in message(signed.create("stale", skew=-400))


def test_wrong_signatures_count_as_wrong_credentials(tmp_path: Path) -> None:
    key = make_key(tmp_path, required=True)
    with EmbeddedServer(tmp_path) as server:
        signed = Signed(server.url, key)
        statuses = [signed.create("p", secret="guess").status_code for _ in range(12)]
        assert statuses == [401] * 10 + [429] * 2
        assert signed.create("p").status_code == 201


def test_clients_of_both_kinds_sign_what_the_server_accepts(signed: Signed) -> None:
    settings: dict[str, Any] = {"base_url": signed.url, "api_key": signed.key.text}
    with SyncPromptOpsClient(**settings, secret_key=signed.key.secret_key) as client:
        made = client.prompts.create("Grüße & Co", content="Hello {{name}}", slug="team/greeting", tags=["a b", "ü"])
        assert client.prompts.get("team/greeting").id == made.id
        assert [found.id for found in client.prompts.list(tags=["a b", "ü"], query="Grüße &")] == [made.id]

    async def asynchronously() -> None:
        async with PromptOpsClient(**settings, secret_key=signed.key.secret_key) as client:
            await client.prompts.update("team/greeting", content="Hi {{name}}")
            assert (await client.prompts.get("team/greeting")).version == "1.0.1"

    asyncio.run(asynchronously())
    with SyncPromptOpsClient(**settings) as client, pytest.raises(AuthenticationError, match="signed requests only"):
        client.prompts.get("team/greeting")
    wrong = signed.key.secret_key[::-1]
    with (
        SyncPromptOpsClient(**settings, secret_key=wrong) as client,
        pytest.raises(AuthenticationError, match="does not match") as caught,
    ):
        client.prompts.get("team/greeting")
    assert wrong not in str(caught.value)


def test_a_key_that_must_sign_makes_only_keys_that_must(signed: Signed) -> None:
    path = "/v1/client/auth/api-keys"

    def make(body: bytes) -> httpx.Response:
        headers = signed.headers("POST", path, body=body)
        return httpx.post(signed.url + path, content=body, headers=headers)

    assert make(b'{"name":"n"}').json()["data"]["key"]["require_signature"] is True
    refused = make(b'{"name":"n","require_signature":false}')
    assert (refused.status_code, "require_signature" in refused.text) == (403, True)
