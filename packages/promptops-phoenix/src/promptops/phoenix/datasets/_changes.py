"""Compares examples that are given with those that are there: what is new, what is different, what would go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments.datasets._splits import split_of
from promptops.experiments.datasets._spool import Spool
from promptops.phoenix._generated import models as wire
from promptops.phoenix.datasets._examples import fields_of
from promptops.phoenix.datasets._rows import ContentIds, digest_of, new_row, taken_apart

__all__ = ["Difference", "Known", "difference_of", "every_row", "merge_into"]


class Known:
    """The examples that a dataset has.

    Args:
        examples: As the server sent them.
    """

    def __init__(self, examples: list[wire.DatasetExample]) -> None:
        self.examples = examples
        self.digests = [digest_of(self.fields(index)) for index in range(len(examples))]
        self._by_id = {item.node_id: index for index, item in enumerate(examples)}
        self._by_id |= {item.id: index for index, item in enumerate(examples)}
        self.by_digest: dict[str, list[int]] = {}
        for index, digest in enumerate(self.digests):
            self.by_digest.setdefault(digest, []).append(index)

    @property
    def ids(self) -> set[str]:
        """Every id that names one of them."""
        return set(self._by_id)

    def find(self, example_id: str) -> int | None:
        """Return which one has that id, the caller's own or the server's."""
        return self._by_id.get(example_id)

    def fields(self, index: int) -> dict[str, Any]:
        """Return one of them as a flat example."""
        item = self.examples[index]
        return fields_of(item.input, item.output, item.metadata)


class Difference:
    """What has to be sent, and what it will do.

    Attributes:
        rows: The rows that are new or different; they mention no splits.
        splits: The rows whose examples go into the splits that they name.
        inserted: How many are new.
        updated: How many are different.
        unchanged: How many are there as they were given.
        kept: Which of the known examples were given again.
        different: Which of these are different.
    """

    def __init__(self) -> None:
        self.rows = Spool()
        self.splits = Spool()
        self.inserted = self.updated = self.unchanged = 0
        self.kept: set[int] = set()
        self.different: set[int] = set()

    def insert(self, example_id: str, fields: Mapping[str, Any], encoded: bytes) -> None:
        """Note an example that is new."""
        self.inserted += 1
        self._send(example_id, fields, encoded, in_split=split_of(fields) is not None)

    def meet(self, known: Known, index: int, fields: Mapping[str, Any], encoded: bytes) -> None:
        """Note an example that is there, perhaps with other content."""
        self.kept.add(index)
        if digest_of(fields) == known.digests[index]:
            self.unchanged += 1
            return
        self.updated += 1
        self.different.add(index)
        moved = split_of(fields) not in {None, split_of(known.fields(index))}
        self._send(known.examples[index].id, fields, encoded, in_split=moved)

    def close(self) -> None:
        """Forget the rows; safe to call twice."""
        self.rows.close()
        self.splits.close()

    def _send(self, example_id: str, fields: Mapping[str, Any], encoded: bytes, *, in_split: bool) -> None:
        # A request that mentions splits takes the other examples that it holds out of theirs: two kinds of requests.
        self.rows.add(new_row(example_id, fields, encoded, in_split=False))
        if in_split:
            self.splits.add(new_row(example_id, fields, encoded))


def difference_of(known: Known, given: Spool, *, every_copy: bool) -> Difference:
    """Compare the examples that are given with those that are there.

    An example with an id is compared with the one of that id. An example without is there already if one of the same
    content is; with ``every_copy`` each of several that are given needs one of its own.

    Raises:
        ValidationError: Two of those given are the same example.
    """
    found = Difference()
    try:
        ids = ContentIds(taken=known.ids)
        named = {index for own, _, _ in _each(given) if own is not None and (index := known.find(own)) is not None}
        added: set[str] = set()
        free = {digest: [index for index in same if index not in named] for digest, same in known.by_digest.items()}
        for number, (own, fields, encoded) in enumerate(_each(given)):
            if own is not None:
                index = known.find(own)
                if index is None:
                    found.insert(own, fields, encoded)
                elif index in found.kept:
                    raise _same_example(number, own)
                else:
                    found.meet(known, index, fields, encoded)
                continue
            digest = digest_of(fields)
            if not every_copy and (digest in known.by_digest or digest in added):
                found.unchanged += 1
            elif every_copy and free.get(digest):
                found.meet(known, free[digest].pop(0), fields, encoded)
            else:
                added.add(digest)
                found.insert(ids(digest), fields, encoded)
    except BaseException:
        found.close()
        raise
    return found


def merge_into(known: Known, given: Spool) -> Difference:
    """Compare fields that are to change with what is there; every example that is given has an id.

    Raises:
        ValidationError: There is no example of an id; each is named.
    """
    found = Difference()
    try:
        problems: list[dict[str, Any]] = []
        for number, (own, fields, _) in enumerate(_each(given)):
            index = known.find(own or "")
            if index is None:
                message = f"there is no example with the id {(own or '')[:100]!r}"
                problems.append({"field": f"examples[{number}].id", "message": message, "code": "unknown_id"})
            elif index in found.kept:
                raise _same_example(number, own or "")
            else:
                merged = {**known.fields(index), **fields}
                found.meet(known, index, merged, msgspec.json.encode(merged))
        if problems:
            more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
            raise ValidationError(
                f"{problems[0]['field']}: {problems[0]['message']}{more}; nothing was changed",
                validation_errors=problems[:100],
            )
    except BaseException:
        found.close()
        raise
    return found


def every_row(known: Known, found: Difference) -> Iterator[bytes]:
    """Yield the rows of all examples that stay and that come: what a replacement that deletes has to send."""
    for index in sorted(found.kept - found.different):
        item = known.examples[index]
        yield msgspec.json.encode((item.id, item.input, item.output, item.metadata, None, None))
    for part in found.rows.parts():
        yield from part


def _each(given: Spool) -> Iterator[tuple[str | None, dict[str, Any], bytes]]:
    lines: Iterable[bytes] = (line for part in given.parts() for line in part)
    for encoded in lines:
        yield (*taken_apart(encoded), encoded)


def _same_example(number: int, example_id: str) -> ValidationError:
    message = f"{example_id[:100]!r} names an example that was given before"
    return ValidationError(
        f"examples[{number}].id: {message}",
        validation_errors=[{"field": f"examples[{number}].id", "message": message, "code": "duplicate_id"}],
    )
