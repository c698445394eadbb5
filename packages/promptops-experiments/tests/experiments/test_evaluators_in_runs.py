"""Evaluators within a run: several metrics, errors that are never scored, failed tasks, judges and what they cost."""

from __future__ import annotations

from typing import Any

import pytest
from promptops.core.errors import ValidationError
from promptops.experiments import (
    Evaluation,
    ExperimentResult,
    JudgeAnswer,
    SyncExperiments,
    compare_pairwise,
    edit_similarity,
    evaluate_run,
    evaluator,
    exact_match,
    llm_judge,
    pairwise_judge,
    token_f1,
)
from promptops.experiments.evaluators import accuracy
from promptops.models.datasets import DatasetExample


def solve(example: DatasetExample) -> str:
    left, _, right = example["question"].partition(" + ")
    return str(int(left) + int(right))


def nothing(example: DatasetExample) -> str:
    return "0"


def half_fails(example: DatasetExample) -> str:
    if int(example["expected"]) % 4:
        raise RuntimeError("the model is down")
    return solve(example)


def run(experiments: SyncExperiments, questions: str, **options: Any) -> ExperimentResult:
    options.setdefault("task", solve)
    return experiments.run("e", dataset=questions, progress=False, **options)


def test_several_metrics_of_one_evaluator_are_columns_of_their_own(
    experiments: SyncExperiments, questions: str
) -> None:
    def parts(output: str) -> list[Evaluation]:
        return [Evaluation(name="length", score=len(output)), Evaluation(name="kind", label="number")]

    result = run(experiments, questions, evaluators=[parts, exact_match()])
    assert set(result.metrics) == {"parts.length", "parts.kind", "exact_match"}
    assert result.mean("parts.length") == 1.5
    assert result.metrics["parts.kind"].labels == {"number": 10}
    stored = experiments.runs("e")[0]
    assert stored.evaluations["parts.kind"] == Evaluation(label="number")
    assert stored.score("parts.length") == len(stored.output or "")


def test_errors_count_in_no_mean(experiments: SyncExperiments, questions: str) -> None:
    def sometimes(output: str) -> float:
        if len(output) == 1:
            raise LookupError("no")
        return float("nan") if output == "10" else 0.5

    def declared(output: str) -> Evaluation:
        return Evaluation(score=0, error="not today") if output == "0" else Evaluation(score=1)

    result = run(experiments, questions, evaluators=[sometimes, declared])
    metric = result.metrics["sometimes"]
    assert (metric.mean, metric.scored, metric.errors) == (0.5, 4, 6)
    assert (result.metrics["declared"].mean, result.metrics["declared"].errors) == (1.0, 1)


def test_evaluators_run_on_failed_tasks_only_when_they_declare_it(experiments: SyncExperiments, questions: str) -> None:
    seen: list[object] = []

    def ordinary(output: str) -> bool:
        seen.append(output)
        return True

    def robust(output: str | None, error: str | None) -> str:
        return "failed" if error is not None and output is None else "done"

    @evaluator(on_error=True)
    def marked(output: str | None) -> bool:
        return output is not None

    result = run(experiments, questions, task=half_fails, evaluators=[ordinary, robust, marked, exact_match()])
    assert result.failed == 5
    assert None not in seen
    assert len(seen) == 5
    assert result.metrics["robust"].labels == {"failed": 5, "done": 5}
    assert result.mean("marked") == 0.5
    assert (result.metrics["exact_match"].scored, result.metrics["exact_match"].errors) == (5, 0)


def test_two_evaluators_of_one_name_are_refused_before_a_task_runs(
    experiments: SyncExperiments, questions: str
) -> None:
    called: list[object] = []

    def task(example: DatasetExample) -> str:
        called.append(example)
        return ""

    with pytest.raises(ValidationError, match="two evaluators are named 'exact_match'"):
        run(experiments, questions, task=task, evaluators=[exact_match(), exact_match("question")])
    with pytest.raises(ValidationError, match="'nowhere'"):
        run(experiments, questions, task=task, evaluators=[token_f1("nowhere")])
    assert called == []


class Model:
    """Answers questions of judges; refuses the first call as too fast."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, messages: list[dict[str, str]], /, *, schema: dict[str, Any]) -> JudgeAnswer:
        self.calls += 1
        if self.calls == 1:
            raise RateLimitError("slow down")
        wrong = "0\n<<<end" in messages[-1]["content"]
        content = "I cannot say" if wrong else '{"explanation": "fits", "label": "correct"}'
        return JudgeAnswer(content=content, input_tokens=10, output_tokens=5, cost=0.25)


class RateLimitError(Exception):
    status_code = 429


def test_a_judge_records_its_cost_and_its_errors_and_waits_for_its_turn(
    experiments: SyncExperiments, questions: str
) -> None:
    model = Model()
    judge = llm_judge("judge", ask=model, template="{{ question }}\n{{ output }}", repair=False)
    result = run(experiments, questions, evaluators=[judge])
    metric = result.metrics["judge"]
    # 0 and 10 end in a 0, which this model has no words for.
    assert (metric.mean, metric.scored, metric.errors) == (1.0, 8, 2)
    assert model.calls == 11
    stored = {row.output: row.evaluations["judge"] for row in experiments.runs("e")}
    assert stored["4"].cost == 0.25
    assert stored["4"].usage == {"input_tokens": 10, "output_tokens": 5}
    assert stored["4"].duration_ms is not None
    assert stored["10"].cost == 0.25
    assert "the judge gave no verdict" in (stored["10"].error or "")
    assert result.cost == pytest.approx(2.5)


def test_results_can_be_compared_pairwise_and_judged_as_a_whole(experiments: SyncExperiments, questions: str) -> None:
    before = experiments.run("before", dataset=questions, task=nothing, progress=False)
    after = experiments.run("after", dataset=questions, task=solve, evaluators=[edit_similarity()], progress=False)

    def ask(messages: list[dict[str, str]], *, schema: dict[str, Any]) -> dict[str, str]:
        text = messages[1]["content"]
        first = text[text.index("First") : text.index("Second")]
        return {"explanation": "x", "label": "second" if "\n0\n" in first else "first"}

    judge = pairwise_judge("better", ask=ask, template="{{ question }}\nFirst {{ first }}\nSecond {{ second }}")
    found = compare_pairwise(before, after, judge)
    assert (found.baseline, found.candidate) == ("before", "after")
    assert (len(found.wins), len(found.losses), len(found.ties)) == (9, 0, 1)
    assert evaluate_run(after, accuracy()).run_evaluations["accuracy"].score == 1.0
    assert evaluate_run(before, accuracy()).run_evaluations["accuracy"].score == 0.1


def test_attempts_of_a_judge_that_were_refused_half_way_are_paid_for(
    experiments: SyncExperiments, questions: str
) -> None:
    left = [1]

    def ask(messages: list[dict[str, str]], *, schema: dict[str, Any]) -> JudgeAnswer:
        if len(messages) > 2 and left[0]:
            left[0] = 0
            raise RateLimitError("slow down")
        unclear = len(messages) == 2
        content = "unclear" if unclear else '{"explanation": "x", "label": "correct"}'
        return JudgeAnswer(content=content, cost=0.25, input_tokens=1)

    judge = llm_judge("judge", ask=ask, template="{{ output }}")
    result = run(experiments, questions, evaluators=[judge], concurrency=1)
    costs = sorted(row.evaluations["judge"].cost or 0 for row in result.rows)
    assert costs == [0.5] * 9 + [0.75]
    assert result.cost == pytest.approx(5.25)


def test_what_an_evaluation_says_it_cost_counts_against_the_budget(
    experiments: SyncExperiments, questions: str
) -> None:
    def paid(output: str) -> Evaluation:
        return Evaluation(score=1, cost=1.0)

    result = run(experiments, questions, evaluators=[paid], concurrency=1, max_cost=3.5)
    assert (len(result.rows), result.remaining) == (3, 7)


def test_a_run_judges_all_of_its_rows_at_the_end(experiments: SyncExperiments, questions: str) -> None:
    async def broken(rows: object) -> float:
        raise LookupError("nothing")

    result = run(experiments, questions, task=half_fails, run_evaluators=[accuracy({"failed_as": "-"}), broken])
    assert result.run_evaluations["accuracy"].score == 0.5
    assert "LookupError" in (result.run_evaluations["broken"].error or "")


def test_run_level_evaluators_of_one_name_are_refused_before_a_task_runs(
    experiments: SyncExperiments, questions: str
) -> None:
    called: list[object] = []
    with pytest.raises(ValidationError, match="two run-level evaluators"):
        run(experiments, questions, task=called.append, run_evaluators=[accuracy(), accuracy()])
    assert called == []
