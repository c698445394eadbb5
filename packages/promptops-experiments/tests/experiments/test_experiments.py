from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from promptops.core.errors import ConflictError, NotFoundError, ValidationError
from promptops.experiments import AsyncDatasets, AsyncExperiments, SyncDatasets, SyncExperiments

if TYPE_CHECKING:
    from .conftest import MemoryServer


@pytest.fixture
def example_ids(datasets: SyncDatasets, questions: str) -> list[str]:
    return [example.id for example in datasets.examples(questions)]


def test_runs_come_back_as_they_were_given(
    experiments: SyncExperiments, questions: str, example_ids: list[str]
) -> None:
    row = {"example_id": example_ids[0], "output": "4", "latency": 12.5, "eval.right.score": 1, "model": "m"}
    experiments.create("e", dataset=questions, runs=[row])
    [run] = experiments.runs("e")
    assert (run.output, run.value, run.latency_ms, run.score("right")) == ("4", "4", 12.5, 1.0)
    assert run.fields["model"] == "m"
    assert run.id is not None


def test_an_output_that_is_not_text_keeps_its_type(
    experiments: SyncExperiments, questions: str, example_ids: list[str], server: MemoryServer
) -> None:
    values: list[Any] = [{"answer": [1, None]}, 4, None, True, "text"]
    runs = [{"example_id": id_, "output": value} for id_, value in zip(example_ids, values, strict=False)]
    experiments.create("e", dataset=questions, runs=runs)
    assert [run.value for run in experiments.runs("e")] == values
    assert [run.output for run in experiments.runs("e")] == ['{"answer":[1,null]}', "4", "null", "true", "text"]


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ({"output": "x"}, "example_id"),
        ({"example_id": "e"}, "output"),
        ({"example_id": 5, "output": "x"}, "example_id"),
        ({"example_id": "e", "output": float("nan")}, "NaN"),
        ("text", "object"),
    ],
)
def test_a_run_that_does_not_fit_is_refused_before_any_request(
    experiments: SyncExperiments, server: MemoryServer, run: Any, reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        experiments.create("e", dataset="d", runs=[run])
    assert server.requests == []


def test_an_experiment_without_runs_is_refused_before_any_request(
    experiments: SyncExperiments, server: MemoryServer
) -> None:
    with pytest.raises(ValidationError, match="at least one run"):
        experiments.create("e", dataset="d", runs=[])
    with pytest.raises(ValidationError, match="at least one run"):
        experiments.insert_runs("e", [])
    assert server.requests == []


@pytest.mark.parametrize("name", ["", "x" * 256, 'a"b', "a\\b"])
def test_a_name_that_the_contract_forbids_is_refused(
    experiments: SyncExperiments, server: MemoryServer, name: str
) -> None:
    with pytest.raises(ValidationError, match="name"):
        experiments.create(name, dataset="d", runs=[{"example_id": "e", "output": ""}])
    assert server.requests == []


def test_many_runs_travel_in_parts(
    experiments: SyncExperiments, questions: str, example_ids: list[str], server: MemoryServer
) -> None:
    runs = [{"example_id": example_ids[i % 10], "output": str(i)} for i in range(2300)]
    experiments.create("e", dataset=questions, runs=runs[:1200])
    ids = experiments.insert_runs("e", runs[1200:])
    stored = experiments.runs("e")
    assert [run.output for run in stored] == [str(i) for i in range(2300)]
    assert [run.id for run in stored[1200:]] == ids


def test_rows_of_one_experiment_can_be_stored_as_another(
    experiments: SyncExperiments, questions: str, example_ids: list[str]
) -> None:
    experiments.create("a", dataset=questions, runs=[{"example_id": example_ids[0], "output": {"x": 1}, "k": 2}])
    experiments.create("b", dataset=questions, runs=experiments.runs("a"))
    assert experiments.runs("b")[0].value == {"x": 1}
    assert experiments.runs("b")[0].fields["k"] == 2


def test_the_same_name_in_two_datasets_asks_for_the_dataset(
    experiments: SyncExperiments, datasets: SyncDatasets, questions: str, example_ids: list[str]
) -> None:
    datasets.create("other", [{"a": 1}])
    experiments.create("e", dataset=questions, runs=[{"example_id": example_ids[0], "output": ""}])
    other = datasets.examples("other")[0].id
    experiments.create("e", dataset="other", runs=[{"example_id": other, "output": ""}])
    with pytest.raises(ValidationError, match="dataset="):
        experiments.get("e")
    assert experiments.get("e", dataset="other").dataset_id == datasets.get("other").id


def test_lists_names_conflicts_and_deletes(
    experiments: SyncExperiments, questions: str, example_ids: list[str]
) -> None:
    run = {"example_id": example_ids[0], "output": ""}
    for name in ("first", "second"):
        experiments.create(name, dataset=questions, runs=[run])
    assert [item.name for item in experiments.list(dataset=questions)] == ["second", "first"]
    assert [item.name for item in experiments.iterate(name="fir")] == ["first"]
    assert len(experiments.list_page(limit=1).items) == 1
    with pytest.raises(ConflictError):
        experiments.create("first", dataset=questions, runs=[run])
    with pytest.raises(NotFoundError, match="did you mean 'first'"):
        experiments.get("frst")
    experiments.delete("first")
    assert [item.name for item in experiments.list()] == ["second"]


def test_two_stored_experiments_are_compared_by_name(
    experiments: SyncExperiments, questions: str, example_ids: list[str]
) -> None:
    for name, scores in (("before", [1, 1, 0, 0]), ("after", [1, 0, 1, 1])):
        runs = [
            {"example_id": id_, "output": "", "eval.right.score": score}
            for id_, score in zip(example_ids, scores, strict=False)
        ]
        experiments.create(name, dataset=questions, runs=runs)
    comparison = experiments.compare("before", "after")
    metric = comparison["right"]
    assert (len(metric.better), len(metric.worse), len(metric.same)) == (2, 1, 1)
    assert metric.difference == 0.25
    assert (comparison.baseline, comparison.candidate) == ("before", "after")
    assert set(example_ids) == set(comparison.examples)


@pytest.mark.parametrize(
    ("asynchronous", "blocking"), [(AsyncDatasets, SyncDatasets), (AsyncExperiments, SyncExperiments)]
)
def test_every_coroutine_has_its_blocking_twin(asynchronous: type, blocking: type) -> None:
    names = [name for name in vars(asynchronous) if not name.startswith("_")]
    assert len(names) > 8
    for name in names:
        ours, twin = getattr(asynchronous, name), getattr(blocking, name)
        assert ours.__doc__ == twin.__doc__
        assert list(inspect.signature(ours).parameters) == list(inspect.signature(twin).parameters)
