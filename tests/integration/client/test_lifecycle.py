"""Opening, using and closing clients of a running server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
from promptops.cache import CacheConfig
from promptops.client import ConfigurationError, PromptOpsClient, SyncPromptOpsClient

Unique = Callable[[str], str]
MakeClient = Callable[..., PromptOpsClient]


@pytest.mark.anyio
async def test_the_first_call_initialises_the_client(client: PromptOpsClient, unique: Unique) -> None:
    assert (await client.prompts.create(unique("lazy"), content="x")).version == "1.0.0"


@pytest.mark.anyio
async def test_a_shut_down_client_refuses_calls_and_says_so(client: PromptOpsClient, unique: Unique) -> None:
    prompts = client.prompts
    await prompts.create(unique("before"), content="x")
    await client.shutdown()
    await client.shutdown()
    with pytest.raises(ConfigurationError, match="shut down"):
        await client.prompts.list()
    with pytest.raises(ConfigurationError):
        await prompts.list()


@pytest.mark.anyio
async def test_many_first_calls_at_once_share_one_client(server: Any, unique: Unique) -> None:
    async with PromptOpsClient(server.config()) as client:
        names = [unique("at-once") for _ in range(30)]
        made = await asyncio.gather(*(client.prompts.create(name, content="x") for name in names))
    assert [prompt.slug for prompt in made] == names


def test_many_threads_share_one_client(server: Any, unique: Unique) -> None:
    made: list[str] = []
    with SyncPromptOpsClient(server.config()) as client:
        names = [unique("threads") for _ in range(30)]

        def create(name: str) -> None:
            made.append(client.prompts.create(name, content="x").slug)

        threads = [threading.Thread(target=create, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(made) == sorted(names)


def test_one_client_serves_one_loop_after_another(server: Any, unique: Unique) -> None:
    client = PromptOpsClient(server.config())
    name = unique("loops")

    async def create() -> None:
        await client.prompts.create(name, content="x")

    async def read() -> str:
        return (await client.prompts.get(name, use_cache=False)).content

    asyncio.run(create())
    assert asyncio.run(read()) == "x"
    asyncio.run(client.shutdown())


@pytest.mark.anyio
async def test_a_blocking_client_works_inside_a_running_loop(server: Any, unique: Unique) -> None:
    with SyncPromptOpsClient(server.config()) as client:
        assert client.prompts.create(unique("inside"), content="x").content == "x"


@pytest.mark.anyio
async def test_a_client_of_the_callers_carries_everything_and_stays_open(open_server: Any, unique: Unique) -> None:
    seen: list[str] = []

    async def note(request: httpx.Request) -> None:
        seen.append(request.url.path)

    async with httpx.AsyncClient(event_hooks={"request": [note]}) as own:
        async with PromptOpsClient(open_server.config(), http_client=own) as client:
            await client.prompts.create(unique("own"), content="x")
        assert seen == ["/v1/client/prompts"]
        assert not own.is_closed


def test_a_blocking_client_of_the_callers_carries_everything_and_stays_open(open_server: Any, unique: Unique) -> None:
    seen: list[str] = []

    def note(request: httpx.Request) -> None:
        seen.append(request.url.path)

    with httpx.Client(event_hooks={"request": [note]}) as own:
        with SyncPromptOpsClient(open_server.config(), http_client=own) as client:
            client.prompts.create(unique("own"), content="x")
        assert seen == ["/v1/client/prompts"]
        assert not own.is_closed


@pytest.mark.anyio
async def test_with_an_asynchronous_client_of_the_callers_a_reader_brings_what_is_stale_up_to_date(
    open_server: Any, unique: Unique
) -> None:
    asked: list[tuple[str, int]] = []

    async def note(request: httpx.Request) -> None:
        asked.append((request.method, threading.get_ident()))

    config = open_server.config(cache=CacheConfig(ttl=0.2, jitter=0.0))
    async with (
        httpx.AsyncClient(event_hooks={"request": [note]}) as own,
        PromptOpsClient(config, http_client=own) as client,
    ):
        made = await client.prompts.create(unique("own"), content="old")
        assert (await client.prompts.get(made.slug)).content == "old"
        with SyncPromptOpsClient(open_server.config()) as other:
            other.prompts.update(made.slug, content="new")
        await anyio.sleep(0.4)
        # Nothing is served stale, so the first reader after the ttl has what the server has, asked for on its own loop.
        assert client.prompts.peek(made.slug) is None
        assert (await client.prompts.get(made.slug)).content == "new"
        assert client.prompts.peek(made.slug) is not None
    assert [method for method, _ in asked] == ["POST", "GET", "GET"]
    assert {thread for _, thread in asked} == {threading.get_ident()}


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/", "/v1/client", "/v1/client/"])
def test_every_documented_form_of_the_address_works(open_server: Any, unique: Unique, ending: str) -> None:
    with SyncPromptOpsClient(open_server.config(base_url=f"{open_server.url}{ending}")) as client:
        assert client.prompts.create(unique("address"), content="x").content == "x"
        assert client.datasets.create(unique("address"), [{"a": 1}]).name


def test_the_environment_sets_up_a_client(keyed_server: Any, monkeypatch: pytest.MonkeyPatch, unique: Unique) -> None:
    monkeypatch.setenv("PROMPTOPS_BASE_URL", keyed_server.url)
    monkeypatch.setenv("PROMPTOPS_API_KEY", keyed_server.key)
    with SyncPromptOpsClient() as client:
        assert client.prompts.create(unique("environment"), content="x").content == "x"


def test_the_key_alone_sets_up_a_client(keyed_server: Any, unique: Unique) -> None:
    with SyncPromptOpsClient(keyed_server.key, base_url=keyed_server.url) as client:
        assert client.prompts.create(unique("key"), content="x").content == "x"


SCRIPT = """
import sys
from promptops.client import SyncPromptOpsClient
client = SyncPromptOpsClient(base_url=sys.argv[1])
client.prompts.create(sys.argv[2], content="x")
print("done")
"""


def test_a_program_that_forgets_to_close_ends_by_itself_and_in_silence(open_server: Any, unique: Unique) -> None:
    command = [sys.executable, "-c", SCRIPT, open_server.url, unique("forgotten")]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "done\n", "")
