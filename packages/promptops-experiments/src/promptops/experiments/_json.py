"""Turns what users hand over into JSON text, or says which part of it cannot be stored."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Iterable, Mapping
from typing import Final, cast

import msgspec

__all__ = ["NotStorable", "json_text", "shown", "storable_text"]

_MOST_SHOWN: Final = 200

_PICTURES: Final = reprlib.Repr()
_PICTURES.maxlist = _PICTURES.maxtuple = _PICTURES.maxdict = 30
_PICTURES.maxstring = _PICTURES.maxother = _MOST_SHOWN


class NotStorable(Exception):  # noqa: N818 - it describes the value
    """A value that JSON cannot hold; the message says which part and why."""


def json_text(value: object) -> str:
    """Return ``value`` as compact JSON text.

    Dataclasses, msgspec structs, pydantic models, dates, decimals, enums, sets and numpy values are written as their
    JSON equivalents.

    Raises:
        NotStorable: The value holds NaN, infinity, a cycle, text that is not valid Unicode, or a foreign type.
    """
    try:
        plain = msgspec.to_builtins(value, str_keys=True, enc_hook=_foreign)
        text = json.dumps(plain, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        raise NotStorable("it contains itself, or is nested too deeply") from None
    except ValueError as exc:
        where = _not_finite(value, "")
        reason = f"{where or 'a number'} is NaN or infinite, which JSON cannot hold" if where is not None else str(exc)
        raise NotStorable(reason) from None
    except (TypeError, OverflowError) as exc:
        raise NotStorable(str(exc)) from None
    return storable_text(text)


def storable_text(text: str) -> str:
    """Return ``text`` as it is when it is valid Unicode.

    Raises:
        NotStorable: It holds half of a surrogate pair.
    """
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise NotStorable(f"the text is not valid Unicode at character {exc.start}") from None
    return text


def shown(value: object) -> str:
    """Return a short picture of ``value`` for messages; of what is large, no more than a part is looked at."""
    kind = type(value).__name__
    try:
        if isinstance(value, str | bytes):
            picture = repr(value[:_MOST_SHOWN])  # still longer than what is shown of it
        else:
            picture = _PICTURES.repr(value) if isinstance(value, list | tuple | dict) else repr(value)
    except Exception:  # noqa: BLE001 - a foreign __repr__ may raise anything, and only a picture is lost
        picture = f"<{kind}>"
    picture = picture.encode(errors="backslashreplace").decode()
    return picture if len(picture) <= _MOST_SHOWN else picture[: _MOST_SHOWN - 1] + "…"


def _foreign(value: object) -> object:
    for method in ("model_dump", "tolist", "_asdict"):
        convert = getattr(value, method, None)
        if callable(convert):
            return convert()
    raise TypeError(f"a value of type {type(value).__name__} has no JSON form")


def _not_finite(value: object, path: str) -> str | None:
    if isinstance(value, float):
        return None if math.isfinite(value) else path
    if isinstance(value, Mapping):
        parts: Iterable[tuple[object, object]] = cast("Mapping[object, object]", value).items()
    elif isinstance(value, list | tuple):
        parts = enumerate(cast("list[object]", value))
    else:
        return None
    for key, part in parts:
        step = f"[{key}]" if isinstance(key, int) else f"{path and '.'}{key}"
        found = _not_finite(part, path + step)
        if found is not None:
            return found
    return None
