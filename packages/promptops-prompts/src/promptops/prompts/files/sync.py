"""Push, pull and status: a folder of prompt files in step with a server, with nothing of either side lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec
from promptops.core.bridge import AsyncResource, SyncResource, bridge
from promptops.core.errors import ConflictError, PromptNotFoundError, PromptOpsError
from promptops.models import PromptResponse
from promptops.prompts._resource import AsyncPrompts
from promptops.prompts._sync import SyncPrompts
from promptops.prompts.files._remote import origin_of, remote_prompts, resource_of, runtime_of
from promptops.prompts.files.documents import PromptDocument, document_of, remote_fingerprint
from promptops.prompts.files.folder import PromptFolder, with_source
from promptops.prompts.files.formatting import format_document
from promptops.prompts.files.plan import Base, Direction, Step, SyncPlan, plan_pull, plan_push
from promptops.prompts.files.report import Outcome, SyncReport
from promptops.prompts.files.state import SyncState

__all__ = ["AsyncPromptFiles", "SyncPromptFiles"]

Bump: TypeAlias = Literal["patch", "minor", "major"]


class AsyncPromptFiles(AsyncResource):
    """A folder of ``.prompt.md`` files beside the prompts of a server.

    Args:
        prompts: The prompts of the server.
        folder: The folder.
        origin: What the server is called in the folder's state; its address unless given. Give one where the address
            changes, as that of a server inside this process does.
        project: The project; that of ``prompts`` unless given.
    """

    def __init__(
        self,
        prompts: AsyncPrompts,
        folder: PromptFolder,
        *,
        origin: str | None = None,
        project: str | None = None,
    ) -> None:
        super().__init__(runtime_of(prompts), project=project if project is not None else prompts.project)
        self._prompts = prompts
        self._folder = folder
        self._state = SyncState(
            folder.path, origin=origin if origin is not None else origin_of(prompts), project=self._project
        )

    async def status(self, *, only: Sequence[str] = (), timeout: float | None = None) -> SyncPlan:
        """What stands between the folder and the server, as a push sees it; nothing is changed.

        Args:
            only: Only these slugs; all unless given.
            timeout: Seconds for each request.

        Raises:
            PromptNotFoundError: Neither the folder nor the server has one of ``only``.
            ValidationError: Files are wrong; all of them are named.
            PromptOpsError: The server could not be asked.
        """
        return await self._plan("push", only=only, force=False, timeout=timeout)

    async def push(
        self,
        *,
        dry_run: bool = False,
        force: bool = False,
        bump: Bump = "patch",
        only: Sequence[str] = (),
        on_outcome: Callable[[Outcome], None] | None = None,
        timeout: float | None = None,
    ) -> SyncReport:
        """Publish what was created or edited in the folder.

        A prompt that changed on the server since is a conflict: it is shown and left alone on both sides. What was
        done is recorded prompt by prompt, so that an interrupted push goes on where it ended.

        Args:
            dry_run: Show what would be done.
            force: The files win over conflicts, and prompts that were deleted on the server are created again. The
                server's versions all stay.
            bump: Which part of the version grows.
            only: Only these slugs; all unless given.
            on_outcome: Called with what became of each prompt, as soon as it is known.
            timeout: Seconds for each request.

        Raises:
            PromptNotFoundError: Neither the folder nor the server has one of ``only``.
            ValidationError: Files are wrong; all of them are named, and nothing was sent.
            PromptOpsError: The server could not be asked what it has.
        """
        plan = await self._plan("push", only=only, force=force, timeout=timeout)
        done: list[Outcome] = []
        for step in plan.steps:
            done.append(Outcome.of(step) if dry_run else await self._push_one(step, bump=bump, timeout=timeout))
            if on_outcome is not None:
                on_outcome(done[-1])
        return SyncReport.of("push", [*_unread(plan), *done], dry_run=dry_run)

    async def pull(
        self,
        *,
        dry_run: bool = False,
        force: bool = False,
        only: Sequence[str] = (),
        on_outcome: Callable[[Outcome], None] | None = None,
        timeout: float | None = None,
    ) -> SyncReport:
        """Write what is new or newer on the server into the folder.

        A file that was edited here since is a conflict: it is shown and left alone on both sides.

        Args:
            dry_run: Show what would be done.
            force: The server wins over conflicts: edited files are overwritten, deleted ones written again, and
                those of prompts that were deleted on the server go.
            only: Only these slugs; all unless given.
            on_outcome: Called with what became of each prompt, as soon as it is known.
            timeout: Seconds for each request.

        Raises:
            PromptNotFoundError: Neither the folder nor the server has one of ``only``.
            ValidationError: Files are wrong; all of them are named, and nothing was written.
            PromptOpsError: The server could not be asked what it has.
        """
        plan = await self._plan("pull", only=only, force=force, timeout=timeout)
        done: list[Outcome] = []
        for step in plan.steps:
            done.append(Outcome.of(step) if dry_run else await self._pull_one(step))
            if on_outcome is not None:
                on_outcome(done[-1])
        return SyncReport.of("pull", [*_unread(plan), *done], dry_run=dry_run)

    async def _plan(self, direction: Direction, *, only: Sequence[str], force: bool, timeout: float | None) -> SyncPlan:
        local, bases = await self._runtime.run_blocking(self._read_folder, direction)
        remote, errors = await remote_prompts(
            self._prompts, {*local, *bases}, only=only, project=self._project, timeout=timeout
        )
        if only:
            known = {*local, *bases, *remote, *errors}
            if unknown := [slug for slug in only if slug not in known]:
                raise PromptNotFoundError(
                    f"Neither the folder nor the server has {', '.join(unknown)}.", prompt_id=unknown[0]
                )
            local = {slug: document for slug, document in local.items() if slug in only}
            bases = {slug: base for slug, base in bases.items() if slug in only}
        for slug in errors:
            local.pop(slug, None)
            bases.pop(slug, None)
        make = plan_push if direction == "push" else plan_pull
        return msgspec.structs.replace(make(local, remote, bases, force=force), errors=errors)

    def _read_folder(self, direction: Direction) -> tuple[dict[str, PromptDocument], dict[str, Base]]:
        exists = direction == "push" or self._folder.path.is_dir()
        return (self._folder.documents() if exists else {}), self._state.read()

    async def _push_one(self, step: Step, *, bump: Bump, timeout: float | None) -> Outcome:
        local = step.local
        if not step.acts or local is None:
            return await self._remembered(step)
        if step.action == "adopted":
            return await self._adopted(step)
        try:
            if step.remote is None:
                made = await self._prompts.create(**local.create_arguments(), project=self._project, timeout=timeout)
            else:
                # The etag is of what was compared with the base: whoever published meanwhile is not overwritten.
                made = await self._prompts.update(
                    step.remote.id,
                    bump=bump,
                    if_match=step.remote.etag or None,
                    **local.update_arguments(),
                    project=self._project,
                    timeout=timeout,
                )
        except PromptOpsError as error:
            return Outcome.failed(step, error)
        try:
            await self._record({step.slug: _base(local, made)})
        except PromptOpsError as error:
            return msgspec.structs.replace(Outcome.failed(step, error), done=True, version=made.version)
        return Outcome.of(step, done=True, version=made.version)

    async def _pull_one(self, step: Step) -> Outcome:
        if not step.acts:
            return await self._remembered(step)
        if step.action == "adopted":
            return await self._adopted(step)
        try:
            await self._runtime.run_blocking(self._write_one, step)
        except PromptOpsError as error:
            return Outcome.failed(step, error)
        return Outcome.of(step, done=True)

    def _write_one(self, step: Step) -> None:
        now = self._folder.read_place(step.slug, None if step.local is None else step.local.source_path)
        if (None if now is None else now.fingerprint) != (None if step.local is None else step.local.fingerprint):
            raise ConflictError("the file was edited while the server was asked; nothing was written")
        if step.remote is None:
            if step.local is not None:
                self._folder.remove(step.local)
            self._state.record({step.slug: None})
            return
        path = None if step.local is None else step.local.source_path
        document = with_source(document_of(step.remote), path)
        self._folder.write(document)
        self._state.record({step.slug: _base(document, step.remote)})

    async def _adopted(self, step: Step) -> Outcome:
        assert step.local is not None
        assert step.remote is not None
        try:
            await self._record({step.slug: _base(step.local, step.remote)})
        except PromptOpsError as error:
            return Outcome.failed(step, error)
        return Outcome.of(step)

    async def _remembered(self, step: Step) -> Outcome:
        """Nothing to do but to keep the version up to date, and to forget what is gone on both sides."""
        base, remote = step.base, step.remote
        changes: dict[str, Base | None] = {}
        if step.action == "unchanged" and base is not None:
            if remote is None:
                changes = {step.slug: None}
            elif (base.version, base.etag) != (remote.version, remote.etag):
                changes = {step.slug: msgspec.structs.replace(base, version=remote.version, etag=remote.etag)}
        try:
            await self._record(changes)
        except PromptOpsError as error:
            return Outcome.failed(step, error)
        return Outcome.of(step)

    async def _record(self, changes: Mapping[str, Base | None]) -> None:
        await self._runtime.run_blocking(self._state.record, changes)


class SyncPromptFiles(SyncResource[AsyncPromptFiles]):
    """Blocking view of :class:`AsyncPromptFiles`."""

    def __init__(
        self,
        prompts: SyncPrompts,
        folder: PromptFolder,
        *,
        origin: str | None = None,
        project: str | None = None,
    ) -> None:
        super().__init__(AsyncPromptFiles(resource_of(prompts), folder, origin=origin, project=project))

    status = bridge(AsyncPromptFiles.status)
    push = bridge(AsyncPromptFiles.push)
    pull = bridge(AsyncPromptFiles.pull)


def _unread(plan: SyncPlan) -> list[Outcome]:
    return [Outcome.unread(slug, error) for slug, error in plan.errors.items()]


def _base(document: PromptDocument, prompt: PromptResponse) -> Base:
    return Base(
        id=prompt.id,
        version=prompt.version,
        etag=prompt.etag,
        fingerprint=document.fingerprint,
        remote=remote_fingerprint(prompt),
        text=format_document(document),
    )
