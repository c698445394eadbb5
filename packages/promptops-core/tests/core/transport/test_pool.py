"""The free list never loses a slot, never exceeds its capacity, and lets nobody overtake."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from promptops.core._transport._pool import FreeList


class FakeConnection:
    def __init__(self, *, stale: bool = False) -> None:
        self.idle_since = 0.0
        self.stale = stale

    def is_stale(self) -> bool:
        return self.stale

    def abort(self) -> None: ...


class FakeWaiter:
    def __init__(self, *, alive: bool = True) -> None:
        self.granted = False
        self.alive = alive

    def wake(self) -> bool:
        return self.alive


def _full(capacity: int = 1) -> FreeList[FakeConnection]:
    pool = FreeList[FakeConnection](capacity, 15.0)
    for _ in range(capacity):
        assert pool.take_slot()
    return pool


def test_no_more_slots_than_the_capacity() -> None:
    assert not _full(3).take_slot()


def test_freed_slot_goes_to_the_oldest_waiter() -> None:
    pool, first, second = _full(), FakeWaiter(), FakeWaiter()
    pool.wait(first)
    pool.wait(second)
    pool.free_slot()
    assert (first.granted, second.granted, pool.busy) == (True, False, 1)
    assert not pool.take_slot()


def test_dead_waiter_is_passed_over() -> None:
    pool, dead, alive = _full(), FakeWaiter(alive=False), FakeWaiter()
    pool.wait(dead)
    pool.wait(alive)
    pool.free_slot()
    assert (dead.granted, alive.granted) == (False, True)
    pool.leave(dead)
    pool.free_slot()
    assert pool.busy == 0


def test_slot_granted_to_a_waiter_that_gives_up_is_passed_on() -> None:
    pool, first, second = _full(), FakeWaiter(), FakeWaiter()
    pool.wait(first)
    pool.wait(second)
    pool.free_slot()
    pool.leave(first)
    assert second.granted
    pool.leave(second)
    assert (pool.busy, len(pool.waiters)) == (0, 0)


def test_last_used_connection_comes_first() -> None:
    pool = FreeList[FakeConnection](3, 15.0)
    older, newer = FakeConnection(), FakeConnection()
    pool.push_idle(older, 1.0, [])
    pool.push_idle(newer, 2.0, [])
    assert pool.pop_idle(3.0, []) is newer


def test_expired_and_stale_connections_are_not_used() -> None:
    pool = FreeList[FakeConnection](3, 15.0)
    alive, stale, expired = FakeConnection(), FakeConnection(stale=True), FakeConnection()
    pool.push_idle(expired, 1.0, [])
    pool.push_idle(stale, 10.0, [])
    dead: list[FakeConnection] = []
    assert pool.pop_idle(16.0, dead) is None
    assert dead == [stale, expired]
    pool.push_idle(alive, 16.0, [])
    assert pool.pop_idle(30.9, []) is alive


def test_expired_connections_leave_as_others_return() -> None:
    pool = FreeList[FakeConnection](3, 15.0)
    expired, fresh = FakeConnection(), FakeConnection()
    pool.push_idle(expired, 0.0, [])
    dead: list[FakeConnection] = []
    pool.push_idle(fresh, 20.0, dead)
    assert (dead, pool.idle) == ([expired], [fresh])


def test_closed_list_keeps_nothing() -> None:
    pool = FreeList[FakeConnection](3, 15.0)
    pool.closed = True
    connection, dead = FakeConnection(), list[FakeConnection]()
    pool.push_idle(connection, 0.0, dead)
    assert (dead, pool.idle) == ([connection], [])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["take", "free", "leave", "kill"]), st.integers(0, 9)), max_size=80))
def test_any_sequence_keeps_the_books(steps: list[tuple[str, int]]) -> None:
    pool = FreeList[FakeConnection](3, 15.0)
    owned = 0
    waiting: list[FakeWaiter] = []
    for step, index in steps:
        if step == "take":
            if pool.take_slot():
                owned += 1
            else:
                waiter = FakeWaiter()
                pool.wait(waiter)
                waiting.append(waiter)
        elif step == "free" and owned:
            owned -= 1
            pool.free_slot()
        elif step == "leave" and waiting:
            pool.leave(waiting.pop(index % len(waiting)))
        elif step == "kill" and waiting:
            waiting[index % len(waiting)].alive = False
        for waiter in list(waiting):
            if waiter.granted and waiter.alive:
                waiting.remove(waiter)
                owned += 1
        granted_to_dead = sum(waiter.granted for waiter in waiting)
        assert pool.busy == owned + granted_to_dead <= 3
        assert not (pool.busy < 3 and any(w.alive and not w.granted for w in waiting))
    for waiter in waiting:
        pool.leave(waiter)
    for _ in range(owned):
        pool.free_slot()
    assert (pool.busy, len(pool.waiters)) == (0, 0)
