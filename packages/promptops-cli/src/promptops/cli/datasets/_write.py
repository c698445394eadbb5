"""Commands that change datasets: import, append, upsert, replace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from promptops.cli._connection import Connection, connected
from promptops.cli._failures import CommandFailed
from promptops.cli._output import print_json
from promptops.cli.datasets._options import (
    as_json,
    input_file,
    read_file,
    reading_options,
    schema_of,
    schema_option,
)
from promptops.cli.datasets._progress import Counter

if TYPE_CHECKING:
    from promptops.experiments import DatasetChanges

__all__ = ["append", "import_file", "replace", "upsert"]


@click.command("import", epilog="Nothing is made while a row is wrong; all wrong rows are named, 100 at most.")
@input_file
@click.option("--name", required=True, help="The name of the new dataset.")
@schema_option
@reading_options
@as_json
@connected
def import_file(*, file: Path, name: str, schema: Path | None, as_json: bool, **how: Any) -> None:
    """Make a dataset of a file."""
    connection = Connection.take(how)
    rules = schema_of(schema)
    rows = read_file(file, schema=rules, **how)
    with connection.open() as client, Counter() as counter:
        told: list[int] = []

        def sent(count: int, total: int) -> None:
            told.append(total)
            counter.sent(count, total)

        made = client.datasets.create(name, counter.counted("read", rows), schema=rules, on_progress=sent)
    if as_json:
        print_json({"dataset": made, "count": told[-1]})
    else:
        click.echo(f"imported {made.name}: {_counted(told[-1])}")


@click.command("append")
@click.argument("dataset")
@input_file
@schema_option
@reading_options
@as_json
@connected
def append(**given: Any) -> None:
    """Add the examples of a file to a dataset, in a new version."""
    _change("append", **given)


@click.command("upsert")
@click.argument("dataset")
@input_file
@schema_option
@reading_options
@as_json
@connected
def upsert(**given: Any) -> None:
    """Add what is new in a file and change what is different.

    With --id-column the id says which example a row is; without, its content does. Rows that are there already are
    not touched, and when all are, there is no new version.
    """
    _change("upsert", **given)


@click.command("replace", epilog="Versions before the new one stay as they are.")
@click.argument("dataset")
@input_file
@click.option("--dry-run", is_flag=True, help="Show what would be deleted and changed, and do nothing.")
@click.option(
    "--allow-delete", type=click.IntRange(0), default=0, show_default=True, help="How many examples may be deleted."
)
@schema_option
@reading_options
@as_json
@connected
def replace(
    *,
    dataset: str,
    file: Path,
    dry_run: bool,
    allow_delete: int,
    schema: Path | None,
    as_json: bool,
    **how: Any,
) -> None:
    """Make the rows of a file all examples of a dataset, in a new version."""
    connection = Connection.take(how)
    rules = schema_of(schema)
    rows = read_file(file, schema=rules, **how)
    with connection.open() as client, Counter() as counter:
        plan = client.datasets.plan_replace(
            dataset, counter.counted("read", rows), schema=rules, on_progress=counter.sent
        )
        if dry_run or plan.deleted > allow_delete:
            client.datasets.discard_plan(plan)
            done = None
        else:
            done = client.datasets.replace(dataset, confirm=plan)
    if done is not None:
        _show(dataset, done, as_json=as_json)
    elif not dry_run:
        raise CommandFailed(
            f"{dataset} {plan}; nothing was changed", hint=f"--allow-delete {plan.deleted} does it", code=4
        )
    elif as_json:
        print_json(plan)
    else:
        click.echo(f"{dataset} {plan}")


def _change(
    verb: Literal["append", "upsert"],
    *,
    dataset: str,
    file: Path,
    schema: Path | None,
    as_json: bool,
    **how: Any,
) -> None:
    connection = Connection.take(how)
    rules = schema_of(schema)
    rows = read_file(file, schema=rules, **how)
    with connection.open() as client, Counter() as counter:
        change = client.datasets.append if verb == "append" else client.datasets.upsert
        done = change(dataset, counter.counted("read", rows), schema=rules, on_progress=counter.sent)
    _show(dataset, done, as_json=as_json)


def _show(dataset: str, changes: DatasetChanges, *, as_json: bool) -> None:
    if as_json:
        print_json(changes)
    elif changes.changed:
        click.echo(f"{dataset}: {changes}")
    else:
        click.echo(f"{dataset}: nothing changed; {_counted(changes.total)}")


def _counted(count: int) -> str:
    return f"{count} example{'' if count == 1 else 's'}"
