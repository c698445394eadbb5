"""What was said to have changed: marks that no longer hold, copies that are no longer fresh."""

from __future__ import annotations

from typing import Any

from promptops.cache import _doubts
from promptops.cache.policy import Doubts, Entry, Shelf


def test_a_doubt_concerns_its_subjects_alone(clock: Any) -> None:
    doubts = Doubts(clock=clock)
    before = {name: doubts.count(name) for name in "abc"}
    doubts.cast("a", "b")
    clock.advance(5.0)
    assert [doubts.count(name) != before[name] for name in "abc"] == [True, True, False]
    assert (doubts.since("a"), doubts.since("c")) == (5.0, float("inf"))


def test_a_doubt_of_everything_concerns_everything(clock: Any) -> None:
    doubts = Doubts(clock=clock)
    doubts.cast("a")
    clock.advance(5.0)
    before = doubts.count("a"), doubts.count("new")
    doubts.cast()
    assert (doubts.count("a"), doubts.count("new")) != before
    assert (doubts.since("a"), doubts.since("new")) == (0.0, 0.0)
    clock.advance(1.0)
    doubts.cast("a")
    assert (doubts.since("a"), doubts.since("new")) == (0.0, 1.0)


def test_more_subjects_than_are_remembered_become_everything(clock: Any) -> None:
    doubts = Doubts(clock=clock)
    marks = {number: doubts.count(number) for number in range(3)}
    for number in range(_doubts._MOST + 1):  # pyright: ignore[reportPrivateUsage] - the limit itself
        doubts.cast(number)
    assert all(doubts.count(number) != mark for number, mark in marks.items())
    assert doubts.since("never named") == 0.0


def entry(value: str, clock: Any) -> Entry[str]:
    return Entry(value, size=10, confirmed=clock(), fresh_until=clock() + 60.0)


def test_a_group_shows_what_is_kept_and_nothing_else(clock: Any) -> None:
    shelf: Shelf[tuple[str, str], str] = Shelf(max_size=2, clock=clock, split=lambda key: key if key[1] else None)
    group = shelf.group("p")
    shelf.put(("p", "a"), entry("a", clock))
    shelf.put(("q", "a"), entry("other", clock))
    assert {name: found.value for name, found in group.items()} == {"a": "a"}
    shelf.put(("p", "a"), entry("again", clock))
    assert group["a"].value == "again"
    shelf.put(("p", "b"), entry("b", clock))
    shelf.put(("p", "c"), entry("c", clock))
    assert set(group) == {key[1] for key in shelf.entries if key[0] == "p"}
    shelf.clear()
    assert not group


def test_reads_are_counted_once_however_often_an_entry_is_confirmed(clock: Any) -> None:
    shelf: Shelf[str, str] = Shelf(clock=clock)
    kept = entry("a", clock)
    for _ in range(3):
        shelf.put("a", kept)
        kept.reads += 1
    shelf.put("a", entry("b", clock))
    shelf.discard("a")
    assert shelf.stats().hits == 3
