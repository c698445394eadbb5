"""Ten ways to lose a server, each behind the same three calls, for tests that must hold whatever the failure is like.

::

    @pytest.mark.parametrize("shape", SHAPES)
    def test_prompts_survive(shape: str) -> None:
        with Outage(shape, "http://127.0.0.1:8000") as outage:
            client = SyncPromptOpsClient(base_url=outage.url, verify=outage.verify, api_key="any")
            ...                 # healthy
            outage.begin()
            ...                 # lost
            outage.end()        # healthy again

``expired certificate`` needs the package trustme.
"""

from __future__ import annotations

import datetime
import socket
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from promptops.core.testing._fault_modes import (
    BlackHole,
    Canned,
    Drip,
    Html,
    Mode,
    Pass,
    Refuse,
    Reset,
    TruncatedJson,
    WrongLength,
)
from promptops.core.testing.faults import FaultProxy

if TYPE_CHECKING:
    import ssl

__all__ = ["SHAPES", "Outage"]

_MODES: Final[dict[str, Mode]] = {
    "refused": Refuse(),
    "reset": Reset(),
    "black hole": BlackHole(),
    "503": Canned(503),
    "HTML": Html(),
    "truncated JSON": TruncatedJson(),
    "wrong length": WrongLength(by=100),
    "drip": Drip(bytes_per_second=1.0),
}
_UNKNOWN_HOST: Final = "unknown host"
_EXPIRED: Final = "expired certificate"

SHAPES: Final = (*_MODES, _UNKNOWN_HOST, _EXPIRED)
"""The names of all of them."""


class Outage:
    """A server that is healthy until :meth:`begin`, and from :meth:`end` on.

    Args:
        shape: What its clients meet meanwhile, of :data:`SHAPES`.
        upstream: ``http://host:port`` of the healthy server.

    Attributes:
        url: The origin to give to clients. It is a name under ``.invalid`` for ``unknown host``, which clients only
            call with a key; in this process it leads to the server while that is healthy.
        verify: What clients must trust; None where there is no TLS.
        proxy: What stands in front of the server; it counts the requests.
    """

    def __init__(self, shape: str, upstream: str) -> None:
        if shape not in SHAPES:
            raise ValueError(f"shape: {shape!r} is unknown; use one of {', '.join(SHAPES)}")
        self.shape = shape
        self.verify: ssl.SSLContext | None = None
        self._valid: ssl.SSLContext | None = None
        self._expired: ssl.SSLContext | None = None
        if shape == _EXPIRED:
            self._valid, self._expired, self.verify = _certificates()
        self.proxy = FaultProxy(upstream, tls=self._valid, rename=shape == _UNKNOWN_HOST)
        self._name = _Name(f"promptops-{id(self):x}.invalid") if shape == _UNKNOWN_HOST else None

    @property
    def url(self) -> str:
        """The origin to give to clients."""
        return self.proxy.url if self._name is None else f"http://{self._name.host}:{self.proxy.port}"

    def begin(self) -> None:
        """Lose it: what is open is of no use either."""
        if self._name is not None:
            self._name.known = False
        elif self._expired is not None:
            self.proxy.set_tls(self._expired)
        else:
            self.proxy.set(_MODES[self.shape])
        if self.shape in {_UNKNOWN_HOST, _EXPIRED}:
            self.proxy.drop_connections()

    def end(self) -> None:
        """Have it back."""
        if self._name is not None:
            self._name.known = True
        elif self._valid is not None:
            self.proxy.set_tls(self._valid)
        else:
            self.proxy.set(Pass())
            self.proxy.drop_connections()  # an answer that is still dripping would never end

    def __enter__(self) -> Self:
        self.proxy.__enter__()
        if self._name is not None:
            self._name.publish()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._name is not None:
            self._name.withdraw()
        self.proxy.__exit__(kind, error, traceback)


class _Name:
    """A host name that no resolver knows, and that this process finds at 127.0.0.1 while :attr:`known` is set."""

    _lock: Final = threading.Lock()

    def __init__(self, host: str) -> None:
        self.host = host
        self.known = True
        self._resolve = socket.getaddrinfo

    def publish(self) -> None:
        """Let look-ups of this process find it."""
        with self._lock:
            self._resolve = resolve = socket.getaddrinfo

            def found(host: Any, *rest: Any, **options: Any) -> Any:
                return resolve("127.0.0.1" if host == self.host and self.known else host, *rest, **options)

            socket.getaddrinfo = found

    def withdraw(self) -> None:
        """Ask the resolver alone again; names must be withdrawn in the opposite order of their publication."""
        with self._lock:
            socket.getaddrinfo = self._resolve


def _certificates() -> tuple[ssl.SSLContext, ssl.SSLContext, ssl.SSLContext]:
    """A valid server, one whose certificate ended yesterday, and a client that trusts the authority of both."""
    import ssl

    import trustme

    authority = trustme.CA()
    now = datetime.datetime.now(datetime.UTC)
    servers: list[ssl.SSLContext] = []
    for end in (now + datetime.timedelta(days=1), now - datetime.timedelta(days=1)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued = authority.issue_cert("127.0.0.1", not_before=now - datetime.timedelta(days=2), not_after=end)
        issued.configure_cert(context)  # pyright: ignore[reportUnknownMemberType]  # it names pyOpenSSL, which has no types
        servers.append(context)
    client = ssl.create_default_context()
    authority.configure_trust(client)  # pyright: ignore[reportUnknownMemberType]  # as above
    return servers[0], servers[1], client
