"""The prompt store of a Phoenix server keeps what every store of prompts keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from promptops.core import AsyncRuntime, RuntimeConfig
from promptops.phoenix.prompts._store import PhoenixPromptStore
from promptops.prompts.testing import PromptStoreConformance


class TestPhoenixPrompts(PromptStoreConformance):
    @pytest.fixture
    async def prompts(self, phoenix_url: str) -> AsyncIterator[PhoenixPromptStore]:
        runtime = AsyncRuntime(RuntimeConfig(base_url=phoenix_url))
        yield PhoenixPromptStore(runtime)
        await runtime.aclose()
