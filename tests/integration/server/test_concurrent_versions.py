"""A thousand creators of the next version of one prompt at once: a thousand versions, no error, no gap."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from promptops.client import ClientConfig, PromptOpsClient
from promptops.server import EmbeddedServer, wire
from promptops.server.grants import Scope
from promptops.server.key_admin import create_key

CREATORS = 1000
SECONDS = 20.0


async def create_versions(url: str, key: str) -> list[str]:
    config = ClientConfig(base_url=url, api_key=key, read_environment=False, max_connections=50, timeout=SECONDS)
    async with PromptOpsClient(config) as client:
        await client.prompts.create("Raced", content="first")
        made = await asyncio.gather(
            *(client.prompts.update("raced", content=f"text {number}") for number in range(CREATORS))
        )
        # Each creator got the version of its own text.
        texts = {prompt.version: prompt.content for prompt in made}
        assert len(set(texts.values())) == CREATORS
        listed = await client.prompts.versions("raced")
        assert {prompt.version: prompt.content for prompt in listed if prompt.version != "1.0.0"} == texts
        assert (await client.prompts.get("raced", use_cache=False)).version == f"1.0.{CREATORS}"
    return [prompt.version for prompt in made]


def test_1000_concurrent_creators_of_the_next_version_get_1000_versions(tmp_path: Path) -> None:
    limits = wire.KeyLimits(rate=100_000, per_minute=1_000_000)
    key = create_key(tmp_path, name="race", scopes=list(Scope), limits=limits)
    started = time.monotonic()
    with EmbeddedServer(tmp_path) as server:
        versions = asyncio.run(create_versions(server.url, key.text))
    assert sorted(int(version.rpartition(".")[2]) for version in versions) == list(range(1, CREATORS + 1))
    assert {version.rpartition(".")[0] for version in versions} == {"1.0"}
    assert time.monotonic() - started < SECONDS
