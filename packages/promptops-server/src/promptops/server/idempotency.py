"""Idempotency keys: a write that is sent twice happens once, and is answered with the first answer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final

from msgspec import Struct
from promptops.core.errors import ConflictError, ValidationError

__all__ = [
    "KEEP_SECONDS",
    "IdempotencyInProgress",
    "IdempotencyMismatch",
    "InFlight",
    "Once",
    "Replayed",
    "fingerprint_of",
]

KEEP_SECONDS: Final = 24 * 3600
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


class IdempotencyMismatch(ValidationError):  # noqa: N818 - it describes what happened
    """The key was used before for another request."""

    default_code = "IDEMPOTENCY_KEY_REUSED"


class IdempotencyInProgress(ConflictError):  # noqa: N818 - it describes what happened
    """The first request with this key has not been answered yet."""

    default_code = "IDEMPOTENCY_IN_PROGRESS"
    default_retryable = True


class Replayed(Exception):  # noqa: N818 - not an error: the stored answer of an earlier request
    """The write happened before; this is the answer it got."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__("the stored answer of an earlier request")
        self.status = status
        self.body = body


class Once(Struct, frozen=True, kw_only=True):
    """What a store writes beside the write itself, in the same transaction.

    Attributes:
        owner: The granted projects; two tenants never share a key.
        key: As the caller sent it.
        fingerprint: SHA-256 of method, path, query and body.
        status: The status of success.
        encode: Turns the result of the write into the body of the answer.
    """

    owner: str
    key: str
    fingerprint: bytes
    status: int
    encode: Callable[[Any], bytes]

    @classmethod
    def for_call(cls, *, owner: str, key: str, fingerprint: bytes, status: int, encode: Callable[[Any], bytes]) -> Once:
        """Check the key and make the record of it.

        Raises:
            ValidationError: The key is not 1 to 255 printable ASCII characters.
        """
        if _KEY.fullmatch(key) is None:
            message = "use 1 to 255 printable ASCII characters"
            raise ValidationError(
                f"Idempotency-Key: {message}",
                validation_errors=[{"field": "Idempotency-Key", "message": message, "code": "invalid_value"}],
            )
        return cls(owner=owner, key=key, fingerprint=fingerprint, status=status, encode=encode)

    def check(self, fingerprint: bytes) -> None:
        """Refuse a key that belongs to another request.

        Raises:
            IdempotencyMismatch: The stored request differs from this one.
        """
        if fingerprint != self.fingerprint:
            raise IdempotencyMismatch(
                "This Idempotency-Key was used before with another request; use a new key for a new request.",
                validation_errors=[
                    {"field": "Idempotency-Key", "message": "used for another request", "code": "key_reused"}
                ],
            )


def fingerprint_of(method: str, path: str, query: bytes, body: bytes) -> bytes:
    """SHA-256 over everything that makes two requests the same request."""
    digest = hashlib.sha256()
    for part in (method.encode(), path.encode(), query, body):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


class InFlight:
    """The keys whose first request is being worked on by this process."""

    def __init__(self) -> None:
        self._keys: set[tuple[str, str]] = set()

    @contextmanager
    def claim(self, once: Once | None) -> Generator[None, None, None]:
        """Hold the key while its write runs.

        Raises:
            IdempotencyInProgress: Another request holds it.
        """
        if once is None:
            yield
            return
        claim = (once.owner, once.key)
        if claim in self._keys:
            raise IdempotencyInProgress("A request with this Idempotency-Key is still being worked on; retry shortly.")
        self._keys.add(claim)
        try:
            yield
        finally:
            self._keys.discard(claim)
