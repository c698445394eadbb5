"""Logging of spans: what the server says of a request that it refuses, and what is done about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec
from promptops.core import codec
from promptops.core.errors import InvalidResponseError, NotFoundError, TimeoutError, ValidationError  # noqa: A004
from promptops.core.messages import WRITE, Request
from promptops.core.runtime import Runtime
from promptops.models import decoder
from promptops.phoenix._generated import CreateSpansResponseBody, SpansResponseBody
from promptops.phoenix._http import fetch, pairs, send
from promptops.phoenix.tracing._spans_checks import EncodedSpan

__all__ = ["InvalidSpan", "LoggedSpans", "OnDuplicate", "SpanIds", "SpansRefusedError", "log_batch", "wait_for_spans"]

OnDuplicate = Literal["error", "skip"]

_REFUSED: Final = 400
_FIRST_LOOK: Final = 0.05
_LONGEST_PAUSE: Final = 0.5


class SpanIds(msgspec.Struct, frozen=True, kw_only=True):
    """Which span it is."""

    span_id: str = ""
    trace_id: str = ""


class InvalidSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A span that the server did not understand, and why."""

    span_id: str = ""
    trace_id: str = ""
    error: str = ""


class LoggedSpans(msgspec.Struct, frozen=True, kw_only=True):
    """What became of spans that were logged.

    Attributes:
        queued: How many the server took; it stores them a moment later.
        skipped: The ids of those that it had already.
    """

    queued: int
    skipped: tuple[str, ...] = ()


class SpansRefusedError(ValidationError):
    """The server refused a request because of some of its spans, and stored none of that request.

    Attributes:
        duplicates: The spans whose ids the server has already, in whatever project.
        invalid: The spans that it did not understand, and why.
        queued: How many spans of earlier requests of the same call it had taken.
    """

    default_code = "SPANS_REFUSED"

    def __init__(
        self,
        message: str,
        *,
        duplicates: Sequence[SpanIds] = (),
        invalid: Sequence[InvalidSpan] = (),
        queued: int = 0,
        **facts: Any,
    ) -> None:
        super().__init__(message, **facts)
        self.duplicates = list(duplicates)
        self.invalid = list(invalid)
        self.queued = queued


class _Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The body of the server's refusal."""

    duplicate_spans: list[SpanIds] = []
    invalid_spans: list[InvalidSpan] = []


async def log_batch(
    runtime: Runtime, where: str, batch: Sequence[EncodedSpan], *, on_duplicate: OnDuplicate
) -> LoggedSpans:
    """Send one request of spans, and once more without those that the server has when these do not matter.

    Raises:
        SpansRefusedError: The server names spans that it does not take.
    """
    pending = list(batch)
    skipped: list[str] = []
    lost = False
    while pending:
        body = b'{"data":[' + b",".join(span.body for span in pending) + b"]}"
        try:
            await send(runtime, "POST", where, body, CreateSpansResponseBody, repeatable=True)
        except ValidationError as error:
            refusal = await _refusal(runtime, where, body, error)
            if refusal is None:
                break
            known = {span.span_id for span in refusal.duplicate_spans}
            rest = [span for span in pending if span.span_id not in known]
            # Of a request whose answer was lost, the spans are there because that request brought them: those too that
            # the server stores only while the rest is on its way.
            lost = lost or error.repeated
            forgiven = lost or on_duplicate == "skip"
            if refusal.invalid_spans or not forgiven or len(rest) == len(pending):
                raise _refused(refusal, error) from error
            if not lost:
                skipped += [span.span_id for span in pending if span.span_id in known]
            pending = rest
        else:
            break
    return LoggedSpans(queued=len(batch) - len(skipped), skipped=tuple(skipped))


async def _refusal(runtime: Runtime, where: str, body: bytes, error: ValidationError) -> _Refusal | None:
    """Ask again for which spans the request is refused: errors carry sentences, and this answer is lists.

    Returns:
        What is wrong, or None when it was taken this time.

    Raises:
        ValidationError: The answer names no span; it is the error of the first time.
    """
    request = Request(method="POST", path=where, body=body, profile=WRITE, repeatable=True, accept_statuses=(_REFUSED,))
    response = await runtime.send(request)
    if response.status != _REFUSED:
        return None
    try:
        refusal = codec.decode_response(response, decoder(_Refusal))
    except InvalidResponseError:
        raise error from None
    if not refusal.duplicate_spans and not refusal.invalid_spans:
        raise error
    return refusal


def _refused(refusal: _Refusal, error: ValidationError) -> SpansRefusedError:
    problems = [
        *(
            {"field": span.span_id, "message": "is there already", "code": "duplicate"}
            for span in refusal.duplicate_spans
        ),
        *({"field": span.span_id, "message": span.error, "code": "invalid"} for span in refusal.invalid_spans),
    ]
    message = (
        f"The server refused the spans: {len(refusal.duplicate_spans)} of them it has already, and "
        f"{len(refusal.invalid_spans)} it does not understand; it stored none of this request. Those that it has can "
        'be left out with on_duplicate="skip".'
    )
    return SpansRefusedError(
        message,
        duplicates=refusal.duplicate_spans,
        invalid=refusal.invalid_spans,
        validation_errors=problems,
        request_id=error.request_id,
    )


async def wait_for_spans(runtime: Runtime, where: str, groups: Sequence[Sequence[str]], *, seconds: float) -> None:
    """Return when all of the spans can be read; those logged last are looked for first.

    Raises:
        TimeoutError: Not all of them could within that many seconds.
    """
    total = missing = sum(map(len, groups))
    try:
        with runtime.deadline(seconds):
            for group in reversed(groups):
                pause = _FIRST_LOOK
                while not await _are_there(runtime, where, group):
                    await runtime.sleep(pause)
                    pause = min(pause * 1.5, _LONGEST_PAUSE)
                missing -= len(group)
    except TimeoutError as exc:
        raise TimeoutError(
            f"Of {total} spans up to {missing} could not be read within {seconds:g} s. The server takes spans "
            "first and stores them later, about a hundred in a second: wait for longer. Those of a "
            "trace that is in another project are stored there.",
            timeout_duration=seconds,
            details={"missing": missing},
        ) from exc


async def _are_there(runtime: Runtime, where: str, span_ids: Sequence[str]) -> bool:
    query = pairs(span_id=span_ids, limit=len(span_ids))
    try:
        spans = (await fetch(runtime, where, SpansResponseBody, query=query)).data
    except NotFoundError:  # the first spans of a project create it
        return False
    return {span.context.span_id for span in spans}.issuperset(span_ids)
