"""T10 and regression 10 through the client: what lies in a shared cache is served as it was written, or not at all."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from promptops.cache import CacheConfig
from promptops.client import ClientConfig, PromptResponse, SyncPromptOpsClient
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import Refuse
from promptops.core.testing.outages import Outage
from promptops.server import EmbeddedServer

Open = Callable[..., Any]
Change = Callable[[bytes, random.Random, bytes], bytes]


def flip(data: bytes, chance: random.Random, _: bytes) -> bytes:
    changed = bytearray(data)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(data: bytes, chance: random.Random, _: bytes) -> bytes:
    return data[: chance.randrange(len(data))]


def swap(_: bytes, chance: random.Random, other: bytes) -> bytes:
    return other


def lengthen(data: bytes, chance: random.Random, _: bytes) -> bytes:
    return data + chance.randbytes(8)


def noise(data: bytes, chance: random.Random, _: bytes) -> bytes:
    return chance.randbytes(len(data))


CHANGES: list[Change] = [flip, flip, flip, cut, cut, swap, lengthen, noise]


@pytest.fixture
def counted(library: EmbeddedServer) -> Iterator[FaultProxy]:
    with FaultProxy(library.url) as proxy:
        yield proxy


@pytest.fixture
def times(soak: bool) -> int:
    """How many values are damaged."""
    return 1000 if soak else 120


def client_of(url: str, cache: CacheConfig) -> SyncPromptOpsClient:
    return SyncPromptOpsClient(ClientConfig(base_url=url, read_environment=False, cache=cache))


def read(url: str, cache: CacheConfig, name: str) -> Any:
    """What a client that knows nothing yet reads."""
    with client_of(url, cache) as client:
        return client.prompts.read(name)


def test_damaged_files_are_never_served(
    counted: FaultProxy, names: tuple[str, ...], tmp_path: Path, times: int
) -> None:
    cache = CacheConfig(level="disk", directory=str(tmp_path))
    chance = random.Random(10)
    files: dict[str, Path] = {}
    for name in names[:2]:
        known = set(files.values())
        read(counted.url, cache, name)
        entries = [path for path in tmp_path.rglob("*") if path.is_file() and "entries" in path.parts]
        (files[name],) = set(entries) - known
    name, other = names[:2]
    good, of_other = files[name].read_bytes(), files[other].read_bytes()
    expected = read(counted.url, cache, name)
    assert expected.source == "disk"  # the control: undamaged it is served
    for number in range(times):
        damaged = CHANGES[number % len(CHANGES)](good, chance, of_other)
        files[name].write_bytes(damaged)
        found = read(counted.url, cache, name)
        assert (found.source, found.prompt) == ("network", expected.prompt)
        good = files[name].read_bytes()  # it was written again
    assert read(counted.url, cache, name).source == "disk"


def test_links_and_open_modes_are_never_served(counted: FaultProxy, names: tuple[str, ...], tmp_path: Path) -> None:
    cache = CacheConfig(level="disk", directory=str(tmp_path / "cache"))
    read(counted.url, cache, names[0])
    (file,) = [path for path in tmp_path.rglob("*") if path.is_file() and "entries" in path.parts]
    file.chmod(0o666)
    assert read(counted.url, cache, names[0]).source == "network"
    assert read(counted.url, cache, names[0]).source == "disk"
    target = tmp_path / "elsewhere"
    shutil.move(file, target)
    file.symlink_to(target)
    assert read(counted.url, cache, names[0]).source == "network"


def test_damaged_values_in_redis_are_never_served(
    counted: FaultProxy, names: tuple[str, ...], redis_url: str, times: int
) -> None:
    prefix = f"damage-{counted.port}:"
    cache = CacheConfig(level="redis", redis_url=redis_url, redis_prefix=prefix, push=False)
    chance = random.Random(11)
    raw: Any = import_module("redis").Redis.from_url(redis_url)
    try:
        keys: dict[str, bytes] = {}
        for name in names[:2]:
            read(counted.url, cache, name)
            (keys[name],) = set(raw.scan_iter(match=f"{prefix}*")) - set(keys.values())
        name, other = names[:2]
        good, of_other = raw.get(keys[name]), raw.get(keys[other])
        expected = read(counted.url, cache, name)
        assert expected.source == "redis"  # the control
        for number in range(times):
            raw.set(keys[name], CHANGES[number % len(CHANGES)](good, chance, of_other))
            found = read(counted.url, cache, name)
            assert (found.source, found.prompt) == ("network", expected.prompt)
    finally:
        raw.close()


def test_processes_killed_while_they_write_leave_nothing_torn(
    lose: Callable[[str], Outage],
    run_reader: Callable[..., Any],
    names: tuple[str, ...],
    tmp_path: Path,
    soak: bool,
) -> None:
    outage = lose("refused")
    chance = random.Random(12)
    cache = {"level": "disk", "directory": str(tmp_path / "cache"), "ttl": 0.0}
    for _ in range(100 if soak else 4):
        reader = run_reader(outage.url, names, cache=cache, rounds=1000)
        reader.start()
        time.sleep(chance.uniform(0.05, 0.3))
        reader.close()
    last = run_reader(outage.url, names, cache=cache)
    last.start()
    assert last.finish()["errors"] == []
    outage.begin()
    with client_of(outage.url, CacheConfig(level="disk", directory=str(tmp_path / "cache"))) as client:
        for name in names:
            found = client.prompts.read(name)
            assert (found.prompt.slug, found.source) == (name, "disk")
        stats = client.get_cache_stats()
    assert [(tier.tier, tier.unusable, tier.hits) for tier in stats.tiers] == [("disk", 0, len(names))]


def test_regression_10_hybrid_hit_in_redis_after_memory_was_cleared_is_the_typed_prompt(
    counted: FaultProxy, names: tuple[str, ...], redis_url: str, tmp_path: Path, open_client: Open
) -> None:
    cache = CacheConfig(level="hybrid", redis_url=redis_url, directory=str(tmp_path))
    client = open_client(counted.url, cache=cache)
    first = client.get(names[0])
    client.client.prompts.cache.shelf.clear()
    counted.set(Refuse())
    found = client.read(names[0])
    assert (found.source, found.stale, found.cache_hit) == ("redis", False, True)
    assert isinstance(found.prompt, PromptResponse)
    assert found.prompt == first
    assert client.render(names[0], {"who": "Ada"}).rendered_content == f"{names[0]}: hello Ada"


def test_regression_10_control_at_the_memory_level_it_is_gone(
    counted: FaultProxy, names: tuple[str, ...], open_client: Open
) -> None:
    client = open_client(counted.url)
    client.get(names[0])
    client.client.prompts.cache.shelf.clear()
    counted.set(Refuse())
    assert client.get(names[0], fallback="gone", timeout=0.5) == "gone"


def test_redis_that_is_lost_leaves_the_disk(
    counted: FaultProxy, names: tuple[str, ...], tmp_path: Path, open_client: Open
) -> None:
    with FaultProxy(mode=Refuse()) as nowhere:
        url = f"redis://127.0.0.1:{nowhere.port}/0"
        cache = CacheConfig(level="hybrid", redis_url=url, directory=str(tmp_path))
        client = open_client(counted.url, cache=cache)
        first = client.get(names[0])
        client.client.prompts.cache.shelf.clear()
        counted.set(Refuse())
        found = client.read(names[0])
        assert (found.prompt, found.source) == (first, "disk")
