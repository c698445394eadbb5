"""The caches behind a client's memory: what it finds there, what it leaves there, and what writes make of that."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio.from_thread
import pytest
from promptops.cache import CacheConfig
from promptops.cache.policy import BACKGROUND
from promptops.cache_redis.testing import RedisProcess
from promptops.client import ClientConfig, ConfigurationError, PromptOpsClient, SyncPromptOpsClient
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import Refuse
from promptops.server import EmbeddedServer

Open = Callable[..., Any]
MakeCache = Callable[..., CacheConfig]


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


@pytest.fixture
def proxy(server: EmbeddedServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.url) as running:
        yield running


@pytest.fixture
def writer(server: EmbeddedServer) -> Iterator[SyncPromptOpsClient]:
    with SyncPromptOpsClient(ClientConfig(base_url=server.url, read_environment=False)) as client:
        yield client


@pytest.fixture
def name(writer: SyncPromptOpsClient, request: pytest.FixtureRequest) -> str:
    """A prompt of the test's own."""
    return writer.prompts.create(f"{request.node.name} {time.time_ns()}", content="v0").slug


@pytest.fixture(params=["disk", "redis", "hybrid"])
def cache(request: pytest.FixtureRequest, shared_redis: RedisProcess, tmp_path: Path) -> MakeCache:
    """The configuration of each level; every call is the same cache."""
    prefix = f"{request.node.name}-{time.time_ns()}:"

    def make(**settings: Any) -> CacheConfig:
        return CacheConfig(
            level=request.param,
            directory=str(tmp_path / "cache"),
            redis_url=shared_redis.url,
            redis_prefix=prefix,
            push=False,
            **settings,
        )

    return make


class InLoop:
    """The prompts and the client of an asynchronous client, called from blocking code."""

    def __init__(self, portal: Any, target: Any) -> None:
        self._portal = portal
        self._target = target

    @property
    def prompts(self) -> InLoop:
        return InLoop(self._portal, self._target.prompts)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)

        def call(*positional: Any, **named: Any) -> Any:
            done = partial(method, *positional, **named)
            return done() if name in {"get_cache_stats", "update_config"} else self._portal.call(done)

        return call


@pytest.fixture(params=["sync", "async"])
def open_client(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens clients of both kinds, called alike."""
    made: list[Any] = []
    with anyio.from_thread.start_blocking_portal() as portal:

        def make(url: str, cache: CacheConfig, **settings: Any) -> Any:
            config = ClientConfig(base_url=url, read_environment=False, cache=cache, **settings)
            if request.param == "sync":
                made.append(SyncPromptOpsClient(config))
            else:
                made.append(InLoop(portal, portal.call(partial(PromptOpsClient, config))))
            return made[-1]

        yield make
        for client in made:
            client.shutdown()


def test_another_client_finds_what_one_has_read(
    proxy: FaultProxy, open_client: Open, cache: MakeCache, name: str
) -> None:
    first, second = open_client(proxy.url, cache()), open_client(proxy.url, cache())
    read = first.read_prompt(name)
    assert (read.source, read.stale, read.cache_hit) == ("network", False, False)
    read = second.read_prompt(name)
    assert (read.source, read.stale, read.cache_hit) == (cache().level.replace("hybrid", "redis"), False, True)
    assert read.age is not None
    assert 0.0 <= read.age < 30.0
    assert proxy.requests == 1
    assert second.read_prompt(name).source == "memory"
    rendered = second.render_prompt(name, {})
    assert (rendered.source, rendered.stale, rendered.cache_hit) == ("memory", False, True)


def test_what_lies_there_outlives_the_process_and_the_server(
    proxy: FaultProxy, open_client: Open, cache: MakeCache, name: str
) -> None:
    open_client(proxy.url, cache()).get_prompt(name)
    proxy.set(Refuse())
    late = open_client(proxy.url, cache(ttl=0.001, jitter=0.0)).read_prompt(name)
    assert (late.prompt.content, late.stale, late.cache_hit) == ("v0", True, True)


def test_a_value_that_is_too_old_is_confirmed_rather_than_sent_again(
    proxy: FaultProxy, open_client: Open, cache: MakeCache, name: str
) -> None:
    open_client(proxy.url, cache()).get_prompt(name)
    read = open_client(proxy.url, cache(ttl=0.001, jitter=0.0)).read_prompt(name)
    assert (read.source, read.prompt.content) == ("network", "v0")


@pytest.mark.parametrize("write", ["update", "edit", "label", "delete"])
def test_after_a_write_of_its_own_a_client_and_others_that_start_see_it(
    proxy: FaultProxy, open_client: Open, cache: MakeCache, name: str, write: str
) -> None:
    client = open_client(proxy.url, cache())
    prompts = client.prompts
    versions = [None, "1.0.0"]
    if write == "label":
        prompts.set_label(name, "production", version="1.0.0")
        prompts.update(name, content="v1")
        prompts.get(name, label="production")
    for version in versions:
        prompts.get(name, version=version)
    if write == "update":
        prompts.update(name, content="v1")
        seen = [each.prompts.get(name).content for each in (client, open_client(proxy.url, cache()))]
        assert seen == ["v1", "v1"]
    elif write == "edit":
        prompts.update(name, version="1.0.0", content="edited")
        seen = [each.prompts.get(name, version="1.0.0").content for each in (client, open_client(proxy.url, cache()))]
        assert seen == ["edited", "edited"]
    elif write == "label":
        prompts.set_label(name, "production", version="1.0.1")
        seen = [
            each.prompts.get(name, label="production").content for each in (client, open_client(proxy.url, cache()))
        ]
        assert seen == ["v1", "v1"]
    else:
        prompts.delete(name)
        for each in (client, open_client(proxy.url, cache())):
            for version in versions:
                assert each.prompts.get(name, version=version, fallback=None) is None


def test_clearing_one_prompt_clears_it_everywhere_under_both_names_and_leaves_others(
    proxy: FaultProxy, writer: SyncPromptOpsClient, open_client: Open, cache: MakeCache, name: str
) -> None:
    other = writer.prompts.create(f"{name}-other", content="other").slug
    id_ = writer.prompts.get(name).id
    first = open_client(proxy.url, cache())
    for each in (name, id_, other):
        first.get_prompt(each)
    first.get_prompt(name, "1.0.0")
    first.clear_cache(id_)
    assert first.read_prompt(other).source == "memory"
    late = open_client(proxy.url, cache())
    for key in ((name,), (id_,), (name, "1.0.0")):
        assert late.read_prompt(*key).source == "network"
    assert late.read_prompt(other).source not in {"network", "memory"}


def test_a_client_that_read_nothing_clears_a_prompt_by_either_name(
    proxy: FaultProxy, open_client: Open, cache: MakeCache, name: str
) -> None:
    first = open_client(proxy.url, cache())
    id_ = first.get_prompt(name).id
    first.get_prompt(id_)
    open_client(proxy.url, cache()).clear_cache(name)
    late = open_client(proxy.url, cache())
    assert [late.read_prompt(each).source for each in (name, id_)] == ["network", "network"]


def test_one_version_can_be_cleared_and_so_can_everything(
    proxy: FaultProxy, open_client: Open, cache: MakeCache, name: str
) -> None:
    client = open_client(proxy.url, cache())
    client.get_prompt(name)
    client.get_prompt(name, "1.0.0")
    client.clear_cache(name, "1.0")
    late = open_client(proxy.url, cache())
    assert late.read_prompt(name).source not in {"network", "memory"}
    assert late.read_prompt(name, "1.0.0").source == "network"
    late.clear_cache()
    assert open_client(proxy.url, cache()).read_prompt(name).source == "network"


def test_many_are_found_in_the_caches_and_warming_asks_for_the_rest_alone(
    proxy: FaultProxy, writer: SyncPromptOpsClient, open_client: Open, cache: MakeCache, name: str
) -> None:
    names = [name, *(writer.prompts.create(f"{name}-{number}", content="x").slug for number in range(5))]
    open_client(proxy.url, cache()).cache_warm(names[:3])
    asked = proxy.requests
    late = open_client(proxy.url, cache())
    assert list(late.get_prompts(names[:3]).prompts) == names[:3]
    assert proxy.requests == asked
    found = late.cache_warm([*names, "nothing-like-it"])
    assert list(found.prompts) == names
    assert list(found.errors) == ["nothing-like-it"]
    assert proxy.requests == asked + 1
    assert [late.read_prompt(each).source for each in names] == ["memory"] * len(names)
    proxy.set(Refuse())
    last = open_client(proxy.url, cache(ttl=0.001, jitter=0.0))
    assert list(last.get_prompts(names).prompts) == names, "stale, when the server cannot be asked"


def test_tenants_and_projects_never_meet(proxy: FaultProxy, open_client: Open, cache: MakeCache, name: str) -> None:
    keys = [f"po_live_{public * 12}_{'s' * 43}_{'c' * 6}" for public in "ab"]
    open_client(proxy.url, cache(), api_key=keys[0]).get_prompt(name)
    assert open_client(proxy.url, cache(), api_key=keys[0]).read_prompt(name).source != "network"
    assert open_client(proxy.url, cache(), api_key=keys[1]).read_prompt(name).source == "network"
    assert open_client(proxy.url, cache()).read_prompt(name).source == "network"
    # A named project is the server's: what is kept of it outlives the rotation of a key.
    project = open_client(proxy.url, cache()).get_prompt(name).project_id
    open_client(proxy.url, cache(), api_key=keys[0], project=project).get_prompt(name)
    assert open_client(proxy.url, cache(), api_key=keys[1], project=project).read_prompt(name).source != "network"


def test_no_key_and_no_password_lies_in_the_directory(
    proxy: FaultProxy, open_client: Open, cache: MakeCache, name: str, tmp_path: Path
) -> None:
    key = f"po_live_{'a' * 12}_{'s3cret' * 7}s_{'c' * 6}"
    client = open_client(proxy.url, cache(), api_key=key, secret_key="another-s3cret")
    client.get_prompt(name, fallback=None)
    for file in (tmp_path / "cache").rglob("*"):
        if file.is_file():
            data = file.read_bytes() + file.name.encode()
            assert b"s3cret" not in data
            assert key.encode() not in data


def test_statistics_tell_the_tiers_apart(proxy: FaultProxy, open_client: Open, cache: MakeCache, name: str) -> None:
    open_client(proxy.url, cache()).get_prompt(name)
    client = open_client(proxy.url, cache())
    client.get_prompt(name)
    client.get_prompt(name)
    stats = client.get_cache_stats()
    assert (stats.level, stats.hits, stats.misses, stats.size) == (cache().level, 1, 1, 1)
    names = ["redis", "disk"] if stats.level == "hybrid" else [stats.level]
    assert [tier.tier for tier in stats.tiers] == names
    assert (stats.tiers[0].hits, stats.tiers[0].unusable, stats.tiers[0].unavailable) == (1, 0, 0)
    sizes = client.measure_cache()
    assert list(sizes) == names
    assert all(size.size >= 1 for size in sizes.values())


def test_a_stale_value_on_disk_is_served_at_once_when_that_is_preferred(
    proxy: FaultProxy, open_client: Open, cache: MakeCache, name: str
) -> None:
    open_client(proxy.url, cache()).get_prompt(name)
    asked = proxy.requests
    client = open_client(proxy.url, cache(ttl=0.001, jitter=0.0, prefer_disk=True))
    time.sleep(0.01)
    read = client.read_prompt(name)
    assert read.stale
    assert read.source in {"redis", "disk"}
    until(lambda: proxy.requests == asked + 1)


def test_the_cache_of_a_running_client_can_be_moved(
    proxy: FaultProxy, open_client: Open, cache: MakeCache, name: str, tmp_path: Path
) -> None:
    client = open_client(proxy.url, CacheConfig())
    client.get_prompt(name)
    client.update_config({"cache": cache()})
    client.clear_cache()
    client.get_prompt(name)
    assert open_client(proxy.url, cache()).read_prompt(name).source != "network"
    client.update_config({"cache": CacheConfig(level="none")})
    assert [client.read_prompt(name).source for _ in range(2)] == ["network", "network"]
    refused = tmp_path / "file"
    refused.write_text("no directory")
    with pytest.raises(ConfigurationError):
        client.update_config({"cache": CacheConfig(level="disk", directory=str(refused))})
    assert client.read_prompt(name).source == "network"


def until(holds: Callable[[], bool], limit: float = 30.0) -> None:
    end = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < end, f"not within {limit:g} s"
        time.sleep(0.01)


def nothing_installed(*, group: str, name: str) -> tuple[()]:
    del group, name
    return ()


@pytest.mark.parametrize("field", ["redis_url", "directory", "level"])
def test_what_is_missing_is_said_when_the_client_is_made(
    field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.metadata

    configs = {
        "redis_url": (CacheConfig(level="redis"), "cache.redis_url"),
        "directory": (CacheConfig(level="disk", directory=str(tmp_path / "file")), "directory"),
        "level": (CacheConfig(level="disk"), "pip install promptops-cache-disk"),
    }
    (tmp_path / "file").write_text("no directory")
    if field == "level":
        monkeypatch.setattr(importlib.metadata, "entry_points", nothing_installed)
    config, said = configs[field]
    for kind in (SyncPromptOpsClient, PromptOpsClient):
        with pytest.raises(ConfigurationError, match=said):
            kind(ClientConfig(base_url="http://127.0.0.1:9", read_environment=False, cache=config))


FORKING = """
import asyncio, os, signal, sys, time
from promptops.client import CacheConfig, PromptOpsClient, SyncPromptOpsClient

kind, url, name, directory = sys.argv[1:]
cache = CacheConfig(level="disk", directory=directory, ttl=0.2, jitter=0.0)

def refreshed(read, sleep):
    # Older than its ttl: served at once, and brought up to date behind the caller's back by a thread of this process.
    sleep(0.5)
    first = read()
    end = time.monotonic() + 30.0
    while (last := read()).stale and time.monotonic() < end:
        sleep(0.01)
    return first.source == "memory" and first.stale and not last.stale

def forked(work):
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            signal.alarm(120)
            try:
                os._exit(0 if work() else 1)
            except BaseException:
                os._exit(2)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    return codes == [0, 0, 0]

if kind == "sync":
    client = SyncPromptOpsClient(base_url=url, cache=cache)
    client.read_prompt(name)
    work = lambda: refreshed(lambda: client.read_prompt(name), time.sleep)
    good = work() and forked(work) and work()
else:
    client = PromptOpsClient(base_url=url, cache=cache)
    async def first():
        await client.read_prompt(name)
    asyncio.run(first())
    def work():
        with asyncio.Runner() as runner:
            return refreshed(lambda: runner.run(client.read_prompt(name)), time.sleep)
    good = work() and forked(work) and work()
sys.exit(0 if good else 1)  # without a shutdown: nothing keeps the process alive
"""


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_refreshing_goes_on_in_forked_children_and_in_their_parent(
    server: EmbeddedServer, name: str, tmp_path: Path, kind: str
) -> None:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING, kind, server.url, name, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - started < 120.0


def test_control_a_child_without_a_thread_of_its_own_is_never_up_to_date(
    server: EmbeddedServer, name: str, tmp_path: Path
) -> None:
    # The queue of the parent, taken over as it is: nobody works on it in the child.
    broken = FORKING.replace(
        "child == 0:\n", "child == 0:\n            BACKGROUND._worker.pid = os.getpid()\n"
    ).replace("time.monotonic() + 30.0", "time.monotonic() + 1.0")
    broken = broken.replace("work() and forked(work) and work()", "not (work() and not forked(work) and work())")
    broken = "from promptops.cache.policy import BACKGROUND\n" + broken
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", broken, "sync", server.url, name, str(tmp_path)],
        capture_output=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 1


def test_a_client_that_was_shut_down_refreshes_nothing(proxy: FaultProxy, name: str) -> None:
    config = ClientConfig(base_url=proxy.url, read_environment=False, cache=CacheConfig(ttl=0.05, jitter=0.0))
    client = SyncPromptOpsClient(config)
    client.get_prompt(name)
    time.sleep(0.1)
    proxy.set(Refuse())
    client.get_prompt(name)
    client.shutdown()
    with pytest.raises(ConfigurationError):
        client.get_prompt(name)
    until(lambda: BACKGROUND.waiting == 0)
    asked = proxy.requests
    time.sleep(0.3)
    assert proxy.requests == asked
