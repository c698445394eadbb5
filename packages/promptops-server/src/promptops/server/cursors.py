"""Cursors of pages: opaque, signed, and good only for the same caller's same question."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final

import msgspec
from promptops.models import prepared
from promptops.server.grants import Grant
from promptops.server.refusals import QueryError

__all__ = ["Cursors"]

_MAC_BYTES: Final = 16
Position = tuple[int | str, ...]


class Cursors:
    """Makes cursors and takes them back."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def seal(self, grant: Grant, question: tuple[str | None, ...], position: Position) -> str:
        """The cursor of the page after ``position``."""
        payload = msgspec.msgpack.encode(position)
        return base64.urlsafe_b64encode(self._mac(grant, question, payload) + payload).decode("ascii").rstrip("=")

    def open(self, grant: Grant, question: tuple[str | None, ...], cursor: str | None) -> Position | None:
        """The position in a cursor; None without one.

        Args:
            grant: Who asks; another set of projects does not open the cursor.
            question: The operation and its filters; other filters do not open it either.
            cursor: What the caller sent.

        Raises:
            QueryError: The cursor was not made for this question.
        """
        if cursor is None:
            return None
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not payload or not hmac.compare_digest(mac, self._mac(grant, question, payload)):
            message = "not a cursor of this list with these filters; start again without one"
            raise QueryError(
                f"cursor: {message}", validation_errors=[{"field": "cursor", "message": message, "code": "bad_cursor"}]
            )
        return msgspec.msgpack.decode(payload, type=prepared(Position))

    def _mac(self, grant: Grant, question: tuple[str | None, ...], payload: bytes) -> bytes:
        bound = msgspec.msgpack.encode((grant.owner, question, payload))
        return hmac.digest(self._secret, bound, "sha256")[:_MAC_BYTES]
