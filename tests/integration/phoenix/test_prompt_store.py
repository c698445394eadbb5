"""The prompt store of a Phoenix server keeps what every store of prompts keeps, on both clients."""

from __future__ import annotations

import pytest
from promptops.phoenix import PhoenixClient
from promptops.phoenix.prompts._store import PhoenixPromptStore
from promptops.prompts.testing import PromptStoreConformance


class TestPhoenixPrompts(PromptStoreConformance):
    @pytest.fixture
    def prompts(self, phoenix: PhoenixClient) -> PhoenixPromptStore:
        return phoenix.stores.prompts
