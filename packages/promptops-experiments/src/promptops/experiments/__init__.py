"""Datasets, experiments, evaluators and comparisons for LLM applications."""

from promptops.experiments._collect import UploadError
from promptops.experiments._compare import compare
from promptops.experiments._comparison import Comparison, MetricComparison, PairKey, ScorePair
from promptops.experiments._datasets import AsyncDatasets, SyncDatasets
from promptops.experiments._evaluation import Evaluator, Evaluators
from promptops.experiments._experiments import AsyncExperiments, SyncExperiments
from promptops.experiments._html import write_html_report
from promptops.experiments._progress import BarProgress, LineProgress, Progress
from promptops.experiments._result import ExperimentResult, Metric
from promptops.experiments._run import Task
from promptops.experiments._simple import contains, exact_match, numeric_match, regex_match
from promptops.experiments._version import __version__
from promptops.models.experiments import Evaluation

__all__ = [
    "AsyncDatasets",
    "AsyncExperiments",
    "BarProgress",
    "Comparison",
    "Evaluation",
    "Evaluator",
    "Evaluators",
    "ExperimentResult",
    "LineProgress",
    "Metric",
    "MetricComparison",
    "PairKey",
    "Progress",
    "ScorePair",
    "SyncDatasets",
    "SyncExperiments",
    "Task",
    "UploadError",
    "__version__",
    "compare",
    "contains",
    "exact_match",
    "numeric_match",
    "regex_match",
    "write_html_report",
]
