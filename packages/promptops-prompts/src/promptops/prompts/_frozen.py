"""Lists and dicts that many callers share: everyone may read and copy them, nobody can change them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeVar

import msgspec

__all__ = ["FrozenDict", "FrozenList", "frozen"]

S = TypeVar("S", bound=msgspec.Struct)

_type_of: Callable[[object], type[object]] = type
_CHANGES: Final = {
    list: "__delitem__ __iadd__ __imul__ __setitem__ append clear extend insert pop remove reverse sort",
    dict: "__delitem__ __ior__ __setitem__ clear pop popitem setdefault update",
}


class FrozenList(list[Any]):
    """A list that refuses to change; its copies are plain lists."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return (list, (list(self),))


class FrozenDict(dict[str, Any]):
    """A dict that refuses to change; its copies are plain dicts."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return (dict, (dict(self),))


def frozen(struct: S) -> S:
    """The same struct with every list and dict in it frozen, so that it can be handed to many callers."""
    changes = {
        name: _frozen_value(value)
        for name in struct.__struct_fields__
        if isinstance(value := getattr(struct, name), (list, dict, msgspec.Struct))
    }
    return msgspec.structs.replace(struct, **changes) if changes else struct


def _frozen_value(value: Any) -> Any:
    kind = _type_of(value)
    if issubclass(kind, list):
        return FrozenList(map(_frozen_value, value))
    if issubclass(kind, dict):
        return FrozenDict({key: _frozen_value(item) for key, item in value.items()})
    return frozen(value) if issubclass(kind, msgspec.Struct) else value


def _refuse(self: object, *_: object, **__: object) -> NoReturn:
    plain = "list" if isinstance(self, list) else "dict"
    raise TypeError(f"this {plain} is shared by all callers that got the prompt; change a copy: {plain}(value)")


for _kind, _base in ((FrozenList, list), (FrozenDict, dict)):
    for _name in _CHANGES[_base].split():
        setattr(_kind, _name, _refuse)
