"""Prompts on a Phoenix server: labels, which are the tags of versions there."""

from __future__ import annotations

from functools import partial

from msgspec import UNSET, UnsetType
from promptops.core.errors import ConflictError, NotFoundError
from promptops.models import PromptLabel, PromptLabelMove
from promptops.phoenix._checks import check_tag_name
from promptops.phoenix._generated import PromptVersion, PromptVersionTagData
from promptops.phoenix.prompts._response import UNKNOWN_TIME
from promptops.phoenix.prompts._store_reads import AT_ONCE, PromptReading
from promptops.phoenix.prompts._wire import absent, version_text

__all__ = ["PromptTagging"]


class PromptTagging(PromptReading):
    """The part of :class:`~promptops.phoenix.PhoenixPromptStore` that moves labels."""

    async def labels(self, name: str, *, project: str | None, timeout: float | None) -> list[PromptLabel]:
        """The tags of all versions: one request for each version, a few at once."""
        self._refuse_project(project)
        self._check(name)
        with self._within(timeout):
            versions = await self.wire_versions(name)
            found = await self._runtime.gather(
                *[partial(self.routes.tags, version.id) for version in versions], limit=AT_ONCE
            )
        labels = {
            tag.name: _label(tag.name, version)
            # Oldest first: of a tag that was seen twice, because it was moved meanwhile, the newer version counts.
            for version, tags in reversed(list(zip(versions, found, strict=True)))
            for tag in tags
        }
        return [labels[label] for label in sorted(labels)]

    async def set_label(self, name: str, label: str, move: PromptLabelMove, *, timeout: float | None) -> PromptLabel:
        """Look where the tag is, when that matters, then give it to the version; a move in between is not noticed."""
        self._refuse_project(move.project_id)
        self._check(name)
        check_tag_name(label)
        with self._within(timeout):
            version = await self._numbered(name, move.version)
            if version is None:
                raise absent(name, f"with the version {move.version}")
            if not isinstance(move.expected_version, UnsetType):
                there = await self.routes.tagged(name, label)
                at = None if there is None else version_text(there)
                if at != move.expected_version:
                    raise ConflictError(
                        f"The label {label!r} of {name!r} points to {at or 'nothing'}, and not to"
                        f" {move.expected_version or 'nothing'}; it was not moved.",
                        details={"label": label, "version": at, "expected_version": move.expected_version},
                    )
            await self.routes.tag(version.id, PromptVersionTagData(name=label, description=UNSET))
        return _label(label, version)

    async def remove_label(self, name: str, label: str, *, project: str | None, timeout: float | None) -> None:
        """Find the version that has the tag, and take it from there."""
        self._refuse_project(project)
        self._check(name)
        check_tag_name(label)
        with self._within(timeout):
            version = await self.routes.tagged(name, label)
            if version is None:
                if await self.routes.latest(name) is None:
                    raise absent(name)
                raise NotFoundError(f"The prompt {name!r} has no label {label!r}.")
            await self.routes.untag(version.id, label)


def _label(label: str, version: PromptVersion) -> PromptLabel:
    return PromptLabel(label=label, version=version_text(version), protected=False, updated_at=UNKNOWN_TIME)
