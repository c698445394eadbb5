"""The local store keeps what every store keeps, in one file without a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from promptops.core.errors import ConflictError
from promptops.experiments.journal import Fingerprint, RunPlan, UnitRecord
from promptops.experiments.stores import DatasetStore, ExperimentStore, LocalStore
from promptops.experiments.testing import DatasetStoreConformance, ExperimentStoreConformance
from promptops.models.experiments import ExperimentRun


async def first_example(store: LocalStore, dataset_id: str) -> str:
    async for example in store.datasets.examples(dataset_id):
        return example.id
    raise AssertionError("the dataset is empty")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    with LocalStore(tmp_path / "store.sqlite3") as store:
        yield store


@pytest.fixture
def datasets(store: LocalStore) -> DatasetStore:
    return store.datasets


@pytest.fixture
def experiments(store: LocalStore) -> ExperimentStore:
    return store.experiments


class TestLocalDatasets(DatasetStoreConformance):
    pass


class TestLocalExperiments(ExperimentStoreConformance):
    pass


@pytest.mark.anyio
async def test_experiment_of_the_journal_is_an_experiment_of_the_store(store: LocalStore) -> None:
    dataset = await store.datasets.create("questions", [{"question": "2 + 2"}])
    example = await first_example(store, dataset.id)
    plan = RunPlan(name="run", dataset_id=dataset.id, fingerprint=Fingerprint(task="t"), units=1)
    with store.journal.begin(plan) as run:
        run.append_outputs(UnitRecord(example_id=example, repetition=1, state="done", output='"4"', service_s=0.5))
    found = await store.experiments.get("run", dataset_id=dataset.id)
    rows = [row async for row in store.experiments.runs(found.id)]
    assert [(row.output, row.latency_ms) for row in rows] == [("4", 500.0)]


@pytest.mark.anyio
async def test_other_output_in_the_place_of_one_is_refused_and_changes_nothing(store: LocalStore) -> None:
    dataset = await store.datasets.create("questions", [{"question": "2 + 2"}])
    example = await first_example(store, dataset.id)
    made = await store.experiments.create(
        "run", dataset_id=dataset.id, runs=[ExperimentRun(example_id=example, output="4")]
    )
    with pytest.raises(ConflictError, match="another output"):
        await store.experiments.upload_runs(made.id, [ExperimentRun(example_id=example, output="5")])
    assert [row.output async for row in store.experiments.runs(made.id)] == ["4"]


@pytest.mark.anyio
async def test_append_that_was_killed_leaves_nothing_to_be_seen(store: LocalStore) -> None:
    dataset = await store.datasets.create("questions", [{"question": "one"}])
    statement = "INSERT INTO examples(dataset, id, since, fields, created_at) VALUES (1, 'half', 2, '{\"a\":1}', 0)"
    store.journal.transaction(lambda connection: connection.execute(statement))
    assert len([found async for found in store.datasets.examples(dataset.id)]) == 1
    await store.datasets.append(dataset.id, [{"question": "two"}])
    assert [found["question"] async for found in store.datasets.examples(dataset.id)] == ["one", "two"]
