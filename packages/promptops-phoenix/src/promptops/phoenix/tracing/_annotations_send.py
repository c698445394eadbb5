"""Annotations are checked, sorted by what they are about, and sent in batches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, SupportsFloat

import msgspec
from promptops.core import codec
from promptops.core.errors import NotFoundError, ValidationError
from promptops.core.messages import WRITE, Request, Response
from promptops.core.runtime import Runtime
from promptops.phoenix._answers import answer, unusable
from promptops.phoenix._checks import check_name, check_storable, refused, shown
from promptops.phoenix._http import pairs, path, written
from promptops.phoenix.tracing._annotations_models import NOTE, NewAnnotation

__all__ = ["Batch", "UnknownTargetsError", "annotation_batches", "send_batch"]

_MOST: Final = 500
_SENTENCE: Final = re.compile(r"\bIDs (.*) do not exist", re.DOTALL)
_NOT_FOUND: Final = 404
_DEEPEST: Final = codec.MAX_DEPTH - 2
"""Levels of an annotation; around it, an answer has two more."""
_KINDS: Final = frozenset({"LLM", "CODE", "HUMAN"})
_TARGETS: Final = ("span_id", "trace_id", "session_id")
_ROUTES: Final = {
    "span_id": "span_annotations",
    "trace_id": "trace_annotations",
    "session_id": "session_annotations",
    "document_position": "document_annotations",
}


class UnknownTargetsError(NotFoundError):
    """Some of what was to be annotated does not exist; nothing of that request was stored.

    Attributes:
        targets: The ids of the spans, traces or sessions that do not exist.
        stored: The ids of the annotations that earlier requests of the same call stored.
    """

    default_code = "UNKNOWN_TARGETS"

    def __init__(self, message: str, *, targets: Sequence[str] = (), stored: Sequence[str] = (), **facts: Any) -> None:
        super().__init__(message, **facts)
        self.targets = list(targets)
        self.stored = list(stored)


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Annotations of one kind that travel together.

    Attributes:
        route: Where they go.
        places: Which of the annotations of the call they are.
        targets: What they are about.
        body: They as JSON.
    """

    route: str
    places: list[int]
    targets: list[str]
    body: bytes


class _Inserted(msgspec.Struct, frozen=True, kw_only=True):
    id: str


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    data: list[_Inserted]


def annotation_batches(annotations: Iterable[NewAnnotation]) -> list[Batch]:
    """Check annotations and split them by route, at most 500 in one request.

    Raises:
        ValidationError: One is malformed, or two have the same key; the message says which.
    """
    rows: dict[str, list[tuple[int, str, bytes]]] = {}
    keys: dict[tuple[object, ...], int] = {}
    for index, annotation in enumerate(annotations):
        field = f"annotations[{index}]"
        kind, target = _target(field, annotation)
        _check(field, annotation)
        key = (kind, target, annotation.document_position, annotation.name, annotation.identifier)
        first = keys.setdefault(key, index)
        if first != index:
            raise refused(
                field, f"has the name, target and identifier of annotations[{first}], and would replace it", "duplicate"
            )
        rows.setdefault(kind, []).append((index, target, _encoded(field, annotation)))
    return [batch for kind, found in rows.items() for batch in _split(kind, found)]


async def send_batch(runtime: Runtime, batch: Batch, *, sync: bool) -> list[str]:
    """Send one request, and return the ids of what it stored (none without ``sync``).

    Raises:
        UnknownTargetsError: Something that it is about does not exist.
        InvalidResponseError: The answer does not say which ids they have.
    """
    request = Request(
        method="POST",
        path=path(batch.route),
        query=pairs(sync=sync),
        body=batch.body,
        profile=WRITE,
        repeatable=True,
        accept_statuses=(_NOT_FOUND,),
    )
    response = await written(runtime, request)
    if response.status == _NOT_FOUND:
        # The sentence of the answer names them, however many there are.
        targets = _named(batch, response.body.decode("utf-8", "replace"))
        if targets:
            raise _unknown(targets, response)
        # It is another one: asked again, the runtime makes an error of it, without the secrets that it knows.
        response = await runtime.send(msgspec.structs.replace(request, accept_statuses=()))
    stored = [item.id for item in (await answer(runtime, request, response, _Answer)).data]
    if sync and len(stored) != len(batch.places):
        raise unusable(response, f"the server says {len(stored)} ids of {len(batch.places)} stored annotations")
    return stored


def _unknown(targets: Sequence[str], response: Response) -> UnknownTargetsError:
    first = ", ".join(repr(target)[:80] for target in targets[:5])
    more = f" and {len(targets) - 5} more" if len(targets) > 5 else ""
    return UnknownTargetsError(
        f"{first}{more} cannot be annotated: not stored (yet). Nothing of this request was stored.",
        targets=targets,
        request_id=response.request_id,
    )


def _named(batch: Batch, said: str) -> list[str]:
    sent = list(dict.fromkeys(batch.targets))
    listed = _SENTENCE.search(said)
    names = frozenset[str]() if listed is None else frozenset(listed[1].split(", "))
    return [target for target in sent if target in names]


def _split(kind: str, rows: Sequence[tuple[int, str, bytes]]) -> Iterator[Batch]:
    for start in range(0, len(rows), _MOST):
        part = rows[start : start + _MOST]
        yield Batch(
            route=_ROUTES[kind],
            places=[index for index, _, _ in part],
            targets=[target for _, target, _ in part],
            body=b'{"data":[' + b",".join(body for _, _, body in part) + b"]}",
        )


def _target(field: str, annotation: NewAnnotation) -> tuple[str, str]:
    """What kind of thing it is about, and which one."""
    given = [name for name in _TARGETS if getattr(annotation, name) is not None]
    if len(given) != 1:
        raise refused(field, f"needs exactly one of {', '.join(_TARGETS)}, not {', '.join(given) or 'none'}")
    target = check_name(f"{field}.{given[0]}", getattr(annotation, given[0]))
    position = annotation.document_position
    if position is None:
        return given[0], target
    if given[0] != "span_id":
        raise refused(f"{field}.document_position", "needs span_id: documents are those that a span retrieved")
    if not _is_whole(position):
        raise refused(f"{field}.document_position", f"must be a whole number from 0, not {shown(position)}")
    return "document_position", target


def _check(field: str, annotation: NewAnnotation) -> None:
    if check_name(f"{field}.name", annotation.name) == NOTE:
        raise refused(f"{field}.name", "is reserved for notes; write one with add_note")
    if annotation.annotator_kind not in _KINDS:
        kinds = ", ".join(sorted(_KINDS))
        raise refused(f"{field}.annotator_kind", f"must be one of {kinds}, not {shown(annotation.annotator_kind)}")
    if not _is_number(annotation.score):
        raise refused(f"{field}.score", f"must be a number, not {shown(annotation.score)}")
    if all(value is None or value == "" for value in (annotation.label, annotation.score, annotation.explanation)):
        raise refused(field, "says nothing: give a label, a score or an explanation")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: object) -> bool:
    """Whether it is a number, of whatever library, or absent."""
    return value is None or (isinstance(value, SupportsFloat) and not isinstance(value, bool))


def _encoded(field: str, annotation: NewAnnotation) -> bytes:
    result = {
        name: value for name in ("label", "score", "explanation") if (value := getattr(annotation, name)) is not None
    }
    body: dict[str, Any] = {
        "name": annotation.name,
        "annotator_kind": annotation.annotator_kind,
        "identifier": annotation.identifier,
        "result": result,
    }
    for name in (*_TARGETS, "document_position", "metadata"):
        value = getattr(annotation, name)
        if value is not None:
            body[name] = value
    if annotation.metadata is not None:
        check_storable(f"{field}.metadata", annotation.metadata)
    try:
        encoded = codec.encode(body)
    except ValidationError as exc:
        problem = exc.validation_errors[0]
        where = str(problem["field"]).replace("$.result", "$").replace("$", field, 1)
        raise refused(where, str(problem["message"])) from exc
    if codec.depth_exceeds(encoded, _DEEPEST):
        raise refused(f"{field}.metadata", "nests so deeply that the annotation could not be read back", "too_deep")
    return encoded
