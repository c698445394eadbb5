"""The store of datasets on a Phoenix server: the resource behind the port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

from promptops.core.runtime import Runtime
from promptops.experiments.stores import Capabilities, StoredDataset
from promptops.models.datasets import DatasetExample
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.datasets._models import stored_of
from promptops.phoenix.datasets._resource import AsyncPhoenixDatasets

__all__ = ["PhoenixDatasetStore"]

_CAPABILITIES: Final = Capabilities(
    store="phoenix", features=frozenset({"append_examples", "delete_dataset", "versions", "snapshots"})
)


class PhoenixDatasetStore:
    """Datasets on a Phoenix server; see :class:`DatasetStore` for what each call does.

    Args:
        runtime: Sends the requests.
        version: What is known of the server's version.
    """

    def __init__(self, runtime: Runtime, *, version: ServerVersion) -> None:
        self._datasets = AsyncPhoenixDatasets(runtime, version=version)

    @property
    def capabilities(self) -> Capabilities:
        """What the server can do."""
        return _CAPABILITIES

    async def create(self, name: str, examples: Iterable[Mapping[str, Any] | DatasetExample]) -> StoredDataset:
        """See :class:`DatasetStore`."""
        return stored_of(await self._datasets.create(name, examples))

    async def append(self, dataset: str, examples: Iterable[Mapping[str, Any] | DatasetExample]) -> list[str]:
        """See :class:`DatasetStore`."""
        return await self._datasets.insert(dataset, examples)

    async def get(self, dataset: str) -> StoredDataset:
        """See :class:`DatasetStore`."""
        return stored_of(await self._datasets.get(dataset))

    async def iterate(self) -> AsyncIterator[StoredDataset]:
        """See :class:`DatasetStore`."""
        async for dataset in self._datasets.iterate():
            yield stored_of(dataset)

    async def examples(
        self, dataset: str, *, version: str | None = None, split: str | None = None
    ) -> AsyncIterator[DatasetExample]:
        """See :class:`DatasetStore`."""
        if split is not None and split not in {item.name for item in await self._datasets.list_splits(dataset=dataset)}:
            return
        async for example in self._datasets.iterate_examples(dataset, version=version, split=split):
            yield example

    async def delete(self, dataset: str) -> None:
        """See :class:`DatasetStore`."""
        await self._datasets.delete(dataset)
