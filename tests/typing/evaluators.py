"""What users see of evaluators: both checkers read this file, nothing runs it."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, assert_type

from promptops.client import DatasetExample, PromptOpsClient, SyncPromptOpsClient
from promptops.experiments import (
    Evaluation,
    Evaluator,
    Evaluators,
    ExperimentResult,
    JudgeAnswer,
    PairKey,
    PairwiseComparison,
    RunEvaluation,
    compare_pairwise,
    compare_pairwise_async,
    contains_all,
    evaluate_run,
    evaluate_run_async,
    evaluator,
    exact_match,
    llm_judge,
    normalized_match,
    overlap,
    pairwise_judge,
    schema_match,
)
from promptops.experiments.evaluators import (
    FunctionEvaluator,
    LLMJudge,
    PairwiseJudge,
    RunEvaluators,
    accuracy,
    aggregate,
    confusion_matrix,
    evaluate_rows,
    f1,
)
from promptops.models import ExperimentRun, PromptResponse


def gives_bool(output: str) -> bool:
    return bool(output)


def gives_number(output: str, expected: str) -> float:
    return len(output) / len(expected)


async def gives_label(output: str, example: DatasetExample) -> str:
    return f"{output} {example.id}"


def gives_pair(output: str) -> tuple[float, str]:
    return 1.0, output


def gives_triple(output: str) -> tuple[float, str, str]:
    return 1.0, "label", output


def gives_mapping(output: str, metadata: Mapping[str, Any]) -> dict[str, object]:
    return {"score": len(metadata), "label": output}


async def gives_several(output: str) -> list[Evaluation]:
    return [Evaluation(name="a", score=1), Evaluation(name="b", label=output)]


def takes_error(output: str | None, error: str | None) -> Evaluation:
    return Evaluation(label="failed" if error else output)


class AsObject:
    name = "object"
    on_error = True

    def evaluate(self, output: object) -> bool:
        return output is not None


class AsAsyncObject:
    @property
    def name(self) -> str:
        return "async_object"

    async def evaluate(self, *, output: object, expected: object) -> float:
        return float(output == expected)


@evaluator
def decorated(output: str, *, expected: str) -> float:
    return float(output == expected)


@evaluator(name="other", on_error=True)
async def decorated_async(output: str | None) -> bool:
    return output is None


def decorators() -> None:
    assert_type(decorated("a", expected="b"), float)
    decorated("a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert_type(decorated.name, str)
    as_class: FunctionEvaluator[..., float] = decorated
    assert_type(as_class("a"), float)
    as_protocol: list[Evaluator] = [decorated, decorated_async]
    assert as_protocol


def shapes() -> None:
    every: list[Evaluators] = [
        gives_bool,
        gives_label,
        AsObject(),
        AsAsyncObject(),
        decorated,
        exact_match(),
        [gives_number, gives_pair, gives_triple, gives_mapping, gives_several, takes_error],
        (gives_bool, AsObject(), AsAsyncObject(), decorated_async, exact_match()),
        {"short": lambda output: len(output) < 10, "object": AsObject()},  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
        (),
    ]
    assert every
    wrong: Evaluators = 7  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    assert wrong


def built_in() -> None:
    assert_type(normalized_match("answer", ignore_articles=False), Evaluator)
    assert_type(contains_all(texts=["a"], partial=True), Evaluator)
    assert_type(schema_match({"type": "object"}), Evaluator)
    normalized_match(ignore_colour=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    overlap(measure="dice")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def ask(messages: list[dict[str, str]], *, schema: dict[str, Any]) -> str:
    return f"{messages} {schema}"


async def ask_async(messages: list[dict[str, str]], *, schema: dict[str, Any]) -> JudgeAnswer:
    return JudgeAnswer(content=ask(messages, schema=schema), input_tokens=1, cost=0.1)


def ask_without_schema(messages: list[dict[str, str]]) -> str:
    return str(messages)


def build(output: object, expected: str) -> Sequence[Mapping[str, str]]:
    return [{"role": "user", "content": f"{output} {expected}"}]


def judges(prompt: PromptResponse) -> None:
    judge = llm_judge("j", ask=ask, template="{{ output }}")
    assert_type(judge, LLMJudge)
    as_protocol: list[Evaluator] = [judge]
    assert as_protocol
    llm_judge("j", ask=ask_async, template=build, choices={"good": 1, "bad": 0})
    llm_judge("j", ask=ask_async, template=prompt, scale=(1, 5))
    llm_judge("j", ask=ask, template=[{"role": "user", "content": "{{ output }}"}], price=(2.5, 10))
    llm_judge("j", ask=ask, template=lambda output: f"Judge {output}")  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    llm_judge("j", ask=ask_without_schema, template="{{ output }}")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    llm_judge("j", ask=ask, template="{{ output }}", scale=(1, 2, 3))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    llm_judge("j", ask=ask)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def pairwise(before: ExperimentResult, after: list[ExperimentRun]) -> None:
    judge = pairwise_judge("p", ask=ask_async, template="{{ first }} {{ second }}")
    assert_type(judge, PairwiseJudge)
    assert_type(compare_pairwise(before, after, judge, concurrency=4), PairwiseComparison)
    found = await compare_pairwise_async(before, after, judge, changed_examples="compare")
    assert_type(found.win_rate, float | None)
    assert_type(found.wins, list[PairKey])


def of_all_rows(rows: Sequence[ExperimentRun]) -> float:
    return float(len(rows))


async def of_rows_and_examples(
    rows: Sequence[ExperimentRun], examples: Mapping[str, DatasetExample]
) -> tuple[float, str]:
    return len(rows) / len(examples), "rows per example"


class AsRunEvaluator:
    name = "run"

    def evaluate_run(self, rows: Sequence[ExperimentRun]) -> RunEvaluation:
        return RunEvaluation(name="run", score=len(rows))


async def run_level(result: ExperimentResult) -> None:
    every: list[RunEvaluators] = [
        of_all_rows,
        accuracy({"predicted": "kind", "failed_as": "none"}),
        [of_all_rows, of_rows_and_examples, AsRunEvaluator(), confusion_matrix(), f1(average="micro")],
        {"all": of_all_rows, "median": aggregate("median", median, evaluator="exact_match")},
    ]
    for evaluators in every:
        assert_type(evaluate_run(result, evaluators), ExperimentResult)
        assert_type(await evaluate_run_async(result, evaluators), ExperimentResult)
        assert_type(evaluate_rows(evaluators, result.rows), dict[str, RunEvaluation])
    assert_type(result.run_evaluations, Mapping[str, RunEvaluation])
    accuracy({"predict": "kind"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    f1(average="mean")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def in_runs(client: PromptOpsClient, blocking: SyncPromptOpsClient) -> None:
    evaluators: Evaluators = [gives_number, AsObject(), exact_match(), llm_judge("j", ask=ask, template="{{ output }}")]
    assert_type(await client.experiments.run("a", dataset="d", task=len, evaluators=evaluators), ExperimentResult)
    assert_type(blocking.experiments.run("a", dataset="d", task=len, evaluators=decorated), ExperimentResult)
    assert_type(Evaluation(score=1).usage, Mapping[str, int] | None)
    assert_type(Evaluation(score=1).parts, Mapping[str, Evaluation] | None)
