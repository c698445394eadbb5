"""Annotations as pandas data frames and back; pandas is an extra."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from promptops.core.errors import ValidationError
from promptops.models import prepared
from promptops.phoenix._checks import refused
from promptops.phoenix.tracing._annotations_models import Annotation, AnnotatorKind, NewAnnotation
from promptops.phoenix.tracing._frames import frame_of, frame_rows

__all__ = ["annotations_from_dataframe", "annotations_to_dataframe"]

_FIELDS: Final = frozenset(NewAnnotation.__struct_fields__)
_TARGETS: Final = frozenset({"span_id", "trace_id", "session_id"})
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "annotation_name": "name",
    "context.span_id": "span_id",
    "context.trace_id": "trace_id",
}
"""Columns of data frames that were made for, or by, Phoenix's own client."""


def annotations_to_dataframe(annotations: Iterable[Annotation]) -> Any:
    """Return a ``pandas.DataFrame`` with a row for each annotation, and its fields as columns.

    Raises:
        ConfigurationError: pandas is not installed.
    """
    rows = [msgspec.structs.asdict(annotation) for annotation in annotations]
    return frame_of(rows, Annotation.__struct_fields__)


def annotations_from_dataframe(
    frame: Any, *, name: str | None = None, annotator_kind: AnnotatorKind | None = None
) -> list[NewAnnotation]:
    """Return the annotations of a data frame, to be stored.

    Its columns are fields of :class:`NewAnnotation`; the ids of what is annotated may be the index, named
    ``span_id``, ``trace_id`` or ``session_id``. Columns that are none of these are refused, for they would be lost.

    Args:
        frame: The data frame; a missing value is as if the column were.
        name: The name of all of them.
        annotator_kind: Who judged all of them.

    Raises:
        ConfigurationError: pandas is not installed.
        ValidationError: A column is not known, or a cell has the wrong type.
    """
    if _OTHER_NAMES.get(str(frame.index.name), frame.index.name) in _TARGETS:
        frame = frame.reset_index()
    names = [_OTHER_NAMES.get(str(column), str(column)) for column in frame.columns]
    wrong = sorted({column for column in names if column not in _FIELDS or names.count(column) > 1})
    if wrong:
        raise refused("the data frame", f"has columns that are none of an annotation, or twice: {', '.join(wrong)}")
    frame = frame.set_axis(names, axis="columns")
    common = {"name": name, "annotator_kind": annotator_kind}
    given = {field: value for field, value in common.items() if value is not None}
    return [_annotation(number, {**row, **given}) for number, row in enumerate(frame_rows(frame))]


def _annotation(number: int, row: Mapping[str, Any]) -> NewAnnotation:
    try:
        return msgspec.convert(row, prepared(NewAnnotation))
    except msgspec.ValidationError as exc:
        raise ValidationError(f"row {number} of the data frame is no annotation: {exc}.") from exc
