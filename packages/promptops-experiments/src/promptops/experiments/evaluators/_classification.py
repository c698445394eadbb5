"""Run-level evaluators: accuracy, precision, recall, F1, the confusion matrix, and any aggregate by function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypedDict, cast, get_args

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._run_evaluation import RunEvaluation
from promptops.experiments.evaluators._confusion import Average, Confusion, confusion_of
from promptops.experiments.evaluators._text import folded
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = [
    "ClassifiedBy",
    "RunLevel",
    "accuracy",
    "aggregate",
    "classification_report",
    "confusion_matrix",
    "f1",
    "precision",
    "recall",
]

Figure = Literal["precision", "recall", "f1"]

_FIGURES: Final[tuple[Figure, ...]] = ("precision", "recall", "f1")
_AVERAGES: Final = cast("tuple[Average, ...]", get_args(Average))
_MOST_CLASSES: Final = 1_000


class ClassifiedBy(TypedDict, total=False):
    """Where the labels of a row come from.

    Attributes:
        expected: The field of the example with the right label (``expected`` when absent), or a function of the
            example.
        predicted: The evaluator whose label was predicted, or a function of the row; the output itself when absent.
        failed_as: The label that counts as predicted where the task failed; when absent, those rows are left out.
        ignore_case: Fold the case of labels.
    """

    expected: str | Callable[[DatasetExample], object]
    predicted: str | Callable[[ExperimentRun], object] | None
    failed_as: str | None
    ignore_case: bool


class RunLevel:
    """A run-level evaluator that comes with the package.

    Attributes:
        name: Under which name its result is attached.
        evaluate_run: The function of rows and examples.
    """

    def __init__(self, name: str, evaluate: Callable[..., Any]) -> None:
        self.name = name
        self.evaluate_run = evaluate

    def __repr__(self) -> str:
        return f"<run-level evaluator {self.name}>"


def accuracy(labels: ClassifiedBy | None = None, *, name: str = "accuracy") -> RunLevel:
    """Give the share of rows whose predicted label is the expected one; rows without both labels are left out."""

    def evaluate(rows: Sequence[ExperimentRun], examples: Mapping[str, DatasetExample]) -> RunEvaluation:
        confusion, left_out = _counted(rows, examples, labels)
        return RunEvaluation(name=name, score=confusion.accuracy, details={"rows": confusion.total, **left_out})

    return RunLevel(name, evaluate)


def precision(
    labels: ClassifiedBy | None = None,
    *,
    average: Average = "macro",
    positive: str | None = None,
    name: str = "precision",
) -> RunLevel:
    """Give the share of predictions that are right, averaged over the labels, and for each label in the details.

    Args:
        labels: Where the labels of a row come from.
        average: How the labels are averaged; see :meth:`Confusion.averaged`.
        positive: Give the figure of this label alone.
        name: Under which name the result is attached.
    """
    return _figure("precision", labels, average, positive, name)


def recall(
    labels: ClassifiedBy | None = None, *, average: Average = "macro", positive: str | None = None, name: str = "recall"
) -> RunLevel:
    """Give the share of labels that are found; arguments as for :func:`precision`."""
    return _figure("recall", labels, average, positive, name)


def f1(
    labels: ClassifiedBy | None = None, *, average: Average = "macro", positive: str | None = None, name: str = "f1"
) -> RunLevel:
    """Give the harmonic mean of precision and recall; arguments as for :func:`precision`."""
    return _figure("f1", labels, average, positive, name)


def confusion_matrix(labels: ClassifiedBy | None = None, *, name: str = "confusion_matrix") -> RunLevel:
    """Count how often each expected label was predicted as each other; ``details`` has ``labels`` and ``matrix``."""

    def evaluate(rows: Sequence[ExperimentRun], examples: Mapping[str, DatasetExample]) -> RunEvaluation:
        confusion, left_out = _counted(rows, examples, labels)
        details = {"labels": list(confusion.labels), "matrix": [list(row) for row in confusion.matrix]}
        return RunEvaluation(name=name, details={**details, "rows": confusion.total, **left_out})

    return RunLevel(name, evaluate)


def classification_report(labels: ClassifiedBy | None = None, *, name: str = "classification") -> RunLevel:
    """Give accuracy, and precision, recall and F1 in each average: ``NAME.accuracy``, ``NAME.f1_macro`` and so on."""

    def evaluate(rows: Sequence[ExperimentRun], examples: Mapping[str, DatasetExample]) -> list[RunEvaluation]:
        confusion, left_out = _counted(rows, examples, labels)
        details = {"rows": confusion.total, **left_out, "classes": msgspec.to_builtins(confusion.classes)}
        found = [RunEvaluation(name="accuracy", score=confusion.accuracy, details=details)]
        for average in _AVERAGES:
            figures = confusion.averaged(average)
            found += [RunEvaluation(name=f"{key}_{average}", score=getattr(figures, key)) for key in _FIGURES]
        return found

    return RunLevel(name, evaluate)


def aggregate(
    name: str,
    function: Callable[[list[float]], Any],
    *,
    evaluator: str | None = None,
    value: Callable[[ExperimentRun], float | None] | None = None,
) -> RunLevel:
    """Give what ``function`` makes of one number of each row: ``aggregate("median", median, evaluator="token_f1")``.

    Args:
        name: Under which name the result is attached.
        function: Takes the numbers of all rows that have one, in the order of the rows, and returns what a run-level
            evaluator may return.
        evaluator: Takes the scores of this evaluator.
        value: Takes what this function makes of a row; rows of which it makes None are left out.

    Raises:
        ValidationError: Not exactly one of ``evaluator`` and ``value`` is given.
    """
    if (evaluator is None) == (value is None):
        raise ValidationError(f"aggregate {name!r} takes the scores of an evaluator, or a value of each row; give one")

    def evaluate(rows: Sequence[ExperimentRun]) -> Any:
        found = [row.score(evaluator) if evaluator is not None else cast("Any", value)(row) for row in rows]
        numbers = [number for number in found if number is not None]
        if not numbers:
            raise ValueError(f"no row has a score of {evaluator!r}" if evaluator is not None else "no row has a value")
        return function(numbers)

    return RunLevel(name, evaluate)


def _figure(key: Figure, labels: ClassifiedBy | None, average: Average, positive: str | None, name: str) -> RunLevel:
    if average not in _AVERAGES:
        raise ValidationError(f"there is no average {average!r}; the averages are {', '.join(_AVERAGES)}")

    def evaluate(rows: Sequence[ExperimentRun], examples: Mapping[str, DatasetExample]) -> RunEvaluation:
        confusion, left_out = _counted(rows, examples, labels)
        classes = confusion.classes
        if positive is None:
            score: float = getattr(confusion.averaged(average), key)
        elif positive in classes:
            score = getattr(classes[positive], key)
        else:
            raise ValueError(f"no row has the label {positive!r}; the labels are {', '.join(confusion.labels[:20])}")
        by_class = {label: getattr(figures, key) for label, figures in classes.items()}
        return RunEvaluation(name=name, score=score, details={"rows": confusion.total, **left_out, "classes": by_class})

    return RunLevel(name, evaluate)


def _counted(
    rows: Sequence[ExperimentRun], examples: Mapping[str, DatasetExample], labels: ClassifiedBy | None
) -> tuple[Confusion, dict[str, int]]:
    """Count the rows that have both labels; the others are counted as ``failed`` and ``unlabelled``."""
    by = ClassifiedBy() if labels is None else labels
    failed_as, ignore_case = by.get("failed_as"), by.get("ignore_case", False)
    pairs: list[tuple[str, str]] = []
    left_out = {"failed": 0, "unlabelled": 0}
    for row in rows:
        if row.error is not None and failed_as is None:
            left_out["failed"] += 1
            continue
        wanted = _expected(by.get("expected", "expected"), row, examples)
        got = failed_as if row.error is not None else _predicted(by.get("predicted"), row)
        if wanted is None or got is None:
            left_out["unlabelled"] += 1
            continue
        pairs.append((folded(wanted, ignore_case), folded(got, ignore_case)))
    if not pairs:
        raise ValueError(f"no row has an expected and a predicted label; {left_out['failed']} of {len(rows)} failed")
    if len({label for pair in pairs for label in pair}) > _MOST_CLASSES:
        raise ValueError(f"there are more than {_MOST_CLASSES:,} labels; these are hardly classes")
    return confusion_of(pairs), left_out


def _expected(
    source: str | Callable[[DatasetExample], object], row: ExperimentRun, examples: Mapping[str, DatasetExample]
) -> object:
    example = None if row.example_id is None else examples.get(row.example_id)
    if example is None:
        return None
    return cast("object", example.get(source)) if isinstance(source, str) else source(example)


def _predicted(source: str | Callable[[ExperimentRun], object] | None, row: ExperimentRun) -> object:
    if source is None:
        return cast("object", row.value)
    if isinstance(source, str):
        evaluation = row.evaluations.get(source)
        return None if evaluation is None or evaluation.error is not None else evaluation.label
    return source(row)
