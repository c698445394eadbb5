"""Names what changed between two fingerprints, so that people can decide whether it matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from promptops.experiments.journal._fingerprints import Fingerprint

__all__ = ["Change", "ChangeKind", "changes_between"]

ChangeKind = Literal["dataset", "examples", "task", "prompt", "parameter", "evaluator", "repetitions"]

_MOST_NAMED = 3


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not what it was.

    Attributes:
        kind: What kind of thing.
        name: Which one: a parameter, an evaluator, some ids of examples.
        message: The change in words.
        count: How many, for examples.
    """

    kind: ChangeKind
    name: str
    message: str
    count: int = 1


def changes_between(old: Fingerprint, new: Fingerprint) -> list[Change]:
    """Return what changed, the most far-reaching first; nothing when the two agree, or the old one is not known."""
    if not old.is_known:
        return []
    return [
        *_dataset(old, new),
        *_examples(old.examples, new.examples),
        *_task(old, new),
        *_prompt(old.prompt, new.prompt),
        *_named("parameter", old.parameters, new.parameters),
        *_named("evaluator", old.evaluators, new.evaluators),
    ]


def _dataset(old: Fingerprint, new: Fingerprint) -> Iterator[Change]:
    if old.dataset_version != new.dataset_version:
        yield Change(
            kind="dataset",
            name=new.dataset_version or "",
            message=f"the dataset version was {old.dataset_version or 'not known'} and is "
            f"{new.dataset_version or 'not known'}",
        )


def _examples(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    found = (
        ("is changed", "are changed", [key for key in old if key in new and old[key] != new[key]]),
        ("is gone", "are gone", [key for key in old if key not in new]),
        ("is new", "are new", [key for key in new if key not in old]),
    )
    for one, many, ids in found:
        if ids:
            named = ", ".join(ids[:_MOST_NAMED]) + (", …" if len(ids) > _MOST_NAMED else "")
            what = f"1 example {one}" if len(ids) == 1 else f"{len(ids)} examples {many}"
            yield Change(kind="examples", name=named, message=f"{what} ({named})", count=len(ids))


def _task(old: Fingerprint, new: Fingerprint) -> Iterator[Change]:
    if old.task != new.task:
        yield Change(kind="task", name=new.task_name, message=f"the code of the task {new.task_name!r} is changed")


def _prompt(old: str | None, new: str | None) -> Iterator[Change]:
    if old != new:
        yield Change(
            kind="prompt", name=new or "", message=f"the prompt was {old or 'not given'} and is {new or 'not given'}"
        )


def _named(kind: Literal["parameter", "evaluator"], old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name):
            continue
        what = "is new" if name not in old else "is gone" if name not in new else "is changed"
        yield Change(kind=kind, name=name, message=f"{kind} {name!r} {what}")
