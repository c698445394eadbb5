"""The permutation test of a paired difference: each cluster of differences could have had the other sign."""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, fsum, gcd, sqrt
from operator import getitem
from typing import Final, NamedTuple

__all__ = ["SignFlip", "sign_flip"]

_UNITS: Final = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 50, 60, 64, 100, 120, 1000)
_MOST_EXACT: Final = 16
_LARGEST_COUNT: Final = 4_000_000  # bytes of the number that counts
_MOST_WORK: Final = 500_000_000  # bytes moved in all
_MOST_DRAWN: Final = 20_000


class SignFlip(NamedTuple):
    """A p-value and how it was found: ``exact``, ``monte carlo`` or ``normal``."""

    p_value: float
    method: str


def sign_flip(sums: Sequence[float], *, resamples: int = 10_000, seed: int = 0) -> SignFlip:
    """Test whether differences lean to one side: which of the two was which is exchanged, cluster by cluster.

    The p-value is exact where every sign can be counted: for at most 16 clusters with a difference, and for sums that
    are multiples of one number, as those of labels, grades and tests passed are. Otherwise it is (b + 1) / (m + 1)
    over ``m`` random exchanges, of which ``b`` lean as much; that is exact too, with a little less power. More than
    20,000 clusters are judged by the normal distribution.

    Args:
        sums: The sum of the differences of each cluster.
        resamples: How many exchanges are drawn where they cannot all be counted.
        seed: Of the exchanges that are drawn.
    """
    moved = [total for total in sums if total != 0]
    if not moved:
        return SignFlip(1.0, "exact")
    whole = _whole(moved)
    if whole is not None:
        bytes_counted = (len(whole) // 8 + 1) * sum(map(abs, whole))
        if bytes_counted <= _LARGEST_COUNT and len(whole) * bytes_counted <= _MOST_WORK:
            return SignFlip(_counted(whole), "exact")
    if len(moved) <= _MOST_EXACT:
        return SignFlip(_enumerated(moved), "exact")
    if len(moved) > _MOST_DRAWN:
        return SignFlip(erfc(abs(fsum(moved)) / sqrt(2 * fsum(total * total for total in moved))), "normal")
    return SignFlip(_drawn(moved, resamples, seed), "monte carlo")


def _whole(sums: Sequence[float]) -> list[int] | None:
    """Return the sums as multiples of one number, without those that are only rounding; None if there is none."""
    # What floats add to a sum of tenths is far below this, and no score is meant that finely.
    rounding = 1e-9 * min(1.0, max(map(abs, sums)))
    for unit in _UNITS:
        whole = [round(total * unit) for total in sums]
        if all(abs(total * unit - times) < rounding for total, times in zip(sums, whole, strict=True)):
            divisor = gcd(*whole)
            return [times // divisor for times in whole if times] if divisor else None
    return None


def _counted(sums: Sequence[int]) -> float:
    """Count the exchanges that lean as much, through one large number with a slot for each value of the total."""
    sizes = [abs(total) for total in sums]
    most, lean = sum(sizes), abs(sum(sums))
    width = len(sizes) // 8 + 1  # bytes of a slot; no slot ever holds more than 2 ** len(sizes)
    ways = 1
    for size in sizes:
        ways += ways << 8 * width * size
    # With s the sum of those that lean one way, the total is 2 s - most; both tails are alike.
    tail = ways >> 8 * width * ((most + lean + 1) // 2)
    raw = tail.to_bytes((tail.bit_length() + 7) // 8 + width, "little")
    leaning = sum(int.from_bytes(raw[start : start + width], "little") for start in range(0, len(raw), width))
    return min(1.0, leaning / (1 << len(sizes) - 1))


def _enumerated(sums: Sequence[float]) -> float:
    totals = [0.0]
    for total in sums:
        totals = [before + total for before in totals] + [before - total for before in totals]
    lean = _lean(sums)
    return sum(abs(total) >= lean for total in totals) / len(totals)


def _drawn(sums: Sequence[float], resamples: int, seed: int) -> float:
    """Draw the signs of eight clusters with each random byte: it is the place of their total in a table."""
    from random import Random

    tables: list[list[float]] = []
    for start in range(0, len(sums), 8):
        table = [0.0]
        for total in (*sums[start : start + 8], *[0.0] * (start + 8 - len(sums))):
            table = [before + total for before in table] + [before - total for before in table]
        tables.append(table)
    generator = Random(seed)  # noqa: S311 - a resample is no secret
    lean, count = _lean(sums), len(tables)
    leaning = sum(abs(sum(map(getitem, tables, generator.randbytes(count)))) >= lean for _ in range(resamples))
    return (leaning + 1) / (resamples + 1)


def _lean(sums: Sequence[float]) -> float:
    """Return the size of the total, less what rounding may add to an equal one."""
    return abs(fsum(sums)) - 1e-12 * fsum(map(abs, sums))
