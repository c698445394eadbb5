"""The arm of a tagged union for what this version of the client does not know."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Unknown(Struct, frozen=True, kw_only=True):
    """An object from a newer server, of a kind that this version does not know.

    Every generated union has a subclass of it as its last arm, so ``isinstance(part, Unknown)`` is the way to ask.

    Attributes:
        tag: The value that told the kind.
        raw: The whole object, as it came.
    """

    tag: str | int = field(name="__tag__")
    raw: dict[str, Any] = field(name="__raw__")
