"""The text that every engine renders, and how their times are taken; nothing but the standard library."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

ROUNDS = 15
NAMES = [f"variable_{number}" for number in range(10)]
FILLER = "Answer the question as precisely as you can, and say so when you do not know. "
VALUES: dict[str, Any] = {name: f"value of {name}" for name in NAMES}


def source(opening: str, closing: str) -> str:
    """2 KiB of text with ten variables spread over it."""
    text = (FILLER * 3)[:188]
    return "".join(f"{text}{opening}{name}{closing}" for name in NAMES)


def best(*functions: Callable[[], object], number: int) -> list[float]:
    """Seconds for one call of each function."""
    seconds = [float("inf")] * len(functions)
    for _ in range(ROUNDS):
        for index, function in enumerate(functions):
            started = time.perf_counter()
            for _ in range(number):
                function()
            seconds[index] = min(seconds[index], (time.perf_counter() - started) / number)
    return seconds
