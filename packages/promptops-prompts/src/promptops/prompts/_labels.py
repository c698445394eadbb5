"""Prompts: labels, history, and what changed between two versions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, TypeAlias

from msgspec import UNSET, UnsetType
from promptops.core.pagination import OffsetPage, iterate_offset
from promptops.models import PromptEvent, PromptLabel, PromptLabelMove
from promptops.prompts._checks import check_label, check_name, check_page, refused, version_or_label
from promptops.prompts._lookups import PromptLookups
from promptops.prompts.versions import normalise_version

if TYPE_CHECKING:
    from promptops.prompts.diff import PromptDiff

__all__ = ["PromptLabels"]

# The class has a method named list, so its annotations cannot say list.
Labels: TypeAlias = list[PromptLabel]


class PromptLabels(PromptLookups):
    """The part of :class:`~promptops.prompts.AsyncPrompts` that moves labels and tells what happened."""

    async def labels(self, name: str, *, project: str | None = None, timeout: float | None = None) -> Labels:
        """The labels of a prompt, by name, and the version that each points to; the server is asked.

        Raises:
            PromptNotFoundError: There is no such prompt.
            UnsupportedOperation: The store has no labels.
        """
        return await self._store.labels(check_name(name), project=self._scope(project), timeout=timeout)

    async def set_label(
        self,
        name: str,
        label: str,
        *,
        version: str,
        expected_version: str | UnsetType | None = UNSET,
        project: str | None = None,
        timeout: float | None = None,
    ) -> PromptLabel:
        """Let a label point to a version; it is made when it is not there.

        Args:
            name: Slug or id.
            label: 1 to 64 letters, digits and ``. _ -``, for example ``production``.
            version: The version to point to.
            expected_version: Where it must point now for the call to succeed; None means nowhere.
            project: In which project.
            timeout: Seconds for the whole call.

        Raises:
            AuthorizationError: The label is protected, and the key may not move it.
            ConflictError: It does not point where ``expected_version`` says.
            PromptNotFoundError: There is no such prompt or version.
            UnsupportedOperation: The store has no labels.
            ValidationError: The label or a version is none; nothing was sent.
        """
        name = check_name(name)
        label = check_label("label", label)
        scope = self._scope(project)
        move = PromptLabelMove(
            version=_named("version", version),
            expected_version=(
                expected_version
                if expected_version is None or isinstance(expected_version, UnsetType)
                else _named("expected_version", expected_version)
            ),
            project_id=scope,
        )
        try:
            moved = await self._store.set_label(name, label, move, timeout=timeout)
        except BaseException:
            self._cache.drop_behind(self._cache.forget(name, project=scope, label=label))
            raise
        # All of it: every version of the prompt says which labels point to it.
        await self._cache.drop(self._cache.forget(name, project=scope, label=label))
        return moved

    async def remove_label(
        self, name: str, label: str, *, project: str | None = None, timeout: float | None = None
    ) -> bool:
        """Remove a label; the version that it pointed to stays.

        Returns:
            True; what is not there raises.

        Raises:
            AuthorizationError: The label is protected, and the key may not move it.
            NotFoundError: There is no such prompt or label.
            UnsupportedOperation: The store has no labels.
            ValidationError: The label is none; nothing was sent.
        """
        name = check_name(name)
        label = check_label("label", label)
        scope = self._scope(project)
        try:
            await self._store.remove_label(name, label, project=scope, timeout=timeout)
        except BaseException:
            self._cache.drop_behind(self._cache.forget(name, project=scope, label=label))
            raise
        await self._cache.drop(self._cache.forget(name, project=scope, label=label))
        return True

    async def history(
        self,
        name: str,
        *,
        label: str | None = None,
        skip: int = 0,
        limit: int = 100,
        project: str | None = None,
        timeout: float | None = None,
    ) -> OffsetPage[PromptEvent]:
        """One page of what happened to a prompt, the newest first; see :meth:`iterate_history` for all of it.

        Args:
            name: Slug or id; of a prompt that was deleted, its id.
            label: Only what happened to this label.
            skip: How many to leave out at the start.
            limit: Most events, 1 to 1,000.
            project: In which project.
            timeout: Seconds for the whole call.

        Raises:
            PromptNotFoundError: There is no such prompt.
            UnsupportedOperation: The store keeps no history.
            ValidationError: An argument is out of range; nothing was sent.
        """
        check_page(limit, skip)
        if label is not None:
            label = check_label("label", label)
        return await self._store.history_page(
            check_name(name), label=label, project=self._scope(project), limit=limit, offset=skip, timeout=timeout
        )

    async def iterate_history(
        self,
        name: str,
        *,
        label: str | None = None,
        page_size: int = 100,
        project: str | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[PromptEvent]:
        """All that happened to a prompt, fetched page by page; ``timeout`` counts for each page."""
        async for event in iterate_offset(
            lambda skip: self.history(name, label=label, skip=skip, limit=page_size, project=project, timeout=timeout)
        ):
            yield event

    async def diff(
        self,
        name: str,
        old_version: str,
        new_version: str | None = None,
        *,
        project: str | None = None,
        timeout: float | None = None,
    ) -> PromptDiff:
        """What changed from one version to another.

        Args:
            name: Slug or id.
            old_version: The version before, or a label that points to it.
            new_version: The version after, or its label; the latest unless given.
            project: In which project.
            timeout: Seconds for each of the two requests.

        Raises:
            PromptNotFoundError: There is no such prompt, version or label.
            ValidationError: A version is neither a version nor a label; nothing was sent.
        """
        from promptops.prompts.diff import diff_prompts

        name = check_name(name)
        sides = [version_or_label("old_version", old_version), version_or_label("new_version", new_version)]
        # The latest, and where a label points, is what the server says now: what lies at hand may be older.
        old, new = [
            await self.get(
                name, version=version, label=label, project=project, use_cache=version is not None, timeout=timeout
            )
            for version, label in sides
        ]
        return diff_prompts(old, new)


def _named(field: str, version: str) -> str:
    named = normalise_version(version, field=field)
    if named is None:
        raise refused(field, "say which version; 'latest' may change meanwhile", "invalid_version")
    return named
