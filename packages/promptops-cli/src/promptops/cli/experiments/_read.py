"""``promptops experiments list`` and ``get``: what the server has."""

from __future__ import annotations

from typing import Any

import click
from promptops.cli._connection import Connection, connected
from promptops.cli._output import print_json, print_table
from promptops.cli.experiments._options import as_json, dataset_option

__all__ = ["get_experiment", "list_experiments"]


@click.command("list")
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


@click.command("get")
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
