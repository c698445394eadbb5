"""What adds examples: new datasets, and new examples of one."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from promptops.core.errors import ConflictError, UnsupportedOperation, ValidationError
from promptops.experiments._drafts import Progress
from promptops.experiments._examples import Example
from promptops.experiments.datasets._changes import DatasetChanges
from promptops.experiments.datasets._spool import Spool
from promptops.phoenix._checks import check_finite, check_name
from promptops.phoenix._ids import check_id, is_global_id
from promptops.phoenix.datasets._models import PhoenixDataset
from promptops.phoenix.datasets._reads import AsyncDatasetReads, refuse_project
from promptops.phoenix.datasets._rows import Columns, ContentIds, Splits, column_lines, row_lines, row_of
from promptops.phoenix.datasets._uploads import Target, Uploaded, append_rows, create_rows
from promptops.phoenix.datasets._wire import EXAMPLE, example_list, find_dataset, latest_version

__all__ = ["AsyncDatasetAdditions"]

_MOST_SHOWN: Final = 10
_THE_REST: Final = "append the others to complete it"
_NEEDED: Final = "ids and splits of uploaded examples"


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
        check_name("name", name)
        check_finite("description", description)
        await self._version.require(_NEEDED)
        named: set[str] = set()
        make = lambda: row_lines(examples, ContentIds(), named=named, id_column=id_column, schema=schema)  # noqa: E731
        with await self._spooled(make) as rows:
            _refuse_ids_of_the_server(named)
            target = await create_rows(self._runtime, name, rows, description=description, on_progress=on_progress)
        return await self.get(target.id)

    async def create_rows(
        self,
        *,
        name: str,
        inputs: Sequence[Mapping[str, Any]],
        outputs: Sequence[Mapping[str, Any]] | None = None,
        metadata: Sequence[Mapping[str, Any]] | None = None,
        splits: Sequence[Splits] | None = None,
        span_ids: Sequence[str | None] | None = None,
        example_ids: Sequence[str | None] | None = None,
        description: str | None = None,
        on_progress: Progress | None = None,
    ) -> PhoenixDataset:
        """Create a dataset of examples that are given as the server keeps them, column by column.

        Args:
            name: Unique on the server.
            inputs: The inputs; every other column has as many rows.
            outputs: The expected outputs.
            metadata: The metadata.
            splits: The splits of each example: a name, several names, or None.
            span_ids: The spans that the examples are made of; the server passes over one that it does not know.
            example_ids: The caller's own ids; None for an example that gets one made of its content.
            description: What the dataset is for.
            on_progress: As for :meth:`create`.

        Raises:
            ValidationError: The columns are not of one length, or a row cannot be stored; nothing was sent.
            ConflictError: The name is taken.
            PromptOpsError: As for :meth:`create`.
        """
        check_name("name", name)
        check_finite("description", description)
        await self._version.require(_NEEDED)
        columns = Columns(
            inputs=inputs,
            outputs=outputs,
            metadata=metadata,
            splits=splits,
            span_ids=span_ids,
            example_ids=example_ids,
        )
        named: set[str] = set()
        with await self._spooled(lambda: column_lines(columns, ContentIds(), named=named)) as rows:
            _refuse_ids_of_the_server(named)
            target = await create_rows(self._runtime, name, rows, description=description, on_progress=on_progress)
        return await self.get(target.id)

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
        named: set[str] = set()
        ids = ContentIds.fresh()
        make = lambda: row_lines(examples, ids, named=named, id_column=id_column, schema=schema)  # noqa: E731
        with await self._spooled(make) as rows:
            return await self._append(await self._target(dataset), rows, named, on_progress)

    async def append_rows(
        self,
        *,
        dataset: str,
        inputs: Sequence[Mapping[str, Any]],
        outputs: Sequence[Mapping[str, Any]] | None = None,
        metadata: Sequence[Mapping[str, Any]] | None = None,
        splits: Sequence[Splits] | None = None,
        span_ids: Sequence[str | None] | None = None,
        example_ids: Sequence[str | None] | None = None,
        on_progress: Progress | None = None,
    ) -> DatasetChanges:
        """Add examples that are given as the server keeps them; the arguments are those of :meth:`create_rows`.

        Raises:
            ValidationError: A row cannot be stored, or an id is taken; nothing was changed.
            PromptOpsError: As for :meth:`create`.
        """
        columns = Columns(
            inputs=inputs,
            outputs=outputs,
            metadata=metadata,
            splits=splits,
            span_ids=span_ids,
            example_ids=example_ids,
        )
        named: set[str] = set()
        with await self._spooled(lambda: column_lines(columns, ContentIds.fresh(), named=named)) as rows:
            return await self._append(await self._target(dataset), rows, named, on_progress)

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
            await self._refuse_taken(target, named)
            _refuse_overwritten(target, await append_rows(self._runtime, target, rows, advice=_THE_REST))
            wanted = await self._runtime.run_blocking(_ids_of, rows)
        there = {item.id: item.node_id for item in await example_list(self._runtime, target.id)}
        if not all(own in there for own in wanted):
            raise ConflictError(
                f"the examples were stored, and some of them were deleted again meanwhile from dataset {target.name!r}",
                details={"dataset_id": target.id},
            )
        return [there[own] for own in wanted]

    async def _append(
        self, target: Target, rows: Spool, named: set[str], on_progress: Progress | None
    ) -> DatasetChanges:
        await self._refuse_taken(target, named)
        done = await append_rows(self._runtime, target, rows, advice=_THE_REST, on_progress=on_progress)
        _refuse_overwritten(target, done)
        return DatasetChanges(
            dataset_id=target.id,
            version_id="" if done is None else done.version_id,
            # Every id is new: what the server had already, an attempt brought whose answer was lost.
            inserted=rows.count,
            total=0 if done is None else done.total,
        )

    async def _refuse_taken(self, target: Target, named: set[str]) -> None:
        """The server would change an example whose id comes again."""
        if not named:
            return
        there = await example_list(self._runtime, target.id)
        taken = sorted(named & ({item.id for item in there} | {item.node_id for item in there}))
        if taken:
            shown = ", ".join(taken[:_MOST_SHOWN]) + ("" if len(taken) <= _MOST_SHOWN else " and more")
            raise ValidationError(
                f"{len(taken)} ids are taken in dataset {target.name!r} ({shown}); upsert() changes examples that "
                "are there. Nothing was changed",
                details={"taken": taken[:100]},
            )
        _refuse_ids_of_the_server(named)

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


def _refuse_ids_of_the_server(named: set[str]) -> None:
    """The server knows an id of its own form as that of an example that is there, and of no other."""
    given = sorted(own for own in named if is_global_id(own, EXAMPLE))
    if given:
        shown = ", ".join(given[:_MOST_SHOWN]) + ("" if len(given) <= _MOST_SHOWN else " and more")
        raise ValidationError(
            f"{len(given)} ids are those that the server gave to examples of another dataset ({shown}), and it takes "
            "them for no new ones: hand over the examples of examples(), or export them with id_column=None. Nothing "
            "was changed",
            details={"ids": given[:100]},
        )


def _refuse_overwritten(target: Target, done: Uploaded | None) -> None:
    """The server changes an example whose id comes again, though nobody had it when the call began."""
    if done is not None and done.updated:
        raise ConflictError(
            f"somebody else added examples with the same ids to dataset {target.name!r} at the same time: what was "
            f"sent took the place of {done.updated} of theirs, which older versions still have",
            details={"dataset_id": target.id, "version_id": done.version_id, "updated": done.updated},
        )


def _ids_of(rows: Spool) -> builtins.list[str]:
    return [row_of(line).id for part in rows.parts() for line in part]
