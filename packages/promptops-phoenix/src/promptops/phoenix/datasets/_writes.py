"""What changes datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NoReturn

from promptops.core.errors import UnsupportedOperation, ValidationError
from promptops.core.runtime import Runtime
from promptops.experiments._drafts import Progress
from promptops.experiments._examples import Example, checked_examples
from promptops.experiments.datasets._changes import DatasetChanges, ReplacePlan
from promptops.experiments.datasets._spool import Spool
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.datasets._changes import Difference, Known, difference_of, merge_into
from promptops.phoenix.datasets._column_additions import AsyncDatasetColumnAdditions
from promptops.phoenix.datasets._models import PhoenixReplacePlan
from promptops.phoenix.datasets._plans import Plans, carry_out, changes_of, pending_of, send_difference
from promptops.phoenix.datasets._reads import refuse_project
from promptops.phoenix.datasets._wire import example_data

__all__ = ["AsyncDatasetWrites"]

_MOST_SHOWN: Final = 10


class AsyncDatasetWrites(AsyncDatasetColumnAdditions):
    """Create, append, upsert, update and replace.

    Examples are mappings of fields, rows of :func:`read_examples`, or examples of another dataset, in any iterable
    that can be read once: all of them are checked first, and nothing is sent while one is wrong. Every example is
    sent with an id, its own or one that is made for it: examples of the same content stay apart, and a request whose
    answer was lost can be repeated. Up to 2,000 examples (and 8 MiB) travel in one request; each request makes a
    version of its own.

    An example that names a split (in its field ``promptops.split`` or ``split``) is put into that split.
    """

    def __init__(self, runtime: Runtime, *, version: ServerVersion) -> None:
        super().__init__(runtime, version=version)
        self._plans = Plans()

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
            examples: Objects with the id of an example (the caller's own or the server's), and the fields that change.
            id_column: The field that holds the id.
            project: As for :meth:`get`.
            on_progress: As for :meth:`create`.

        Raises:
            ValidationError: There is no example of an id; nothing was changed.
            PromptOpsError: A request failed; repeating the call completes it.
        """
        refuse_project(project)
        make = lambda: checked_examples(examples, id_column=id_column, needs_id=True)  # noqa: E731
        with await self._spooled(make) as given:
            return await self._change(dataset, given, merge_into, on_progress)

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

        An example with an id takes the place of the one of that id (the caller's own or the server's). An example
        without is added unless the dataset has one of the same content. Examples that are there as they were given
        are not touched.

        Args:
            dataset: Its id or exact name.
            examples: As for :meth:`create`.
            id_column: The field that holds the id of each; without, the content decides.
            schema: A JSON schema to check them against before anything is sent.
            project: As for :meth:`get`.
            on_progress: As for :meth:`create`.

        Raises:
            ValidationError: An example cannot be stored; nothing was changed.
            PromptOpsError: A request failed; repeating the call completes it.
        """
        refuse_project(project)
        with await self._spooled(lambda: checked_examples(examples, id_column=id_column, schema=schema)) as given:
            return await self._change(dataset, given, _new_or_different, on_progress)

    async def plan_replace(
        self,
        dataset: str,
        examples: Iterable[Example],
        *,
        id_column: str | None = None,
        schema: Mapping[str, Any] | None = None,
        project: str | None = None,
        on_progress: Progress | None = None,
    ) -> PhoenixReplacePlan:
        """Say what would be inserted, updated and deleted if these were all examples of a dataset.

        Nothing is sent. ``replace(dataset, confirm=plan.token)`` makes them the next version, ``discard_plan(plan)``
        forgets them. The latest 16 plans of this client are kept. The arguments are those of :meth:`replace`.

        Raises:
            NotFoundError: There is no such dataset.
            ValidationError: An example cannot be stored.
        """
        refuse_project(project)
        with await self._spooled(lambda: checked_examples(examples, id_column=id_column, schema=schema)) as given:
            target = await self._target(dataset)
            data = await example_data(self._runtime, target.id)
            known = await self._runtime.run_blocking(Known, data.examples)
            pending = await self._runtime.run_blocking(pending_of, target, data.version_id, known, given)
            if on_progress is not None:
                on_progress(given.count, given.count)
        self._plans.add(pending)
        return pending.plan

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
            project: As for :meth:`get`.
            on_progress: As for :meth:`create`.

        Raises:
            ValidationError: An example cannot be stored, or more would go than ``allow_delete``; nothing was changed.
            ConflictError: Somebody else changed the dataset after the plan was made; nothing was changed, unless the
                message says what was.
        """
        refuse_project(project)
        if (examples is None) == (confirm is None):
            raise ValidationError("give examples, or confirm= a plan of plan_replace, which holds its examples already")
        if examples is None:
            token = confirm.token if isinstance(confirm, ReplacePlan) else str(confirm)
            pending = self._plans.find(token)
            if pending.target.id != (await self._target(dataset)).id:
                raise ValidationError(f"the plan is for another dataset ({pending.target.id}), not for {dataset!r}")
            done = await carry_out(self._runtime, pending, on_progress)
            self._plans.remove(token)
            return done
        plan = await self.plan_replace(dataset, examples, id_column=id_column, schema=schema)
        try:
            if plan.deleted > allow_delete:
                raise _too_many(plan, allow_delete)
            return await carry_out(self._runtime, self._plans.find(plan.token), on_progress)
        finally:
            self._plans.remove(plan.token)

    async def discard_plan(self, plan: str | ReplacePlan) -> None:
        """Forget the examples of a plan, given itself or by its token.

        Raises:
            NotFoundError: This client has no such plan any more.
        """
        self._plans.remove(plan.token if isinstance(plan, ReplacePlan) else plan)

    async def set_schema(
        self,
        dataset: str,
        schema: Mapping[str, Any] | None,  # noqa: ARG002 - as on the other servers
        *,
        project: str | None = None,
    ) -> NoReturn:
        """Not on Phoenix, which keeps no schema of examples; give ``schema=`` to what writes them instead.

        Raises:
            UnsupportedOperation: Always.
        """
        refuse_project(project)
        raise UnsupportedOperation(
            f"the phoenix store does not support schemas of datasets ({dataset!r}); give schema= to what writes the "
            "examples",
            details={"store": "phoenix", "feature": "dataset_schema"},
        )

    async def _change(
        self,
        dataset: str,
        given: Spool,
        compare: Callable[[Known, Spool], Difference],
        on_progress: Progress | None,
    ) -> DatasetChanges:
        target = await self._target(dataset)
        data = await example_data(self._runtime, target.id)
        known = await self._runtime.run_blocking(Known, data.examples)
        found = await self._runtime.run_blocking(compare, known, given)
        try:
            done = await send_difference(self._runtime, target, found, on_progress)
        finally:
            found.close()
        if done is None:
            return changes_of(target, found, data.version_id, len(known.examples))
        return changes_of(target, found, done.version_id, done.total)


def _new_or_different(known: Known, given: Spool) -> Difference:
    return difference_of(known, given, every_copy=False)


def _too_many(plan: PhoenixReplacePlan, allowed: int) -> ValidationError:
    named = ", ".join(plan.deleted_ids[:_MOST_SHOWN])
    more = f" and {plan.deleted - _MOST_SHOWN} more" if plan.deleted > _MOST_SHOWN else ""
    return ValidationError(
        f"{plan.deleted} examples would be deleted ({named}{more}), and {allowed} may be: give "
        f"allow_delete={plan.deleted}, or confirm= a plan of plan_replace. Nothing was changed",
        details={"deleted": plan.deleted, "deleted_ids": list(plan.deleted_ids)},
    )
