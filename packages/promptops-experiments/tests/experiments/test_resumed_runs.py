# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# Tasks and evaluators are bound by name, so a lambda has no types that a checker could know.

"""Runs that go on: after an end that came early, a failure, new evaluators, a change, and an outage of the server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import msgspec
import pytest
from promptops.core.errors import AuthenticationError, ConflictError, NetworkError, NotFoundError, ValidationError
from promptops.core.messages import Request
from promptops.experiments import (
    AsyncExperiments,
    Evaluation,
    ExperimentResult,
    SyncDatasets,
    SyncExperiments,
    UploadError,
    compare,
    exact_match,
    rescore,
    run,
)
from promptops.experiments.journal import ExperimentHeld, Fingerprint, Journal, ResumeRefused, RunPlan
from promptops.experiments.reports import journaled_result
from promptops.models import DatasetExample

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

    def __init__(self, fails: Callable[[DatasetExample], bool] = lambda _: False) -> None:
        self.calls: Counter[str] = Counter()
        self.fails = fails

    def __call__(self, example: DatasetExample) -> str:
        self.calls[example["expected"]] += 1
        if self.fails(example):
            raise ConnectionError("the model is down")
        return str(example["expected"])


def rows_of(server: MemoryServer) -> list[dict[str, Any]]:
    [experiment] = server.experiments
    return server.runs[experiment["id"]]


def test_a_resumed_run_pays_for_nothing_twice_and_stores_every_row_once(
    call: Call, questions: str, server: MemoryServer
) -> None:
    task = Paid()
    stopped = call("run", "e", dataset=questions, task=task, stop_when=None, max_cost=None, dry_run=False)
    assert len(stopped.rows) == 10
    again = call("resume", "e", task=task)
    assert set(task.calls.values()) == {1}
    assert [row.output for row in again.rows] == [row.output for row in stopped.rows]
    assert len(rows_of(server)) == 10


def test_rows_that_the_server_refused_for_the_key_are_stored_by_a_resume_with_another(
    call: Call, questions: str, server: MemoryServer
) -> None:
    def revoked(request: Request) -> None:
        if request.method == "POST":
            raise AuthenticationError("the key was revoked")

    task = Paid()
    server.before = revoked
    with pytest.raises(UploadError, match="in the journal: resume the experiment once the reason is gone") as caught:
        call("run", "e", dataset=questions, task=task)
    assert not caught.value.retryable
    server.before = None
    assert len(call("resume", "e", task=task).rows) == 10
    assert set(task.calls.values()) == {1}


def test_rows_that_were_never_stored_are_stored_by_a_resume(call: Call, questions: str, server: MemoryServer) -> None:
    def away(request: Request) -> None:
        if request.method == "POST":
            raise NetworkError("the server is away")

    task = Paid()
    server.before = away
    with pytest.raises(UploadError, match="resume the experiment"):
        call("run", "e", dataset=questions, task=task, evaluators=exact_match())
    server.before = None
    result = call("resume", "e", task=task, evaluators=exact_match())
    assert set(task.calls.values()) == {1}
    assert len(rows_of(server)) == 10
    assert {row["eval.exact_match.score"] for row in rows_of(server)} == {1.0}
    assert result.experiment.id == server.experiments[0]["id"]


def test_an_outage_in_the_middle_costs_no_row(call: Call, datasets: SyncDatasets, server: MemoryServer) -> None:
    datasets.create("many", [{"expected": str(i)} for i in range(450)])
    posts: list[int] = []

    def flaky(request: Request) -> None:
        if request.method == "POST" and request.path != "/v2/datasets":
            posts.append(1)
            if 2 <= len(posts) <= 3:
                raise NetworkError("the server is away")

    server.before = flaky
    task = Paid()
    result = call("run", "e", dataset="many", task=task)
    assert len(result.rows) == len(rows_of(server)) == 450
    assert len({row["example_id"] for row in rows_of(server)}) == 450


@pytest.mark.parametrize("column", ["", "promptops.started_at"])
def test_rows_that_arrived_without_an_answer_are_not_stored_again(
    call: Call, questions: str, server: MemoryServer, column: str
) -> None:
    original = server.send

    async def lose_every_answer(request: Request) -> Any:
        response = await original(request)
        if request.method == "POST":
            raise NetworkError("the answer was lost")
        return response

    task = Paid()
    server.send = lose_every_answer  # type: ignore[method-assign]
    with pytest.raises(UploadError):
        call("run", "e", dataset=questions, task=task)
    server.send = original  # type: ignore[method-assign]
    server._replays.clear()  # pyright: ignore[reportPrivateUsage] - the server forgets keys after a day
    for row in rows_of(server):
        row.pop(column, None)  # an earlier version stored rows without it
    assert len(rows_of(server)) == 10
    call("resume", "e", task=task)
    assert len(rows_of(server)) == 10
    assert not server.sent("DELETE")
    assert set(task.calls.values()) == {1}


def test_what_failed_is_run_again_and_its_row_replaced(call: Call, questions: str, server: MemoryServer) -> None:
    task = Paid(lambda example: example["expected"] in {"4", "8"})
    first = call("run", "e", dataset=questions, task=task, evaluators=exact_match())
    assert first.failed == 2
    assert call("resume", "e", task=task, evaluators=exact_match()).failed == 2
    task.fails = lambda _: False
    result = call("retry_failed", "e", task=task, evaluators=exact_match())
    assert (result.failed, result.mean("exact_match")) == (0, 1.0)
    assert task.calls == Counter({str(2 * i): 2 if str(2 * i) in {"4", "8"} else 1 for i in range(10)})
    rows = rows_of(server)
    assert len(rows) == len({row["example_id"] for row in rows}) == 10
    assert all(row["error"] is None for row in rows)


def test_new_evaluators_score_what_is_there_without_running_a_task(
    call: Call, questions: str, server: MemoryServer
) -> None:
    task = Paid()
    call("run", "e", dataset=questions, task=task, evaluators=exact_match())
    seen: list[str] = []

    def length(output: str) -> float:
        seen.append(output)
        return len(output)

    result = call("rescore", "e", {"length": length})
    assert set(task.calls.values()) == {1}
    assert len(seen) == 10
    assert (result.mean("exact_match"), result.metrics["length"].scored) == (1.0, 10)
    rows = rows_of(server)
    assert len(rows) == 10
    assert all({"eval.exact_match.score", "eval.length.score"} <= row.keys() for row in rows)
    call("rescore", "e", {"length": length}, evaluator_versions={"length": "1"})
    before = len(seen)
    call("rescore", "e", {"length": length}, evaluator_versions={"length": "1"})
    assert len(seen) == before
    call("rescore", "e", {"length": length}, evaluator_versions={"length": "1"}, force=True)
    assert len(seen) == before + 10


def test_a_rerun_runs_only_what_changed(call: Call, datasets: SyncDatasets, questions: str) -> None:
    task = Paid(lambda example: example["expected"] == "6")
    call("run", "before", dataset=questions, task=task, evaluators=exact_match())
    datasets.insert(questions, [{"question": "x", "expected": "new"}])
    task.fails = lambda _: False
    result = call("rerun", "before", "after", dataset=questions, task=task, evaluators=exact_match())
    assert (len(result.rows), result.failed, result.mean("exact_match")) == (11, 0, 1.0)
    assert task.calls == Counter({**{str(2 * i): 1 for i in range(10)}, "6": 2, "new": 1})
    reused = [row for row in result.rows if row.fields.get("promptops.reused_from") == "before"]
    assert len(reused) == 9
    changed = call(
        "rerun", "before", "other", dataset=questions, task=task, evaluators=exact_match(), parameters={"model": "m"}
    )
    assert not any("promptops.reused_from" in row.fields for row in changed.rows)


@pytest.mark.parametrize("change", ["task", "parameter", "prompt", "evaluator", "examples", "repetitions"])
def test_a_resume_that_would_mix_things_is_refused(
    call: Call, questions: str, server: MemoryServer, change: str
) -> None:
    task = Paid()
    options: dict[str, Any] = {
        "task": task,
        "evaluators": {"same": exact_match()},
        "parameters": {"model": "a"},
        "prompt": "p@1.0.0",
    }
    call("run", "e", dataset=questions, **options)
    other = Paid()
    other.fingerprint = "2"
    match change:
        case "task":
            options["task"] = other
        case "parameter":
            options["parameters"] = {"model": "b"}
        case "prompt":
            options["prompt"] = "p@1.1.0"
        case "evaluator":
            options["evaluators"] = {"same": lambda output: True}
        case "examples":
            server.examples[server.datasets[0]["id"]][0]["question"] = "changed"
        case _:
            options["repetitions"] = 2
    with pytest.raises(ResumeRefused) as caught:
        call("resume", "e", **options)
    assert [item.kind for item in caught.value.changes] == [change]
    result = call("resume", "e", accept_changes=True, **options)
    assert len(result.rows) == (20 if change == "repetitions" else 10)


@pytest.mark.parametrize("change", ["task", "parameter", "examples"])
def test_changes_that_are_accepted_for_nothing_to_run_claim_nothing(
    call: Call, questions: str, server: MemoryServer, journal_path: Path, change: str
) -> None:
    options: dict[str, Any] = {"task": Paid(), "parameters": {"model": "a"}}
    call("run", "e", dataset=questions, **options)
    with Journal.open(journal_path) as journal:
        before, units = journal.get("e"), list(journal.units("e"))
    changed = server.examples[server.datasets[0]["id"]][0]
    if change == "examples":
        changed["question"] = "changed"
    elif change == "task":
        options["task"] = Paid()
        options["task"].fingerprint = "2"
    else:
        options["parameters"] = {"model": "b"}
    result = call("resume", "e", accept_changes=True, **options)
    with Journal.open(journal_path) as journal:
        assert msgspec.structs.replace(journal.get("e"), finished_at=before.finished_at) == before
        assert list(journal.units("e")) == units
    with pytest.raises(ResumeRefused):
        call("resume", "e", **options)
    again = call("run", "again", dataset=questions, **options)
    assert compare(result, again).changed_examples == ([changed["id"]] if change == "examples" else [])
    assert compare(journaled_result("e"), again).changed_examples == ([changed["id"]] if change == "examples" else [])


def test_changes_that_are_accepted_are_recorded_once_something_runs(
    call: Call, questions: str, server: MemoryServer, journal_path: Path
) -> None:
    fails = Paid()
    fails.fails = lambda example: example["expected"] == "4"
    call("run", "e", dataset=questions, task=fails, parameters={"model": "a"})
    changed = server.examples[server.datasets[0]["id"]][0]
    changed["question"] = "changed"
    result = call("retry_failed", "e", task=Paid(), parameters={"model": "a"}, accept_changes=True)
    with Journal.open(journal_path) as journal:
        assert [item.kind for item in journal.get("e").overrides] == ["examples"]
    assert len(call("resume", "e", task=Paid(), parameters={"model": "a"}).rows) == 10
    again = call("run", "again", dataset=questions, task=Paid())
    # Its row was made of the question as it was, although the experiment is one of the new questions now.
    assert compare(result, again).changed_examples == [changed["id"]]
    assert compare(journaled_result("e"), again).changed_examples == [changed["id"]]


@pytest.mark.parametrize("runs", [True, False], ids=["retried", "nothing to run"])
def test_where_task_and_examples_change_together_only_what_changed_is_left_out(
    call: Call, questions: str, server: MemoryServer, *, runs: bool
) -> None:
    def task(version: str, fails: str = "") -> Paid:
        paid = Paid(lambda example: example["expected"] == fails)
        paid.fingerprint = version
        return paid

    call("run", "e", dataset=questions, task=task("1", fails="4"))
    call("retry_failed", "e", task=task("2", fails="4"), parameters={"model": "a"}, accept_changes=True)
    examples = server.examples[server.datasets[0]["id"]]
    for example in examples[4:7]:
        example["question"] += " in words"
    again = "retry_failed" if runs else "resume"
    result = call(again, "e", task=task("3"), parameters={"model": "b"}, accept_changes=True)
    other = call("run", "other", dataset=questions, task=task("3"))
    changed = sorted(example["id"] for example in examples[4:7])
    assert sorted(compare(result, other).changed_examples) == changed
    assert sorted(compare(journaled_result("e"), other).changed_examples) == changed
    # What was accepted before is known to later resumes as well.
    last = call("resume", "e", task=task("4"), parameters={"model": "b"}, accept_changes=True)
    assert sorted(compare(last, other).changed_examples) == changed


def test_what_is_not_said_again_is_as_it_was(call: Call, questions: str) -> None:
    task = Paid()
    call(
        "run",
        "e",
        dataset=questions,
        task=task,
        parameters={"model": "a"},
        prompt="p@1.0.0",
        metadata={"team": "x"},
        repetitions=2,
    )
    result = call("resume", "e", task=task)
    assert len(result.rows) == 20
    assert all(row.metadata == {"team": "x"} for row in result.rows)


def test_an_experiment_that_runs_elsewhere_is_left_alone(call: Call, questions: str, journal_path: Path) -> None:
    task = Paid()
    call("run", "e", dataset=questions, task=task)
    with Journal.open(journal_path) as journal, journal.resume("e"), pytest.raises(ExperimentHeld):
        call("resume", "e", task=task)
    assert len(call("resume", "e", task=task).rows) == 10


def test_an_experiment_that_the_journal_does_not_know_is_not_found(call: Call) -> None:
    with pytest.raises(NotFoundError):
        call("resume", "nothing", task=Paid())


def test_a_name_with_unstored_rows_is_not_taken_again(call: Call, questions: str, server: MemoryServer) -> None:
    def away(request: Request) -> None:
        if request.method == "POST":
            raise NetworkError("the server is away")

    server.before = away
    with pytest.raises(UploadError):
        call("run", "e", dataset=questions, task=Paid())
    server.before = None
    with pytest.raises(ConflictError, match=r"stored nowhere else.*resume"):
        call("run", "e", dataset=questions, task=Paid())


def test_a_name_of_which_no_row_was_paid_for_is_free_again(call: Call, questions: str, journal_path: Path) -> None:
    def interrupted(example: DatasetExample) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call("run", "e", dataset=questions, task=interrupted, concurrency=1)
    with Journal.open(journal_path) as journal:
        assert not any(journal.counts("e").values())
    assert len(call("run", "e", dataset=questions, task=Paid()).rows) == 10


def test_a_name_that_a_store_was_asked_to_make_without_rows_is_not_taken(
    call: Call, questions: str, journal_path: Path, server: MemoryServer
) -> None:
    plan = RunPlan(name="e", dataset_id=server.datasets[0]["id"], fingerprint=Fingerprint(task="uploaded"), units=0)
    with Journal.open(journal_path) as journal:
        journal.begin(plan).close()
    with pytest.raises(ConflictError, match=r"named 'e' already, without rows; go on with it"):
        call("run", "e", dataset=questions, task=Paid())


def test_a_name_that_was_deleted_on_the_server_is_free_again(
    call: Call, questions: str, server: MemoryServer, experiments: SyncExperiments
) -> None:
    call("run", "e", dataset=questions, task=Paid())
    experiments.delete("e")
    assert len(call("run", "e", dataset=questions, task=Paid()).rows) == 10


def test_an_experiment_that_was_deleted_on_the_server_is_stored_again_by_a_resume(
    call: Call, questions: str, server: MemoryServer, experiments: SyncExperiments
) -> None:
    task = Paid()
    call("run", "e", dataset=questions, task=task)
    experiments.delete("e")
    call("resume", "e", task=task)
    assert len(rows_of(server)) == 10
    assert set(task.calls.values()) == {1}


def test_a_score_that_is_missing_is_all_that_a_resume_computes() -> None:
    examples = [{"id": str(i), "expected": str(i)} for i in range(6)]
    task = Paid()
    judged: list[str] = []
    broken = [True]

    def judge(output: str) -> Evaluation:
        judged.append(output)
        if broken[0] and output == "3":
            raise KeyboardInterrupt
        return Evaluation(score=1.0)

    options: dict[str, Any] = {
        "dataset": examples,
        "task": task,
        "evaluators": {"first": exact_match(), "judge": judge},
        "evaluator_versions": {"judge": "1"},
        "concurrency": 1,
        "progress": False,
    }
    with pytest.raises(KeyboardInterrupt):
        run("e", **options)
    broken[0] = False
    from promptops.experiments import resume

    result = resume("e", **options)
    assert (result.mean("judge"), len(result.rows)) == (1.0, 6)
    assert set(task.calls.values()) == {1}
    assert judged == ["0", "1", "2", "3", "3", "4", "5"]


def test_local_rows_can_be_rescored() -> None:
    examples = [{"id": str(i), "expected": str(i)} for i in range(6)]
    run("e", dataset=examples, task=Paid(), progress=False)
    result = rescore("e", {"exact": exact_match()}, dataset=examples, progress=False)
    assert result.mean("exact") == 1.0
    with pytest.raises(ValidationError, match="no longer has their examples"):
        rescore("e", {"other": exact_match()}, dataset=examples[:3], progress=False)
