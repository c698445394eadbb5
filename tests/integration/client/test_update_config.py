"""Changing the configuration of a client that is in use: no call fails, and afterwards everything is as asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import anyio
import httpx
import pytest
from promptops.client import (
    CacheConfig,
    CacheLevel,
    ClientConfig,
    ConfigurationError,
    PromptOpsClient,
    SyncPromptOpsClient,
    TelemetryConfig,
)
from promptops.server import EmbeddedServer

pytestmark = pytest.mark.anyio
MakeClient = Callable[..., PromptOpsClient]
ROUNDS = 12


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[str, str]]:
    """Two servers; the prompt ``which`` says which one it is of."""
    with EmbeddedServer() as one, EmbeddedServer() as other:
        for name, server in (("one", one), ("other", other)):
            with SyncPromptOpsClient(base_url=server.url) as client:
                client.create_prompt({"name": "which", "content": name})
        yield one.url, other.url


def config(url: str, **changes: object) -> ClientConfig:
    return ClientConfig(base_url=url, read_environment=False, **changes)  # type: ignore[arg-type] # fields by name


def test_threads_in_the_middle_of_calls_never_see_a_failure(servers: tuple[str, str]) -> None:
    failures: list[BaseException] = []
    seen: list[str] = []
    over = threading.Event()
    with SyncPromptOpsClient(config(servers[0])) as client:

        def work() -> None:
            try:
                while not over.is_set():
                    seen.append(client.get_prompt("which", use_cache=False).content)
                    client.render_prompt("which", {})
            except BaseException as error:  # noqa: BLE001 - of another thread; looked at below
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for number in range(ROUNDS):
            before = len(seen)
            client.update_config({"base_url": servers[(number + 1) % 2], "timeout": 20.0 + number})
            now = ("other", "one")[number % 2]
            assert client.get_prompt("which").content == now
            while (len(seen) < before + 10 or now not in seen[before:]) and not failures:
                over.wait(0.002)
        over.set()
        for thread in threads:
            thread.join()
        assert client.get_prompt("which").content == "one"
        assert client.get_stats().failed_requests == 0
    assert not failures
    assert set(seen) == {"one", "other"}


async def test_tasks_in_the_middle_of_calls_never_see_a_failure(servers: tuple[str, str]) -> None:
    seen: list[str] = []
    over = False
    async with PromptOpsClient(config(servers[0])) as client:

        async def work() -> None:
            while not over:
                seen.append((await client.get_prompt("which", use_cache=False)).content)
                await client.render_prompt("which", {})

        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(work)
            for number in range(ROUNDS):
                before = len(seen)
                client.update_config({"base_url": servers[(number + 1) % 2], "max_connections": 20 + number})
                now = ("other", "one")[number % 2]
                assert (await client.get_prompt("which")).content == now
                # Ten more answers, of any of the tasks, and one of them from the server of now.
                while len(seen) < before + 10 or now not in seen[before:]:  # noqa: ASYNC110
                    await anyio.sleep(0.002)
            over = True
        assert client.get_stats().failed_requests == 0
    assert set(seen) == {"one", "other"}


async def test_an_answer_of_the_old_server_is_not_kept_for_the_new_one(servers: tuple[str, str]) -> None:
    async with PromptOpsClient(config(servers[0])) as client:
        calls = [asyncio.create_task(client.get_prompt("which", use_cache=False)) for _ in range(20)]
        await asyncio.sleep(0)
        client.update_config({"base_url": servers[1]})
        await asyncio.gather(*calls)
        assert (await client.get_prompt("which")).content == "other"


async def test_a_resource_that_was_kept_follows_the_change(make_client: MakeClient, servers: tuple[str, str]) -> None:
    client = make_client(config(servers[0]))
    prompts = client.prompts
    assert (await prompts.get("which")).content == "one"
    client.update_config({"base_url": servers[1]})
    assert (await prompts.get("which")).content == "other"


async def test_only_what_changed_is_rebuilt(make_client: MakeClient, servers: tuple[str, str]) -> None:
    client = make_client(config(servers[0]))
    await client.get_prompt("which")
    client.update_config({"timeout": 5.0})
    assert client.get_cache_stats().size == 1  # the same server and key: what is kept still holds
    client.update_config({"cache": CacheConfig(max_size=0)})
    assert (client.get_cache_stats().size, client.get_cache_stats().hits) == (0, 0)
    client.update_config({"cache": None, "telemetry": TelemetryConfig(enabled=False)})
    await client.get_prompt("which")
    await client.get_prompt("which")
    assert client.get_cache_stats().hits == 1
    assert not client.get_telemetry_summary().enabled
    client.update_config({"api_key": "another-key"})
    assert client.get_cache_stats().size == 0  # another key may see other prompts


async def test_the_cache_can_be_switched_off_and_on(make_client: MakeClient, servers: tuple[str, str]) -> None:
    client = make_client(config(servers[0]))
    for level, requests in ((CacheLevel.NONE, 3), (CacheLevel.MEMORY, 1)):
        client.update_config({"cache": CacheConfig(level=level)})
        before = client.get_stats().total_requests
        for _ in range(3):
            await client.get_prompt("which")
        assert client.get_stats().total_requests - before == requests
        assert client.get_cache_stats().level == level.value


async def test_everything_is_checked_before_anything_changes(make_client: MakeClient, servers: tuple[str, str]) -> None:
    client = make_client(config(servers[0]))
    before = client.get_config()
    with pytest.raises(ConfigurationError, match=r"cache\.ttl"):
        client.update_config({"base_url": servers[1], "timeout": 3.0, "cache": CacheConfig(ttl=-1)})
    with pytest.raises(ConfigurationError, match="API key"):
        client.update_config({"timeout": 3.0, "base_url": "https://prompts.example"})
    assert client.get_config() == before
    assert (await client.get_prompt("which")).content == "one"


async def test_what_get_config_shows_can_be_handed_back(make_client: MakeClient, servers: tuple[str, str]) -> None:
    client = make_client(config(servers[0], api_key="a-key-of-mine", secret_key="a-secret"))
    shown = client.get_config()
    assert (shown.api_key, shown.secret_key, shown.timeout) == ("***", "***", 30.0)
    assert "a-key-of-mine" not in repr(shown)
    client.update_config(shown)
    client.update_config({"timeout": 7.0, "api_key": shown.api_key})
    assert (client.get_config().timeout, client.get_config().api_key) == (7.0, "***")
    client.update_config(ClientConfig(timeout=8.0))
    assert client.get_config().timeout == 8.0
    client.update_config({"timeout": None})
    assert client.get_config() == shown


async def test_telemetry_can_be_switched_at_any_time(make_client: MakeClient, servers: tuple[str, str]) -> None:
    client = make_client(config(servers[0], telemetry=TelemetryConfig(enabled=False, flush_interval=3600.0)))
    await client.get_prompt("which")
    assert client.get_telemetry_summary().offered_events == 0
    client.enable_telemetry(1.0)
    assert client.get_config().telemetry == TelemetryConfig(sample_rate=1.0, flush_interval=3600.0)
    await client.get_prompt("which")
    assert client.get_telemetry_summary().pending_events == 1
    client.disable_telemetry()
    await client.get_prompt("which")
    assert client.get_telemetry_summary().pending_events == 1
    client.update_config({"timeout": 9.0})
    assert not client.get_telemetry_summary().enabled
    client.enable_telemetry()
    assert client.get_telemetry_summary().sample_rate == 0.1


async def test_health_names_what_is_wrong_and_never_raises(make_client: MakeClient, servers: tuple[str, str]) -> None:
    client = make_client(config(servers[0]))
    health = await client.health_check()
    assert (health.status, health.errors, set(health.dependencies)) == (
        "healthy",
        [],
        {"api", "cache", "telemetry"},
    )
    assert all({"status", "latency_ms", "detail"} <= item.keys() for item in health.dependencies.values())
    assert health.timestamp.tzinfo is not None
    client.update_config({"base_url": "http://127.0.0.1:9"})
    away = await client.health_check()
    assert (away.status, len(away.errors), away.dependencies["api"]["status"]) == ("unhealthy", 1, "unhealthy")
    await client.shutdown()
    assert (await client.health_check()).status == "unhealthy"


async def test_health_is_bad_when_the_key_is_refused_and_degraded_when_telemetry_is(
    make_client: MakeClient, keyed_server: object, servers: tuple[str, str]
) -> None:
    url = getattr(keyed_server, "url", "")
    refused = await make_client(config(url, api_key="not-a-key")).health_check()
    assert refused.status == "unhealthy"
    assert "key" in refused.errors[0]
    lost = TelemetryConfig(sample_rate=1.0, endpoint="http://127.0.0.1:9", flush_interval=3600.0)
    client = make_client(config(servers[0], telemetry=lost))
    await client.get_prompt("which")
    await client.flush_telemetry()
    health = await client.health_check()
    assert (health.status, health.dependencies["api"]["status"]) == ("degraded", "healthy")
    assert health.errors[0].startswith("telemetry: ")


async def test_a_client_of_the_callers_stays_in_use_and_open(servers: tuple[str, str]) -> None:
    async with httpx.AsyncClient() as own:
        async with PromptOpsClient(config(servers[0]), http_client=own) as client:
            assert (await client.get_prompt("which")).content == "one"
            client.update_config({"base_url": servers[1]})
            assert (await client.get_prompt("which")).content == "other"
        assert not own.is_closed


async def test_a_client_that_was_shut_down_cannot_be_changed(make_client: MakeClient, servers: tuple[str, str]) -> None:
    client = make_client(config(servers[0]))
    await client.shutdown()
    with pytest.raises(ConfigurationError, match="shut down"):
        client.update_config({"timeout": 1.0})


async def test_telemetry_never_leaves_beside_an_asynchronous_client_of_the_callers(servers: tuple[str, str]) -> None:
    telemetry = TelemetryConfig(sample_rate=1.0, flush_interval=0.01)
    async with (
        httpx.AsyncClient() as own,
        PromptOpsClient(config(servers[0]), telemetry=telemetry, http_client=own) as client,
    ):
        await client.get_prompt("which")
        await client.flush_telemetry()
        summary = client.get_telemetry_summary()
    assert (summary.pending_events, summary.delivered_events) == (1, 0)


def test_what_was_queued_for_the_old_server_still_reaches_it() -> None:
    telemetry = TelemetryConfig(sample_rate=1.0, flush_interval=3600.0)
    with EmbeddedServer() as one, EmbeddedServer() as other:
        with SyncPromptOpsClient(config(one.url, telemetry=telemetry)) as client:
            client.create_prompt({"name": "which", "content": "x"})
            queued = client._state.reports.telemetry  # pyright: ignore[reportPrivateUsage] - nothing public holds it
            assert queued is not None
            client.update_config({"base_url": other.url})
            assert client.get_telemetry_summary().pending_events == 0
            assert queued.flush()
        assert queued.summary().delivered_events == 1
