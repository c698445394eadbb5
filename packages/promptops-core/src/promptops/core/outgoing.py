"""The headers and the target of an attempt; what does not change is put together once."""

from __future__ import annotations

from typing import Final

from promptops.core.auth import BearerAuth
from promptops.core.clock import Clock
from promptops.core.config import RuntimeConfig
from promptops.core.errors import ConfigurationError
from promptops.core.limits import Gates, NotBefore
from promptops.core.messages import Request
from promptops.core.urls import encode_query

__all__ = ["Headers", "Outgoing"]

Headers = tuple[tuple[str, str], ...]

_FORBIDDEN: Final = frozenset({"authorization", "host", "content-length", "connection", "transfer-encoding"})


class Outgoing:
    """Completes requests for one origin: address prefix, standard headers, key, signature."""

    def __init__(self, config: RuntimeConfig, gates: Gates, clock: Clock) -> None:
        origin = config.origin
        self._prefix = origin.prefix
        self._host = origin.authority
        self._url = origin.url
        self._secret = config.secret_key
        self._key_id = config.key_id
        self._clock = clock
        self._gates = gates
        self._auth = BearerAuth(config.api_key)
        self._standard: Headers = (
            ("accept", "application/json"),
            ("accept-encoding", "gzip, deflate"),
            ("user-agent", config.user_agent),
        )
        if config.headers:
            self._standard = _replaced(self._standard, config.headers)
        self._given_secrets = config.secret_headers
        self._given_key = dict(config.headers).get("authorization")
        self._fixed = not callable(config.api_key)
        # A client of the caller's may add a key of its own, and a header a secret in a form that is not known here.
        self._foreign_key = config.http_client is not None or bool(self._given_key or self._given_secrets)
        self._current: tuple[str | None, Headers, NotBefore] = (None, (), NotBefore())
        if self._fixed:
            self._current = self._complete(*self._auth.current())
            if self._secret is not None:
                from promptops.core.signing import key_id_of

                key_id_of(self._current[0], self._key_id)  # a missing id is found now, not at the first call

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not appear in any message."""
        own = tuple(secret for secret in (self._current[0], self._secret) if secret)
        return own + self._given_secrets

    @property
    def keyless(self) -> bool:
        """Whether attempts certainly carry no key."""
        return self._current[0] is None and not self._foreign_key

    def headers(self, request: Request) -> tuple[Headers, NotBefore]:
        """All headers of the next attempt, and the gate of the key that it uses.

        Raises:
            ConfigurationError: The key function failed to give a key, or a signature lacks the key's id.
        """
        current = self._current
        if not self._fixed:
            key, authorization = self._auth.current()
            if key != current[0]:
                current = self._current = self._complete(key, authorization)
        headers, gate = current[1], current[2]
        if request.body is not None:
            headers += (("content-type", request.content_type),)
        if request.idempotency_key is not None:
            headers += (("idempotency-key", request.idempotency_key),)
        if request.headers:
            headers = _merge(headers, request.headers)
        if self._secret is not None:
            headers += self._sign(request, current[0])
        return headers, gate

    def target(self, request: Request) -> str:
        """Path and query as sent."""
        if request.query:
            return f"{self._prefix}{request.path}?{encode_query(request.query)}"
        return self._prefix + request.path

    def _complete(self, key: str | None, authorization: Headers) -> tuple[str | None, Headers, NotBefore]:
        return key, self._standard + authorization, self._gates.of(self._url, key or self._given_key)

    def _sign(self, request: Request, key: str | None) -> Headers:
        from promptops.core.signing import key_id_of, new_nonce, sign, timestamp

        return sign(
            secret=self._secret or "",
            key_id=key_id_of(key, self._key_id),
            method=request.method,
            host=self._host,
            path=self._prefix + request.path,
            query=request.query,
            body=request.body or b"",
            at=timestamp(self._clock.time()),
            nonce=new_nonce(),
        )


def _merge(headers: Headers, extra: Headers) -> Headers:
    names = {name for name, _ in extra}
    if names & _FORBIDDEN:
        raise ConfigurationError(f"A request may not set {', '.join(sorted(names & _FORBIDDEN))}; the runtime does.")
    return _replaced(headers, extra)


def _replaced(headers: Headers, extra: Headers) -> Headers:
    names = {name for name, _ in extra}
    return (*(pair for pair in headers if pair[0] not in names), *extra)
