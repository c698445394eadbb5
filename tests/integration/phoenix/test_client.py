"""The client as a whole: opening and closing, health, version, keys, headers, other people's HTTP clients, proxies."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from typing import Any
from urllib.request import Request, urlopen

import httpx
import pytest
from promptops.core.errors import (
    AuthenticationError,
    AuthorizationError,
    ConfigurationError,
    InvalidResponseError,
    NetworkError,
    PromptOpsError,
)
from promptops.core.messages import Request as Call
from promptops.core.testing.faults import FaultProxy, http_answer
from promptops.phoenix import PhoenixClient, SyncPhoenixClient
from promptops.phoenix._generated import GetProjectsResponseBody
from promptops.phoenix._http import fetch, path
from promptops.phoenix._state import ClientState

pytestmark = pytest.mark.anyio

Make = Callable[..., PhoenixClient]


def state_of(client: object) -> ClientState:
    """What both kinds of client hold; its coroutines can be awaited for either."""
    target: object = client.__dict__.get("_target", client)
    state: ClientState = target.__dict__["_state"]
    return state


def version_of(url: str) -> str:
    with urlopen(f"{url}/arize_phoenix_version") as answer:
        said: bytes = answer.read()
        return said.decode()


async def projects(client: PhoenixClient) -> GetProjectsResponseBody:
    return await fetch(state_of(client).runtime, path("projects"), GetProjectsResponseBody)


async def test_server_says_that_it_is_ready_and_which_version_it_is(phoenix: PhoenixClient, phoenix_url: str) -> None:
    version = version_of(phoenix_url)
    before = [phoenix.server_version]
    health = await phoenix.health()
    assert (health.ready, health.version, health.url) == (True, version, phoenix_url)
    assert [*before, phoenix.server_version] == [None, version]
    assert version in repr(state_of(phoenix).describe())


async def test_version_is_learned_from_any_answer(phoenix: PhoenixClient, phoenix_url: str) -> None:
    await projects(phoenix)
    assert phoenix.server_version == version_of(phoenix_url)


async def test_key_of_the_administrator_opens_the_server(make_phoenix: Make, phoenix_auth: Any) -> None:
    assert (await projects(make_phoenix(base_url=phoenix_auth.url, api_key=phoenix_auth.secret))).data
    assert (await projects(make_phoenix(base_url=phoenix_auth.url, api_key=lambda: phoenix_auth.secret))).data


@pytest.mark.parametrize("settings", [{}, {"api_key": "wrong-canary"}, {"headers": {"api_key": "wrong-canary"}}])
async def test_missing_or_wrong_key_is_refused_and_says_where_to_put_one(
    make_phoenix: Make, phoenix_auth: Any, settings: dict[str, Any]
) -> None:
    with pytest.raises(AuthenticationError, match="PHOENIX_API_KEY") as caught:
        await projects(make_phoenix(base_url=phoenix_auth.url, **settings))
    assert "canary" not in repr((str(caught.value), caught.value.__dict__))
    assert ("No key was sent" in str(caught.value)) is not bool(settings)


async def test_health_of_a_path_that_the_server_does_not_have_is_no_health(
    make_phoenix: Make, phoenix_url: str
) -> None:
    """The server answers any address with its pages, and with status 200."""
    with pytest.raises(InvalidResponseError, match="base_url is wrong"):
        await make_phoenix(base_url=f"{phoenix_url}/projects").health()


async def test_health_and_version_need_no_key(make_phoenix: Make, phoenix_auth: Any) -> None:
    assert (await make_phoenix(base_url=phoenix_auth.url).health()).ready


async def test_given_key_wins_over_an_authorization_header(make_phoenix: Make, phoenix_auth: Any) -> None:
    client = make_phoenix(
        base_url=phoenix_auth.url, api_key=phoenix_auth.secret, headers={"AUTHORIZATION": "Bearer wrong"}
    )
    assert (await projects(client)).data


async def test_control_such_a_header_alone_is_sent(make_phoenix: Make, phoenix_auth: Any) -> None:
    right = {"Authorization": f"Bearer {phoenix_auth.secret}"}
    assert (await projects(make_phoenix(base_url=phoenix_auth.url, headers=right))).data
    with pytest.raises(AuthenticationError):
        await projects(make_phoenix(base_url=phoenix_auth.url, headers={"AUTHORIZATION": "Bearer wrong"}))


async def test_settings_of_the_environment_are_enough(
    make_phoenix: Make, phoenix_auth: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOENIX_COLLECTOR_ENDPOINT", f"{phoenix_auth.url}/v1/traces")
    monkeypatch.setenv("PHOENIX_API_KEY", phoenix_auth.secret)
    assert (await projects(make_phoenix())).data


async def test_key_of_a_user_may_not_do_what_an_administrator_may(
    make_phoenix: Make, phoenix_auth: Any, unique: Callable[[str], str]
) -> None:
    member = make_member(phoenix_auth, unique("member"))
    client = make_phoenix(base_url=phoenix_auth.url, api_key=member)
    assert (await projects(client)).data
    with pytest.raises(AuthorizationError):
        await state_of(client).runtime.send(Call(method="GET", path=path("users"), query=(("limit", "1"),)))


def make_member(server: Any, name: str) -> str:
    """A user without rights of an administrator; returns a key of theirs."""
    user = {"user": {"email": f"{name}@test.test", "username": name, "role": "MEMBER", "auth_method": "LOCAL"}}
    user["user"]["password"] = "Long-enough-1"
    post(f"{server.url}/v1/users", user, f"Bearer {server.secret}")
    with httpx.Client(base_url=server.url) as browser:
        browser.post("/auth/login", json={"email": f"{name}@test.test", "password": "Long-enough-1"})
        made = browser.post("/v1/user/api_keys", json={"data": {"name": name}})
    key: str = made.json()["data"]["key"]
    return key


def post(url: str, body: Any, authorization: str) -> Any:
    headers = {"content-type": "application/json", "authorization": authorization}
    with urlopen(Request(url, data=json.dumps(body).encode(), headers=headers)) as answer:
        return json.loads(answer.read())


async def test_nothing_listening_names_the_command_and_the_variable(make_phoenix: Make) -> None:
    with pytest.raises(NetworkError, match=r"`phoenix serve`.*PHOENIX_COLLECTOR_ENDPOINT"):
        await make_phoenix(base_url="http://127.0.0.1:9").health()


async def test_closed_client_says_so_and_can_be_closed_again(make_phoenix: Make, phoenix_url: str) -> None:
    client = make_phoenix(base_url=phoenix_url)
    await client.health()
    close = getattr(client.__dict__.get("_target"), "close", None)
    for _ in range(2):
        if close is None:
            await client.aclose()
        else:
            close()
    with pytest.raises(ConfigurationError, match="closed"):
        await client.health()


async def test_leaving_the_block_closes_the_client(phoenix_url: str) -> None:
    async with PhoenixClient(base_url=phoenix_url) as client:
        assert (await client.health()).ready
    with pytest.raises(ConfigurationError, match="closed"):
        await client.health()


def test_leaving_the_block_closes_the_blocking_client(phoenix_url: str) -> None:
    with SyncPhoenixClient(base_url=phoenix_url) as client:
        assert client.health().ready
    with pytest.raises(ConfigurationError, match="closed"):
        client.health()


async def test_async_client_of_the_caller_carries_everything_and_stays_open(phoenix_auth: Any) -> None:
    seen: list[str] = []

    async def look(request: httpx.Request) -> None:
        seen.append(request.url.path)

    async with httpx.AsyncClient(event_hooks={"request": [look]}) as given:
        async with PhoenixClient(base_url=phoenix_auth.url, api_key=phoenix_auth.secret, http_client=given) as client:
            assert (await client.health()).ready
            assert (await projects(client)).data
        assert not given.is_closed
    assert seen == ["/readyz", "/arize_phoenix_version", "/v1/projects"]


def test_client_of_the_caller_carries_everything_and_stays_open(phoenix_auth: Any) -> None:
    seen: list[str] = []

    def look(request: httpx.Request) -> None:
        seen.append(request.url.path)

    with httpx.Client(event_hooks={"request": [look]}) as given:
        with SyncPhoenixClient(base_url=phoenix_auth.url, api_key=phoenix_auth.secret, http_client=given) as client:
            assert client.health().ready
        assert not given.is_closed
    assert seen == ["/readyz", "/arize_phoenix_version"]


async def test_path_behind_a_reverse_proxy_and_headers_are_in_every_request(
    make_phoenix: Make, make_recorder: Callable[..., Any]
) -> None:
    proxy = make_recorder(prefix="/team/phoenix")
    client = make_phoenix(base_url=f"{proxy.url}/team/phoenix/", headers={"X-Team": "red"})
    assert (await client.health()).ready
    assert (await projects(client)).data
    assert [path for _, path, _ in proxy.requests] == [
        "/team/phoenix/readyz",
        "/team/phoenix/arize_phoenix_version",
        "/team/phoenix/v1/projects",
    ]
    assert {headers["x-team"] for _, _, headers in proxy.requests} == {"red"}


async def test_proxy_that_is_down_is_blamed_and_not_the_server(make_phoenix: Make, phoenix_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        down = f"127.0.0.1:{listener.getsockname()[1]}"
    client = make_phoenix(base_url=phoenix_url, proxy=f"http://me:sk-canary@{down}")
    with pytest.raises(
        NetworkError, match=rf"{phoenix_url} through the proxy http://{down}: nothing listens"
    ) as caught:
        await client.health()
    assert "canary" not in str(caught.value)


async def test_control_without_the_path_the_proxy_says_no(
    make_phoenix: Make, make_recorder: Callable[..., Any]
) -> None:
    with pytest.raises(PromptOpsError):
        await make_phoenix(base_url=make_recorder(prefix="/team/phoenix").url).health()


async def test_server_of_another_kind_is_not_taken_for_one(make_phoenix: Make) -> None:
    page = http_answer(200, (("content-type", "text/html"),), b"<!DOCTYPE html><title>Something else</title>")
    with FaultProxy(respond=lambda method, target: page) as other:
        with pytest.raises(InvalidResponseError, match="base_url does not lead to a Phoenix server"):
            await projects(make_phoenix(base_url=other.url))
        with pytest.raises(InvalidResponseError, match="does not lead to a Phoenix server"):
            await make_phoenix(base_url=other.url).health()


async def test_address_where_nothing_is_found_is_no_phoenix(make_phoenix: Make) -> None:
    nothing = http_answer(404, (("content-type", "text/plain"),), b"not found")
    said = "GET /readyz answered with status 404: base_url does not lead"
    with FaultProxy(respond=lambda method, target: nothing) as other, pytest.raises(InvalidResponseError, match=said):
        await make_phoenix(base_url=other.url).health()


def test_resources_and_stores_are_made_once_without_a_request() -> None:
    for client in (PhoenixClient(base_url="http://127.0.0.1:9"), SyncPhoenixClient(base_url="http://127.0.0.1:9")):
        for name in (
            "prompts",
            "datasets",
            "experiments",
            "projects",
            "spans",
            "traces",
            "sessions",
            "annotations",
            "stores",
        ):
            assert getattr(client, name) is getattr(client, name)
        for name in ("prompts", "datasets", "experiments"):
            assert getattr(client.stores, name) is getattr(client.stores, name)


def test_one_blocking_client_serves_many_threads(phoenix_url: str) -> None:
    with SyncPhoenixClient(base_url=phoenix_url, max_connections=4) as client:
        ready: list[bool] = []
        threads = [threading.Thread(target=lambda: ready.append(client.health().ready)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ready == [True] * 8
