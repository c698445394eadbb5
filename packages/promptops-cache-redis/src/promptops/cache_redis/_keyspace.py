"""The keys of one cache in a Redis that others use too."""

from __future__ import annotations

from typing import Final

__all__ = ["Keyspace"]

_SPECIAL: Final = frozenset(b"*?[]\\")


class Keyspace:
    """Puts every key of a cache below a prefix, such that caches with different prefixes never share a key.

    The prefix is followed by ``|``, which a prefix itself never holds (it is escaped), so no prefix with its ``|`` is
    the start of another one.
    """

    __slots__ = ("_head",)

    def __init__(self, prefix: str) -> None:
        self._head = _encode(prefix.replace("%", "%25").replace("|", "%7C")) + b"|"

    def key(self, key: str) -> bytes:
        """The key in Redis."""
        return self._head + _encode(key)

    def pattern(self, prefix: str) -> bytes:
        """What ``SCAN`` matches for keys that start with a prefix, taken literally."""
        literal = self.key(prefix)
        return b"".join(b"\\" + bytes((byte,)) if byte in _SPECIAL else bytes((byte,)) for byte in literal) + b"*"


def _encode(text: str) -> bytes:
    # Keys are any text, halves of surrogate pairs included.
    return text.encode("utf-8", "surrogatepass")
