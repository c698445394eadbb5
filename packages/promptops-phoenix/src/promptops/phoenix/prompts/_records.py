"""Prompts, versions and tags as Phoenix keeps them: read, described and tagged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import UNSET, UnsetType
from promptops.core.errors import NotFoundError
from promptops.core.messages import Profile
from promptops.core.narrow import is_object
from promptops.core.runtime import Runtime
from promptops.phoenix._checks import check_prompt_name, check_storable, check_tag_name, refused
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
from promptops.prompts import AsyncPrompts

if TYPE_CHECKING:
    from promptops.cache import CacheConfig
    from promptops.prompts import PromptCache
    from promptops.prompts.files.bundle import Bundle
    from promptops.prompts.stores import PromptStore

__all__ = ["AsyncPromptRecords"]

_VERSION = "PromptVersion"

# The class has a method named list, so its annotations cannot say list.
PromptList: TypeAlias = list[Prompt]
TagList: TypeAlias = list[PromptVersionTag]
VersionList: TypeAlias = list[PromptVersion]


class AsyncPromptRecords(AsyncPrompts):
    """The part of :class:`AsyncPhoenixPrompts` that takes and gives what only Phoenix has.

    Args:
        runtime: What sends the requests.
        version: The version of the server, as far as it is known.
        cache: What to keep, or the memory to share with another resource of the same client.
        bundle: What is served when the server cannot be asked and nothing is at hand.
        store: What calls the server, when others write through it as well: writes of one prompt then take turns.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        version: ServerVersion | None = None,
        cache: CacheConfig | PromptCache | None = None,
        bundle: Bundle | None = None,
        store: PhoenixPromptStore | None = None,
    ) -> None:
        super().__init__(runtime, cache=cache, bundle=bundle)
        self._version = ServerVersion(runtime) if version is None else version
        self._phoenix = PhoenixPromptStore(runtime, version=self._version) if store is None else store
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
            ValidationError: Nothing was given, or metadata is no dict or cannot be stored; nothing was sent.
        """
        check_prompt_name(name)
        if description is UNSET and metadata is UNSET:
            raise refused("description", "and metadata are both absent, so there is nothing to change")
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


def _facts(metadata: object) -> dict[str, Any]:
    if not is_object(metadata):
        raise refused("metadata", "must be a dict; {} removes what is there")
    check_storable("metadata", metadata)
    return dict(metadata)
