"""Experiments against a running server: every operation, in async and in blocking form, without and with a key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from promptops.client import ConflictError, DatasetExample, NotFoundError, PromptOpsClient, write_html_report

pytestmark = pytest.mark.anyio
Unique = Callable[[str], str]
SUMS = [{"a": number, "b": number % 3, "expected": str(number + number % 3)} for number in range(12)]


@pytest.fixture
async def dataset(client: PromptOpsClient, unique: Unique) -> str:
    return (await client.datasets.create(unique("sums"), SUMS)).id


def add(example: DatasetExample) -> str:
    return str(example["a"] + example["b"])


async def add_later(example: DatasetExample) -> str:
    await asyncio.sleep(0)
    return add(example)


def concatenate(example: DatasetExample) -> str:
    return f"{example['a']}{example['b'] or ''}"


def correct(output: str, expected: str) -> bool:
    return output == expected


def length(output: str) -> float:
    return float(len(output))


@pytest.mark.parametrize("task", [add, add_later])
async def test_a_run_scores_every_example_and_stores_its_rows(
    client: PromptOpsClient, dataset: str, unique: Unique, task: Callable[..., Any]
) -> None:
    name = unique("run")
    result = await client.experiments.run(
        name, dataset=dataset, task=task, evaluators=[correct, length], progress=False, metadata={"model": "none"}
    )
    assert result.mean("correct") == 1.0
    stored = await client.experiments.runs(name, dataset=dataset)
    assert len(stored) == len(SUMS)
    assert {row.score("correct") for row in stored} == {1.0}
    assert all(row.score("length") == len(str(row.output)) for row in stored)
    assert all(row.metadata == {"model": "none"} for row in stored)
    examples = {example.id: example for example in await client.datasets.examples(dataset)}
    assert all(row.output == examples[str(row.example_id)]["expected"] for row in stored)


async def test_each_example_runs_as_often_as_asked(client: PromptOpsClient, dataset: str, unique: Unique) -> None:
    result = await client.experiments.run(unique("often"), dataset=dataset, task=add, repetitions=3, progress=False)
    keys = {(row.example_id, row.repetition) for row in await client.experiments.runs(result.experiment.id)}
    assert len(keys) == 3 * len(SUMS)


async def test_a_task_that_fails_costs_its_own_row_only(client: PromptOpsClient, dataset: str, unique: Unique) -> None:
    def moody(example: DatasetExample) -> str:
        if example["a"] == 5:
            raise ValueError("not five")
        return add(example)

    result = await client.experiments.run(
        unique("moody"), dataset=dataset, task=moody, evaluators=[correct], progress=False
    )
    assert (result.failed, result.metrics["correct"].scored) == (1, len(SUMS) - 1)
    errors = [row.error for row in await client.experiments.runs(result.experiment.id) if row.error]
    assert len(errors) == 1
    assert "not five" in errors[0]


async def test_an_output_of_any_shape_comes_back_as_it_was(
    client: PromptOpsClient, dataset: str, unique: Unique
) -> None:
    def answer(example: DatasetExample) -> dict[str, Any]:
        return {"sum": example["a"] + example["b"], "steps": [example["a"], None]}

    result = await client.experiments.run(unique("typed"), dataset=dataset, task=answer, progress=False)
    values = [row.value for row in await client.experiments.runs(result.experiment.id)]
    assert {value["sum"] for value in values} == {int(str(item["expected"])) for item in SUMS}


async def test_two_experiments_are_compared_example_by_example(
    client: PromptOpsClient, dataset: str, unique: Unique, tmp_path: Path
) -> None:
    first, second = unique("worse"), unique("better")
    for name, task in ((first, concatenate), (second, add)):
        await client.experiments.run(name, dataset=dataset, task=task, evaluators=[correct], progress=False)
    comparison = await client.experiments.compare(first, second, dataset=dataset)
    metric = comparison["correct"]
    right = sum(f"{item['a']}{item['b'] or ''}" == item["expected"] for item in SUMS)
    assert (len(metric.better), len(metric.worse), len(metric.same)) == (len(SUMS) - right, 0, right)
    assert metric.difference == pytest.approx(1 - right / len(SUMS))
    backwards = await client.experiments.compare(second, first, dataset=dataset)
    assert len(backwards["correct"].worse) == len(metric.better)
    report = tmp_path / "report.html"
    write_html_report(comparison, report)
    page = report.read_text(encoding="utf-8")
    assert first in page
    assert second in page


async def test_an_experiment_with_runs_made_elsewhere_is_stored(
    client: PromptOpsClient, dataset: str, unique: Unique
) -> None:
    examples = await client.datasets.examples(dataset)
    runs = [
        {"example_id": example.id, "output": "x", "eval.mine.score": 0.5, "note": {"k": [1]}} for example in examples
    ]
    name = unique("imported")
    made = await client.experiments.create(name, dataset=dataset, runs=runs[:10])
    ids = await client.experiments.insert_runs(name, runs[10:], dataset=dataset)
    assert len(ids) == 2
    stored = await client.experiments.runs(made.id)
    assert [row.example_id for row in stored] == [example.id for example in examples]
    assert [row.id for row in stored][10:] == ids
    assert {row.score("mine") for row in stored} == {0.5}
    assert all(row.fields["note"] == {"k": [1]} for row in stored)


async def test_an_experiment_is_found_by_name_and_by_id(client: PromptOpsClient, dataset: str, unique: Unique) -> None:
    result = await client.experiments.run(unique("found"), dataset=dataset, task=add, progress=False)
    by_name = await client.experiments.get(result.name, dataset=dataset)
    by_id = await client.experiments.get(result.experiment.id)
    assert by_name == by_id
    assert by_name.dataset_id == dataset


async def test_experiments_of_a_dataset_are_listed_newest_first(
    client: PromptOpsClient, dataset: str, unique: Unique
) -> None:
    stem = unique("listed")
    for number in range(3):
        await client.experiments.run(f"{stem}-{number}", dataset=dataset, task=add, progress=False)
    names = [f"{stem}-{number}" for number in (2, 1, 0)]
    assert [item.name for item in await client.experiments.list(dataset=dataset)] == names
    assert [item.name async for item in client.experiments.iterate(dataset=dataset)] == names
    page = await client.experiments.list_page(dataset=dataset, limit=1)
    assert ([item.name for item in page.items], page.has_more) == (names[:1], True)


async def test_more_runs_than_fit_one_page_are_read_completely(client: PromptOpsClient, unique: Unique) -> None:
    made = await client.datasets.create(unique("many"), [{"n": number} for number in range(1100)])
    examples = await client.datasets.examples(made.id)
    runs = [{"example_id": example.id, "output": str(example["n"])} for example in examples]
    experiment = await client.experiments.create(unique("many"), dataset=made.id, runs=runs)
    stored = [row.output async for row in client.experiments.iterate_runs(experiment.id)]
    assert stored == [str(number) for number in range(1100)]


async def test_a_deleted_experiment_is_gone(client: PromptOpsClient, dataset: str, unique: Unique) -> None:
    result = await client.experiments.run(unique("gone"), dataset=dataset, task=add, progress=False)
    await client.experiments.delete(result.name, dataset=dataset)
    for reference in (result.name, result.experiment.id):
        with pytest.raises(NotFoundError):
            await client.experiments.get(reference, dataset=dataset)


async def test_a_taken_name_is_refused_before_the_first_task(
    client: PromptOpsClient, dataset: str, unique: Unique
) -> None:
    name = unique("taken")
    await client.experiments.run(name, dataset=dataset, task=add, progress=False)
    calls: list[DatasetExample] = []
    with pytest.raises(ConflictError, match=name):
        await client.experiments.run(name, dataset=dataset, task=calls.append, progress=False)
    assert not calls


async def test_tasks_run_side_by_side(client: PromptOpsClient, dataset: str, unique: Unique) -> None:
    running, most, full = 0, 0, asyncio.Event()

    async def counted(example: DatasetExample) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 4:
            full.set()
        await asyncio.wait_for(full.wait(), 20)
        await asyncio.sleep(0.02)
        running -= 1
        return add(example)

    await client.experiments.run(unique("wide"), dataset=dataset, task=counted, concurrency=4, progress=False)
    assert most == 4
