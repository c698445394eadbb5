"""Remove secrets from text that people will read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from promptops.core.narrow import is_array, is_object

__all__ = ["MASK", "address_of", "mask", "redact", "redact_value"]

MASK: Final = "[removed]"

_BEARER = re.compile(r"(?i)\b(bearer|basic|promptops)\s+[A-Za-z0-9._~+/=:-]{8,}")
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@]+@")
_KEY = re.compile(r"\b[a-z][a-z0-9]{1,15}_[a-z][a-z0-9]{1,15}_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}\b")
_SIGNATURE = re.compile(r"\bv2=[0-9a-f]{64}\b")
_DEPTH = 64


def mask(secret: str | None) -> str | None:
    """Show that a secret is set, and nothing of it."""
    return None if secret is None else "***"


def address_of(url: str) -> str:
    """Scheme, host and port of a URL, without the credentials in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace the given secrets, and whatever looks like a credential, in one text."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, MASK)
    if "://" in text:
        text = _USERINFO.sub(rf"\1{MASK}@", text)
    text = _BEARER.sub(rf"\1 {MASK}", text)
    text = _KEY.sub(MASK, text)
    return _SIGNATURE.sub(MASK, text)


def redact_value(value: Any, secrets: Iterable[str] = (), *, depth: int = 0) -> Any:
    """Redact every text within decoded JSON."""
    if isinstance(value, str):
        return redact(value, secrets)
    if depth >= _DEPTH:
        return MASK
    if is_object(value):
        return {
            redact_value(name, secrets, depth=depth + 1): redact_value(item, secrets, depth=depth + 1)
            for name, item in value.items()
        }
    if is_array(value):
        return [redact_value(item, secrets, depth=depth + 1) for item in value]
    return value
