"""``promptops experiments``: list, get and compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from promptops.cli._connection import Connection, connected
from promptops.cli._output import print_json, print_table

__all__ = ["experiments"]

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
dataset_option = click.option("--dataset", help="The dataset, by name or id.")


@click.group()
def experiments() -> None:
    """Read and compare experiments."""


@experiments.command("list")
@dataset_option
@as_json
@connected
def list_experiments(dataset: str | None, *, as_json: bool, **where: Any) -> None:
    """List experiments, newest first."""
    with Connection(**where).open() as client:
        found = client.experiments.list(dataset=dataset)
    if as_json:
        print_json(found)
        return
    rows = [(item.name, item.id, f"{item.created_at:%Y-%m-%d %H:%M}") for item in found]
    print_table(("experiment", "id", "created"), rows, empty="no experiments")


@experiments.command("get")
@click.argument("experiment")
@dataset_option
@as_json
@connected
def get_experiment(experiment: str, dataset: str | None, *, as_json: bool, **where: Any) -> None:
    """Show an experiment, by name or id, and the mean of each of its scores."""
    from promptops.cli._scores import scores_of

    with Connection(**where).open() as client:
        found = client.experiments.get(experiment, dataset=dataset)
        runs = client.experiments.runs(found.id)
    metrics = scores_of(runs)
    failed = sum(run.error is not None for run in runs)
    if as_json:
        print_json({"experiment": found, "runs": len(runs), "failed": failed, "metrics": metrics})
        return
    click.echo(f"{found.name} ({found.id}): {len(runs)} runs, {failed} failed")
    rows = [
        (name, "-" if item.mean is None else f"{item.mean:.3f}", str(item.scored), str(item.errors))
        for name, item in metrics.items()
    ]
    print_table(("evaluator", "mean", "scored", "errors"), rows, empty="no scores")


@experiments.command("compare")
@click.argument("baseline")
@click.argument("candidate")
@dataset_option
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write an HTML report here.")
@as_json
@connected
def compare_experiments(
    baseline: str, candidate: str, dataset: str | None, report: Path | None, *, as_json: bool, **where: Any
) -> None:
    """Compare two experiments over the same dataset, by name or id, example by example."""
    from promptops.cli._comparison import print_comparison

    with Connection(**where).open() as client:
        comparison = client.experiments.compare(baseline, candidate, dataset=dataset)
    if report is not None:
        from promptops.experiments import write_html_report

        write_html_report(comparison, report)
    if as_json:
        print_json(comparison.to_dict())
        return
    print_comparison(comparison)
    if report is not None:
        click.echo(f"report: {report}")
