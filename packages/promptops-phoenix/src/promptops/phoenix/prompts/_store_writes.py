"""Prompts on a Phoenix server, written: created once, changed by new versions, deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import UNSET
from promptops.core.errors import ConflictError, PromptOpsError, ServerError
from promptops.core.messages import Profile
from promptops.core.runtime import Runtime
from promptops.models import PromptCreate, PromptResponse, PromptUpdate
from promptops.phoenix._checks import check_storable
from promptops.phoenix._generated import (
    CreatePromptRequestBody,
    CreatePromptVersionRequestBody,
    PromptData,
    PromptVersion,
    PromptVersionTagData,
)
from promptops.phoenix._http import is_failed
from promptops.phoenix._profiles import PROMPT
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.prompts._losses import tell_losses
from promptops.phoenix.prompts._response import response_of
from promptops.phoenix.prompts._sent_once import SentOnce
from promptops.phoenix.prompts._store_drafts import Draft, changed_draft, draft_of, name_of, same_content
from promptops.phoenix.prompts._store_labels import PromptTagging
from promptops.phoenix.prompts._turns import Turns
from promptops.phoenix.prompts._wire import absent, number_in, version_text

__all__ = ["PromptWriting"]


class PromptWriting(PromptTagging):
    """The part of :class:`~promptops.phoenix.PhoenixPromptStore` that writes prompts and versions."""

    def __init__(self, runtime: Runtime, *, version: ServerVersion | None = None, profile: Profile = PROMPT) -> None:
        super().__init__(runtime, version=version, profile=profile)
        self._turns = Turns(runtime)
        self._once = SentOnce(runtime, self.routes)

    async def create(self, prompt: PromptCreate, *, timeout: float | None) -> PromptResponse:
        """Look whether the name is free, create, and look whether somebody else was faster."""
        self._refuse_project(prompt.project_id)
        if prompt.version is not None:
            self._refuse_number()
        name, draft = name_of(prompt), draft_of(prompt, allow_loss=False)
        with self._within(timeout):
            made = await self.make(name, draft, description=prompt.description or None, metadata=prompt.metadata)
        return response_of(name, made)

    async def update(
        self, name: str, changes: PromptUpdate, *, if_match: str | None, timeout: float | None
    ) -> PromptResponse:
        """Add a version made of the latest and the changes; when they change nothing, the latest is the answer."""
        self._refuse_project(changes.project_id)
        if not changes.create_new_version:
            self.capabilities.require("edit_versions", "versions stay as they are; make a new one")
        if changes.version is not None:
            self._refuse_number()
        self._check(name)
        with self._within(timeout):
            async with self._turns.of(name):
                latest = await self.latest(name)
                if if_match is not None and if_match.removeprefix("W/").strip('"') not in {latest.id, "*"}:
                    raise ConflictError(
                        f"The prompt {name!r} changed since it was read: its latest version is {version_text(latest)}"
                        f" ({latest.id}). Read it again.",
                        details={"version": version_text(latest), "etag": latest.id},
                    )
                wanted = changed_draft(name, latest, response_of(name, latest), changes)
                made = await self._following(name, latest, wanted, ())
                if if_match not in {None, "*"} and made.id != latest.id:
                    await self._refuse_overtaken(name, latest, made)
                return response_of(name, made)

    async def delete(
        self, name: str, *, version: str | None, project: str | None, force: bool, timeout: float | None
    ) -> None:
        """Remove a prompt; unless ``force`` is given, the tags of all its versions are looked at first."""
        self._refuse_project(project)
        if version is not None:
            self.capabilities.require("delete_versions", "only a whole prompt can be removed")
        self._check(name)
        with self._within(timeout):
            await self._version.require("deleting prompts")
            if not force:
                labels = await self.labels(name, project=None, timeout=None)
                if labels:
                    said = ", ".join(f"{label.label!r} ({label.version})" for label in labels)
                    raise ConflictError(
                        f"The prompt {name!r} was not deleted: these tags point to its versions: {said}. Remove them,"
                        " or delete it with force=True.",
                        details={"labels": {label.label: label.version for label in labels}},
                    )
            await self.routes.delete(name)

    async def make(
        self,
        name: str,
        draft: Draft,
        *,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[PromptVersionTagData] = (),
    ) -> PromptVersion:
        """Create a prompt with its first version and the tags of that, each in a request of its own.

        Raises:
            ConflictError: The name is taken; also when it was taken while this was on its way, and then the version
                was added to that prompt, because the server does that.
            PromptOpsError: A tag could not be set; the error says which, and that the prompt is there.
        """
        check_storable("metadata", dict(metadata or {}))
        about = PromptData(
            name=name,
            description=UNSET if description is None else description,
            metadata=dict(metadata) if metadata else UNSET,
        )
        async with self._turns.of(name):
            if (there := await self.routes.latest(name)) is not None:
                raise ConflictError(
                    f"There is a prompt {name!r} already; its latest version is {version_text(there)}. Add a version to"
                    " it with update(), or choose another name.",
                    details={"name": name, "version": version_text(there)},
                )
            body = CreatePromptRequestBody(prompt=about, version=draft.value)
            try:
                made = await self._once.send(name, draft.value, partial(self.routes.create, body), after=0)
            except ServerError as error:
                if not is_failed(error) or (there := await self.routes.latest(name)) is None:
                    raise
                # What the server says over PostgreSQL of a name that is taken while it looks whether it is.
                raise ConflictError(
                    f"The prompt {name!r} was created by somebody else at the same time, and what was sent is not"
                    f" stored. Add a version to it with update(), or choose another name.",
                    details={"name": name, "version": version_text(there)},
                ) from error
            try:
                oldest = (await self.wire_versions(name))[-1]
            except PromptOpsError as error:
                raise _stored_all_the_same(error, name, made) from error.__cause__
        if oldest.id != made.id:
            raise ConflictError(
                f"The prompt {name!r} was created by somebody else at the same time. What was sent became its version"
                f" {version_text(made)}, and that cannot be taken back.",
                details={"name": name, "version": version_text(made), "first_version": version_text(oldest)},
            )
        tell_losses(name, version_text(made), draft.losses)
        await self._tagged(name, made, tags)
        return made

    async def append(self, name: str, draft: Draft, *, tags: Sequence[PromptVersionTagData] = ()) -> PromptVersion:
        """Add a version with its tags in one step; when the latest says the same it gets the tags instead.

        Raises:
            PromptNotFoundError: There is no such prompt.
        """
        async with self._turns.of(name):
            return await self._following(name, await self.latest(name), draft, tags)

    async def _refuse_overtaken(self, name: str, latest: PromptVersion, made: PromptVersion) -> None:
        """The server takes no condition: a version that came in between is noticed afterwards.

        Raises:
            ConflictError: There is one; ours is on top of it, because versions cannot be removed.
        """
        try:
            before = await self.routes.before(name, made)
        except PromptOpsError as error:
            raise _stored_all_the_same(error, name, made) from error.__cause__
        if before is None or before.id == latest.id:
            return
        raise ConflictError(
            f"Somebody else changed the prompt {name!r} at the same time: version {version_text(before)} is not in what"
            f" was sent, which became version {version_text(made)}, and that cannot be taken back.",
            details={"name": name, "version": version_text(made), "overtaken_version": version_text(before)},
        )

    async def _following(
        self, name: str, latest: PromptVersion, draft: Draft, tags: Sequence[PromptVersionTagData]
    ) -> PromptVersion:
        data = draft.value
        if same_content(data, latest):
            tell_losses(name, version_text(latest), draft.losses)
            await self._tagged(name, latest, tags)
            return latest
        body = CreatePromptVersionRequestBody(version=data, tags=list(tags) or UNSET)
        post = partial(self.routes.append, name, body)
        made = await self._once.send(name, data, post, after=number_in(latest))
        tell_losses(name, version_text(made), draft.losses)
        return made

    async def _tagged(self, name: str, version: PromptVersion, tags: Sequence[PromptVersionTagData]) -> None:
        for number, tag in enumerate(tags):
            try:
                await self.routes.tag(version.id, tag)
            except PromptOpsError as error:
                missing = [tag.name for tag in tags[number:]]
                error.message = (
                    f"Version {version_text(version)} of the prompt {name!r} is stored, but without the tags"
                    f" {missing}: {error.message}"
                )
                error.args = (error.message,)
                error.details |= {"name": name, "version": version_text(version), "tags_missing": missing}
                error.retryable = False
                raise

    async def preview(self, name: str, changes: PromptUpdate) -> Draft:
        """What an update would send; nothing is stored, and what would be left out is listed instead of refused.

        Raises:
            PromptNotFoundError: There is no such prompt.
        """
        latest = await self.latest(name)
        return changed_draft(name, latest, response_of(name, latest), changes, allow_loss=True)

    async def latest(self, name: str) -> PromptVersion:
        """The latest version.

        Raises:
            PromptNotFoundError: There is no such prompt.
        """
        latest = await self.routes.latest(name)
        if latest is None:
            raise absent(name)
        return latest

    def _refuse_number(self) -> None:
        self.capabilities.require("choose_versions", "leave the number out: the server counts by itself")


def _stored_all_the_same(error: PromptOpsError, name: str, made: PromptVersion) -> PromptOpsError:
    """The error of a look at what happened beside a write, which itself went well."""
    error.message = (
        f"Version {version_text(made)} of the prompt {name!r} is stored; whether somebody else wrote at the same time"
        f" is not known: {error.message}"
    )
    error.args = (error.message,)
    error.details |= {"name": name, "version": version_text(made)}
    error.retryable = False
    return error
