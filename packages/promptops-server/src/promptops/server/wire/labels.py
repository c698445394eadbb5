"""Labels that point to versions of a prompt, and the history of a prompt, of ``/v1/client``."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType
from promptops.server.wire.common import Timestamp
from promptops.server.wire.prompts import ResponseMetadata

__all__ = [
    "PromptEvent",
    "PromptHistory",
    "PromptHistoryEnvelope",
    "PromptLabel",
    "PromptLabelEnvelope",
    "PromptLabelList",
    "PromptLabelListEnvelope",
    "PromptLabelMove",
    "PromptLabelRemoved",
    "PromptLabelRemovedEnvelope",
]


class PromptLabel(Struct, frozen=True, kw_only=True):
    """A label and the version that it points to; moving a protected one needs the scope ``prompts:label``."""

    label: str
    version: str
    protected: bool
    updated_at: Timestamp
    updated_by: str | None


class PromptLabelMove(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a label shall point; with ``expected_version`` only if it points there now (null: nowhere)."""

    version: str
    expected_version: str | UnsetType | None = UNSET
    project_id: str | None = None


class PromptLabelList(Struct, frozen=True, kw_only=True):
    """The labels of a prompt, by name."""

    labels: list[PromptLabel]


class PromptLabelRemoved(Struct, frozen=True, kw_only=True):
    """A label that is gone, and the version that it pointed to."""

    removed: bool
    label: str
    version: str


class PromptEvent(Struct, frozen=True, kw_only=True):
    """Something that happened to a prompt.

    ``action`` is ``created``, ``versioned``, ``edited``, ``label_moved``, ``label_removed`` or ``deleted``. ``version``
    is the version that it happened to: made, edited, deleted (null: the whole prompt), or the one that the label points
    to from then on (null: the label is gone). ``from_version`` is where the label pointed before, or for a new version
    the one that it was made from. ``by`` is the public id of the key, null on a server without keys.
    """

    at: Timestamp
    action: str
    version: str | None
    from_version: str | None
    label: str | None
    content_hash: str | None
    by: str | None
    request_id: str | None


class PromptHistory(Struct, frozen=True, kw_only=True):
    """A page of what happened to a prompt, newest first."""

    events: list[PromptEvent]
    total: int
    limit: int
    offset: int
    has_more: bool


class PromptLabelEnvelope(Struct, frozen=True, kw_only=True):
    """A label in the envelope of ``/v1/client``."""

    success: bool
    data: PromptLabel
    metadata: ResponseMetadata


class PromptLabelListEnvelope(Struct, frozen=True, kw_only=True):
    """The labels of a prompt in the envelope of ``/v1/client``."""

    success: bool
    data: PromptLabelList
    metadata: ResponseMetadata


class PromptLabelRemovedEnvelope(Struct, frozen=True, kw_only=True):
    """A removed label in the envelope of ``/v1/client``."""

    success: bool
    data: PromptLabelRemoved
    metadata: ResponseMetadata


class PromptHistoryEnvelope(Struct, frozen=True, kw_only=True):
    """The history of a prompt in the envelope of ``/v1/client``."""

    success: bool
    data: PromptHistory
    metadata: ResponseMetadata
