"""What adds examples that are given column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from promptops.experiments._drafts import Progress
from promptops.experiments.datasets._changes import DatasetChanges
from promptops.phoenix.datasets._additions import AsyncDatasetAdditions, MakeRows
from promptops.phoenix.datasets._columns import Columns, Splits, column_lines
from promptops.phoenix.datasets._models import PhoenixDataset
from promptops.phoenix.datasets._rows import ContentIds

__all__ = ["AsyncDatasetColumnAdditions"]


class AsyncDatasetColumnAdditions(AsyncDatasetAdditions):
    """Create and append, column by column."""

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
        columns = Columns(
            inputs=inputs,
            outputs=outputs,
            metadata=metadata,
            splits=splits,
            span_ids=span_ids,
            example_ids=example_ids,
        )
        make: MakeRows = lambda named: column_lines(columns, ContentIds(), named=named)  # noqa: E731
        return await self._create(name, make, description, on_progress)

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
        return await self._append(
            dataset, lambda named: column_lines(columns, ContentIds.fresh(), named=named), on_progress
        )
