"""The options of commands that read examples from a file, and what they mean together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec
from promptops.cli._failures import CommandFailed

if TYPE_CHECKING:
    from promptops.experiments.datasets import ExampleRow

__all__ = [
    "as_json",
    "format_option",
    "input_file",
    "pairs_of",
    "read_file",
    "reading_options",
    "schema_of",
    "schema_option",
]

F = TypeVar("F", bound=Callable[..., Any])
_FORMATS: Final = ("csv", "jsonl", "json", "parquet")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
input_file = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
format_option = click.option(
    "--format", "file_format", type=click.Choice(_FORMATS), help="The format, whatever the ending."
)
schema_option = click.option(
    "--schema",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A JSON schema that every example must meet; of a CSV file it says the types of the columns too.",
)
_READING: Final = (
    format_option,
    click.option("--id-column", metavar="NAME", help="The column that holds the id of each example."),
    click.option("--column", "columns", metavar="OLD=NEW", multiple=True, help="Give a column another name."),
    click.option(
        "--type", "types", metavar="COLUMN=TYPE", multiple=True, help="CSV: int, float, bool or json instead of text."
    ),
    click.option("--json-column", "json_columns", metavar="NAME", multiple=True, help="CSV: the cells are JSON."),
    click.option("--delimiter", default=",", show_default=True, help='CSV: between cells; "sniff" guesses it.'),
)


def reading_options(function: F) -> F:
    """Give a command the options of how to read a file; they arrive as keywords for :func:`read_file`."""
    for option in reversed(_READING):
        function = option(function)
    return function


def read_file(
    file: Path,
    *,
    file_format: Any,
    id_column: str | None,
    columns: tuple[str, ...],
    types: tuple[str, ...],
    json_columns: tuple[str, ...],
    delimiter: str,
    schema: Any = None,
) -> Iterator[ExampleRow]:
    """The examples of a file."""
    from promptops.experiments.datasets import read_examples

    return read_examples(
        file,
        format=file_format,
        id_column=id_column,
        columns=pairs_of("--column", columns),
        types=pairs_of("--type", types),
        json_columns=json_columns,
        delimiter="\t" if delimiter == "\\t" else delimiter,
        schema=schema,
    )


def pairs_of(option: str, given: tuple[str, ...]) -> dict[str, str]:
    """The values of an option that is given as ``NAME=VALUE``."""
    pairs: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise click.UsageError(f"{option} takes NAME=VALUE, not {text!r}")
        pairs[name] = value
    return pairs


def schema_of(file: Path | None) -> dict[str, Any] | None:
    """The JSON schema in a file."""
    if file is None:
        return None
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except msgspec.MsgspecError as exc:
        raise CommandFailed(f"{file.name} holds no JSON schema: {exc}", code=2) from exc
