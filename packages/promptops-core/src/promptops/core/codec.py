"""Where JSON enters and leaves: bytes to typed values and back, with the path of whatever is wrong."""

from __future__ import annotations

import math
from typing import Any, Final, Protocol, TypeVar, cast

import msgspec
from promptops.core.errors import InvalidResponseError, ValidationError
from promptops.core.messages import Response
from promptops.core.narrow import is_object

__all__ = ["MAX_DEPTH", "Decoder", "decode_response", "depth_exceeds", "encode"]

MAX_DEPTH: Final = 64

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

_KEEP = b'"[]{}'
_DROP: Final = bytes(sorted(set(range(256)) - set(_KEEP)))
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")


class Decoder(Protocol[T_co]):
    """Turns bytes into one type, as ``msgspec.json.Decoder`` does."""

    def decode(self, data: bytes, /) -> T_co:
        """Decode a whole body; raises msgspec's errors."""
        ...


def encode(value: Any) -> bytes:
    """Encode a value as JSON.

    Raises:
        ValidationError: It holds NaN or infinity, or something that JSON cannot carry; the message names the path.
    """
    try:
        data = _ENCODER.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as exc:
        raise _refusal(value, exc) from exc
    # msgspec writes NaN and infinity as null, and as "nan" and "inf" where they are keys, so only bodies that hold one
    # of these need the slow look.
    if b"null" in data or b'nan"' in data or b'inf"' in data:
        path = _find(value, _not_finite)
        if path is not None:
            raise _invalid(path, "NaN and infinity cannot be sent as JSON; send null or leave the value out")
    return data


def depth_exceeds(data: bytes, limit: int = MAX_DEPTH) -> bool:
    """Whether JSON nests deeper than the limit; brackets within strings do not count.

    A body with no more opening brackets than the limit is never scanned. The scan strips what is not structure, then
    removes innermost pairs until none is left, all of it at the speed of ``bytes`` methods.
    """
    if data.count(b"[") + data.count(b"{") <= limit:
        return False
    if b"\\" in data:
        # Only strings hold backslashes; an escaped quote must not end its string.
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    structure = data.translate(None, _DROP)
    outside = b"".join(structure.split(b'"')[::2]).translate(_ONE_KIND)
    for _ in range(limit):
        shorter = outside.replace(b"[]", b"")
        if len(shorter) == len(outside):
            break
        outside = shorter
    return b"[]" in outside or outside.count(b"[") > limit


def decode_response(response: Response, decoder: Decoder[T]) -> T:
    """Decode the body of an answer.

    Raises:
        InvalidResponseError: It is not JSON, is cut off, nests deeper than 64, or has a field of the wrong type.
    """
    body = response.body
    try:
        # len is the cheapest bound: fewer bytes than brackets allowed cannot nest too deep.
        if len(body) > MAX_DEPTH and depth_exceeds(body):
            raise _unusable(response, f"it nests deeper than {MAX_DEPTH} levels")
        return decoder.decode(body)
    except msgspec.ValidationError as exc:
        raise _unusable(response, f"it does not have the expected form: {_short(str(exc))}") from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise _unusable(response, _why_not_json(body, exc)) from exc


def looks_like_html(body: bytes, content_type: str = "") -> bool:
    """Whether an answer is a web page, as proxies and login screens send them."""
    start = body[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return "text/html" in content_type or start.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def html_hint(api: str = "the API") -> str:
    """What to do about a web page where the named API should have answered."""
    return (
        f"A web page answered instead of {api}, so a proxy, a login screen or another server is in between; "
        "check base_url."
    )


def _why_not_json(body: bytes, exc: Exception) -> str:
    if not body.strip():
        return "it is empty"
    if looks_like_html(body):
        return f"it is HTML. {html_hint()}"
    return f"it is not complete JSON: {_short(str(exc))}"


def _unusable(response: Response, reason: str) -> InvalidResponseError:
    return InvalidResponseError(
        f"The answer (status {response.status}) cannot be used: {reason.rstrip('.')}.",
        status_code=response.status,
        request_id=response.request_id,
    )


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"


def _enc_hook(value: Any) -> Any:
    # Scores are often numpy scalars; anything else of theirs is an array, which becomes a list.
    if _is_numpy(value):
        return _listed(value)
    raise TypeError(f"objects of type {type(value).__name__} have no JSON form")


_ENCODER = msgspec.json.Encoder(enc_hook=_enc_hook)


def _is_numpy(value: Any) -> bool:
    return type(value).__module__ == "numpy" and hasattr(value, "tolist")


def _listed(value: Any) -> Any:
    return value.tolist()


def _invalid(path: str, reason: str) -> ValidationError:
    return ValidationError(
        f"{path}: {reason}.", validation_errors=[{"field": path, "message": reason, "code": "not_json"}]
    )


def _refusal(value: Any, exc: Exception) -> ValidationError:
    if isinstance(exc, RecursionError):
        fields = (path for path, child in _children("$", value) if _recurses(child))
        return _invalid(next(fields, "$"), "the value refers to itself or nests too deep for JSON")
    if isinstance(exc, UnicodeEncodeError):
        return _invalid(_find(value, _lone_surrogate) or "$", "the text holds a lone surrogate, which is not text")
    return _invalid(_find(value, _unsupported) or "$", _short(str(exc)).rstrip("."))


def _recurses(value: Any) -> bool:
    try:
        _ENCODER.encode(value)
    except RecursionError:
        return True
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError):
        return False
    return False


def _not_finite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _lone_surrogate(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _unsupported(value: Any) -> bool:
    if isinstance(value, (list, tuple, set, frozenset)) or hasattr(value, "__struct_fields__"):
        return False
    try:
        # Of an object only the keys count here: its values have paths of their own.
        _ENCODER.encode(dict.fromkeys(value) if is_object(value) else value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return True
    return False


def _find(value: Any, wrong: Any) -> str | None:
    """The path of the first value that the test calls wrong, depth first, without recursion."""
    stack: list[tuple[str, Any]] = [("$", value)]
    while stack:
        path, item = stack.pop()
        if wrong(item):
            return path
        stack.extend(reversed(_children(path, item)))
    return None


def _children(path: str, item: Any) -> list[tuple[str, Any]]:
    if is_object(item):
        keys = [(f"{path}.<key>", key) for key in item if not isinstance(key, str) or _lone_surrogate(key)]
        return keys + [(f"{path}.{key}", child) for key, child in item.items()]
    if isinstance(item, (list, tuple, set, frozenset)):
        return [(f"{path}[{index}]", child) for index, child in enumerate(cast("list[Any]", item))]
    fields: Any = getattr(item, "__struct_fields__", None) or getattr(item, "__dataclass_fields__", None)
    if fields is not None and not isinstance(item, type):
        return [(f"{path}.{name}", getattr(item, name)) for name in fields]
    if _is_numpy(item):
        return [(path, _listed(item))]
    return []
