"""Commands that read datasets and files: list, get, export, splits, validate."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click
from promptops.cli._connection import Connection, connected
from promptops.cli._failures import CommandFailed
from promptops.cli._output import print_json, print_table, shortened
from promptops.cli.datasets._options import (
    as_json,
    format_option,
    input_file,
    pairs_of,
    read_file,
    reading_options,
    schema_of,
    schema_option,
)
from promptops.cli.datasets._progress import Counter

__all__ = ["export_dataset", "get_dataset", "list_datasets", "splits", "validate"]

_MOST: Final = 100
version_option = click.option("--version", help="The name or id of a version; the latest unless given.")


@click.command("list")
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


@click.command("get")
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


@click.command("export")
@click.argument("dataset")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@version_option
@click.option("--split", help="Only the examples of this split.")
@click.option("--id-column", default="id", show_default=True, help="The column for the ids.")
@click.option("--no-ids", is_flag=True, help="Leave the ids out.")
@format_option
@connected
def export_dataset(
    *,
    dataset: str,
    file: Path,
    version: str | None,
    split: str | None,
    id_column: str,
    no_ids: bool,
    file_format: Any,
    **where: Any,
) -> None:
    """Write the examples of a dataset to a file; it is there once it is complete."""
    from promptops.experiments.datasets import write_examples

    try:
        with Connection(**where).open() as client, Counter() as counter:
            found = client.datasets.iterate_examples(dataset, version=version, split=split)
            rows = counter.counted("exported", found)
            count = write_examples(rows, file, format=file_format, id_column=None if no_ids else id_column)
    except OSError as exc:
        raise CommandFailed(f"{file} cannot be written: {exc.strerror or exc}", code=2) from exc
    click.echo(f"exported {count} example{'' if count == 1 else 's'} to {file}")


@click.command("splits")
@click.argument("dataset")
@version_option
@click.option("--assign", metavar="NAME=SHARE", multiple=True, help="Assign splits first, for example train=0.8.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed gives another assignment.")
@click.option("--by", default="id", show_default=True, help="A field: the same value of it means the same split.")
@as_json
@connected
def splits(
    *,
    dataset: str,
    version: str | None,
    assign: tuple[str, ...],
    seed: int,
    by: str,
    as_json: bool,
    **where: Any,
) -> None:
    """Show how many examples each split has, and assign splits.

    An assignment depends on the seed and the id alone: examples that are added later move no other one.
    """
    if assign and version is not None:
        raise click.UsageError("splits are assigned to the latest version; leave --version out")
    with Connection(**where).open() as client:
        if assign:
            client.datasets.assign_split(dataset, _shares(assign), seed=seed, by=by)
        found = client.datasets.splits(dataset, version=version)
    named = sorted((name, count) for name, count in found.items() if name is not None)
    without = found.get(None, 0)
    if as_json:
        print_json({"splits": dict(named), "without": without})
        return
    rows = [*named, *([("(none)", without)] if without else [])]
    print_table(("split", "examples"), [(name, str(count)) for name, count in rows], empty="no examples")


@click.command("validate", epilog="Exits 4 when a row is wrong; each is named, 100 at most.")
@input_file
@schema_option
@reading_options
def validate(*, file: Path, schema: Path | None, **how: Any) -> None:
    """Check that a file could be imported, and that its rows meet a schema; nothing is sent."""
    from promptops.experiments.datasets import RowsError, validate_examples

    rules = schema_of(schema)
    try:
        with Counter() as counter:
            count = validate_examples(counter.counted("read", read_file(file, schema=rules, **how)), rules)
    except RowsError as exc:
        for problem in exc.validation_errors:
            click.echo(f"{problem['field']}: {problem['message']}")
        found = len(exc.validation_errors)
        raise CommandFailed(
            f"{file.name} has {found}{' or more' if found >= _MOST else ''} problem{'' if found == 1 else 's'}", code=4
        ) from exc
    click.echo(f"{file.name} is fine: {count} example{'' if count == 1 else 's'}")


def _shares(assign: tuple[str, ...]) -> dict[str, float]:
    shares: dict[str, float] = {}
    for name, text in pairs_of("--assign", assign).items():
        try:
            shares[name] = float(text)
        except ValueError:
            raise click.UsageError(f"--assign takes NAME=SHARE with a number, not {text!r}") from None
    return shares
