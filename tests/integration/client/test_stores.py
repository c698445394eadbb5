"""The ports of a client: what runners and tools work over, whichever server it is."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from promptops.client import PromptOpsClient, SyncPromptOpsClient
from promptops.core.backends import client_class
from promptops.core.bridge import drive
from promptops.models import PromptCreate
from promptops.models.experiments import ExperimentRun
from promptops.server import EmbeddedServer


async def exercised(stores: Any) -> tuple[str, str]:
    """Store something in each of them, and return what comes back."""
    name = f"stores-{uuid.uuid4().hex[:8]}"
    dataset = await stores.datasets.create(name, [{"question": "1?"}])
    (example,) = [found async for found in stores.datasets.examples(dataset.id)]
    made = await stores.experiments.create(
        name, dataset_id=dataset.id, runs=[ExperimentRun(example_id=example.id, output="1")]
    )
    (row,) = [found async for found in stores.experiments.runs(made.id)]
    prompt = await stores.prompts.create(PromptCreate(name=name, content="Hello"), timeout=None)
    return str(row.output), str(prompt.content)


@pytest.mark.anyio
async def test_an_asynchronous_client_has_them(tmp_path: Any) -> None:
    with EmbeddedServer(tmp_path) as server:
        async with PromptOpsClient(base_url=server.url) as client:
            assert await exercised(client.stores) == ("1", "Hello")
            assert client.stores is client.stores


def test_those_of_a_blocking_client_never_suspend(tmp_path: Any) -> None:
    assert client_class("promptops") is SyncPromptOpsClient
    with EmbeddedServer(tmp_path) as server, SyncPromptOpsClient(base_url=server.url) as client:
        assert drive(exercised(client.stores)) == ("1", "Hello")
        assert client.stores is client.stores
