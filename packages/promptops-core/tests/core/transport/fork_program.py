"""Run by the fork tests in a process of its own: use a client, fork, use it in all processes, count what is wrong.

Arguments: the origin, how (``sync``, ``tls``, ``async``, ``no-hook``, ``unprotected``), and calls of each child.
Prints the number of wrong or failed calls of the children, and whether the parent still worked.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import time
import types
from collections.abc import Callable
from typing import Any

from promptops.core._transport import AsyncTransport, SyncTransport, _fork
from promptops.core.messages import Timeouts
from promptops.core.transport import Attempt

URL, HOW, CALLS = sys.argv[1], sys.argv[2], int(sys.argv[3])
CHILDREN = 4
LIMITS = Timeouts(connect=10, pool=10, write=10, read=10)


def attempt(target: str) -> Attempt:
    return Attempt(
        method="GET",
        target=target,
        headers=(),
        body=b"",
        timeouts=LIMITS,
        deadline=time.monotonic() + 10.0,
        retry_stale=True,
    )


def drive(work: Any) -> Any:
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("suspended")


def wrong(body: bytes, target: str) -> bool:
    return bool(json.loads(body)["target"] != target)


def count_wrong(get: Callable[[str], bytes], who: str) -> int:
    bad = 0
    for number in range(CALLS):
        target = f"/{who}/{number}"
        try:
            bad += wrong(get(target), target)
        except Exception:  # noqa: BLE001 - whatever it is, it counts
            bad += 1
    return bad


def blocking() -> Callable[[str], bytes]:
    context: ssl.SSLContext | None = None
    if HOW == "tls":
        context = ssl.create_default_context(cafile=os.environ["CA_FILE"])
    transport = SyncTransport(URL, ssl_context=context)
    if HOW in {"no-hook", "unprotected"}:
        _fork._transports.discard(transport)  # pyright: ignore[reportPrivateUsage] - the hook is what is disabled
    if HOW == "unprotected":
        from promptops.core._transport import _sync

        pid = os.getpid()
        # The check of the process id sees no fork.
        setattr(_sync, "os", types.SimpleNamespace(getpid=lambda: pid))  # noqa: B010 - it is not exported
    return lambda target: bytes(drive(transport.send(attempt(target))).body)


def children(work: Callable[[int], int]) -> list[int]:
    """Fork; each child ends with what ``work`` returns."""
    pids: list[int] = []
    for number in range(CHILDREN):
        pid = os.fork()
        if pid == 0:
            try:
                os._exit(min(work(number), 100))
            except BaseException:  # noqa: BLE001 - a child never returns
                os._exit(101)
        pids.append(pid)
    return pids


def reap(pids: list[int]) -> int:
    return sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids)


def main_blocking() -> tuple[int, int]:
    get = blocking()
    get("/before")
    pids = children(lambda number: count_wrong(get, f"child{number}"))
    parent = count_wrong(get, "parent") if HOW != "unprotected" else 0
    bad = reap(pids)
    return bad, parent + count_wrong(get, "after")


async def main_async() -> tuple[int, int]:
    transport = AsyncTransport(URL)

    async def count(who: str) -> int:
        bad = 0
        for number in range(CALLS):
            target = f"/{who}/{number}"
            try:
                bad += wrong((await transport.send(attempt(target))).body, target)
            except Exception:  # noqa: BLE001 - whatever it is, it counts
                bad += 1
        return bad

    await transport.send(attempt("/before"))
    pids = children(lambda number: asyncio.run(count(f"child{number}")))
    parent = await count("parent")
    bad = await asyncio.to_thread(reap, pids)
    return bad, parent + await count("after")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main_async()) if HOW == "async" else main_blocking()))
