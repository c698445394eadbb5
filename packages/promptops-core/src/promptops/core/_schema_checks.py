"""What the keywords of the JSON Schema subset ask of objects and arrays, and how they combine schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from promptops.core._schema_values import Check, Run, Violation, is_array, key_of
from promptops.core.narrow import is_object

__all__ = [
    "accept_all",
    "all_checks",
    "any_check",
    "array_check",
    "not_check",
    "object_check",
    "one_check",
    "refuse_all",
    "unique_check",
]


def unique_check(value: Any, run: Run, depth: int) -> None:
    """``uniqueItems``."""
    if not is_array(value):
        return
    seen: set[Any] = set()
    for index, item in enumerate(value):
        key = key_of(item, run, depth + 1)
        if key in seen:
            run.add("repeats an earlier item", "not_unique", f"[{index}]")
            return
        seen.add(key)


def object_check(properties: Mapping[str, Check], required: Sequence[str], others: Check | None) -> Check:
    """``properties``, ``required`` and ``additionalProperties``."""

    def check(value: Any, run: Run, depth: int) -> None:
        if not is_object(value):
            return
        for name in required:
            if name not in value:
                run.add("is required and was not given", "required", f".{name}")
        for name, item in value.items():
            if run.full:
                return
            test = properties.get(name, others) if isinstance(name, str) else others
            if test is refuse_all and name not in properties:
                run.add("is not among the properties of the schema", "unknown_property", f".{name}")
            elif test is not None:
                run.step(depth + 1)
                run.below(f".{name}", test, item, depth + 1)

    return check


def array_check(first: Sequence[Check], others: Check | None) -> Check:
    """``prefixItems`` and ``items``."""

    def check(value: Any, run: Run, depth: int) -> None:
        if not is_array(value):
            return
        for index, item in enumerate(value):
            test = first[index] if index < len(first) else others
            if test is None or run.full:
                return
            run.step(depth + 1)
            run.below(f"[{index}]", test, item, depth + 1)

    return check


def any_check(branches: Sequence[Check]) -> Check:
    """``anyOf``; when only one alternative is of the right type, what is wrong is said of that one."""

    def check(value: Any, run: Run, depth: int) -> None:
        close: list[list[Violation]] = []
        for branch in branches:
            run.step(depth)
            found = run.apart(branch, value, depth)
            if not found:
                return
            if not any(item.path == "" and item.code == "wrong_type" for item in found):
                close.append(found)
        if len(close) == 1:
            run.found += close[0]
        else:
            run.add(f"matches none of the {len(branches)} alternatives (anyOf)", "no_match")

    return check


def one_check(branches: Sequence[Check]) -> Check:
    """``oneOf``."""

    def check(value: Any, run: Run, depth: int) -> None:
        matching = 0
        for branch in branches:
            run.step(depth)
            matching += not run.apart(branch, value, depth)
        if matching != 1:
            message = f"matches {matching} of the {len(branches)} alternatives (oneOf); exactly one is needed"
            run.add(message, "no_match" if matching == 0 else "ambiguous")

    return check


def not_check(branch: Check) -> Check:
    """``not``."""

    def check(value: Any, run: Run, depth: int) -> None:
        run.step(depth)
        if not run.apart(branch, value, depth):
            run.add("is what the schema excludes (not)", "not_allowed")

    return check


def all_checks(checks: Sequence[Check]) -> Check:
    """Several checks of one value."""
    if len(checks) == 1:
        return checks[0]

    def check(value: Any, run: Run, depth: int) -> None:
        for each in checks:
            if run.full:
                return
            each(value, run, depth)

    return check


def accept_all(_: Any, __: Run, ___: int) -> None:
    """``true``, and the empty schema."""


def refuse_all(_: Any, run: Run, __: int) -> None:
    """``false``."""
    run.add("nothing is allowed here", "not_allowed")
