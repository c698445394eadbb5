"""Rows that a store yields without a wait do not hold the event loop up."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from promptops.core import AsyncRuntime, RuntimeConfig
from promptops.experiments._reconcile import in_turns


async def _at_hand() -> AsyncIterator[int]:
    for number in range(1000):
        yield number


def _turns_of_others(backend: str, *, considerate: bool) -> int:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await anyio.lowlevel.checkpoint()

    async def main() -> None:
        runtime: Any = AsyncRuntime(RuntimeConfig(base_url="http://127.0.0.1:9"))
        items: AsyncIterable[int] = in_turns(runtime, _at_hand()) if considerate else _at_hand()
        async with anyio.create_task_group() as group:
            group.start_soon(others)
            assert [number async for number in items] == list(range(1000))
            group.cancel_scope.cancel()

    anyio.run(main, backend=backend)
    return turns


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_others_have_the_loop_while_rows_are_read(backend: str) -> None:
    assert _turns_of_others(backend, considerate=True) >= 15
    # The control: nobody else runs at all.
    assert _turns_of_others(backend, considerate=False) <= 1
