"""``promptops datasets``: list and get."""

from __future__ import annotations

from typing import Any

import click
from promptops.cli._connection import Connection, connected
from promptops.cli._output import print_json, print_table, shortened

__all__ = ["datasets"]

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def datasets() -> None:
    """Read datasets."""


@datasets.command("list")
@click.option("--name", help="Only datasets whose name contains this.")
@as_json
@connected
def list_datasets(name: str | None, *, as_json: bool, **where: Any) -> None:
    """List datasets, newest first."""
    with Connection(**where).open() as client:
        found = client.datasets.list(name=name)
    if as_json:
        print_json(found)
        return
    rows = [(item.name, item.id, f"{item.created_at:%Y-%m-%d %H:%M}") for item in found]
    print_table(("dataset", "id", "created"), rows, empty="no datasets")


@datasets.command("get")
@click.argument("dataset")
@click.option("--limit", type=click.IntRange(0), default=10, show_default=True, help="Most examples to print.")
@as_json
@connected
def get_dataset(dataset: str, limit: int, *, as_json: bool, **where: Any) -> None:
    """Show a dataset, by name or id, and its first examples."""
    with Connection(**where).open() as client:
        found = client.datasets.get(dataset)
        examples = client.datasets.examples(found.id)
    shown = examples[:limit]
    if as_json:
        print_json(
            {"dataset": found, "count": len(examples), "examples": [{"id": item.id, **item.fields} for item in shown]}
        )
        return
    click.echo(f"{found.name} ({found.id}): {len(examples)} examples")
    columns = list(dict.fromkeys(name for item in shown for name in item.fields))
    rows = [[shortened(str(item.get(name, ""))) for name in columns] for item in shown]
    print_table(columns, rows, empty="")
