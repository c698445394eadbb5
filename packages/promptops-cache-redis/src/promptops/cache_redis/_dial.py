"""Connections of redis-py on which everything together ends at one deadline, the look-up of the name included."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import threading
import time
from collections.abc import Generator
from typing import Any, Final, TypeAlias, cast

from redis.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection

__all__ = ["CONNECTIONS", "deadline"]

_Found: TypeAlias = tuple[int, int, int, str, Any]


class _Limit(threading.local):
    """Until when the operation of this thread may take; without one, for ever."""

    until: float = float("inf")

    def left(self) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time for this operation is over")
        return left


_limit: Final = _Limit()


@contextlib.contextmanager
def deadline(seconds: float) -> Generator[None]:
    """A scope in which everything that this thread does on connections of this module may take so long together."""
    before = _limit.until
    _limit.until = min(before, time.monotonic() + seconds)
    try:
        yield
    finally:
        _limit.until = before


class _Timed:
    """A socket whose reads and writes end at the deadline of the thread; it has what redis-py uses of one."""

    __slots__ = ("_own", "_sock")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._own = sock.gettimeout()

    def settimeout(self, seconds: float | None) -> None:
        self._own = seconds

    def recv(self, size: int) -> bytes:
        self._arm()
        return self._sock.recv(size)

    def recv_into(self, buffer: bytearray | memoryview, size: int = 0) -> int:
        self._arm()
        return self._sock.recv_into(buffer, size)

    def sendall(self, data: bytes) -> None:
        self._arm()
        self._sock.sendall(data)

    def shutdown(self, how: int) -> None:
        self._sock.shutdown(how)

    def close(self) -> None:
        self._sock.close()

    def fileno(self) -> int:
        return self._sock.fileno()

    def _arm(self) -> None:
        if self._own == 0:  # a look whether something is there
            self._sock.settimeout(0)
            return
        left = _limit.left()
        if self._own is not None:
            left = min(left, self._own)
        self._sock.settimeout(None if left == float("inf") else left)


class _TcpBase(Connection):
    def _connect(self) -> Any:
        patience = min(_limit.left(), cast("float", self.socket_connect_timeout))
        until = time.monotonic() + patience
        failure: OSError | None = None
        for family, kind, protocol, _, address in _resolve(str(self.host), int(self.port), patience):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError("the time for connecting is over")
                sock.settimeout(left)
                sock.connect(address)
                return sock
            except OSError as error:
                sock.close()
                failure = error
            except BaseException:
                sock.close()
                raise
        raise failure if failure is not None else OSError("the name has no address")


class _Tcp(_TcpBase):
    def _connect(self) -> Any:
        return _timed(self, super()._connect())


class _Tls(SSLConnection, _TcpBase):
    def _connect(self) -> Any:
        return _timed(self, super()._connect())  # type: ignore[no-untyped-call]  # redis-py's


class _Unix(UnixDomainSocketConnection):
    def _connect(self) -> Any:
        return _timed(self, super()._connect())  # type: ignore[no-untyped-call]  # redis-py's


CONNECTIONS: Final[dict[str, type[AbstractConnection]]] = {"redis": _Tcp, "rediss": _Tls, "unix": _Unix}


def _timed(connection: AbstractConnection, sock: socket.socket) -> _Timed:
    timed = _Timed(sock)
    timed.settimeout(connection.socket_timeout)
    return timed


class _Lookup:
    """A look-up of a name, which nothing can interrupt, on a thread that nobody has to wait for."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.found: list[_Found] = []
        self.error: OSError | None = None


_lookups: Final[dict[tuple[int, str, int], _Lookup]] = {}


def _resolve(host: str, port: int, patience: float) -> list[_Found]:
    if _is_literal(host):
        return cast("list[_Found]", socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    # At most one look-up for each name hangs, however often it is asked for; a forked child has its own.
    key = (os.getpid(), host, port)
    lookup = _lookups.get(key)
    if lookup is None:
        lookup = _lookups[key] = _Lookup()
        threading.Thread(target=_look_up, args=(key, lookup), name="promptops-redis-name", daemon=True).start()
    if not lookup.done.wait(patience):
        raise TimeoutError("the look-up of the host name did not end in time")
    if lookup.error is not None:
        raise OSError(str(lookup.error)) from lookup.error
    return lookup.found


def _look_up(key: tuple[int, str, int], lookup: _Lookup) -> None:
    try:
        lookup.found = cast("list[_Found]", socket.getaddrinfo(key[1], key[2], type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        lookup.error = error if isinstance(error, OSError) else OSError(str(error))
    finally:
        _lookups.pop(key, None)
        lookup.done.set()


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
