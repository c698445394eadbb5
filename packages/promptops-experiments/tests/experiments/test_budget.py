from __future__ import annotations

from typing import Any

import anyio
import pytest
from promptops.core.errors import ValidationError
from promptops.experiments import Evaluation, RunState, Usage, report_cost, resume, run
from promptops.experiments._budget import Budget
from promptops.models import DatasetExample


def numbers(count: int) -> list[dict[str, Any]]:
    return [{"id": f"n{number}", "i": number} for number in range(count)]


def paid(example: DatasetExample) -> str:
    report_cost(0.1)
    return "x"


def test_what_units_under_way_will_cost_counts() -> None:
    budget = Budget(1.0)
    budget.start()
    assert budget.refusal() is None  # nothing is known yet
    budget.take(Usage(cost=0.3))
    budget.finish(0.3)
    budget.start()
    assert budget.refusal() is None  # 0.3 spent, 0.3 under way, 0.3 for the next
    budget.start()
    assert "0.3 of max_cost=1" in (budget.refusal() or "")


def test_a_run_stops_before_it_costs_more_than_allowed_and_says_so() -> None:
    result = run("e", dataset=numbers(40), task=paid, max_cost=1.0, concurrency=4, progress=False)
    assert result.cost == pytest.approx(1.0)
    assert (len(result.rows), result.remaining) == (10, 30)
    assert "max_cost=1" in (result.stopped or "")
    assert "stopped with 30 rows missing: the budget" in str(result)
    assert result.summary()["remaining"] == 30


def test_the_first_unit_runs_alone_where_a_unit_costs_more_than_the_budget() -> None:
    called: list[int] = []

    async def task(example: DatasetExample) -> str:
        called.append(1)
        await anyio.sleep(0.01)
        report_cost(5.0)
        return "x"

    result = run("e", dataset=numbers(40), task=task, max_cost=1.0, concurrency=8, progress=False)
    assert len(called) == len(result.rows) == 1


def test_a_resumed_run_counts_what_was_spent_before() -> None:
    options: dict[str, Any] = {"dataset": numbers(20), "task": paid, "progress": False, "concurrency": 1}
    run("e", max_cost=0.5, **options)
    assert len(resume("e", max_cost=0.5, **options).rows) == 5
    result = resume("e", max_cost=1.2, **options)
    assert len(result.rows) == 12
    assert result.cost == pytest.approx(1.2)
    assert len(resume("e", **options).rows) == 20


def test_judges_cost_too_whichever_way_they_say_so() -> None:
    def reports(output: str) -> bool:
        report_cost(0.2, output_tokens=3)
        return True

    async def returns(output: str) -> Evaluation:
        return Evaluation(score=1.0, cost=0.3)

    result = run(
        "e", dataset=numbers(10), task=paid, evaluators=[reports, returns], max_cost=1.3, concurrency=1, progress=False
    )
    assert len(result.rows) == 2
    assert result.cost == pytest.approx(1.2)
    assert result.rows[0].evaluations["reports"].cost == 0.2
    assert result.rows[0].evaluations["returns"].cost == 0.3


def test_reports_outside_of_a_run_are_nobodys() -> None:
    report_cost(1.0)


@pytest.mark.parametrize("figures", [{"cost": -1.0}, {"cost": float("nan")}, {"input_tokens": -1}])
def test_figures_that_make_no_sense_are_refused(figures: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(figures))):
        report_cost(**figures)


def test_a_run_stops_when_the_rest_can_be_spared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("promptops.experiments._pool._LEAST_BETWEEN_VERDICTS", 0.0)
    states: list[RunState] = []

    def decided(state: RunState) -> str | None:
        states.append(state)
        return "decided" if len(state.rows) >= 10 else None

    async def task(example: DatasetExample) -> str:
        await anyio.sleep(0.01)
        return "x"

    result = run("e", dataset=numbers(200), task=task, stop_when=decided, concurrency=2, progress=False)
    assert result.stopped == "decided"
    assert 10 <= len(result.rows) < 60
    assert all(len(state.rows) + len(state.remaining) == state.total == 200 for state in states)


def test_an_error_of_the_one_who_decides_ends_the_run() -> None:
    def decided(state: RunState) -> bool:
        raise RuntimeError("no verdict")

    async def task(example: DatasetExample) -> str:
        await anyio.sleep(0.01)
        return "x"

    with pytest.raises(RuntimeError, match="no verdict") as caught:
        run("e", dataset=numbers(2000), task=task, stop_when=decided, concurrency=2, progress=False)
    assert "resume('e'" in caught.value.__notes__[0]
