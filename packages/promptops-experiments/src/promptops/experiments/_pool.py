"""Runs the open units of a plan in an anyio task group, and ends them when the run is to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from promptops.experiments._budget import Budget
from promptops.experiments._calls import Calls, Interrupted, described, is_interrupt
from promptops.experiments._comparison import PairKey
from promptops.experiments._control import Control
from promptops.experiments._keeping import Keeper
from promptops.experiments._loop import Signal, call_soon
from promptops.experiments._plan import Finished, Plan, RunState, Unit
from promptops.experiments._row_facts import cost_of
from promptops.experiments._threads import Threads
from promptops.experiments._unit_rows import standing_rows
from promptops.experiments._units import Units
from promptops.experiments.journal import Fingerprint, JournaledRun
from promptops.models.experiments import ExperimentRun

if TYPE_CHECKING:
    import anyio

__all__ = ["run_units"]

_LOOK_SECONDS: Final = 0.05
_LEAST_BETWEEN_VERDICTS: Final = 0.5


async def run_units(
    plan: Plan,
    control: Control,
    budget: Budget,
    journal: tuple[JournaledRun | None, Fingerprint | None],
    emit: Callable[[Finished], None],
) -> None:
    """Run every open unit, at most ``concurrency`` at once; each is emitted on the loop's thread once it is kept.

    A task or an evaluator that fails becomes a row that says so. The run ends early when ``control`` says so; units
    that are under way then end first, unless they are to be abandoned. Only an interrupt from within a task raises,
    as an :class:`Interrupted` in a group.
    """
    import anyio
    from anyio.lowlevel import checkpoint

    options = plan.options
    threads = Threads(options.concurrency + (options.stop_when is not None), call_soon())
    units = Units(options, control, budget, Calls(threads), Keeper(*journal))
    waiting = iter(plan.open)
    finished = Signal(anyio.Event)
    verdict = _Verdict(plan, control, threads)

    def done(row: Finished) -> None:
        verdict.add(row)
        emit(row)
        finished.set()

    async def work(waiting: Iterator[Unit]) -> None:
        for unit in waiting:
            refusal = budget.refusal()
            if refusal is not None:
                control.stop(refusal)
            if control.halted:
                return
            if options.max_cost is not None:
                budget.start()
            row = await units.run(unit)
            if row is None:
                budget.leave()
                return
            if options.max_cost is not None:
                budget.finish((cost_of(row.run) or 0.0) - _paid_before(unit))
            done(row)
            if options.exit_on_error and (error := _error_of(row.run)) is not None:
                control.stop(f"exit_on_error: {error}")
            if journal[0] is None:  # otherwise the wait for the disk lets others run
                await checkpoint()

    try:
        async with anyio.create_task_group() as watching:
            watching.start_soon(_watch, control, watching.cancel_scope)
            if options.stop_when is not None:
                watching.start_soon(verdict.follow, finished)
            if options.max_cost is not None:
                # What a unit costs is not known before the first is done: the pilot runs alone.
                async with anyio.create_task_group() as pilot:
                    pilot.start_soon(work, _first(waiting))
            async with anyio.create_task_group() as group:
                for _ in range(min(options.concurrency, len(plan.units))):
                    group.start_soon(work, waiting)
            watching.cancel_scope.cancel()
    finally:
        threads.close()


def _paid_before(unit: Unit) -> float:
    if unit.prior is None:
        return 0.0
    return (unit.prior.cost or 0.0) + sum(score.evaluation.cost or 0.0 for score in unit.prior.scores.values())


def _first(waiting: Iterator[Unit]) -> Iterator[Unit]:
    for unit in waiting:
        yield unit
        return


def _error_of(run: ExperimentRun) -> str | None:
    if run.error is not None:
        return run.error
    return next((found.error for found in run.evaluations.values() if found.error is not None), None)


async def _watch(control: Control, scope: anyio.CancelScope) -> None:
    """End what is under way once that is asked for; a signal handler cannot do so itself."""
    import anyio

    while not control.abandoned:  # noqa: ASYNC110 - a signal handler sets it
        await anyio.sleep(_LOOK_SECONDS)
    scope.cancel()


class _Verdict:
    """Asks ``stop_when`` from time to time, in a thread."""

    def __init__(self, plan: Plan, control: Control, threads: Threads) -> None:
        self._stop_when = plan.options.stop_when
        self._control = control
        self._threads = threads
        self._units = plan.units
        self._examples = {unit.example.id: unit.example for unit in plan.units}
        self._rows: dict[int, ExperimentRun] = {}
        self._asked = 0
        if self._stop_when is not None:
            for row in standing_rows(plan):
                self.add(row)

    def add(self, row: Finished) -> None:
        if self._stop_when is not None:
            self._rows[row.position] = row.run

    async def follow(self, finished: Signal) -> None:
        import anyio

        while not self._control.halted:
            await finished.wait()
            if len(self._rows) < len(self._units) and len(self._rows) > self._asked:
                self._asked = len(self._rows)
                answer = await self._threads.run(self._ask)
                if isinstance(answer, Exception):
                    raise answer
                if answer:
                    self._control.stop(_reason(answer))
                await anyio.sleep(_LEAST_BETWEEN_VERDICTS)

    def _ask(self) -> object:
        if self._stop_when is None:
            return None
        done = dict(self._rows)
        rows = [done[position] for position in sorted(done)]
        remaining = [PairKey(*unit.key) for unit in self._units if unit.position not in done]
        state = RunState(rows=rows, total=len(self._units), remaining=remaining, examples=self._examples)
        try:
            return self._stop_when(state)
        except BaseException as exc:  # noqa: BLE001 - raised where the run can end with it
            if is_interrupt(exc):
                return Interrupted()
            return exc if isinstance(exc, Exception) else RuntimeError(f"stop_when raised {described(exc)}")


def _reason(answer: object) -> str:
    if isinstance(answer, str):
        return answer
    status = getattr(answer, "status", None)
    verdict = f" ({status})" if isinstance(status, str) else ""
    return f"the remaining rows cannot change the verdict{verdict}"
