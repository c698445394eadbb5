"""What a forked child does with the connections it inherited: it leaves them alone.

The descriptors are shared with the parent, TLS included, and an event loop's selector is too. Closing politely,
or unregistering, would be felt by the parent. So the child keeps the inherited objects where nothing touches them.
"""

from __future__ import annotations

import os
import weakref
from typing import Final, Protocol

from promptops.core._transport import _tls

__all__ = ["forget_after_fork", "park"]


class _Forgetful(Protocol):
    def after_fork(self) -> None:
        """Start anew, in the child."""


_transports: weakref.WeakSet[_Forgetful] = weakref.WeakSet()
_parked: Final[list[object]] = []


def park(inherited: object) -> None:
    """Keep an object for the life of the process, so that no finaliser closes what it holds."""
    _parked.append(inherited)


def forget_after_fork(transport: _Forgetful) -> None:
    """Call ``transport.after_fork()`` in every child of this process that runs Python's fork hooks."""
    _transports.add(transport)


def _in_child() -> None:
    _tls.replace_lock()
    for transport in list(_transports):
        transport.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
