"""Removes what looks like a secret from outputs before they are written into a file that others will read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from promptops.core.narrow import is_array, is_object
from promptops.core.redact import MASK, redact

__all__ = ["without_secrets"]

_DEEPEST: Final = 64
_NAMES: Final = re.compile(
    r"(?i)^(.*[_.-])?(api[_-]?key|apikey|authorization|password|passwd|secret|access[_-]?token)$"
)
_PATTERNS: Final = re.compile(
    r"""
    \bsk-[A-Za-z0-9_-]{20,}                      # keys of several model providers
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b
    | \bAIza[0-9A-Za-z_-]{35}
    | \bgh[pousr]_[A-Za-z0-9]{36,}
    | \bgithub_pat_[A-Za-z0-9_]{50,}
    | \bglpat-[A-Za-z0-9_-]{20,}
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,}
    | \bhf_[A-Za-z0-9]{30,}
    | \beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----[\s\S]*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    """,
    re.VERBOSE,
)


def without_secrets(value: Any, secrets: Iterable[str] = ()) -> Any:
    """Return decoded JSON in which every text is redacted, and every value under a telling name."""
    return _redacted(value, tuple(secrets), 0)


def _redacted(value: Any, secrets: tuple[str, ...], depth: int) -> Any:
    if isinstance(value, str):
        return _PATTERNS.sub(MASK, redact(value, secrets))
    if depth >= _DEEPEST:
        return MASK
    if is_object(value):
        return {
            _redacted(name, secrets, depth + 1): MASK
            if isinstance(part, str) and _NAMES.match(name)
            else _redacted(part, secrets, depth + 1)
            for name, part in value.items()
        }
    if is_array(value):
        return [_redacted(part, secrets, depth + 1) for part in value]
    return value
