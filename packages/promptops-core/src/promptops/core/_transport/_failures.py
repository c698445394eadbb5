"""What can go wrong on a connection, as the errors of the port."""

from __future__ import annotations

from promptops.core.transport import ConnectFailed, DeadlineExceeded, ExchangeFailed, PoolTimeout

__all__ = [
    "Gone",
    "ProtocolError",
    "closed_transport",
    "connect_failed",
    "connect_timed_out",
    "deadline_passed",
    "exchange_failed",
    "pool_timed_out",
    "read_timed_out",
    "tls_failed",
    "write_timed_out",
]


class Gone(Exception):  # noqa: N818 - a fact about a connection, which may be replaced
    """The peer closed the connection before it answered a single byte."""


class ProtocolError(Exception):
    """The peer does not speak HTTP/1.1, ended its answer early, or sent too much."""


def closed_transport() -> Exception:
    """The caller closed the client and then used it."""
    from promptops.core.errors import ConfigurationError

    return ConfigurationError("This client is closed; make a new one.", error_code="CLIENT_CLOSED")


def deadline_passed(*, sent: bool) -> DeadlineExceeded:
    """The absolute limit of the attempt was reached."""
    return DeadlineExceeded("the deadline of the call passed", sent=sent, timed_out=True)


def pool_timed_out(seconds: float, capacity: int) -> PoolTimeout:
    """All connections stayed busy."""
    return PoolTimeout(
        f"all {capacity} connections stayed busy for {seconds:g} s; raise max_connections or lower the concurrency",
        timed_out=True,
    )


def connect_timed_out(where: str, seconds: float) -> ConnectFailed:
    """No connection within its limit."""
    return ConnectFailed(f"connecting to {where} took longer than {seconds:g} s", timed_out=True)


def connect_failed(where: str, error: Exception) -> ConnectFailed:
    """No connection at all: refused, unreachable, no such name."""
    return ConnectFailed(f"cannot connect to {where}: {error}")


def tls_failed(where: str, error: Exception) -> ConnectFailed:
    """The peer answered, but no encrypted connection came of it."""
    return ConnectFailed(f"no TLS connection to {where}: {error}")


def write_timed_out(seconds: float) -> ExchangeFailed:
    """The peer stopped reading."""
    return ExchangeFailed(f"the peer took no more of the request for {seconds:g} s", sent=True, timed_out=True)


def read_timed_out(seconds: float) -> ExchangeFailed:
    """The peer stopped sending."""
    return ExchangeFailed(f"the peer sent nothing for {seconds:g} s", sent=True, timed_out=True)


def exchange_failed(error: Exception) -> ExchangeFailed:
    """The connection broke, or what came over it was not an answer."""
    return ExchangeFailed(str(error) or type(error).__name__, sent=True)
