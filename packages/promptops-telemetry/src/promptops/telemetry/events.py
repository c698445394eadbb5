"""What may be reported of a call: names, numbers and short labels; never a text of a prompt or a variable."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias

import msgspec
from promptops.core.redact import redact

__all__ = ["ATTRIBUTES", "MAX_LABEL", "AttributeValue", "TelemetryEvent", "encode_event"]

AttributeValue: TypeAlias = "str | int | float | bool"

MAX_LABEL: Final = 255
"""Most characters of a text; a longer one is no label and is left out."""
ATTRIBUTES: Final[Mapping[str, type[str | float | bool]]] = {
    # Who and what.
    "prompt": str,
    "prompt_id": str,
    "version": str,
    "label": str,
    "project": str,
    "dataset": str,
    "experiment": str,
    "model": str,
    "model_name": str,
    "model_provider": str,
    "template_format": str,
    # How it went.
    "operation": str,
    "source": str,
    "cache_level": str,
    "cache_hit": bool,
    "stale": bool,
    "retryable": bool,
    "error": str,
    "error_code": str,
    "request_id": str,
    "status_code": float,
    "attempts": float,
    "count": float,
    "size_bytes": float,
    "input_tokens": float,
    "output_tokens": float,
    "facade": str,
}
"""The attributes that an event may carry, and what each holds: ``str`` a label, ``float`` any number, ``bool`` a flag.

Only what is named here leaves the process, so that no text can slip through under a name of its own.
"""

_NAME: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
_LONGEST_OUTCOME: Final = 64
_LONGEST_MS: Final = 86_400_000.0
_LARGEST: Final = 2**53
_SUSPECT: Final = re.compile(r"[ _=@]")
"""Every credential that can be recognised holds one of these; most labels hold none, and need no closer look."""
_ENCODER: Final = msgspec.json.Encoder()


class TelemetryEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened in a client.

    Attributes:
        name: What happened, for example ``prompt.get``.
        timestamp: When, in UTC.
        duration_ms: How long it took, in milliseconds.
        outcome: ``ok``, ``error`` or another short word.
        attributes: Facts about it, of the names in :data:`ATTRIBUTES`.
    """

    name: str
    timestamp: datetime
    duration_ms: float | None = None
    outcome: str | None = None
    attributes: dict[str, AttributeValue] = {}


def encode_event(
    name: str, *, at: float, duration_ms: float | None, outcome: str | None, attributes: Mapping[str, object]
) -> bytes:
    """The event as JSON, without whatever may not be reported.

    Args:
        name: What happened.
        at: Seconds since 1970.
        duration_ms: Milliseconds; left out when it is not a number from 0 to a day.
        outcome: A short word; left out when it is longer than 64 characters.
        attributes: Facts; left out are unknown names, other types, NaN, texts that are long or have several lines.

    Raises:
        ValueError: The name is not 1 to 128 letters, digits and ``_.:/-``.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError("an event's name has 1 to 128 letters, digits and _.:/-")
    known: dict[str, AttributeValue] = {}
    for key, value in attributes.items():
        kept = _allowed(ATTRIBUTES.get(key), value)
        if kept is not None:
            known[key] = kept
    return _ENCODER.encode(
        TelemetryEvent(
            name=name,
            timestamp=datetime.fromtimestamp(at, UTC),
            duration_ms=_milliseconds(duration_ms),
            outcome=_label(outcome, _LONGEST_OUTCOME) if isinstance(outcome, str) else None,
            attributes=known,
        )
    )


def _allowed(kind: type | None, value: object) -> AttributeValue | None:
    if isinstance(value, bool):
        return value if kind is bool else None
    if isinstance(value, str):
        return _label(value, MAX_LABEL) if kind is str else None
    if kind is float and isinstance(value, int | float) and math.isfinite(value) and abs(value) <= _LARGEST:
        return value
    return None


def _label(text: str, longest: int) -> str | None:
    text = str.__str__(text)  # of an enum its value
    if len(text) > longest or not text.isprintable():
        return None
    return redact(text)[:longest] if _SUSPECT.search(text) is not None else text


def _milliseconds(value: float | None) -> float | None:
    if value is None or isinstance(value, bool) or not 0.0 <= value <= _LONGEST_MS:
        return None
    return value
