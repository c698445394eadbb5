"""The tests of the runs and evaluations in a store of experiments."""

from __future__ import annotations

import pytest
from promptops.core.errors import ConflictError, PromptOpsError, UnsupportedOperation, ValidationError
from promptops.experiments.journal import UnitKey
from promptops.experiments.stores import DatasetStore, ExperimentStore, RunEvaluation
from promptops.experiments.testing._given import AWKWARD, check_refused, everything, run_of, unique
from promptops.models.experiments import Evaluation, ExperimentRun, evaluation_columns

__all__ = ["ExperimentRowsConformance"]


class ExperimentRowsConformance:
    """The tests of runs and evaluations; a part of :class:`ExperimentStoreConformance`."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    async def dataset(self, datasets: DatasetStore) -> tuple[str, list[str]]:
        """A dataset of three examples: its id, and theirs."""
        dataset = await datasets.create(unique("questions"), AWKWARD)
        return dataset.id, [example.id for example in await everything(datasets.examples(dataset.id))]

    async def test_runs_come_back_with_outputs_and_evaluations(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """Texts, typed outputs, errors, columns and evaluations are what they were."""
        judged = evaluation_columns("exact", Evaluation(score=1.0, label="true", explanation="the same"))
        broken = evaluation_columns("judge", Evaluation(error="it failed", cost=0.25, usage={"input_tokens": 7}))
        rows = [
            run_of(dataset[1][0], "4", 1, judged | {"promptops.metadata.model": "small"}),
            run_of(dataset[1][1], '{"a":[1]}', 1, broken | {"promptops.output": '{"a":[1]}'}),
            ExperimentRun(example_id=dataset[1][2], output="", error="it broke", fields={"promptops.repetition": 1}),
        ]
        experiment = await experiments.create(unique("runs"), dataset_id=dataset[0], runs=rows)
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

    async def test_run_of_an_unknown_example_is_refused(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """A row that belongs to nothing could not be compared."""
        with pytest.raises(ValidationError):
            await experiments.create(unique("unknown"), dataset_id=dataset[0], runs=[run_of("no-such-example", "4")])

    async def test_uploaded_runs_follow_the_others_and_are_stored_once(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """Repeating a call with its key adds nothing."""
        experiment = await experiments.create(
            unique("more"), dataset_id=dataset[0], runs=[run_of(dataset[1][0], "4")], repetitions=2
        )
        more = [run_of(dataset[1][1], "5"), run_of(dataset[1][0], "6", 2)]
        if not experiments.capabilities.can("append_runs"):
            await check_refused(experiments, "append_runs", experiments.upload_runs(experiment.id, more))
            return
        key = unique("key")
        ids = await experiments.upload_runs(experiment.id, more, key=key)
        assert await experiments.upload_runs(experiment.id, more, key=key) == ids
        found = await everything(experiments.runs(experiment.id))
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
            unique("again"), dataset_id=dataset[0], runs=[run_of(dataset[1][0], "4", 1, first)]
        )
        second = evaluation_columns("second", Evaluation(score=1.0))
        [again] = await experiments.upload_runs(experiment.id, [run_of(dataset[1][0], "4", 1, first | second)])
        [found] = await everything(experiments.runs(experiment.id))
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
        experiment = await experiments.create(unique("failed"), dataset_id=dataset[0], runs=[failed])
        new = evaluation_columns("new", Evaluation(score=1.0))
        await experiments.upload_runs(experiment.id, [run_of(dataset[1][0], "4", 1, new)])
        [found] = await everything(experiments.runs(experiment.id))
        assert (found.output, found.error, found.scores) == ("4", None, {"new": 1.0})
        with pytest.raises(ConflictError):
            await experiments.upload_runs(experiment.id, [run_of(dataset[1][0], "5")])
        assert [run.output async for run in experiments.runs(experiment.id)] == ["4"]

    async def test_evaluations_join_runs_that_are_stored(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """One of the same name is replaced; a run that is not there is an error."""
        experiment = await experiments.create(
            unique("rescored"), dataset_id=dataset[0], runs=[run_of(dataset[1][0], "4")]
        )

        def judged(score: float, example: str = dataset[1][0]) -> list[RunEvaluation]:
            said = Evaluation(score=score)
            return [RunEvaluation(example_id=example, repetition=1, name="late", evaluation=said)]

        if not experiments.capabilities.can("add_evaluations"):
            await check_refused(
                experiments, "add_evaluations", experiments.upload_evaluations(experiment.id, judged(1.0))
            )
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
            run_of(dataset[1][0], "4"),
            run_of(dataset[1][0], "4", 2),
            run_of(dataset[1][1], "5"),
            ExperimentRun(example_id=dataset[1][2], output="", error="it broke", fields={"promptops.repetition": 1}),
        ]
        experiment = await experiments.create(unique("half"), dataset_id=dataset[0], runs=rows, repetitions=2)
        if not experiments.capabilities.can("incomplete_runs"):
            with pytest.raises(UnsupportedOperation):
                await everything(experiments.incomplete_runs(experiment.id))
            return
        for repetitions in (2, None):
            found = await everything(experiments.incomplete_runs(experiment.id, repetitions=repetitions))
            assert sorted(found) == sorted([(dataset[1][1], 2), (dataset[1][2], 1), (dataset[1][2], 2)])
        only = await everything(experiments.incomplete_runs(experiment.id, repetitions=1))
        assert only == [(dataset[1][2], 1)]

    async def test_missing_and_failed_evaluations_are_incomplete(
        self, experiments: ExperimentStore, dataset: tuple[str, list[str]]
    ) -> None:
        """Of successful runs, with their names; one without names asks for nothing."""
        both = evaluation_columns("first", Evaluation(score=1.0)) | evaluation_columns("second", Evaluation(label="a"))
        broken = evaluation_columns("first", Evaluation(error="it failed"))
        rows = [
            run_of(dataset[1][0], "4", 1, both),
            run_of(dataset[1][1], "5", 1, broken),
            ExperimentRun(example_id=dataset[1][2], output="", error="it broke", fields={"promptops.repetition": 1}),
        ]
        experiment = await experiments.create(unique("scored"), dataset_id=dataset[0], runs=rows)
        if not experiments.capabilities.can("incomplete_evaluations"):
            with pytest.raises(UnsupportedOperation):
                await everything(experiments.incomplete_evaluations(experiment.id, ["first"]))
            return
        found = await everything(experiments.incomplete_evaluations(experiment.id, ["first", "second"]))
        assert [(key, sorted(names)) for key, names in found] == [((dataset[1][1], 1), ["first", "second"])]
        third = await everything(experiments.incomplete_evaluations(experiment.id, ["third"]))
        assert sorted(third) == sorted((UnitKey(example, 1), ("third",)) for example in dataset[1][:2])
        with pytest.raises(ValidationError):
            await everything(experiments.incomplete_evaluations(experiment.id, []))
