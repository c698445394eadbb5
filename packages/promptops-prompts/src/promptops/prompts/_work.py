"""What the texts of one render may cost together, whatever their format and however many messages they are in."""

from __future__ import annotations

from typing import Any, Final

from promptops.prompts._values import Walk

__all__ = ["MAX_OUTPUT_BYTES", "MAX_WORK", "TooMuchWork", "Work"]

MAX_OUTPUT_BYTES: Final = 1024 * 1024
MAX_WORK: Final = 8 * 1024 * 1024
"""In units; a unit is about a character that is read or written by a filter, or an eighth of a lookup in a section."""


class TooMuchWork(Exception):  # noqa: N818 - it describes what happened
    """The budget is used up.

    Attributes:
        reason: What to do about it.
        code: Stable identifier.
    """

    reason: Final = "the sections or loops of the template run too often; give shorter lists and values"
    code: Final = "too_much_work"


class Work:
    """The budget of one render.

    Attributes:
        walk: Goes through the values that become text.
        copies: Variables that were copied as plain data, for the next text that uses them.
    """

    __slots__ = ("_left", "copies", "walk")

    def __init__(self) -> None:
        self._left = MAX_WORK
        self.walk = Walk(MAX_OUTPUT_BYTES)
        self.copies: dict[str, Any] = {}

    def spend(self, units: int) -> None:
        """Pay before the work is done.

        Raises:
            TooMuchWork: There is not as much left.
        """
        self._left -= units
        if self._left < 0:
            raise TooMuchWork
