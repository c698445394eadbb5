"""What is refused before any request is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from promptops.core.errors import ValidationError
from promptops.prompts._problems import problem, refusal

__all__ = ["MAX_PAGE", "check_choice", "check_name", "check_page", "converted", "refused", "texts"]

MAX_PAGE: Final = 1000
MAX_NAME: Final = 255

T = TypeVar("T")


def refused(field: str, message: str, code: str = "invalid_value") -> ValidationError:
    """The error for one bad argument."""
    return refusal(problem(field, message, code))


def check_name(name: object, field: str = "name") -> str:
    """A name, slug or id that can be asked for."""
    if not isinstance(name, str):
        raise refused(field, f"expected text, got {type(name).__name__!r}")
    if not name.strip():
        raise refused(field, "is empty; give the name, slug or id of a prompt", "required")
    if len(name) > MAX_NAME:
        raise refused(field, f"has {len(name)} characters; at most {MAX_NAME} are allowed", "too_long")
    return name


def check_page(limit: object, offset: object) -> None:
    """A page within the limits of the contract."""
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MAX_PAGE:
        raise refused("limit", f"must be a whole number from 1 to {MAX_PAGE}, got {limit!r}", "out_of_range")
    if not isinstance(offset, int) or isinstance(offset, bool) or offset < 0:
        raise refused("skip", f"must be a whole number from 0, got {offset!r}", "out_of_range")


def check_choice(field: str, value: object, choices: Iterable[str]) -> None:
    """One of a few words."""
    known = tuple(choices)
    if value not in known:
        raise refused(field, f"{value!r} is unknown; use one of {', '.join(known)}", "unknown_value")


def texts(field: str, values: Sequence[str]) -> list[str]:
    """A list of texts; one text alone is a mistake, not a list of its letters."""
    if isinstance(values, str):
        raise refused(field, f"expected a list of texts, got one text; write [{values!r}]")
    return list(values)


def converted(field: str, items: Iterable[T | Mapping[str, Any]], kind: type[T]) -> list[T]:
    """Structs, some of which the caller wrote as dicts."""
    result: list[T] = []
    for index, item in enumerate(items):
        try:
            result.append(item if isinstance(item, kind) else msgspec.convert(item, kind))
        except msgspec.ValidationError as error:
            raise refused(f"{field}[{index}]", str(error)) from error
    return result
