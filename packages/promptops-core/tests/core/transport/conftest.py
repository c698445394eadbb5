"""What the tests of the transports share: attempts, flavours of transport, certificates."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import anyio
import httpx
import pytest
import trustme
from promptops.core._transport import AsyncHttpxTransport, AsyncTransport, HttpxTransport, SyncTransport
from promptops.core.messages import Timeouts
from promptops.core.transport import Attempt, Transport

T = TypeVar("T")


def _attempt(
    target: str = "/x",
    *,
    method: str = "GET",
    headers: tuple[tuple[str, str], ...] = (("accept", "application/json"),),
    body: bytes = b"",
    deadline: float = 5.0,
    connect: float = 5.0,
    pool: float = 5.0,
    write: float = 5.0,
    read: float = 5.0,
    retry_stale: bool = True,
) -> Attempt:
    return Attempt(
        method=method,
        target=target,
        headers=headers,
        body=body,
        timeouts=Timeouts(connect=connect, pool=pool, write=write, read=read),
        deadline=time.monotonic() + deadline,
        retry_stale=retry_stale,
    )


@pytest.fixture
def attempt() -> Callable[..., Attempt]:
    """Make an attempt; limits are seconds from now."""
    return _attempt


def _drive(work: Coroutine[Any, Any, T]) -> T:
    try:
        work.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    work.close()
    raise AssertionError("a blocking transport suspended")


class Flavour:
    """One kind of transport, and how to run a scenario that awaits nothing but it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ours = "httpx" not in name

    def make(self, origin: str, **options: Any) -> Any:
        """A transport for one origin."""
        if self.name == "sync":
            return SyncTransport(origin, **options)
        if self.ours:
            return AsyncTransport(origin, **options)
        verify = options.pop("ssl_context", True)
        limits = httpx.Limits(max_connections=options.pop("max_connections", 20))
        if self.name == "httpx":
            return HttpxTransport(httpx.Client(verify=verify, limits=limits), origin, owned=True, **options)
        return AsyncHttpxTransport(httpx.AsyncClient(verify=verify, limits=limits), origin, owned=True, **options)

    def run(self, origin: str, scenario: Callable[[Any], Awaitable[T]], **options: Any) -> T:
        """Make a transport, run the scenario with it, close it."""

        async def main() -> T:
            transport: Transport = self.make(origin, **options)
            try:
                return await scenario(transport)
            finally:
                await transport.aclose()

        try:
            if self.name in {"sync", "httpx"}:
                return _drive(main())
            return anyio.run(main, backend="trio" if self.name == "trio" else "asyncio")
        finally:
            if not self.ours:
                gc.collect()


@pytest.fixture(params=["sync", "asyncio", "trio"])
def flavour(request: pytest.FixtureRequest) -> Flavour:
    """Each kind of transport of ours."""
    return Flavour(request.param)


# httpx leaves sockets of failed handshakes to the garbage collector.
_LEAKY = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(
    params=[
        "sync",
        "asyncio",
        "trio",
        pytest.param("httpx", marks=_LEAKY),
        pytest.param("httpx-asyncio", marks=_LEAKY),
    ]
)
def any_flavour(request: pytest.FixtureRequest) -> Flavour:
    """Each kind of transport, those over httpx included."""
    return Flavour(request.param)


@pytest.fixture
def drive() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine that must not suspend."""
    return _drive


def _soon(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.005)
    return condition()


@pytest.fixture
def soon() -> Callable[[Callable[[], bool]], bool]:
    """Whether something becomes true within twenty seconds; it is looked at often, so that this rarely takes long."""
    return _soon


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority of this run."""
    return trustme.CA()


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """A context for servers at 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # trustme also takes contexts of pyOpenSSL, which has no types here.
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    return context


@pytest.fixture(scope="session")
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    """A context that trusts those servers."""
    context = ssl.create_default_context()
    authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType] - as above
    return context


@pytest.fixture
def quiet_loop() -> Callable[[], contextlib.AbstractContextManager[list[dict[str, Any]]]]:
    """Collect what a running asyncio loop complains about ("exception was never retrieved")."""

    @contextlib.contextmanager
    def collect() -> Any:
        complaints: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        yield complaints
        loop.set_exception_handler(None)

    return collect
