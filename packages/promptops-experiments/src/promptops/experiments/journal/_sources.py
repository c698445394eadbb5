"""Digests of code: source, closures, defaults, partials, and the attributes of callable objects.

What counts of a function is its source, its defaults, what it closes over, and what it uses of its own module:
functions, classes, and constants with upper-case names. Where no source can be read (an interactive prompt), the
compiled code counts. An object counts by its class and by those of its attributes that have a JSON form or are code;
of anything else its type counts.
"""

from __future__ import annotations

import functools
import sys
import textwrap
from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final, cast

import msgspec
from promptops.core.errors import ValidationError

__all__ = ["digest_of_code"]

_DEEPEST: Final = 12
_MAGIC: Final = frozenset(
    {
        "__annotate__",
        "__annotate_func__",
        "__annotations__",
        "__dict__",
        "__doc__",
        "__firstlineno__",
        "__match_args__",
        "__module__",
        "__qualname__",
        "__slots__",
        "__static_attributes__",
        "__weakref__",
    }
)
_MAGIC_STARTS: Final = ("__abstract", "_abc_", "__parameters", "__orig", "__dataclass", "__struct")
_PLAIN = (str, int, float, bool, type(None), bytes)


class _NoSource(Exception):  # noqa: N818 - it says what is missing
    """Nothing can be said about some code."""


def digest_of_code(code: object, who: str, version: str | None = None) -> str:
    """Return a digest of a callable, or of an evaluator object; ``version`` stands for its source when given.

    Args:
        code: A function, method, partial, class or object.
        who: What it is, for the message.
        version: An explicit version.

    Raises:
        ValidationError: The source cannot be read, and there is no version.
    """
    if version is not None:
        return _hashed(["version", version])
    try:
        return _hashed(_Describer().describe(code, 0))
    except _NoSource as exc:
        raise ValidationError(
            f"whether {who} has changed cannot be told, because {exc}; pass a version for it, and change the version "
            "whenever its code changes"
        ) from None


def _hashed(described: object) -> str:
    import hashlib

    text = msgspec.json.encode(described, order="deterministic")
    return hashlib.sha256(text).hexdigest()[:32]


class _Describer:
    """Turns code into nested lists of text; each thing is described once."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._kept: list[object] = []

    def describe(self, thing: object, depth: int) -> object:
        if isinstance(thing, _PLAIN) or (thing is Ellipsis):
            return [type(thing).__name__, thing.hex() if isinstance(thing, bytes) else str(thing)]
        if id(thing) in self._seen:
            return ["again", self._seen[id(thing)]]
        if depth > _DEEPEST:
            return ["deeper", type(thing).__qualname__]
        self._seen[id(thing)] = len(self._seen)
        self._kept.append(thing)  # so that no other object gets its id meanwhile
        return self._parts(thing, depth + 1)

    def _parts(self, thing: object, depth: int) -> object:
        if isinstance(thing, functools.partial):
            return ["partial", *(self.describe(value, depth) for value in (thing.func, thing.args, thing.keywords))]
        if isinstance(thing, MethodType):
            return ["method", self.describe(thing.__func__, depth), self.describe(thing.__self__, depth)]
        if isinstance(thing, FunctionType):
            return self._function(thing, depth)
        if isinstance(thing, type):
            return self._class(thing, depth)
        if isinstance(thing, BuiltinFunctionType | ModuleType) or _is_standard(thing):
            return ["standard", _name(thing)]
        if isinstance(thing, Mapping):
            pairs = cast("Mapping[object, object]", thing).items()
            return ["mapping", [[self.describe(key, depth), self.describe(value, depth)] for key, value in pairs]]
        if isinstance(thing, list | tuple):
            return ["list", [self.describe(value, depth) for value in cast("list[object]", thing)]]
        if isinstance(thing, set | frozenset):
            # In an order of its own each time; its members are told apart by what they print.
            return ["set", sorted(repr(value) for value in cast("set[object]", thing))]
        return self._object(thing, depth)

    def _function(self, function: FunctionType, depth: int) -> object:
        code = function.__code__
        cells = function.__closure__ or ()
        closed = {name: _content(cell) for name, cell in zip(code.co_freevars, cells, strict=True)}
        used = dict(_used(code, function.__globals__, function.__module__))
        return [
            "function",
            _source(code),
            self.describe(function.__defaults__, depth),
            self.describe(function.__kwdefaults__, depth),
            [[name, self.describe(value, depth)] for name, value in sorted(closed.items())],
            [[name, self.describe(value, depth)] for name, value in sorted(used.items())],
        ]

    def _class(self, cls: type, depth: int) -> object:
        if _is_standard(cls):
            return ["standard", _name(cls)]
        members = [(name, _code_of(value)) for name, value in sorted(vars(cls).items()) if not _is_magic_data(name)]
        bases = [base for base in cls.__mro__[1:] if base.__module__ == cls.__module__]
        described = [[name, self.describe(value, depth)] for name, value in members if value is not None]
        if not described and not bases and "__slots__" not in vars(cls) and not hasattr(cls, "__annotations__"):
            raise _NoSource(f"{_name(cls)} is not written in Python")
        return ["class", _name(cls), described, [self.describe(base, depth) for base in bases]]

    def _object(self, thing: object, depth: int) -> object:
        cls = type(thing)
        told: object = getattr(thing, "fingerprint", None)
        if isinstance(told, str):
            return ["told", _name(cls), told]
        state: dict[str, object] = dict(getattr(thing, "__dict__", {}))
        for base in cls.__mro__:
            slots: object = vars(base).get("__slots__", ())
            names = (slots,) if isinstance(slots, str) else cast("tuple[str, ...]", slots)
            state.update((name, getattr(thing, name)) for name in names if hasattr(thing, name) and name != "__dict__")
        if depth > 1 and not callable(thing) and not hasattr(thing, "evaluate"):
            # Of a client, a lock or a session the attributes say nothing about what it computes.
            return ["value", _name(cls), _plain(thing)]
        return [
            "object",
            self.describe(cls, depth),
            [[name, self.describe(value, depth)] for name, value in sorted(state.items())],
        ]


def _plain(thing: object) -> object:
    """Return the JSON form of a dataclass, struct, enum, date and the like, or None."""
    try:
        return msgspec.to_builtins(thing, str_keys=True)
    except (TypeError, ValueError, RecursionError):
        return None


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # a cell that is filled later
        return None


def _used(code: CodeType, namespace: Mapping[str, object], module: str) -> Iterator[tuple[str, object]]:
    """Yield what code uses of its own module: functions, classes and constants."""
    for name in _names(code):
        value = namespace.get(name)
        if isinstance(value, FunctionType | type):
            if value.__module__ == module:
                yield name, value
        elif name.isupper() and isinstance(value, (*_PLAIN, list, tuple, dict, set, frozenset)):
            yield name, cast("object", value)


def _names(code: CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names


def _source(code: CodeType) -> object:
    import inspect

    try:
        text = textwrap.dedent(inspect.getsource(code))
    except (OSError, TypeError, IndexError, SyntaxError):
        return _compiled(code)
    text = "\n".join(line.rstrip() for line in text.splitlines()).strip()
    # A line with several lambdas is the source of each of them; what they are compiled to tells them apart.
    return [text, _compiled(code)] if text.count("lambda") > 1 else text


def _compiled(code: CodeType) -> object:
    constants = [
        _compiled(part) if isinstance(part, CodeType) else f"{type(part).__name__} {_stable(part)}"
        for part in code.co_consts
    ]
    return [code.co_code.hex(), list(code.co_names), list(code.co_varnames), constants]


def _stable(value: object) -> str:
    return repr(sorted(map(repr, cast("frozenset[object]", value)))) if isinstance(value, frozenset) else repr(value)


def _code_of(value: object) -> object | None:
    """Return what counts of an attribute of a class, or None."""
    if isinstance(value, staticmethod | classmethod):
        wrapper = cast("staticmethod[..., object]", value)
        return wrapper.__func__
    if isinstance(value, property):
        return [value.fget, value.fset]
    if isinstance(value, (*_PLAIN, FunctionType, type, functools.partial, list, tuple, dict, set, frozenset)):
        return cast("object", value)
    return None


def _is_magic_data(name: str) -> bool:
    return name in _MAGIC or name.startswith(_MAGIC_STARTS)


def _is_standard(thing: object) -> bool:
    module = getattr(thing, "__module__", None)
    root = module.partition(".")[0] if isinstance(module, str) else ""
    named = isinstance(getattr(thing, "__qualname__", None), str)
    return named and root != "__main__" and root in sys.stdlib_module_names


def _name(thing: object) -> str:
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None) or type(thing).__qualname__
    return f"{getattr(thing, '__module__', '')}.{name}"
