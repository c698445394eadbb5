"""Names are looked up without outliving the deadline, the threads are few, and contexts are made once."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest
from promptops.core._transport import SyncTransport, _dns, _threads, _tls
from promptops.core.testing.faults import FaultProxy, Refuse
from promptops.core.transport import Attempt, ConnectFailed, DeadlineExceeded, Transport

Make = Callable[..., Attempt]
Soon = Callable[[Callable[[], bool]], bool]


@pytest.mark.parametrize(
    ("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6), ("fe80::1", socket.AF_INET6)]
)
def test_literal_address_needs_no_lookup(host: str, family: int) -> None:
    found = _dns.literal(host, 80)
    assert found is not None
    assert [(address.family, address.sockaddr[:2]) for address in found] == [(family, (host, 80))]


@pytest.mark.parametrize("host", ["localhost", "example.com", "127.1", "1.2.3.4.5", ""])
def test_name_is_not_a_literal_address(host: str) -> None:
    assert _dns.literal(host, 80) is None


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 300, "bad\x00name"])
def test_unknown_name_is_an_os_error(host: str) -> None:
    with pytest.raises((OSError, ValueError)):
        _dns.look_up(host, 80)


def test_localhost_has_addresses() -> None:
    assert any(address.sockaddr[0] == "127.0.0.1" for address in _dns.look_up("localhost", 80))


def test_silent_address_leaves_time_for_the_next() -> None:
    assert [_dns.share_of_time(3.0, left) for left in (3, 2, 1)] == [1.0, 1.5, 3.0]


def _fail() -> None:
    raise ValueError("not a number")


def test_call_is_not_waited_for_beyond_its_limit() -> None:
    release = threading.Event()
    began = time.monotonic()
    assert _threads.run_within(lambda: release.wait(20.0), 0.1) is None
    assert time.monotonic() - began < 10.0
    release.set()
    assert _threads.run_within(lambda: "done", 20.0) == "done"
    with pytest.raises(ValueError, match="not a number"):
        _threads.run_within(_fail, 20.0)


def test_threads_are_few_and_leave(soon: Soon) -> None:
    release = threading.Event()
    running: list[int] = []

    def work() -> None:
        running.append(1)
        release.wait(30.0)

    def ours() -> int:
        return sum(thread.name == "promptops-lookup" for thread in threading.enumerate())

    done = threading.Semaphore(0)
    jobs = [_threads.start(work, done.release) for _ in range(30)]
    assert soon(lambda: (ours(), len(running)) == (8, 8))
    for job in jobs[8:20]:
        job.abandoned = True
    release.set()
    for _ in range(18):
        assert done.acquire(timeout=20.0)
    assert soon(lambda: ours() == 0)
    assert len(running) == 18


def test_hanging_name_server_does_not_outlive_the_deadline(
    flavour: Any, attempt: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    def hang(host: str, port: int) -> list[_dns.Address]:
        release.wait(30.0)
        return []

    monkeypatch.setattr(_dns, "look_up", hang)

    async def scenario(transport: Transport) -> None:
        for limits, error in (({"deadline": 0.2}, DeadlineExceeded), ({"connect": 0.2}, ConnectFailed)):
            began = time.monotonic()
            with pytest.raises(error):
                await transport.send(attempt(**limits))
            assert time.monotonic() - began < 4.0

    flavour.run("http://some-name.example:80", scenario)
    release.set()


def test_next_address_is_tried(flavour: Any, attempt: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(transport: Transport) -> int:
        return (await transport.send(attempt())).status

    with FaultProxy() as server, FaultProxy(mode=Refuse()) as refusing:
        addresses = [_dns.Address(int(socket.AF_INET), ("127.0.0.1", port)) for port in (refusing.port, server.port)]

        def both(host: str, port: int) -> list[_dns.Address]:
            return addresses

        monkeypatch.setattr(_dns, "look_up", both)
        assert flavour.run("http://some-name.example:80", scenario) == 200


def test_interpreter_that_starts_no_threads_any_more_still_finds_names(
    attempt: Make, drive: Callable[[Coroutine[Any, Any, Any]], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    with FaultProxy() as server:
        transport = SyncTransport(f"http://localhost:{server.port}")
        monkeypatch.setattr(threading.Thread, "start", refuse)
        assert drive(transport.send(attempt())).status == 200
        monkeypatch.undo()
        drive(transport.aclose())


def test_lookup_does_not_stall_the_loop(attempt: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from promptops.core._transport import AsyncTransport

    ticked = threading.Event()

    def slow(*_: object) -> list[_dns.Address]:
        ticked.wait(3.0)  # less than the call may take
        return []

    monkeypatch.setattr(_dns, "look_up", slow)

    async def main() -> int:
        ticks = 0
        transport = AsyncTransport("http://some-name.example:80")

        async def lookup() -> None:
            with pytest.raises(ConnectFailed):
                await transport.send(attempt())
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(lookup)
            while True:
                await anyio.sleep(0.01)
                ticks += 1
                if ticks > 10:
                    ticked.set()
        return ticks

    assert anyio.run(main) > 10


def test_tls_context_is_made_once_and_only_for_tls(
    attempt: Make, drive: Callable[[Coroutine[Any, Any, Any]], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    make = _tls._make  # pyright: ignore[reportPrivateUsage] - counted here

    def counted() -> Any:
        time.sleep(1.1)
        made.append(1)
        return make()

    monkeypatch.setattr(_tls, "_make", counted)
    monkeypatch.setattr("promptops.core._transport._tls._Shared.context", None)
    with FaultProxy() as server:
        plain = SyncTransport(server.url)
        drive(plain.send(attempt()))
        drive(plain.aclose())
        assert made == []
        for _ in range(2):
            transport = SyncTransport(f"https://127.0.0.1:{server.port}")
            # Making it takes longer than the deadline, which does not count it.
            with pytest.raises(ConnectFailed, match="TLS"):
                drive(transport.send(attempt(deadline=1.0)))
            drive(transport.aclose())
    assert made == [1]


def test_importing_the_package_imports_no_loop_and_no_client() -> None:
    program = (
        "import sys; before = set(sys.modules); import promptops.core._transport\n"
        "new = set(sys.modules) - before\n"
        "assert not new & {'asyncio', 'ssl', 'anyio', 'httpx', 'h11', 'trio'}, new\n"
        "from promptops.core._transport import SyncTransport\n"
        "SyncTransport('http://127.0.0.1:1')\n"
        "new = set(sys.modules) - before\n"
        "assert not new & {'asyncio', 'ssl', 'anyio', 'httpx', 'h11', 'trio'}, new\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=200)
