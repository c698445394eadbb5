"""Reports of experiments and comparisons: one model, written as text, Markdown, JUnit XML, JSON and HTML."""

from promptops.experiments.reports._build import make_report
from promptops.experiments.reports._html import report_html
from promptops.experiments.reports._json import report_dict, report_json
from promptops.experiments.reports._junit import Inconclusive, report_junit
from promptops.experiments.reports._markdown import LONGEST_MARKDOWN, report_markdown
from promptops.experiments.reports._model import (
    FORMAT,
    FORMAT_VERSION,
    Bin,
    Cell,
    ComparisonPart,
    Distribution,
    ExperimentPart,
    MetricDifference,
    MetricFigures,
    Report,
    Row,
    SliceDifference,
)
from promptops.experiments.reports._stored import journaled_result, stored_result
from promptops.experiments.reports._text import report_text
from promptops.experiments.reports._write import ReportFormat, render_report, write_html_report, write_report

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "LONGEST_MARKDOWN",
    "Bin",
    "Cell",
    "ComparisonPart",
    "Distribution",
    "ExperimentPart",
    "Inconclusive",
    "MetricDifference",
    "MetricFigures",
    "Report",
    "ReportFormat",
    "Row",
    "SliceDifference",
    "journaled_result",
    "make_report",
    "render_report",
    "report_dict",
    "report_html",
    "report_json",
    "report_junit",
    "report_markdown",
    "report_text",
    "stored_result",
    "write_html_report",
    "write_report",
]
