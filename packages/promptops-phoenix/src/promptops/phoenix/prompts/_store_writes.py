"""Prompts on a Phoenix server, written: created once, changed by new versions, deleted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from msgspec import UNSET
from promptops.core.errors import (
    ConflictError,
    NetworkError,
    PromptOpsError,
    ServerError,
    TimeoutError,  # noqa: A004 - ours
)
from promptops.core.messages import Profile
from promptops.core.runtime import Runtime
from promptops.core.transport import ExchangeFailed, TransportError
from promptops.models import PromptCreate, PromptResponse, PromptUpdate
from promptops.phoenix._generated import (
    CreatePromptRequestBody,
    CreatePromptVersionRequestBody,
    PromptData,
    PromptVersion,
    PromptVersionData,
    PromptVersionTagData,
)
from promptops.phoenix._profiles import PROMPT
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.prompts._store_drafts import changed_data, data_of, name_of, same_content
from promptops.phoenix.prompts._store_labels import PromptTagging
from promptops.phoenix.prompts._store_reads import response_of
from promptops.phoenix.prompts._turns import Turns
from promptops.phoenix.prompts._wire import absent, number_in, version_text

__all__ = ["PromptWriting"]

_SETTLING: Final = 0.1
"""Seconds that a request whose answer was lost gets to have its effect, before that is looked for."""


class PromptWriting(PromptTagging):
    """The part of :class:`~promptops.phoenix.PhoenixPromptStore` that writes prompts and versions."""

    def __init__(self, runtime: Runtime, *, version: ServerVersion | None = None, profile: Profile = PROMPT) -> None:
        super().__init__(runtime, version=version, profile=profile)
        self._turns = Turns(runtime)

    async def create(self, prompt: PromptCreate, *, timeout: float | None) -> PromptResponse:
        """Look whether the name is free, create, and look whether somebody else was faster."""
        self._refuse_project(prompt.project_id)
        if prompt.version is not None:
            self._refuse_number()
        name, data = name_of(prompt), data_of(prompt, allow_loss=False)
        with self._within(timeout):
            made = await self.make(name, data, description=prompt.description or None, metadata=prompt.metadata)
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
                latest = await self._latest(name)
                if if_match is not None and if_match.removeprefix("W/").strip('"') not in {latest.id, "*"}:
                    raise ConflictError(
                        f"The prompt {name!r} changed since it was read: its latest version is {version_text(latest)}"
                        f" ({latest.id}). Read it again.",
                        details={"version": version_text(latest), "etag": latest.id},
                    )
                wanted = changed_data(name, latest, response_of(name, latest), changes)
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
        data: PromptVersionData,
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
            body = CreatePromptRequestBody(prompt=about, version=data)
            made = await self._stored(name, data, partial(self.routes.create, body), after=0)
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
        await self._tagged(name, made, tags)
        return made

    async def append(
        self, name: str, data: PromptVersionData, *, tags: Sequence[PromptVersionTagData] = ()
    ) -> PromptVersion:
        """Add a version with its tags in one step; when the latest says the same it gets the tags instead.

        Raises:
            PromptNotFoundError: There is no such prompt.
        """
        async with self._turns.of(name):
            return await self._following(name, await self._latest(name), data, tags)

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
        self, name: str, latest: PromptVersion, data: PromptVersionData, tags: Sequence[PromptVersionTagData]
    ) -> PromptVersion:
        if same_content(data, latest):
            await self._tagged(name, latest, tags)
            return latest
        body = CreatePromptVersionRequestBody(version=data, tags=list(tags) or UNSET)
        return await self._stored(name, data, partial(self.routes.append, name, body), after=number_in(latest))

    async def _stored(
        self, name: str, data: PromptVersionData, post: Callable[[], Awaitable[PromptVersion]], *, after: int
    ) -> PromptVersion:
        """Send a version once, whatever happens to the answer.

        The server adds a version for each request, so a request whose answer was lost is not simply sent again: what
        was stored since version ``after`` is looked at first. Only when it is not there, and the connection broke, is
        it sent a second time.
        """
        try:
            return await post()
        except _LOST as error:
            found = await self._found_after(error, name, data, after=after)
            if found is not None:
                return found
            if not isinstance(error, NetworkError):
                raise
        try:
            made = await post()
        except _LOST as error:
            found = await self._found_after(error, name, data, after=after)
            if found is None:
                raise
            return found
        return await self._oldest_alike(name, data, after=after) or made

    async def _found_after(
        self, error: PromptOpsError, name: str, data: PromptVersionData, *, after: int
    ) -> PromptVersion | None:
        """What was stored although the answer was lost; the error of the request when that cannot be known."""
        if not error.repeated and isinstance(error.__cause__, TransportError) and not _was_sent(error.__cause__):
            raise error
        try:
            await self._runtime.sleep(_SETTLING)
            return await self._oldest_alike(name, data, after=after)
        except PromptOpsError as unknown:
            error.retryable = False
            error.add_note(f"Whether the version of {name!r} was stored is not known: {unknown.message}")
            raise error from unknown

    async def _oldest_alike(self, name: str, data: PromptVersionData, *, after: int) -> PromptVersion | None:
        alike = None
        async for version in self.routes.versions(name):
            if number_in(version) <= after:
                break
            if same_content(data, version):
                alike = version
        return alike

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

    async def _latest(self, name: str) -> PromptVersion:
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


def _was_sent(failure: TransportError) -> bool:
    """Whether anything may have reached the server."""
    return isinstance(failure, ExchangeFailed) or failure.sent


_LOST: Final = (NetworkError, TimeoutError, ServerError)
"""What a request may end with although it had its effect."""
