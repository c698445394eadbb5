"""Prompts as the freshness policy sees them: how they are asked for, kept, and what errors mean for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from promptops.cache.policy import Answer, Outcome
from promptops.core.errors import (
    AuthenticationError,
    AuthorizationError,
    PromptNotFoundError,
    PromptOpsError,
)
from promptops.models import PromptResponse, prepared
from promptops.prompts._addresses import Addresses, PromptKey
from promptops.prompts._fallbacks import is_mistake
from promptops.prompts._frozen import frozen
from promptops.prompts.stores import PromptStore

__all__ = ["PromptOrigin", "answer_of", "decode_prompt", "moves"]

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(prepared(PromptResponse)).decode


class PromptOrigin:
    """The :class:`~promptops.cache.policy.Source` of prompts.

    Args:
        store: Where they are.
        behind: Gives the same store for the background thread, where there is one.
        addresses: The keys of the shared tiers, where there are some.
    """

    def __init__(
        self, store: PromptStore, *, behind: Callable[[], PromptStore] | None, addresses: Callable[[], Addresses | None]
    ) -> None:
        self._store = store
        self._behind = behind
        self._addresses = addresses

    def key(self, key: PromptKey) -> str:
        """The key in the shared tiers."""
        addresses = self._addresses()
        return "" if addresses is None else addresses.key(key)

    def subject(self, key: PromptKey) -> str:
        """The slug or id that was asked for."""
        return key[1]

    def fixed(self, key: PromptKey) -> bool:
        """Whether it is a numbered version."""
        return not moves(key[2])

    def decode(self, key: PromptKey, body: bytes) -> PromptResponse:
        """A prompt out of a shared tier.

        Raises:
            ValueError: It is another version than the one that its key names.
        """
        prompt = decode_prompt(body)
        if self.fixed(key) and prompt.version != key[2]:
            raise ValueError(prompt.version)
        return prompt

    async def fetch(
        self, key: PromptKey, etag: str | None, *, fresh: bool = False, timeout: float | None = None
    ) -> Answer[PromptResponse] | None:
        """Ask the store, for a caller."""
        return await _ask(self._store, key, etag, fresh=fresh, timeout=timeout)

    async def fetch_behind(self, key: PromptKey, etag: str | None) -> Answer[PromptResponse] | None:
        """Ask the store, on the background thread."""
        assert self._behind is not None  # else there is no background
        return await _ask(self._behind(), key, etag)

    def outcome(self, error: Exception) -> str:
        """What an error says of the prompt: only our own typed "not found" says that it is gone."""
        if isinstance(error, PromptNotFoundError):
            return Outcome.GONE
        if isinstance(error, (AuthenticationError, AuthorizationError)):
            return Outcome.REFUSED
        return Outcome.RAISED if is_mistake(error) else Outcome.FAILED

    def warn(self, key: PromptKey, error: Exception, age: float | None) -> None:
        """A stale prompt is served because of an error."""
        from promptops.core.log import log

        reason = error.error_code if isinstance(error, PromptOpsError) else type(error).__name__
        log().warning("prompt_served_stale", name=key[1], age_s=age, reason=reason)


def moves(which: str | None) -> bool:
    """Whether it may be another version tomorrow."""
    return which is None or which.startswith("@")


def answer_of(prompt: PromptResponse) -> Answer[PromptResponse]:
    """An answer of the store, frozen, with its bytes."""
    return Answer(value=frozen(prompt), body=_encode(prompt), etag=prompt.etag or None)


def decode_prompt(body: bytes) -> PromptResponse:
    """The prompt in the bytes of a shared tier; any exception means that there is none."""
    return frozen(_decode(body))


async def _ask(
    store: PromptStore, key: PromptKey, etag: str | None, *, fresh: bool = False, timeout: float | None = None
) -> Answer[PromptResponse] | None:
    project, name, which = key
    label = which[1:] if which is not None and which.startswith("@") else None
    prompt = await store.get(
        name,
        version=which if label is None else None,
        label=label,
        project=project,
        fresh=fresh,
        timeout=timeout,
        etag=etag,
    )
    return None if prompt is None else answer_of(prompt)
