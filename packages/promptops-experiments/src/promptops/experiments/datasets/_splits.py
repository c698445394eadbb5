"""Named subsets of a dataset: which split an example is in, and a deterministic way to assign one.

An example is in the split that was assigned to it (``promptops.split``), else in the one that its own field ``split``
names. An assignment depends on nothing but the seed and the key of the example, so an example that is appended later
moves no other one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from promptops.core.errors import ValidationError
from promptops.models.datasets import DatasetExample

__all__ = ["SPLIT", "Splitter", "in_split", "split_of"]

SPLIT: Final = "promptops.split"
"""The field in which the split of an example is kept."""
_OWN: Final = "split"
_LONGEST_NAME: Final = 255
_STEPS: Final = 2**64
_TOLERANCE: Final = 1e-9


def split_of(example: DatasetExample | Mapping[str, Any]) -> str | None:
    """Return the name of the split that an example is in, or None."""
    fields = example.fields if isinstance(example, DatasetExample) else example
    for name in (SPLIT, _OWN):
        found = fields.get(name)
        if isinstance(found, str):
            return found
    return None


def in_split(examples: Iterable[DatasetExample], split: str | None) -> Iterator[DatasetExample]:
    """Yield the examples of one split in their order; all of them when ``split`` is None."""
    return (example for example in examples if split is None or split_of(example) == split)


class Splitter:
    """Says which split an example belongs to.

    Args:
        shares: Names of splits and their shares of the whole, each above 0; what they leave of 1 gets no split.
        seed: Another seed gives another assignment.
        by: ``id``, or the field whose value decides: examples with the same value are in the same split.

    Raises:
        ValidationError: The shares are no shares, or a name is empty or longer than 255 characters.
    """

    def __init__(self, shares: Mapping[str, float], *, seed: int = 0, by: str = "id") -> None:
        _check(shares)
        self._seed = seed
        self._by = by
        self._bounds: list[tuple[int, str]] = []
        total = 0.0
        for name, share in shares.items():
            total += share
            self._bounds.append((_STEPS if total > 1 - _TOLERANCE else round(total * _STEPS), name))

    def __call__(self, example: DatasetExample) -> str | None:
        """Return the split of an example.

        Raises:
            ValidationError: It has not got the field that decides.
        """
        if self._by == "id":
            key: object = example.id
        elif self._by in example:
            key = example[self._by]
        else:
            raise ValidationError(f"example {example.id} has no field {self._by!r} to assign its split by")
        text = msgspec.json.encode([self._seed, key], order="deterministic")
        place = int.from_bytes(hashlib.sha256(text).digest()[:8], "big")
        return next((name for bound, name in self._bounds if place < bound), None)


def _check(shares: Mapping[str, float]) -> None:
    if not shares:
        raise ValidationError("name at least one split and its share, for example {'train': 0.8, 'test': 0.2}")
    for name, share in shares.items():
        if not name.strip() or len(name) > _LONGEST_NAME:
            raise ValidationError(
                f"the name of a split has 1 to {_LONGEST_NAME} characters; {name[:300]!r} does not fit"
            )
        if not (math.isfinite(share) and share > 0):
            raise ValidationError(f"the share of split {name!r} must be above 0, not {share}")
    total = math.fsum(shares.values())
    if total > 1 + _TOLERANCE:
        raise ValidationError(f"the shares of the splits add up to {total:g}; they can be at most 1 together")
