"""The bytes of one entry: a head, a keyed digest over everything, the key and the value."""

from __future__ import annotations

import hashlib
import struct
from functools import lru_cache
from hmac import compare_digest
from typing import Final, NamedTuple

__all__ = ["HEAD_SIZE", "Decoded", "decode", "encode", "entry_name", "folder_mark", "stored_key"]

_FORMAT: Final = b"PODISK\x00\x01"  # the last byte is the number of the format
_HEAD: Final = struct.Struct(">8s16sddIQ")  # format, namespace, written, ttl, bytes of the key, bytes of the value
_DIGEST: Final = 32
_PERSON: Final = b"promptops-disk"

HEAD_SIZE: Final = _HEAD.size + _DIGEST
"""Bytes before the key."""


class Decoded(NamedTuple):
    """What an entry says; a ttl of infinity means that it does not expire."""

    value: bytes
    written: float
    ttl: float


def encode(secret: bytes, namespace: bytes, key: bytes, value: bytes, *, written: float, ttl: float) -> bytes:
    """The bytes of an entry."""
    head = _HEAD.pack(_FORMAT, _namespace_id(namespace), written, ttl, len(key), len(value))
    return b"".join((head, _digest(secret, head, key, value), key, value))


def decode(secret: bytes, namespace: bytes, key: bytes, data: bytes) -> Decoded | None:
    """What was encoded with this secret for this namespace and key, or None for any other bytes."""
    start = HEAD_SIZE + len(key)
    if len(data) < start:
        return None
    found, owner, written, ttl, key_size, value_size = _HEAD.unpack_from(data)
    if found != _FORMAT or owner != _namespace_id(namespace):
        return None
    if key_size != len(key) or value_size != len(data) - start or data[HEAD_SIZE:start] != key:
        return None
    value = data[start:]
    if not compare_digest(data[_HEAD.size : HEAD_SIZE], _digest(secret, data[: _HEAD.size], key, value)):
        return None
    return Decoded(value, written, ttl)


def stored_key(namespace: bytes, head: bytes) -> int | None:
    """How many bytes of key follow this head (of :data:`HEAD_SIZE` bytes), or None when it is none of this namespace.

    The digest is not checked: it tells what a file claims to be, which is enough to remove it.
    """
    if len(head) != HEAD_SIZE:
        return None
    found, owner, _, _, key_size, _ = _HEAD.unpack_from(head)
    return int(key_size) if found == _FORMAT and owner == _namespace_id(namespace) else None


def folder_mark(namespace: bytes) -> str:
    """What the names of all entries of a namespace start with; names of others do not."""
    return _namespace_id(namespace)[:8].hex() + "-"


def entry_name(namespace: bytes, key: bytes) -> str:
    """The name of the file for a key, the same in every process."""
    size = len(namespace).to_bytes(8, "big")  # so that what ends the one cannot begin the other
    digest = hashlib.blake2b(size + namespace + key, digest_size=20, person=_PERSON)
    return folder_mark(namespace) + digest.hexdigest()


@lru_cache(maxsize=64)
def _namespace_id(namespace: bytes) -> bytes:
    return hashlib.blake2b(namespace, digest_size=16, person=_PERSON).digest()


def _digest(secret: bytes, head: bytes, key: bytes, value: bytes) -> bytes:
    # The head holds the sizes of what follows, so no two entries have the same bytes here.
    digest = hashlib.blake2b(head, digest_size=_DIGEST, key=secret, person=_PERSON)
    digest.update(key)
    digest.update(value)
    return digest.digest()
