"""Prompts: fetch many at once, and tell whether one is usable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import msgspec
from promptops.core.errors import (
    NetworkError,
    NotFoundError,
    PromptNotFoundError,
    PromptOpsError,
    ServerError,
    TimeoutError,  # noqa: A004 - ours
    ValidationError,
)
from promptops.models import PromptBatch, PromptBatchError, PromptResponse
from promptops.prompts._cache import PromptKey
from promptops.prompts._checks import check_label, check_name, mapping, refused, texts
from promptops.prompts._origin import answer_of
from promptops.prompts._renders import PromptRenders
from promptops.prompts.render import prompt_variables
from promptops.prompts.versions import normalise_version

__all__ = ["PromptLookups", "Prompts"]

CHUNK: Final = 100
_AT_ONCE: Final = 4


class Prompts(msgspec.Struct, frozen=True, kw_only=True):
    """Many prompts, under the names that they were asked for with, and why others are not there.

    Attributes:
        prompts: Each prompt that was found, by the slug or id that was asked for, in that order.
        errors: The typed error of each that could not be had; it is not raised.
    """

    prompts: dict[str, PromptResponse]
    errors: dict[str, PromptOpsError]


class PromptLookups(PromptRenders):
    """The part of :class:`~promptops.prompts.AsyncPrompts` that reads many prompts, or asks about one."""

    async def get_many(
        self,
        names: Sequence[str],
        *,
        versions: Mapping[str, str] | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Prompts:
        """Fetch any number of prompts: those in memory or fresh in a shared cache, the others in requests of 100.

        Args:
            names: Slugs or ids; one that is named twice is fetched once.
            versions: Which version of which of them; the latest of the others.
            project: In which project.
            use_cache: False asks the server for every one.
            timeout: Seconds for each request.
            labels: The label that points to the version, of which of them, instead of ``versions``.

        Returns:
            The prompts by the name asked for; one that cannot be had is an error of its own beside them.

        Raises:
            PromptOpsError: The server could not be asked at all (network, key, rate limit).
            ValidationError: A name, version or label is none; nothing was sent.
        """
        keys = self._keys(names, versions, labels, project)
        errors: dict[str, PromptOpsError] = {}
        found: dict[str, PromptResponse] = {}
        if use_cache:
            near = await self._reads.nearby(dict.fromkeys(keys.values()))
            found = {name: near[key].value for name, key in keys.items() if key in near}

        async def fetch(chunk: list[str]) -> None:
            marks = {name: self._reads.mark(keys[name]) for name in chunk}
            try:
                batch = await self._ask_many({name: keys[name] for name in chunk}, fresh=not use_cache, timeout=timeout)
            except PromptOpsError as error:
                served = await self._served_all(chunk, keys, error) if use_cache else None
                if served is None:
                    raise
                found.update(served)
                return
            for name in chunk:
                if (prompt := batch.prompts.get(name)) is not None:
                    answer = answer_of(prompt)
                    found[name] = answer.value
                    await self._reads.keep(keys[name], answer, marks[name])
            errors.update({item.prompt_id: _error_of(item) for item in batch.errors if item.prompt_id in keys})

        wanted = [name for name in keys if name not in found]
        chunks = [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
        await self._runtime.gather(*[partial(fetch, chunk) for chunk in chunks], limit=_AT_ONCE)
        for name, error in errors.items():
            if isinstance(error, PromptNotFoundError):
                await self._reads.gone(keys[name], error)
        return Prompts(
            prompts={name: found[name] for name in keys if name in found},
            errors={name: errors.get(name) or _left_out(name) for name in keys if name not in found},
        )

    async def warm(
        self,
        names: Sequence[str],
        *,
        versions: Mapping[str, str] | None = None,
        project: str | None = None,
        timeout: float | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Prompts:
        """Fetch prompts that will be needed into memory and the shared caches; what is fresh there is not asked for.

        Arguments and errors as for :meth:`get_many`.
        """
        return await self.get_many(names, versions=versions, project=project, timeout=timeout, labels=labels)

    async def _ask_many(self, keys: Mapping[str, PromptKey], *, fresh: bool, timeout: float | None) -> PromptBatch:
        named = {name: which for name, (_, _, which) in keys.items() if which is not None}
        return await self._store.get_many(
            list(keys),
            versions={name: which for name, which in named.items() if not which.startswith("@")},
            labels={name: which[1:] for name, which in named.items() if which.startswith("@")},
            project=next(iter(keys.values()))[0],
            fresh=fresh,
            timeout=timeout,
        )

    async def _served_all(
        self, names: Sequence[str], keys: Mapping[str, PromptKey], error: PromptOpsError
    ) -> dict[str, PromptResponse] | None:
        """What is stale or in the bundle, instead of an answer of the server; None unless that is all of them."""
        served: dict[str, PromptResponse] = {}
        for name in names:
            read = await self._reads.last_resort(keys[name], error)
            if read is not None:
                served[name] = read.value
            elif isinstance(error, (NetworkError, TimeoutError, ServerError)):
                bundled = self._bundled(keys[name], error)
                if bundled is None:
                    return None
                served[name] = bundled
            else:
                return None
        return served

    async def validate(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        timeout: float | None = None,
        label: str | None = None,
    ) -> bool:
        """Whether a prompt exists and every text of it is a valid template; the server is asked, not the memory.

        Returns:
            False only when there is no such prompt, version or label, or when one of its texts is no valid template.

        Raises:
            PromptOpsError: The question could not be answered (network, key, rate limit).
            ValidationError: The name is empty, or the version or label is none; nothing was sent.
        """
        try:
            prompt = await self._fetch(name, version=version, project=project, timeout=timeout, label=label)
        except NotFoundError:
            return False
        try:
            prompt_variables(prompt)
        except ValidationError:
            return False
        return True

    def _keys(
        self,
        names: Sequence[str],
        versions: Mapping[str, str] | None,
        labels: Mapping[str, str] | None,
        project: str | None,
    ) -> dict[str, PromptKey]:
        scope = self._scope(project)
        wanted = [check_name(name, f"names[{index}]") for index, name in enumerate(texts("names", names))]
        by_version, by_label = mapping("versions", versions), mapping("labels", labels)
        for field, chosen in (("versions", by_version), ("labels", by_label)):
            if unknown := [name for name in chosen if name not in wanted]:
                raise refused(field, f"{unknown[0]!r:.80} is not among the names", "unknown_value")
        keys: dict[str, PromptKey] = {}
        for name in dict.fromkeys(wanted):
            which = normalise_version(by_version.get(name), field=f"versions.{name}")
            if name in by_label:
                if name in by_version:
                    message = "a label stands for a version; give one of the two"
                    raise refused(f"labels.{name}", message, "conflicting_fields")
                which = f"@{check_label(f'labels.{name}', by_label[name])}"
            keys[name] = (scope, name, which)
        return keys


def _error_of(item: PromptBatchError) -> PromptOpsError:
    from promptops.core.decode import error_of_code

    error = error_of_code(item.code, item.message)
    if isinstance(error, PromptNotFoundError):
        error.prompt_id = item.prompt_id
    return error


def _left_out(name: str) -> PromptOpsError:
    from promptops.core.errors import InvalidResponseError

    return InvalidResponseError(f"The server's answer says nothing about the prompt {name!r}.", status_code=200)
