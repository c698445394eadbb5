# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# Tasks and evaluators are bound by name, so a lambda has no types that a checker could know.

"""Runs over a store that is not our server: rows travel while tasks run, and what changes is changed in place."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import anyio
import msgspec
import pytest
from promptops.core.bridge import drive
from promptops.core.errors import ConflictError, NetworkError, NotFoundError, UnsupportedOperation, ValidationError
from promptops.core.runtime import Runtime
from promptops.core.testing import assert_parity
from promptops.experiments import (
    AsyncRuns,
    Evaluation,
    ExperimentResult,
    SyncRuns,
    UploadError,
    exact_match,
    run,
)
from promptops.experiments._control import Control
from promptops.experiments.journal import Journal, ResumeRefused, UnitKey
from promptops.experiments.stores import (
    Capabilities,
    ExperimentStore,
    Feature,
    LocalStore,
    RunEvaluation,
    StoredExperiment,
    Stores,
    Uploads,
)
from promptops.models import DatasetExample
from promptops.models.experiments import LATENCY, REPETITION, TYPED_OUTPUT, ExperimentRun, evaluation_columns

Call = Callable[..., ExperimentResult]

_FEATURES: Final[frozenset[Feature]] = frozenset(
    {
        "empty_experiments",
        "append_runs",
        "add_evaluations",
        "incomplete_runs",
        "incomplete_evaluations",
        "delete_experiment",
        "replace_failed_runs",
        "experiment_metadata",
    }
)


class Killed(BaseException):
    """Ends a run where it stands; nothing is sent after it."""


class Elsewhere:
    """A store in a file of its own that gives back what every store does and no column more; counts what comes."""

    def __init__(self, store: ExperimentStore, uploads: Uploads) -> None:
        self.store = store
        self.calls: list[str] = []
        self.sent: list[UnitKey] = []
        self.evaluated: list[tuple[UnitKey, str]] = []
        self.created: dict[str, Any] = {}
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None
        self.sending: Callable[[], Any] | None = None
        self.part: set[str] | None = None
        self.capabilities = Capabilities(store="elsewhere", features=_FEATURES, uploads=uploads)

    async def create(
        self,
        name: str,
        *,
        dataset_id: str,
        runs: Sequence[ExperimentRun] = (),
        key: str | None = None,
        repetitions: int = 1,
        metadata: Mapping[str, Any] | None = None,
        dataset_version_id: str | None = None,
    ) -> StoredExperiment:
        self._begin("create")
        assert not runs
        self.created = {"repetitions": repetitions, "metadata": metadata, "version": dataset_version_id}
        made = await self.store.create(
            name,
            dataset_id=dataset_id,
            key=key,
            repetitions=repetitions,
            metadata=metadata,
            dataset_version_id=dataset_version_id,
        )
        self.after("create")
        return made

    async def upload_runs(
        self, experiment_id: str, runs: Sequence[ExperimentRun], *, key: str | None = None
    ) -> list[str]:
        self._begin("upload_runs")
        ids = await self.store.upload_runs(experiment_id, runs, key=key)
        self.sent += [UnitKey(run.example_id or "", run.repetition) for run in runs]
        self.evaluated += [
            (UnitKey(run.example_id or "", run.repetition), name) for run in runs for name in run.evaluations
        ]
        if self.sending is not None:
            await self.sending()
        self.after("upload_runs")
        return ids

    async def upload_evaluations(self, experiment_id: str, evaluations: Sequence[RunEvaluation]) -> None:
        self._begin("upload_evaluations")
        await self.store.upload_evaluations(experiment_id, evaluations)
        self.evaluated += [(UnitKey(item.example_id, item.repetition), item.name) for item in evaluations]
        self.after("upload_evaluations")

    async def get(self, experiment: str, *, dataset_id: str | None = None) -> StoredExperiment:
        found = await self.store.get(experiment, dataset_id=dataset_id)
        return found if self.part is None else msgspec.structs.replace(found, example_count=len(self.part))

    def iterate(self, *, dataset_id: str | None = None) -> AsyncIterator[StoredExperiment]:
        return self.store.iterate(dataset_id=dataset_id)

    async def runs(self, experiment_id: str) -> AsyncIterator[ExperimentRun]:
        async for found in self.store.runs(experiment_id):
            told = {name: found.fields[name] for name in (REPETITION, LATENCY, TYPED_OUTPUT) if name in found.fields}
            for name, evaluation in found.evaluations.items():
                told.update(evaluation_columns(name, evaluation))
            yield ExperimentRun(
                id=found.id, example_id=found.example_id, output=found.output, error=found.error, fields=told
            )

    async def incomplete_runs(self, experiment_id: str, *, repetitions: int | None = None) -> AsyncIterator[UnitKey]:
        async for key in self.store.incomplete_runs(experiment_id, repetitions=repetitions):
            if self.part is None or key.example_id in self.part:
                yield key

    def incomplete_evaluations(
        self, experiment_id: str, names: Sequence[str]
    ) -> AsyncIterator[tuple[UnitKey, tuple[str, ...]]]:
        return self.store.incomplete_evaluations(experiment_id, names)

    async def delete(self, experiment_id: str) -> None:
        self._begin("delete")
        await self.store.delete(experiment_id)

    def forget(self) -> None:
        self.calls.clear()
        self.sent.clear()
        self.evaluated.clear()

    def _begin(self, call: str) -> None:
        self.calls.append(call)
        self.before(call)


class Runs(AsyncRuns):
    """A resource over any stores."""

    def __init__(self, runtime: Runtime, stores: Stores) -> None:
        super().__init__(runtime)
        self.stores = stores

    def _stores(self) -> Stores:
        return self.stores


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["sync", "asyncio"])
def call(request: pytest.FixtureRequest, runtime: Runtime, stores: Stores) -> Call:
    """Calls a method over the stores through each facade."""

    def calling(method: str, *args: Any, over: Stores = stores, **options: Any) -> ExperimentResult:
        options.setdefault("progress", False)
        resource = Runs(runtime, over)
        if request.param == "sync":
            result: ExperimentResult = getattr(SyncRuns(resource), method)(*args, **options)
            return result

        async def main() -> ExperimentResult:
            awaited: ExperimentResult = await getattr(resource, method)(*args, **options)
            return awaited

        return anyio.run(main)

    return calling


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalStore]:
    with LocalStore(tmp_path / "elsewhere.sqlite3") as store:
        drive(store.datasets.create("questions", [{"expected": str(i)} for i in range(10)]))
        yield store


@pytest.fixture
def store(local: LocalStore) -> Elsewhere:
    return Elsewhere(local.experiments, Uploads(rows=100, seconds=0.0))


@pytest.fixture
def stores(local: LocalStore, store: Elsewhere) -> Stores:
    return Stores(datasets=local.datasets, experiments=store)


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


class Judge:
    """An evaluator that counts and may fail."""

    def __init__(self, name: str, score: float = 1.0, fails: Callable[[Any], bool] = lambda _: False) -> None:
        self.name = name
        self.fingerprint = name
        self.score = score
        self.fails = fails
        self.calls = 0

    def evaluate(self, output: str) -> float:
        self.calls += 1
        if self.fails(output):
            raise ConnectionError("the judge is down")
        return self.score


async def rows_in(store: ExperimentStore, name: str) -> list[ExperimentRun]:
    [experiment] = [found async for found in store.iterate() if found.name == name]
    return [row async for row in store.runs(experiment.id)]


async def incomplete(store: ExperimentStore, experiment_id: str) -> list[UnitKey]:
    return [key async for key in store.incomplete_runs(experiment_id)]


def stored(store: Elsewhere, name: str = "e") -> list[ExperimentRun]:
    return drive(rows_in(store, name))


def test_a_run_makes_the_experiment_with_what_is_known_of_it_and_stores_every_row_with_its_scores(
    call: Call, store: Elsewhere, local: LocalStore
) -> None:
    metadata = {"model": "small"}
    result = call(
        "run", "e", dataset="questions", task=Paid(), evaluators=exact_match(), repetitions=2, metadata=metadata
    )
    rows = stored(store)
    version = drive(local.datasets.get("questions")).versions[0].id
    assert store.created == {"repetitions": 2, "metadata": metadata, "version": version}
    assert len(rows) == len({(row.example_id, row.repetition) for row in rows}) == 20
    assert {row.score("exact_match") for row in rows} == {1.0}
    assert store.calls.count("create") == 1
    assert result.experiment.space_id == "elsewhere"
    assert result.experiment.id == drive(store.get("e")).id
    assert result.experiment.dataset_version_id == version


def test_examples_and_experiment_are_of_one_version_whatever_is_appended_meanwhile(
    call: Call, store: Elsewhere, local: LocalStore
) -> None:
    before = drive(local.datasets.get("questions")).versions[0].id
    task = Paid(fails=lambda example: example["expected"] == "0")
    call("run", "e", dataset="questions", task=task)
    drive(local.datasets.append("questions", [{"expected": "new"}]))
    result = call("retry_failed", "e", task=Paid())
    assert len(result.rows) == 10
    assert drive(store.get("e")).dataset_version_id == before


@pytest.mark.parametrize(("seconds", "leaves"), [(0.0, True), (60.0, False)])
def test_rows_leave_while_tasks_run_where_they_do_not_wait_for_company(
    call: Call, store: Elsewhere, seconds: float, leaves: bool
) -> None:
    store.capabilities = Capabilities(store="elsewhere", features=_FEATURES, uploads=Uploads(seconds=seconds))
    seen: list[bool] = []

    async def task(example: DatasetExample) -> str:
        if example["expected"] == "9":
            with anyio.move_on_after(30 if leaves else 0.3):
                while len(store.sent) < 9:  # noqa: ASYNC110 - another thread sends in blocking code
                    await anyio.sleep(0.005)
            seen.append(len(store.sent) == 9)
        return ""

    call("run", "e", dataset="questions", task=task, task_version="1", concurrency=1)
    assert seen == [leaves]
    assert len(stored(store)) == 10


def test_rows_that_finish_while_others_are_sent_travel_together_in_blocking_code(
    runtime: Runtime, stores: Stores, store: Elsewhere
) -> None:
    done = threading.Event()

    def task(example: DatasetExample) -> str:
        if example["expected"] == "9":
            done.set()
        return ""

    async def until_all_are_done() -> None:
        await runtime.run_blocking(done.wait, 30)

    store.sending = until_all_are_done
    runs = SyncRuns(Runs(runtime, stores))
    runs.run("e", dataset="questions", task=task, task_version="1", concurrency=1, progress=False)
    assert store.calls.count("upload_runs") <= 3
    assert len(store.sent) == 10


@pytest.mark.anyio
async def test_rows_that_finish_while_others_are_sent_travel_together(
    runtime: Runtime, stores: Stores, store: Elsewhere
) -> None:
    done = anyio.Event()

    async def task(example: DatasetExample) -> str:
        if example["expected"] == "9":
            done.set()
        return ""

    async def until_all_are_done() -> None:
        with anyio.fail_after(5):
            await done.wait()

    store.sending = until_all_are_done
    runs = Runs(runtime, stores)
    await runs.run("e", dataset="questions", task=task, task_version="1", concurrency=1, progress=False)
    assert store.calls.count("upload_runs") <= 3
    assert len(store.sent) == 10


def test_no_more_rows_travel_together_than_the_store_takes(call: Call, store: Elsewhere) -> None:
    store.capabilities = Capabilities(store="elsewhere", features=_FEATURES, uploads=Uploads(seconds=60, most=3))
    call("run", "e", dataset="questions", task=Paid())
    assert store.calls == ["create", *["upload_runs"] * 4]


def test_failed_rows_that_are_retried_are_replaced_in_place(call: Call, store: Elsewhere) -> None:
    call("run", "e", dataset="questions", task=Paid(lambda example: example["expected"] in "12"))
    before = {row.example_id: row.id for row in stored(store)}
    ident = drive(store.get("e")).id
    store.forget()
    task = Paid()
    result = call("retry_failed", "e", task=task, evaluators=())
    assert set(task.calls) == {"1", "2"}
    assert sorted(store.calls) == ["upload_runs"] * len(store.calls)
    assert len(store.sent) == 2
    assert result.experiment.id == ident
    assert {row.example_id: row.id for row in stored(store)} == before
    assert [row.error for row in stored(store)] == [None] * 10


def test_new_scores_of_rows_that_stand_travel_alone(call: Call, store: Elsewhere) -> None:
    call("run", "e", dataset="questions", task=Paid(), evaluators=exact_match())
    store.forget()
    call("rescore", "e", [Judge("late", 0.5)])
    assert set(store.calls) == {"upload_evaluations"}
    assert len(store.evaluated) == 10
    assert {name for _, name in store.evaluated} == {"late"}
    assert {tuple(sorted(row.scores.items())) for row in stored(store)} == {(("exact_match", 1.0), ("late", 0.5))}


def test_scores_that_failed_are_made_again_and_travel_alone(call: Call, store: Elsewhere) -> None:
    call("run", "e", dataset="questions", task=Paid(), evaluators=Judge("judge", fails=lambda output: output in "12"))
    store.forget()
    judge = Judge("judge")
    call("retry_failed", "e", task=Paid(), evaluators=judge)
    assert judge.calls == 2
    assert set(store.calls) == {"upload_evaluations"}
    assert len(store.evaluated) == 2
    assert [row.scores for row in stored(store)] == [{"judge": 1.0}] * 10


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("lost", ["create", "upload_runs"])
def test_a_lost_answer_stores_nothing_twice(call: Call, store: Elsewhere, when: str, lost: str) -> None:
    failures: list[str] = []

    def lose(name: str) -> None:
        if name == lost and not failures:
            failures.append(name)
            raise NetworkError("the answer was lost")

    setattr(store, when, lose)
    task = Paid()
    call("run", "e", dataset="questions", task=task, evaluators=exact_match())
    assert failures == [lost]
    assert set(task.calls.values()) == {1}
    assert [row.scores for row in stored(store)] == [{"exact_match": 1.0}] * 10


def test_a_store_that_stays_away_costs_no_row_and_a_resume_stores_them(call: Call, store: Elsewhere) -> None:
    def away(_: str) -> None:
        raise NetworkError("the store is away")

    store.before = away
    task = Paid()
    with pytest.raises(UploadError, match="resume the experiment"):
        call("run", "e", dataset="questions", task=task)
    store.before = lambda _: None
    store.forget()
    call("resume", "e", task=task)
    assert set(task.calls.values()) == {1}
    assert len(stored(store)) == 10
    assert len(store.sent) == 10


@pytest.mark.parametrize("at", ["create", "upload_runs"])
def test_rows_that_arrived_before_a_crash_are_recognised(call: Call, store: Elsewhere, at: str) -> None:
    def die(name: str) -> None:
        if name == at:
            raise Killed

    store.capabilities = Capabilities(store="elsewhere", features=_FEATURES, uploads=Uploads(seconds=60, most=4))
    store.after = die
    task = Paid()
    with pytest.raises(Killed):
        call("run", "e", dataset="questions", task=task, evaluators=exact_match(), concurrency=1)
    store.after = lambda _: None
    there = len(stored(store))
    store.forget()
    result = call("resume", "e", task=task, evaluators=exact_match())
    assert set(task.calls.values()) == {1}
    assert len(store.sent) == 10 - there
    assert "create" not in store.calls
    assert len(stored(store)) == len(result.rows) == 10


def test_a_row_that_changed_after_it_arrived_is_no_arrived_row(call: Call, store: Elsewhere) -> None:
    def die(name: str) -> None:
        if name == "upload_runs":
            raise Killed

    store.after = die
    with pytest.raises(Killed):
        call("run", "e", dataset="questions", task=Paid(), evaluators=exact_match(), concurrency=1)
    store.after = lambda _: None
    [first, *_] = stored(store)
    other = RunEvaluation(
        example_id=first.example_id or "", repetition=1, name="exact_match", evaluation=Evaluation(score=0.0)
    )
    drive(store.store.upload_evaluations(drive(store.get("e")).id, [other]))
    call("resume", "e", task=Paid(), evaluators=exact_match())
    assert [row.scores for row in stored(store)] == [{"exact_match": 1.0}] * 10


def test_a_row_that_the_store_does_not_take_costs_no_other_row_its_place(call: Call, store: Elsewhere) -> None:
    original = store.store.upload_runs

    async def picky(experiment_id: str, runs: Sequence[ExperimentRun], *, key: str | None = None) -> list[str]:
        if any(run.output in {"3", "8"} for run in runs):
            raise ValidationError("an output nests too deeply")
        return await original(experiment_id, runs, key=key)

    store.store.upload_runs = picky  # type: ignore[method-assign]
    task = Paid()
    options: dict[str, Any] = {"dataset": "questions", "task": task, "evaluators": exact_match()}
    with pytest.raises(UploadError, match="nests too deeply"):
        call("run", "e", **options, concurrency=10)
    with pytest.raises(UploadError, match=r"^2 of 10 finished rows could not be stored") as caught:
        call("resume", "e", **options)
    assert caught.value.stored == 8
    assert {row.output for row in stored(store)} == set("01245679")
    store.store.upload_runs = original  # type: ignore[method-assign]
    call("resume", "e", **options)
    assert len(stored(store)) == 10
    assert set(task.calls.values()) == {1}


def test_rows_that_finish_after_one_was_refused_are_stored(
    call: Call, store: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, stop = store.store.upload_runs, Control.stop
    refused = threading.Event()

    async def picky(experiment_id: str, runs: Sequence[ExperimentRun], *, key: str | None = None) -> list[str]:
        if any(run.output == "3" for run in runs):
            raise ValidationError("an output nests too deeply")
        return await original(experiment_id, runs, key=key)

    def stopped(control: Control, *reason: Any) -> None:
        stop(control, *reason)
        refused.set()

    def task(expected: str) -> str:
        assert expected == "3" or refused.wait(60)
        return expected

    store.store.upload_runs = picky  # type: ignore[method-assign]
    monkeypatch.setattr(Control, "stop", stopped)
    with pytest.raises(UploadError, match=r"^1 of 10 finished rows.*nests too deeply") as caught:
        call("run", "e", dataset="questions", task=task, concurrency=10)
    assert caught.value.stored == 9
    assert {row.output for row in stored(store)} == set("012456789")


def test_a_store_that_takes_no_row_is_not_asked_about_each(call: Call, store: Elsewhere) -> None:
    def never(name: str) -> None:
        if name == "upload_runs":
            raise ValidationError("no")

    store.before = never
    with pytest.raises(UploadError, match="no"):
        call("run", "e", dataset="questions", task=Paid())
    store.forget()
    with pytest.raises(UploadError, match=r"^10 of 10"):
        call("resume", "e", dataset="questions", task=Paid())
    assert len(store.calls) <= 20


def test_the_name_of_an_experiment_is_taken_once(call: Call, store: Elsewhere) -> None:
    call("run", "e", dataset="questions", task=Paid())
    task = Paid()
    with pytest.raises(ConflictError, match="already has an experiment"):
        call("run", "e", dataset="questions", task=task)
    assert not task.calls
    assert store.calls.count("create") == 1


def test_a_dry_run_stores_nothing(call: Call, store: Elsewhere) -> None:
    assert len(call("run", "e", dataset="questions", task=Paid(), dry_run=3).rows) == 3
    assert store.calls == []


def test_a_rerun_takes_over_what_has_not_changed(call: Call, store: Elsewhere) -> None:
    call("run", "e", dataset="questions", task=Paid(), evaluators=exact_match())
    task = Paid()
    call("rerun", "e", "e2", dataset="questions", task=task, evaluators=exact_match())
    assert not task.calls
    assert len(stored(store, "e2")) == 10


def test_experiments_of_a_store_are_compared(runtime: Runtime, stores: Stores, call: Call) -> None:
    call("run", "a", dataset="questions", task=Paid(), evaluators=exact_match())
    call("run", "b", dataset="questions", task=lambda example: "0", task_version="1", evaluators=exact_match())
    found = SyncRuns(Runs(runtime, stores)).compare("a", "b", dataset="questions")
    metric = found.metrics["exact_match"]
    assert len(metric.pairs) == 10
    with pytest.raises(UnsupportedOperation, match="elsewhere"):
        SyncRuns(Runs(runtime, stores)).compare("a", "b", project="other")


def test_what_is_journaled_in_the_file_of_the_store_does_not_travel(call: Call, local: LocalStore) -> None:
    result = call("run", "e", over=local.stores, dataset="questions", task=Paid(), evaluators=exact_match())
    [experiment] = list(local.journal.experiments())
    assert experiment.plan.name == "e"
    assert len(result.rows) == 10
    rows = drive(rows_in(local.experiments, "e"))
    assert [row.scores for row in rows] == [{"exact_match": 1.0}] * 10
    with pytest.raises(ConflictError):
        call("run", "e", over=local.stores, dataset="questions", task=Paid())
    again = call("rescore", "e", [Judge("late")], over=local.stores)
    assert again.mean("late") == 1.0


# Two machines: one journal each, one store.


@pytest.fixture
def machines(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "first.sqlite3", tmp_path / "second.sqlite3"


def interrupted_after(number: int) -> Callable[[DatasetExample], str]:
    done: list[str] = []

    def task(example: DatasetExample) -> str:
        if len(done) == number:
            raise KeyboardInterrupt
        done.append(example["expected"])
        return str(example["expected"])

    return task


def test_another_machine_resumes_what_the_store_has(call: Call, store: Elsewhere, machines: tuple[Path, Path]) -> None:
    first, second = machines
    with pytest.raises(KeyboardInterrupt):
        call(
            "run",
            "e",
            dataset="questions",
            task=interrupted_after(4),
            task_version="other code",
            evaluators=exact_match(),
            repetitions=2,
            metadata={"model": "small"},
            concurrency=1,
            journal=first,
        )
    there = len(stored(store))
    assert there == 4
    store.forget()
    task, judge = Paid(), Judge("late")
    result = call("resume", "e", dataset="questions", task=task, evaluators=[exact_match(), judge], journal=second)
    assert task.calls.total() == len(result.rows) - there == 16
    assert result.mean("exact_match") == result.mean("late") == 1.0
    assert judge.calls == 20
    assert "create" not in store.calls
    assert "delete" not in store.calls
    assert len(store.sent) == 16
    assert len(store.evaluated) == 16 * 2 + 4
    assert {row.metadata["model"] for row in result.rows} == {"small"}
    assert {tuple(sorted(row.scores)) for row in stored(store)} == {("exact_match", "late")}


def test_an_experiment_that_was_taken_over_is_compared_from_then_on(call: Call, machines: tuple[Path, Path]) -> None:
    first, second = machines
    with pytest.raises(KeyboardInterrupt):
        call("run", "e", dataset="questions", task=interrupted_after(4), concurrency=1, journal=first)
    call("resume", "e", dataset="questions", task=lambda example: "", task_version="2", journal=second)
    with pytest.raises(ResumeRefused, match="task"):
        call("resume", "e", dataset="questions", task=lambda example: "", task_version="3", journal=second)


def test_another_machine_retries_what_failed(call: Call, store: Elsewhere, machines: tuple[Path, Path]) -> None:
    first, second = machines
    broken = Judge("judge", fails=lambda output: output == "3")
    call(
        "run",
        "e",
        dataset="questions",
        task=Paid(lambda example: example["expected"] in "12"),
        evaluators=broken,
        journal=first,
    )
    store.forget()
    task, judge = Paid(), Judge("judge")
    result = call("retry_failed", "e", dataset="questions", task=task, evaluators=judge, journal=second)
    assert set(task.calls) == {"1", "2"}
    assert judge.calls == 3
    assert len(store.sent) == 2
    assert len(store.evaluated) == 3
    assert result.mean("judge") == 1.0
    assert [(row.error, row.scores) for row in stored(store)] == [(None, {"judge": 1.0})] * 10


def test_another_machine_scores_what_the_store_has(call: Call, store: Elsewhere, machines: tuple[Path, Path]) -> None:
    first, second = machines
    call("run", "e", dataset="questions", task=Paid(), evaluators=Judge("early"), journal=first)
    store.forget()
    early, late = Judge("early"), Judge("late", 0.25)
    call("rescore", "e", [early, late], dataset="questions", journal=second)
    assert (early.calls, late.calls) == (0, 10)
    assert set(store.calls) == {"upload_evaluations"}
    call("rescore", "e", [early], dataset="questions", journal=second, force=True)
    assert early.calls == 10


def test_rows_that_another_machine_brought_meanwhile_are_not_paid_for_again(
    call: Call, store: Elsewhere, machines: tuple[Path, Path]
) -> None:
    first, second = machines
    options: dict[str, Any] = {"dataset": "questions", "evaluators": exact_match()}
    with pytest.raises(KeyboardInterrupt):
        call("run", "e", task=interrupted_after(4), task_version="1", concurrency=1, journal=first, **options)
    call("resume", "e", task=Paid(), journal=second, **options)
    store.forget()
    task = Paid()
    result = call("resume", "e", task=task, task_version="1", journal=first, **options)
    assert not task.calls
    assert store.calls == []
    assert result.mean("exact_match") == 1.0
    late = call("rescore", "e", [Judge("late")], dataset="questions", journal=first)
    assert late.mean("late") == 1.0
    assert len(store.evaluated) == 10


def test_rows_that_a_store_lost_are_stored_again_in_the_experiment_that_has_the_name_now(
    call: Call, store: Elsewhere
) -> None:
    options: dict[str, Any] = {"dataset": "questions", "evaluators": exact_match()}
    call("run", "e", task=Paid(), **options)
    [row, *_] = stored(store)
    dataset_id = drive(store.get("e")).dataset_id or ""
    drive(store.store.delete(drive(store.get("e")).id))
    drive(store.store.create("e", dataset_id=dataset_id, runs=[row]))
    store.forget()
    task = Paid()
    result = call("resume", "e", task=task, **options)
    assert not task.calls
    assert len(store.sent) == 9
    assert [row.scores for row in stored(store)] == [{"exact_match": 1.0}] * 10
    assert len(result.rows) == 10
    store.forget()
    call("resume", "e", task=task, **options)
    assert store.calls == []


def test_more_repetitions_than_the_store_takes_are_refused_before_the_first_task(
    call: Call, store: Elsewhere, machines: tuple[Path, Path]
) -> None:
    call("run", "e", dataset="questions", task=Paid(), repetitions=2, journal=machines[0])
    task = Paid()
    for journal in machines:
        with pytest.raises(ValidationError, match="made with repetitions=2"):
            call("resume", "e", task=task, repetitions=3, accept_changes=True, journal=journal)
    assert not task.calls
    result = call("resume", "e", task=task, journal=machines[0])
    assert len(result.rows) == len(stored(store)) == 20


def test_an_experiment_of_a_part_of_a_dataset_is_resumed_with_that_part(
    call: Call, local: LocalStore, store: Elsewhere, machines: tuple[Path, Path]
) -> None:
    dataset_id = drive(local.datasets.get("questions")).id
    experiment_id = drive(store.store.create("e", dataset_id=dataset_id)).id
    ids = [key.example_id for key in drive(incomplete(store, experiment_id))]
    store.part = set(ids[3:7])
    task = Paid()
    result = call("resume", "e", dataset="questions", task=task, journal=machines[0])
    assert sorted(task.calls) == ["3", "4", "5", "6"]
    assert len(result.rows) == 4
    again = call("resume", "e", dataset="questions", task=task, journal=machines[0])
    assert task.calls.total() == len(again.rows) == 4


def test_scores_of_one_output_never_go_to_another(call: Call, store: Elsewhere, machines: tuple[Path, Path]) -> None:
    first, second = machines
    options: dict[str, Any] = {"dataset": "questions", "evaluators": exact_match(), "task_version": "1"}

    def away(name: str) -> None:
        if name != "create":
            raise NetworkError("the store is away")

    store.before = away
    with pytest.raises(UploadError):
        call("run", "e", task=lambda example: "other", journal=first, **options)
    store.before = lambda _: None
    call("resume", "e", task=Paid(), journal=second, **options)
    with pytest.raises(UploadError, match=r"another output already.*journal= another file") as caught:
        call("resume", "e", task=lambda example: "other", journal=first, **options)
    assert caught.value.stored == 0
    assert [(row.output, row.scores) for row in sorted(stored(store), key=lambda row: row.output or "")] == [
        (str(number), {"exact_match": 1.0}) for number in range(10)
    ]


def test_scores_never_go_to_the_outputs_of_an_experiment_that_only_has_the_same_name(
    call: Call, store: Elsewhere, machines: tuple[Path, Path]
) -> None:
    first, second = machines
    call("run", "e", dataset="questions", task=lambda example: "other", task_version="1", journal=first)
    drive(store.store.delete(drive(store.get("e")).id))
    call("run", "e", dataset="questions", task=Paid(), journal=second)
    with pytest.raises(UploadError, match="another output already"):
        call("rescore", "e", [Judge("late")], dataset="questions", journal=first)
    assert [row.scores for row in stored(store)] == [{}] * 10


def test_outputs_are_never_scored_against_the_examples_of_another_dataset_that_has_the_id(
    call: Call, local: LocalStore, store: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("run", "e", dataset="questions", task=Paid())
    drive(store.store.delete(drive(store.get("e")).id))
    original = local.datasets.examples

    async def others(dataset: str, *, version: str | None = None) -> AsyncIterator[DatasetExample]:
        async for example in original(dataset, version=version):
            yield DatasetExample(id=example.id, fields={"expected": "something else"})

    store.forget()
    with monkeypatch.context() as patched:
        patched.setattr(local.datasets, "examples", others)
        with pytest.raises(ConflictError, match="10 examples are changed"):
            call("rescore", "e", exact_match())
    assert store.calls == []
    assert call("rescore", "e", exact_match()).mean("exact_match") == 1.0


def test_scores_with_several_names_are_not_made_again_by_another_machine(
    call: Call, store: Elsewhere, machines: tuple[Path, Path]
) -> None:
    first, second = machines
    calls: list[str] = []

    def several(output: str) -> list[Evaluation]:
        calls.append(output)
        return [Evaluation(name="precision", score=1.0), Evaluation(name="recall", score=0.5)]

    versions = {"several": "1"}
    options: dict[str, Any] = {"evaluators": {"several": several}, "evaluator_versions": versions}
    call("run", "e", dataset="questions", task=Paid(), journal=first, **options)
    before = [row.scores for row in stored(store)]
    assert before[0] == {"several.precision": 1.0, "several.recall": 0.5}
    call("resume", "e", dataset="questions", task=Paid(), journal=second, **options)
    assert len(calls) == 10
    assert [row.scores for row in stored(store)] == before


def test_an_experiment_is_taken_over_by_the_id_that_the_store_gave_it(
    call: Call, store: Elsewhere, machines: tuple[Path, Path]
) -> None:
    first, second = machines
    call("run", "e", dataset="questions", task=Paid(), journal=first)
    ident = drive(store.get("e")).id
    for journal in (second, second, first):
        result = call("resume", ident, task=Paid(), journal=journal)
        assert (result.experiment.id, len(result.rows)) == (ident, 10)


def test_an_experiment_that_nobody_has_is_not_found(call: Call, machines: tuple[Path, Path]) -> None:
    with pytest.raises(NotFoundError, match="in the journal"):
        call("resume", "absent", dataset="questions", task=Paid(), journal=machines[1])


def test_taking_over_that_ended_early_begins_anew(
    call: Call, store: Elsewhere, machines: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from promptops.experiments.journal import JournaledRun

    first, second = machines
    call("run", "e", dataset="questions", task=Paid(), journal=first)

    def die(self: JournaledRun, remote_id: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(JournaledRun, "set_remote_id", die)
        with pytest.raises(KeyboardInterrupt):
            call("resume", "e", dataset="questions", task=Paid(), journal=second)
    with Journal.open(second) as journal:
        [half] = list(journal.experiments())
        assert half.remote_id is None
        journal.transaction(lambda connection: connection.execute("DELETE FROM units WHERE number > 3"))
    store.forget()
    task = Paid()
    result = call("resume", "e", dataset="questions", task=task, journal=second)
    assert not task.calls
    assert len(result.rows) == 10
    assert store.calls == []


def test_taking_over_is_said(call: Call, machines: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from promptops.experiments import _adopt

    said: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(_adopt, "event", lambda name, **facts: said.append((name, facts)))
    first, second = machines
    call("run", "e", dataset="questions", task=Paid(), journal=first)
    assert said == []
    result = call("resume", "e", dataset="questions", task=Paid(), journal=second)
    assert said == [
        (
            "experiment_adopted",
            {"experiment": "e", "experiment_id": result.experiment.id, "store": "elsewhere", "rows": 10},
        )
    ]


def test_both_views_of_runs_agree() -> None:
    assert_parity(AsyncRuns, SyncRuns)


def test_rows_say_when_their_task_began() -> None:
    result = run("e", dataset=[{"expected": "1"}], task=Paid(), progress=False)
    [row] = result.rows
    assert str(row.fields["promptops.started_at"]).endswith("+00:00")
