"""Values that stay until room is needed."""

from __future__ import annotations

import threading
from typing import Any

from promptops.cache._shelf import Entry, Shelf


def entry(value: str = "x", *, size: int = 1, until: float = float("inf")) -> Entry[str]:
    return Entry(value, size=size, confirmed=0.0, fresh_until=until)


def test_stale_entry_stays_but_is_not_peeked(clock: Any) -> None:
    shelf: Shelf[str, str] = Shelf(clock=clock)
    shelf.put("a", entry(until=clock() + 10.0))
    assert shelf.peek("a") == "x"
    clock.advance(10.0)
    assert shelf.peek("a") is None
    assert shelf.find("a") is not None
    assert (shelf.stats().hits, shelf.stats().misses) == (1, 1)


def test_entry_that_was_read_outlives_one_that_was_not() -> None:
    shelf: Shelf[int, str] = Shelf(max_size=3)
    for number in range(3):
        shelf.put(number, entry())
    shelf.peek(0)
    shelf.put(3, entry())
    assert sorted(shelf.entries) == [0, 2, 3]
    for number in (4, 5, 6):
        shelf.put(number, entry())
    assert sorted(shelf.entries) == [4, 5, 6]  # it was not read again
    assert shelf.stats().evictions == 4


def test_bytes_are_bounded_and_a_giant_is_not_kept() -> None:
    shelf: Shelf[int, str] = Shelf(max_bytes=100)
    for number in range(10):
        shelf.put(number, entry(size=30))
    assert (len(shelf), shelf.stats().memory_usage) == (3, 90)
    shelf.put(0, entry(size=101))
    assert shelf.find(0) is None


def test_hits_survive_the_entries_that_were_hit() -> None:
    shelf: Shelf[int, str] = Shelf()
    shelf.put(1, entry())
    for _ in range(5):
        shelf.peek(1)
    shelf.put(1, entry())
    shelf.peek(1)
    shelf.clear()
    assert shelf.stats().hits == 6
    assert shelf.stats().memory_usage == 0


def test_size_of_zero_keeps_nothing() -> None:
    shelf: Shelf[int, str] = Shelf(max_size=0)
    shelf.put(1, entry())
    assert len(shelf) == 0


def test_smaller_limits_make_room() -> None:
    shelf: Shelf[int, str] = Shelf()
    for number in range(10):
        shelf.put(number, entry(size=10))
    shelf.resize(max_size=4, max_bytes=1000)
    assert len(shelf) == 4
    shelf.resize(max_size=4, max_bytes=20)
    assert (len(shelf), shelf.stats().memory_usage) == (2, 20)


def test_readers_and_writers_do_not_disturb_each_other() -> None:
    shelf: Shelf[int, str] = Shelf(max_size=50)
    failures: list[Exception] = []

    def work(seed: int) -> None:
        try:
            for number in range(3000):
                shelf.put((number * seed) % 100, entry(size=2))
                shelf.peek(number % 100)
                if number % 500 == 0:
                    shelf.discard_where(lambda key, _: key % 7 == 0)
        except (KeyError, RuntimeError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (3, 7, 11, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(shelf) <= 50
    assert shelf.stats().memory_usage == 2 * len(shelf)
