"""The key as a header."""

from __future__ import annotations

from collections.abc import Callable

from promptops.core.config import ApiKey, check_secret

__all__ = ["BearerAuth"]


class BearerAuth:
    """Answers with the ``Authorization`` header of the current key.

    A fixed key is turned into a header once. A function is asked before every attempt, so a rotated key is used by
    the next attempt without a new client.
    """

    __slots__ = ("_header", "_key", "_provider")

    def __init__(self, api_key: ApiKey | None) -> None:
        self._provider: Callable[[], str] | None = None if isinstance(api_key, str) or api_key is None else api_key
        self._key = api_key if isinstance(api_key, str) else None
        self._header = (("authorization", f"Bearer {self._key}"),) if self._key is not None else ()

    def current(self) -> tuple[str | None, tuple[tuple[str, str], ...]]:
        """The key and its header; without a key, None and no header.

        Raises:
            ConfigurationError: The function gave something that is not a key.
        """
        if self._provider is not None:
            key = self._provider()
            check_secret("api_key", key)
            if key != self._key:
                self._key, self._header = key, (("authorization", f"Bearer {key}"),)
        return self._key, self._header

    def __repr__(self) -> str:
        return f"BearerAuth({'no key' if self._key is None and self._provider is None else '***'})"
