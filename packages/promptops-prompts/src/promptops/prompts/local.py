"""Prompts out of a folder of `.prompt.md` files, without any server."""

# ruff: noqa: ARG002 - the port has arguments that a folder has no use for

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from promptops.cache import CacheConfig, CacheLevel
from promptops.core.errors import PromptNotFoundError, ValidationError
from promptops.core.pagination import OffsetPage
from promptops.core.runtime import Runtime
from promptops.models import (
    PromptBatch,
    PromptBatchError,
    PromptResponse,
)
from promptops.prompts._resource import AsyncPrompts
from promptops.prompts._sync import SyncPrompts
from promptops.prompts.files._inclusion import included, includes
from promptops.prompts.files._read_only import ReadOnly
from promptops.prompts.files._working_copy import content_of, id_of, working_copy
from promptops.prompts.files.documents import PromptDocument
from promptops.prompts.files.folder import PromptFolder, refused_files
from promptops.prompts.stores import PromptQuery

__all__ = ["LocalPromptStore", "async_local_prompts", "local_prompts"]

P = ParamSpec("P")
T = TypeVar("T")
_SUGGESTIONS: Final = 3
_Stamp = tuple[int, int, int]


class LocalPromptStore(ReadOnly):
    """A :class:`~promptops.prompts.stores.PromptStore` over a folder; it reads and never writes.

    There is one version of each prompt: the file as it is now. Its number is ``0.0.0+local.`` and the first twelve
    digits of its content hash, so it changes with the text. Whatever label is asked for, the file answers; another
    version than this one is not found. Included prompts are those of the folder, whatever version they are pinned to.
    A file that changed (its time or its size) is read again at the next question.

    Args:
        folder: The folder.
        runtime: Reads files where they do not hold up an event loop; without one they are read here and now.
    """

    def __init__(self, folder: str | Path | PromptFolder, *, runtime: Runtime | None = None) -> None:
        self._folder = folder if isinstance(folder, PromptFolder) else PromptFolder(folder)
        super().__init__(self._folder.path)
        self._runtime = runtime
        self._kept: dict[Path, tuple[_Stamp, PromptDocument]] = {}

    async def get(
        self,
        name: str,
        *,
        version: str | None = None,
        label: str | None = None,
        project: str | None = None,
        fresh: bool = False,
        timeout: float | None = None,
        etag: str | None = None,
    ) -> PromptResponse:
        """The prompt with this slug or id.

        Raises:
            PromptNotFoundError: There is no such file, or it has another version.
            ValidationError: Files are wrong; all of them are named.
        """
        return await self._wait(self._get, name, version)

    async def get_many(
        self,
        names: Sequence[str],
        *,
        versions: Mapping[str, str],
        labels: Mapping[str, str] | None = None,
        project: str | None = None,
        fresh: bool = False,
        timeout: float | None = None,
    ) -> PromptBatch:
        """Many prompts; what is not there is an error in the answer."""
        return await self._wait(self._get_many, names, versions)

    async def list_page(
        self, query: PromptQuery, *, fresh: bool = False, timeout: float | None = None
    ) -> OffsetPage[PromptResponse]:
        """One page of the prompts of the folder."""
        return await self._wait(self._list, query)

    async def versions_page(
        self, name: str, *, project: str | None, limit: int, offset: int, timeout: float | None = None
    ) -> OffsetPage[PromptResponse]:
        """The one version that there is."""
        prompt = await self._wait(self._get, name, None)
        return OffsetPage(items=[] if offset else [prompt], total=1, limit=limit, offset=offset)

    async def _wait(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        if self._runtime is None:
            return function(*args, **kwargs)
        return await self._runtime.run_blocking(function, *args, **kwargs)

    def _documents(self) -> tuple[dict[str, PromptDocument], list[dict[str, Any]]]:
        kept: dict[Path, tuple[_Stamp, PromptDocument]] = {}

        def load(file: Path) -> PromptDocument:
            try:
                facts = file.stat()
            except OSError:  # a link to nothing, or gone meanwhile: reading it says so
                return self._folder.load(file)
            stamp = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
            known = self._kept.get(file)
            document = known[1] if known is not None and known[0] == stamp else self._folder.load(file)
            kept[file] = (stamp, document)
            return document

        scanned = self._folder.scan(load)
        self._kept = kept
        return scanned

    def _get(self, name: str, version: str | None) -> PromptResponse:
        documents, problems = self._documents()
        document = documents.get(name) or next((item for item in documents.values() if id_of(item.slug) == name), None)
        if document is None:
            if problems:  # it may be in one of these
                raise refused_files(problems)
            raise _missing(name, documents, self._folder.path)
        prompt = self._prompt(document, documents)
        if version is not None and version != prompt.version:
            raise PromptNotFoundError(
                f"The folder {self._folder.path} has the working copy {prompt.version} of {name!r} and no version"
                f" {version}; leave the version out, or ask a server.",
                prompt_id=name,
            )
        return prompt

    def _get_many(self, names: Sequence[str], versions: Mapping[str, str]) -> PromptBatch:
        found: dict[str, PromptResponse] = {}
        errors: list[PromptBatchError] = []
        for name in names:
            try:
                found[name] = self._get(name, versions.get(name))
            except (PromptNotFoundError, ValidationError) as error:
                errors.append(PromptBatchError(prompt_id=name, code=error.error_code, message=error.message))
        return PromptBatch(prompts=found, errors=errors)

    def _list(self, query: PromptQuery) -> OffsetPage[PromptResponse]:
        documents, problems = self._documents()
        if problems:
            raise refused_files(problems)
        prompts = [self._prompt(document, documents) for document in documents.values() if _matches(document, query)]
        prompts.sort(key=lambda prompt: prompt.slug)
        prompts.sort(key=lambda prompt: getattr(prompt, query.sort_by), reverse=query.sort_order == "desc")
        page = prompts[query.offset : query.offset + query.limit]
        return OffsetPage(
            items=page,
            total=len(prompts),
            limit=query.limit,
            offset=query.offset,
            has_more=query.offset + len(page) < len(prompts),
        )

    def _prompt(self, document: PromptDocument, documents: Mapping[str, PromptDocument]) -> PromptResponse:
        resolved = included(document, documents) if includes(document) else document
        known = None if document.source_path is None else self._kept.get(document.source_path)
        changed = datetime.fromtimestamp(0.0 if known is None else known[0][0] / 1e9, tz=UTC)
        return working_copy(document, resolved, changed=changed)


def local_prompts(folder: str | Path | PromptFolder) -> SyncPrompts:
    """Prompts of a folder, blocking: ``local_prompts("prompts").render("greeting", {"name": "Ada"})``.

    Nothing is kept in memory, so that an edited file counts at once.
    """
    from promptops.core.config import RuntimeConfig
    from promptops.core.sync_runtime import SyncRuntime

    return SyncPrompts(_local(folder, SyncRuntime(RuntimeConfig(base_url=_NOWHERE))))


def async_local_prompts(folder: str | Path | PromptFolder) -> AsyncPrompts:
    """Prompts of a folder, for asynchronous code; otherwise as :func:`local_prompts`."""
    from promptops.core.async_runtime import AsyncRuntime
    from promptops.core.config import RuntimeConfig

    return _local(folder, AsyncRuntime(RuntimeConfig(base_url=_NOWHERE)))


_NOWHERE: Final = "http://local.invalid"  # a runtime has an address; nothing is ever sent to this one


def _local(folder: str | Path | PromptFolder, runtime: Runtime) -> AsyncPrompts:
    store = LocalPromptStore(folder, runtime=runtime)
    return AsyncPrompts(runtime, cache=CacheConfig(level=CacheLevel.NONE), store=store)


def _matches(document: PromptDocument, query: PromptQuery) -> bool:
    texts = (document.name, document.slug, document.description, content_of(document))
    return (
        (query.module_id is None or document.module_id == query.module_id)
        and (query.query is None or any(query.query.casefold() in text.casefold() for text in texts))
        and set(query.tags) <= set(document.tags)
    )


def _missing(name: str, documents: Mapping[str, PromptDocument], folder: Path) -> PromptNotFoundError:
    import difflib

    close = difflib.get_close_matches(name, documents, n=_SUGGESTIONS)
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    return PromptNotFoundError(
        f"There is no prompt {name!r} in {folder}.{hint}", prompt_id=name, suggested_prompts=close
    )
