"""Says on stderr how far long work with examples is."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar

import click
from promptops.cli._output import console

if TYPE_CHECKING:
    from rich.status import Status

__all__ = ["Counter"]

T = TypeVar("T")
_EVERY: Final = 10_000
_SHOWN_EVERY: Final = 500


class Counter:
    """A spinner on a terminal; elsewhere a line for every 10,000 examples."""

    def __init__(self) -> None:
        self._status: Status | None = None
        self._said = 0

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._status = console(stderr=True).status("")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def counted(self, doing: str, items: Iterable[T]) -> Iterator[T]:
        """Pass the items on, and say how many there were."""
        self._said = 0
        for count, item in enumerate(items, 1):
            if count % _SHOWN_EVERY == 0:
                self._tell(doing, count)
            yield item

    def sent(self, count: int, total: int) -> None:
        """So many of the examples have arrived."""
        if count == min(1000, total):
            self._said = 0
        self._tell("sent", count, total)

    def _tell(self, doing: str, count: int, total: int | None = None) -> None:
        text = f"{doing} {count:,}" + (f" of {total:,}" if total is not None else "") + " examples"
        if self._status is not None:
            self._status.update(text)
        elif count >= self._said + _EVERY:
            self._said = count - count % _EVERY
            click.echo(text, err=True)
