"""Experiments of the official client and of ours are the same thing: each reads, scores and resumes the other's."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from promptops.models import DatasetExample
from promptops.models.experiments import ExperimentRun
from promptops.phoenix import PhoenixClient

if TYPE_CHECKING:
    from tools.phoenix.official import OfficialClient

pytestmark = pytest.mark.anyio
Unique = Callable[..., str]
COUNT = 4

RUN = '''
def run(client, payload):
    """An experiment with evaluators, a task that fails for one example, two repetitions."""
    def task(input):
        if input["n"] == 2:
            raise ValueError("not two")
        return {"sum": input["n"] + 1} if input["n"] else "nought"

    def exact(output, expected):
        return bool(output) and str(output) == str(expected.get("expected"))

    def judge(output):
        if output == "nought":
            raise RuntimeError("no opinion")
        return 0.25, "poor", "too short"

    ran = client.experiments.run_experiment(
        dataset=client.datasets.create_dataset(
            name=payload,
            inputs=[{"n": n} for n in range(3)],
            outputs=[{"expected": str(n)} for n in range(3)],
        ),
        task=task,
        evaluators={"exact": exact, "judge": judge},
        experiment_name=payload,
        experiment_description="by the official client",
        experiment_metadata={"model": "small"},
        repetitions=2,
        retries=0,
        print_summary=False,
    )
    evaluations = []
    for one in ran["evaluation_runs"]:
        result = one.result or {}
        evaluations.append({
            "run": one.experiment_run_id, "name": one.name, "kind": one.annotator_kind, "error": one.error,
            **{part: result.get(part) for part in ("score", "label", "explanation")},
        })
    runs = [dict(one) for one in ran["task_runs"]]
    return {"id": ran["experiment_id"], "name": payload, "runs": runs, "evaluations": evaluations}
'''

READ = """
def run(client, payload):
    found = client.experiments.get_experiment(experiment_id=payload)
    evaluations = []
    for one in found["evaluation_runs"]:
        result = one.result or {}
        evaluations.append({
            "run": one.experiment_run_id, "name": one.name, "kind": one.annotator_kind, "error": one.error,
            "metadata": dict(one.metadata or {}),
            **{part: result.get(part) for part in ("score", "label", "explanation")},
        })
    record = client.experiments.get(experiment_id=payload)
    return {"runs": [dict(one) for one in found["task_runs"]], "evaluations": evaluations, "record": dict(record)}
"""

EVALUATE = """
def run(client, payload):
    def shouting(output):
        return 1.0 if str(output).isupper() else 0.0

    experiment = client.experiments.get_experiment(experiment_id=payload)
    client.experiments.evaluate_experiment(
        experiment=experiment, evaluators={"shouting": shouting}, print_summary=False, retries=0
    )
"""

RESUME = """
def run(client, payload):
    called = []
    def task(input):
        called.append(input["n"])
        return "by the official client"

    def lengthy(output):
        return float(len(str(output)))

    client.experiments.resume_experiment(
        experiment_id=payload, task=task, evaluators={"lengthy": lengthy}, print_summary=False, retries=0
    )
    return called
"""

START = '''
from datetime import datetime, timezone

def run(client, payload):
    """Half of an experiment, as a machine leaves it that was switched off."""
    dataset = client.datasets.get_dataset(dataset=payload["dataset"])
    made = client.experiments.create(dataset_id=dataset.id, experiment_name=payload["name"])
    now = datetime.now(timezone.utc)
    examples = list(dataset.examples)
    for example, error in zip(examples[:2], (None, "it broke there")):
        client.experiments.log_run(
            experiment_id=made["id"], dataset_example_id=example["node_id"],
            output=None if error else "by the official client", error=error, start_time=now, end_time=now,
        )
    return made["id"]
'''


async def called(official: OfficialClient, code: str, payload: Any) -> Any:
    return await asyncio.to_thread(official, code, payload, timeout=120.0)


@pytest.fixture(scope="module")
def theirs(official: OfficialClient) -> dict[str, Any]:
    """An experiment that the official client ran: the id, the name that its dataset has too, runs and evaluations."""
    found: dict[str, Any] = official(RUN, f"theirs-{uuid.uuid4().hex[:12]}", timeout=120.0)
    return found


@pytest.fixture
def name(unique: Unique) -> str:
    return unique("interop")


@pytest.fixture
async def dataset(phoenix: PhoenixClient, unique: Unique) -> str:
    rows = [{"n": number, "expected": str(number)} for number in range(COUNT)]
    return (await phoenix.datasets.create(unique("interop"), rows)).id


async def numbers_of(phoenix: PhoenixClient, dataset: str) -> dict[str, int]:
    return {example.id: example["n"] for example in await phoenix.datasets.examples(dataset)}


def by_id(rows: list[ExperimentRun]) -> dict[str, ExperimentRun]:
    return {str(row.id): row for row in rows}


async def test_experiment_of_the_official_client_is_read_field_by_field(
    phoenix: PhoenixClient, theirs: dict[str, Any]
) -> None:
    name = theirs["name"]
    record = await phoenix.experiments.record(experiment=name, dataset=name)
    assert (record.id, record.repetitions, record.metadata) == (theirs["id"], 2, {"model": "small"})
    assert record.description == "by the official client"
    assert (record.successful_run_count, record.failed_run_count) == (4, 2)

    rows = by_id(await phoenix.experiments.runs(name, dataset=name))
    assert rows.keys() == {run["id"] for run in theirs["runs"]}
    for run in theirs["runs"]:
        row = rows[run["id"]]
        assert (row.example_id, row.repetition) == (run["dataset_example_id"], run["repetition_number"])
        assert (row.error is None) == (run.get("error") is None)
        assert row.error is None or "not two" in row.error
        assert (row.value or None) == run["output"]
        start, end = datetime.fromisoformat(run["start_time"]), datetime.fromisoformat(run["end_time"])
        assert datetime.fromisoformat(str(row.fields["promptops.started_at"])) == start
        assert (row.latency_ms or 0.0) == pytest.approx((end - start).total_seconds() * 1000, abs=0.002)
        assert row.fields.get("promptops.trace_id") == run.get("trace_id")

    assert len(theirs["evaluations"]) == 2 * 6, "theirs are run on failed tasks, too"
    for said in theirs["evaluations"]:
        found = rows[said["run"]].evaluations[said["name"]]
        assert (found.score, found.label, found.explanation) == (said["score"], said["label"], said["explanation"])
        assert (found.error is None) == (said["error"] is None)
        assert found.error is None or "no opinion" in found.error


async def test_experiment_of_ours_is_read_by_the_official_client_field_by_field(
    phoenix: PhoenixClient, official: OfficialClient, dataset: str, name: str
) -> None:
    def task(example: DatasetExample) -> Any:
        if example["n"] == 2:
            raise ValueError("not two")
        return {"sum": example["n"] + 1} if example["n"] else "nought"

    def judge(output: Any) -> dict[str, Any]:
        if output == "nought":
            raise RuntimeError("no opinion")
        return {"score": 0.25, "label": "poor", "explanation": "too short"}

    result = await phoenix.experiments.run(
        name, dataset=dataset, task=task, evaluators=judge, repetitions=2, metadata={"model": "small"}, progress=False
    )
    theirs = await called(official, READ, result.experiment.id)
    assert (theirs["record"]["name"], theirs["record"]["repetitions"]) == (name, 2)
    assert theirs["record"]["metadata"]["model"] == "small"
    rows = by_id(await phoenix.experiments.runs(name, dataset=dataset))
    assert {run["id"] for run in theirs["runs"]} == rows.keys()
    assert len(rows) == 2 * COUNT
    for run in theirs["runs"]:
        row = rows[run["id"]]
        assert (run["dataset_example_id"], run["repetition_number"]) == (row.example_id, row.repetition)
        assert run["output"] == (None if row.error else row.value)
        assert run.get("error") == row.error
    numbers = await numbers_of(phoenix, dataset)
    for said in theirs["evaluations"]:
        found = rows[said["run"]].evaluations[said["name"]]
        assert (said["score"], said["label"], said["explanation"]) == (found.score, found.label, found.explanation)
        assert said["error"] == found.error
        assert said["kind"] == "CODE"
    judged = {numbers[str(rows[said["run"]].example_id)] for said in theirs["evaluations"]}
    assert judged == {1, 3}, "failed tasks are not judged, and the official client leaves out evaluations with errors"
    broken = [row for row in rows.values() if "judge" in row.evaluations and row.evaluations["judge"].error]
    assert {numbers[str(row.example_id)] for row in broken} == {0}


async def test_official_client_scores_ours(
    phoenix: PhoenixClient, official: OfficialClient, dataset: str, name: str
) -> None:
    def task(example: DatasetExample) -> str:
        return "LOUD" if example["n"] % 2 else "quiet"

    def short(output: str) -> bool:
        return len(output) < 5

    result = await phoenix.experiments.run(name, dataset=dataset, task=task, evaluators=short, progress=False)
    await called(official, EVALUATE, result.experiment.id)
    rows = await phoenix.experiments.runs(name, dataset=dataset)
    assert [set(row.scores) for row in rows] == [{"short", "shouting"}] * COUNT
    assert all(row.score("shouting") == float(row.output == "LOUD") for row in rows)


async def test_ours_scores_that_of_the_official_client(
    phoenix: PhoenixClient, theirs: dict[str, Any], unique: Unique, tmp_path: Path
) -> None:
    name, ours = theirs["name"], unique("has-sum")
    before = by_id(await phoenix.experiments.runs(name, dataset=name))

    def has_sum(output: Any) -> bool:
        return "sum" in output

    await phoenix.experiments.rescore(
        name, {ours: has_sum}, dataset=name, journal=tmp_path / "other.sqlite3", progress=False
    )
    after = by_id(await phoenix.experiments.runs(name, dataset=name))
    assert after.keys() == before.keys()
    for run_id, row in after.items():
        said = dict(row.evaluations)
        assert (ours in said) == (row.error is None)
        said.pop(ours, None)
        assert said == before[run_id].evaluations
        assert (row.value, row.error) == (before[run_id].value, before[run_id].error)
    assert {row.score(ours) for row in after.values()} == {None, 0.0, 1.0}


async def test_official_client_resumes_ours(
    phoenix: PhoenixClient, official: OfficialClient, dataset: str, name: str
) -> None:
    examples = await phoenix.datasets.examples(dataset)
    made = await phoenix.experiments.create_empty(name=name, dataset=dataset)
    rows: list[dict[str, Any]] = [
        {"example_id": examples[0].id, "output": "by ours"},
        {"example_id": examples[1].id, "output": "", "error": "it broke here"},
    ]
    ids = await phoenix.experiments.insert_runs(made.id, rows)
    assert sorted(await called(official, RESUME, made.id)) == [1, 2, 3]
    found = by_id(await phoenix.experiments.runs(made.id))
    assert len(found) == COUNT
    assert found[ids[0]].output == "by ours"
    assert (found[ids[1]].output, found[ids[1]].error) == ("by the official client", None)
    assert all(row.score("lengthy") == float(len(str(row.output))) for row in found.values())


async def test_ours_resumes_that_of_the_official_client(
    phoenix: PhoenixClient, official: OfficialClient, dataset: str, name: str, tmp_path: Path
) -> None:
    experiment = await called(official, START, {"dataset": dataset, "name": name})
    ran: list[int] = []

    def task(example: DatasetExample) -> str:
        ran.append(example["n"])
        return "by ours"

    def length(output: str) -> float:
        return float(len(output))

    options: dict[str, Any] = {"dataset": dataset, "task": task, "evaluators": length, "task_version": "1"}
    options |= {"journal": tmp_path / "other.sqlite3", "progress": False}
    await phoenix.experiments.resume(name, **options)
    assert sorted(ran) == [2, 3]
    await phoenix.experiments.retry_failed(name, **options)
    assert sorted(ran) == [1, 2, 3]
    rows = await phoenix.experiments.runs(experiment)
    assert [row.output for row in rows] == ["by the official client", "by ours", "by ours", "by ours"]
    assert all(row.score("length") == float(len(str(row.output))) for row in rows)
