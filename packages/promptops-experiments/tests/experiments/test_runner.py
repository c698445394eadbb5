# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false
# Tasks and evaluators are bound by name, so a lambda of several parameters has no types that a checker could know.

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from promptops.core.errors import (
    AuthenticationError,
    ConflictError,
    NetworkError,
    NotFoundError,
    ValidationError,
)
from promptops.core.messages import Request
from promptops.experiments import (
    AsyncExperiments,
    Evaluation,
    ExperimentResult,
    SyncDatasets,
    SyncExperiments,
    UploadError,
    exact_match,
)
from promptops.experiments._collect import Collector
from promptops.experiments._plan import Finished
from promptops.experiments._upload import Batch, Uploader
from promptops.models.datasets import DatasetExample

if TYPE_CHECKING:
    from .conftest import MemoryServer

Run = Callable[..., ExperimentResult]
TENANT = contextvars.ContextVar("TENANT", default="nobody")


@pytest.fixture(params=["sync", "asyncio", "trio"])
def run(request: pytest.FixtureRequest, experiments: SyncExperiments, async_experiments: AsyncExperiments) -> Run:
    """Runs an experiment through each facade."""
    if request.param == "sync":

        def blocking(name: str = "e", **options: Any) -> ExperimentResult:
            options.setdefault("progress", False)
            return experiments.run(name, **options)

        return blocking

    def in_loop(name: str = "e", **options: Any) -> ExperimentResult:
        async def main() -> ExperimentResult:
            return await async_experiments.run(name, **options)

        options.setdefault("progress", False)
        return anyio.run(main, backend=request.param)

    return in_loop


def solve(example: DatasetExample) -> str:
    left, _, right = example["question"].partition(" + ")
    return str(int(left) + int(right))


async def solve_async(example: DatasetExample) -> str:
    await anyio.sleep(0.001)
    return solve(example)


@pytest.mark.parametrize("task", [solve, solve_async])
def test_every_example_is_run_scored_and_stored(
    run: Run, task: Callable[..., Any], questions: str, experiments: SyncExperiments
) -> None:
    result = run(dataset=questions, task=task, evaluators=[exact_match()])
    assert [row.output for row in result.rows] == [str(2 * i) for i in range(10)]
    assert result.mean("exact_match") == 1.0
    assert (result.failed, result.errors) == (0, 0)
    stored = experiments.runs("e")
    assert {run.example_id for run in stored} == {row.example_id for row in result.rows}
    assert all(run.score("exact_match") == 1 and run.latency_ms is not None for run in stored)


def test_many_rows_are_all_stored_once(
    run: Run, datasets: SyncDatasets, experiments: SyncExperiments, server: MemoryServer
) -> None:
    datasets.create("many", [{"i": i} for i in range(999)])
    server.requests.clear()
    result = run(dataset="many", task=lambda example: str(example["i"]), concurrency=20)
    assert [row.output for row in result.rows] == [str(i) for i in range(999)]
    stored = [run.output for run in experiments.runs("e")]
    assert sorted(stored, key=lambda output: int(output or "")) == [str(i) for i in range(999)]
    assert len({request.idempotency_key for request in server.sent("POST")}) == len(server.sent("POST"))


def test_sync_tasks_overlap(run: Run, datasets: SyncDatasets) -> None:
    datasets.create("twenty", [{"i": i} for i in range(20)])

    ten_at_once = threading.Barrier(10)

    def slow(example: DatasetExample) -> str:
        ten_at_once.wait(20)
        return "done"

    result = run(dataset="twenty", task=slow, concurrency=10)
    assert [row.output for row in result.rows] == ["done"] * 20


@pytest.mark.parametrize("is_async", [False, True])
def test_no_more_tasks_run_at_once_than_asked_for(run: Run, datasets: SyncDatasets, is_async: bool) -> None:
    datasets.create("thirty", [{"i": i} for i in range(30)])
    busy: list[int] = []
    most: list[int] = []
    full = threading.Event()

    def enter() -> None:
        busy.append(1)
        most.append(len(busy))
        if len(busy) >= 7:
            full.set()

    def slow(example: DatasetExample) -> str:
        enter()
        full.wait(20)
        time.sleep(0.01)
        busy.pop()
        return ""

    async def slow_async(example: DatasetExample) -> str:
        enter()
        with anyio.move_on_after(20):
            while not full.is_set():  # noqa: ASYNC110 - the same event for threads
                await anyio.sleep(0.001)
        await anyio.sleep(0.01)
        busy.pop()
        return ""

    run(dataset="thirty", task=slow_async if is_async else slow, concurrency=7)
    assert max(most) == 7


def test_latency_does_not_count_the_wait_for_a_turn(run: Run, questions: str) -> None:
    def slow(example: DatasetExample) -> str:
        time.sleep(0.05)
        return ""

    result = run(dataset=questions, task=slow, concurrency=1)
    latencies = sorted(row.latency_ms or 0 for row in result.rows)
    assert latencies[0] >= 50
    assert latencies[5] < 200, latencies  # with the waits it would be 300


def fails(example: DatasetExample) -> str:
    if example["expected"] in {"4", "8"}:
        raise RuntimeError("the model is down")
    return "fine"


async def fails_async(example: DatasetExample) -> str:
    return fails(example)


@pytest.mark.parametrize("task", [fails, fails_async])
def test_a_failing_task_is_a_row_and_costs_no_other(
    run: Run, task: Callable[..., Any], questions: str, experiments: SyncExperiments
) -> None:
    scored: list[object] = []

    def seen(output: str) -> bool:
        scored.append(output)
        return True

    result = run(dataset=questions, task=task, evaluators=seen)
    errors = [row.error for row in result.rows if row.error]
    assert errors == ["RuntimeError: the model is down"] * 2
    assert (result.failed, result.errors, len(scored)) == (2, 2, 8)
    stored = experiments.runs("e")
    assert len(stored) == 10
    assert [run.output for run in stored if run.error] == ["", ""]
    assert not any(run.evaluations for run in stored if run.error)


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def raises(error: BaseException) -> Callable[[DatasetExample], str]:
    def task(example: DatasetExample) -> str:
        raise error

    return task


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(1),
        StopIteration(),
        GeneratorExit(),
        asyncio.CancelledError(),
        UnreadableError(),
        ValueError("\ud800"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_task_raises_is_in_its_row(run: Run, questions: str, error: BaseException) -> None:
    result = run(dataset=questions, task=raises(error))
    assert result.failed == 10
    assert all((row.error or "").startswith(type(error).__name__) for row in result.rows)


def test_an_async_task_that_was_cancelled_by_something_of_its_own_is_a_row(
    questions: str, experiments: SyncExperiments
) -> None:
    async def task(example: DatasetExample) -> str:
        own = asyncio.ensure_future(asyncio.sleep(60))
        own.cancel()
        await own
        return "never"

    result = experiments.run("e", dataset=questions, task=task, progress=False)
    assert {row.error for row in result.rows} == {"CancelledError"}


def cyclic() -> object:
    value: list[object] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (float("nan"), "NaN"),
        ({"a": [float("inf")]}, r"a\[0\]"),
        (cyclic(), "contains itself"),
        (object(), "object"),
        ((i for i in range(3)), "generator"),
        ("\ud800", "Unicode"),
    ],
    ids=["nan", "inf", "cycle", "object", "generator", "surrogate"],
)
def test_an_output_that_cannot_be_stored_is_an_error_of_its_row(
    run: Run, questions: str, value: object, reason: str
) -> None:
    result = run(dataset=questions, task=lambda example: value if example["expected"] == "0" else "fine")
    assert result.failed == 1
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(result.rows[0].error)


def test_an_output_larger_than_a_request_is_an_error_of_its_row(experiments: SyncExperiments, questions: str) -> None:
    result = experiments.run(
        "e",
        dataset=questions,
        task=lambda example: "x" * 20_000_000 if example["expected"] == "0" else "x" * 5_000_000,
        progress=False,
    )
    assert "MiB" in (result.rows[0].error or "")
    assert result.failed == 1


def test_typed_outputs_keep_their_type(run: Run, questions: str, experiments: SyncExperiments) -> None:
    @dataclasses.dataclass
    class Answer:
        number: int

    seen: list[object] = []

    def keep(output: object) -> float:
        seen.append(output)
        return 1

    run(dataset=questions, task=lambda example: Answer(int(example["expected"])), evaluators={"keep": keep})
    assert {"number": 18} in seen
    assert {"number": 18} in [run.value for run in experiments.runs("e")]


def test_a_task_that_takes_too_long_is_an_error_of_its_row(run: Run, questions: str) -> None:
    done: list[str] = []

    async def slow(example: DatasetExample) -> str:
        if example["expected"] == "0":
            await anyio.sleep(30)
            done.append("late")
        return "fine"

    result = run(dataset=questions, task=slow, task_timeout=0.5)
    assert [row.error for row in result.rows if row.error] == ["timed out after 0.5 s"]
    assert done == []


def test_a_function_that_takes_too_long_does_not_hold_the_run(run: Run, questions: str) -> None:
    release = threading.Event()

    def slow(example: DatasetExample) -> str:
        if example["expected"] == "0":
            release.wait(20)
        return "fine"

    threading.Timer(1.5, release.set).start()
    started = time.perf_counter()
    result = run(dataset=questions, task=slow, task_timeout=0.1)
    assert result.rows[0].error == "timed out after 0.1 s"
    assert time.perf_counter() - started < 20


def test_repetitions_are_rows_of_their_own(run: Run, questions: str, experiments: SyncExperiments) -> None:
    result = run(dataset=questions, task=solve, repetitions=3)
    assert len(result.rows) == 30
    keys = {(run.example_id, run.repetition) for run in experiments.runs("e")}
    assert len(keys) == 30
    assert {repetition for _, repetition in keys} == {1, 2, 3}


def test_metadata_is_on_every_row(run: Run, questions: str, experiments: SyncExperiments) -> None:
    run(dataset=questions, task=solve, metadata={"model": "m", "settings": {"temperature": 0}})
    assert all(run.metadata == {"model": "m", "settings": {"temperature": 0}} for run in experiments.runs("e"))


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (True, Evaluation(score=1.0, label="true")),
        (False, Evaluation(score=0.0, label="false")),
        (3, Evaluation(score=3.0)),
        (0.25, Evaluation(score=0.25)),
        ("good", Evaluation(label="good")),
        ((0.5, "half right"), Evaluation(score=0.5, explanation="half right")),
        ((True, "right"), Evaluation(score=1.0, label="true", explanation="right")),
        ({"score": 1, "label": "l"}, Evaluation(score=1.0, label="l")),
        (Evaluation(score=2.0, explanation="e"), Evaluation(score=2.0, explanation="e")),
    ],
)
def test_evaluators_may_return_what_is_natural(
    experiments: SyncExperiments, questions: str, returned: object, expected: Evaluation
) -> None:
    experiments.run("e", dataset=questions, task=solve, evaluators={"ev": lambda output: returned}, progress=False)
    assert experiments.runs("e")[0].evaluations == {"ev": expected}


@pytest.mark.parametrize(
    "returned", [None, (1, 2, 3), [1], {"points": 3}, {}, float("nan"), object(), (1, 2), ("a", "b")]
)
def test_an_evaluator_that_returns_nonsense_is_an_error_that_names_it(
    experiments: SyncExperiments, questions: str, returned: object
) -> None:
    result = experiments.run(
        "e",
        dataset=questions,
        task=solve,
        evaluators={"odd": lambda output: returned, "ok": lambda output: 1},
        progress=False,
    )
    evaluation = result.rows[0].evaluations["odd"]
    assert "evaluator 'odd' returned" in (evaluation.error or "")
    assert evaluation.score is None
    assert (result.metrics["odd"].errors, result.metrics["odd"].mean, result.mean("ok")) == (10, None, 1.0)
    assert experiments.runs("e")[0].evaluations["odd"] == evaluation


def test_a_failing_evaluator_costs_no_other_score(run: Run, questions: str) -> None:
    def broken(output: str) -> bool:
        raise KeyError("missing")

    async def fine(output: str) -> bool:
        return True

    result = run(dataset=questions, task=solve, evaluators=[broken, fine])
    assert result.mean("fine") == 1.0
    assert "evaluator 'broken' failed: KeyError" in (result.rows[0].evaluations["broken"].error or "")
    assert (result.failed, result.errors) == (0, 10)


def test_a_blocking_evaluator_does_not_stall_the_loop(async_experiments: AsyncExperiments, questions: str) -> None:
    ticks: list[float] = []

    def patient(output: str) -> bool:
        """Ends when the loop has gone on meanwhile."""
        before, until = len(ticks), time.monotonic() + 20
        while len(ticks) < before + 5 and time.monotonic() < until:
            time.sleep(0.001)
        return len(ticks) >= before + 5

    means: list[float | None] = []

    async def main() -> None:
        async def watch() -> None:
            while True:
                await anyio.sleep(0.005)
                ticks.append(time.monotonic())

        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            result = await async_experiments.run(
                "e", dataset=questions, task=solve_async, evaluators={"patient": patient}, progress=False
            )
            means.append(result.mean("patient"))
            group.cancel_scope.cancel()

    anyio.run(main)
    assert means == [1.0]


def test_an_evaluator_may_be_an_object_with_a_name(run: Run, questions: str) -> None:
    class Length:
        name = "length"

        async def evaluate(self, *, output: str, example: DatasetExample) -> float:
            return len(output) - len(example["expected"])

    assert run(dataset=questions, task=solve, evaluators=[Length()]).mean("length") == 0


def test_a_taken_name_is_refused_before_a_task_is_paid_for(run: Run, questions: str) -> None:
    called: list[object] = []

    def task(example: DatasetExample) -> str:
        called.append(example)
        return ""

    run(dataset=questions, task=task)
    with pytest.raises(ConflictError, match="No task was run"):
        run(dataset=questions, task=task)
    assert len(called) == 10


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": 2.5}, "concurrency"),
        ({"repetitions": 0}, "repetitions"),
        ({"task_timeout": -1}, "task_timeout"),
        ({"evaluators": [lambda output: 1]}, "no name"),
        ({"evaluators": [exact_match(), exact_match()]}, "two evaluators"),
        ({"evaluators": {"e": lambda guess, truth: 1}}, "'guess' that cannot be filled"),
        ({"task": lambda: ""}, "takes no parameter"),
        ({"task": "not a function"}, "must be a function"),
        ({"task": lambda prompt, examples: ""}, "'examples' that cannot be filled"),
        ({"retries": -1}, "retries"),
        ({"retry_on": "ValueError"}, "retry_on"),
        ({"max_cost": 0}, "max_cost"),
        ({"evaluator_timeout": float("nan")}, "evaluator_timeout"),
        ({"dry_run": 0}, "dry_run"),
        ({"metadata": {"x": object()}}, "metadata"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_any_request(
    run: Run, server: MemoryServer, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        run(**{"dataset": "d", "task": solve, **options})
    assert server.requests == []


def test_a_parameter_that_no_example_can_fill_is_refused_before_a_task_is_paid_for(run: Run, questions: str) -> None:
    with pytest.raises(ValidationError, match=r"'input'.*expected, question"):
        run(dataset=questions, task=lambda input, metadata: "")  # noqa: A006
    with pytest.raises(ValidationError, match="evaluator 'exact_match' takes 'answer'"):
        run(dataset=questions, task=solve, evaluators=[exact_match("answer")])


def test_a_field_that_only_some_examples_lack_is_an_error_of_their_rows(
    experiments: SyncExperiments, datasets: SyncDatasets
) -> None:
    datasets.create("some", [{"q": 1, "expected": "1"}, {"q": 2}])
    result = experiments.run(
        "e",
        dataset="some",
        task=lambda example: str(example["q"]),
        evaluators={"same": lambda output, expected: output == expected},
        progress=False,
    )
    assert result.mean("same") == 1.0
    assert "has no field 'expected'" in (result.rows[1].evaluations["same"].error or "")


def test_parameters_are_filled_by_name(run: Run, datasets: SyncDatasets) -> None:
    datasets.create("named", [{"input": "i", "expected": "e", "metadata": {"level": 1}}])
    seen: list[tuple[object, ...]] = []

    def task(input: str, metadata: dict[str, Any], *, example: DatasetExample, extra: int = 7) -> str:  # noqa: A002
        seen.append((input, metadata, example["expected"], extra))
        return "out"

    def judge(output: str, expected: str, input: str, **others: Any) -> bool:  # noqa: A002
        seen.append((output, expected, input, sorted(others)))
        return True

    run(dataset="named", task=task, evaluators=judge)
    assert seen == [("i", {"level": 1}, "e", 7), ("out", "e", "i", ["example", "metadata"])]


def test_a_dataset_that_is_not_there_is_named(run: Run) -> None:
    with pytest.raises(NotFoundError, match="'nothing'"):
        run(dataset="nothing", task=solve)


def test_rows_are_stored_while_the_run_goes_on(run: Run, datasets: SyncDatasets, server: MemoryServer) -> None:
    datasets.create("slow", [{"i": i} for i in range(4)])
    stored_before_the_last: list[int] = []

    def task(example: DatasetExample) -> str:
        if example["i"] == 3:
            until = time.monotonic() + 20
            while stored() < 3 and time.monotonic() < until:
                time.sleep(0.01)
            stored_before_the_last.append(stored())
        return ""

    def stored() -> int:
        return sum(len(runs) for runs in list(server.runs.values()))

    run(dataset="slow", task=task, concurrency=1)
    assert stored_before_the_last == [3]


def test_a_lost_answer_stores_no_row_twice(run: Run, questions: str, server: MemoryServer) -> None:
    async def lose_the_first_answer(request: Request) -> Any:
        response = await original(request)
        if request.path == "/v2/experiments" and request.method == "POST" and not lost:
            lost.append(request.idempotency_key)
            raise NetworkError("the answer was lost")
        return response

    lost: list[str | None] = []
    original = server.send
    server.send = lose_the_first_answer  # type: ignore[method-assign]
    result = run(dataset=questions, task=solve)
    [rows] = server.runs.values()
    assert len(rows) == len(result.rows) == 10
    assert [r.idempotency_key for r in server.sent("POST", "/v2/experiments")] == lost * 2


def test_rows_that_cannot_be_stored_are_in_the_error(run: Run, questions: str, server: MemoryServer) -> None:
    def refuse(request: Request) -> None:
        if request.method == "POST":
            raise NetworkError("the server is away")

    server.before = refuse
    with pytest.raises(UploadError, match=r"10 of 10 finished rows.*the server is away") as caught:
        run(dataset=questions, task=solve)
    assert [row.output for row in caught.value.rows] == [str(2 * i) for i in range(10)]
    assert (caught.value.stored, caught.value.retryable) == (0, True)


def test_a_refusal_for_good_ends_the_run_at_once(run: Run, datasets: SyncDatasets, server: MemoryServer) -> None:
    datasets.create("long", [{"i": i} for i in range(1000)])
    called: list[int] = []

    def refuse(request: Request) -> None:
        if request.method == "POST":
            raise AuthenticationError("the key was revoked")

    async def task(example: DatasetExample) -> str:
        called.append(1)
        await anyio.sleep(0.01)
        return ""

    server.before = refuse
    with pytest.raises(UploadError, match="revoked") as caught:
        run(dataset="long", task=task, concurrency=10)
    assert isinstance(caught.value.__cause__, AuthenticationError)
    assert len(called) < 900


def test_the_blocking_run_works_within_a_running_loop(experiments: SyncExperiments, questions: str) -> None:
    async def main() -> ExperimentResult:
        return experiments.run("e", dataset=questions, task=solve_async, evaluators=[exact_match()], progress=False)

    assert asyncio.run(main()).mean("exact_match") == 1.0


def test_cancelling_keeps_what_is_finished(
    async_experiments: AsyncExperiments, datasets: SyncDatasets, server: MemoryServer
) -> None:
    datasets.create("long", [{"i": i} for i in range(10)])

    async def task(example: DatasetExample) -> str:
        if example["i"] == 9:
            at_the_last.set()
            await anyio.sleep(30)
        return ""

    async def main() -> None:
        async def cancel() -> None:
            while not at_the_last.is_set():  # noqa: ASYNC110 - set in another thread, where tasks run there
                await anyio.sleep(0.01)
            scope.cancel()

        async with anyio.create_task_group() as group:
            with anyio.CancelScope() as scope:
                group.start_soon(cancel)
                await async_experiments.run("e", dataset="long", task=task, concurrency=1, progress=False)
            assert scope.cancelled_caught

    at_the_last = threading.Event()

    anyio.run(main)
    [rows] = server.runs.values()
    assert len(rows) == 9


@pytest.mark.parametrize("lost", ["before it is taken", "after it is taken", "while its batch travels"])
def test_a_row_is_stored_once_wherever_an_interrupt_comes(
    experiments: SyncExperiments,
    datasets: SyncDatasets,
    server: MemoryServer,
    monkeypatch: pytest.MonkeyPatch,
    lost: str,
) -> None:
    datasets.create("long", [{"i": i} for i in range(3)])
    called: list[int] = []
    add = Collector.add
    send = Uploader._send  # pyright: ignore[reportPrivateUsage] - the one place between a request and its answer
    calls = 0

    def task(example: DatasetExample) -> str:
        called.append(example["i"])
        return ""

    def interrupted_add(self: Collector, row: Finished) -> None:
        nonlocal calls
        calls += 1
        if lost == "after it is taken" or calls < 3:
            add(self, row)
        if lost != "while its batch travels" and calls == 3:
            raise KeyboardInterrupt

    async def interrupted_send(self: Uploader, batch: Batch) -> None:
        nonlocal calls
        await send(self, batch)
        if lost == "while its batch travels" and calls == 3:
            calls += 1
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Collector, "add", interrupted_add)
        patch.setattr(Uploader, "_send", interrupted_send)
        with pytest.raises(KeyboardInterrupt):
            experiments.run("e", dataset="long", task=task, task_version="1", concurrency=1, progress=False)
    assert called == [0, 1, 2]
    assert len(experiments.resume("e", task=task, task_version="1", progress=False).rows) == 3
    assert called == [0, 1, 2]
    [rows] = server.runs.values()
    assert len(rows) == 3


@pytest.mark.parametrize("is_async", [False, True])
def test_an_interrupt_from_within_a_task_ends_the_run_and_keeps_what_is_finished(
    run: Run, datasets: SyncDatasets, server: MemoryServer, is_async: bool
) -> None:
    datasets.create("long", [{"i": i} for i in range(10)])

    def task(example: DatasetExample) -> str:
        if example["i"] == 5:
            raise KeyboardInterrupt
        return ""

    async def task_async(example: DatasetExample) -> str:
        return task(example)

    with pytest.raises(KeyboardInterrupt):
        run(dataset="long", task=task_async if is_async else task, concurrency=1)
    [rows] = server.runs.values()
    assert len(rows) == 5
    assert len(run("after", dataset="long", task=lambda example: "").rows) == 10


def test_nothing_of_a_run_is_left_behind(experiments: SyncExperiments, questions: str) -> None:
    from promptops.core.portal import portal

    async def others() -> int:
        return len(asyncio.all_tasks())

    before = portal().call(others)
    for index in range(3):
        experiments.run(f"e{index}", dataset=questions, task=solve_async, progress=False)
    assert portal().call(others) == before


def test_tasks_see_the_context_of_the_caller(run: Run, questions: str) -> None:
    async def ask(example: DatasetExample) -> str:
        return TENANT.get()

    token = TENANT.set("acme")
    try:
        blocking = run("a", dataset=questions, task=lambda example: TENANT.get())
        waiting = run("b", dataset=questions, task=ask)
    finally:
        TENANT.reset(token)
    assert {row.output for row in [*blocking.rows, *waiting.rows]} == {"acme"}


class Broken:
    def start(self, total: int, name: str) -> None:
        raise RuntimeError("no display")

    def advance(self, *, failed: bool) -> None:
        raise RuntimeError("no display")

    def finish(self) -> None:
        raise RuntimeError("no display")


def test_a_broken_progress_does_not_break_the_run(run: Run, questions: str) -> None:
    assert len(run(dataset=questions, task=solve, progress=Broken()).rows) == 10


def test_a_result_reads_as_a_table(run: Run, questions: str) -> None:
    result = run("arithmetic", dataset=questions, task=fails, evaluators=[exact_match()])
    text = str(result)
    assert text.startswith("arithmetic: 10 rows in ")
    assert "2 failed" in text
    assert "exact_match  0.0000" in text
    assert "first error: RuntimeError: the model is down" in text
    assert result.summary()["metrics"]["exact_match"]["scored"] == 8
