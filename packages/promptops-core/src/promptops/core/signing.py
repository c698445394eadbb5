"""Request signing: one scheme, optional, over the request exactly as it is sent."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from promptops.core.errors import ConfigurationError
from promptops.core.urls import quote_pair

__all__ = ["SCHEME", "canonical_query", "key_id_of", "new_nonce", "sign", "string_to_sign", "timestamp"]

SCHEME: Final = "PROMPTOPS-HMAC-SHA256"


def sign(
    *,
    secret: str,
    key_id: str,
    method: str,
    host: str,
    path: str,
    query: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    at: str,
    nonce: str,
) -> tuple[tuple[str, str], ...]:
    """The three headers that sign one attempt.

    Args:
        secret: The secret of the key.
        key_id: The public id of the key.
        method: HTTP method.
        host: The ``Host`` header as sent.
        path: The path as sent, percent-encoded, without the query.
        query: Name and value pairs, not encoded, in any order.
        body: The raw body.
        at: The time, from :func:`timestamp`.
        nonce: 128 random bits in hexadecimal, from :func:`new_nonce`; never used twice.
    """
    message = string_to_sign(
        at=at, nonce=nonce, key_id=key_id, method=method, host=host, path=path, query=canonical_query(query), body=body
    )
    signature = hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    return (
        ("x-promptops-timestamp", at),
        ("x-promptops-nonce", nonce),
        ("x-promptops-signature", f"v2={signature}"),
    )


def string_to_sign(
    *, at: str, nonce: str, key_id: str, method: str, host: str, path: str, query: str, body: bytes
) -> str:
    """The nine lines that a signature covers."""
    digest = hashlib.sha256(body).hexdigest()
    lines = (SCHEME, at, nonce, key_id, method.upper(), host, path, query, digest)
    return "\n".join(lines)


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Name and value percent-encoded (all but ``A-Z a-z 0-9 - . _ ~``), then sorted by name, then by value."""
    return "&".join([f"{name}={value}" for name, value in sorted(quote_pair(pair) for pair in pairs)])


def timestamp(seconds: float) -> str:
    """Seconds since 1970 as RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_nonce() -> str:
    """128 random bits in hexadecimal."""
    return os.urandom(16).hex()


def key_id_of(api_key: str | None, key_id: str | None) -> str:
    """The public id of a key: the one given, or the third part of ``brand_kind_id_secret_checksum``.

    Raises:
        ConfigurationError: There is neither; a request cannot be signed.
    """
    if key_id:
        return key_id
    parts = api_key.split("_") if api_key else []
    if len(parts) == 5 and parts[2]:
        return parts[2]
    raise ConfigurationError(
        "secret_key is set, so requests are signed, but the public id of the key is unknown; "
        "pass key_id (it was shown when the key was created)."
    )
