"""Has msgspec look at the fields of a type in one thread alone, before anything is decoded into it."""

from __future__ import annotations

import os
from _thread import RLock
from typing import Any, Final, TypeVar, overload

import msgspec

__all__ = ["prepared"]

T = TypeVar("T")

_one_at_a_time: Final = RLock()
_done: Final = set[Any]()

if hasattr(os, "register_at_fork"):
    # A child with a type that is half done, and without the thread that was at it, would crash.
    os.register_at_fork(
        before=_one_at_a_time.acquire, after_in_parent=_one_at_a_time.release, after_in_child=_one_at_a_time.release
    )


@overload
def prepared(type_: type[T]) -> type[T]: ...
@overload
def prepared(type_: object) -> Any: ...
def prepared(type_: Any) -> Any:
    """The type itself, which any thread may now give to ``msgspec.convert``, to a decoder or to ``decode(type=...)``.

    While msgspec looks at the fields of a struct for the first time, another thread that decodes the same struct, or
    one that holds it, finds it half done, and crashes the process. A type that is known costs a look into a set.

    Args:
        type_: A struct, an enum, a dataclass, a container or a union of them.

    Raises:
        TypeError, NameError: As msgspec and the annotations raise them.
    """
    try:
        if type_ in _done:
            return type_
    except TypeError:  # it holds something that has no hash; msgspec then says whether it is a type
        return _looked_at(type_)
    _looked_at(type_)
    _done.add(type_)
    return type_


def _looked_at(type_: Any) -> Any:
    with _one_at_a_time:
        msgspec.json.Decoder(type_)
    return type_
