"""Does one unit: its task until there is an output, then its evaluators, each into the journal as soon as it exists."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec
from promptops.core.errors import PromptOpsError
from promptops.experiments._attempts import Attempts, Tried, waited
from promptops.experiments._binding import Values
from promptops.experiments._budget import Budget
from promptops.experiments._calls import Calls, Outcome, described
from promptops.experiments._control import JOURNAL, Control
from promptops.experiments._cost import Usage
from promptops.experiments._evaluation import NamedEvaluator, judged
from promptops.experiments._json import NotStorable, shown
from promptops.experiments._keeping import Keeper
from promptops.experiments._plan import Finished, Options, Unit
from promptops.experiments._unit_rows import TRACE_ID, row_of, stored_output, usage_of
from promptops.experiments.journal import ScoreRecord, UnitRecord
from promptops.models.experiments import Evaluation

__all__ = ["Units"]


class Units:
    """Does the units of one run in one event loop."""

    def __init__(self, options: Options, control: Control, budget: Budget, calls: Calls, keeper: Keeper) -> None:
        self._options = options
        self._control = control
        self._budget = budget
        self._calls = calls
        self._keeper = keeper
        self._attempts = Attempts(options, control, budget, calls)
        callables = [evaluator.bound for evaluator in options.evaluators]
        if options.task is not None:
            callables.append(options.task)
        self._traced = any(bound.takes("trace_id") for bound in callables)

    async def run(self, unit: Unit) -> Finished | None:
        """Do what is left of a unit; None when the run ended before that.

        What a task or an evaluator raises is in the row; nothing of one unit reaches another.
        """
        record = unit.prior
        value: object = None
        if record is None:
            made = await self._output(unit)
            if made is None:
                return None
            record, value = made
        else:
            value = record.value
        evaluations = {name: score.evaluation for name, score in record.scores.items()}
        wanted = [
            evaluator
            for evaluator in self._options.evaluators
            if (unit.evaluators is None or evaluator.name in unit.evaluators)
            and (record.state == "done" or evaluator.on_error)
        ]
        if wanted:
            found = await self._scores(unit, record, value, wanted)
            if found is None:
                return None
            evaluations.update(found)
        # Before the wait: other units are at their rows as well while the disk is at work.
        row = Finished(position=unit.position, run=row_of(record, evaluations, self._options.columns))
        try:
            await self._keeper.kept(unit.key)
        except PromptOpsError as exc:
            # The row goes on in memory: it was paid for, and the error of the run carries it.
            self._control.stop(JOURNAL, exc)
        return row

    async def _output(self, unit: Unit) -> tuple[UnitRecord, object] | None:
        task = self._options.task
        if task is None:
            raise AssertionError("a unit without an output needs a task")  # plans without a task have outputs
        example, prompt = unit.example, self._options.prompt
        started = time.time()
        tried = await self._attempts.make(
            task,
            lambda trace_id: Values(example, None, prompt, trace_id, repetition=unit.repetition),
            self._options.task_timeout,
            traced=self._traced,
        )
        if tried is None:
            return None
        record, value = self._record(unit, tried, started)
        self._keeper.output(record, replace=unit.replace)
        return record, value

    def _record(self, unit: Unit, tried: Tried, started: float) -> tuple[UnitRecord, object]:
        outcome, usage = tried.outcome, tried.usage or Usage()
        output: str | None = None
        error: str | None = None
        if outcome.failure is not None:
            error = described(outcome.failure)
        else:
            try:
                output = stored_output(outcome.value)
            except NotStorable as exc:
                error = f"the task returned a value that cannot be stored: {exc}; it was {shown(outcome.value)}"
        fields: dict[str, Any] = {} if tried.trace_id is None else {TRACE_ID: tried.trace_id}
        record = UnitRecord(
            example_id=unit.example.id,
            repetition=unit.repetition,
            state="failed" if error is not None else "done",
            output=output,
            error=error,
            service_s=outcome.seconds,
            waiting_s=waited(tried.waiting),
            attempts=tried.attempts,
            cost=usage.cost,
            usage=usage_of(usage),
            fingerprint=self._keeper.fingerprint(unit.example.id),
            started_at=started,
            finished_at=time.time(),
            fields=fields,
        )
        if type(outcome.value) is str:
            return record, outcome.value if error is None else None
        return record, None if output is None else msgspec.json.decode(output)

    async def _scores(
        self, unit: Unit, record: UnitRecord, value: object, wanted: list[NamedEvaluator]
    ) -> Mapping[str, Evaluation] | None:
        trace_id: str | None = record.fields.get(TRACE_ID)
        values = Values(unit.example, value, self._options.prompt, trace_id, record.error, unit.repetition)
        found: dict[str, Evaluation] = {}
        scores: list[ScoreRecord] = []
        safe = record is unit.prior
        for evaluator in wanted:
            if evaluator.is_quick(value):
                outcome = await self._calls.call(evaluator.bound, values, None, inline=True)
                usage = outcome.usage
                if usage is not None:
                    self._budget.take(usage)
            else:
                if not safe:
                    await self._safe(unit)
                    safe = True
                tried = await self._attempts.make(evaluator.bound, lambda _: values, self._options.evaluator_timeout)
                if tried is None:
                    self._keeper.scores(unit.key, scores)
                    return None
                outcome, usage = tried.outcome, tried.usage
            evaluation = self._judgement(evaluator.name, outcome, usage)
            found[evaluator.name] = evaluation
            scores.append(
                ScoreRecord(
                    evaluator=evaluator.name,
                    evaluation=evaluation,
                    cost=evaluation.cost,
                    fingerprint=self._keeper.evaluator(evaluator.name),
                    seconds=outcome.seconds,
                )
            )
            if not evaluator.inline:
                self._keeper.scores(unit.key, scores)
                scores = []
        self._keeper.scores(unit.key, scores)
        return found

    async def _safe(self, unit: Unit) -> None:
        """Wait until the output is on the disk, before a judgement that takes time or money begins."""
        try:
            await self._keeper.kept(unit.key)
        except PromptOpsError as exc:
            self._control.stop(JOURNAL, exc)

    def _judgement(self, name: str, outcome: Outcome, usage: Usage | None) -> Evaluation:
        if outcome.failure is not None:
            evaluation = Evaluation(error=f"evaluator {name!r} failed: {described(outcome.failure)}")
        else:
            evaluation = judged(name, outcome.value)
        if evaluation.cost is not None and (usage is None or usage.cost is None):
            self._budget.take(Usage(cost=evaluation.cost))
        if usage is None:
            return evaluation
        # What was reported holds the attempts that came to nothing, too.
        return msgspec.structs.replace(
            evaluation,
            cost=evaluation.cost if usage.cost is None else usage.cost,
            usage=usage_of(usage) or evaluation.usage,
        )
