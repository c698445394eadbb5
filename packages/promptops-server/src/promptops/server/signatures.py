"""Signed requests: what is checked before a body is read, and what is checked once it is there.

The secret of a key is derived from the pepper and its public id, so the database holds nothing to sign with.
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, Protocol
from urllib.parse import parse_qsl

from msgspec import Struct
from promptops.core.errors import AuthenticationError
from promptops.core.signing import canonical_query, string_to_sign
from promptops.server.calls import Visit
from promptops.server.keys import Pepper

__all__ = ["KEEP_SECONDS", "WINDOW_SECONDS", "NonceStore", "Presented", "Signatures"]

WINDOW_SECONDS: Final = 300
KEEP_SECONDS: Final = 660
"""A nonce is kept longer than any signature that bears it is good for (twice the window)."""
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z", re.ASCII)
_NONCE: Final = re.compile(r"[0-9A-Fa-f]{32}")
_SIGNATURE: Final = re.compile(r"v2=[0-9a-f]{64}")
_NAMES: Final = (b"x-promptops-timestamp", b"x-promptops-nonce", b"x-promptops-signature")


class NonceStore(Protocol):
    """Remembers which nonces were used, also when the process is started anew."""

    async def use_nonce(self, key_id: str, nonce: str, *, at: int, oldest: int) -> bool:
        """Whether the nonce is new; it is used from now on. Those from before ``oldest`` (microseconds) may go."""
        ...


class Presented(Struct, frozen=True):
    """The three headers of a signed request."""

    timestamp: str
    nonce: str
    signature: str


class Signatures:
    """Verifies signed requests.

    Args:
        pepper: What the secrets are derived from.
        nonces: Where used nonces are remembered.
        wall: Unix seconds.
    """

    def __init__(self, pepper: Pepper, nonces: NonceStore, *, wall: Callable[[], float] = time.time) -> None:
        self._pepper = pepper
        self._nonces = nonces
        self._wall = wall

    def read(self, headers: Iterable[tuple[bytes, bytes]], *, required: bool) -> Presented | None:
        """The signature of a request before its body is read; None when there is none and none is required.

        Raises:
            AuthenticationError: It is missing, malformed or not of this time.
        """
        found = [(name, value) for name, value in headers if name in _NAMES]
        if not found:
            if required:
                raise AuthenticationError("This key takes signed requests only; set its secret key in the client.")
            return None
        given = {name: value.decode("latin-1") for name, value in found}
        presented = Presented(*(given.get(name, "") for name in _NAMES))
        at = _seconds(presented.timestamp)
        if (
            len(found) != len(_NAMES)
            or at is None
            or _NONCE.fullmatch(presented.nonce) is None
            or _SIGNATURE.fullmatch(presented.signature) is None
        ):
            raise AuthenticationError(
                "The signature headers are incomplete or malformed; send X-PromptOps-Timestamp (RFC 3339 with Z),"
                " X-PromptOps-Nonce (32 hexadecimal digits) and X-PromptOps-Signature (v2=<hex>), once each."
            )
        if abs(self._wall() - at) > WINDOW_SECONDS:
            raise AuthenticationError(
                f"The signature is more than {WINDOW_SECONDS} seconds from the server's time; check the clock and sign"
                " each attempt anew."
            )
        return presented

    async def check(self, presented: Presented, *, key_id: str, host: str, visit: Visit) -> None:
        """Verify the signature over the request as it was sent, and use its nonce up.

        Raises:
            AuthenticationError: It is not the signature of this request, or the request was seen before.
        """
        expected = self._expected(presented, key_id=key_id, host=host, visit=visit)
        if expected is None or not hmac.compare_digest(f"v2={expected}", presented.signature):
            raise AuthenticationError(
                "The signature does not match the request; check the secret key, and that nothing between client and"
                " server changes the request."
            )
        now = self._wall()
        at, oldest = int(now * 1_000_000), int((now - KEEP_SECONDS) * 1_000_000)
        if not await self._nonces.use_nonce(key_id, presented.nonce, at=at, oldest=oldest):
            raise AuthenticationError("The nonce was used before; sign each attempt anew with a nonce of its own.")

    def _expected(self, presented: Presented, *, key_id: str, host: str, visit: Visit) -> str | None:
        try:
            pairs = parse_qsl(visit.query_string.decode("ascii"), keep_blank_values=True, errors="strict")
        except ValueError:
            return None
        message = string_to_sign(
            at=presented.timestamp,
            nonce=presented.nonce,
            key_id=key_id,
            method=visit.method,
            host=host,
            path=visit.path,
            query=canonical_query(pairs),
            body=visit.body,
        )
        secret = self._pepper.signing_secret(key_id)
        return hmac.digest(secret.encode(), message.encode("utf-8", "surrogatepass"), "sha256").hex()


def _seconds(timestamp: str) -> float | None:
    if _TIMESTAMP.fullmatch(timestamp) is None:
        return None
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except ValueError:  # the 31st of February
        return None
