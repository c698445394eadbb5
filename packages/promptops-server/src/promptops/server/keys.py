"""API keys: how they look, and how they are checked without being stored.

A key is ``promptops_sk_<public id>_<secret>_<checksum>``. The database holds the public id and an HMAC of the key under
a pepper that lies outside of it, so a copy of the database opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from typing import Final

from msgspec import Struct
from promptops.server import base62

__all__ = ["KEY_PATTERN", "IssuedKey", "NewKey", "Pepper", "new_key", "public_id_of"]

_PREFIX: Final = "promptops_sk"
_SIGNING_PREFIX: Final = "promptops_ss"
KEY_PATTERN: Final = r"promptops_sk_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}"
_KEY: Final = re.compile(KEY_PATTERN)


class NewKey(Struct, frozen=True):
    """A key at the only moment when its secret is known."""

    public_id: str
    text: str

    def __repr__(self) -> str:
        return f"NewKey({self.public_id!r}, <secret>)"


class IssuedKey(Struct, frozen=True):
    """A stored key with both of its secrets, at the only moment when they are told."""

    public_id: str
    text: str
    secret_key: str

    def __repr__(self) -> str:
        return f"IssuedKey({self.public_id!r}, <secret>, <secret>)"


def new_key() -> NewKey:
    """Make a key with a secret of 256 bits."""
    public_id = "".join(secrets.choice(base62.ALPHABET) for _ in range(12))
    body = f"{_PREFIX}_{public_id}_{base62.encode(secrets.randbits(256), 43)}"
    return NewKey(public_id, f"{body}_{_checksum(body)}")


def public_id_of(text: str) -> str | None:
    """The public id of a well-formed key, or None: a mistyped key is known without asking the database."""
    if _KEY.fullmatch(text) is None:
        return None
    body, _, checksum = text.rpartition("_")
    return body.split("_")[2] if hmac.compare_digest(checksum, _checksum(body)) else None


def _checksum(body: str) -> str:
    return base62.encode(zlib.crc32(body.encode("ascii")), 6)


class Pepper:
    """The secret beside the database: hashes keys, and gives other secrets that need no place of their own."""

    __slots__ = ("_secret", "id")

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 16:
            raise ValueError("the pepper needs at least 16 bytes")
        self._secret = secret
        self.id = hashlib.sha256(b"promptops pepper id\0" + secret).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"Pepper(id={self.id!r})"

    def hash(self, key: str) -> bytes:
        """What the database stores of a key."""
        return hmac.digest(self._secret, key.encode("utf-8", "surrogateescape"), "sha256")

    def matches(self, key: str, stored: bytes | None) -> bool:
        """Compare in constant time; an unknown key costs the same as a wrong one."""
        return hmac.compare_digest(self.hash(key), bytes(32) if stored is None else stored) and stored is not None

    def signing_secret(self, public_id: str) -> str:
        """What a key signs with; derived, so that it lies nowhere. Scanners find it by ``promptops_ss_``."""
        secret = int.from_bytes(self.derive(f"signing {public_id}"), "big")
        body = f"{_SIGNING_PREFIX}_{public_id}_{base62.encode(secret, 43)}"
        return f"{body}_{_checksum(body)}"

    def derive(self, purpose: str) -> bytes:
        """A secret for another purpose."""
        return hmac.digest(self._secret, b"promptops derive\0" + purpose.encode(), "sha256")
