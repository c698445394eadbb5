"""Evaluators that come with the package, and what evaluators of one's own are made with."""

from promptops.experiments._run_evaluation import RunEvaluation
from promptops.experiments.evaluators._answers import JudgeAnswer
from promptops.experiments.evaluators._asking import Ask
from promptops.experiments.evaluators._classification import (
    ClassifiedBy,
    accuracy,
    aggregate,
    classification_report,
    confusion_matrix,
    f1,
    precision,
    recall,
)
from promptops.experiments.evaluators._compare_pairwise import compare_pairwise, compare_pairwise_async
from promptops.experiments.evaluators._confusion import Average, ClassFigures, Confusion, confusion_of
from promptops.experiments.evaluators._decorator import FunctionEvaluator, evaluator
from promptops.experiments.evaluators._distance import distance
from promptops.experiments.evaluators._judging import LLMJudge, llm_judge
from promptops.experiments.evaluators._matching import (
    contains,
    contains_all,
    contains_any,
    exact_match,
    normalized_match,
    regex_match,
)
from promptops.experiments.evaluators._numeric import numeric_match
from promptops.experiments.evaluators._overlap import edit_similarity, overlap, token_f1
from promptops.experiments.evaluators._pairs import PairwiseComparison
from promptops.experiments.evaluators._pairwise import PairVerdict, PairwiseJudge, Side, pairwise_judge
from promptops.experiments.evaluators._run_level import (
    evaluate_rows,
    evaluate_rows_async,
    evaluate_run,
    evaluate_run_async,
)
from promptops.experiments.evaluators._run_named import RunEvaluator, RunEvaluators
from promptops.experiments.evaluators._structure import schema_match, valid_json

__all__ = [
    "Ask",
    "Average",
    "ClassFigures",
    "ClassifiedBy",
    "Confusion",
    "FunctionEvaluator",
    "JudgeAnswer",
    "LLMJudge",
    "PairVerdict",
    "PairwiseComparison",
    "PairwiseJudge",
    "RunEvaluation",
    "RunEvaluator",
    "RunEvaluators",
    "Side",
    "accuracy",
    "aggregate",
    "classification_report",
    "compare_pairwise",
    "compare_pairwise_async",
    "confusion_matrix",
    "confusion_of",
    "contains",
    "contains_all",
    "contains_any",
    "distance",
    "edit_similarity",
    "evaluate_rows",
    "evaluate_rows_async",
    "evaluate_run",
    "evaluate_run_async",
    "evaluator",
    "exact_match",
    "f1",
    "llm_judge",
    "normalized_match",
    "numeric_match",
    "overlap",
    "pairwise_judge",
    "precision",
    "recall",
    "regex_match",
    "schema_match",
    "token_f1",
    "valid_json",
]
