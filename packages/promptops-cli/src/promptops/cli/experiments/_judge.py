"""``promptops experiments gate``: lets an experiment through, or not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from promptops.cli._connection import connected
from promptops.cli.experiments._gate_files import gates_of, read_gate_file
from promptops.cli.experiments._options import (
    ChangedExamples,
    changed_examples_option,
    dataset_option,
    local_options,
    output_options,
    shown,
)
from promptops.cli.experiments._sources import results_of

if TYPE_CHECKING:
    from promptops.experiments import Comparison, ExperimentResult
    from promptops.experiments.reports import ReportFormat

__all__ = ["gate"]

_INCONCLUSIVE: Final = {"fail": 1, "pass": 0, "2": 2}


@click.command("gate")
@click.argument("candidate")
@click.option("--baseline", help="The experiment to compare with; needed by --max-regression and --min-improvement.")
@dataset_option
@click.option("--metric", "metrics", multiple=True, help="The evaluator that the limits are for. Can be repeated.")
@click.option("--max-regression", type=float, help="By how much the mean may be worse than the baseline's.")
@click.option("--min-improvement", type=float, help="By how much it has to be better than the baseline's.")
@click.option("--min", "min_mean", type=float, help="What the mean has to reach.")
@click.option("--max", "max_mean", type=float, help="What the mean has to stay within.")
@click.option("--alpha", type=float, help="How often the deciding interval may miss the truth (0.05).")
@click.option("--max-unscored", type=float, help="The share of rows that may lack a score (0.05).")
@click.option(
    "--gates",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A TOML or JSON file: tables [[gate]] with metric and limits, and lower_is_better.",
)
@click.option("--lower-is-better", multiple=True, metavar="METRIC", help="Smaller scores of it are better.")
@changed_examples_option
@click.option(
    "--inconclusive",
    type=click.Choice(tuple(_INCONCLUSIVE)),
    default="fail",
    show_default=True,
    help="What it means that the scores do not decide: exit code 1, 0 or 2.",
)
@output_options
@local_options
@connected
def gate(
    *,
    candidate: str,
    baseline: str | None,
    dataset: str | None,
    metrics: tuple[str, ...],
    max_regression: float | None,
    min_improvement: float | None,
    min_mean: float | None,
    max_mean: float | None,
    alpha: float | None,
    max_unscored: float | None,
    file: Path | None,
    lower_is_better: tuple[str, ...],
    changed_examples: ChangedExamples,
    inconclusive: str,
    format_: ReportFormat,
    out: Path | None,
    reports: tuple[Path, ...],
    local: bool,
    journal: Path | None,
    **where: Any,
) -> None:
    """Judge an experiment by limits; the exit code is 0 for pass and 1 for fail.

    A limit is held when the whole 95 % interval lies within it, broken when all of it lies beyond, and else
    inconclusive. All limits have to hold.
    """
    from promptops.cli._reports import print_verdict
    from promptops.experiments import compare, judge, make_report

    limits = {
        "max_regression": max_regression,
        "min_improvement": min_improvement,
        "min_mean": min_mean,
        "max_mean": max_mean,
        "alpha": alpha,
        "max_unscored": max_unscored,
    }
    asked = gates_of(metrics, limits)
    lower = list(lower_is_better)
    if file is not None:
        read = read_gate_file(file)
        asked += read.gates
        lower += read.lower_is_better
    if not asked:
        raise click.UsageError("give --metric with a limit, or --gates FILE")
    if baseline is None and any(one.max_regression is not None or one.min_improvement is not None for one in asked):
        raise click.UsageError("--max-regression and --min-improvement need --baseline")
    names = [candidate] if baseline is None else [baseline, candidate]
    results = results_of(names, dataset=dataset, local=local, journal=journal, where=where)
    items: list[Comparison | ExperimentResult] = [*results]
    if baseline is None:
        verdict = judge(results[0], asked)
    else:
        comparison = compare(
            results[0], results[1], lower_is_better=lower, changed_examples=changed_examples, gates=asked
        )
        verdict = comparison.verdict or judge(comparison, asked)
        items.append(comparison)
    report = make_report(items, title=f"Gate of {candidate}", gates=asked)
    if shown(report, format_, out, reports):
        print_verdict(verdict)
    codes = {"pass": 0, "fail": 1, "inconclusive": _INCONCLUSIVE[inconclusive]}
    sys.exit(codes[verdict.status])
