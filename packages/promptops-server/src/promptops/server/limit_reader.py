"""What the usage routes need to know of the rate limiter, and what they say where nothing is limited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from promptops.server import wire
from promptops.server.grants import Grant

__all__ = ["LimitReader", "Unlimited"]


class LimitReader(Protocol):
    """Tells how much of its quotas a key has left, without using any of it."""

    def windows(self, grant: Grant) -> Mapping[str, wire.UsageWindow]:
        """The windows ``minute``, ``hour`` and ``day`` of the key; empty when it has no limits."""
        ...


class Unlimited:
    """A :class:`LimitReader` of a server without limits."""

    def windows(self, grant: Grant) -> Mapping[str, wire.UsageWindow]:  # noqa: ARG002 - the protocol's
        """No window."""
        return {}
