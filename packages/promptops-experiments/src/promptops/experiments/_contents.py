"""Tells whether an example of one id is the same question in two experiments."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
from promptops.experiments._json import NotStorable
from promptops.experiments._result import ExperimentResult
from promptops.experiments.journal._fingerprints import example_digest
from promptops.models.datasets import DatasetExample

__all__ = ["Contents", "changed_ids", "contents_of"]


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What the examples of one experiment say, as far as that is known.

    Attributes:
        examples: By id.
        digests: Of examples as they were when they were run, by id; they go before ``examples``.
    """

    examples: Mapping[str, DatasetExample] = msgspec.field(default_factory=dict[str, DatasetExample])
    digests: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])

    def digest(self, example_id: str) -> str | None:
        """Return the digest of an example, or None when its content is not known."""
        if example_id in self.digests:
            return self.digests[example_id]
        example = self.examples.get(example_id)
        try:
            return None if example is None else example_digest(example.fields)
        except NotStorable:
            return None


def contents_of(side: object, examples: Mapping[str, DatasetExample] | None = None) -> Contents:
    """Return what is known of the examples of a side: what a result brings, otherwise ``examples``."""
    if isinstance(side, ExperimentResult):
        return Contents(examples=side.examples or examples or {}, digests=side.digests)
    return Contents(examples=examples or {})


def changed_ids(ids: Collection[str], first: Contents, second: Contents) -> set[str]:
    """Return the ids whose example has another content in each; what either does not know is taken for unchanged."""
    return {ident for ident in ids if _differ(ident, first, second)}


def _differ(ident: str, first: Contents, second: Contents) -> bool:
    if not first.digests and not second.digests:
        one, other = first.examples.get(ident), second.examples.get(ident)
        if one is None or other is None or one is other or one.fields is other.fields:
            return False
    before = first.digest(ident)
    return before is not None and (after := second.digest(ident)) is not None and before != after
