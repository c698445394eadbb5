"""What data frames of spans and of annotations have in common; pandas is an extra."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

from promptops.core.errors import ConfigurationError

__all__ = ["frame_of", "frame_rows", "load_pandas"]


def load_pandas() -> Any:
    """Import pandas.

    Raises:
        ConfigurationError: It is not installed; the message names the extra.
    """
    try:
        return import_module("pandas")
    except ImportError as exc:
        raise ConfigurationError("this needs pandas: pip install 'promptops-phoenix[pandas]'") from exc


def frame_of(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> Any:
    """Return a ``pandas.DataFrame`` with at least these columns; what a row has not got is missing."""
    pandas = load_pandas()
    rows = list(rows)
    names = list(dict.fromkeys([*columns, *(name for row in rows for name in row)]))
    # Numbers beside None stay what they are: pandas would make floats of them.
    series = {name: pandas.Series([row.get(name) for row in rows], dtype="object").infer_objects() for name in names}
    return pandas.DataFrame(series)


def frame_rows(frame: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of a data frame without their empty cells; moments are ``datetime`` objects."""
    pandas = load_pandas()
    for row in frame.to_dict("records"):
        yield {
            str(name): value.to_pydatetime() if isinstance(value, pandas.Timestamp) else value
            for name, value in row.items()
            if not _is_missing(value, pandas)
        }


def _is_missing(value: Any, pandas: Any) -> bool:
    """Whether a cell is empty; a list or an object in it never is, whatever it holds."""
    return value is None or (pandas.api.types.is_scalar(value) and bool(pandas.isna(value)))
