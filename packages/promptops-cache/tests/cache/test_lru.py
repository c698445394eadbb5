"""The bounded mapping, against a model that is too simple to be wrong, and under threads and forks."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from promptops.cache import Lru

MAX_SIZE = 4
MAX_BYTES = 10


class Model:
    """A list, oldest use first, searched from one end to the other."""

    def __init__(self) -> None:
        self.items: list[tuple[str, int, int, float | None]] = []
        self.evictions = 0

    def put(self, key: str, value: int, size: int, expires: float | None, keep: bool) -> None:
        self.items = [item for item in self.items if item[0] != key]
        if not keep:
            return
        self.items.append((key, value, size, expires))
        while len(self.items) > MAX_SIZE or sum(item[2] for item in self.items) > MAX_BYTES:
            self.items.pop(0)
            self.evictions += 1

    def get(self, key: str, now: float) -> int | None:
        for item in self.items:
            if item[0] == key:
                self.items.remove(item)
                if item[3] is not None and now >= item[3]:
                    return None
                self.items.append(item)
                return item[1]
        return None

    def discard(self, key: str) -> None:
        self.items = [item for item in self.items if item[0] != key]


keys = st.sampled_from("abcdef")
steps = st.one_of(
    st.tuples(st.just("put"), keys, st.integers(0, 12), st.sampled_from([None, 0.0, 1.0, 5.0])),
    st.tuples(st.just("get"), keys),
    st.tuples(st.just("discard"), keys),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 1.0, 4.0])),
)


@given(st.lists(steps, max_size=60))
@settings(max_examples=200, deadline=None)
def test_it_does_what_a_simple_model_does(script: list[Any]) -> None:
    now = [0.0]
    lru: Lru[str, int] = Lru(max_size=MAX_SIZE, max_bytes=MAX_BYTES, clock=lambda: now[0])
    model = Model()
    for number, step in enumerate(script):
        if step[0] == "put":
            _, key, size, ttl = step
            lru.put(key, number, size=size, ttl=ttl)
            keep = size <= MAX_BYTES and (ttl is None or ttl > 0)
            model.put(key, number, size, None if ttl is None else now[0] + ttl, keep)
        elif step[0] == "get":
            assert lru.peek(step[1]) == model.get(step[1], now[0])
        elif step[0] == "discard":
            lru.discard(step[1])
            model.discard(step[1])
        else:
            now[0] += step[1]
        stats = lru.stats()
        assert stats.size == len(model.items)
        assert stats.memory_usage == sum(item[2] for item in model.items)
        assert stats.evictions == model.evictions


def test_an_expired_value_gives_its_bytes_back(clock: Any) -> None:
    lru: Lru[str, int] = Lru(clock=clock)
    lru.put("key", 1, size=100, ttl=60.0)
    clock.advance(59.999)
    assert lru.peek("key") == 1
    clock.advance(0.001)
    assert lru.peek("key") is None
    assert lru.stats().memory_usage == 0


def test_conditions_select_and_discard(clock: Any) -> None:
    lru: Lru[tuple[str, int], int] = Lru(clock=clock)
    for number in range(4):
        lru.put(("a" if number % 2 else "b", number), number, size=1)
    assert lru.select(lambda key, _: key[0] == "a") == [(("a", 1), 1), (("a", 3), 3)]
    lru.discard_where(lambda _, value: value > 1)
    assert len(lru) == 2
    lru.clear()
    assert len(lru) == 0
    assert lru.stats().memory_usage == 0


def test_threads_leave_the_sums_right() -> None:
    lru: Lru[int, int] = Lru(max_size=50, max_bytes=400)
    failures: list[BaseException] = []
    interval = sys.getswitchinterval()

    def work(seed: int) -> None:
        try:
            for step in range(3000):
                key = (seed * 31 + step * 7) % 90
                if step % 3 == 0:
                    lru.put(key, key, size=key % 13, ttl=None if step % 5 else 0.001)
                elif step % 17 == 0:
                    lru.discard(key)
                else:
                    assert lru.peek(key) in {None, key}
        except BaseException as error:  # noqa: BLE001 - reported by the test below
            failures.append(error)

    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not failures
    stats = lru.stats()
    left = [size for _, size in lru.select(lambda _key, _value: True)]
    assert stats.size == len(left) <= 50
    assert stats.memory_usage == sum(key % 13 for key in left) <= 400


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_forked_while_another_thread_writes_can_still_write() -> None:
    lru: Lru[str, int] = Lru()
    lru.put("kept", 1, size=3)
    writing, release = threading.Event(), threading.Event()

    def hold_the_lock(_key: str, _value: int) -> bool:
        writing.set()
        release.wait(60)
        return False

    writer = threading.Thread(target=lru.discard_where, args=(hold_the_lock,))
    writer.start()
    assert writing.wait(60)
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # a child that waits for the lost lock ends here, and not with 0
        lru.put("new", 2, size=4)
        os._exit(0 if lru.peek("kept") == 1 and lru.stats().memory_usage == 7 else 1)
    release.set()
    writer.join()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
