"""The Levenshtein distance, exact and with a bound on its time."""

from __future__ import annotations

from typing import Final

__all__ = ["LONGEST", "distance", "without_shared_ends"]

LONGEST: Final = 10_000
"""Most characters of either text that :func:`distance` is meant for; two of that length take about 40 ms."""


def distance(first: str, second: str) -> int:
    """Return how many characters must be inserted, deleted or replaced to make one text of the other.

    Each column of the table of distances is a pair of whole numbers whose bits say where the distance rises and
    falls, so a column costs a few operations on numbers as long as the shorter text (Myers 1999, Hyyrö 2003).
    """
    first, second = without_shared_ends(first, second)
    if len(first) < len(second):
        first, second = second, first
    if not second:
        return len(first)
    places: dict[str, int] = {}
    for place, character in enumerate(second):
        places[character] = places.get(character, 0) | (1 << place)
    every = (1 << len(second)) - 1
    last = 1 << (len(second) - 1)
    rises, falls, found = every, 0, len(second)
    for character in first:
        equal = places.get(character, 0)
        vertical = equal | falls
        horizontal = (((equal & rises) + rises) ^ rises) | equal
        up = falls | (every & ~(horizontal | rises))
        down = rises & horizontal
        if up & last:
            found += 1
        elif down & last:
            found -= 1
        up = (up << 1) | 1
        down <<= 1
        rises = (down | ~(vertical | up)) & every
        falls = up & vertical & every
    return found


def without_shared_ends(first: str, second: str) -> tuple[str, str]:
    """Return both texts without the beginning and the end that they share."""
    if first == second:
        return "", ""
    shortest = min(len(first), len(second))
    start = _shared(first, second, shortest)
    end = _shared(
        first[: start - 1 if start else None : -1], second[: start - 1 if start else None : -1], shortest - start
    )
    return first[start : len(first) - end], second[start : len(second) - end]


def _shared(first: str, second: str, most: int) -> int:
    """Return how many characters the beginnings share, found by halving: comparing slices is quick."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
