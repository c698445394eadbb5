"""Finds things by name or id, with the rules of the official SDK."""

from __future__ import annotations

import base64
import binascii
import difflib
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from promptops.core.errors import NotFoundError, ValidationError

__all__ = ["Named", "exactly_one", "looks_like_id", "not_found"]


class Named(Protocol):
    """What has an id and a name."""

    @property
    def id(self) -> str:
        """The id."""
        ...

    @property
    def name(self) -> str:
        """The name."""
        ...


N = TypeVar("N", bound=Named)


def looks_like_id(value: str) -> bool:
    """Whether ``value`` is standard base64 of text with a colon; everything else is a name."""
    try:
        return ":" in base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        return False


def exactly_one(kind: str, name: str, found: Iterable[N], *, hint: str) -> N | None:
    """Return the one thing of that exact name, or None.

    Raises:
        ValidationError: Several have the name; the message lists their ids and gives the ``hint``.
    """
    matches = [item for item in found if item.name == name]
    if len(matches) > 1:
        ids = ", ".join(item.id for item in matches)
        raise ValidationError(f"{len(matches)} {kind}s are named {name!r} ({ids}); {hint}")
    return matches[0] if matches else None


def not_found(kind: str, name: str, others: Sequence[str], *, where: str = "", more: bool = False) -> NotFoundError:
    """Return the error that names what was looked for, and the close names among ``others``.

    Args:
        kind: What was looked for.
        name: By which name.
        others: The names that there are.
        where: The end of ``there is none``: where was looked.
        more: Whether there are more names than those.
    """
    close = difflib.get_close_matches(name, others, n=3, cutoff=0.5)
    if close:
        advice = f"did you mean {' or '.join(repr(other) for other in close)}?"
    elif not others:
        advice = f"there is none{where} yet"
    elif more:
        advice = f"there are more than {len(others)}{where}; none of the first {len(others)} is close"
    else:
        advice = f"there {'are' if len(others) > 1 else 'is'} {len(others)}{where}, none is close"
    return NotFoundError(f"no {kind} is named {name!r}{where}; {advice}", details={"name": name, "suggestions": close})
