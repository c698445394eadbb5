"""The rules of drafts of dataset versions."""

from __future__ import annotations

from promptops.core.errors import NotFoundError
from promptops.core.json_schema import compile_object_schema
from promptops.server import wire
from promptops.server.examples import check_schema
from promptops.server.grants import Grant
from promptops.server.idempotency import InFlight, Once
from promptops.server.refusals import invalid
from promptops.server.services.datasets import check_dataset_name, check_version_name, missing_dataset
from promptops.server.services.projects import Projects
from promptops.server.stores.draft_protocol import DatasetDraftStore, NewDraft

__all__ = ["DatasetDraftService"]


class DatasetDraftService:
    """What a caller can do with drafts; each method takes the grant first."""

    def __init__(self, store: DatasetDraftStore, projects: Projects, in_flight: InFlight) -> None:
        self._store = store
        self._projects = projects
        self._in_flight = in_flight

    async def begin(self, grant: Grant, body: wire.DatasetDraftCreate, *, once: Once | None) -> wire.DatasetDraft:
        """Begin a draft, and publish it in the same step when told to.

        Raises:
            ValidationError: Not exactly one of name and dataset is given, a name is blank, or an example is not
                allowed.
            NotFoundError: There is no such dataset or space.
            ConflictError: The name is taken in the space.
        """
        _check_target(body)
        check_version_name("version_name", body.version_name)
        grant = await self._projects.within(grant, body.space_id)
        if body.example_schema is not None:
            compile_object_schema(body.example_schema, field="example_schema")
        new = NewDraft(
            name=body.name,
            example_schema=body.example_schema,
            dataset_id=body.dataset_id,
            mode=body.mode or "append",
            version_name=body.version_name,
            examples=body.examples,
            publish=body.publish,
        )
        with self._in_flight.claim(once):
            draft = await self._store.begin_draft(grant, new, check_schema, once)
        if draft is None:
            raise missing_dataset(str(body.dataset_id))
        return draft

    async def add(
        self, grant: Grant, draft_id: str, body: wire.DatasetDraftExamples, *, once: Once | None
    ) -> wire.DatasetDraft:
        """Add examples to a draft.

        Raises:
            NotFoundError: There is no such draft.
            ValidationError: An example is not allowed.
        """
        with self._in_flight.claim(once):
            draft = await self._store.add_to_draft(grant, draft_id, body.examples, check_schema, once)
        return _found(draft, draft_id)

    async def plan(self, grant: Grant, draft_id: str) -> wire.DatasetDraft:
        """What publishing a draft would do.

        Raises:
            NotFoundError: There is no such draft.
            ConflictError: It replaces or updates a version that is not the latest any more.
        """
        return _found(await self._store.plan_draft(grant, draft_id), draft_id)

    async def publish(self, grant: Grant, draft_id: str, *, once: Once | None) -> wire.DatasetDraft:
        """Make a draft the latest version of its dataset.

        Raises:
            NotFoundError: There is no such draft.
            ConflictError: What it replaces or updates was changed meanwhile, or the name is taken.
        """
        with self._in_flight.claim(once):
            draft = await self._store.publish_draft(grant, draft_id, once)
        return _found(draft, draft_id)

    async def discard(self, grant: Grant, draft_id: str, *, once: Once | None) -> None:
        """Forget a draft.

        Raises:
            NotFoundError: There is no such draft.
            ConflictError: It is published.
        """
        with self._in_flight.claim(once):
            if await self._store.discard_draft(grant, draft_id, once) is None:
                raise _missing(draft_id)


def _check_target(body: wire.DatasetDraftCreate) -> None:
    if (body.name is None) == (body.dataset_id is None):
        raise invalid("dataset_id", "give the name of a new dataset, or the id of one", "conflicting_fields")
    if body.name is not None:
        check_dataset_name(body.name)
        if body.mode is not None:
            raise invalid("mode", "a new dataset has nothing to change yet; leave the mode out", "conflicting_fields")
        return
    if body.mode is None:
        raise invalid("mode", "say what the draft does to the dataset", "missing_field")
    if body.example_schema is not None:
        message = "only a new dataset takes it here; change it with PUT /v2/datasets/{dataset_id}/schema"
        raise invalid("example_schema", message, "conflicting_fields")


def _found(draft: wire.DatasetDraft | None, draft_id: str) -> wire.DatasetDraft:
    if draft is None:
        raise _missing(draft_id)
    return draft


def _missing(draft_id: str) -> NotFoundError:
    return NotFoundError(
        f"There is no draft '{draft_id}' in the projects of this key; drafts that nobody adds to are kept for a day."
    )
