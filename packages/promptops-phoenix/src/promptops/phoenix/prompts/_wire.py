"""The routes of prompts, one function for each, with the numbers and names that the wire leaves out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from promptops.core.errors import NotFoundError, PromptNotFoundError
from promptops.core.messages import READ, Profile
from promptops.core.pagination import iterate_cursor
from promptops.core.runtime import Runtime
from promptops.phoenix._checks import json_body
from promptops.phoenix._generated import (
    CreatePromptRequestBody,
    CreatePromptResponseBody,
    CreatePromptVersionRequestBody,
    CreatePromptVersionResponseBody,
    GetPromptResponseBody,
    GetPromptsResponseBody,
    GetPromptVersionsResponseBody,
    GetPromptVersionTagsResponseBody,
    PatchPromptRequestBody,
    PatchPromptResponseBody,
    Prompt,
    PromptVersion,
    PromptVersionTag,
    PromptVersionTagData,
)
from promptops.phoenix._http import delete, fetch_if_there, fetch_page, pairs, path, send, send_empty
from promptops.phoenix._ids import global_id, number_of

__all__ = ["PromptRoutes", "absent", "number_in", "version_text"]

KIND: Final = "PromptVersion"
_PER_PAGE: Final = 1000
"""Versions and prompts of a page: the server has no maximum, and one request costs more than long answers."""


class PromptRoutes:
    """What a Phoenix server has for prompts. Names, tags and ids are checked by the caller.

    ``profile`` says how patient a call is; those without one have time.

    Args:
        runtime: Sends the requests.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def latest(self, name: str, *, profile: Profile = READ) -> PromptVersion | None:
        """The newest version, or None when there is no such prompt."""
        return await self._one("prompts", name, "latest", profile=profile)

    async def tagged(self, name: str, tag: str, *, profile: Profile = READ) -> PromptVersion | None:
        """The version that has the tag, or None when there is no such prompt or tag."""
        return await self._one("prompts", name, "tags", tag, profile=profile)

    async def version(self, version_id: str) -> PromptVersion | None:
        """A version by its id; the answer does not say of which prompt it is."""
        return await self._one("prompt_versions", version_id, profile=READ)

    async def numbered(self, name: str, number: int, *, profile: Profile = READ) -> PromptVersion | None:
        """A version of this prompt by its number, or None when the prompt has no such version.

        The list is asked for from this version on. Only a version that it holds is one of this prompt; where the list
        starts is looked at and never relied on.
        """
        found: list[PromptVersion] = await self._page(name, limit=1, cursor=global_id(KIND, number), profile=profile)
        if found and number_in(found[0]) > number:
            found = [version async for version in self.versions(name) if number_in(version) == number]
        return found[0] if found and number_in(found[0]) == number else None

    async def before(self, name: str, version: PromptVersion) -> PromptVersion | None:
        """The version of this prompt that came before another one of it, or None when that was the first."""
        found: list[PromptVersion] = await self._page(name, limit=2, cursor=version.id, profile=READ)
        if not found or found[0].id != version.id:
            number = number_in(version)
            found = [version, *[older async for older in self.versions(name) if number_in(older) < number]]
        return found[1] if len(found) > 1 else None

    def versions(self, name: str) -> AsyncIterator[PromptVersion]:
        """The versions of a prompt, newest first; none when there is no such prompt."""
        return self._all(path("prompts", name, "versions"), GetPromptVersionsResponseBody)

    def prompts(self) -> AsyncIterator[Prompt]:
        """Every prompt, newest first, without its versions."""
        return self._all(path("prompts"), GetPromptsResponseBody)

    async def create(self, body: CreatePromptRequestBody) -> PromptVersion:
        """Create a prompt; where it exists the server adds a version instead."""
        where = path("prompts")
        return (await send(self._runtime, "POST", where, json_body(body), CreatePromptResponseBody)).data

    async def append(self, name: str, body: CreatePromptVersionRequestBody) -> PromptVersion:
        """Add a version, and give it tags in the same step."""
        where = path("prompts", name, "versions")
        try:
            return (await send(self._runtime, "POST", where, json_body(body), CreatePromptVersionResponseBody)).data
        except NotFoundError as error:
            raise absent(name, because=error) from error

    async def patch(self, name: str, body: PatchPromptRequestBody) -> Prompt:
        """Change what a prompt says about itself."""
        where = path("prompts", name)
        try:
            answer = await send(
                self._runtime, "PATCH", where, json_body(body), PatchPromptResponseBody, repeatable=True
            )
        except NotFoundError as error:
            raise absent(name, because=error) from error
        return answer.data

    async def delete(self, name: str) -> None:
        """Remove a prompt with its versions and tags."""
        try:
            await delete(self._runtime, path("prompts", name))
        except NotFoundError as error:
            raise absent(name, because=error) from error

    async def tags(self, version_id: str) -> Sequence[PromptVersionTag]:
        """The tags of a version."""
        where = path("prompt_versions", version_id, "tags")
        tags: AsyncIterator[PromptVersionTag] = self._all(where, GetPromptVersionTagsResponseBody)
        return [tag async for tag in tags]

    async def tag(self, version_id: str, body: PromptVersionTagData) -> None:
        """Give a version a tag; another version of the prompt that has it loses it."""
        where = path("prompt_versions", version_id, "tags")
        await send_empty(self._runtime, "POST", where, json_body(body), repeatable=True)

    async def untag(self, version_id: str, tag: str) -> None:
        """Take a tag from a version."""
        await delete(self._runtime, path("prompt_versions", version_id, "tags", tag))

    def _all(self, where: str, shape: type[Any]) -> AsyncIterator[Any]:
        return iterate_cursor(lambda cursor: fetch_page(self._runtime, where, shape, limit=_PER_PAGE, cursor=cursor))

    async def _one(self, *segments: str, profile: Profile) -> PromptVersion | None:
        found = await fetch_if_there(self._runtime, path(*segments), GetPromptResponseBody, profile=profile)
        return None if found is None else found.data

    async def _page(self, name: str, *, limit: int, cursor: str, profile: Profile) -> list[PromptVersion]:
        where = path("prompts", name, "versions")
        body = await fetch_if_there(
            self._runtime,
            where,
            GetPromptVersionsResponseBody,
            query=pairs(limit=limit, cursor=cursor),
            profile=profile,
        )
        return [] if body is None else body.data


def number_in(version: PromptVersion) -> int:
    """The number of a version: that within its id."""
    return number_of(version.id, KIND)


def version_text(version: PromptVersion) -> str:
    """The number of a version as the SemVer that stands for it: ``12.0.0``."""
    return f"{number_in(version)}.0.0"


def absent(name: str, what: str = "", *, because: NotFoundError | None = None) -> PromptNotFoundError:
    """There is no such prompt, or nothing of that kind in it.

    Args:
        name: The prompt.
        what: What it lacks, as the end of a sentence: ``with the tag 'production'``.
        because: The answer that said so.
    """
    return PromptNotFoundError(
        f"There is no prompt {name!r}{what and ' '}{what} on this Phoenix server.",
        prompt_id=name,
        request_id=None if because is None else because.request_id,
    )
