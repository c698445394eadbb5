"""Cuts many items into request bodies that the contract allows: 1,000 items, and well below 16 MiB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from promptops.core import codec

__all__ = ["LARGEST_BODY", "LARGEST_ITEM", "MOST_ITEMS", "body_with", "chunked"]

LARGEST_BODY: Final = 8 * 1024 * 1024
LARGEST_ITEM: Final = 15 * 1024 * 1024
MOST_ITEMS: Final = 1000


def chunked(items: Iterable[bytes], *, most: int = MOST_ITEMS, largest: int = LARGEST_BODY) -> Iterator[list[bytes]]:
    """Yield lists of at most ``most`` encoded items and ``largest`` bytes; one item alone may be larger."""
    chunk: list[bytes] = []
    size = 0
    for item in items:
        if chunk and (len(chunk) >= most or size + len(item) > largest):
            yield chunk
            chunk, size = [], 0
        chunk.append(item)
        size += len(item) + 1
    if chunk:
        yield chunk


def body_with(field: str, items: Iterable[bytes], others: Mapping[str, Any] | None = None) -> bytes:
    """Return a body in which ``field`` is the array of the encoded ``items``, beside the ``others``."""
    return codec.encode({**(others or {}), field: [msgspec.Raw(item) for item in items]})
