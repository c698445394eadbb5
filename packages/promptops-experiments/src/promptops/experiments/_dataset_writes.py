"""What changes datasets. Each call makes one version, which is seen as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from promptops.core.bridge import AsyncResource
from promptops.core.errors import ValidationError
from promptops.experiments._chunks import body_with
from promptops.experiments._drafts import (
    Progress,
    change_dataset,
    changes_of,
    discard_draft,
    plan_of,
    publish_draft,
    stage,
)
from promptops.experiments._examples import Example, checked_examples
from promptops.experiments._http import fetch, path, post, put
from promptops.experiments._lookup import dataset_id_of, space_id_of
from promptops.experiments.datasets._changes import DatasetChanges, ReplacePlan
from promptops.experiments.datasets._spool import Spool
from promptops.models import Dataset

__all__ = ["AsyncDatasetWrites"]

Mode = Literal["append", "upsert", "update", "replace"]
_MOST_SHOWN: Final = 10


class AsyncDatasetWrites(AsyncResource):
    """Create, append, upsert, update and replace.

    Examples are mappings of fields, rows of :func:`read_examples`, or examples of another dataset, in any iterable
    that can be read once: all of them are checked first, and nothing is sent while one is wrong. An example without
    an id gets one that is made of its content. Up to 1,000 examples (and 8 MiB) travel in one request; more are
    gathered by the server and published together.
    """

    async def create(
        self,
        name: str,
        examples: Iterable[Example],
        *,
        id_column: str | None = None,
        schema: Mapping[str, Any] | None = None,
        project: str | None = None,
        on_progress: Progress | None = None,
    ) -> Dataset:
        """Create a dataset of one or more examples.

        Args:
            name: Unique in its project.
            examples: Objects with one or more fields of any JSON values; the server gives ``created_at`` and
                ``updated_at`` itself.
            id_column: The field that holds the id of each example.
            schema: A JSON schema that these examples and all later ones must meet; the server keeps it.
            project: The project by name or id; when absent, the client's, then the default of the key.
            on_progress: Called with how many examples were sent, and how many there are.

        Raises:
            ValidationError: An example cannot be stored; nothing was sent.
            ConflictError: The name is taken.
            PromptOpsError: A request failed; there is no such dataset then.
        """
        with await self._checked(examples, id_column=id_column, schema=schema) as spool:
            space_id = await space_id_of(self._runtime, project or self._project)
            facts: dict[str, Any] = {"name": name} if space_id is None else {"name": name, "space_id": space_id}
            if spool.fits_one_request and not spool.has_ids and schema is None:
                # What every server of this contract has.
                items = [item for part in spool.parts() for item in part]
                made = await post(self._runtime, path("datasets"), body_with("examples", items, facts), Dataset)
                if on_progress is not None:
                    on_progress(spool.count, spool.count)
                return made
            if schema is not None:
                facts["example_schema"] = schema
            draft = await change_dataset(self._runtime, spool, facts, on_progress)
        return await fetch(self._runtime, path("datasets", draft.dataset_id), Dataset)

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
            project: Where to look for the name.
            on_progress: As for :meth:`create`.

        Raises:
            ValidationError: An example cannot be stored, or an id is taken; nothing was changed.
        """
        with await self._checked(examples, id_column=id_column, schema=schema) as spool:
            return await self._change(dataset, "append", spool, project, on_progress)

    async def update(
        self,
        dataset: str,
        examples: Iterable[Example],
        *,
        id_column: str = "id",
        project: str | None = None,
        on_progress: Progress | None = None,
    ) -> DatasetChanges:
        """Change fields of examples in a new version; the fields that are not named stay as they are.

        Args:
            dataset: Its id or exact name.
            examples: Objects with the id of an example, and the fields that change.
            id_column: The field that holds the id.
            project: Where to look for the name.
            on_progress: As for :meth:`create`.

        Raises:
            ValidationError: There is no example of an id; nothing was changed.
            ConflictError: Somebody else changed the dataset while more than 1,000 examples were sent; nothing was
                changed, and the call can be repeated.
        """
        with await self._checked(examples, id_column=id_column, needs_id=True) as spool:
            return await self._change(dataset, "update", spool, project, on_progress)

    async def upsert(
        self,
        dataset: str,
        examples: Iterable[Example],
        *,
        id_column: str | None = None,
        schema: Mapping[str, Any] | None = None,
        project: str | None = None,
        on_progress: Progress | None = None,
    ) -> DatasetChanges:
        """Add what is new and change what is different, in a new version; when nothing is, there is none.

        An example with an id takes the place of the one of that id. An example without is added unless the dataset
        has one of the same content. Examples that are there as they were given are not touched.

        Args:
            dataset: Its id or exact name.
            examples: As for :meth:`create`.
            id_column: The field that holds the id of each; without, the content decides.
            schema: A JSON schema to check them against before anything is sent.
            project: Where to look for the name.
            on_progress: As for :meth:`create`.

        Raises:
            ValidationError: An example cannot be stored; nothing was changed.
        """
        with await self._checked(examples, id_column=id_column, schema=schema) as spool:
            return await self._change(dataset, "upsert", spool, project, on_progress)

    async def plan_replace(
        self,
        dataset: str,
        examples: Iterable[Example],
        *,
        id_column: str | None = None,
        schema: Mapping[str, Any] | None = None,
        project: str | None = None,
        on_progress: Progress | None = None,
    ) -> ReplacePlan:
        """Say what would be inserted, updated and deleted if these were all examples of a dataset.

        The examples are sent, and nobody sees them. ``replace(dataset, confirm=plan.token)`` makes them the next
        version, ``discard_plan(plan)`` forgets them.

        Raises:
            ValidationError: An example cannot be stored; nothing was changed.
        """
        with await self._checked(examples, id_column=id_column, schema=schema) as spool:
            dataset_id = await self._dataset_id(dataset, project)
            facts = {"dataset_id": dataset_id, "mode": "replace"}
            draft = await stage(self._runtime, spool, facts, on_progress)
        return await plan_of(self._runtime, draft)

    async def replace(
        self,
        dataset: str,
        examples: Iterable[Example] | None = None,
        *,
        confirm: str | ReplacePlan | None = None,
        allow_delete: int = 0,
        id_column: str | None = None,
        schema: Mapping[str, Any] | None = None,
        project: str | None = None,
        on_progress: Progress | None = None,
    ) -> DatasetChanges:
        """Make these all examples of a dataset, in a new version; the versions before stay as they are.

        Args:
            dataset: Its id or exact name.
            examples: As for :meth:`create`; left out when a plan is confirmed.
            confirm: A plan of :meth:`plan_replace`, or its token.
            allow_delete: How many examples may go; more are refused, and named.
            id_column: As for :meth:`upsert`.
            schema: A JSON schema to check them against before anything is sent.
            project: Where to look for the name.
            on_progress: As for :meth:`create`.

        Raises:
            ValidationError: An example cannot be stored, or more would go than ``allow_delete``; nothing was changed.
            ConflictError: Somebody else changed the dataset after the plan was made; nothing was changed.
        """
        if (examples is None) == (confirm is None):
            raise ValidationError("give examples, or confirm= a plan of plan_replace, which holds its examples already")
        if examples is None:
            token = confirm.token if isinstance(confirm, ReplacePlan) else str(confirm)
            dataset_id = await self._dataset_id(dataset, project)
            if isinstance(confirm, ReplacePlan) and confirm.dataset_id != dataset_id:
                raise ValidationError(f"the plan is for another dataset ({confirm.dataset_id}), not for {dataset!r}")
            return changes_of(await publish_draft(self._runtime, token))
        plan = await self.plan_replace(
            dataset, examples, id_column=id_column, schema=schema, project=project, on_progress=on_progress
        )
        if plan.deleted > allow_delete:
            await self.discard_plan(plan)
            named = ", ".join(plan.deleted_ids[:_MOST_SHOWN])
            more = f" and {plan.deleted - _MOST_SHOWN} more" if plan.deleted > _MOST_SHOWN else ""
            raise ValidationError(
                f"{plan.deleted} examples would be deleted ({named}{more}), and {allow_delete} may be: give "
                f"allow_delete={plan.deleted}, or confirm= a plan of plan_replace. Nothing was changed",
                details={"deleted": plan.deleted, "deleted_ids": list(plan.deleted_ids)},
            )
        return changes_of(await publish_draft(self._runtime, plan.token, discard=True))

    async def discard_plan(self, plan: str | ReplacePlan) -> None:
        """Forget the examples of a plan, given itself or by its token; by itself it is forgotten after a day."""
        await discard_draft(self._runtime, plan.token if isinstance(plan, ReplacePlan) else plan)

    async def set_schema(
        self, dataset: str, schema: Mapping[str, Any] | None, *, project: str | None = None
    ) -> Dataset:
        """Let the server check every new example against a JSON schema; None ends that.

        Examples that are there already stay as they are.

        Raises:
            ValidationError: The schema uses what is not supported; each keyword is named.
        """
        where = path("datasets", await self._dataset_id(dataset, project), "schema")
        return await put(self._runtime, where, {"example_schema": schema}, Dataset)

    async def _change(
        self, dataset: str, mode: Mode, spool: Spool, project: str | None, on_progress: Progress | None
    ) -> DatasetChanges:
        facts = {"dataset_id": await self._dataset_id(dataset, project), "mode": mode}
        return changes_of(await change_dataset(self._runtime, spool, facts, on_progress), spool.count)

    async def _checked(
        self,
        examples: Iterable[Example],
        *,
        id_column: str | None = None,
        needs_id: bool = False,
        schema: Mapping[str, Any] | None = None,
    ) -> Spool:
        """Check and keep all examples; the caller closes it."""
        checked = checked_examples(examples, id_column=id_column, needs_id=needs_id, schema=schema)
        spool = await self._runtime.run_blocking(Spool.of, checked)
        if not spool.count:
            spool.close()
            raise ValidationError("a dataset needs at least one example, and there is none to store")
        return spool

    async def _dataset_id(self, dataset: str, project: str | None) -> str:
        return await dataset_id_of(self._runtime, dataset, project or self._project)
