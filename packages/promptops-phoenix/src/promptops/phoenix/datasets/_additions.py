"""What adds examples: new datasets, and new examples of one."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from promptops.core.errors import ConflictError, UnsupportedOperation, ValidationError
from promptops.experiments._drafts import Progress
from promptops.experiments._examples import Example
from promptops.experiments.datasets._changes import DatasetChanges
from promptops.experiments.datasets._spool import Spool
from promptops.phoenix._checks import check_finite, check_name
from promptops.phoenix._ids import check_id
from promptops.phoenix.datasets._models import PhoenixDataset
from promptops.phoenix.datasets._reads import AsyncDatasetReads, refuse_project
from promptops.phoenix.datasets._rows import ContentIds, row_lines, row_of
from promptops.phoenix.datasets._taken import refuse_ids_of_the_server, refuse_overwritten, refuse_taken
from promptops.phoenix.datasets._upload import Target
from promptops.phoenix.datasets._uploads import append_rows, create_rows
from promptops.phoenix.datasets._wire import example_list, find_dataset, latest_version

__all__ = ["AsyncDatasetAdditions", "MakeRows"]

_THE_REST: Final = "append the others to complete it"
_NEEDED: Final = "ids and splits of uploaded examples"

MakeRows: TypeAlias = Callable[[set[str]], Iterable[bytes]]
"""Yields rows, and adds the ids that their examples have of their own to the set."""


class AsyncDatasetAdditions(AsyncDatasetReads):
    """Create, append and insert."""

    async def create(
        self,
        name: str,
        examples: Iterable[Example],
        *,
        id_column: str | None = None,
        schema: Mapping[str, Any] | None = None,
        project: str | None = None,
        on_progress: Progress | None = None,
        description: str | None = None,
    ) -> PhoenixDataset:
        """Create a dataset of one or more examples.

        Args:
            name: Unique on the server.
            examples: Objects with one or more fields of any JSON values; ``id``, ``created_at`` and ``updated_at``
                are the server's own.
            id_column: The field that holds the id of each example.
            schema: A JSON schema to check them against before anything is sent; the server keeps none.
            project: As for :meth:`get`.
            on_progress: Called with how many examples were sent, and how many there are.
            description: What the dataset is for.

        Raises:
            ValidationError: An example cannot be stored; nothing was sent.
            ConflictError: The name is taken.
            PromptOpsError: A request failed; ``details`` says how many examples are ``stored``, and of which
                ``dataset_id``. ``replace`` with the same examples completes the dataset.
        """
        refuse_project(project)

        def make(named: set[str]) -> Iterable[bytes]:
            return row_lines(examples, ContentIds(), named=named, id_column=id_column, schema=schema)

        return await self._create(name, make, description, on_progress)

    async def append(
        self,
        dataset: str,
        examples: Iterable[Example],
        *,
        id_column: str | None = None,
        schema: Mapping[str, Any] | None = None,
        project: str | None = None,
        on_progress: Progress | None = None,
    ) -> DatasetChanges:
        """Add examples in a new version; the one before stays as it is.

        Args:
            dataset: Its id or exact name.
            examples: As for :meth:`create`; one of the same content as another is one more example.
            id_column: As for :meth:`create`; an id that is taken is refused.
            schema: A JSON schema to check them against before anything is sent.
            project: As for :meth:`get`.
            on_progress: As for :meth:`create`.

        Raises:
            ValidationError: An example cannot be stored, or an id is taken; nothing was changed.
            ConflictError: Somebody else stored an example of the same id meanwhile, which was changed.
            PromptOpsError: As for :meth:`create`.
        """
        refuse_project(project)

        def make(named: set[str]) -> Iterable[bytes]:
            return row_lines(examples, ContentIds.fresh(), named=named, id_column=id_column, schema=schema)

        return await self._append(dataset, make, on_progress)

    async def insert(
        self,
        dataset: str,
        examples: Iterable[Example],
        *,
        version: str | None = None,
        project: str | None = None,
    ) -> builtins.list[str]:
        """Append examples in a new version, and return their ids, in the order given.

        Args:
            dataset: Its id or exact name.
            examples: As for :meth:`create`, without ids.
            version: The id of the latest version, or None: versions of Phoenix do not change.
            project: As for :meth:`get`.

        Raises:
            ValidationError: An example cannot be stored, or an id is taken; nothing was changed.
            UnsupportedOperation: The version is not the latest.
            PromptOpsError: As for :meth:`create`.
        """
        refuse_project(project)
        named: set[str] = set()
        with await self._spooled(lambda: row_lines(examples, ContentIds.fresh(), named=named)) as rows:
            target = await self._target(dataset)
            if version is not None and check_id("version", version, "DatasetVersion") != await latest_version(
                self._runtime, target.id
            ):
                raise UnsupportedOperation(
                    f"version {version} of dataset {target.name!r} is not the latest, and a Phoenix server does not "
                    "change versions; leave version= out",
                    details={"store": "phoenix", "feature": "insert_into_version"},
                )
            await refuse_taken(self._runtime, target, named)
            refuse_overwritten(target, await append_rows(self._runtime, target, rows, advice=_THE_REST))
            wanted = await self._runtime.run_blocking(_ids_of, rows)
        there = {item.id: item.node_id for item in await example_list(self._runtime, target.id)}
        if not all(own in there for own in wanted):
            raise ConflictError(
                f"the examples were stored, and some of them were deleted again meanwhile from dataset {target.name!r}",
                details={"dataset_id": target.id},
            )
        return [there[own] for own in wanted]

    async def _create(
        self, name: str, make: MakeRows, description: str | None, on_progress: Progress | None
    ) -> PhoenixDataset:
        check_name("name", name)
        check_finite("description", description)
        await self._version.require(_NEEDED)
        named: set[str] = set()
        with await self._spooled(lambda: make(named)) as rows:
            refuse_ids_of_the_server(named)
            target = await create_rows(self._runtime, name, rows, description=description, on_progress=on_progress)
        return await self.get(target.id)

    async def _append(self, dataset: str, make: MakeRows, on_progress: Progress | None) -> DatasetChanges:
        named: set[str] = set()
        with await self._spooled(lambda: make(named)) as rows:
            target = await self._target(dataset)
            await refuse_taken(self._runtime, target, named)
            done = await append_rows(self._runtime, target, rows, advice=_THE_REST, on_progress=on_progress)
            refuse_overwritten(target, done)
            return DatasetChanges(
                dataset_id=target.id,
                version_id="" if done is None else done.version_id,
                # Every id is new: what the server had already, an attempt brought whose answer was lost.
                inserted=rows.count,
                total=0 if done is None else done.total,
            )

    async def _spooled(self, make: Callable[[], Iterable[bytes]]) -> Spool:
        """Check and keep all rows; the caller closes it."""
        rows = await self._runtime.run_blocking(lambda: Spool.of(make()))
        if not rows.count:
            rows.close()
            raise ValidationError("a dataset needs at least one example, and there is none to store")
        return rows

    async def _target(self, dataset: str) -> Target:
        found = await find_dataset(self._runtime, dataset)
        await self._version.require(_NEEDED)
        return Target(id=found.id, name=found.name, created_at=found.created_at, example_count=found.example_count)


def _ids_of(rows: Spool) -> builtins.list[str]:
    return [row_of(line).id for part in rows.parts() for line in part]
