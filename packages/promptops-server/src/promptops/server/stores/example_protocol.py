"""What the rules need of a database for changes of examples that are there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.idempotency import Once
from promptops.server.stores.draft_protocol import SchemaCheck

__all__ = ["ExampleStore"]


class ExampleStore(Protocol):
    """Changes of the examples of published versions."""

    async def update_examples(
        self,
        grant: Grant,
        dataset_id: str,
        version_id: str | None,
        examples: Sequence[wire.JsonObject],
        once: Once | None,
        *,
        new_version: str | None,
        check: SchemaCheck,
    ) -> wire.DatasetVersionWithExampleIds | None:
        """Add and replace fields of examples of a version (the latest), or of a copy of it; unknown ids are left out.

        Raises:
            ConflictError: The dataset has a version of the new name.
            ValidationError: A changed example does not meet the schema.
        """
        ...

    async def delete_examples(
        self, grant: Grant, dataset_id: str, version_id: str, example_ids: Sequence[str], once: Once | None
    ) -> wire.DatasetExamplesDeleted | None:
        """Remove examples from a version."""
        ...
