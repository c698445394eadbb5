from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from promptops.core import AsyncResource, SuspendedInSync, SyncResource, SyncRuntime, bridge, bridge_iter, forward
from promptops.core.bridge import drive
from promptops.core.config import RuntimeConfig
from promptops.core.testing import FakeTransport, assert_parity


class AsyncThings(AsyncResource):
    """Things."""

    closed = 0

    async def get(self, name: str, *, version: str | None = None) -> str:
        """Return one thing."""
        await self._runtime.sleep(0)
        return f"{self._project}/{name}@{version}"

    async def fail(self) -> None:
        """Fail."""
        raise KeyError("missing")

    async def suspend(self) -> None:
        """Wait for a loop."""
        try:
            await asyncio.sleep(0)
        finally:
            self.closed += 1

    async def iterate(self, count: int) -> AsyncGenerator[int, None]:
        """Yield numbers."""
        try:
            for number in range(count):
                await self._runtime.sleep(0)
                yield number
        finally:
            self.closed += 1

    def numbers(self, count: int) -> AsyncIterator[int]:
        """Yield numbers, from a plain method."""
        return self.iterate(count)

    def peek(self, name: str) -> str:
        """Look without waiting."""
        return name

    def broken(self) -> int:
        """Fail within."""
        return len(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - on purpose

    @property
    def project(self) -> str | None:
        """The project."""
        return self._project


class SyncThings(SyncResource[AsyncThings]):
    """Things, blocking."""

    broken = forward(AsyncThings.broken)

    get = bridge(AsyncThings.get)
    fail = bridge(AsyncThings.fail)
    suspend = bridge(AsyncThings.suspend)
    iterate = bridge_iter(AsyncThings.iterate)
    numbers = bridge_iter(AsyncThings.numbers)
    peek = forward(AsyncThings.peek)

    @property
    def project(self) -> str | None:
        """The project."""
        return self._resource.project


@pytest.fixture
def inner() -> AsyncThings:
    return AsyncThings(SyncRuntime(RuntimeConfig(), transport=FakeTransport()), project="p")


@pytest.fixture
def things(inner: AsyncThings) -> SyncThings:
    return SyncThings(inner)


def test_blocking_call_returns_what_the_coroutine_returns(things: SyncThings) -> None:
    assert things.get("a", version="1") == "p/a@1"
    assert things.peek("b") == "b"


def test_errors_pass_through_unchanged(things: SyncThings) -> None:
    with pytest.raises(KeyError, match="missing"):
        things.fail()


def test_wrong_arguments_fail_at_the_call(things: SyncThings) -> None:
    with pytest.raises(TypeError):
        things.get()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # the point
    with pytest.raises(TypeError):
        things.iterate(1, 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # the point


def test_coroutine_that_suspends_fails_loudly_and_is_closed(things: SyncThings, inner: AsyncThings) -> None:
    with pytest.raises(SuspendedInSync) as caught:
        things.suspend()
    assert inner.closed == 1
    assert "AsyncThings.suspend" in caught.value.message
    assert "async client" in caught.value.message


def test_coroutine_that_resists_closing_still_fails_loudly() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.sleep(0)
        except GeneratorExit:
            await asyncio.sleep(0)

    with pytest.raises(SuspendedInSync):
        drive(stubborn())


def test_blocking_call_works_within_a_running_loop(things: SyncThings) -> None:
    async def main() -> tuple[str, list[int]]:
        return things.get("x"), list(things.iterate(2))

    assert asyncio.run(main()) == ("p/x@None", [0, 1])


def test_iterator_gives_every_item_and_closes(things: SyncThings, inner: AsyncThings) -> None:
    assert list(things.iterate(3)) == [0, 1, 2]
    assert list(things.numbers(0)) == []
    assert inner.closed == 2


def test_iterator_left_early_closes_the_generator_at_once(things: SyncThings, inner: AsyncThings) -> None:
    iterator = things.iterate(10)
    assert next(iterator) == 0
    iterator.close()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # it is a generator
    assert inner.closed == 1

    def first(source: Iterator[int]) -> int:
        return next(source)

    assert first(things.iterate(10)) == 0
    gc.collect()
    assert inner.closed == 2


def test_iterator_never_started_leaves_nothing_behind(things: SyncThings, inner: AsyncThings) -> None:
    iterator = things.iterate(10)
    del iterator
    gc.collect()
    assert inner.closed == 0


def test_error_within_the_loop_closes_the_generator(things: SyncThings, inner: AsyncThings) -> None:
    def use() -> None:
        for number in things.iterate(10):
            _ = 1 // number

    with pytest.raises(ZeroDivisionError):
        use()
    gc.collect()
    assert inner.closed == 1


def test_twins_have_names_signatures_and_docstrings() -> None:
    assert_parity(AsyncThings, SyncThings)
    assert SyncThings.get.__qualname__ == "SyncThings.get"  # pyright: ignore[reportFunctionMemberAccess]
    assert SyncThings.get.__doc__ == "Return one thing."


def test_parity_names_every_difference() -> None:
    class Other(SyncResource[AsyncThings]):
        get = bridge(AsyncThings.fail)
        extra = bridge(AsyncThings.fail)

        async def fail(self) -> None:
            """Fail."""

        def suspend(self, more: Any) -> None:
            """Wait for a loop."""

    with pytest.raises(AssertionError) as caught:
        assert_parity(AsyncThings, Other, only_async=["numbers", "peek", "project"])
    said = str(caught.value)
    for part in ("lacks iterate", "extra has no twin", "get: another", "fail: still", "suspend: another signature"):
        assert part in said
    assert "peek" not in said


class SyncOtherThings(SyncThings):
    """Things of another kind."""

    peek = forward(AsyncThings.peek)


def test_error_of_a_wrong_argument_names_the_method_that_was_called(inner: AsyncThings) -> None:
    things: Any = SyncOtherThings(inner)
    calls: dict[str, Callable[[], Any]] = {
        "SyncThings.get() missing 1 required positional argument: 'name'": lambda: things.get(),
        "SyncThings.get() got an unexpected keyword argument 'other'": lambda: things.get("a", other=1),
        "SyncThings.iterate() missing 1 required positional argument: 'count'": lambda: things.iterate(),
        "SyncOtherThings.peek() missing 1 required positional argument: 'name'": lambda: things.peek(),
        "object of type 'int' has no len()": lambda: things.broken(),
    }
    for message, call in calls.items():
        with pytest.raises(TypeError) as caught:
            call()
        assert str(caught.value) == message
