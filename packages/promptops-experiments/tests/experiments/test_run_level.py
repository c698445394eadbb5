# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# Run-level evaluators take their parameters by name, so a lambda of theirs has no types that a checker could know.

from __future__ import annotations

import asyncio
import math
import statistics
import sys
from datetime import UTC, datetime
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st
from promptops.core.errors import ValidationError
from promptops.experiments import ExperimentResult, RunEvaluation, evaluate_run, evaluate_run_async
from promptops.experiments.evaluators import (
    RunEvaluators,
    accuracy,
    aggregate,
    classification_report,
    confusion_matrix,
    confusion_of,
    evaluate_rows,
    evaluate_rows_async,
    f1,
    precision,
    recall,
)
from promptops.models import Experiment
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import Evaluation, ExperimentRun, evaluation_columns

# Expected and predicted; worked out by hand:
#          cat dog pig        precision      recall   support
#   cat     2   1   0         2/3            2/3      3
#   dog     0   1   1         1/3            1/2      2
#   pig     1   1   3         3/4            3/5      5
PAIRS = [
    ("cat", "cat"),
    ("cat", "cat"),
    ("cat", "dog"),
    ("dog", "dog"),
    ("dog", "pig"),
    ("pig", "cat"),
    ("pig", "dog"),
    ("pig", "pig"),
    ("pig", "pig"),
    ("pig", "pig"),
]
F1 = {"cat": 2 / 3, "dog": 2 / 5, "pig": 2 / 3}


def rows_of(pairs: list[tuple[str, str]]) -> tuple[list[ExperimentRun], dict[str, DatasetExample]]:
    rows = [ExperimentRun(example_id=f"e{number}", output=got) for number, (_, got) in enumerate(pairs)]
    examples = {
        f"e{number}": DatasetExample(id=f"e{number}", fields={"expected": wanted})
        for number, (wanted, _) in enumerate(pairs)
    }
    return rows, examples


ROWS, EXAMPLES = rows_of(PAIRS)


def only(
    evaluators: RunEvaluators,
    rows: list[ExperimentRun] | None = None,
    examples: dict[str, DatasetExample] | None = None,
) -> RunEvaluation:
    found = evaluate_rows(
        evaluators, ROWS if rows is None else rows, examples=EXAMPLES if examples is None else examples
    )
    assert len(found) == 1
    return next(iter(found.values()))


def test_the_matrix_counts_expected_by_predicted() -> None:
    found = only(confusion_matrix())
    assert found.details == {
        "labels": ["cat", "dog", "pig"],
        "matrix": [[2, 1, 0], [0, 1, 1], [1, 1, 3]],
        "rows": 10,
        "failed": 0,
        "unlabelled": 0,
    }
    assert (found.score, found.error) == (None, None)


def test_accuracy() -> None:
    assert only(accuracy()).score == 0.6


@pytest.mark.parametrize(
    ("evaluator", "score"),
    [
        (precision(), (2 / 3 + 1 / 3 + 3 / 4) / 3),
        (precision(average="weighted"), (2 / 3 * 3 + 1 / 3 * 2 + 3 / 4 * 5) / 10),
        (precision(average="micro"), 0.6),
        (precision(positive="pig"), 3 / 4),
        (recall(), (2 / 3 + 1 / 2 + 3 / 5) / 3),
        (recall(average="weighted"), 0.6),
        (recall(positive="dog"), 1 / 2),
        (f1(), sum(F1.values()) / 3),
        (f1(average="weighted"), (2 / 3 * 3 + 2 / 5 * 2 + 2 / 3 * 5) / 10),
        (f1(positive="dog"), 2 / 5),
    ],
)
def test_figures_are_those_worked_out_by_hand(evaluator: Any, score: float) -> None:
    assert only(evaluator).score == pytest.approx(score)


def test_the_figure_of_each_class_is_in_the_details() -> None:
    details = only(f1()).details
    assert details is not None
    assert details["classes"] == pytest.approx(F1)


def test_a_report_has_every_average() -> None:
    found = evaluate_rows(classification_report(), ROWS, examples=EXAMPLES)
    assert len(found) == 10
    assert found["classification.accuracy"].score == 0.6
    assert found["classification.f1_macro"].score == pytest.approx(sum(F1.values()) / 3)
    details = found["classification.accuracy"].details
    assert details is not None
    assert details["classes"]["pig"] == pytest.approx({"precision": 3 / 4, "recall": 3 / 5, "f1": 2 / 3, "support": 5})


LABELS = st.sampled_from("abcde")


@given(st.lists(st.tuples(LABELS, LABELS), min_size=1))
def test_figures_keep_their_laws(pairs: list[tuple[str, str]]) -> None:
    found = confusion_of(pairs)
    share = sum(wanted == got for wanted, got in pairs) / len(pairs)
    assert found.total == len(pairs)
    assert found.accuracy == pytest.approx(share)
    micro, macro, weighted = found.averaged("micro"), found.averaged("macro"), found.averaged("weighted")
    assert micro.precision == micro.recall == micro.f1 == found.accuracy
    assert weighted.recall == pytest.approx(found.accuracy)
    figures = list(found.classes.values())
    for key in ("precision", "recall", "f1"):
        values = [getattr(figure, key) for figure in figures]
        assert min(values) - 1e-12 <= getattr(macro, key) <= max(values) + 1e-12
        assert all(0 <= value <= 1 for value in values)
    for figure in figures:
        both = figure.precision + figure.recall
        assert figure.f1 == pytest.approx(2 * figure.precision * figure.recall / both if both else 0)
    # Swapping both sides swaps precision and recall.
    swapped = confusion_of([(got, wanted) for wanted, got in pairs]).averaged("macro")
    assert (swapped.precision, swapped.recall) == pytest.approx((macro.recall, macro.precision))


@given(st.lists(st.tuples(LABELS, LABELS), min_size=1), st.randoms())
def test_the_order_of_the_rows_does_not_matter(pairs: list[tuple[str, str]], random: Any) -> None:
    mixed = list(pairs)
    random.shuffle(mixed)
    assert confusion_of(mixed) == confusion_of(pairs)


def test_failed_rows_are_left_out_and_counted_unless_they_stand_for_a_label() -> None:
    rows = [*ROWS, ExperimentRun(example_id="e0", error="down"), ExperimentRun(example_id="e3", error="down")]
    found = only(accuracy(), rows)
    assert (found.score, found.details) == (0.6, {"rows": 10, "failed": 2, "unlabelled": 0})
    strict = only(accuracy({"failed_as": "(failed)"}), rows)
    assert (strict.score, strict.details) == (0.5, {"rows": 12, "failed": 0, "unlabelled": 0})


def test_rows_without_labels_are_left_out_and_counted() -> None:
    rows = [*ROWS, ExperimentRun(example_id="unknown", output="cat"), ExperimentRun(example_id=None, output="cat")]
    details = only(accuracy(), rows).details
    assert details == {"rows": 10, "failed": 0, "unlabelled": 2}


def test_labels_may_come_from_elsewhere() -> None:
    columns = evaluation_columns("kind", Evaluation(label="CAT"))
    broken = evaluation_columns("kind", Evaluation(label="cat", error="no"))
    rows = [
        ExperimentRun(example_id="e0", output="…", fields=columns),
        ExperimentRun(example_id="e0", output="…", fields=broken),
    ]
    found = only(accuracy({"predicted": "kind", "ignore_case": True}), rows)
    assert (found.score, found.details) == (1.0, {"rows": 1, "failed": 0, "unlabelled": 1})
    by_function = only(
        accuracy({"expected": lambda example: example["expected"][0], "predicted": lambda row: (row.output or "")[:1]})
    )
    assert by_function.score == 0.6


@pytest.mark.parametrize(
    ("evaluator", "reason"),
    [
        (accuracy({"expected": "missing"}), "no row has an expected and a predicted label"),
        (f1(positive="cow"), "no row has the label 'cow'"),
        (aggregate("median", statistics.median, evaluator="missing"), "no row has a score of 'missing'"),
    ],
)
def test_what_cannot_be_counted_is_an_error_and_no_score(evaluator: Any, reason: str) -> None:
    found = only(evaluator)
    assert found.score is None
    assert reason in (found.error or "")
    assert f"run-level evaluator {evaluator.name!r} failed" in (found.error or "")


def test_any_aggregate_of_scores_or_values() -> None:
    rows = [
        ExperimentRun(example_id="e", output="", fields={"eval.s.score": score, "latency": latency})
        for score, latency in ((0.1, 5), (0.2, 7), (0.9, 1000))
    ]
    assert only(aggregate("median", statistics.median, evaluator="s"), rows).score == 0.2
    assert only(aggregate("slowest", max, value=lambda row: row.latency_ms), rows).score == 1000
    with pytest.raises(ValidationError, match="give one"):
        aggregate("both", max)


def plain(rows: list[ExperimentRun]) -> int:
    return len(rows)


def with_examples(rows: list[ExperimentRun], examples: dict[str, DatasetExample]) -> tuple[float, str]:
    return len(rows) / len(examples), "rows per example"


async def later(rows: list[ExperimentRun]) -> dict[str, Any]:
    await anyio.sleep(0.001)
    return {"score": len(rows), "label": "many"}


class Gauge:
    name = "gauge"

    def evaluate_run(self, all_of_them: list[ExperimentRun]) -> list[Evaluation]:
        return [Evaluation(name="low", score=0), Evaluation(name="high", score=1)]


class Fails:
    name = "fails"

    async def evaluate_run(self, *, rows: object) -> float:
        raise LookupError("nothing there")


EXPECTED = {
    "plain": RunEvaluation(name="plain", score=10.0),
    "with_examples": RunEvaluation(name="with_examples", score=1.0, explanation="rows per example"),
    "later": RunEvaluation(name="later", score=10.0, label="many"),
    "gauge.low": RunEvaluation(name="gauge.low", score=0.0),
    "gauge.high": RunEvaluation(name="gauge.high", score=1.0),
    "fails": RunEvaluation(name="fails", error="run-level evaluator 'fails' failed: LookupError: nothing there"),
}


def test_functions_and_objects_sync_and_async_are_run_and_failures_kept_apart() -> None:
    evaluators: RunEvaluators = [plain, with_examples, later, Gauge(), Fails()]
    assert evaluate_rows(evaluators, ROWS, examples=EXAMPLES) == EXPECTED

    async def main() -> dict[str, RunEvaluation]:
        return await evaluate_rows_async(evaluators, ROWS, examples=EXAMPLES)

    for backend in ("asyncio", "trio"):
        assert anyio.run(main, backend=backend) == EXPECTED


@pytest.mark.parametrize(
    "returned",
    [
        None,
        object(),
        math.nan,
        {"points": 1},
        [1],
        [RunEvaluation(name="a", score=1), 2],
        [RunEvaluation(name="a", score=1), RunEvaluation(name="a", score=2)],
        RunEvaluation(name="x"),
        RunEvaluation(name="x", score=math.inf),
        RunEvaluation(name="x", details={"a": object()}),
        RunEvaluation(name="x", details=[1]),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - on purpose
    ],
)
def test_nonsense_is_an_error_that_names_the_evaluator(returned: object) -> None:
    found = only({"odd": lambda rows: returned})
    assert (found.error or "").startswith("run-level evaluator 'odd' returned")
    assert (found.score, found.details) == (None, None)


def test_a_run_evaluation_gets_the_name_of_its_evaluator() -> None:
    found = only({"mine": lambda rows: RunEvaluation(name="other", score=1, details={"k": (1, 2)})})
    assert found == RunEvaluation(name="mine", score=1.0, details={"k": [1, 2]})


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([accuracy(), accuracy()], "two run-level evaluators are named 'accuracy'"),
        ([lambda rows: 1], "has no name"),
        ({"a": Gauge}, "is a class"),
        ({"a": 7}, "must be a function"),
        ({"a": lambda rows, other: 1}, "cannot be filled"),
        ({"a": lambda: 1}, "cannot be filled"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is(given: Any, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        evaluate_rows(given, ROWS)


def test_an_average_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="macro, micro, weighted"):
        f1(average="mean")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - on purpose


def result() -> ExperimentResult:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    experiment = Experiment(id="x", name="animals", space_id="s", created_at=now, updated_at=now)
    return ExperimentResult(experiment=experiment, rows=ROWS, metrics={}, duration_s=1.0, examples=EXAMPLES)


def test_results_carry_what_is_said_about_the_whole_run() -> None:
    first = evaluate_run(result(), accuracy())

    async def main() -> ExperimentResult:
        return await evaluate_run_async(first, {"broken": lambda rows: None, "matrix": confusion_matrix()})

    found = anyio.run(main)
    assert found.run_evaluations["accuracy"].score == 0.6
    assert found.summary()["run_evaluations"]["accuracy"]["score"] == 0.6
    text = str(found)
    assert "accuracy" in text
    assert "0.6" in text
    assert "error: run-level evaluator 'broken' returned None" in text
    assert "see its details" in text


class Leaves:
    name = "leaves"

    def __init__(self, error: BaseException) -> None:
        self.error = error

    async def evaluate_run(self, rows: object) -> float:
        await anyio.lowlevel.checkpoint()
        raise self.error


def test_an_evaluator_that_wants_to_end_the_program_does_not_cost_the_result() -> None:
    assert "SystemExit" in (only(Leaves(SystemExit(3))).error or "")
    assert "SystemExit" in (only({"plain": lambda rows: sys.exit(3)}).error or "")


@pytest.mark.parametrize("error", [GeneratorExit(), asyncio.CancelledError(), StopAsyncIteration()])
@pytest.mark.parametrize("backend", ["sync", "asyncio", "trio"])
@pytest.mark.parametrize("kind", ["coroutine", "function"])
def test_whatever_an_evaluator_of_a_run_raises_is_its_error(error: BaseException, backend: str, kind: str) -> None:
    def plain(rows: object) -> float:
        raise error

    evaluators: Any = Leaves(error) if kind == "coroutine" else {"leaves": plain}
    if backend == "sync":
        found = evaluate_rows(evaluators, ROWS)
    else:
        found = anyio.run(lambda: evaluate_rows_async(evaluators, ROWS), backend=backend)
    assert type(error).__name__ in (found["leaves"].error or "")


def test_ctrl_c_within_an_evaluator_is_ctrl_c_and_the_next_one_can_still_run() -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate_rows(Leaves(KeyboardInterrupt()), ROWS)
    assert only(later).score == 10
