"""The server's ids: base64 of ``Kind:number``, checked for shape before a request carries one."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import Final

from promptops.core.errors import ValidationError
from promptops.phoenix._checks import shown

__all__ = ["check_id", "global_id", "is_global_id", "number_of"]

_PLAIN: Final = re.compile(r"([A-Za-z][A-Za-z0-9]*):(0|[1-9][0-9]{0,18})")
_LARGEST: Final = 2**63 - 1
"""Databases hold no larger row number; the server fails on one instead of not finding it."""


def is_global_id(value: str, kind: str | None = None) -> bool:
    """Whether a text has the form of an id.

    Args:
        value: For example ``RGF0YXNldDox``.
        kind: What it must be the id of (``Dataset``), or None for anything.
    """
    parts = _parts(value)
    return parts is not None and kind in {None, parts[0]}


def global_id(kind: str, number: int) -> str:
    """The id of a row: ``global_id("Dataset", 1)`` is ``RGF0YXNldDox``."""
    return b64encode(f"{kind}:{number}".encode()).decode()


def number_of(value: str, kind: str) -> int:
    """The row number within an id.

    Raises:
        ValidationError: It is not the id of such a thing.
    """
    found = _parts(check_id("id", value, kind))
    return 0 if found is None else found[1]


def check_id(field: str, value: str, kind: str) -> str:
    """Return the id if it has the form of one of this kind: a malformed one makes the server fail (status 500).

    Raises:
        ValidationError: It has not; the message names the field, the kind that was given and the one wanted.
    """
    parts = _parts(value)
    if parts is not None and parts[0] == kind:
        return value
    if parts is not None:
        reason = f"is an id of the kind {parts[0]}, and one of the kind {kind} is wanted"
    else:
        reason = (
            f"must be an id of the kind {kind}, as the server gives it ({global_id(kind, 1)!r}), not {shown(value)}"
        )
    problem = {"field": field, "message": reason, "code": "malformed_id"}
    raise ValidationError(f"{field} {reason}.", validation_errors=[problem])


def _parts(value: object) -> tuple[str, int] | None:
    if not isinstance(value, str) or not value.isascii() or len(value) > 256:
        return None
    try:
        plain = b64decode(value, validate=True).decode("ascii")
    except ValueError:  # UnicodeDecodeError and binascii.Error are kinds of it
        return None
    found = _PLAIN.fullmatch(plain)
    if found is None or int(found[2]) > _LARGEST or global_id(found[1], int(found[2])) != value:
        return None
    return found[1], int(found[2])
