"""What reads datasets."""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from os import PathLike
from typing import Any, Final, Literal

from promptops.core.bridge import AsyncResource
from promptops.core.errors import UnsupportedOperation, ValidationError
from promptops.core.pagination import CursorPage, iterate_cursor
from promptops.core.runtime import Runtime
from promptops.experiments.datasets._reading import Format
from promptops.experiments.datasets._row import ExampleRow
from promptops.experiments.datasets._writing import ExampleWriter
from promptops.phoenix._checks import check_name, shown
from promptops.phoenix._generated import models as wire
from promptops.phoenix._http import delete, fetch_text, pairs, path
from promptops.phoenix._ids import check_id
from promptops.phoenix._large import in_turns
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.datasets._examples import PhoenixExample, example_of
from promptops.phoenix.datasets._models import PhoenixDataset, PhoenixDatasetVersion, dataset_of
from promptops.phoenix.datasets._wire import (
    datasets_page,
    example_list,
    exported,
    find_dataset,
    iterate_versions,
    resolve_dataset,
)

__all__ = ["AsyncDatasetReads", "Download", "refuse_project"]

Download = Literal["csv", "jsonl", "openai_ft", "openai_evals"]
"""What the server makes of a dataset itself."""
_DOWNLOADS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "csv": (("csv",), "text/csv"),
    "jsonl": (("jsonl",), "text/plain"),
    "openai_ft": (("jsonl", "openai_ft"), "text/plain"),
    "openai_evals": (("jsonl", "openai_evals"), "text/plain"),
}
_NAMED_PER_PAGE: Final = 100
_ROWS_PER_WRITE: Final = 500


class AsyncDatasetReads(AsyncResource):
    """Get, list, read and export datasets."""

    def __init__(self, runtime: Runtime, *, version: ServerVersion) -> None:
        super().__init__(runtime)
        self._version = version

    async def get(self, dataset: str, *, project: str | None = None) -> PhoenixDataset:
        """Return the dataset of that id or exact name, with its versions, newest first.

        Args:
            dataset: Its id or exact name.
            project: Not for Phoenix, whose datasets are in no project: anything but None is refused.

        Raises:
            NotFoundError: There is none; close names are suggested.
        """
        refuse_project(project)
        found = await find_dataset(self._runtime, dataset)
        versions = [version async for version in iterate_versions(self._runtime, found.id)]
        return dataset_of(found, tuple(versions))

    async def list_page(
        self,
        *,
        name: str | None = None,
        project: str | None = None,
        limit: int = _NAMED_PER_PAGE,
        cursor: str | None = None,
    ) -> CursorPage[PhoenixDataset]:
        """Return one page of the datasets, newest first.

        Args:
            name: Only those of the page whose name contains this; there may be fewer than ``limit`` then, or none.
            project: As for :meth:`get`.
            limit: Datasets per page, at least 1.
            cursor: ``next_cursor`` of the page before.
        """
        refuse_project(project)
        page = await datasets_page(self._runtime, cursor, limit=limit)
        found = [dataset_of(item) for item in page.items if name is None or name in item.name]
        return CursorPage(items=found, has_more=page.has_more, next_cursor=page.next_cursor)

    async def iterate(self, *, name: str | None = None, project: str | None = None) -> AsyncIterator[PhoenixDataset]:
        """Yield the datasets, newest first, page by page; ``name`` keeps those whose name contains it."""
        refuse_project(project)
        async for item in iterate_cursor(lambda cursor: datasets_page(self._runtime, cursor)):
            if name is None or name in item.name:
                yield dataset_of(item)

    async def list(self, *, name: str | None = None, project: str | None = None) -> builtins.list[PhoenixDataset]:
        """Return all datasets, newest first; ``name`` keeps those whose name contains it."""
        return [dataset async for dataset in self.iterate(name=name, project=project)]

    async def delete(self, dataset: str, *, project: str | None = None) -> None:
        """Delete the dataset of that id or exact name, with its examples and experiments."""
        refuse_project(project)
        await delete(self._runtime, path("datasets", await resolve_dataset(self._runtime, dataset)))

    async def versions(self, *, dataset: str) -> builtins.list[PhoenixDatasetVersion]:
        """Return the versions of the dataset of that id or exact name, newest first."""
        dataset_id = (await find_dataset(self._runtime, dataset)).id
        return [version async for version in iterate_versions(self._runtime, dataset_id)]

    async def iterate_examples(
        self,
        dataset: str,
        *,
        version: str | None = None,
        split: str | Sequence[str] | None = None,
        project: str | None = None,
    ) -> AsyncIterator[PhoenixExample]:
        """Yield the examples, oldest first; the server sends them all at once.

        Args:
            dataset: Its id or exact name.
            version: The id of a version; the latest when absent.
            split: Only the examples of this split, or of any of several.
            project: As for :meth:`get`.

        Raises:
            NotFoundError: There is no such dataset, version or split.
        """
        refuse_project(project)
        if split is not None:
            for name in [split] if isinstance(split, str) else split:
                check_name("split", name)
        dataset_id = await resolve_dataset(self._runtime, dataset)
        found = await example_list(self._runtime, dataset_id, version=version, split=split)
        async for example in in_turns(self._runtime, found, _examples_of):
            yield example

    async def examples(
        self,
        dataset: str,
        *,
        version: str | None = None,
        split: str | Sequence[str] | None = None,
        project: str | None = None,
    ) -> builtins.list[PhoenixExample]:
        """Return all examples, oldest first; the arguments are those of :meth:`iterate_examples`."""
        found = self.iterate_examples(dataset, version=version, split=split, project=project)
        return [example async for example in found]

    async def splits(
        self, dataset: str, *, version: str | None = None, project: str | None = None
    ) -> dict[str | None, int]:
        """Return how many examples each split has; None stands for the examples that are in no split.

        An example may be in several splits, and is counted in each.
        """
        refuse_project(project)
        counts: Counter[str | None] = Counter()
        for item in await exported(self._runtime, await resolve_dataset(self._runtime, dataset), version=version):
            named: builtins.list[str | None] = [*item.splits]
            counts.update(named or [None])
        return dict(counts)

    async def export(
        self,
        dataset: str,
        path: str | PathLike[str],
        *,
        version: str | None = None,
        split: str | Sequence[str] | None = None,
        format: Format | None = None,  # noqa: A002 - what it is called
        id_column: str | None = "id",
        project: str | None = None,
    ) -> int:
        """Write the examples of a dataset to a file, and return how many.

        The file can be read with :func:`read_examples`; with its ids it can be upserted or used to update, and imported
        elsewhere when the ids are the callers' own: the server takes its own for no other examples.
        It is there once it is complete, and not before. :meth:`download` gives the server's own formats.

        Args:
            dataset: Its id or exact name.
            path: Where to write; the ending says the format: CSV, JSONL, JSON or Parquet.
            version: The id of a version; the latest when absent.
            split: Only the examples of this split, or of any of several.
            format: The format, whatever the ending.
            id_column: The column for the callers' own ids (the server's where there is none); None leaves them out.
            project: As for :meth:`get`.

        Raises:
            ValidationError: The format is not known, or an example has a field named as the id.
            ConfigurationError: The format needs a library that is not installed; the message names the extra.
            OSError: The file cannot be written.
        """
        with ExampleWriter(path, format=format, id_column=id_column) as writer:
            found = await self.examples(dataset, version=version, split=split, project=project)
            rows = (
                ExampleRow(fields=example.fields, id=example.example_id, number=number)
                for number, example in enumerate(found, 1)
            )
            while some := builtins.list(islice(rows, _ROWS_PER_WRITE)):
                await self._runtime.run_blocking(writer.write, some)
            await self._runtime.run_blocking(writer.finish)
            return writer.count

    async def download(self, *, dataset: str, format: Download = "jsonl", version: str | None = None) -> str:  # noqa: A002 - what it is called
        """Return the text of an export that the server makes.

        Args:
            dataset: Its id or exact name.
            format: ``csv``; ``jsonl`` with ``id``, ``node_id``, ``input``, ``output``, ``metadata`` and ``splits``;
                ``openai_ft`` and ``openai_evals`` for the formats of OpenAI, which take ``messages`` of the input.
            version: The id of a version; the latest when absent.

        Raises:
            ValidationError: The format is not known, or the version is no id.
        """
        known: Any = _DOWNLOADS.get(format)
        if known is None:
            raise ValidationError(f"format must be one of {', '.join(_DOWNLOADS)}, not {shown(format)}")
        query = pairs(version_id=None if version is None else check_id("version", version, "DatasetVersion"))
        where = path("datasets", await resolve_dataset(self._runtime, dataset), *known[0])
        return await fetch_text(self._runtime, where, media=known[1], query=query)


def refuse_project(project: str | None) -> None:
    """Refuse what only other servers have.

    Raises:
        UnsupportedOperation: A project is given.
    """
    if project is not None:
        raise UnsupportedOperation(
            "datasets of a Phoenix server are in no project; leave project= out",
            details={"store": "phoenix", "feature": "projects_of_datasets"},
        )


def _examples_of(items: Sequence[wire.DatasetExample]) -> builtins.list[PhoenixExample]:
    return [example_of(item) for item in items]
