"""Whether a socket can be read right now, asked without waiting."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable

__all__ = ["readiness"]


def readiness(sock: socket.socket) -> Callable[[], bool]:
    """A cheap question for one open socket: data, the peer's goodbye or an error wait to be read."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLIN)
        ask = poll.poll
        return lambda: bool(ask(0))
    return lambda: bool(select.select([sock], [], [], 0)[0])
