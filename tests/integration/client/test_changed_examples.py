"""Experiments over two versions of a dataset, compared on a running server: never a score of two questions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from promptops.client import DatasetExample, PromptOpsClient
from promptops.experiments import Gate

pytestmark = pytest.mark.anyio
Unique = Callable[[str], str]


def answer(example: DatasetExample) -> str:
    return str(example["n"])


def right(output: str) -> bool:
    return output != "2"


async def test_what_changed_between_two_experiments_is_left_out_of_their_comparison(
    client: PromptOpsClient, unique: Unique
) -> None:
    name, first, second = unique("changing"), unique("first"), unique("second")
    dataset = (await client.datasets.create(name, [{"id": f"e{n}", "n": n} for n in range(6)], id_column="id")).id
    await client.experiments.run(first, dataset=dataset, task=answer, evaluators=[right], progress=False)
    await client.datasets.update(dataset, [{"id": "e2", "n": 20}], id_column="id")
    await client.datasets.assign_split(dataset, {"train": 0.5, "test": 0.5})
    await client.datasets.append(dataset, [{"id": "e6", "n": 6}], id_column="id")
    await client.experiments.run(second, dataset=dataset, task=answer, evaluators=[right], progress=False)
    gate = Gate(metric="right", max_regression=0.5)
    comparison = await client.experiments.compare(first, second, dataset=dataset, gates=[gate])
    assert comparison.changed_examples == ["e2"]
    assert (len(comparison.rows), comparison.only_in_candidate) == (5, 1)
    assert comparison["right"].difference == 0
    assert comparison.verdict is not None
    assert comparison.verdict.status == "inconclusive"
    whole = await client.experiments.compare(first, second, dataset=dataset, changed_examples="compare")
    assert whole["right"].difference == pytest.approx(1 / 6)
