"""Under which keys prompts lie in shared caches, so that neither servers nor tenants ever meet."""

from __future__ import annotations

import hashlib
import os
from typing import Final

from promptops.cache import cache_key, cache_key_prefix
from promptops.core.config import RuntimeConfig
from promptops.core.signing import key_id_of

__all__ = ["Addresses", "PromptKey"]

PromptKey = tuple[str | None, str, str | None]
"""Project, name as asked for, and which version: canonical, None for the latest, or ``@label``."""

SCHEMA: Final = "prompts-1"
"""Changes when what is kept can no longer be read as it was."""


class Addresses:
    """The keys of one server and one caller.

    A named project belongs to the server and is shared by all who may read the cache, whatever their key, so that the
    last known good outlives a rotation. Without one, the project is the default of the key: then a digest of the
    key's public id is part of the address, and a client whose identity cannot be told (the credentials are in an
    ``http_client`` of the caller's) shares nothing beyond its own process.

    Args:
        config: Where the server is, and who asks.
    """

    def __init__(self, config: RuntimeConfig) -> None:
        self.origin = config.origin.url + config.origin.prefix
        self._config = config
        self._nobody = os.urandom(8).hex()
        self._known: tuple[str, str] | None = None
        self.seen: set[str] = set()

    def key(self, key: PromptKey) -> str:
        """The key of an entry."""
        project, name, which = key
        return cache_key(SCHEMA, self.origin, self.scope(project), name, which or "")

    def versions(self, project: str | None, name: str) -> str:
        """What the keys of all versions and labels of a prompt start with."""
        return cache_key_prefix(SCHEMA, self.origin, self.scope(project), name)

    def everything(self, scope: str) -> str:
        """What the keys of everything in a scope start with."""
        return cache_key_prefix(SCHEMA, self.origin, scope)

    def scope(self, project: str | None) -> str:
        """Whose prompts: a project's by its name, or those of whatever project the key's default is."""
        scope = f"p-{project}" if project is not None else f"k-{self._caller()}"
        self.seen.add(scope)
        return scope

    def _caller(self) -> str:
        config = self._config
        if config.http_client is not None and config.api_key is None:
            return self._nobody
        try:
            key = config.api_key() if callable(config.api_key) else config.api_key
        except Exception:  # noqa: BLE001 - the caller's function; the request itself will say what is wrong
            return self._known[1] if self._known is not None else self._nobody
        if key is None:
            return "open"
        if self._known is None or self._known[0] != key:
            self._known = (key, _digest(key, config.key_id))
        return self._known[1]


def _digest(key: str, key_id: str | None) -> str:
    from promptops.core.errors import ConfigurationError

    try:
        public = key_id_of(key, key_id)
    except ConfigurationError:
        public = key  # of another make; the digest tells it apart and nothing more
    return hashlib.sha256(b"promptops cache\0" + public.encode()).hexdigest()[:16]
