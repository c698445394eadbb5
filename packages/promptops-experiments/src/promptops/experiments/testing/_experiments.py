"""The tests of a store of experiments."""

from __future__ import annotations

from typing import Any

import pytest
from promptops.core.errors import ConflictError, NotFoundError
from promptops.experiments.stores import DatasetStore, ExperimentStore
from promptops.experiments.testing._experiment_rows import ExperimentRowsConformance
from promptops.experiments.testing._given import AWKWARD, check_refused, everything, run_of, unique

__all__ = ["ExperimentStoreConformance"]


class ExperimentStoreConformance(ExperimentRowsConformance):
    """Inherit it and give it async fixtures ``experiments`` and ``datasets``, of one store."""

    async def test_experiment_is_found_by_id_and_by_name_in_its_dataset(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """Both name the same experiment."""
        name = unique("named")
        experiment = await experiments.create(name, dataset_id=dataset[0], runs=[run_of(dataset[1][0], "4")])
        assert (await experiments.get(experiment.id)).name == name
        assert (await experiments.get(name, dataset_id=dataset[0])).id == experiment.id
        assert experiment.dataset_id == dataset[0]

    async def test_absent_experiment_is_not_found(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """Its name is in the message."""
        name = unique("absent")
        with pytest.raises(NotFoundError, match=name):
            await experiments.get(name, dataset_id=dataset[0])

    async def test_name_is_taken_once_per_dataset(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """The first experiment keeps its runs."""
        name = unique("taken")
        first = await experiments.create(name, dataset_id=dataset[0], runs=[run_of(dataset[1][0], "4")])
        with pytest.raises(ConflictError):
            await experiments.create(name, dataset_id=dataset[0], runs=[run_of(dataset[1][1], "5")])
        assert [run.output async for run in experiments.runs(first.id)] == ["4"]

    async def test_create_that_is_repeated_with_its_key_creates_once(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """What a caller does whose answer was lost."""
        name, key, rows = unique("repeated"), unique("key"), [run_of(dataset[1][0], "4")]
        first = await experiments.create(name, dataset_id=dataset[0], runs=rows, key=key)
        again = await experiments.create(name, dataset_id=dataset[0], runs=rows, key=key)
        assert again.id == first.id
        assert len(await everything(experiments.runs(first.id))) == 1

    async def test_experiment_without_runs(self, experiments: ExperimentStore, dataset: tuple[str, list[str]]) -> None:
        """It is stored, or refused by name."""
        made = experiments.create(unique("empty"), dataset_id=dataset[0])
        if not experiments.capabilities.can("empty_experiments"):
            await check_refused(experiments, "empty_experiments", made)
            return
        experiment = await made
        assert await everything(experiments.runs(experiment.id)) == []
        name, key = unique("empty"), unique("key")
        first = await experiments.create(name, dataset_id=dataset[0], key=key)
        assert (await experiments.create(name, dataset_id=dataset[0], key=key)).id == first.id
        with pytest.raises(ConflictError):
            await experiments.create(name, dataset_id=dataset[0])

    async def test_repetitions_and_metadata_are_kept(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """Where the store says so; elsewhere an experiment has one repetition and no metadata."""
        given: dict[str, Any] = {"model": "small", "temperature": 0.5, "tags": ["a", None]}
        made = await experiments.create(
            unique("described"),
            dataset_id=dataset[0],
            runs=[run_of(dataset[1][0], "4", 2)],
            key=unique("key"),
            repetitions=3,
            metadata=given,
        )
        kept = experiments.capabilities.can("experiment_metadata")
        listed = [found async for found in experiments.iterate(dataset_id=dataset[0]) if found.id == made.id]
        for found in (made, await experiments.get(made.id), *listed):
            assert (found.repetitions, dict(found.metadata)) == ((3, given) if kept else (1, {}))

    async def test_experiment_is_of_the_version_that_it_was_made_for(
        self, experiments: ExperimentStore, datasets: DatasetStore, dataset: tuple[str, list[str]]
    ) -> None:
        """Examples that were appended later are none of its own, where the store keeps versions as they were."""
        if not {"versions", "append_examples", "snapshots"} <= datasets.capabilities.features:
            return
        version = (await datasets.get(dataset[0])).versions[0].id
        await datasets.append(dataset[0], [{"number": 1}])
        experiment = await experiments.create(
            unique("version"), dataset_id=dataset[0], runs=[run_of(dataset[1][0], "4")], dataset_version_id=version
        )
        assert (await experiments.get(experiment.id)).dataset_version_id == version
        if experiments.capabilities.can("incomplete_runs"):
            found = await everything(experiments.incomplete_runs(experiment.id))
            assert sorted(found) == sorted([(dataset[1][1], 1), (dataset[1][2], 1)])

    async def test_experiments_are_listed_by_dataset(
        self, experiments: ExperimentStore, datasets: DatasetStore, dataset: tuple[str, list[str]]
    ) -> None:
        """The newest comes first, and none of another dataset."""
        other = await datasets.create(unique("other"), AWKWARD)
        example = (await everything(datasets.examples(other.id)))[0].id
        await experiments.create(unique("elsewhere"), dataset_id=other.id, runs=[run_of(example, "4")])
        made = [
            (await experiments.create(unique("here"), dataset_id=dataset[0], runs=[run_of(dataset[1][0], "4")])).id
            for _ in range(2)
        ]
        assert [found.id async for found in experiments.iterate(dataset_id=dataset[0])] == made[::-1]

    async def test_deleted_experiment_is_gone(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """Its name is free again."""
        rows = [run_of(dataset[1][0], "4")]
        experiment = await experiments.create(unique("deleted"), dataset_id=dataset[0], runs=rows)
        if not experiments.capabilities.can("delete_experiment"):
            await check_refused(experiments, "delete_experiment", experiments.delete(experiment.id))
            return
        await experiments.delete(experiment.id)
        with pytest.raises(NotFoundError):
            await experiments.get(experiment.name, dataset_id=dataset[0])
        # Some servers give the id away again, too.
        again = await experiments.create(experiment.name, dataset_id=dataset[0], runs=rows)
        assert (await experiments.get(experiment.name, dataset_id=dataset[0])).id == again.id
        assert len(await everything(experiments.runs(again.id))) == 1
