"""Take a lock of the prompts that an application uses, and tell whether it still holds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec
from promptops.core.bridge import AsyncResource, SyncResource, bridge
from promptops.core.errors import ConfigurationError, NotFoundError
from promptops.models import PromptResponse
from promptops.prompts._resource import AsyncPrompts
from promptops.prompts._sync import SyncPrompts
from promptops.prompts.files._remote import origin_of, resource_of, runtime_of
from promptops.prompts.files.documents import PromptDocument, same_prompt
from promptops.prompts.files.folder import PromptFolder
from promptops.prompts.files.lockfile import Lock, LockedPrompt, Selector, read_lock
from promptops.prompts.hashing import content_hash

__all__ = ["AsyncPromptLocks", "Drift", "DriftKind", "SyncPromptLocks", "drift_from_folder", "drift_of_file"]

DriftKind: TypeAlias = Literal[
    "damaged",
    "label_moved",
    "label_gone",
    "latest_moved",
    "version_edited",
    "version_gone",
    "prompt_gone",
    "file_differs",
    "file_missing",
    "not_locked",
]
_AT_ONCE: Final = 4


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a lock no longer tells what is.

    Attributes:
        kind: What happened.
        selector: Which entry of the lock; the file's name where all of it is meant.
        message: One line for people.
        locked: The version in the lock, where there is one.
        current: The version now, where there is one.
    """

    kind: DriftKind
    selector: str
    message: str
    locked: str | None = None
    current: str | None = None


class AsyncPromptLocks(AsyncResource):
    """Locks over the prompts of a server.

    Args:
        prompts: The prompts of the server.
        origin: What the server is called in the lock; its address unless given.
        project: The project; that of ``prompts`` unless given.
    """

    def __init__(self, prompts: AsyncPrompts, *, origin: str | None = None, project: str | None = None) -> None:
        super().__init__(runtime_of(prompts), project=project if project is not None else prompts.project)
        self._prompts = prompts
        self._origin = origin if origin is not None else origin_of(prompts)

    async def take(self, selectors: Sequence[str], *, timeout: float | None = None) -> Lock:
        """Lock these prompts as they are now; write the result with :func:`write_lock` or :func:`write_bundle`.

        Args:
            selectors: ``greeting`` (the latest version), ``greeting@production``, ``greeting@1.2.0``. To renew a
                lock, give the selectors in it.
            timeout: Seconds for each request.

        Raises:
            ConfigurationError: A selector names no prompt.
            PromptNotFoundError: A prompt, version or label is not there.
        """
        wanted = {str(parsed): parsed for parsed in map(Selector.parse, selectors)}
        found = await self._runtime.gather(
            *[partial(self._get, selector, self._project, timeout) for selector in wanted.values()], limit=_AT_ONCE
        )
        entries = [
            LockedPrompt(
                selector=text,
                name=prompt.slug or selector.name,
                version=prompt.version,
                label=selector.label,
                content_hash=content_hash(prompt),
                prompt=_lasting(prompt, selector.label),
            )
            for (text, selector), prompt in zip(wanted.items(), found, strict=True)
        ]
        return Lock(origin=self._origin, project=self._project, prompts=entries)

    async def verify(self, lock: Lock, *, timeout: float | None = None) -> list[Drift]:
        """What the server has moved away from; an empty list says that the lock holds.

        Args:
            lock: The lock, as :func:`read_lock` gives it. Its project counts where this resource has none.
            timeout: Seconds for each request.

        Raises:
            PromptOpsError: The server could not be asked.
        """
        project = self._project if self._project is not None else lock.project
        checks = await self._runtime.gather(
            *[partial(self._check, entry, project, timeout) for entry in lock.prompts], limit=_AT_ONCE
        )
        return [*drift_within(lock), *(drift for found in checks for drift in found)]

    async def _check(self, entry: LockedPrompt, project: str | None, timeout: float | None) -> list[Drift]:
        found: list[Drift] = []
        selector = Selector.parse(entry.selector)
        try:
            latest = await self._get(Selector(name=entry.name), project, timeout)
        except NotFoundError:
            return [_drift("prompt_gone", entry, "is no longer on the server")]
        if selector.label is not None:
            try:
                labelled = await self._get(selector, project, timeout)
            except NotFoundError:
                found.append(_drift("label_gone", entry, f"has no label {selector.label!r} any more"))
            else:
                if labelled.version != entry.version:
                    reason = f"the label {selector.label!r} moved from {entry.version} to {labelled.version}"
                    found.append(_drift("label_moved", entry, reason, labelled))
        elif selector.version is None and latest.version != entry.version:
            reason = f"the latest version is {latest.version}, and {entry.version} is locked"
            found.append(_drift("latest_moved", entry, reason, latest))
        try:
            locked = await self._get(Selector(name=entry.name, version=entry.version), project, timeout)
        except NotFoundError:
            return [*found, _drift("version_gone", entry, f"the version {entry.version} was deleted")]
        if content_hash(locked) != entry.content_hash:
            reason = f"the version {entry.version} was edited in place since it was locked"
            found.append(_drift("version_edited", entry, reason, locked))
        return found

    async def _get(self, selector: Selector, project: str | None, timeout: float | None) -> PromptResponse:
        return await self._prompts.get(
            selector.name,
            version=selector.version,
            label=selector.label,
            project=project,
            use_cache=False,
            timeout=timeout,
        )


class SyncPromptLocks(SyncResource[AsyncPromptLocks]):
    """Blocking view of :class:`AsyncPromptLocks`."""

    def __init__(self, prompts: SyncPrompts, *, origin: str | None = None, project: str | None = None) -> None:
        super().__init__(AsyncPromptLocks(resource_of(prompts), origin=origin, project=project))

    take = bridge(AsyncPromptLocks.take)
    verify = bridge(AsyncPromptLocks.verify)


def drift_of_file(path: str | Path) -> list[Drift]:
    """What is wrong with a lock file or a bundle itself; no server is asked.

    Raises:
        ConfigurationError: There is no such file.
    """
    if not Path(path).is_file():
        raise ConfigurationError(f"There is no lock file {path}; make one with 'promptops prompts lock'.")
    try:
        return drift_within(read_lock(path))
    except ConfigurationError as error:
        return [Drift(kind="damaged", selector=str(path), message=error.message)]


def drift_within(lock: Lock) -> list[Drift]:
    """Entries whose text is not the one that their hash was taken of."""
    return [
        _drift("damaged", entry, "its text is not the one that its hash was taken of")
        for entry in lock.prompts
        if content_hash(entry.prompt) != entry.content_hash
    ]


def drift_from_folder(lock: Lock, folder: PromptFolder) -> list[Drift]:
    """Where a lock and a folder of prompt files differ; no server is asked.

    Raises:
        ValidationError: Files are wrong; all of them are named.
    """
    documents = folder.documents()
    by_name: dict[str, list[LockedPrompt]] = {}
    for entry in lock.prompts:
        by_name.setdefault(entry.name, []).append(entry)
    found: list[Drift] = []
    for name, entries in sorted(by_name.items()):
        document = documents.get(name)
        if document is None:
            found.append(_drift("file_missing", entries[0], f"there is no file for it in {folder.path}"))
        elif not any(same_prompt(document, entry.prompt) for entry in entries):
            reason = f"{_place(document)} says something else than the locked {entries[0].version}"
            found.append(_drift("file_differs", entries[0], reason))
    found += [
        Drift(kind="not_locked", selector=slug, message=f"{_place(document)} is not in the lock")
        for slug, document in sorted(documents.items())
        if slug not in by_name
    ]
    return found


def _drift(kind: DriftKind, entry: LockedPrompt, reason: str, current: PromptResponse | None = None) -> Drift:
    return Drift(
        kind=kind,
        selector=entry.selector,
        message=f"{entry.selector}: {reason}",
        locked=entry.version,
        current=None if current is None else current.version,
    )


def _lasting(prompt: PromptResponse, label: str | None) -> PromptResponse:
    """The prompt without what changes by itself, so that the same prompts make the same file."""
    return msgspec.structs.replace(prompt, labels=[] if label is None else [label], etag="", status="")


def _place(document: PromptDocument) -> str:
    return document.slug if document.source_path is None else str(document.source_path)
