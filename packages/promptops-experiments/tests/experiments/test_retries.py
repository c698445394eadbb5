# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# Tasks and evaluators are bound by name, so a lambda has no types that a checker could know.

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from promptops.core.errors import ValidationError
from promptops.experiments import ExperimentStopped, report_cost, retry_failed, run
from promptops.experiments._retries import RetryPolicy, backoff
from promptops.models import DatasetExample


def numbers(count: int) -> list[dict[str, Any]]:
    return [{"id": f"n{number}", "i": number} for number in range(count)]


def test_waits_grow_and_are_never_all_the_same() -> None:
    for number, most in ((1, 0.5), (2, 1.0), (5, 8.0), (40, 30.0)):
        waits = [backoff(number) for _ in range(300)]
        assert 0.025 <= min(waits) <= max(waits) <= most
        assert max(waits) > most / 2
        assert len(set(waits)) > 100


@pytest.mark.parametrize(
    ("rule", "again"),
    [
        (None, True),
        (ValueError, True),
        (KeyError, False),
        ((KeyError, ValueError), True),
        (lambda error: "odd" in str(error), True),
        (lambda error: False, False),
    ],
)
def test_only_errors_that_are_worth_it_are_tried_again(rule: Any, again: bool) -> None:
    assert RetryPolicy(retries=1, retry_on=rule).again(1, ValueError("odd")) is again
    assert RetryPolicy(retries=1, retry_on=rule).again(2, ValueError("odd")) is False


def test_an_exit_is_not_tried_again() -> None:
    assert RetryPolicy(retries=3).again(1, SystemExit(1)) is False


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("promptops.experiments._attempts.backoff", lambda *_, **__: 0.01)


def flaky(failures: int) -> tuple[Callable[[DatasetExample], str], list[int]]:
    calls: list[int] = []

    def task(example: DatasetExample) -> str:
        calls.append(example["i"])
        if calls.count(example["i"]) <= failures:
            raise ConnectionError("the line went dead")
        return "fine"

    return task, calls


@pytest.mark.usefixtures("quick")
def test_a_task_that_fails_is_tried_as_often_as_asked() -> None:
    task, calls = flaky(2)
    result = run("enough", dataset=numbers(4), task=task, retries=2, progress=False)
    assert result.failed == 0
    assert len(calls) == 12
    assert [row.fields["promptops.attempts"] for row in result.rows] == [3] * 4
    task, _ = flaky(2)
    assert run("too few", dataset=numbers(4), task=task, retries=1, progress=False).failed == 4


@pytest.mark.usefixtures("quick")
def test_an_evaluator_that_fails_is_tried_as_often_as_asked() -> None:
    calls: list[int] = []

    async def judge(output: str) -> bool:
        calls.append(1)
        if len(calls) % 2:
            raise ConnectionError("the line went dead")
        return True

    result = run(
        "e", dataset=numbers(3), task=lambda example: "x", evaluators=judge, retries=1, concurrency=1, progress=False
    )
    assert (result.mean("judge"), result.metrics["judge"].errors) == (1.0, 0)


@pytest.mark.usefixtures("quick")
def test_latency_is_that_of_the_attempt_that_succeeded() -> None:
    slow = [True]

    def task(example: DatasetExample) -> str:
        if slow.pop() if slow else False:
            time.sleep(1.0)
            raise ConnectionError
        return "x"

    [row] = run("e", dataset=numbers(1), task=task, retries=1, progress=False).rows
    assert (row.latency_ms or 0) < 900


@pytest.mark.usefixtures("quick")
def test_each_attempt_has_a_trace_id_of_its_own_and_the_row_the_last() -> None:
    seen: list[str] = []
    judged: list[str] = []

    def task(example: DatasetExample, trace_id: str) -> str:
        seen.append(trace_id)
        if len(seen) == 1:
            raise ConnectionError
        return "x"

    def judge(output: str, trace_id: str) -> bool:
        judged.append(trace_id)
        return True

    [row] = run("e", dataset=numbers(1), task=task, evaluators=judge, retries=1, progress=False).rows
    assert len(set(seen)) == 2
    assert all(len(bytes.fromhex(trace_id)) == 16 for trace_id in seen)
    assert row.fields["promptops.trace_id"] == seen[1] == judged[0]


def test_the_prompt_of_the_run_is_filled_in_by_name() -> None:
    class Prompt:
        name = "support"
        version = "1.4.0"

    prompt = Prompt()
    seen: list[object] = []

    def task(example: DatasetExample, prompt: Prompt) -> str:
        seen.append(prompt)
        return prompt.version

    result = run("e", dataset=numbers(1), task=task, prompt=prompt, progress=False)
    assert seen == [prompt]
    assert result.rows[0].output == "1.4.0"
    with pytest.raises(ValidationError, match=r"takes 'prompt'.*pass prompt="):
        run("none", dataset=numbers(1), task=task, progress=False)


def test_an_attempt_that_takes_too_long_is_cancelled_and_tried_again() -> None:
    cancelled: list[int] = []

    async def task(example: DatasetExample) -> str:
        if not cancelled:
            try:
                await anyio.sleep(30)
            finally:
                cancelled.append(1)
        return "x"

    [row] = run("e", dataset=numbers(1), task=task, retries=1, task_timeout=0.5, progress=False).rows
    assert (row.output, row.fields["promptops.attempts"]) == ("x", 2)


def test_an_evaluator_that_takes_too_long_is_an_error() -> None:
    async def judge(output: str) -> bool:
        await anyio.sleep(30)
        return True

    result = run(
        "e", dataset=numbers(1), task=lambda example: "x", evaluators=judge, evaluator_timeout=0.05, progress=False
    )
    assert "timed out after 0.05 s" in (result.rows[0].evaluations["judge"].error or "")


def test_threads_of_calls_that_never_end_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("promptops.experiments._threads._MOST_ABANDONED", 3)
    release = threading.Event()
    running: list[int] = []

    def task(example: DatasetExample) -> str:
        running.append(1)
        release.wait(20)
        return ""

    try:
        result = run("e", dataset=numbers(8), task=task, task_timeout=0.05, concurrency=2, progress=False)
    finally:
        release.set()
    assert [row.error is not None for row in result.rows] == [True] * 8
    assert len(running) <= 3 + 2
    assert "still run in their threads" in (result.rows[-1].error or "")


def test_the_first_error_ends_the_run_when_asked_and_nothing_is_lost() -> None:
    def task(example: DatasetExample) -> str:
        if example["i"] == 3:
            raise ValueError("three is too many")
        return "x"

    options: dict[str, Any] = {"dataset": numbers(10), "task_version": "1", "progress": False}
    with pytest.raises(ExperimentStopped, match="three is too many") as caught:
        run("e", task=task, concurrency=1, exit_on_error=True, **options)
    assert (len(caught.value.result.rows), caught.value.result.remaining) == (4, 6)
    result = retry_failed("e", task=lambda example: "y", **options)
    assert [row.output for row in result.rows] == ["x"] * 3 + ["y"] * 7


def test_a_rule_for_retries_that_fails_is_in_the_row() -> None:
    def broken(error: BaseException) -> bool:
        raise RuntimeError("the rule is broken")

    def task(example: DatasetExample) -> str:
        raise ValueError("x")

    result = run("e", dataset=numbers(1), task=task, retries=3, retry_on=broken, progress=False)
    assert result.rows[0].error == "RuntimeError: the rule is broken"


@pytest.mark.usefixtures("quick")
def test_failed_attempts_cost_too() -> None:
    calls: list[int] = []

    def task(example: DatasetExample) -> str:
        report_cost(0.25, input_tokens=10, output_tokens=2)
        calls.append(1)
        if len(calls) == 1:
            raise ConnectionError
        return "x"

    result = run("e", dataset=numbers(1), task=task, retries=1, progress=False)
    [row] = result.rows
    assert (row.fields["promptops.cost"], row.fields["promptops.input_tokens"], result.cost) == (0.5, 20, 0.5)
