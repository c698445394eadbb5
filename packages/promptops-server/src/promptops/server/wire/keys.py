"""API keys and the audit log, of ``/v1/client``."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from promptops.server.wire.common import Timestamp
from promptops.server.wire.experiments import Pagination
from promptops.server.wire.prompts import ResponseMetadata

__all__ = [
    "ApiKey",
    "ApiKeyCreate",
    "ApiKeyCreated",
    "ApiKeyCreatedEnvelope",
    "ApiKeyList",
    "ApiKeyListEnvelope",
    "ApiKeyRevoked",
    "ApiKeyRevokedEnvelope",
    "ApiKeyValidity",
    "ApiKeyValidityEnvelope",
    "AuditEntry",
    "AuditList",
    "AuditListEnvelope",
    "KeyLimits",
    "KeyProject",
    "KeyScope",
    "LimitCount",
]

KeyScope = Literal["prompts:read", "prompts:write", "prompts:label", "experiments", "telemetry", "admin"]
LimitCount = Annotated[int, Meta(ge=1, le=1_000_000_000)]


class KeyLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a key may send, where it differs from the defaults of the server.

    ``per_minute``, ``per_hour`` and ``per_day`` are quotas; ``rate`` is requests a second of each kind (reads, writes,
    telemetry), with bursts of twice that.
    """

    per_minute: LimitCount | None = None
    per_hour: LimitCount | None = None
    per_day: LimitCount | None = None
    rate: LimitCount | None = None


class ApiKeyCreate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new key; it grants no more than the key that makes it.

    ``projects`` are ids or names, the first is the default; without them it is the caller's default project. ``scopes``
    are ``prompts:read`` and ``telemetry`` unless they are given. Without ``expires_at`` the key lives as long as the
    caller's; without ``require_signature`` it is as the caller's.
    """

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    projects: Annotated[list[Annotated[str, Meta(max_length=255)]], Meta(min_length=1, max_length=100)] | None = None
    scopes: Annotated[list[KeyScope], Meta(min_length=1, max_length=6)] | None = None
    expires_at: Timestamp | None = None
    require_signature: bool | None = None
    limits: KeyLimits = KeyLimits()


class KeyProject(Struct, frozen=True, kw_only=True):
    """A project that a key grants."""

    id: str
    name: str


class ApiKey(Struct, frozen=True, kw_only=True):
    """What may be known of a key: everything but its secrets. ``id`` is the public id."""

    id: str
    name: str
    projects: list[KeyProject]
    default_project: str
    scopes: list[str]
    require_signature: bool
    limits: KeyLimits
    created_at: Timestamp
    expires_at: Timestamp | None
    revoked_at: Timestamp | None


class ApiKeyCreated(Struct, frozen=True, kw_only=True):
    """A key at the only moment when its secrets are told: ``api_key`` to send, ``secret_key`` to sign with."""

    key: ApiKey
    api_key: str
    secret_key: str


class ApiKeyList(Struct, frozen=True, kw_only=True):
    """A page of keys, newest first."""

    keys: list[ApiKey]
    total: int
    limit: int
    offset: int
    has_more: bool


class ApiKeyRevoked(Struct, frozen=True, kw_only=True):
    """The key that is useless from now on; ``revoked_at`` is when it became so."""

    id: str
    revoked: bool
    revoked_at: Timestamp


class ApiKeyValidity(Struct, frozen=True, kw_only=True):
    """What the presented key is good for; ``key_id`` is null on a server without keys."""

    valid: bool
    key_id: str | None
    name: str | None
    projects: list[KeyProject]
    default_project: str
    scopes: list[str]
    require_signature: bool
    expires_at: Timestamp | None


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One write: who (the public id of the key; null for the command line or a server without keys), what, when."""

    seq: int
    at: Timestamp
    key_id: str | None
    action: str
    kind: str
    object_id: str
    version: str | None
    from_version: str | None
    label: str | None
    project_id: str
    request_id: str | None


class AuditList(Struct, frozen=True, kw_only=True):
    """A page of writes, newest first."""

    entries: list[AuditEntry]
    pagination: Pagination


class ApiKeyCreatedEnvelope(Struct, frozen=True, kw_only=True):
    """A new key in the envelope of ``/v1/client``."""

    success: bool
    data: ApiKeyCreated
    metadata: ResponseMetadata


class ApiKeyListEnvelope(Struct, frozen=True, kw_only=True):
    """A page of keys in the envelope of ``/v1/client``."""

    success: bool
    data: ApiKeyList
    metadata: ResponseMetadata


class ApiKeyRevokedEnvelope(Struct, frozen=True, kw_only=True):
    """A revoked key in the envelope of ``/v1/client``."""

    success: bool
    data: ApiKeyRevoked
    metadata: ResponseMetadata


class ApiKeyValidityEnvelope(Struct, frozen=True, kw_only=True):
    """The validity of a key in the envelope of ``/v1/client``."""

    success: bool
    data: ApiKeyValidity
    metadata: ResponseMetadata


class AuditListEnvelope(Struct, frozen=True, kw_only=True):
    """A page of writes in the envelope of ``/v1/client``."""

    success: bool
    data: AuditList
    metadata: ResponseMetadata
