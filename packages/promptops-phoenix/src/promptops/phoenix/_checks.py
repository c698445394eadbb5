"""What is checked before a request is made: names, numbers, times, and that JSON can carry a value."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

import msgspec
from promptops.core import codec
from promptops.core.errors import ValidationError
from promptops.phoenix._numbers import LARGE_NUMBER, large_numbers

__all__ = [
    "aware",
    "check_finite",
    "check_name",
    "check_prompt_name",
    "check_repetitions",
    "check_storable",
    "check_tag_name",
    "is_count",
    "json_body",
    "refused",
    "shown",
]

_IDENTIFIER: Final = re.compile(r"[a-z0-9]([_a-z0-9-]*[a-z0-9])?")
_MOST_REPETITIONS: Final = 2**31 - 1


def refused(field: str, reason: str, code: str = "invalid") -> ValidationError:
    """The error for one field that is wrong: ``refused("limit", "must be at least 1")``."""
    problem = {"field": field, "message": reason, "code": code}
    return ValidationError(f"{field} {reason}.", validation_errors=[problem])


def check_prompt_name(name: str) -> str:
    """Return the name if a prompt may have it: lower-case letters, digits, and ``-`` and ``_`` within.

    Raises:
        ValidationError: It may not; with a slash, for one, the server would answer with a web page.
    """
    return _identifier("name", name)


def check_tag_name(name: str) -> str:
    """Return the name if a tag of a prompt version may have it; the rule is that of prompt names.

    Raises:
        ValidationError: It may not.
    """
    return _identifier("tag", name)


def check_name(field: str, value: str) -> str:
    """Return a free-form name (of a dataset, an experiment, an evaluator) if it is text that can be stored.

    Raises:
        ValidationError: It is empty or blank, or holds NUL or half of a surrogate pair.
    """
    if not _is(value, str):
        raise refused(field, f"must be text, not {shown(value)}")
    if not value.strip():
        raise refused(field, "is empty")
    if "\0" in value:
        raise refused(field, "holds a NUL character, which databases cannot store")
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        raise refused(field, "holds a lone surrogate, which is not text") from exc
    return value


def check_finite(field: str, value: Any) -> None:
    """Refuse what JSON cannot carry, anywhere within the value.

    Raises:
        ValidationError: It holds NaN, infinity or something without a JSON form; the message names the place
            (``output.scores[3]``).
    """
    try:
        codec.encode(value)
    except ValidationError as exc:
        where = str(exc.validation_errors[0]["field"]).replace("$", field, 1)
        raise refused(where, str(exc.validation_errors[0]["message"])) from exc


def check_storable(field: str, value: Any) -> None:
    """Refuse what JSON cannot carry, and numbers that the server could not read again.

    Raises:
        ValidationError: As for :func:`check_finite`, or a number within is larger than 64 bits.
    """
    check_finite(field, value)
    encoded = codec.encode(value)
    if LARGE_NUMBER.search(encoded) is None:
        return
    for path in large_numbers(msgspec.json.decode(encoded)):
        where = field + "".join(f"[{step}]" if isinstance(step, int) else f".{step:.80}" for step in path)
        raise refused(where, "is a number of more than 64 bits, which the server cannot store; send text")


def check_repetitions(number: int) -> int:
    """Return the number of repetitions if it is at least 1.

    Raises:
        ValidationError: It is not. The server would store such an experiment, and from then on fail to list the
            experiments of the dataset.
    """
    if not is_count(number) or number > _MOST_REPETITIONS:
        raise refused("repetitions", f"must be a whole number of at least 1, not {shown(number)}")
    return number


def aware(field: str, moment: datetime) -> datetime:
    """Return the moment if it says its offset from UTC.

    Raises:
        ValidationError: It does not; the server would take it for UTC, whatever clock it was read from.
    """
    if not _is(moment, datetime):
        raise refused(field, f"must be a datetime, not {shown(moment)}")
    if moment.utcoffset() is None:
        raise refused(field, "has no time zone; use datetime.now(UTC), or give it a tzinfo")
    return moment


def is_count(value: object) -> bool:
    """Whether it is a whole number of at least 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def shown(value: object) -> str:
    """A refused value for a message: short, and of anything but texts and numbers the type alone."""
    return f"{value!r:.80}" if isinstance(value, str | int | float) else type(value).__name__


def json_body(value: Any) -> bytes:
    """Encode a body.

    Raises:
        ValidationError: It holds NaN, infinity or something that JSON cannot carry; the message names the path.
    """
    return codec.encode(value)


def _identifier(field: str, name: str) -> str:
    if _is(name, str) and _IDENTIFIER.fullmatch(name):
        return name
    rule = "must be lower-case letters, digits, '-' and '_', and begin and end with a letter or a digit"
    raise refused(field, f"{rule}, not {shown(name)}")


def _is(value: object, kind: type[Any]) -> bool:
    """What annotations promise is looked at all the same: not everybody runs a type checker."""
    return isinstance(value, kind)
