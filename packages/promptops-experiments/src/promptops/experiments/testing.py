"""The tests that every store of datasets and experiments inherits; needs pytest with the anyio plugin.

What a store declares in its capabilities is tested; what it does not declare must be refused by name.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar

import pytest
from promptops.core.errors import ConflictError, NotFoundError, PromptOpsError, UnsupportedOperation, ValidationError
from promptops.experiments.journal import UnitKey
from promptops.experiments.stores import DatasetStore, ExperimentStore, Feature, RunEvaluation
from promptops.models.experiments import Evaluation, ExperimentRun, evaluation_columns

__all__ = ["DatasetStoreConformance", "ExperimentStoreConformance"]

T = TypeVar("T")

_AWKWARD: list[dict[str, Any]] = [
    {"question": "plain", "expected": "4"},
    {"question": "snow ☃ man", "nested": {"list": [1, 2.5, None, True], "empty": {}}},
    {"question": "", "metadata": {"quote": '"', "line": "a\nb", "zero": "\\u0000"}},
]


def _unique(word: str) -> str:
    return f"{word}-{uuid.uuid4().hex[:12]}"


async def _all(items: AsyncIterator[T]) -> list[T]:
    return [item async for item in items]


def _run(example_id: str, output: str, repetition: int = 1, fields: Mapping[str, Any] | None = None) -> ExperimentRun:
    columns: dict[str, Any] = {"promptops.repetition": repetition, "latency": 12.5, **(fields or {})}
    return ExperimentRun(example_id=example_id, output=output, fields=columns)


class DatasetStoreConformance:
    """Inherit it as ``class TestMine(DatasetStoreConformance)`` and give it an async fixture ``datasets``."""

    pytestmark = pytest.mark.anyio

    async def test_examples_come_back_as_they_were_in_their_order(self, datasets: DatasetStore) -> None:
        """Any JSON is kept, and each example gets an id of its own."""
        dataset = await datasets.create(_unique("awkward"), _AWKWARD)
        found = await _all(datasets.examples(dataset.id))
        assert [dict(example.fields) for example in found] == _AWKWARD
        assert len({example.id for example in found}) == len(_AWKWARD)

    async def test_dataset_is_found_by_id_and_by_name(self, datasets: DatasetStore) -> None:
        """Both name the same dataset."""
        name = _unique("named")
        dataset = await datasets.create(name, _AWKWARD)
        assert (await datasets.get(dataset.id)).name == name
        assert (await datasets.get(name)).id == dataset.id

    async def test_name_is_taken_once(self, datasets: DatasetStore) -> None:
        """The first dataset stays as it is."""
        dataset = await datasets.create(_unique("taken"), _AWKWARD)
        with pytest.raises(ConflictError):
            await datasets.create(dataset.name, [{"other": 1}])
        assert len(await _all(datasets.examples(dataset.id))) == len(_AWKWARD)

    async def test_dataset_without_examples_is_refused(self, datasets: DatasetStore) -> None:
        """An empty dataset would run nothing."""
        with pytest.raises(ValidationError):
            await datasets.create(_unique("empty"), [])

    async def test_absent_dataset_is_not_found(self, datasets: DatasetStore) -> None:
        """Its name is in the message."""
        name = _unique("absent")
        with pytest.raises(NotFoundError, match=name):
            await datasets.get(name)

    async def test_every_dataset_is_listed(self, datasets: DatasetStore) -> None:
        """The newest comes first."""
        first = await datasets.create(_unique("first"), _AWKWARD)
        second = await datasets.create(_unique("second"), _AWKWARD)
        ids = [dataset.id async for dataset in datasets.iterate()]
        assert ids.index(second.id) < ids.index(first.id)

    async def test_more_examples_than_one_page_keep_their_order(self, datasets: DatasetStore) -> None:
        """Pages join without a gap or a repetition."""
        dataset = await datasets.create(_unique("many"), ({"number": number} for number in range(1201)))
        assert [example["number"] async for example in datasets.examples(dataset.id)] == list(range(1201))

    async def test_appended_examples_follow_the_others(self, datasets: DatasetStore) -> None:
        """Their ids come back in the order given."""
        dataset = await datasets.create(_unique("append"), _AWKWARD)
        if not datasets.capabilities.can("append_examples"):
            await _refused(datasets, "append_examples", datasets.append(dataset.id, [{"number": 1}]))
            return
        ids = await datasets.append(dataset.id, [{"number": 1}, {"number": 2}])
        found = await _all(datasets.examples(dataset.id))
        assert [example.id for example in found[-2:]] == ids
        assert [example.get("number") for example in found[-2:]] == [1, 2]
        assert len(found) == len(_AWKWARD) + 2

    async def test_latest_version_is_the_first(self, datasets: DatasetStore) -> None:
        """Its examples are those that come without a version."""
        dataset = await datasets.create(_unique("versions"), _AWKWARD)
        if not datasets.capabilities.can("versions"):
            assert not (await datasets.get(dataset.id)).versions
            return
        latest = (await datasets.get(dataset.id)).versions[0]
        assert await _all(datasets.examples(dataset.id, version=latest.id)) == await _all(datasets.examples(dataset.id))

    async def test_version_before_an_append_stays_as_it_was(self, datasets: DatasetStore) -> None:
        """A store that does not keep snapshots may show the appended examples in it."""
        if not {"versions", "append_examples"} <= datasets.capabilities.features:
            return
        dataset = await datasets.create(_unique("snapshot"), _AWKWARD)
        before = (await datasets.get(dataset.id)).versions[0]
        await datasets.append(dataset.id, [{"number": 1}])
        seen = len(await _all(datasets.examples(dataset.id, version=before.id)))
        assert seen == len(_AWKWARD) + (not datasets.capabilities.can("snapshots"))

    async def test_deleted_dataset_is_gone(self, datasets: DatasetStore) -> None:
        """Its name is free again."""
        dataset = await datasets.create(_unique("deleted"), _AWKWARD)
        if not datasets.capabilities.can("delete_dataset"):
            await _refused(datasets, "delete_dataset", datasets.delete(dataset.id))
            return
        await datasets.delete(dataset.id)
        with pytest.raises(NotFoundError):
            await datasets.get(dataset.name)
        # Some servers give the id away again, at once and to anybody.
        again = await datasets.create(dataset.name, [{"number": 1}])
        assert [example.get("number") for example in await _all(datasets.examples(again.id))] == [1]


class ExperimentStoreConformance:
    """Inherit it and give it async fixtures ``experiments`` and ``datasets``, of one store."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    async def dataset(self, datasets: DatasetStore) -> tuple[str, list[str]]:
        """A dataset of three examples: its id, and theirs."""
        dataset = await datasets.create(_unique("questions"), _AWKWARD)
        return dataset.id, [example.id for example in await _all(datasets.examples(dataset.id))]

    async def test_runs_come_back_with_outputs_and_evaluations(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """Texts, typed outputs, errors, columns and evaluations are what they were."""
        judged = evaluation_columns("exact", Evaluation(score=1.0, label="true", explanation="the same"))
        broken = evaluation_columns("judge", Evaluation(error="it failed", cost=0.25, usage={"input_tokens": 7}))
        rows = [
            _run(dataset[1][0], "4", 1, judged | {"promptops.metadata.model": "small"}),
            _run(dataset[1][1], '{"a":[1]}', 1, broken | {"promptops.output": '{"a":[1]}'}),
            ExperimentRun(example_id=dataset[1][2], output="", error="it broke", fields={"promptops.repetition": 1}),
        ]
        experiment = await experiments.create(_unique("runs"), dataset_id=dataset[0], runs=rows)
        stored = {run.example_id: run async for run in experiments.runs(experiment.id)}
        found = [stored[example] for example in dataset[1]]
        assert len(stored) == len(rows)
        assert [run.repetition for run in found] == [1, 1, 1]
        assert [run.value for run in found[:2]] == ["4", {"a": [1]}]
        assert [run.error for run in found] == [None, None, "it broke"]
        assert found[0].evaluations["exact"].label == "true"
        assert found[0].evaluations["exact"].explanation == "the same"
        assert found[0].scores == {"exact": 1.0}
        assert found[0].latency_ms == 12.5
        assert found[1].evaluations["judge"].error == "it failed"
        assert found[1].evaluations["judge"].cost == 0.25
        assert found[1].evaluations["judge"].usage == {"input_tokens": 7}
        if experiments.capabilities.can("columns"):
            assert [run.to_wire() for run in found] == [row.to_wire() for row in rows]
            assert found[0].metadata == {"model": "small"}

    async def test_experiment_is_found_by_id_and_by_name_in_its_dataset(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """Both name the same experiment."""
        name = _unique("named")
        experiment = await experiments.create(name, dataset_id=dataset[0], runs=[_run(dataset[1][0], "4")])
        assert (await experiments.get(experiment.id)).name == name
        assert (await experiments.get(name, dataset_id=dataset[0])).id == experiment.id
        assert experiment.dataset_id == dataset[0]

    async def test_absent_experiment_is_not_found(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """Its name is in the message."""
        name = _unique("absent")
        with pytest.raises(NotFoundError, match=name):
            await experiments.get(name, dataset_id=dataset[0])

    async def test_name_is_taken_once_per_dataset(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """The first experiment keeps its runs."""
        name = _unique("taken")
        first = await experiments.create(name, dataset_id=dataset[0], runs=[_run(dataset[1][0], "4")])
        with pytest.raises(ConflictError):
            await experiments.create(name, dataset_id=dataset[0], runs=[_run(dataset[1][1], "5")])
        assert [run.output async for run in experiments.runs(first.id)] == ["4"]

    async def test_create_that_is_repeated_with_its_key_creates_once(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """What a caller does whose answer was lost."""
        name, key, rows = _unique("repeated"), _unique("key"), [_run(dataset[1][0], "4")]
        first = await experiments.create(name, dataset_id=dataset[0], runs=rows, key=key)
        again = await experiments.create(name, dataset_id=dataset[0], runs=rows, key=key)
        assert again.id == first.id
        assert len(await _all(experiments.runs(first.id))) == 1

    async def test_run_of_an_unknown_example_is_refused(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """A row that belongs to nothing could not be compared."""
        with pytest.raises(ValidationError):
            await experiments.create(_unique("unknown"), dataset_id=dataset[0], runs=[_run("no-such-example", "4")])

    async def test_experiment_without_runs(self, experiments: ExperimentStore, dataset: tuple[str, list[str]]) -> None:
        """It is stored, or refused by name."""
        made = experiments.create(_unique("empty"), dataset_id=dataset[0])
        if not experiments.capabilities.can("empty_experiments"):
            await _refused(experiments, "empty_experiments", made)
            return
        experiment = await made
        assert await _all(experiments.runs(experiment.id)) == []
        name, key = _unique("empty"), _unique("key")
        first = await experiments.create(name, dataset_id=dataset[0], key=key)
        assert (await experiments.create(name, dataset_id=dataset[0], key=key)).id == first.id
        with pytest.raises(ConflictError):
            await experiments.create(name, dataset_id=dataset[0])

    async def test_uploaded_runs_follow_the_others_and_are_stored_once(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """Repeating a call with its key adds nothing."""
        experiment = await experiments.create(
            _unique("more"), dataset_id=dataset[0], runs=[_run(dataset[1][0], "4")], repetitions=2
        )
        more = [_run(dataset[1][1], "5"), _run(dataset[1][0], "6", 2)]
        if not experiments.capabilities.can("append_runs"):
            await _refused(experiments, "append_runs", experiments.upload_runs(experiment.id, more))
            return
        key = _unique("key")
        ids = await experiments.upload_runs(experiment.id, more, key=key)
        assert await experiments.upload_runs(experiment.id, more, key=key) == ids
        found = await _all(experiments.runs(experiment.id))
        assert (found[0].example_id, found[0].repetition, found[0].output) == (dataset[1][0], 1, "4")
        assert {(run.example_id, run.repetition, run.output, run.id) for run in found[1:]} == {
            (dataset[1][1], 1, "5", ids[0]),
            (dataset[1][0], 2, "6", ids[1]),
        }
        assert len(found) == 3

    async def test_run_that_is_stored_already_stays_with_its_further_evaluations(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """Where evaluations can be added, no key is needed for that; evaluations that it had stay."""
        if not {"append_runs", "add_evaluations"} <= experiments.capabilities.features:
            return
        first = evaluation_columns("first", Evaluation(score=0.5))
        experiment = await experiments.create(
            _unique("again"), dataset_id=dataset[0], runs=[_run(dataset[1][0], "4", 1, first)]
        )
        second = evaluation_columns("second", Evaluation(score=1.0))
        [again] = await experiments.upload_runs(experiment.id, [_run(dataset[1][0], "4", 1, first | second)])
        [found] = await _all(experiments.runs(experiment.id))
        assert (found.id, found.output) == (again, "4")
        assert found.scores == {"first": 0.5, "second": 1.0}

    async def test_failed_run_is_replaced_with_its_evaluations(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """A successful one stays as it is, whatever comes."""
        if not experiments.capabilities.can("replace_failed_runs"):
            return
        old = evaluation_columns("old", Evaluation(score=0.0))
        columns = {"promptops.repetition": 1, **old}
        failed = ExperimentRun(example_id=dataset[1][0], output="", error="it broke", fields=columns)
        experiment = await experiments.create(_unique("failed"), dataset_id=dataset[0], runs=[failed])
        new = evaluation_columns("new", Evaluation(score=1.0))
        await experiments.upload_runs(experiment.id, [_run(dataset[1][0], "4", 1, new)])
        [found] = await _all(experiments.runs(experiment.id))
        assert (found.output, found.error, found.scores) == ("4", None, {"new": 1.0})
        with pytest.raises(ConflictError):
            await experiments.upload_runs(experiment.id, [_run(dataset[1][0], "5")])
        assert [run.output async for run in experiments.runs(experiment.id)] == ["4"]

    async def test_repetitions_and_metadata_are_kept(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """Where the store says so; elsewhere an experiment has one repetition and no metadata."""
        given: dict[str, Any] = {"model": "small", "temperature": 0.5, "tags": ["a", None]}
        made = await experiments.create(
            _unique("described"),
            dataset_id=dataset[0],
            runs=[_run(dataset[1][0], "4", 2)],
            key=_unique("key"),
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
            _unique("version"), dataset_id=dataset[0], runs=[_run(dataset[1][0], "4")], dataset_version_id=version
        )
        assert (await experiments.get(experiment.id)).dataset_version_id == version
        if experiments.capabilities.can("incomplete_runs"):
            found = await _all(experiments.incomplete_runs(experiment.id))
            assert sorted(found) == sorted([(dataset[1][1], 1), (dataset[1][2], 1)])

    async def test_evaluations_join_runs_that_are_stored(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """One of the same name is replaced; a run that is not there is an error."""
        experiment = await experiments.create(
            _unique("rescored"), dataset_id=dataset[0], runs=[_run(dataset[1][0], "4")]
        )

        def judged(score: float, example: str = dataset[1][0]) -> list[RunEvaluation]:
            said = Evaluation(score=score)
            return [RunEvaluation(example_id=example, repetition=1, name="late", evaluation=said)]

        if not experiments.capabilities.can("add_evaluations"):
            await _refused(experiments, "add_evaluations", experiments.upload_evaluations(experiment.id, judged(1.0)))
            return
        await experiments.upload_evaluations(experiment.id, judged(0.25))
        await experiments.upload_evaluations(experiment.id, judged(0.75))
        assert [run.scores async for run in experiments.runs(experiment.id)] == [{"late": 0.75}]
        with pytest.raises(PromptOpsError):
            await experiments.upload_evaluations(experiment.id, judged(1.0, dataset[1][1]))

    async def test_missing_and_failed_runs_are_incomplete(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """With their repetition."""
        rows = [
            _run(dataset[1][0], "4"),
            _run(dataset[1][0], "4", 2),
            _run(dataset[1][1], "5"),
            ExperimentRun(example_id=dataset[1][2], output="", error="it broke", fields={"promptops.repetition": 1}),
        ]
        experiment = await experiments.create(_unique("half"), dataset_id=dataset[0], runs=rows, repetitions=2)
        if not experiments.capabilities.can("incomplete_runs"):
            with pytest.raises(UnsupportedOperation):
                await _all(experiments.incomplete_runs(experiment.id))
            return
        for repetitions in (2, None):
            found = await _all(experiments.incomplete_runs(experiment.id, repetitions=repetitions))
            assert sorted(found) == sorted([(dataset[1][1], 2), (dataset[1][2], 1), (dataset[1][2], 2)])
        only = await _all(experiments.incomplete_runs(experiment.id, repetitions=1))
        assert only == [(dataset[1][2], 1)]

    async def test_missing_and_failed_evaluations_are_incomplete(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """Of successful runs, with their names; one without names asks for nothing."""
        both = evaluation_columns("first", Evaluation(score=1.0)) | evaluation_columns("second", Evaluation(label="a"))
        broken = evaluation_columns("first", Evaluation(error="it failed"))
        rows = [
            _run(dataset[1][0], "4", 1, both),
            _run(dataset[1][1], "5", 1, broken),
            ExperimentRun(example_id=dataset[1][2], output="", error="it broke", fields={"promptops.repetition": 1}),
        ]
        experiment = await experiments.create(_unique("scored"), dataset_id=dataset[0], runs=rows)
        if not experiments.capabilities.can("incomplete_evaluations"):
            with pytest.raises(UnsupportedOperation):
                await _all(experiments.incomplete_evaluations(experiment.id, ["first"]))
            return
        found = await _all(experiments.incomplete_evaluations(experiment.id, ["first", "second"]))
        assert [(key, sorted(names)) for key, names in found] == [((dataset[1][1], 1), ["first", "second"])]
        third = await _all(experiments.incomplete_evaluations(experiment.id, ["third"]))
        assert sorted(third) == sorted((UnitKey(example, 1), ("third",)) for example in dataset[1][:2])
        with pytest.raises(ValidationError):
            await _all(experiments.incomplete_evaluations(experiment.id, []))

    async def test_experiments_are_listed_by_dataset(
        self, experiments: ExperimentStore, datasets: DatasetStore, dataset: tuple[str, list[str]]
    ) -> None:
        """The newest comes first, and none of another dataset."""
        other = await datasets.create(_unique("other"), _AWKWARD)
        example = (await _all(datasets.examples(other.id)))[0].id
        await experiments.create(_unique("elsewhere"), dataset_id=other.id, runs=[_run(example, "4")])
        made = [
            (await experiments.create(_unique("here"), dataset_id=dataset[0], runs=[_run(dataset[1][0], "4")])).id
            for _ in range(2)
        ]
        assert [found.id async for found in experiments.iterate(dataset_id=dataset[0])] == made[::-1]

    async def test_deleted_experiment_is_gone(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """Its name is free again."""
        rows = [_run(dataset[1][0], "4")]
        experiment = await experiments.create(_unique("deleted"), dataset_id=dataset[0], runs=rows)
        if not experiments.capabilities.can("delete_experiment"):
            await _refused(experiments, "delete_experiment", experiments.delete(experiment.id))
            return
        await experiments.delete(experiment.id)
        with pytest.raises(NotFoundError):
            await experiments.get(experiment.name, dataset_id=dataset[0])
        # Some servers give the id away again, too.
        again = await experiments.create(experiment.name, dataset_id=dataset[0], runs=rows)
        assert (await experiments.get(experiment.name, dataset_id=dataset[0])).id == again.id
        assert len(await _all(experiments.runs(again.id))) == 1


async def _refused(store: DatasetStore | ExperimentStore, feature: Feature, call: Any) -> None:
    with pytest.raises(UnsupportedOperation) as caught:
        await call
    assert caught.value.details == {"store": store.capabilities.store, "feature": feature}
    assert store.capabilities.store in caught.value.message
