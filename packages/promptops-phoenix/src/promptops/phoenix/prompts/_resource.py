"""Prompts on a Phoenix server: everything that prompts can do elsewhere, and what only this server has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from promptops.core.bridge import bridge
from promptops.models import PromptUpdate
from promptops.phoenix._checks import check_prompt_name, check_tag_name, refused
from promptops.phoenix._generated import PromptVersion, PromptVersionData, PromptVersionTagData
from promptops.phoenix.conversion import Converted
from promptops.phoenix.prompts._records import AsyncPromptRecords
from promptops.phoenix.prompts._store_drafts import WritablePrompt, draft_of
from promptops.prompts import SyncPrompts

__all__ = ["AsyncPhoenixPrompts", "SyncPhoenixPrompts"]


class AsyncPhoenixPrompts(AsyncPromptRecords):
    """The prompts of a Phoenix server.

    Getting, rendering, caching, fallbacks, listing, creating, changing and deleting work as on every other server; how
    Phoenix says these things is told by :class:`PhoenixPromptStore`. In short: a prompt is named by its name, its
    version ``12.0.0`` is the version that Phoenix counts as number 12, its labels are tags, and ``project``, explicit
    version numbers, editing, deleting one version, history and rendering on the server raise ``UnsupportedOperation``.

    Three things differ in effect. A change that changes nothing makes no new version. A write is sent once: when its
    answer is lost, what is stored is looked at before it is sent again. What Phoenix has no place for is refused, and
    nothing is sent; :meth:`create_prompt` and :meth:`create_version` leave it out when they are told to. What it says
    in another way is stored so; the warning ``prompt_stored_differently`` in the log tells it afterwards, and
    :meth:`preview` before.

    The methods below are those that only Phoenix has. They take and give its own models.

    Args:
        runtime: What sends the requests.
        version: The version of the server, as far as it is known.
        cache: What to keep, or the memory to share with another resource of the same client.
        bundle: What is served when the server cannot be asked and nothing is at hand.
    """

    async def preview(
        self, *, version: WritablePrompt | PromptUpdate, name: str | None = None
    ) -> Converted[PromptVersionData]:
        """Say what would be stored, and what of it is said otherwise than it was given. Nothing is stored.

        Args:
            version: What :meth:`create_prompt` and :meth:`create_version` take, or the changes of an :meth:`update`.
            name: The prompt that changes are for; its latest version is read. Nothing is sent for anything else.

        Returns:
            The version, and its ``losses``: ``field``, ``what`` and ``detail`` of each. Those that are ``unsupported``
            or ``unknown`` would be refused, or be left out with ``allow_loss=True``.

        Raises:
            ValidationError: Phoenix cannot hold the prompt at all, or changes were given without ``name``.
            PromptNotFoundError: There is no such prompt.
        """
        if not isinstance(version, PromptUpdate):
            return draft_of(version, allow_loss=True)
        if name is None:
            raise refused("name", "must say which prompt the changes are for")
        return await self._phoenix.preview(check_prompt_name(name), version)

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
        draft, labels = draft_of(version, allow_loss=allow_loss), _tags(tags)
        try:
            return await self._phoenix.make(name, draft, description=description, metadata=metadata, tags=labels)
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
        draft, labels = draft_of(version, allow_loss=allow_loss), _tags(tags)
        try:
            return await self._phoenix.append(name, draft, tags=labels)
        finally:
            await self._changed(name)


class SyncPhoenixPrompts(SyncPrompts):
    """Blocking view of :class:`AsyncPhoenixPrompts`."""

    def __init__(self, resource: AsyncPhoenixPrompts) -> None:
        super().__init__(resource)

    list_prompts = bridge(AsyncPhoenixPrompts.list_prompts)
    preview = bridge(AsyncPhoenixPrompts.preview)
    get_version = bridge(AsyncPhoenixPrompts.get_version)
    list_versions = bridge(AsyncPhoenixPrompts.list_versions)
    create_prompt = bridge(AsyncPhoenixPrompts.create_prompt)
    create_version = bridge(AsyncPhoenixPrompts.create_version)
    update_prompt = bridge(AsyncPhoenixPrompts.update_prompt)
    tags = bridge(AsyncPhoenixPrompts.tags)
    add_tag = bridge(AsyncPhoenixPrompts.add_tag)
    remove_tag = bridge(AsyncPhoenixPrompts.remove_tag)


def _tags(names: Sequence[str]) -> list[PromptVersionTagData]:
    if isinstance(names, str):
        raise refused("tags", f"must be a list of tags, not one text; write [{names!r:.80}]")
    return [PromptVersionTagData(name=check_tag_name(name)) for name in names]
