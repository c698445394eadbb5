"""The prompt store of our server keeps what every store of prompts keeps, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from promptops.core import AsyncRuntime, RuntimeConfig
from promptops.prompts import NativePromptStore
from promptops.prompts.stores import PromptStore
from promptops.prompts.testing import PromptStoreConformance
from promptops.server import EmbeddedServer


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with EmbeddedServer() as server:
        yield server.url


class TestNativePrompts(PromptStoreConformance):
    @pytest.fixture
    async def prompts(self, url: str) -> AsyncIterator[PromptStore]:
        runtime = AsyncRuntime(RuntimeConfig(base_url=url))
        yield NativePromptStore(runtime)
        await runtime.aclose()
