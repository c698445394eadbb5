"""Prompts: get one, from wherever it can be had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from msgspec import UNSET
from promptops.models import PromptResponse
from promptops.prompts._asks import PromptAsks
from promptops.prompts.reading import PromptRead

__all__ = ["PromptGets"]

F = TypeVar("F")


class PromptGets(PromptAsks):
    """The part of :class:`~promptops.prompts.AsyncPrompts` that gets one prompt."""

    @overload
    async def get(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        label: str | None = None,
    ) -> PromptResponse: ...
    @overload
    async def get(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        label: str | None = None,
        fallback: Callable[[Exception], F],
    ) -> PromptResponse | F: ...
    @overload
    async def get(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        label: str | None = None,
        fallback: F,
    ) -> PromptResponse | F: ...
    async def get(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        label: str | None = None,
        fallback: object = UNSET,
    ) -> object:
        """Fetch one version of a prompt: from memory, a shared cache or the server, in this order.

        What is in memory is served at once; when it is older than its ttl it is brought up to date in the background.
        When the server cannot be asked, an older answer is served from wherever one lies, then one of the bundle.

        Args:
            name: Slug or id.
            version: Which version; the latest unless given.
            project: In which project.
            use_cache: False asks the server, and every cache on the way to pass the question on.
            timeout: Seconds for the whole call; 3 unless given here or to the client.
            label: The label that points to the version, instead of ``version``.
            fallback: What to return instead of raising when the prompt cannot be had, whatever the reason (it does not
                exist, the key is refused, nothing answers in time); None and empty values too. What can be called is
                called with the error, and what it returns is returned.

        Raises:
            PromptNotFoundError: There is no such prompt, version or label; it suggests close names.
            ValidationError: The name is empty, or the version or label is none; raised with a fallback too, as are
                ``ConfigurationError`` and ``UnsupportedOperation``.
        """
        if use_cache and version is None and label is None and project is None:
            # peek(), written out: every prompt that is at hand pays for each call here.
            try:
                entry = self._latest[name]
            except (KeyError, TypeError):
                pass
            else:
                if self._clock() < entry.serve_until:
                    entry.reads += 1
                    return entry.value
        elif use_cache and (found := self.peek(name, version=version, project=project, label=label)) is not None:
            return found
        read = await self._read(
            name, version=version, project=project, use_cache=use_cache, timeout=timeout, label=label, fallback=fallback
        )
        return read.prompt

    @overload
    async def read(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        label: str | None = None,
    ) -> PromptRead[PromptResponse]: ...
    @overload
    async def read(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        label: str | None = None,
        fallback: Callable[[Exception], F],
    ) -> PromptRead[PromptResponse | F]: ...
    @overload
    async def read(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        label: str | None = None,
        fallback: F,
    ) -> PromptRead[PromptResponse | F]: ...
    async def read(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        label: str | None = None,
        fallback: object = UNSET,
    ) -> PromptRead[Any]:
        """Fetch one version of a prompt as :meth:`get` does, and say where it came from.

        Returns:
            The prompt with ``source``, ``age`` (seconds since the server confirmed it), ``stale`` and ``cache_hit``.
        """
        return await self._read(
            name, version=version, project=project, use_cache=use_cache, timeout=timeout, label=label, fallback=fallback
        )
