"""Decoders that take what a newer server sends: unknown tags, fields and enum values are no errors.

The known path is msgspec's own decoder and nothing else. Only when that one refuses a body is the body looked at
again: objects under an unknown tag become the ``Unknown`` arm of their union, and the rest is decoded as before, so
that what is still refused is truly wrong, and is named by its path.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar, cast, overload

import msgspec
from promptops.models._preparing import prepared

__all__ = ["Decoder", "decoder", "enveloped"]

T = TypeVar("T")


class Decoder(Generic[T]):
    """Decodes JSON into one type; made by :func:`decoder` and :func:`enveloped`, at first use of it.

    It may be shared by threads.
    """

    __slots__ = ("_fast", "_type")

    def __init__(self, type_: Any) -> None:
        self._type = type_
        self._fast: msgspec.json.Decoder[T] | None = None

    def decode(self, data: bytes) -> T:
        """The value in a JSON document.

        Raises:
            msgspec.DecodeError: It is not JSON.
            msgspec.ValidationError: A field is missing or of the wrong type; the message ends in its path.
        """
        fast = self._fast
        if fast is None:
            fast = self._fast = msgspec.json.Decoder(prepared(self._type))
        try:
            return fast.decode(data)
        except msgspec.ValidationError:
            pass
        return self._convert(msgspec.json.decode(data))

    def _convert(self, value: Any) -> T:
        """The slow path: give unknown tags their arm and try again."""
        from promptops.models._tolerance import tolerated

        return cast("T", msgspec.convert(tolerated(value, self._type), prepared(self._type), str_keys=True))


class _Envelope(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What ``/v1`` wraps around an answer."""

    success: bool
    data: T


class _EnvelopeDecoder(Decoder[T]):
    """Decodes an answer inside the ``/v1`` envelope, or bare."""

    __slots__ = ("_wrapped",)

    def __init__(self, type_: Any) -> None:
        super().__init__(type_)
        self._wrapped: msgspec.json.Decoder[_Envelope[T]] | None = None

    def decode(self, data: bytes) -> T:
        wrapped = self._wrapped
        if wrapped is None:
            envelope: Any = _Envelope
            wrapped = self._wrapped = msgspec.json.Decoder(prepared(envelope[self._type]))
        try:
            return wrapped.decode(data).data
        except msgspec.ValidationError:
            pass
        value = msgspec.json.decode(data)
        if not _is_envelope(value):
            return super().decode(data)
        if "data" not in value:
            raise msgspec.ValidationError("Object missing required field `data`")
        try:
            return self._convert(value["data"])
        except msgspec.ValidationError as exc:
            raise msgspec.ValidationError(_below(str(exc), "data")) from None


def _is_envelope(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    body = cast("dict[str, Any]", value)
    return isinstance(body.get("success"), bool) and ("data" in body or "error" in body)


def _below(message: str, key: str) -> str:
    """The message with its path moved below a key."""
    text, separator, path = message.rpartition(" - at `$")
    return f"{text}{separator}.{key}{path}" if separator else f"{message} - at `$.{key}`"


_decoders: dict[Any, Decoder[Any]] = {}
_enveloped: dict[Any, Decoder[Any]] = {}


@overload
def decoder(type_: type[T]) -> Decoder[T]: ...
@overload
def decoder(type_: object) -> Decoder[Any]: ...
def decoder(type_: Any) -> Decoder[Any]:
    """The decoder of a type; the same one each time.

    Args:
        type_: A struct, ``list[...]`` or ``dict[...]`` of them, or a union (whose values are typed ``Any``).
    """
    found = _decoders.get(type_)
    return found if found is not None else _decoders.setdefault(type_, Decoder(type_))


@overload
def enveloped(type_: type[T]) -> Decoder[T]: ...
@overload
def enveloped(type_: object) -> Decoder[Any]: ...
def enveloped(type_: Any) -> Decoder[Any]:
    """The decoder of a type inside the ``/v1`` envelope, which also takes it bare; the same one each time.

    A body is in the envelope when ``success`` is a boolean and ``data`` or ``error`` is present.
    """
    found = _enveloped.get(type_)
    return found if found is not None else _enveloped.setdefault(type_, _EnvelopeDecoder(type_))
