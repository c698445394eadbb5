# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# Tasks and evaluators are bound by name, so a lambda has no types that a checker could know.

"""Experiments of our server that go on where their journal does not lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from promptops.core.errors import ConflictError, NotFoundError, ValidationError
from promptops.experiments import (
    AsyncExperiments,
    Evaluation,
    ExperimentResult,
    SyncExperiments,
    exact_match,
    report_cost,
)
from promptops.experiments._imported import record_of, with_parts
from promptops.experiments._unit_rows import row_of
from promptops.experiments.journal import Journal, ResumeRefused
from promptops.models import DatasetExample
from promptops.models.experiments import ExperimentRun, evaluation_columns

if TYPE_CHECKING:
    from .conftest import MemoryServer

Call = Callable[..., ExperimentResult]


@pytest.fixture(params=["sync", "asyncio"])
def call(request: pytest.FixtureRequest, experiments: SyncExperiments, async_experiments: AsyncExperiments) -> Call:
    """Calls a method of the resource through each facade."""

    def calling(method: str, *args: Any, **options: Any) -> ExperimentResult:
        options.setdefault("progress", False)
        if request.param == "sync":
            result: ExperimentResult = getattr(experiments, method)(*args, **options)
            return result

        async def main() -> ExperimentResult:
            awaited: ExperimentResult = await getattr(async_experiments, method)(*args, **options)
            return awaited

        return anyio.run(main)

    return calling


class Paid:
    """A task that counts what it is called for; a class of its own, so that its counts are no part of its code."""

    fingerprint = "1"

    def __init__(self, fails: Callable[[DatasetExample], bool] = lambda _: False, stop_after: int = 1000) -> None:
        self.calls: Counter[str] = Counter()
        self.fails = fails
        self.stop_after = stop_after

    def __call__(self, example: DatasetExample) -> dict[str, str]:
        if self.calls.total() == self.stop_after:
            raise KeyboardInterrupt
        self.calls[example["expected"]] += 1
        report_cost(0.5, input_tokens=3)
        if self.fails(example):
            raise ConnectionError("the model is down")
        return {"answer": example["expected"]}


def same(output: dict[str, str], expected: str) -> Evaluation:
    """An evaluator that reports what it cost."""
    report_cost(0.125, output_tokens=2)
    return Evaluation(score=float(output["answer"] == expected), explanation="read")


def rows_of(server: MemoryServer) -> dict[tuple[str, int], dict[str, Any]]:
    [experiment] = server.experiments
    rows = server.runs[experiment["id"]]
    found = {(row["example_id"], row["promptops.repetition"]): {**row, "id": ""} for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture
def machines(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "first.sqlite3", tmp_path / "second.sqlite3"


def test_another_machine_runs_what_is_missing_and_nothing_else(
    call: Call, questions: str, server: MemoryServer, machines: tuple[Path, Path]
) -> None:
    options: dict[str, Any] = {"evaluators": same, "evaluator_versions": {"same": "1"}}
    with pytest.raises(KeyboardInterrupt):
        call(
            "run",
            "e",
            dataset=questions,
            task=Paid(stop_after=13),
            repetitions=2,
            metadata={"model": "small"},
            concurrency=1,
            journal=machines[0],
            **options,
        )
    before = rows_of(server)
    [ident] = [experiment["id"] for experiment in server.experiments]
    task = Paid()
    result = call("resume", "e", dataset=questions, task=task, journal=machines[1], **options)
    after = rows_of(server)
    assert (len(before), len(after), task.calls.total()) == (13, 20, 7)
    assert {key: after[key] for key in before} == before
    assert result.experiment.id == ident
    assert result.mean("same") == 1.0
    assert result.cost == pytest.approx(20 * 0.625)
    assert {row["promptops.metadata.model"] for row in after.values()} == {"small"}


def test_another_machine_that_retries_what_failed_loses_no_column_of_the_others(
    call: Call, questions: str, server: MemoryServer, machines: tuple[Path, Path]
) -> None:
    options: dict[str, Any] = {"evaluators": same, "evaluator_versions": {"same": "1"}, "metadata": {"model": "small"}}
    fails = Paid(lambda example: example["expected"] == "4")
    call("run", "e", dataset=questions, task=fails, retries=1, journal=machines[0], **options)
    before = rows_of(server)
    task = Paid()
    call("retry_failed", "e", dataset=questions, task=task, journal=machines[1], **options)
    after = rows_of(server)
    assert task.calls == {"4": 1}
    changed = [key for key in before if before[key] != after[key]]
    assert [(before[key]["error"] is None, after[key]["error"] is None) for key in changed] == [(False, True)]
    assert len(after) == 10


def test_another_machine_scores_what_the_server_has(
    call: Call, questions: str, server: MemoryServer, machines: tuple[Path, Path]
) -> None:
    call("run", "e", dataset=questions, task=Paid(), journal=machines[0])
    result = call("rescore", "e", same, dataset=questions, journal=machines[1])
    assert result.mean("same") == 1.0
    assert {row["eval.same.score"] for row in rows_of(server).values()} == {1.0}


def test_nothing_is_compared_with_code_that_is_not_known_and_everything_afterwards(
    call: Call, questions: str, machines: tuple[Path, Path]
) -> None:
    fails = Paid(lambda example: example["expected"] == "4")
    call("run", "e", dataset=questions, task=fails, parameters={"model": "a"}, journal=machines[0])
    task = Paid()
    call("rescore", "e", exact_match(), journal=machines[1])
    call("retry_failed", "e", task=task, parameters={"model": "b"}, journal=machines[1])
    assert task.calls == {"4": 1}
    with pytest.raises(ResumeRefused, match="model"):
        call("resume", "e", task=task, parameters={"model": "c"}, journal=machines[1])


def test_a_resume_that_finds_nothing_to_run_says_nothing_of_how_the_rows_were_made(
    call: Call, questions: str, machines: tuple[Path, Path]
) -> None:
    call("run", "e", dataset=questions, task=Paid(), parameters={"model": "a"}, journal=machines[0])
    task = Paid()
    for model in ("b", "c"):
        call("resume", "e", dataset=questions, task=task, parameters={"model": model}, journal=machines[1])
    assert not task.calls
    with Journal.open(machines[1]) as journal:
        assert not journal.get("e").plan.fingerprint.is_known


def test_other_repetitions_than_the_stored_ones_are_a_plan_and_no_change(
    call: Call, questions: str, server: MemoryServer, machines: tuple[Path, Path]
) -> None:
    call("run", "e", dataset=questions, task=Paid(), journal=machines[0])
    task = Paid()
    call("resume", "e", task=task, repetitions=3, journal=machines[1])
    assert set(task.calls.values()) == {2}
    assert len(rows_of(server)) == 30


def test_rows_that_another_machine_brought_meanwhile_stay_and_are_not_paid_for_again(
    call: Call, questions: str, server: MemoryServer, machines: tuple[Path, Path]
) -> None:
    options: dict[str, Any] = {"evaluators": same, "evaluator_versions": {"same": "1"}}
    with pytest.raises(KeyboardInterrupt):
        call("run", "e", dataset=questions, task=Paid(stop_after=4), concurrency=1, journal=machines[0], **options)
    call("resume", "e", dataset=questions, task=Paid(), journal=machines[1], **options)
    before = rows_of(server)
    task = Paid()
    result = call("resume", "e", dataset=questions, task=task, journal=machines[0], **options)
    assert not task.calls
    assert not server.sent("DELETE")
    assert rows_of(server) == before
    assert len(result.rows) == 10


def test_an_experiment_that_is_stored_anew_keeps_what_another_machine_brought(
    call: Call, questions: str, server: MemoryServer, machines: tuple[Path, Path]
) -> None:
    fails = Paid(lambda example: example["expected"] == "0")
    call("run", "e", dataset=questions, task=fails, journal=machines[0])
    call(
        "resume",
        "e",
        task=Paid(lambda example: example["expected"] == "7"),
        repetitions=2,
        journal=machines[1],
    )
    before = rows_of(server)
    task = Paid()
    call("retry_failed", "e", task=task, journal=machines[0])
    after = rows_of(server)
    assert task.calls == {"0": 1}
    assert len(server.sent("DELETE")) == 1
    changed = [key for key in before if before[key] != after.get(key)]
    assert [(before[key]["error"] is None, after[key]["error"] is None) for key in changed] == [(False, True)]
    assert len(before) == len(after) == 20


def test_an_experiment_that_another_machine_stored_anew_is_found_by_its_name(
    call: Call, questions: str, server: MemoryServer, machines: tuple[Path, Path]
) -> None:
    call("run", "e", dataset=questions, task=Paid(lambda example: example["expected"] == "4"), journal=machines[0])
    call("retry_failed", "e", dataset=questions, task=Paid(), journal=machines[1])
    before, deleted = rows_of(server), len(server.sent("DELETE"))
    task = Paid()
    result = call("retry_failed", "e", dataset=questions, task=task, journal=machines[0])
    assert not task.calls
    assert (rows_of(server), len(server.sent("DELETE"))) == (before, deleted)
    assert [row.error for row in result.rows] == [None] * 10


@pytest.mark.parametrize("method", ["resume", "retry_failed", "rescore"])
def test_an_experiment_that_only_has_the_same_name_is_never_deleted(
    call: Call, questions: str, server: MemoryServer, machines: tuple[Path, Path], method: str
) -> None:
    call("run", "e", dataset=questions, task=lambda example: "other", task_version="1", journal=machines[0])
    server.experiments.clear()
    call("run", "e", dataset=questions, task=Paid(), journal=machines[1])
    before = rows_of(server)
    task: dict[str, Any] = {"task": lambda example: "other", "task_version": "1"}
    if method == "rescore":
        task = {"evaluators": exact_match()}
    with pytest.raises(ConflictError, match="has other outputs than the journal in 10 rows"):
        call(method, "e", dataset=questions, journal=machines[0], **task)
    assert rows_of(server) == before
    assert not server.sent("DELETE")


def test_an_experiment_that_neither_has_is_not_found(call: Call, questions: str, machines: tuple[Path, Path]) -> None:
    for dataset in (questions, None):
        with pytest.raises(NotFoundError, match=r"'absent' in the journal.*\. The store \(native\) says: no experi"):
            call("resume", "absent", dataset=dataset, task=Paid(), journal=machines[1])


def test_a_close_name_is_suggested_that_only_the_store_has(
    call: Call, questions: str, machines: tuple[Path, Path]
) -> None:
    call("run", "baseline", dataset=questions, task=Paid(), journal=machines[0])
    with pytest.raises(NotFoundError, match="did you mean 'baseline'") as caught:
        call("resume", "baselin", dataset=questions, task=Paid(), journal=machines[1])
    assert caught.value.details["suggestions"] == ["baseline"]


def test_a_dataset_that_is_not_stored_is_refused_with_what_to_do(call: Call, machines: tuple[Path, Path]) -> None:
    examples: Any = [{"input": "a"}]
    with pytest.raises(ValidationError, match=r"not list; store the examples with datasets\.create"):
        call("run", "e", dataset=examples, task=Paid(), journal=machines[0])


@pytest.mark.parametrize("typed", ["text", {"a": [1, None]}, "", None, 3.5])
def test_a_row_is_the_same_after_it_was_taken_over(typed: object) -> None:
    import msgspec

    text = msgspec.json.encode(typed).decode()
    columns: dict[str, Any] = {
        "promptops.repetition": 2,
        "latency": 12.345,
        "promptops.started_at": "2026-01-02T03:04:05.678+00:00",
        "promptops.attempts": 3,
        "promptops.cost": 0.25,
        "promptops.input_tokens": 7,
        "promptops.metadata.model": "small",
        "another.column": [1],
        **evaluation_columns(
            "judge",
            Evaluation(
                score=0.5,
                label="a",
                explanation="why",
                cost=0.5,
                usage={"input_tokens": 1},
                duration_ms=2.5,
                parts={"tone": Evaluation(score=0.25), "tone.depth": Evaluation(error="it failed")},
            ),
        ),
    }
    if not isinstance(typed, str):
        columns["promptops.output"] = text
    row = ExperimentRun(example_id="ex-1", output=typed if isinstance(typed, str) else text, fields=columns)
    for evaluators in ((), ("judge",), ("judge", "judge.tone")):
        record = record_of(row, evaluators=evaluators)
        again = row_of(record, {name: score.evaluation for name, score in record.scores.items()})
        assert again.to_wire() == row.to_wire()
        assert again.value == typed


def test_a_time_of_another_form_stays_a_column() -> None:
    for text in ("yesterday", "2026-01-02T03:04:05", 5):
        row = ExperimentRun(
            example_id="ex-1", output="", fields={"promptops.repetition": 1, "promptops.started_at": text}
        )
        assert row_of(record_of(row), {}).to_wire() == row.to_wire()


def test_parts_go_to_the_evaluator_with_the_longest_name() -> None:
    said = {
        "a.b": Evaluation(score=1.0),
        "a.b.c": Evaluation(score=0.5),
        "a": Evaluation(label="x"),
        "d.e": Evaluation(),
    }
    assert with_parts(said, ["a", "a.b"]) == {
        "a": Evaluation(label="x"),
        "a.b": Evaluation(score=1.0, parts={"c": Evaluation(score=0.5)}),
        "d.e": Evaluation(),
    }
    assert with_parts(said, []) == said
