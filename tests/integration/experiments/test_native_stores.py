"""The stores of our server keep what every store keeps, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from promptops.core import AsyncRuntime, RuntimeConfig
from promptops.experiments.stores import DatasetStore, ExperimentStore, NativeDatasetStore, NativeExperimentStore
from promptops.experiments.testing import DatasetStoreConformance, ExperimentStoreConformance
from promptops.server import EmbeddedServer


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with EmbeddedServer() as server:
        yield server.url


@pytest.fixture
async def runtime(url: str) -> AsyncIterator[AsyncRuntime]:
    runtime = AsyncRuntime(RuntimeConfig(base_url=url))
    yield runtime
    await runtime.aclose()


@pytest.fixture
def datasets(runtime: AsyncRuntime) -> DatasetStore:
    return NativeDatasetStore(runtime)


@pytest.fixture
def experiments(runtime: AsyncRuntime) -> ExperimentStore:
    return NativeExperimentStore(runtime)


class TestNativeDatasets(DatasetStoreConformance):
    pass


class TestNativeExperiments(ExperimentStoreConformance):
    pass
