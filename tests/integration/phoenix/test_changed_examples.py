"""Experiments over two versions of a dataset on a real Phoenix server: never a score of two questions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from promptops.models import DatasetExample
from promptops.phoenix import PhoenixClient

pytestmark = pytest.mark.anyio
Unique = Callable[..., str]


def answer(example: DatasetExample) -> str:
    return str(example["input"]["n"])


def right(output: str) -> bool:
    return output != "20"


async def test_what_changed_between_two_experiments_is_left_out_of_their_comparison(
    phoenix: PhoenixClient, unique: Unique
) -> None:
    name, first, second = unique("changing"), unique("first"), unique("second")
    dataset = (await phoenix.datasets.create(name, [{"input": {"n": n}} for n in range(6)])).id
    await phoenix.experiments.run(first, dataset=dataset, task=answer, evaluators=[right], progress=False)
    (changed,) = [item for item in await phoenix.datasets.examples(dataset) if item["input"]["n"] == 2]
    await phoenix.datasets.update(dataset, [{"id": changed.id, "input": {"n": 20}}])
    await phoenix.experiments.run(second, dataset=dataset, task=answer, evaluators=[right], progress=False)
    comparison = await phoenix.experiments.compare(first, second, dataset=dataset)
    assert len(comparison.rows) == 5
    assert comparison["right"].difference == 0
    assert comparison.changed_examples == [changed.id]
