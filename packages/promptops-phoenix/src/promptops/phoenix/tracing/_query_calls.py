"""The route of queries: what it is sent, what it answers, and what it says of a wrong query.

It is not in the server's OpenAPI document. ``POST /v1/spans?project_name=<name>`` takes ``{"queries": [...],
"start_time", "end_time", "limit"}``, each query with ``select``, ``filter``, ``explode``, ``concat`` and ``index``.
With exactly ``accept: application/json`` the answer is ``multipart/mixed`` with one JSON table for each query; with
anything else it is Arrow. What it does besides:

- A project is known by its name alone; of one that does not exist, or by its id, there is no row, and no error.
- ``limit`` counts spans before lists are exploded (with PostgreSQL, rows), and ``explode`` and ``concat`` each on its
  own; it is 1,000 when absent, and may not be null.
- A wrong filter is 422 with a text. What cannot be selected is 422 or 500; ``events``, ``attributes`` and
  ``attributes.x`` are null.
- To explode a list of other things than objects, or an empty one, is no row with PostgreSQL. With SQLite it is a row
  without a position, and 500 when there is no list of objects beside it; so empty lists are filtered out. In a list
  that is stored with an object, the first item is one.
- Rows of a query with ``select``, ``explode`` or ``concat`` come in no promised order.
- Numbers have ten digits after the point, or ten in all when they are large; NaN and infinity are null, and whole
  numbers in a column with gaps are floats.
- A column of which no list has a value is absent, and comes back as None here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from promptops.core.errors import ServerError, ValidationError
from promptops.core.messages import Request, Response
from promptops.core.runtime import Runtime
from promptops.phoenix._answers import NOT_ALLOWED, answer, refuse_html, refuse_missing, unusable
from promptops.phoenix._checks import json_body, refused
from promptops.phoenix._http import EXPORT, pairs
from promptops.phoenix.tracing._query import SpanQuery, Unfolded
from promptops.phoenix.tracing._query_paths import SPAN_ID, expression, label_of, not_empty
from promptops.phoenix.tracing._query_rows import SpanRows, Table, rows_of, wire_labels

__all__ = ["MOST", "query_body", "run_queries"]

MOST: Final = 2**31 - 1
"""The limit that stands for none: the route takes no null, and one of its databases no negative number."""
_ROUTE: Final = "/v1/spans"
_FAILED: Final = 500
_INVALID: Final = "Invalid query: "
_STRICT_ROOT: Final = "parent_id is None"
_PARTS: Final = re.compile(r'multipart/mixed\s*;\s*boundary="?([^\s";]+)"?', re.IGNORECASE)


async def run_queries(
    runtime: Runtime, project: str, body: bytes, queries: Sequence[SpanQuery], *, timeout: float | None
) -> list[SpanRows]:
    """Send queries and return the rows of each.

    Args:
        runtime: Sends them.
        project: The name of the project.
        body: What :func:`query_body` made of the queries.
        queries: They.
        timeout: Seconds, retries included, or None for 5 minutes.

    Raises:
        ValidationError: The server does not understand a condition.
        ServerError: The server failed on a query; it is not ``retryable``.
        InvalidResponseError: Something else than tables came back, or not all of them.
    """
    request = Request(
        method="POST",
        path=_ROUTE,
        query=pairs(project_name=project),
        headers=(("accept", "application/json"),),
        body=body,
        content_type="application/json",
        profile=EXPORT,
        timeout=timeout,
        repeatable=True,
        accept_statuses=(NOT_ALLOWED,),
    )
    try:
        response = await runtime.send(request)
    except ValidationError as exc:
        if not exc.message.startswith(_INVALID):
            raise
        raise _explained(exc) from exc
    except ServerError as exc:
        if exc.status_code != _FAILED:
            raise
        explodes = any(query.exploded is not None for query in queries)
        hint = "; a list to explode has to hold objects" if explodes else ""
        message = f"The server failed on this query ({exc.message.rstrip('.')}){hint}."
        raise ServerError(message, status_code=_FAILED, request_id=exc.request_id, retryable=False) from exc
    refuse_missing(request, response)
    refuse_html(request, response)
    found: list[SpanRows] = []
    for query, part in zip(queries, _parts(response, len(queries)), strict=True):
        whole = msgspec.structs.replace(response, body=part)
        table = await answer(runtime, request, whole, Table)
        try:
            found.append(await rows_of(runtime, query, table))
        except (ValueError, TypeError, KeyError) as exc:
            raise unusable(response, f"the server sent a row that does not fit: {exc!r:.200}") from exc
    return found


def query_body(
    queries: Sequence[SpanQuery],
    *,
    start_time: datetime | None,
    end_time: datetime | None,
    limit: int | None,
    roots_only: bool,
) -> bytes:
    """Encode a request.

    Raises:
        ValidationError: A query has an index and nothing that it would be the index of.
    """
    body: dict[str, Any] = {
        "queries": [_wire(query.where(_STRICT_ROOT) if roots_only else query) for query in queries],
        "limit": MOST if limit is None else limit,
    }
    if start_time is not None:
        body["start_time"] = start_time
    if end_time is not None:
        body["end_time"] = end_time
    return json_body(body)


def _wire(query: SpanQuery) -> dict[str, Any]:
    made: dict[str, Any] = {}
    conditions = query.conditions
    if query.exploded is not None and (listed := not_empty("explode", query.exploded.path)) is not None:
        conditions = (*conditions, listed)
    if len(conditions) == 1:
        made["filter"] = {"condition": conditions[0]}
    elif conditions:
        # The line break ends a comment, should there be one.
        made["filter"] = {"condition": " and ".join(f"({condition}\n)" for condition in conditions)}
    if query.takes_everything:
        if label_of(query.index) != SPAN_ID:
            raise refused("with_index", "has an effect only together with select, explode or concat")
        return made
    index = expression("with_index", query.index)
    made["index"] = {"key": index}
    labels = iter(wire_labels(query))
    if query.selected:
        made["select"] = {next(labels): {"key": expression("select", path)} for _, path in query.selected}
    if query.exploded is not None:
        made["explode"] = {**_unfolded("explode", query.exploded, labels), "primary_index_key": index}
    if query.concatenated is not None:
        separator = query.concatenated.separator
        made["concat"] = {**_unfolded("concat", query.concatenated, labels), "separator": separator}
    return made


def _unfolded(field: str, part: Unfolded, labels: Iterator[str]) -> dict[str, Any]:
    columns = {next(labels): path for _, path in part.columns}
    return {"key": expression(field, part.path), **({"kwargs": columns} if columns else {})}


def _explained(error: ValidationError) -> ValidationError:
    """The error of a query that the server does not understand: the rest of it was checked before."""
    said = error.message.removeprefix(_INVALID).rstrip(".")
    problem = {"field": "where", "message": said, "code": "invalid"}
    message = f"where is refused by the server: {said}. See SpanQuery.where for what it takes."
    return ValidationError(message, validation_errors=[problem], request_id=error.request_id)


def _parts(response: Response, number: int) -> list[bytes]:
    """The bodies of the parts of an answer.

    Raises:
        InvalidResponseError: It has no parts, another number of them, or does not end.
    """
    media = response.headers.get("content-type", "")
    found = _PARTS.match(media)
    if found is None:
        raise unusable(response, f"POST {_ROUTE} answered with {media!r:.80}, not with parts")
    body, edge = response.body, b"--" + found[1].encode()
    bodies: list[bytes] = []
    # Only what is a table is copied: an answer can have 64 MB.
    place, stop = 0, 0 if body.startswith(edge) else -1
    while stop >= 0 and not body.startswith(b"--", place := stop + len(edge)):
        stop = body.find(b"\r\n" + edge, place)
        head = body.find(b"\r\n\r\n", place)
        if stop < 0:
            break
        if not place < head < stop or b"application/json" not in body[place:head].lower():
            raise unusable(response, f"POST {_ROUTE} answered with a part that is not JSON")
        bodies.append(body[head + 4 : stop])
        stop += 2
    if stop < 0:
        raise unusable(response, f"the answer to POST {_ROUTE} is cut off")
    if len(bodies) != number:
        raise unusable(response, f"POST {_ROUTE} answered {len(bodies)} of {number} queries")
    return bodies
