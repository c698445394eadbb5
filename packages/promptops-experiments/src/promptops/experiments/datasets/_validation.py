"""Validates examples without sending them anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any

from promptops.experiments.datasets._checks import Example, checked_examples
from promptops.experiments.datasets._frames import is_frame
from promptops.experiments.datasets._reading import read_examples

__all__ = ["validate_examples"]


def validate_examples(
    examples: str | PathLike[str] | Iterable[Example],
    schema: Mapping[str, Any] | None = None,
    *,
    id_column: str | None = None,
) -> int:
    """Check that examples could be stored, and that each meets a JSON schema; return how many there are.

    Args:
        examples: A path, or what :func:`read_examples` takes or gives; read once, one at a time.
        schema: The schema; of a CSV file it says the types of the columns too.
        id_column: The column or field that holds the id of each.

    Raises:
        RowsError: Naming every problem with row and field, 100 at most.
        ValidationError: The schema cannot be used.
    """
    if isinstance(examples, str | PathLike) or is_frame(examples):
        examples = read_examples(examples, schema=schema, id_column=id_column)
        id_column = None
    return sum(1 for _ in checked_examples(examples, id_column=id_column, schema=schema))
