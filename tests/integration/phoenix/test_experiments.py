"""Experiments on a real Phoenix server: every operation of the resource and of its store, in both forms."""

from __future__ import annotations

import asyncio
import csv
import inspect
import io
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from promptops.core.errors import (
    ConflictError,
    NotFoundError,
    ServerError,
    UnsupportedOperation,
    ValidationError,
)
from promptops.experiments import AsyncExperiments
from promptops.experiments.stores import DatasetStore, ExperimentStore
from promptops.experiments.testing import ExperimentStoreConformance
from promptops.models.experiments import Evaluation, ExperimentRun, evaluation_columns
from promptops.phoenix import PhoenixClient, SyncPhoenixClient
from promptops.phoenix._ids import global_id
from promptops.phoenix.experiments._resource import AsyncPhoenixExperiments

pytestmark = pytest.mark.anyio
Unique = Callable[..., str]
SUMS = [{"input": {"a": number, "b": 1}, "output": {"expected": str(number + 1)}} for number in range(3)]
NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
ABSENT = global_id("Experiment", 2**31 - 1)


@pytest.fixture
async def rest(phoenix_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The server without any client of ours."""
    async with httpx.AsyncClient(base_url=phoenix_url, timeout=30) as client:
        yield client


@pytest.fixture
async def dataset(rest: httpx.AsyncClient, unique: Unique) -> str:
    """The id of a new dataset of three examples."""
    body = {
        "name": unique("sums"),
        "inputs": [one["input"] for one in SUMS],
        "outputs": [one["output"] for one in SUMS],
    }
    answer = await rest.post("/v1/datasets/upload", params={"sync": "true"}, json=body)
    found: str = answer.raise_for_status().json()["data"]["dataset_id"]
    return found


@pytest.fixture
async def examples(rest: httpx.AsyncClient, dataset: str) -> list[str]:
    """The ids of its examples."""
    return [item["node_id"] for item in (await data_of(rest, f"/v1/datasets/{dataset}/examples"))["examples"]]


async def data_of(rest: httpx.AsyncClient, where: str, **query: Any) -> Any:
    return (await rest.get(where, params=query)).raise_for_status().json()["data"]


def row(example: str, output: object = "4", **fields: Any) -> dict[str, Any]:
    return {"example_id": example, "output": output, **fields}


class TestPhoenixStore(ExperimentStoreConformance):
    @pytest.fixture(params=["async", "sync"])
    async def client(
        self, request: pytest.FixtureRequest, phoenix_url: str
    ) -> AsyncIterator[PhoenixClient | SyncPhoenixClient]:
        if request.param == "async":
            async with PhoenixClient(base_url=phoenix_url) as client:
                yield client
        else:
            with SyncPhoenixClient(base_url=phoenix_url) as blocking:
                yield blocking

    @pytest.fixture
    def datasets(self, client: PhoenixClient | SyncPhoenixClient) -> DatasetStore:
        return client.stores.datasets

    @pytest.fixture
    def experiments(self, client: PhoenixClient | SyncPhoenixClient) -> ExperimentStore:
        return client.stores.experiments


def test_signatures_are_those_of_our_own_server() -> None:
    for name, method in inspect.getmembers(AsyncExperiments, inspect.isfunction):
        if name.startswith("_"):
            continue
        ours, theirs = inspect.signature(method), inspect.signature(getattr(AsyncPhoenixExperiments, name))
        shared = {key: theirs.parameters[key] for key in ours.parameters}
        assert shared == dict(ours.parameters), name
        assert theirs.return_annotation == ours.return_annotation, name
        further = [theirs.parameters[key] for key in theirs.parameters.keys() - ours.parameters.keys()]
        assert all(one.kind is one.KEYWORD_ONLY and one.default is not one.empty for one in further), name


async def test_runs_made_elsewhere_are_stored_field_by_field(
    phoenix: PhoenixClient, rest: httpx.AsyncClient, dataset: str, examples: list[str], unique: Unique
) -> None:
    judged = evaluation_columns("judge", Evaluation(score=0.5, label="so so", explanation="why", cost=0.25))
    made = await phoenix.experiments.create(
        unique("made"),
        dataset=dataset,
        runs=[
            row(examples[0], {"sum": 1}, latency=1234.5, **{"promptops.started_at": NOW.isoformat()}, **judged),
            row(examples[1], "", error="it broke"),
            ExperimentRun(example_id=examples[0], output="again", fields={"promptops.repetition": 2}),
        ],
    )
    stored = await data_of(rest, f"/v1/experiments/{made.id}")
    assert (stored["name"], stored["repetitions"], stored["dataset_id"]) == (made.name, 2, dataset)
    runs = {
        (run["dataset_example_id"], run["repetition_number"]): run
        for run in await data_of(rest, f"/v1/experiments/{made.id}/runs")
    }
    first, failed, again = runs[examples[0], 1], runs[examples[1], 1], runs[examples[0], 2]
    assert (first["output"], first["error"]) == ({"sum": 1}, None)
    assert datetime.fromisoformat(first["start_time"]) == NOW
    assert datetime.fromisoformat(first["end_time"]) == NOW + timedelta(seconds=1.2345)
    assert (failed["output"], failed["error"]) == (None, "it broke")
    assert again["output"] == "again"
    exported = (await rest.get(f"/v1/experiments/{made.id}/json")).json()
    (annotation,) = next(item["annotations"] for item in exported if item["output"] == {"sum": 1})
    assert (annotation["name"], annotation["annotator_kind"]) == ("judge", "CODE")
    assert (annotation["score"], annotation["label"], annotation["explanation"]) == (0.5, "so so", "why")
    assert annotation["metadata"] == {"promptops.cost": 0.25}


async def test_more_runs_than_a_page_come_back_in_their_order(
    phoenix: PhoenixClient, rest: httpx.AsyncClient, unique: Unique, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promptops.phoenix.experiments._lookup.RUNS_PER_PAGE", 7)
    body = {"name": unique("many"), "inputs": [{"n": number} for number in range(20)]}
    answer = await rest.post("/v1/datasets/upload", params={"sync": "true"}, json=body)
    dataset = answer.json()["data"]["dataset_id"]
    nodes = [item["node_id"] for item in (await data_of(rest, f"/v1/datasets/{dataset}/examples"))["examples"]]
    made = await phoenix.experiments.create_empty(name=unique("many"), dataset=dataset)
    half = [row(node, str(place), **{"eval.place.score": place}) for place, node in enumerate(nodes[:10])]
    rest_of = [row(node, str(place), **{"eval.place.score": place}) for place, node in enumerate(nodes[10:], 10)]
    ids = await phoenix.experiments.insert_runs(made.id, half)
    ids += await phoenix.experiments.insert_runs(made.id, rest_of)
    found = await phoenix.experiments.runs(made.id)
    assert [run.id async for run in phoenix.experiments.iterate_runs(made.name, dataset=dataset)] == [
        run.id for run in found
    ]
    assert {run.id: run.output for run in found} == {run_id: str(place) for place, run_id in enumerate(ids)}
    assert all(run.score("place") == float(str(run.output)) for run in found)
    assert {int(str(run.output)) for run in found[:10]} == set(range(10)), "the first call's come first"
    lacking = [key async for key in phoenix.experiments.incomplete_runs(experiment=made.id)]
    assert not lacking


async def test_experiment_is_found_by_name_and_by_id_and_listed(
    phoenix: PhoenixClient, dataset: str, examples: list[str], unique: Unique
) -> None:
    stem = unique("listed")
    made = [
        await phoenix.experiments.create(f"{stem}-{number}", dataset=dataset, runs=[row(examples[0])])
        for number in range(3)
    ]
    assert await phoenix.experiments.get(f"{stem}-1", dataset=dataset) == made[1]
    assert await phoenix.experiments.get(made[1].id) == made[1]
    newest_first = [one.id for one in made][::-1]
    assert [one.id for one in await phoenix.experiments.list(dataset=dataset)] == newest_first
    assert [one.id async for one in phoenix.experiments.iterate(dataset=dataset, name=f"{stem[-4:]}-1")] == [made[1].id]
    for filters in ({"dataset": dataset}, {"dataset": dataset, "name": stem}):
        page = await phoenix.experiments.list_page(limit=2, **filters)
        further = await phoenix.experiments.list_page(limit=2, cursor=page.next_cursor, **filters)
        assert [one.id for one in (*page.items, *further.items)] == newest_first
        assert (page.has_more, further.has_more) == (True, False)


async def test_what_is_not_there_is_not_found(phoenix: PhoenixClient, dataset: str, unique: Unique) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: phoenix.experiments.get(ABSENT),
        lambda: phoenix.experiments.get(unique("absent"), dataset=dataset),
        lambda: phoenix.experiments.runs(ABSENT),
        lambda: phoenix.experiments.list(dataset=global_id("Dataset", 2**31 - 1)),
        lambda: phoenix.experiments.list(dataset=unique("absent")),
        lambda: phoenix.experiments.delete(ABSENT),
        lambda: phoenix.experiments.export_csv(experiment=ABSENT),
        lambda: phoenix.experiments.export_json(experiment=ABSENT),
        lambda: phoenix.experiments.tags(experiment=ABSENT),
        lambda: phoenix.experiments.insert_runs(ABSENT, [row(global_id("DatasetExample", 1))]),
        lambda: phoenix.experiments.create_empty(name=unique("e"), dataset=dataset, splits=["no-such-split"]),
    ]
    for call in calls:
        with pytest.raises(NotFoundError):
            await call()


async def test_project_is_refused_because_there_is_none(phoenix: PhoenixClient, dataset: str) -> None:
    with pytest.raises(UnsupportedOperation, match="project"):
        await phoenix.experiments.list(dataset=dataset, project="mine")


async def test_name_that_the_server_would_take_twice_is_taken_once(
    phoenix: PhoenixClient, rest: httpx.AsyncClient, dataset: str, unique: Unique
) -> None:
    name = unique("once")
    first = await phoenix.experiments.create_empty(name=name, dataset=dataset)
    with pytest.raises(ConflictError, match=first.id):
        await phoenix.experiments.create_empty(name=name, dataset=dataset)
    assert len(await data_of(rest, f"/v1/datasets/{dataset}/experiments")) == 1
    # The control: the server itself has nothing against it.
    (await rest.post(f"/v1/datasets/{dataset}/experiments", json={"name": name})).raise_for_status()
    with pytest.raises(ValidationError, match="2 experiments are named"):
        await phoenix.experiments.get(name, dataset=dataset)


async def test_of_many_that_create_one_name_at_once_one_succeeds(
    phoenix_url: str, rest: httpx.AsyncClient, dataset: str, unique: Unique
) -> None:
    name = unique("race")

    async def create() -> str | None:
        async with PhoenixClient(base_url=phoenix_url) as client:
            try:
                return (await client.experiments.create_empty(name=name, dataset=dataset)).id
            except ConflictError:
                return None

    made = [found for found in await asyncio.gather(*(create() for _ in range(6))) if found is not None]
    assert [item["id"] for item in await data_of(rest, f"/v1/datasets/{dataset}/experiments")] == made
    assert len(made) == 1


async def test_empty_experiment_has_what_it_was_given(phoenix: PhoenixClient, dataset: str, unique: Unique) -> None:
    made = await phoenix.experiments.create_empty(
        name=unique("empty"), dataset=dataset, repetitions=4, metadata={"model": "small"}, description="for people"
    )
    found = await phoenix.experiments.record(experiment=made.id)
    assert found == made
    assert (found.repetitions, found.metadata, found.description) == (4, {"model": "small"}, "for people")
    assert (found.example_count, found.successful_run_count, found.missing_run_count) == (3, 0, 12)
    assert await phoenix.experiments.export_csv(experiment=made.id) == ""
    assert await phoenix.experiments.export_json(experiment=made.id) == []
    assert await phoenix.experiments.runs(made.id) == []


async def test_experiment_is_of_a_version_and_of_splits(
    phoenix: PhoenixClient, rest: httpx.AsyncClient, unique: Unique
) -> None:
    body: dict[str, Any] = {"name": unique("split"), "inputs": [{"n": 0}, {"n": 1}], "splits": ["train", "test"]}
    answer = await rest.post("/v1/datasets/upload", params={"sync": "true"}, json=body)
    first = answer.json()["data"]
    dataset = first["dataset_id"]
    nodes = [item["node_id"] for item in (await data_of(rest, f"/v1/datasets/{dataset}/examples"))["examples"]]
    body = {"name": body["name"], "action": "append", "inputs": [{"n": 2}]}
    (await rest.post("/v1/datasets/upload", params={"sync": "true"}, json=body)).raise_for_status()
    made = await phoenix.experiments.create_empty(name=unique("old"), dataset=dataset, version=first["version_id"])
    assert (made.dataset_version_id, made.example_count) == (first["version_id"], 2)
    split = await phoenix.experiments.create_empty(
        name=unique("test"), dataset=dataset, version=first["version_id"], splits=["test"]
    )
    with pytest.raises(ValidationError, match="not an example of experiment"):
        await phoenix.experiments.insert_runs(split.id, [row(nodes[0])])
    await phoenix.experiments.insert_runs(split.id, [row(nodes[1])])
    assert [key async for key in phoenix.experiments.incomplete_runs(experiment=split.id)] == []


@pytest.mark.parametrize("repetitions", [0, -3])
async def test_repetitions_that_spoil_a_dataset_never_reach_the_server(
    phoenix: PhoenixClient, dataset: str, unique: Unique, repetitions: int
) -> None:
    with pytest.raises(ValidationError, match="repetitions"):
        await phoenix.experiments.create_empty(name=unique("zero"), dataset=dataset, repetitions=repetitions)
    assert await phoenix.experiments.list(dataset=dataset) == []


async def test_unit_that_is_none_of_the_experiment_is_refused(
    phoenix: PhoenixClient, rest: httpx.AsyncClient, dataset: str, examples: list[str], unique: Unique
) -> None:
    body = {"name": unique("other"), "inputs": [{"n": 1}]}
    other = (await rest.post("/v1/datasets/upload", params={"sync": "true"}, json=body)).json()["data"]["dataset_id"]
    stranger = (await data_of(rest, f"/v1/datasets/{other}/examples"))["examples"][0]["node_id"]
    made = await phoenix.experiments.create_empty(name=unique("own"), dataset=dataset, repetitions=2)
    for wrong in (row(stranger), row(examples[0], **{"promptops.repetition": 99}), row("no-id")):
        with pytest.raises(ValidationError):
            await phoenix.experiments.insert_runs(made.id, [row(examples[1]), wrong])
    assert (await phoenix.experiments.record(experiment=made.id)).successful_run_count == 0
    # The control: the server takes both, and counts them.
    times = {"start_time": NOW.isoformat(), "end_time": NOW.isoformat()}
    for example, repetition in ((stranger, 1), (examples[0], 99)):
        wrong_run = {"dataset_example_id": example, "repetition_number": repetition, "output": "x", **times}
        (await rest.post(f"/v1/experiments/{made.id}/runs", json=wrong_run)).raise_for_status()
    assert (await phoenix.experiments.record(experiment=made.id)).successful_run_count == 2


async def test_malformed_id_is_named_where_the_server_would_fail(
    phoenix: PhoenixClient, rest: httpx.AsyncClient
) -> None:
    body = {"experiment_run_id": "zzz", "name": "n", "annotator_kind": "CODE", "result": {"score": 1}}
    times = {"start_time": NOW.isoformat(), "end_time": NOW.isoformat()}
    assert (await rest.post("/v1/experiment_evaluations", json={**body, **times})).status_code == 500
    with pytest.raises(ValidationError, match=r"run_id must be .* ExperimentRun"):
        await phoenix.experiments.log_evaluation(run_id="zzz", name="n", score=1.0)
    with pytest.raises(ServerError) as caught:
        await phoenix.experiments.log_evaluation(run_id=global_id("ExperimentRun", 2**31 - 1), name="n", score=1.0)
    assert caught.value.status_code == 500


async def test_run_sent_twice_is_stored_once_and_another_is_a_conflict(
    phoenix: PhoenixClient, rest: httpx.AsyncClient, dataset: str, examples: list[str], unique: Unique
) -> None:
    made = await phoenix.experiments.create_empty(name=unique("twice"), dataset=dataset)
    rows = [row(example, {"n": place}) for place, example in enumerate(examples)]
    ids = await phoenix.experiments.insert_runs(made.id, rows)
    assert await phoenix.experiments.insert_runs(made.id, rows[::-1]) == ids[::-1]
    with pytest.raises(ConflictError, match="1 of these units"):
        await phoenix.experiments.insert_runs(made.id, [row(examples[0], {"n": True}), rows[1]])
    assert len(await data_of(rest, f"/v1/experiments/{made.id}/runs")) == 3


async def test_failed_run_is_replaced_in_place(
    phoenix: PhoenixClient, dataset: str, examples: list[str], unique: Unique
) -> None:
    broken = row(examples[0], "", error="it broke", **{"eval.old.score": 0.0})
    made = await phoenix.experiments.create(unique("failed"), dataset=dataset, runs=[broken])
    (before,) = await phoenix.experiments.runs(made.id)
    assert await phoenix.experiments.insert_runs(made.id, [row(examples[0], "fine")]) == [before.id]
    (after,) = await phoenix.experiments.runs(made.id)
    assert (after.output, after.error, after.scores) == ("fine", None, {})


async def test_number_that_json_has_not_is_refused_before_it_is_sent(
    phoenix: PhoenixClient, dataset: str, examples: list[str], unique: Unique
) -> None:
    made = await phoenix.experiments.create_empty(name=unique("nan"), dataset=dataset)
    for wrong in (row(examples[0], float("nan")), row(examples[0], "4", **{"eval.x.score": float("inf")})):
        with pytest.raises(ValidationError):
            await phoenix.experiments.insert_runs(made.id, [wrong])
    with pytest.raises(ValidationError):
        await phoenix.experiments.create_empty(name=unique("nan"), dataset=dataset, metadata={"x": float("nan")})
    assert await phoenix.experiments.runs(made.id) == []


async def test_score_that_is_no_number_and_stored_already_is_readable(
    phoenix: PhoenixClient, rest: httpx.AsyncClient, dataset: str, examples: list[str], unique: Unique
) -> None:
    made = await phoenix.experiments.create(unique("inf"), dataset=dataset, runs=[row(examples[0])])
    (stored,) = await phoenix.experiments.runs(made.id)
    times = {"start_time": NOW.isoformat(), "end_time": NOW.isoformat()}
    said = {"experiment_run_id": stored.id, "name": "x", "annotator_kind": "CODE", "result": {"score": float("inf")}}
    body = json.dumps({**said, **times})
    headers = {"content-type": "application/json"}
    (await rest.post("/v1/experiment_evaluations", content=body, headers=headers)).raise_for_status()
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode((await rest.get(f"/v1/experiments/{made.id}/json")).content)
    (found,) = await phoenix.experiments.runs(made.id)
    assert "not a finite number" in str(found.evaluations["x"].error)
    (exported,) = await phoenix.experiments.export_json(experiment=made.id)
    assert exported["annotations"][0]["score"] == float("inf")


async def test_update_changes_what_is_given_and_keeps_the_rest(
    phoenix: PhoenixClient, rest: httpx.AsyncClient, dataset: str, unique: Unique
) -> None:
    made = await phoenix.experiments.create_empty(
        name=unique("before"), dataset=dataset, metadata={"a": 1}, description="old"
    )
    key = (await data_of(rest, f"/v1/experiments/{made.id}"))["metadata"]["promptops.key"]
    name = unique("after")
    changed = await phoenix.experiments.update(experiment=made.id, name=name)
    assert (changed.name, changed.metadata, changed.description) == (name, {"a": 1}, "old")
    changed = await phoenix.experiments.update(experiment=name, dataset=dataset, metadata={"b": 2}, description=None)
    assert (changed.name, changed.metadata, changed.description) == (name, {"b": 2}, None)
    kept = (await data_of(rest, f"/v1/experiments/{made.id}"))["metadata"]
    assert kept == {"b": 2, "promptops.key": key}, "so that a repeated create still finds it"
    other = await phoenix.experiments.create_empty(name=unique("other"), dataset=dataset)
    with pytest.raises(ConflictError):
        await phoenix.experiments.update(experiment=other.id, name=name)


async def test_update_of_nothing_is_refused_before_it_is_sent(phoenix: PhoenixClient) -> None:
    with pytest.raises(ValidationError, match="give a name, a description or metadata"):
        await phoenix.experiments.update(experiment=ABSENT)


async def test_tag_is_set_moved_and_deleted(phoenix: PhoenixClient, dataset: str, unique: Unique) -> None:
    first, second = [await phoenix.experiments.create_empty(name=unique("tag"), dataset=dataset) for _ in range(2)]
    made = await phoenix.experiments.set_tag(experiment=first.id, name="baseline", description="the one")
    assert await phoenix.experiments.tags(experiment=first.id) == [made]
    assert (made.name, made.description) == ("baseline", "the one")
    again = await phoenix.experiments.set_tag(experiment=first.id, name="baseline")
    assert again.id == made.id
    await phoenix.experiments.set_tag(experiment=second.name, dataset=dataset, name="baseline")
    assert await phoenix.experiments.tags(experiment=first.id) == []
    assert [tag.name for tag in await phoenix.experiments.tags(experiment=second.id)] == ["baseline"]
    for _ in range(2):  # a tag that is gone is gone
        await phoenix.experiments.delete_tag(experiment=second.id, name="baseline")
    assert await phoenix.experiments.tags(experiment=second.id) == []
    for name in ("Base Line", "a/b", ""):
        with pytest.raises(ValidationError):
            await phoenix.experiments.set_tag(experiment=first.id, name=name)


async def test_single_runs_and_evaluations_come_from_anywhere(
    phoenix: PhoenixClient, dataset: str, examples: list[str], unique: Unique
) -> None:
    made = await phoenix.experiments.create_empty(name=unique("logged"), dataset=dataset, repetitions=2)
    run_id = await phoenix.experiments.log_run(
        experiment=made.id,
        example_id=examples[0],
        repetition=2,
        output={"sum": 1},
        start_time=NOW,
        end_time=NOW + timedelta(milliseconds=1.5),
        trace_id="a" * 32,
    )
    failed = await phoenix.experiments.log_run(
        experiment=made.name,
        dataset=dataset,
        example_id=examples[1],
        output=None,
        start_time=NOW,
        end_time=NOW,
        error="no",
    )
    evaluation = await phoenix.experiments.log_evaluation(
        run_id=run_id, name="human", label="good", annotator_kind="HUMAN", metadata={"by": "ann"}
    )
    assert evaluation == await phoenix.experiments.log_evaluation(
        run_id=run_id, name="human", score=1.0, label="better"
    )
    await phoenix.experiments.log_evaluation(run_id=run_id, name="broken", error="no answer")
    found = {run.id: run for run in await phoenix.experiments.runs(made.id)}
    assert found[run_id].value == {"sum": 1}
    assert (found[run_id].repetition, found[run_id].latency_ms) == (2, 1.5)
    assert found[run_id].fields["promptops.trace_id"] == "a" * 32
    assert found[run_id].evaluations["human"].label == "better"
    assert found[failed].error == "no"
    lacking = [key async for key in phoenix.experiments.incomplete_runs(experiment=made.id)]
    assert set(lacking) == {(examples[0], 1), (examples[1], 1), (examples[1], 2), (examples[2], 1), (examples[2], 2)}
    unscored = [
        item
        async for item in phoenix.experiments.incomplete_evaluations(
            experiment=made.id, evaluators=["human", "broken", "new"]
        )
    ]
    assert unscored == [((examples[0], 2), ("broken", "new"))]
    with pytest.raises(ValidationError):
        await phoenix.experiments.log_evaluation(run_id=run_id, name="empty")
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ValidationError, match="time zone"):
        await phoenix.experiments.log_run(
            experiment=made.id, example_id=examples[2], output="x", start_time=naive, end_time=naive
        )


async def test_export_is_what_the_server_has(
    phoenix: PhoenixClient, dataset: str, examples: list[str], unique: Unique
) -> None:
    rows = [row(example, {"n": place}, **{"eval.x.score": 0.5}) for place, example in enumerate(examples)]
    made = await phoenix.experiments.create(unique("export"), dataset=dataset, runs=rows)
    found = await phoenix.experiments.export_json(experiment=made.id)
    assert [item["output"] for item in found] == [{"n": 0}, {"n": 1}, {"n": 2}]
    table = list(csv.DictReader(io.StringIO(await phoenix.experiments.export_csv(experiment=made.id))))
    assert [line["annotation_x_score"] for line in table] == ["0.5"] * 3


async def test_web_page_of_an_experiment_is_there(
    phoenix: PhoenixClient, rest: httpx.AsyncClient, dataset: str, unique: Unique
) -> None:
    made = await phoenix.experiments.create_empty(name=unique("page"), dataset=dataset)
    url = await phoenix.experiments.url(experiment=made.id)
    page_of_dataset = f"{str(rest.base_url).rstrip('/')}/datasets/{quote(dataset)}"
    assert url == f"{page_of_dataset}/compare?experimentId={quote(made.id)}"
    for page in (url, await phoenix.experiments.dataset_url(dataset=dataset)):
        answer = await rest.get(page)
        assert answer.headers["content-type"].startswith("text/html")


async def test_deleted_experiment_is_gone_with_its_project_if_wanted(
    phoenix: PhoenixClient, dataset: str, unique: Unique
) -> None:
    for delete_project in (False, True):
        made = await phoenix.experiments.create_empty(name=unique("gone"), dataset=dataset)
        await phoenix.experiments.delete(made.name, dataset=dataset, delete_project=delete_project)
        # By name: the server gives the id to the next experiment, which may be that of another test.
        with pytest.raises(NotFoundError):
            await phoenix.experiments.get(made.name, dataset=dataset)


async def test_experiments_need_the_key_where_the_server_wants_one(
    phoenix_admin: PhoenixClient, dataset_of_admin: str, unique: Unique
) -> None:
    made = await phoenix_admin.experiments.create_empty(name=unique("keyed"), dataset=dataset_of_admin)
    (lacking,) = [key async for key in phoenix_admin.experiments.incomplete_runs(experiment=made.id)]
    (run_id,) = await phoenix_admin.experiments.insert_runs(made.id, [row(lacking.example_id)])
    await phoenix_admin.experiments.log_evaluation(run_id=run_id, name="x", score=1.0)
    (found,) = await phoenix_admin.experiments.runs(made.id)
    assert found.scores == {"x": 1.0}
    here = {"dataset": dataset_of_admin}
    assert (await phoenix_admin.experiments.get(made.name, **here)).id == made.id
    assert [one.id for one in await phoenix_admin.experiments.list(name=made.name, **here)] == [made.id]
    page = await phoenix_admin.experiments.list_page(name=made.name, limit=1, **here)
    assert ([one.id for one in page.items], page.has_more) == ([made.id], False)


@pytest.fixture
async def dataset_of_admin(phoenix_auth: Any, unique: Unique) -> str:
    """A dataset of one example on the server with authentication."""
    headers = {"authorization": f"Bearer {phoenix_auth.secret}"}
    async with httpx.AsyncClient(base_url=phoenix_auth.url, headers=headers, timeout=30) as client:
        body = {"name": unique("keyed"), "inputs": [{"n": 1}]}
        answer = await client.post("/v1/datasets/upload", params={"sync": "true"}, json=body)
        found: str = answer.raise_for_status().json()["data"]["dataset_id"]
        return found


async def test_the_page_of_the_experiments_of_a_dataset_is_named_by_its_id(
    phoenix: PhoenixClient, dataset: str
) -> None:
    found = await phoenix.datasets.get(dataset)
    page = f"{phoenix.url}/datasets/{found.id.replace('=', '%3D')}/experiments"
    assert await phoenix.experiments.dataset_url(dataset=found.name) == page
