"""``promptops experiments compare`` and ``report``: what came out, in every format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from promptops.cli._connection import connected
from promptops.cli._output import print_json
from promptops.cli.experiments._options import (
    ChangedExamples,
    as_json,
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

__all__ = ["compare", "report"]


@click.command("compare")
@click.argument("baseline")
@click.argument("candidates", metavar="CANDIDATE...", nargs=-1, required=True)
@dataset_option
@click.option("--metric", help="Compare only this evaluator.")
@click.option("--lower-is-better", multiple=True, metavar="METRIC", help="Smaller scores of it are better.")
@click.option("--slice", "slices", multiple=True, metavar="FIELD", help="Also compare by the values of this field.")
@changed_examples_option
@output_options
@as_json
@local_options
@connected
def compare(
    baseline: str,
    candidates: tuple[str, ...],
    *,
    dataset: str | None,
    metric: str | None,
    lower_is_better: tuple[str, ...],
    slices: tuple[str, ...],
    changed_examples: ChangedExamples,
    format_: ReportFormat,
    out: Path | None,
    reports: tuple[Path, ...],
    as_json: bool,
    local: bool,
    journal: Path | None,
    **where: Any,
) -> None:
    """Compare experiments over the same dataset with a baseline, by name or id, example by example.

    With several candidates the p-values are adjusted for all of them together.
    """
    from promptops.cli._comparison import print_comparison
    from promptops.experiments import compare_many, make_report

    results = results_of([baseline, *candidates], dataset=dataset, local=local, journal=journal, where=where)
    if len(candidates) == 1:
        comparisons = [_compared(results, metric, lower_is_better, slices, changed_examples)]
    else:
        comparisons = list(
            compare_many(
                results,
                baseline=results[0].name,
                evaluator=metric,
                lower_is_better=lower_is_better,
                slices=slices,
                changed_examples=changed_examples,
                examples={ident: example for result in results for ident, example in result.examples.items()},
            )
        )
    made = make_report([*results, *comparisons], title=" and ".join(f"{item.candidate}" for item in comparisons))
    remaining = shown(made, format_, out, reports)
    if as_json:
        print_json(comparisons[0].to_dict() if len(comparisons) == 1 else [item.to_dict() for item in comparisons])
        return
    if remaining:
        for comparison in comparisons:
            print_comparison(comparison)
    if format_ == "text":
        for path in (*reports, *([out] if out else [])):
            click.echo(f"report: {path}")


def _compared(
    results: list[ExperimentResult],
    metric: str | None,
    lower_is_better: tuple[str, ...],
    slices: tuple[str, ...],
    changed_examples: ChangedExamples,
) -> Comparison:
    from promptops.experiments import compare as compared

    return compared(
        results[0],
        results[1],
        evaluator=metric,
        lower_is_better=lower_is_better,
        slices=slices,
        changed_examples=changed_examples,
    )


@click.command("report")
@click.argument("experiments", metavar="EXPERIMENT...", nargs=-1, required=True)
@dataset_option
@click.option("--title", help="The heading.")
@output_options
@local_options
@connected
def report(
    experiments: tuple[str, ...],
    *,
    dataset: str | None,
    title: str | None,
    format_: ReportFormat,
    out: Path | None,
    reports: tuple[Path, ...],
    local: bool,
    journal: Path | None,
    **where: Any,
) -> None:
    """Report on experiments, by name or id: scores, intervals, distributions, examples."""
    from promptops.cli._reports import print_result
    from promptops.experiments import make_report

    results = results_of(experiments, dataset=dataset, local=local, journal=journal, where=where)
    made = make_report(results, title=title or ", ".join(result.name for result in results))
    if shown(made, format_, out, reports):
        for part in made.experiments:
            print_result(part)
    if format_ == "text":
        for path in (*reports, *([out] if out else [])):
            click.echo(f"report: {path}")
