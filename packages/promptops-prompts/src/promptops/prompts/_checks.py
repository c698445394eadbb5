"""What is refused before any request is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar, cast, get_type_hints

import msgspec
from msgspec import UNSET
from promptops.core.errors import ValidationError
from promptops.core.narrow import is_object
from promptops.models import prepared
from promptops.prompts._problems import problem, refusal
from promptops.prompts.versions import normalise_version

__all__ = [
    "MAX_PAGE",
    "check_choice",
    "check_flag",
    "check_label",
    "check_name",
    "check_page",
    "check_provider",
    "check_text",
    "check_timeout",
    "converted",
    "converted_one",
    "mapping",
    "refused",
    "selector",
    "texts",
    "version_or_label",
    "well_typed",
    "with_content",
]

MAX_PAGE: Final = 1000
MAX_NAME: Final = 255
MAX_PROVIDER: Final = 64
_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PATH: Final = re.compile(r" - at `(?P<key>key in )?\$\.?(?P<path>.*)`$")

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


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


def check_text(field: str, text: object) -> str:
    """A text that is not blank, for what has no other rule here: a project, a module, the name of a model."""
    if not isinstance(text, str):
        raise refused(field, f"expected text, got {type(text).__name__!r}")
    if not text.strip():
        raise refused(field, "is empty; give a text, or leave it out", "required")
    if len(text) > MAX_NAME:
        raise refused(field, f"has {len(text)} characters; at most {MAX_NAME} are allowed", "too_long")
    return text


def check_provider(field: str, provider: object) -> str:
    """The name of a provider, as it is sent: any word, because servers may know more providers than this client."""
    if not isinstance(provider, str):
        raise refused(field, f"expected a ModelProvider or its name, got {type(provider).__name__!r}")
    name = str(provider).strip().lower()
    if not name or len(name) > MAX_PROVIDER or not all(char.isalnum() or char in "-_." for char in name):
        raise refused(field, f"{name[:80]!r} is not the name of a provider; use for example 'openai'", "unknown_value")
    return name


def check_label(field: str, label: object) -> str:
    """A label: letters, digits, ``.``, ``_`` and ``-``; neither ``latest`` nor what reads as a version."""
    if not isinstance(label, str):
        raise refused(field, f"expected text, got {type(label).__name__!r}", "invalid_label")
    if (reason := _wrong_label(label)) is not None:
        raise refused(field, f"{label[:80]!r} {reason}", "invalid_label")
    return label


@lru_cache(maxsize=256)
def _wrong_label(label: str) -> str | None:
    if _LABEL.fullmatch(label) is None:
        return "is no label; write 1 to 64 letters, digits and . _ -, the first a letter or digit"
    try:
        normalise_version(label)
    except ValidationError:
        return None
    return "names a version; a label is a word such as 'production'"


def selector(version: str | None, label: str | None) -> str | None:
    """Which version of a prompt is meant, as one text: None for the latest, a canonical version, or ``@label``."""
    if label is None:
        return normalise_version(version)
    if version is not None:
        raise refused("label", "a label stands for a version; give one of the two", "conflicting_fields")
    return f"@{check_label('label', label)}"


def version_or_label(field: str, text: str | None) -> tuple[str | None, str | None]:
    """A text that names a version or a label, as the one that it is; both None for the latest."""
    if isinstance(text, str) and _wrong_label(text) is None:
        return None, text
    return normalise_version(text, field=field), None


def check_flag(field: str, value: object) -> None:
    """True or False, and nothing that is merely like it."""
    if not isinstance(value, bool):
        raise refused(field, f"expected True or False, got {value!r:.80}")


def check_page(limit: object, offset: object) -> None:
    """A page within the limits of the contract."""
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MAX_PAGE:
        raise refused("limit", f"must be a whole number from 1 to {MAX_PAGE}, got {limit!r}", "out_of_range")
    if not isinstance(offset, int) or isinstance(offset, bool) or offset < 0:
        raise refused("skip", f"must be a whole number from 0, got {offset!r}", "out_of_range")


def check_timeout(seconds: float | None) -> float | None:
    """A positive number of seconds, or None."""
    if seconds is not None and not _is_limit(seconds):
        raise refused("timeout", f"must be a positive number of seconds, not {seconds!r:.80}", "out_of_range")
    return seconds


def _is_limit(seconds: object) -> bool:
    return isinstance(seconds, (int, float)) and 0 < seconds < float("inf")


def check_choice(field: str, value: object, choices: Iterable[str]) -> None:
    """One of a few words."""
    known = tuple(choices)
    if not isinstance(value, str) or value not in known:
        raise refused(field, f"{value!r:.80} is unknown; use one of {', '.join(known)}", "unknown_value")


def texts(field: str, values: Sequence[str]) -> list[str]:
    """A list of texts; one text alone is a mistake, not a list of its letters."""
    if isinstance(values, str):
        raise refused(field, f"expected a list of texts, got one text; write [{values!r:.80}]")
    if not isinstance(values, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise refused(field, f"expected a list of texts, got {type(values).__name__!r}")
    for index, item in enumerate(values):
        if not isinstance(item, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
            raise refused(f"{field}[{index}]", f"expected text, got {type(item).__name__!r}")
    return list(values)


def mapping(field: str, values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Free facts as a dict; None is none at all."""
    if values is None:
        return {}
    if not isinstance(values, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise refused(field, f"expected a dict, got {type(values).__name__!r}")
    return dict(values)


def well_typed(body: S) -> S:
    """The body of a write, when every field has its type; free facts inside are the encoder's business."""
    for name, kind in get_type_hints(type(body)).items():
        value = getattr(body, name)
        if value is UNSET or isinstance(value, Mapping):
            continue
        try:
            msgspec.convert(value, prepared(kind), strict=True)
        except msgspec.ValidationError as error:
            raise _misplaced(name, error) from error
    return body


def converted(field: str, items: Iterable[T | Mapping[str, Any]], kind: type[T]) -> list[T]:
    """Structs, some of which the caller wrote as dicts."""
    given: object = items
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise refused(field, f"expected a list, got {type(given).__name__!r}")
    return [converted_one(f"{field}[{index}]", item, kind) for index, item in enumerate(items)]


def converted_one(field: str, item: T | Mapping[str, Any], kind: type[T]) -> T:
    """A struct, which the caller may have written as a dict."""
    try:
        return item if isinstance(item, kind) else msgspec.convert(item, prepared(kind))
    except msgspec.ValidationError as error:
        raise _misplaced(field, error) from error


def with_content(variants: Any) -> Any:
    """Variants that callers wrote as dicts; one with messages need not say that it has no content beside them."""
    if not isinstance(variants, (list, tuple)):
        return variants
    return [
        {"content": "", **item} if is_object(item) and item.get("messages") else item
        for item in cast("Sequence[object]", variants)
    ]


def _misplaced(place: str, error: msgspec.ValidationError) -> ValidationError:
    """The error, with the place within the value in its field."""
    reason = str(error)
    if (found := _PATH.search(reason)) is not None:
        reason = reason[: found.start()]
        separator = "" if found["path"].startswith("[") else "."
        place = f"{place}{separator}{found['path']}" if found["path"] else place
    return refused(place, reason[0].lower() + reason[1:])
