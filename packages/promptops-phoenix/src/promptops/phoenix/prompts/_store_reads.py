"""Prompts on a Phoenix server, read: versions as our prompts, alone, in lists and in pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Final

from promptops.core.errors import NotFoundError, ValidationError
from promptops.core.messages import READ, Profile
from promptops.core.pagination import OffsetPage
from promptops.core.runtime import Runtime
from promptops.models import PromptBatch, PromptBatchError, PromptResponse
from promptops.phoenix._checks import check_prompt_name, check_tag_name
from promptops.phoenix._generated import Prompt, PromptVersion
from promptops.phoenix._ids import number_of
from promptops.phoenix._profiles import PROMPT
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.prompts._response import response_of
from promptops.phoenix.prompts._wire import PromptRoutes, absent
from promptops.prompts._checks import check_timeout
from promptops.prompts.stores import Capabilities, PromptQuery

__all__ = ["AT_ONCE", "PromptReading"]

AT_ONCE: Final = 8
"""Requests at once, where one call needs many."""

_CAPABILITIES: Final = Capabilities(store="phoenix", features=frozenset({"write_prompts", "labels"}))


class PromptReading:
    """The half of :class:`~promptops.phoenix.PhoenixPromptStore` that reads.

    Args:
        runtime: Sends the requests.
        version: The version of the server, as far as it is known.
        profile: How patient it is when one prompt is asked for.
    """

    def __init__(self, runtime: Runtime, *, version: ServerVersion | None = None, profile: Profile = PROMPT) -> None:
        self._runtime = runtime
        self._version = ServerVersion(runtime) if version is None else version
        self._profile = profile
        self.routes = PromptRoutes(runtime)

    @property
    def capabilities(self) -> Capabilities:
        """It writes, and has labels (tags)."""
        return _CAPABILITIES

    async def get(
        self,
        name: str,
        *,
        version: str | None,
        label: str | None,
        project: str | None,
        fresh: bool,  # noqa: ARG002 - there is no cache on the way
        timeout: float | None,
        etag: str | None = None,
    ) -> PromptResponse | None:
        """One request: the latest, the version with the tag, or the list of versions from the one that is meant on."""
        self._refuse_project(project)
        self._check(name)
        labels: tuple[str, ...] = ()
        with self._within(timeout):
            if label is not None:
                labels = (check_tag_name(label),)
                found = await self.routes.tagged(name, label, profile=self._profile)
            elif version is not None:
                found = await self._numbered(name, version, profile=self._profile)
            else:
                found = await self.routes.latest(name, profile=self._profile)
        if found is None:
            raise absent(name, _lacking(version, label))
        return None if found.id == etag else response_of(name, found, labels=labels)

    async def get_many(
        self,
        names: Sequence[str],
        *,
        versions: Mapping[str, str],
        labels: Mapping[str, str],
        project: str | None,
        fresh: bool,
        timeout: float | None,
    ) -> PromptBatch:
        """One request for each, a few at once."""
        self._refuse_project(project)
        found: dict[str, PromptResponse] = {}
        errors: list[PromptBatchError] = []

        async def one(name: str) -> None:
            try:
                prompt = await self.get(
                    name,
                    version=versions.get(name),
                    label=labels.get(name),
                    project=None,
                    fresh=fresh,
                    timeout=timeout,
                )
            except (NotFoundError, ValidationError) as error:
                errors.append(PromptBatchError(prompt_id=name, code=error.error_code, message=error.message))
            else:
                assert prompt is not None  # no etag was given
                found[name] = prompt

        await self._runtime.gather(*[partial(one, name) for name in names], limit=AT_ONCE)
        return PromptBatch(prompts={name: found[name] for name in names if name in found}, errors=errors)

    async def list_page(
        self,
        query: PromptQuery,
        *,
        fresh: bool = False,  # noqa: ARG002 - there is no cache on the way
        timeout: float | None,
    ) -> OffsetPage[PromptResponse]:
        """One page of prompts, sorted and searched here, with one request for each prompt that is looked into.

        Text is searched for in what the server lists: the names and the descriptions of prompts, not their contents.
        ``created_at`` is the order in which the server counted the prompts, ``updated_at`` and ``version`` that of
        their latest versions; for these two every prompt that was found is looked into, else those of the page.
        """
        self._refuse_project(query.project)
        if query.module_id is not None:
            self.capabilities.require("modules")
        if query.tags:
            self.capabilities.require("tags", "search by text, or get a prompt by its label")
        with self._within(timeout):
            prompts = [prompt async for prompt in self.routes.prompts() if _matches(prompt, query.query)]
            descending = query.sort_order == "desc"
            if query.sort_by in {"name", "created_at"}:
                prompts.sort(key=_by_name if query.sort_by == "name" else _by_age, reverse=descending)
                return await self._filled(prompts, query)
            found = await self._latest_of(prompts)
        found.sort(key=_by_number, reverse=descending)
        items = found[query.offset : query.offset + query.limit]
        return _page(items, query, total=len(found), position=query.offset + len(items))

    async def versions_page(
        self, name: str, *, project: str | None, limit: int, offset: int, timeout: float | None
    ) -> OffsetPage[PromptResponse]:
        """One page of the versions; the server pages by cursor, so all are fetched, 1,000 with each request."""
        self._refuse_project(project)
        self._check(name)
        with self._within(timeout):
            versions = await self.wire_versions(name)
        page = versions[offset : offset + limit]
        return OffsetPage(
            items=[response_of(name, version) for version in page],
            total=len(versions),
            limit=limit,
            offset=offset,
            has_more=offset + len(page) < len(versions),
        )

    async def wire_versions(self, name: str) -> list[PromptVersion]:
        versions = [version async for version in self.routes.versions(name)]
        if not versions:  # the server says the same of a prompt that it does not have
            raise absent(name)
        return versions

    async def _numbered(self, name: str, version: str, *, profile: Profile = READ) -> PromptVersion | None:
        number, _, rest = version.partition(".")
        if rest != "0.0" or number == "0":
            return None
        return await self.routes.numbered(name, int(number), profile=profile)

    async def _filled(self, prompts: Sequence[Prompt], query: PromptQuery) -> OffsetPage[PromptResponse]:
        items: list[PromptResponse] = []
        position = query.offset
        while len(items) < query.limit and position < len(prompts):
            chosen = prompts[position : position + query.limit - len(items)]
            items.extend(await self._latest_of(chosen))
            position += len(chosen)
        return _page(items, query, total=len(prompts), position=position)

    async def _latest_of(self, prompts: Sequence[Prompt]) -> list[PromptResponse]:
        """The latest version of each; one that was deleted meanwhile is left out."""
        found = await self._runtime.gather(*[partial(self.routes.latest, item.name) for item in prompts], limit=AT_ONCE)
        pairs = zip(prompts, found, strict=True)
        return [response_of(prompt.name, version) for prompt, version in pairs if version is not None]

    @staticmethod
    def _check(name: str) -> str:
        """Refuse what is no name of a prompt, before it is sent."""
        return check_prompt_name(name)

    def _within(self, timeout: float | None) -> AbstractContextManager[Any]:
        seconds = check_timeout(timeout)
        return nullcontext() if seconds is None else self._runtime.deadline(seconds)

    def _refuse_project(self, project: str | None) -> None:
        if project is not None:
            self.capabilities.require("projects", "leave project out: prompts of a Phoenix server belong to none")


def _lacking(version: str | None, label: str | None) -> str:
    if label is not None:
        return f"with the tag {label!r}"
    return "" if version is None else f"with the version {version}"


def _by_name(prompt: Prompt) -> str:
    return prompt.name


def _by_age(prompt: Prompt) -> int:
    return number_of(prompt.id, "Prompt")


def _by_number(prompt: PromptResponse) -> int:
    return int(prompt.version.partition(".")[0])


def _matches(prompt: Prompt, text: str | None) -> bool:
    said = (prompt.name, prompt.description)
    return text is None or any(text.casefold() in part.casefold() for part in said if part)


def _page(items: list[PromptResponse], query: PromptQuery, *, total: int, position: int) -> OffsetPage[PromptResponse]:
    return OffsetPage(items=items, total=total, limit=query.limit, offset=query.offset, has_more=position < total)
