"""Where prompts live: the port that every store of prompts implements.

A store declares in its :class:`Capabilities` what it can do. A call that it cannot serve raises
``UnsupportedOperation`` naming the store and the feature; nothing is left out silently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec
from promptops.core.errors import UnsupportedOperation
from promptops.core.pagination import OffsetPage
from promptops.models import (
    PromptBatch,
    PromptCreate,
    PromptEvent,
    PromptLabel,
    PromptLabelMove,
    PromptResponse,
    PromptUpdate,
    RenderRequest,
    RenderResponse,
)

__all__ = [
    "SORT_FIELDS",
    "SORT_ORDERS",
    "Capabilities",
    "Feature",
    "PromptQuery",
    "PromptStore",
    "SortBy",
    "SortOrder",
]

SortBy = Literal["created_at", "updated_at", "name", "version"]
SortOrder = Literal["asc", "desc"]
SORT_FIELDS: tuple[SortBy, ...] = ("created_at", "updated_at", "name", "version")
SORT_ORDERS: tuple[SortOrder, ...] = ("asc", "desc")

Feature = Literal[
    "write_prompts",
    "choose_versions",
    "edit_versions",
    "delete_versions",
    "labels",
    "history",
    "projects",
    "modules",
    "tags",
    "search_content",
    "server_rendering",
    "times",
]
"""What a store may be able to do.

- ``write_prompts``: create prompts, make new versions of them and delete them.
- ``choose_versions``: let the caller say the number of a new version; else the store counts by itself.
- ``edit_versions``: change a version in place.
- ``delete_versions``: remove one version and leave the others.
- ``labels``: let labels point to versions. Without it every label may answer, or none.
- ``history``: tell what happened to a prompt.
- ``projects``: keep prompts of several projects apart.
- ``modules``, ``tags``: find prompts by their module, by their words.
- ``search_content``: find prompts by what they say. Without it a search looks into names and descriptions.
- ``server_rendering``: render where the prompt lives.
- ``times``: know when a version was made.
"""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a store of prompts can do.

    Attributes:
        store: Its name, for messages.
        features: What it can do beyond getting and listing prompts and their versions.
    """

    store: str
    features: frozenset[Feature]

    def can(self, feature: Feature) -> bool:
        """Whether the store can do that."""
        return feature in self.features

    def require(self, feature: Feature, advice: str = "") -> None:
        """Refuse what the store cannot do.

        Raises:
            UnsupportedOperation: Naming the store and the feature, with the advice.
        """
        if feature not in self.features:
            raise self.refusal(feature, advice)

    def refusal(self, feature: Feature, advice: str = "") -> UnsupportedOperation:
        """The error that names the store and the feature, with the advice."""
        return UnsupportedOperation(
            f"the {self.store} store does not support {feature.replace('_', ' ')}{advice and '; '}{advice}",
            details={"store": self.store, "feature": feature},
        )


class PromptQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which prompts to list, and in which order.

    Attributes:
        project: The project, or None for every project that the key grants.
        module_id: Only prompts of this module.
        query: Only prompts with this text in name, description or (``search_content``) content.
        tags: Only prompts that have all of these.
        sort_by: The field to sort by.
        sort_order: ``asc`` or ``desc``.
        limit: Most prompts of one page, 1 to 1,000.
        offset: How many to leave out at the start.
    """

    project: str | None = None
    module_id: str | None = None
    query: str | None = None
    tags: tuple[str, ...] = ()
    sort_by: SortBy = "created_at"
    sort_order: SortOrder = "desc"
    limit: int = 100
    offset: int = 0


class PromptStore(Protocol):
    """Reads and writes prompt versions. Arguments are already checked, versions already canonical.

    ``timeout`` is seconds for the whole call, None for the store's own limit. A call that the store cannot serve
    raises ``UnsupportedOperation`` naming the store and the feature.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What this store can do."""
        ...

    async def get(
        self,
        name: str,
        *,
        version: str | None,
        label: str | None,
        project: str | None,
        fresh: bool,
        timeout: float | None,
        etag: str | None = None,
    ) -> PromptResponse | None:
        """One version: the one that is named, or that the label points to (never both), else the latest.

        ``fresh`` passes by every cache on the way. With the ``etag`` of an earlier answer, None says that it still
        holds; a store that cannot tell answers in full.

        Raises:
            PromptNotFoundError: There is no such prompt, version or label.
        """
        ...

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
        """Up to 100 prompts by the names they were asked for with; what cannot be had is an error in the answer."""
        ...

    async def list_page(
        self, query: PromptQuery, *, fresh: bool = False, timeout: float | None
    ) -> OffsetPage[PromptResponse]:
        """One page of prompts, the latest version of each; ``fresh`` passes by every cache on the way."""
        ...

    async def versions_page(
        self, name: str, *, project: str | None, limit: int, offset: int, timeout: float | None
    ) -> OffsetPage[PromptResponse]:
        """One page of the versions of a prompt, the highest first."""
        ...

    async def create(self, prompt: PromptCreate, *, timeout: float | None) -> PromptResponse:
        """Keep a new prompt; a repeated attempt of one call creates one."""
        ...

    async def update(
        self, name: str, changes: PromptUpdate, *, if_match: str | None, timeout: float | None
    ) -> PromptResponse:
        """Make a new version or edit one; a repeated attempt of one call makes one."""
        ...

    async def delete(
        self, name: str, *, version: str | None, project: str | None, force: bool, timeout: float | None
    ) -> None:
        """Remove one version, or the prompt with all of them; ``force`` also when labels point there.

        Raises:
            ConflictError: A label points there.
        """
        ...

    async def render(self, name: str, request: RenderRequest, *, timeout: float | None) -> RenderResponse:
        """Render where the prompt lives."""
        ...

    async def labels(self, name: str, *, project: str | None, timeout: float | None) -> list[PromptLabel]:
        """The labels of a prompt, by name."""
        ...

    async def set_label(self, name: str, label: str, move: PromptLabelMove, *, timeout: float | None) -> PromptLabel:
        """Let a label point to a version; it is made when it is not there.

        Raises:
            AuthorizationError: The label is protected, and the key may not move it.
            ConflictError: It does not point where the caller expects.
        """
        ...

    async def remove_label(self, name: str, label: str, *, project: str | None, timeout: float | None) -> None:
        """Remove a label.

        Raises:
            NotFoundError: There is no such prompt or label.
        """
        ...

    async def history_page(
        self, name: str, *, label: str | None, project: str | None, limit: int, offset: int, timeout: float | None
    ) -> OffsetPage[PromptEvent]:
        """One page of what happened to a prompt, or to one label of it, the newest first."""
        ...
