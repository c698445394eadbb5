"""Examples that were checked, kept until all of them were: in memory while they are few, in a temporary file beyond."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Final, Self

from promptops.experiments._chunks import LARGEST_BODY, MOST_ITEMS, chunked

__all__ = ["Spool"]

_IN_MEMORY: Final = 4 * 1024 * 1024


class Spool:
    """Encoded examples, written once and read in order; the file has no name, and goes with the process."""

    def __init__(self) -> None:
        self._file: Any = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by close
        self.count = 0
        self.size = 0
        self.has_ids = False

    @classmethod
    def of(cls, items: Iterable[bytes]) -> Spool:
        """Keep all items; none is kept when one cannot be had."""
        spool = cls()
        try:
            for item in items:
                spool.add(item)
            spool._file.seek(0)
        except BaseException:
            spool.close()
            raise
        return spool

    @property
    def fits_one_request(self) -> bool:
        """Whether all of them go into one request."""
        return self.count <= MOST_ITEMS and self.size + self.count <= LARGEST_BODY

    def add(self, item: bytes) -> None:
        """Keep an item; JSON that is written compactly has no line break."""
        self._file.write(item)
        self._file.write(b"\n")
        self.count += 1
        # An id comes first, and is the only field of that name.
        self.has_ids = self.has_ids or item.startswith(b'{"id":')
        self.size += len(item)

    def parts(self, *, most: int = MOST_ITEMS) -> Iterator[list[bytes]]:
        """Yield the items in parts that each fit one request; from the start, whenever it is called."""
        self._file.seek(0)
        return chunked((line.removesuffix(b"\n") for line in self._file), most=most)

    def close(self) -> None:
        """Forget everything; safe to call twice."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
