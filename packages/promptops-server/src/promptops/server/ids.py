"""Ids of ``/v2``: standard base64 of ``Kind:1:token``.

Other clients of that contract take an id for a name unless it decodes to text with a colon. The text has a length that
is a multiple of three and only letters, digits and colons, so that no ``=``, ``+`` or ``/`` ever appears.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final, Literal

from promptops.server.base62 import token

__all__ = ["Kind", "kind_of", "new_id"]

Kind = Literal["Space", "Dataset", "DatasetVersion", "Example", "Experiment", "Run"]
_LAYOUT: Final = 1
_LEAST_TOKEN: Final = 16


def new_id(kind: Kind) -> str:
    """A new random id (at least 95 bits)."""
    prefix = f"{kind}:{_LAYOUT}:"
    length = _LEAST_TOKEN + -(len(prefix) + _LEAST_TOKEN) % 3
    return base64.b64encode(f"{prefix}{token(length)}".encode("ascii")).decode("ascii")


def kind_of(text: str) -> str | None:
    """The kind that an id names, or None when it is not such an id."""
    try:
        decoded = base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, UnicodeError, ValueError):
        return None
    kind, colon, _ = decoded.partition(":")
    return kind if colon else None
