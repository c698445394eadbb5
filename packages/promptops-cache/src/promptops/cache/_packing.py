"""What a shared tier keeps for a value: its bytes, when they were confirmed, and proof that nothing was mixed up."""

from __future__ import annotations

import hashlib
import struct
from typing import Final

import msgspec

__all__ = ["Packed", "pack", "unpack"]

_MAGIC: Final = b"PO1\n"
_HEAD: Final = struct.Struct(">dIQ")  # confirmed at, bytes of the etag, bytes of the body
_DIGEST: Final = 16


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """A value as a tier keeps it.

    Attributes:
        body: The bytes of the value.
        etag: What the origin calls this state, or "".
        confirmed_at: Seconds since 1970 when the origin said that it is so.
    """

    body: bytes
    etag: str
    confirmed_at: float


def pack(key: str, packed: Packed) -> bytes:
    """The bytes to store under ``key``."""
    etag = packed.etag.encode()
    content = _HEAD.pack(packed.confirmed_at, len(etag), len(packed.body)) + etag + packed.body
    return _MAGIC + _digest(key, content) + content


def unpack(key: str, data: bytes) -> Packed | None:
    """What was stored under ``key``, or None when the bytes are cut, changed, of another key or of another format."""
    start = len(_MAGIC) + _DIGEST
    if len(data) < start + _HEAD.size or not data.startswith(_MAGIC):
        return None
    content = data[start:]
    if data[len(_MAGIC) : start] != _digest(key, content):
        return None
    confirmed_at, etag_size, body_size = _HEAD.unpack_from(content)
    if len(content) != _HEAD.size + etag_size + body_size:
        return None
    body_at = _HEAD.size + etag_size
    return Packed(body=content[body_at:], etag=content[_HEAD.size : body_at].decode(), confirmed_at=confirmed_at)


def _digest(key: str, content: bytes) -> bytes:
    # The key is part of it, so that a value that was copied to another name is not that name's value.
    name = key.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=_DIGEST, key=hashlib.sha256(name).digest()).digest()
