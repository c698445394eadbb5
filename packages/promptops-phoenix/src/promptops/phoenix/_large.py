"""Large answers, decoded and converted in a worker thread and piece by piece, so that an event loop goes on meanwhile.

A thread alone would not do: while one call of a decoder lasts, no other thread runs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Final, TypeVar, cast, get_args, get_origin

import msgspec
from promptops.core import codec
from promptops.core.runtime import Runtime
from promptops.models import decoder

__all__ = ["LARGE", "in_pieces", "in_turns"]

LARGE: Final = 256 * 1024
"""Bytes of a body that are decoded on the spot; it takes 2 ms."""
_ITEMS_PER_TURN: Final = 500

S = TypeVar("S")
T = TypeVar("T")


def in_pieces(shape: Any, data: bytes, *, level: int = 0) -> Any:
    """Decode JSON, the items of its lists one by one: other threads run in between.

    Args:
        shape: A struct, whose fields may be lists or structs with lists, or a list, or anything.
        data: The JSON.
        level: In how many others it lies.

    Raises:
        msgspec.MsgspecError: It cannot be decoded; the message does not say where in the whole.
        TypeError: A field is missing.
        RecursionError: An item nests deeper than an answer may.
    """
    if get_origin(shape) is list:
        items = msgspec.json.decode(data, type=list[msgspec.Raw])
        each, deepest = decoder(get_args(shape)[0]), codec.MAX_DEPTH - level - 1
        return [each.decode(_not_too_deep(bytes(item), deepest)) for item in items]
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct):
        given = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        fields = [field for field in msgspec.structs.fields(shape) if field.encode_name in given]
        parts = {f.name: in_pieces(f.type, bytes(given[f.encode_name]), level=level + 1) for f in fields}
        return cast("Any", shape)(**parts)
    return decoder(cast("Any", shape)).decode(_not_too_deep(data, codec.MAX_DEPTH - level))


def _not_too_deep(data: bytes, deepest: int) -> bytes:
    if codec.depth_exceeds(data, deepest):
        raise RecursionError
    return data


async def in_turns(
    runtime: Runtime, items: list[S], convert: Callable[[Sequence[S]], Sequence[T]]
) -> AsyncGenerator[T, None]:
    """Yield what is made of many items; between every 500 of them others get their turn.

    Args:
        runtime: Has the worker threads.
        items: What there is; the list is emptied on the way, so that its memory is not given back in one go.
        convert: Makes something of some of them.
    """
    if len(items) <= _ITEMS_PER_TURN:
        for made in convert(items):
            yield made
        return
    items.reverse()
    while items:
        some = items[: -_ITEMS_PER_TURN - 1 : -1]
        del items[-_ITEMS_PER_TURN:]
        for made in await runtime.run_blocking(convert, some):
            yield made
