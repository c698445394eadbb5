"""What the suites share: examples that are hard to keep, runs, and the check of a refusal."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, TypeVar

import pytest
from promptops.core.errors import UnsupportedOperation
from promptops.experiments.stores import DatasetStore, ExperimentStore, Feature
from promptops.models.experiments import ExperimentRun

__all__ = ["AWKWARD", "check_refused", "everything", "run_of", "unique"]

T = TypeVar("T")

AWKWARD: Final[list[dict[str, Any]]] = [
    {"question": "plain", "expected": "4"},
    {"question": "snow ☃ man", "nested": {"list": [1, 2.5, None, True], "empty": {}}},
    {"question": "", "metadata": {"quote": '"', "line": "a\nb", "zero": "\\u0000"}},
]


def unique(word: str) -> str:
    """A name that no other test has."""
    return f"{word}-{uuid.uuid4().hex[:12]}"


async def everything(items: AsyncIterator[T]) -> list[T]:
    """What an iteration yields."""
    return [item async for item in items]


def run_of(example_id: str, output: str, repetition: int = 1, fields: Mapping[str, Any] | None = None) -> ExperimentRun:
    """A run that went well."""
    columns: dict[str, Any] = {"promptops.repetition": repetition, "latency": 12.5, **(fields or {})}
    return ExperimentRun(example_id=example_id, output=output, fields=columns)


async def check_refused(store: DatasetStore | ExperimentStore, feature: Feature, call: Any) -> None:
    """A feature that is not declared is refused by the names of the store and the feature."""
    with pytest.raises(UnsupportedOperation) as caught:
        await call
    assert caught.value.details == {"store": store.capabilities.store, "feature": feature}
    assert store.capabilities.store in caught.value.message
