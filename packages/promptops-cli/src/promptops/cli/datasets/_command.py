"""The group of commands about datasets."""

from __future__ import annotations

import click
from promptops.cli.datasets._read import export_dataset, get_dataset, list_datasets, splits, validate
from promptops.cli.datasets._write import append, import_file, replace, upsert

__all__ = ["datasets"]


@click.group()
def datasets() -> None:
    """Read, import, export and change datasets.

    Files are CSV, JSONL, JSON (an array, or an object with the array "examples") or Parquet; the ending says which.
    """


for command in (list_datasets, get_dataset, export_dataset, splits, validate, import_file, append, upsert, replace):
    datasets.add_command(command)
