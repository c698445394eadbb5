"""Opening, closing, and what happens outside of that."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest
from promptops.client import ConfigurationError, PromptOpsClient, SyncPromptOpsClient

URL = "http://127.0.0.1:9"
RESOURCES = ["prompts", "datasets", "experiments"]


@pytest.mark.anyio
async def test_the_async_client_opens_and_closes_with_its_block() -> None:
    async with PromptOpsClient(base_url=URL) as client:
        assert client.prompts is client.prompts
    with pytest.raises(ConfigurationError, match="shut down") as caught:
        _ = client.prompts
    assert caught.value.error_code == "CLIENT_CLOSED"


def test_the_blocking_client_opens_and_closes_with_its_block() -> None:
    with SyncPromptOpsClient(base_url=URL) as client:
        assert client.prompts is client.prompts
    with pytest.raises(ConfigurationError, match="shut down") as caught:
        _ = client.prompts
    assert caught.value.error_code == "CLIENT_CLOSED"


@pytest.mark.anyio
@pytest.mark.parametrize("end", [PromptOpsClient.shutdown, PromptOpsClient.close, PromptOpsClient.aclose])
async def test_every_way_to_close_the_async_client_may_be_taken_twice(
    end: Callable[[PromptOpsClient], Awaitable[None]],
) -> None:
    client = PromptOpsClient(base_url=URL)
    await client.initialize()
    await client.initialize()
    await end(client)
    await end(client)
    with pytest.raises(ConfigurationError, match="shut down"):
        await client.initialize()


@pytest.mark.parametrize("end", [SyncPromptOpsClient.shutdown, SyncPromptOpsClient.close])
def test_every_way_to_close_the_blocking_client_may_be_taken_twice(end: Callable[[SyncPromptOpsClient], None]) -> None:
    client = SyncPromptOpsClient(base_url=URL)
    client.initialize()
    client.initialize()
    end(client)
    end(client)
    with pytest.raises(ConfigurationError, match="shut down"):
        client.initialize()


@pytest.mark.anyio
async def test_a_client_that_was_never_used_can_be_closed() -> None:
    await PromptOpsClient(base_url=URL).shutdown()
    SyncPromptOpsClient(base_url=URL).shutdown()


@pytest.mark.anyio
async def test_a_closed_client_cannot_be_entered_again() -> None:
    client, blocking = PromptOpsClient(base_url=URL), SyncPromptOpsClient(base_url=URL)
    await client.shutdown()
    blocking.shutdown()
    with pytest.raises(ConfigurationError, match="Make a new one"):
        await client.__aenter__()
    with pytest.raises(ConfigurationError, match="Make a new one"), blocking:
        pass


@pytest.mark.anyio
@pytest.mark.parametrize("name", RESOURCES)
async def test_a_resource_kept_from_before_refuses_calls_after_shutdown(name: str) -> None:
    client, blocking = PromptOpsClient(base_url=URL), SyncPromptOpsClient(base_url=URL)
    kept, kept_blocking = getattr(client, name), getattr(blocking, name)
    await client.shutdown()
    blocking.shutdown()
    with pytest.raises(ConfigurationError, match=r"shut down|closed"):
        await kept.get("anything")
    with pytest.raises(ConfigurationError, match=r"shut down|closed"):
        kept_blocking.get("anything")


@pytest.mark.parametrize("name", RESOURCES)
def test_first_use_from_many_threads_makes_one_resource(name: str) -> None:
    client = SyncPromptOpsClient(base_url=URL)
    barrier = threading.Barrier(16)
    found: list[object] = []

    def use() -> None:
        barrier.wait()
        found.append(getattr(client, name))

    threads = [threading.Thread(target=use) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len({id(item) for item in found}) == 1
    client.shutdown()


def test_the_representation_says_when_it_was_shut_down() -> None:
    client = SyncPromptOpsClient(base_url=URL, project="shop")
    assert repr(client) == "SyncPromptOpsClient('http://127.0.0.1:9', project='shop')"
    client.shutdown()
    assert "shut down" in repr(client)


def test_a_client_made_outside_of_a_loop_serves_inside_of_one() -> None:
    client = PromptOpsClient(base_url=URL)
    _ = client.prompts

    async def use() -> None:
        async with client:
            assert client.prompts is not None

    asyncio.run(use())
