"""Examples in and out of files and data frames, their validation, and their splits."""

from promptops.experiments.datasets._changes import DatasetChanges, ReplacePlan
from promptops.experiments.datasets._reading import Format, read_examples
from promptops.experiments.datasets._row import ExampleRow, RowsError
from promptops.experiments.datasets._splits import SPLIT, Splitter, in_split, split_of
from promptops.experiments.datasets._validation import validate_examples
from promptops.experiments.datasets._writing import ExampleWriter, to_dataframe, write_examples

__all__ = [
    "SPLIT",
    "DatasetChanges",
    "ExampleRow",
    "ExampleWriter",
    "Format",
    "ReplacePlan",
    "RowsError",
    "Splitter",
    "in_split",
    "read_examples",
    "split_of",
    "to_dataframe",
    "validate_examples",
    "write_examples",
]
