"""What a run does with all of its rows at once leaves the event loop to others."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest
from promptops.experiments import AsyncExperiments, SyncDatasets, SyncExperiments, exact_match
from promptops.experiments import _run as preparing
from promptops.experiments import _session as sessions
from promptops.experiments._plan import Unit
from promptops.experiments.journal import ScoreRecord, UnitRecord
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import Evaluation, ExperimentRun

if TYPE_CHECKING:
    from .conftest import MemoryServer

WORK: tuple[tuple[Any, str], ...] = (
    (preparing, "make_plan"),
    (sessions, "Collector"),
    (sessions, "metrics_of"),
)
"""What takes time for each row: checking the examples, the rows that stand, the metrics."""


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[int]]:
    """The threads that did it."""
    found: dict[str, set[int]] = {name: set() for _, name in WORK}

    def noted(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def does(*args: Any, **kwargs: Any) -> Any:
            found[name].add(threading.get_ident())
            return work(*args, **kwargs)

        return does

    for module, name in WORK:
        monkeypatch.setattr(module, name, noted(name, getattr(module, name)))
    return found


async def in_a_thread(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """What the runtime of a real client does."""
    return await anyio.to_thread.run_sync(partial(function, *args, **kwargs))


async def solve(example: DatasetExample) -> str:
    return str(example["expected"])


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_work_over_all_rows_is_done_beside_the_loop(
    server: MemoryServer, questions: str, threads: dict[str, set[int]], backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async_experiments = AsyncExperiments(server)
    monkeypatch.setattr(server, "run_blocking", in_a_thread)

    async def main() -> int:
        given: dict[str, Any] = {"task": solve, "evaluators": exact_match(), "progress": False, "task_version": "1"}
        await async_experiments.run("e", dataset=questions, **given)
        await async_experiments.resume("e", dataset=questions, **given)
        await async_experiments.rerun("e", "f", dataset=questions, **given)
        await async_experiments.rescore("e", exact_match(), dataset=questions, progress=False)
        return threading.get_ident()

    loop = anyio.run(main, backend=backend)
    for name, found in threads.items():
        assert found, name
        assert loop not in found, name


def test_blocking_work_over_all_rows_needs_no_thread(
    experiments: SyncExperiments, datasets: SyncDatasets, questions: str, threads: dict[str, set[int]]
) -> None:
    """The control: whose thread it is would be noticed."""
    experiments.run("e", dataset=questions, task=solve, evaluators=exact_match(), progress=False)
    assert all(found == {threading.get_ident()} for found in threads.values())


def test_rows_are_no_work_for_the_garbage_collector() -> None:
    """It looks at everything that it tracks in one go, in whatever thread, while all others wait."""
    fields = {"answer": {"text": "x"}}
    example = DatasetExample(id="a", fields=fields)
    score = ScoreRecord(evaluator="e", evaluation=Evaluation(score=1.0))
    record = UnitRecord(example_id="a", repetition=1, state="done", fields=fields, scores={"e": score})
    unit = Unit(position=0, example=example, repetition=1, prior=record)
    rows = (example, score, record, unit, ExperimentRun(example_id="a", fields=fields))
    assert gc.is_tracked(fields)
    assert not any(map(gc.is_tracked, rows))
