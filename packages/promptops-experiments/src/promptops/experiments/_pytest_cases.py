"""One test item as a row of an experiment: what the test logs, how it is scored, and what makes it fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, Literal, cast

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._binding import Bound, MissingField, Values
from promptops.experiments._calls import described
from promptops.experiments._evaluation import NamedEvaluator, judged, named_evaluators
from promptops.experiments._gates import Gate
from promptops.experiments._json import NotStorable, json_text, shown
from promptops.experiments._row_facts import COST
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import (
    LATENCY,
    REPETITION,
    TYPED_OUTPUT,
    Evaluation,
    ExperimentRun,
    evaluation_columns,
)

__all__ = ["ExperimentCase", "RecordedRow", "Settings"]

PASSED = "passed"
_NOTHING: Any = object()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of the marker.

    Attributes:
        name: The experiment; the name of the test when the marker has none.
        dataset: The dataset of its cases.
        repetitions: How often each case is run; each is an item.
        evaluators: Run on the output of every item after its test.
        thresholds: The least score of an evaluator that lets an item pass.
        gates: What the experiment has to hold when all items are done.
        baseline: An earlier run to compare with: its name, or ``latest``.
        lower_is_better: Evaluators whose smaller scores are the better ones; thresholds are then upper limits.
        inconclusive: What it means when a gate is neither held nor broken.
    """

    name: str
    dataset: str
    repetitions: int = 1
    evaluators: Sequence[NamedEvaluator] = ()
    thresholds: Mapping[str, float] = msgspec.field(default_factory=dict[str, float])
    gates: Sequence[Gate] = ()
    baseline: str | None = None
    lower_is_better: Sequence[str] = ()
    inconclusive: Literal["fail", "pass"] = "fail"


class RecordedRow(msgspec.Struct, frozen=True, kw_only=True):
    """The row of one item on its way from where it ran to where it is stored, with what its experiment asks for."""

    experiment: str
    dataset: str
    fields: Mapping[str, Any]
    run: ExperimentRun
    gates: Sequence[Gate] = ()
    baseline: str | None = None
    lower_is_better: Sequence[str] = ()
    inconclusive: Literal["fail", "pass"] = "fail"


class ExperimentCase:
    """What the fixture ``experiment`` gives a test.

    Attributes:
        example: The parameters of the item as fields of an example; ``case`` is its id.
        repetition: Which repetition it is, from 1.
    """

    def __init__(self, settings: Settings, fields: Mapping[str, Any], repetition: int) -> None:
        self.example = DatasetExample(id=str(fields["case"]), fields=fields)
        self.repetition = repetition
        self._settings = settings
        self._output: Any = _NOTHING
        self._evaluations: dict[str, Evaluation] = {}
        self._columns: dict[str, Any] = {}
        self._started = perf_counter()

    def log(
        self,
        *,
        output: object = _NOTHING,
        scores: Mapping[str, Any] | None = None,
        cost: float | None = None,
        latency_ms: float | None = None,
    ) -> None:
        """Record what the item brought; may be called several times.

        Args:
            output: The output, any JSON value.
            scores: By name, whatever an evaluator may return: a bool, a number, a label, an ``Evaluation``.
            cost: What it cost.
            latency_ms: How long it took; from the start of the item to the first logged output when absent.

        Raises:
            ValidationError: The output has no JSON form.
        """
        if output is not _NOTHING:
            try:
                json_text(output)
            except NotStorable as exc:
                raise ValidationError(f"the output cannot be stored: {exc}; it was {shown(output)}") from None
            if self._output is _NOTHING:
                self._columns.setdefault(LATENCY, round((perf_counter() - self._started) * 1000, 3))
            self._output = output
        if latency_ms is not None:
            self._columns[LATENCY] = latency_ms
        if cost is not None:
            self._columns[COST] = cost
        for name, score in (scores or {}).items():
            self._evaluations[name] = judged(name, score)

    def evaluate(self, *evaluators: object, output: object = _NOTHING) -> dict[str, Evaluation]:
        """Run evaluators on an output, record what they say, and return it.

        ``input``, ``expected`` and ``metadata`` are the parameters of these names.

        Args:
            evaluators: Functions or evaluator objects, with different names.
            output: The output; the logged one when absent.
        """
        if output is not _NOTHING:
            self.log(output=output)
        ready = named_evaluators(cast("Any", evaluators))
        found = {evaluator.name: self._judge(evaluator) for evaluator in ready}
        self._evaluations.update(found)
        return found

    def start(self) -> None:
        """Begin to measure."""
        self._started = perf_counter()

    def score(self) -> None:
        """Run the evaluators of the marker on the logged output, if there is one."""
        if self._output is not _NOTHING:
            for evaluator in self._settings.evaluators:
                if evaluator.name not in self._evaluations:
                    self._evaluations[evaluator.name] = self._judge(evaluator)

    def problems(self) -> list[str]:
        """Hold the scores against the thresholds, and return why the item fails: those, and errors of evaluators."""
        problems = [evaluation.error for evaluation in self._evaluations.values() if evaluation.error is not None]
        for name, least in self._settings.thresholds.items():
            evaluation = self._evaluations.get(name)
            if evaluation is None or (evaluation.score is None and evaluation.error is None):
                problems.append(f"{name} has a threshold and no score")
            elif evaluation.score is not None:
                lower = name in self._settings.lower_is_better
                if (evaluation.score > least) if lower else (evaluation.score < least):
                    word = "above" if lower else "below"
                    why = f": {evaluation.explanation}" if evaluation.explanation else ""
                    problems.append(f"{name} is {evaluation.score:g}, {word} its threshold {least:g}{why}")
        return problems

    def recorded(self, error: str | None) -> RecordedRow:
        """Return the row of the item; ``error`` says why its test failed, or is None."""
        settings = self._settings
        fields: dict[str, Any] = {REPETITION: self.repetition, **self._columns}
        has_output = self._output is not _NOTHING
        output: str | None = None
        if has_output:
            output = self._output if isinstance(self._output, str) else json_text(self._output)
            if not isinstance(self._output, str):
                fields[TYPED_OUTPUT] = output
        evaluations = dict(self._evaluations)
        if has_output:
            evaluations.setdefault(
                PASSED, Evaluation(score=float(error is None), label=str(error is None).lower(), explanation=error)
            )
        for name, evaluation in evaluations.items():
            fields.update(evaluation_columns(name, evaluation))
        run = ExperimentRun(
            example_id=self.example.id, output=output, error=None if has_output else error, fields=fields
        )
        return RecordedRow(
            experiment=settings.name,
            dataset=settings.dataset,
            fields=self.example.fields,
            run=run,
            gates=settings.gates,
            baseline=settings.baseline,
            lower_is_better=settings.lower_is_better,
            inconclusive=settings.inconclusive,
        )

    @property
    def has_row(self) -> bool:
        """Whether anything was recorded."""
        return self._output is not _NOTHING or bool(self._evaluations)

    def _judge(self, evaluator: NamedEvaluator) -> Evaluation:
        output = None if self._output is _NOTHING else self._output
        try:
            return judged(evaluator.name, _called(evaluator.bound, Values(self.example, output)))
        except MissingField as exc:
            return Evaluation(error=f"evaluator {evaluator.name!r}: {exc}")
        except Exception as exc:  # noqa: BLE001 - whatever an evaluator raises is what it says about the item
            return Evaluation(error=f"evaluator {evaluator.name!r} raised {described(exc)}")


def _called(bound: Bound, values: Values) -> object:
    positional, named = bound.arguments(values)
    returned: Any = bound.call(*positional, **named)
    if hasattr(returned, "__await__"):
        from promptops.core.portal import portal

        return cast("Callable[..., object]", portal().call)(_awaited, returned)
    return cast("object", returned)


async def _awaited(waiting: Any) -> object:
    return cast("object", await waiting)
