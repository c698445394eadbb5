"""What the rules need of a database for drafts of dataset versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct
from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.idempotency import Once

__all__ = ["DatasetDraftStore", "NewDraft", "SchemaCheck"]

SchemaCheck = Callable[[Mapping[int, Mapping[str, Any]], wire.JsonObject], None]
"""Refuses examples, by their places in the request, that do not meet a schema.

Called in the transaction, since the schema may change before it.
"""


class NewDraft(Struct, frozen=True, kw_only=True):
    """What a draft begins with: a name for a new dataset, or a dataset and what to do to it."""

    name: str | None
    example_schema: wire.JsonObject | None
    dataset_id: str | None
    mode: wire.DraftMode
    version_name: str | None
    examples: Sequence[wire.JsonObject]
    publish: bool


class DatasetDraftStore(Protocol):
    """Versions that nobody sees before they are published."""

    async def begin_draft(
        self, grant: Grant, new: NewDraft, check: SchemaCheck, once: Once | None
    ) -> wire.DatasetDraft | None:
        """Begin a draft with its first examples, and publish it in the same step when told to.

        Raises:
            ConflictError: The name of the new dataset is taken.
            ValidationError: An example cannot be taken.
        """
        ...

    async def add_to_draft(
        self, grant: Grant, draft_id: str, examples: Sequence[wire.JsonObject], check: SchemaCheck, once: Once | None
    ) -> wire.DatasetDraft | None:
        """Add examples to a draft.

        Raises:
            ConflictError: It is published; or it updates a dataset that was changed after it began.
            ValidationError: An example cannot be taken.
        """
        ...

    async def plan_draft(self, grant: Grant, draft_id: str) -> wire.DatasetDraft | None:
        """What publishing would do; errors as for :meth:`publish_draft`."""
        ...

    async def publish_draft(self, grant: Grant, draft_id: str, once: Once | None) -> wire.DatasetDraft | None:
        """Make a draft the latest version; nothing more happens to a published one.

        Raises:
            ConflictError: The name is taken meanwhile; or the draft updates or replaces what was changed meanwhile.
            ValidationError: Nothing is in it, or an id to append is taken.
        """
        ...

    async def discard_draft(self, grant: Grant, draft_id: str, once: Once | None) -> bool | None:
        """Forget a draft.

        Raises:
            ConflictError: It is published.
        """
        ...
