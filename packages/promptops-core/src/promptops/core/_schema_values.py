"""One check of a value against a schema: what was found, and what the keywords for plain values ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, TypeGuard

import msgspec
from promptops.core.narrow import is_object

__all__ = [
    "BOUNDS",
    "MAX_VIOLATIONS",
    "TYPES",
    "Check",
    "Run",
    "Stopped",
    "Violation",
    "bound_check",
    "enum_check",
    "is_array",
    "is_integer",
    "is_number",
    "key_of",
    "type_check",
]

MAX_VIOLATIONS: Final = 100
MAX_DEPTH: Final = 100
MAX_STEPS: Final = 1_000_000


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One place where a value is not what the schema says.

    Attributes:
        path: Where in the value, for example ``user.tags[0]``; empty for the value itself.
        message: What is wrong; never the value.
        code: Stable identifier: ``wrong_type``, ``required``, ``unknown_property``, ``not_allowed`` and so on.
    """

    path: str
    message: str
    code: str


class Stopped(Exception):  # noqa: N818 - it describes what happened
    """The value is too deep, or the schema too costly for it.

    Attributes:
        reason: Which of the two.
        code: Stable identifier.
    """

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Run:
    """One check of one value: what was found, and what is left of the steps."""

    __slots__ = ("found", "left")

    def __init__(self) -> None:
        self.found: list[Violation] = []
        self.left = MAX_STEPS

    def add(self, message: str, code: str, path: str = "") -> None:
        """Note a violation at the value that is being looked at, or below it."""
        self.found.append(Violation(path=path, message=message, code=code))

    @property
    def full(self) -> bool:
        """Whether nothing more is looked for."""
        return len(self.found) >= MAX_VIOLATIONS

    def below(self, path: str, check: Check, value: object, depth: int) -> None:
        """Check a value inside the one that is being looked at; only what is wrong pays for its path."""
        before = len(self.found)
        check(value, self, depth)
        if len(self.found) > before:
            self.found[before:] = [
                Violation(path=path + item.path, message=item.message, code=item.code) for item in self.found[before:]
            ]

    def apart(self, check: Check, value: object, depth: int) -> list[Violation]:
        """What a check finds, without noting it."""
        kept, self.found = self.found, []
        try:
            check(value, self, depth)
            return self.found
        finally:
            self.found = kept

    def step(self, depth: int) -> None:
        """Count one comparison.

        Raises:
            Stopped: There were too many, or the value is too deep.
        """
        self.left -= 1
        if self.left < 0:
            raise Stopped("checking this value takes too many steps; give a smaller one", "too_complex")
        if depth > MAX_DEPTH:
            raise Stopped(f"nested more than {MAX_DEPTH} deep", "too_deep")


Check: TypeAlias = Callable[[Any, Run, int], None]
"""Gets a value, the run and how deep the value lies."""


def is_number(value: object) -> TypeGuard[float]:
    """A number of JSON; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_integer(value: object) -> TypeGuard[float]:
    """A whole number of JSON: 1.0 is one."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


def is_array(value: object) -> TypeGuard[Sequence[Any]]:
    """An array of JSON; a tuple is one too."""
    return isinstance(value, (list, tuple))


TYPES: Final[dict[str, Callable[[object], bool]]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": is_integer,
    "number": is_number,
    "string": lambda value: isinstance(value, str),
    "array": is_array,
    "object": is_object,
}


def name_of(value: object) -> str:
    """The JSON type of a value, for people."""
    return next((name for name, test in TYPES.items() if test(value)), f"a {type(value).__name__!r} of Python")


def key_of(value: Any, run: Run, depth: int) -> Any:
    """Something that is equal for values that are equal in JSON: 1 and 1.0 are, 1 and true are not."""
    run.step(depth)
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return value
    if is_object(value):
        return ("object", frozenset([(name, key_of(item, run, depth + 1)) for name, item in value.items()]))
    if is_array(value):
        return ("array", tuple([key_of(item, run, depth + 1) for item in value]))
    return ("constant", value) if value is None or isinstance(value, bool) else ("foreign", id(value))


def type_check(names: Sequence[str]) -> Check:
    """``type``."""
    tests = [TYPES[name] for name in names]
    wanted = " or ".join(names)

    def check(value: Any, run: Run, _: int) -> None:
        if not any(test(value) for test in tests):
            run.add(f"expected {wanted}, got {name_of(value)}", "wrong_type")

    return check


def enum_check(values: Sequence[Any]) -> Check:
    """``enum`` and ``const``."""
    known = {key_of(value, Run(), 0) for value in values}
    shown = ", ".join(msgspec.json.encode(value).decode()[:40] for value in values[:10])
    message = f"expected {'one of ' if len(values) != 1 else ''}{shown}{' and others' if len(values) > 10 else ''}"

    def check(value: Any, run: Run, depth: int) -> None:
        if key_of(value, run, depth) not in known:
            run.add(message, "not_allowed")

    return check


def _multiple(value: float, of: float) -> bool:
    if isinstance(value, int) and isinstance(of, int):
        return value % of == 0
    from fractions import Fraction

    try:
        return Fraction(repr(value)) % Fraction(repr(of)) == 0
    except ValueError:  # infinity and what is no number
        return False


_Test: TypeAlias = Callable[[Any, Any], bool]
BOUNDS: Final[dict[str, tuple[str, _Test, str, str]]] = {
    # keyword: of which type, when it holds, what to say, the code
    "minimum": ("number", lambda value, bound: value >= bound, "must be at least {}", "too_small"),
    "maximum": ("number", lambda value, bound: value <= bound, "must be at most {}", "too_large"),
    "exclusiveMinimum": ("number", lambda value, bound: value > bound, "must be above {}", "too_small"),
    "exclusiveMaximum": ("number", lambda value, bound: value < bound, "must be below {}", "too_large"),
    "multipleOf": ("number", _multiple, "must be a multiple of {}", "not_a_multiple"),
    "minLength": ("string", lambda value, bound: len(value) >= bound, "needs at least {} characters", "too_short"),
    "maxLength": ("string", lambda value, bound: len(value) <= bound, "may have at most {} characters", "too_long"),
    "minItems": ("array", lambda value, bound: len(value) >= bound, "needs at least {} items", "too_few"),
    "maxItems": ("array", lambda value, bound: len(value) <= bound, "may have at most {} items", "too_many"),
    "minProperties": ("object", lambda value, bound: len(value) >= bound, "needs at least {} properties", "too_few"),
    "maxProperties": ("object", lambda value, bound: len(value) <= bound, "may have at most {} properties", "too_many"),
}


def bound_check(keyword: str, bound: float) -> Check:
    """A limit on a number, or on a length."""
    kind, holds, words, code = BOUNDS[keyword]
    applies, message = TYPES[kind], words.format(bound)

    def check(value: Any, run: Run, _: int) -> None:
        if applies(value) and not holds(value, bound):
            run.add(message, code)

    return check
