"""Datasets, experiments, evaluators and comparisons for LLM applications."""

from promptops.experiments._collect import UploadError
from promptops.experiments._compare import compare
from promptops.experiments._compare_many import Comparisons, compare_many
from promptops.experiments._comparison import Comparison, ComparisonSlice, MetricComparison, PairKey, ScorePair
from promptops.experiments._cost import Usage, report_cost
from promptops.experiments._datasets import AsyncDatasets, SyncDatasets
from promptops.experiments._decided import decided
from promptops.experiments._evaluation import Evaluator, Evaluators
from promptops.experiments._experiments import AsyncExperiments, SyncExperiments
from promptops.experiments._gates import Gate, GateResult, Verdict
from promptops.experiments._judge import judge
from promptops.experiments._local import (
    arerun,
    arescore,
    aresume,
    aretry_failed,
    arun,
    rerun,
    rescore,
    resume,
    retry_failed,
    run,
)
from promptops.experiments._options import RunOptions, Task
from promptops.experiments._plan import RunState
from promptops.experiments._progress import BarProgress, LineProgress, Progress
from promptops.experiments._rate_limiter import RateLimiter, RateState
from promptops.experiments._result import ExperimentResult, Metric
from promptops.experiments._runs import AsyncRuns, SyncRuns
from promptops.experiments._session import ExperimentStopped
from promptops.experiments._version import __version__
from promptops.experiments.datasets import (
    DatasetChanges,
    ReplacePlan,
    RowsError,
    read_examples,
    validate_examples,
    write_examples,
)
from promptops.experiments.evaluators import (
    JudgeAnswer,
    PairwiseComparison,
    RunEvaluation,
    compare_pairwise,
    compare_pairwise_async,
    contains,
    contains_all,
    contains_any,
    edit_similarity,
    evaluate_run,
    evaluate_run_async,
    evaluator,
    exact_match,
    llm_judge,
    normalized_match,
    numeric_match,
    overlap,
    pairwise_judge,
    regex_match,
    schema_match,
    token_f1,
    valid_json,
)
from promptops.experiments.reports import Report, make_report, write_html_report, write_report
from promptops.experiments.statistics import PairedTest, Summary
from promptops.models.experiments import Evaluation

__all__ = [
    "AsyncDatasets",
    "AsyncExperiments",
    "AsyncRuns",
    "BarProgress",
    "Comparison",
    "ComparisonSlice",
    "Comparisons",
    "DatasetChanges",
    "Evaluation",
    "Evaluator",
    "Evaluators",
    "ExperimentResult",
    "ExperimentStopped",
    "Gate",
    "GateResult",
    "JudgeAnswer",
    "LineProgress",
    "Metric",
    "MetricComparison",
    "PairKey",
    "PairedTest",
    "PairwiseComparison",
    "Progress",
    "RateLimiter",
    "RateState",
    "ReplacePlan",
    "Report",
    "RowsError",
    "RunEvaluation",
    "RunOptions",
    "RunState",
    "ScorePair",
    "Summary",
    "SyncDatasets",
    "SyncExperiments",
    "SyncRuns",
    "Task",
    "UploadError",
    "Usage",
    "Verdict",
    "__version__",
    "arerun",
    "arescore",
    "aresume",
    "aretry_failed",
    "arun",
    "compare",
    "compare_many",
    "compare_pairwise",
    "compare_pairwise_async",
    "contains",
    "contains_all",
    "contains_any",
    "decided",
    "edit_similarity",
    "evaluate_run",
    "evaluate_run_async",
    "evaluator",
    "exact_match",
    "judge",
    "llm_judge",
    "make_report",
    "normalized_match",
    "numeric_match",
    "overlap",
    "pairwise_judge",
    "read_examples",
    "regex_match",
    "report_cost",
    "rerun",
    "rescore",
    "resume",
    "retry_failed",
    "run",
    "schema_match",
    "token_f1",
    "valid_json",
    "validate_examples",
    "write_examples",
    "write_html_report",
    "write_report",
]
