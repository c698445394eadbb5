"""The flat methods that move labels, and that tell what happened and what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType
from promptops.client._flat import FlatCalls, flat

if TYPE_CHECKING:
    from promptops.core.pagination import OffsetPage
    from promptops.models import PromptEvent, PromptLabel
    from promptops.prompts.diff import PromptDiff

__all__ = ["LabelCalls"]


class LabelCalls(FlatCalls):
    """Labels, history and differences of prompts."""

    @flat("prompt_labels_listed")
    async def list_labels(
        self, prompt_id: str, project_id: str | None = None, *, timeout: float | None = None
    ) -> list[PromptLabel]:
        """The labels of a prompt, by name, and the version that each points to.

        Raises:
            PromptNotFoundError: There is no such prompt.
        """
        return await self._state.prompts().labels(prompt_id, project=project_id, timeout=timeout)

    @flat("prompt_label_set")
    async def set_label(
        self,
        prompt_id: str,
        label: str,
        version: str,
        project_id: str | None = None,
        *,
        expected_version: str | UnsetType | None = UNSET,
        timeout: float | None = None,
    ) -> PromptLabel:
        """Let a label point to a version; it is made when it is not there.

        Args:
            prompt_id: Slug or id.
            label: 1 to 64 letters, digits and ``. _ -``, for example ``production``.
            version: The version to point to.
            project_id: In which project; that of the client unless given.
            expected_version: Where it must point now for the call to succeed; None means nowhere.
            timeout: Seconds for the whole call.

        Raises:
            AuthorizationError: The label is protected, and the key may not move it.
            ConflictError: It does not point where ``expected_version`` says.
            PromptNotFoundError: There is no such prompt or version.
            ValidationError: The label or a version is none; nothing was sent.
        """
        return await self._state.prompts().set_label(
            prompt_id,
            label,
            version=version,
            expected_version=expected_version,
            project=project_id,
            timeout=timeout,
        )

    @flat("prompt_label_removed")
    async def remove_label(
        self, prompt_id: str, label: str, project_id: str | None = None, *, timeout: float | None = None
    ) -> bool:
        """Remove a label; the version that it pointed to stays.

        Returns:
            True; what is not there raises.

        Raises:
            AuthorizationError: The label is protected, and the key may not move it.
            NotFoundError: There is no such prompt or label.
        """
        return await self._state.prompts().remove_label(prompt_id, label, project=project_id, timeout=timeout)

    @flat("prompt_history_read")
    async def get_prompt_history(
        self,
        prompt_id: str,
        skip: int = 0,
        limit: int = 100,
        project_id: str | None = None,
        *,
        label: str | None = None,
        timeout: float | None = None,
    ) -> OffsetPage[PromptEvent]:
        """One page of what happened to a prompt, the newest first.

        Args:
            prompt_id: Slug or id; of a prompt that was deleted, its id.
            skip: How many to leave out at the start.
            limit: Most events, 1 to 1,000.
            project_id: In which project; that of the client unless given.
            label: Only what happened to this label.
            timeout: Seconds for the whole call.

        Raises:
            PromptNotFoundError: There is no such prompt.
            ValidationError: An argument is out of range; nothing was sent.
        """
        return await self._state.prompts().history(
            prompt_id, label=label, skip=skip, limit=limit, project=project_id, timeout=timeout
        )

    @flat("prompt_versions_compared")
    async def diff_prompt(
        self,
        prompt_id: str,
        old_version: str,
        new_version: str | None = None,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
    ) -> PromptDiff:
        """What changed from one version to another; to the latest unless ``new_version`` is given.

        Each of the two may be a label instead of a version.

        Raises:
            PromptNotFoundError: There is no such prompt, version or label.
            ValidationError: A version is neither a version nor a label; nothing was sent.
        """
        return await self._state.prompts().diff(
            prompt_id, old_version, new_version, project=project_id, timeout=timeout
        )
