"""Prompts on a Phoenix server: everything that prompts can do elsewhere, and what only this server has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import UNSET, UnsetType
from promptops.core.bridge import bridge
from promptops.core.errors import NotFoundError, ValidationError
from promptops.core.messages import Profile
from promptops.core.narrow import is_object
from promptops.core.runtime import Runtime
from promptops.phoenix._checks import check_prompt_name, check_tag_name
from promptops.phoenix._generated import (
    PatchPromptRequestBody,
    Prompt,
    PromptVersion,
    PromptVersionTag,
    PromptVersionTagData,
)
from promptops.phoenix._ids import check_id
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.prompts._store import PhoenixPromptStore
from promptops.phoenix.prompts._store_drafts import WritablePrompt, data_of
from promptops.prompts import AsyncPrompts, SyncPrompts

if TYPE_CHECKING:
    from promptops.cache import CacheConfig
    from promptops.prompts import PromptCache
    from promptops.prompts.files.bundle import Bundle
    from promptops.prompts.stores import PromptStore

__all__ = ["AsyncPhoenixPrompts", "SyncPhoenixPrompts"]

_VERSION = "PromptVersion"

# The class has a method named list, so its annotations cannot say list.
PromptList: TypeAlias = list[Prompt]
TagList: TypeAlias = list[PromptVersionTag]
VersionList: TypeAlias = list[PromptVersion]


class AsyncPhoenixPrompts(AsyncPrompts):
    """The prompts of a Phoenix server.

    Getting, rendering, caching, fallbacks, listing, creating, changing and deleting work as on every other server; how
    Phoenix says these things is told by :class:`PhoenixPromptStore`. In short: a prompt is named by its name, its
    version ``12.0.0`` is the version that Phoenix counts as number 12, its labels are tags, and ``project``, explicit
    version numbers, editing, deleting one version, history and rendering on the server raise ``UnsupportedOperation``.

    Three things differ in effect. A change that changes nothing makes no new version. A write is sent once: when its
    answer is lost, what is stored is looked at before it is sent again. What Phoenix has no place for is refused, and
    nothing is sent; :meth:`create_prompt` and :meth:`create_version` leave it out when they are told to.

    The methods below are those that only Phoenix has. They take and give its own models.

    Args:
        runtime: What sends the requests.
        version: The version of the server, as far as it is known.
        cache: What to keep, or the memory to share with another resource of the same client.
        bundle: What is served when the server cannot be asked and nothing is at hand.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        version: ServerVersion | None = None,
        cache: CacheConfig | PromptCache | None = None,
        bundle: Bundle | None = None,
    ) -> None:
        super().__init__(runtime, cache=cache, bundle=bundle)
        self._version = ServerVersion(runtime) if version is None else version
        self._phoenix = PhoenixPromptStore(runtime, version=self._version)
        self._store = self._phoenix

    @staticmethod
    def _make_store(runtime: Runtime, profile: Profile) -> PromptStore:
        return PhoenixPromptStore(runtime, profile=profile)

    async def list_prompts(self) -> PromptList:
        """Every prompt as Phoenix keeps it beside the versions: id, name, description, metadata; newest first."""
        return [prompt async for prompt in self._phoenix.routes.prompts()]

    async def get_version(self, *, version_id: str) -> PromptVersion:
        """One version by its id, as Phoenix has it; the answer does not say of which prompt it is.

        Args:
            version_id: For example the ``etag`` of a prompt.

        Raises:
            NotFoundError: There is none.
            ValidationError: It is no id of a version; nothing was sent.
        """
        found = await self._phoenix.routes.version(check_id("version_id", version_id, _VERSION))
        if found is None:
            raise NotFoundError(f"There is no prompt version {version_id!r} on this Phoenix server.")
        return found

    async def list_versions(self, *, name: str) -> VersionList:
        """Every version of a prompt as Phoenix has it, newest first.

        Raises:
            PromptNotFoundError: There is no such prompt.
        """
        return await self._phoenix.wire_versions(check_prompt_name(name))

    async def create_prompt(
        self,
        *,
        name: str,
        version: WritablePrompt,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[str] = (),
        allow_loss: bool = False,
    ) -> PromptVersion:
        """Create a prompt with its first version, and give that tags.

        Args:
            name: Lower-case letters, digits, ``-`` and ``_``.
            version: A version of Phoenix's kind, or a prompt of any other server.
            description: What the prompt is for.
            metadata: Free facts about the prompt.
            tags: The tags of the version. They are set after the prompt was created, with one request each.
            allow_loss: Whether what Phoenix has no place for may be left out.

        Returns:
            The version, with its id.

        Raises:
            ConflictError: The name is taken.
            ValidationError: Something was refused; nothing was sent.
            PromptOpsError: A tag could not be set; the prompt is there, and ``details["tags_missing"]`` says the rest.
        """
        check_prompt_name(name)
        data, labels = data_of(version, allow_loss=allow_loss), _tags(tags)
        try:
            return await self._phoenix.make(name, data, description=description, metadata=metadata, tags=labels)
        finally:
            await self._changed(name)

    async def create_version(
        self, *, name: str, version: WritablePrompt, tags: Sequence[str] = (), allow_loss: bool = False
    ) -> PromptVersion:
        """Add a version to a prompt, and give it tags in the same step.

        When the latest version says the same, no other is made: that one gets the tags and is returned.

        Args:
            name: The prompt.
            version: A version of Phoenix's kind, or a prompt of any other server.
            tags: The tags of the version; other versions that have them lose them.
            allow_loss: Whether what Phoenix has no place for may be left out.

        Raises:
            PromptNotFoundError: There is no such prompt.
            ValidationError: Something was refused; nothing was sent.
        """
        check_prompt_name(name)
        data, labels = data_of(version, allow_loss=allow_loss), _tags(tags)
        try:
            return await self._phoenix.append(name, data, tags=labels)
        finally:
            await self._changed(name)

    async def update_prompt(
        self,
        *,
        name: str,
        description: str | UnsetType | None = UNSET,
        metadata: Mapping[str, Any] | UnsetType = UNSET,
    ) -> Prompt:
        """Change what Phoenix keeps of a prompt beside its versions; these stay as they are.

        Args:
            name: The prompt.
            description: Another description, or None for none.
            metadata: Other facts, all of them; ``{}`` removes them.

        Raises:
            PromptNotFoundError: There is no such prompt.
            UnsupportedOperation: The server is older than 19.18.
            ValidationError: Nothing was given, or metadata is no dict; nothing was sent.
        """
        check_prompt_name(name)
        if description is UNSET and metadata is UNSET:
            raise _refused("description", "give a description or metadata; there is nothing to change")
        facts = metadata if isinstance(metadata, UnsetType) else _facts(metadata)
        await self._version.require("changing prompts")
        return await self._phoenix.routes.patch(name, PatchPromptRequestBody(description=description, metadata=facts))

    async def tags(self, *, version_id: str) -> TagList:
        """The tags of a version, with their descriptions.

        Raises:
            NotFoundError: There is no such version.
        """
        return list(await self._phoenix.routes.tags(check_id("version_id", version_id, _VERSION)))

    async def add_tag(self, *, version_id: str, name: str, description: str | None = None) -> None:
        """Give a version a tag; another version of its prompt that has it loses it.

        :meth:`set_label` does the same for the version of a named prompt, and can expect where the tag is now.

        Args:
            version_id: The version.
            name: Lower-case letters, digits, ``-`` and ``_``.
            description: What the tag is for.

        Raises:
            NotFoundError: There is no such version.
        """
        tag = PromptVersionTagData(name=check_tag_name(name), description=UNSET if description is None else description)
        try:
            await self._phoenix.routes.tag(check_id("version_id", version_id, _VERSION), tag)
        finally:
            self._moved()

    async def remove_tag(self, *, version_id: str, name: str) -> None:
        """Take a tag from a version.

        Raises:
            NotFoundError: The version does not have it, or does not exist.
        """
        try:
            await self._phoenix.routes.untag(check_id("version_id", version_id, _VERSION), check_tag_name(name))
        finally:
            self._moved()

    def _moved(self) -> None:
        """Forget every label that is in memory: of which prompt the version is, is not known."""
        self._cache.memory.forget_moving()
        self._cache.memory.misses.clear()

    async def _changed(self, name: str) -> None:
        await self._cache.drop(self._cache.forget(name, project=None, versions=()))


class SyncPhoenixPrompts(SyncPrompts):
    """Blocking view of :class:`AsyncPhoenixPrompts`."""

    def __init__(self, resource: AsyncPhoenixPrompts) -> None:
        super().__init__(resource)

    list_prompts = bridge(AsyncPhoenixPrompts.list_prompts)
    get_version = bridge(AsyncPhoenixPrompts.get_version)
    list_versions = bridge(AsyncPhoenixPrompts.list_versions)
    create_prompt = bridge(AsyncPhoenixPrompts.create_prompt)
    create_version = bridge(AsyncPhoenixPrompts.create_version)
    update_prompt = bridge(AsyncPhoenixPrompts.update_prompt)
    tags = bridge(AsyncPhoenixPrompts.tags)
    add_tag = bridge(AsyncPhoenixPrompts.add_tag)
    remove_tag = bridge(AsyncPhoenixPrompts.remove_tag)


def _facts(metadata: object) -> dict[str, Any]:
    if not is_object(metadata):
        raise _refused("metadata", "must be a dict; {} removes what is there")
    return dict(metadata)


def _tags(names: Sequence[str]) -> list[PromptVersionTagData]:
    if isinstance(names, str):
        raise _refused("tags", f"must be a list of tags, not one text; write [{names!r:.80}]")
    return [PromptVersionTagData(name=check_tag_name(name)) for name in names]


def _refused(field: str, reason: str) -> ValidationError:
    problem = {"field": field, "message": reason, "code": "invalid"}
    return ValidationError(f"{field}: {reason}.", validation_errors=[problem])
