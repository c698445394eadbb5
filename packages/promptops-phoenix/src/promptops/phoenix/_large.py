"""Large answers, decoded and converted in a worker thread and piece by piece, so that an event loop goes on meanwhile.

A thread alone would not do: while one call of a decoder lasts, no other thread runs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Final, Generic, TypeVar, cast, get_args, get_origin

import msgspec
from promptops.core.runtime import Runtime
from promptops.models import decoder

__all__ = ["LARGE", "InPieces", "in_turns"]

LARGE: Final = 256 * 1024
"""Bytes of a body that are decoded on the spot; it takes 2 ms."""
_ITEMS_PER_TURN: Final = 500

S = TypeVar("S")
T = TypeVar("T")


class InPieces(Generic[T]):
    """A decoder that decodes the items of lists one by one, and lets other threads run in between.

    Args:
        shape: A struct, whose fields may be lists or structs with lists, or a list.
    """

    def __init__(self, shape: Any) -> None:
        self._shape = shape

    def decode(self, data: bytes, /) -> T:
        """Decode a whole body; raises msgspec's errors."""
        try:
            return cast("T", _decode(self._shape, data))
        except (msgspec.MsgspecError, TypeError):
            # In one go it says where in the whole something is wrong.
            return decoder(self._shape).decode(data)


def _decode(kind: Any, data: bytes) -> Any:
    if get_origin(kind) is list:
        each = decoder(get_args(kind)[0])
        return [each.decode(item) for item in msgspec.json.decode(data, type=list[msgspec.Raw])]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        given = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        fields = [field for field in msgspec.structs.fields(kind) if field.encode_name in given]
        return kind(**{field.name: _decode(field.type, given[field.encode_name]) for field in fields})
    return decoder(kind).decode(data)


async def in_turns(
    runtime: Runtime, items: Sequence[S], convert: Callable[[Sequence[S]], Sequence[T]]
) -> AsyncGenerator[T, None]:
    """Yield what is made of many items; between every 500 of them others get their turn.

    Args:
        runtime: Has the worker threads.
        items: What there is.
        convert: Makes something of some of them.
    """
    if len(items) <= _ITEMS_PER_TURN:
        for made in convert(items):
            yield made
        return
    for start in range(0, len(items), _ITEMS_PER_TURN):
        for made in await runtime.run_blocking(convert, items[start : start + _ITEMS_PER_TURN]):
            yield made
