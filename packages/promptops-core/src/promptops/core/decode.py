"""Turn an error answer into the typed error: every shape that servers and proxies in between send."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from promptops.core import errors
from promptops.core.codec import depth_exceeds, html_hint, looks_like_html
from promptops.core.config import ServerNames
from promptops.core.errors import PromptOpsError
from promptops.core.messages import Response
from promptops.core.narrow import is_array, is_object
from promptops.core.pacing import parse_retry_after, retry_after_seconds
from promptops.core.redact import redact, redact_value
from promptops.core.retry import should_retry_header

__all__ = ["error_from_response", "error_of_code", "normalise_code"]

LONGEST_TEXT: Final = 200
NAMES: Final = ServerNames()
_LARGEST_BODY: Final = 256 * 1024
_LARGEST_TEXT: Final = 64 * 1024
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_LASTING: Final = frozenset({501, 507})
"""Failures that the same call meets again: not implemented, no space left."""
_WINDOWS: Final = ("minute", "hour", "day")

BY_CODE: Final[Mapping[str, type[PromptOpsError]]] = {
    "AUTHENTICATION_ERROR": errors.AuthenticationError,
    "UNAUTHENTICATED": errors.AuthenticationError,
    "UNAUTHORIZED": errors.AuthenticationError,
    "AUTHORIZATION_ERROR": errors.AuthorizationError,
    "FORBIDDEN": errors.AuthorizationError,
    "VALIDATION_ERROR": errors.ValidationError,
    "NOT_FOUND_ERROR": errors.NotFoundError,
    "NOT_FOUND": errors.NotFoundError,
    "PROMPT_NOT_FOUND": errors.PromptNotFoundError,
    "PROMPT_NOT_FOUND_ERROR": errors.PromptNotFoundError,
    "CONFLICT_ERROR": errors.ConflictError,
    "CONFLICT": errors.ConflictError,
    "RATE_LIMIT_ERROR": errors.RateLimitError,
    "RATE_LIMIT_EXCEEDED": errors.RateLimitError,
    "RATE_LIMITED": errors.RateLimitError,
    "TIMEOUT_ERROR": errors.TimeoutError,
    "NETWORK_ERROR": errors.NetworkError,
    "CACHE_ERROR": errors.CacheError,
    "TELEMETRY_ERROR": errors.TelemetryError,
    "SERVER_ERROR": errors.ServerError,
    "INTERNAL_ERROR": errors.ServerError,
    "INVALID_RESPONSE": errors.InvalidResponseError,
    "CONFIGURATION_ERROR": errors.ConfigurationError,
    "UNSUPPORTED_OPERATION": errors.UnsupportedOperation,
}
BY_STATUS: Final[Mapping[int, type[PromptOpsError]]] = {
    400: errors.ValidationError,
    401: errors.AuthenticationError,
    403: errors.AuthorizationError,
    404: errors.NotFoundError,
    408: errors.TimeoutError,
    409: errors.ConflictError,
    410: errors.NotFoundError,
    412: errors.ConflictError,
    413: errors.ValidationError,
    414: errors.ValidationError,
    422: errors.ValidationError,
    429: errors.RateLimitError,
    431: errors.ValidationError,
}
ADVICE: Final[Mapping[int, str]] = {
    400: "The server refused the request.",
    401: "The server refused the key; check api_key or {key}.",
    403: "The key may not do this; it needs another scope.",
    404: "There is no such thing at this address.",
    408: "The server gave up waiting for the request.",
    409: "The name is taken, or the thing changed meanwhile.",
    412: "The thing changed since it was read; read it again and repeat the change.",
    413: "The request is larger than the server takes; send it in smaller parts.",
    422: "The server refused the input.",
    429: "The server asks to slow down.",
}
NO_KEY: Final = "No key was sent; pass api_key, or set {key}."


class _Facts(msgspec.Struct, kw_only=True):
    """What an error body said, whatever its shape."""

    code: str = ""
    message: str = ""
    details: dict[str, Any] = {}
    problems: list[dict[str, Any]] = []
    retry_after: float | None = None
    request_id: str | None = None
    retryable: bool | None = None


def normalise_code(value: object) -> str:
    """An error code in the one spelling that is compared: ``prompt-not-found`` is ``PROMPT_NOT_FOUND``."""
    if not isinstance(value, str):
        return ""
    code = value.strip().rsplit("/", 1)[-1].upper().replace("-", "_").replace(" ", "_")
    return code if _CODE.fullmatch(code) else ""


def error_from_response(
    response: Response,
    *,
    secrets: Iterable[str] = (),
    now: float | None = None,
    names: ServerNames = NAMES,
    keyless: bool = False,
) -> PromptOpsError:
    """The typed error of an answer: by its code first, by its status second.

    Args:
        response: An answer whose status is not a success.
        secrets: Texts that must not appear in the error.
        now: Seconds since 1970; the wall clock when absent.
        names: What messages call the server and its settings.
        keyless: Whether the request carried no key at all.
    """
    now = time.time() if now is None else now
    hidden = tuple(secrets)
    html = looks_like_html(response.body, response.headers.get("content-type", "").lower())
    # Everything is redacted before it is made shorter: of a key that is cut off, nobody would know the rest for one.
    facts = _Facts() if html else _read(response, hidden)
    kind = BY_CODE.get(facts.code) or _by_status(response.status, html=html)
    message = _shorten(facts.message) or _plain_text(response, hidden, html=html)
    advice = _advice(response, names, hidden, html=html)
    if keyless and response.status == 401 and not html:
        advice = NO_KEY.format(key=names.key)
    if not message:
        message = f"{advice} (status {response.status})" if advice.endswith(".") else advice
    elif html or response.status in {301, 302, 303, 307, 308}:
        message = f"{message} {advice}"
    elif response.status == 401 and (keyless or not facts.message):  # a bare sentence says no more than that
        message = f"{message.rstrip('.')}. {advice}"
    common: dict[str, Any] = {
        "error_code": facts.code or None,
        "details": facts.details,
        "request_id": _request_id(response, facts),
        "retryable": _retryable(response, facts),
    }
    return kind(message, **common, **_extra(kind, response, facts, now=now))


def error_of_code(code: str, message: str) -> PromptOpsError:
    """The typed error of one item within an answer, which says a code and a message and nothing more."""
    known = normalise_code(code)
    kind = BY_CODE.get(known, PromptOpsError)
    return kind(redact(_shorten(message)) or kind.__doc__ or "", error_code=known or None)


def _by_status(status: int, *, html: bool) -> type[PromptOpsError]:
    # A page that says 404 comes from something in between: it does not say that a prompt is gone.
    if status < 400 or (html and status < 500 and status not in {401, 403, 407, 408, 429}):
        return errors.InvalidResponseError
    if status >= 500:
        return errors.ServerError
    return BY_STATUS.get(status, PromptOpsError)


def _extra(kind: type[PromptOpsError], response: Response, facts: _Facts, *, now: float) -> dict[str, Any]:
    details = facts.details
    if issubclass(kind, errors.ServerError):
        return {"status_code": response.status}
    if issubclass(kind, errors.ValidationError):
        return {"validation_errors": facts.problems}
    if issubclass(kind, errors.RateLimitError):
        wait = _first(
            parse_retry_after(response.headers, now=now), facts.retry_after, _until_reset(response.headers, now)
        )
        return {"retry_after": math.ceil(min(wait or 0.0, 1e9))}
    if issubclass(kind, errors.PromptNotFoundError):
        names = [str(name) for name in _array(details.get("suggested_prompts"))]
        return {"prompt_id": str(details.get("prompt_id") or ""), "suggested_prompts": names}
    return {}


def _retryable(response: Response, facts: _Facts) -> bool | None:
    said = should_retry_header(response.headers)
    if said is not None:
        return said
    if facts.retryable is not None:
        return facts.retryable
    return False if response.status in _LASTING else None


def _read(response: Response, secrets: tuple[str, ...]) -> _Facts:
    body = response.body
    if not body.lstrip().startswith(b"{") or len(body) > _LARGEST_BODY or depth_exceeds(body):
        return _Facts()
    try:
        document: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Facts()
    return _facts(redact_value(document, secrets)) if is_object(document) else _Facts()


def _facts(document: dict[str, Any]) -> _Facts:
    error = document.get("error")
    if is_object(error):  # {"error": {"code", "message", "details", "retry_after"}}
        inner, details = error, _object(error.get("details"))
        message, code = _text(inner.get("message")), normalise_code(inner.get("code"))
    elif isinstance(error, str):  # {"error": "text or CODE", "message", "status_code"}
        inner, details = document, _object(document.get("details"))
        code = normalise_code(document.get("code") or document.get("error_code"))
        if not code and normalise_code(error) in BY_CODE:
            code = normalise_code(error)
        message = _text(document.get("message")) or ("" if normalise_code(error) == code and code else error)
    else:  # problem+json and {"detail": ...}
        inner, details = document, _object(document.get("details"))
        code = normalise_code(document.get("code")) or _code_of_type(document.get("type"))
        message = _text(document.get("detail")) or _text(document.get("message")) or _text(document.get("title"))
    for name in ("prompt_id", "suggested_prompts"):
        if name in inner and name not in details:
            details = {**details, name: inner[name]}
    problems = _problems(details.get("validation_errors"), inner.get("errors"), document.get("detail"))
    if not message and problems:
        message = "; ".join(_describe(problem) for problem in problems[:5])
    metadata = _object(document.get("metadata"))
    retryable = inner.get("retryable")
    return _Facts(
        code=code,
        message=message,
        details=details,
        problems=problems,
        retry_after=_first(*(retry_after_seconds(place.get("retry_after")) for place in (details, inner, document))),
        request_id=_text(metadata.get("request_id")) or _text(document.get("request_id")) or None,
        retryable=retryable if isinstance(retryable, bool) else None,
    )


def _code_of_type(value: object) -> str:
    code = normalise_code(value)
    return code if code in BY_CODE else ""


def _problems(*sources: object) -> list[dict[str, Any]]:
    for source in sources:
        if items := _array(source):
            return [_problem(item) for item in items[:1000]]
    return []


def _problem(item: Any) -> dict[str, Any]:
    if not is_object(item):
        return {"field": "", "message": _shorten(str(item)), "code": ""}
    where = item.get("field") or item.get("pointer") or item.get("loc") or item.get("key") or ""
    if is_array(where):
        where = ".".join(str(part) for part in where)
    message = item.get("message") or item.get("msg") or item.get("detail") or ""
    return {
        "field": _shorten(str(where)),
        "message": _shorten(str(message)),
        "code": _shorten(str(item.get("code") or item.get("type") or "")),
    }


def _describe(problem: dict[str, Any]) -> str:
    return ": ".join(part for part in (problem["field"], problem["message"]) if part)


def _plain_text(response: Response, secrets: tuple[str, ...], *, html: bool) -> str:
    if html:
        title = re.search(rb"<title[^>]*>([^<]{1,8192})", response.body[:8192], re.IGNORECASE)
        said = _shorten(redact(title[1].decode("utf-8", "replace"), secrets)) if title else ""
        return f"{said} (status {response.status})." if said else ""
    if response.body.lstrip()[:1] in {b"{", b"["}:
        return ""
    text = redact(response.body[:_LARGEST_TEXT].decode("utf-8", "replace"), secrets)[: 4 * LONGEST_TEXT]
    return _shorten(text) if sum(char.isprintable() or char.isspace() for char in text) == len(text) else ""


def _advice(response: Response, names: ServerNames, secrets: tuple[str, ...], *, html: bool) -> str:
    status = response.status
    if 300 <= status < 400:
        # The query of a redirect often holds a token or a copy of what was asked.
        target = _shorten(redact(re.split("[?#]", response.headers.get("location", ""), maxsplit=1)[0], secrets))
        return f"The server redirects{f' to {target}' if target else ''}; redirects are not followed, set base_url."
    if html:
        return html_hint(names.api)
    if status >= 500:
        return "The server failed."
    return ADVICE.get(status, f"The server answered with status {status}").format(key=names.key)


def _until_reset(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until the exhausted quota starts again, from the ``X-RateLimit-*`` headers."""
    waits: list[float] = []
    for window in _WINDOWS:
        if headers.get(f"x-ratelimit-remaining-{window}", "").strip() == "0":
            reset = _moment(headers.get(f"x-ratelimit-reset-{window}", ""))
            if reset is not None and reset > now:
                waits.append(reset - now)
    return max(waits, default=None)


def _moment(text: str) -> float | None:
    seconds = retry_after_seconds(text.strip())
    if seconds is not None:
        return seconds
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def _request_id(response: Response, facts: _Facts) -> str | None:
    for candidate in (response.request_id, facts.request_id):
        if candidate and _REQUEST_ID.fullmatch(candidate):
            return candidate
    return None


def _object(value: object) -> dict[str, Any]:
    return value if is_object(value) else {}


def _array(value: object) -> list[Any]:
    return value if is_array(value) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
