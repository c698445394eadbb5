"""The prompts that a client remembers: under which keys, for how long, and what a write makes it forget."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Final, TypeAlias

import msgspec
from promptops.cache import CacheConfig, CacheLevel, CacheStats, Lru
from promptops.core.errors import ConfigurationError
from promptops.models import PromptResponse
from promptops.prompts._checks import refused
from promptops.prompts.versions import normalise_version

__all__ = ["PromptCache", "PromptKey", "check_cache"]

PromptKey: TypeAlias = tuple[str | None, str, str | None]
"""Project, name as asked for, and which version: canonical, None for the latest, or ``@label``."""

_BUILT: Final = (CacheLevel.NONE, CacheLevel.MEMORY)
_SECONDS: Final = ("ttl", "jitter")


class PromptCache:
    """Decoded prompts in memory, for one client: one server and one key.

    The latest version, and what a label points to, stay fresh for ``config.ttl`` seconds; a numbered version until a
    write through this client changes it. All callers get the same object, so only frozen prompts belong here.

    Args:
        config: What to keep; the default is memory.
        clock: Seconds that never go back.
        random: Numbers from 0 to 1, for the jitter; ``random.random`` unless given.
    """

    def __init__(
        self,
        config: CacheConfig | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] | None = None,
    ) -> None:
        self.config = check_cache(config if config is not None else CacheConfig())
        self._entries: Lru[PromptKey, PromptResponse] = Lru(
            max_size=_room(self.config), max_bytes=self.config.max_bytes, clock=clock
        )
        self._random = random
        self._epoch = 0
        self.peek: Callable[[PromptKey], PromptResponse | None] = self._entries.peek
        """The prompt, or None when it is absent or expired; a dictionary look-up."""

    def reconfigure(self, config: CacheConfig) -> None:
        """Keep by another configuration from now on; the counters stay.

        What no longer fits goes. With another ``ttl`` what may move goes too: it was kept for the old one.

        Raises:
            ConfigurationError: A value cannot work; nothing was changed.
        """
        old, self.config = self.config, check_cache(config)
        self._entries.resize(max_size=_room(config), max_bytes=config.max_bytes)
        if (old.ttl, old.jitter) != (config.ttl, config.jitter):
            self._epoch += 1
            self._entries.discard_where(lambda key, _: _moves(key[2]))

    @property
    def epoch(self) -> int:
        """Read it before asking the server, and hand it to :meth:`keep` with the answer."""
        return self._epoch

    def keep(self, key: PromptKey, prompt: PromptResponse, *, epoch: int) -> None:
        """Remember an answer, unless something was forgotten since ``epoch``: then it may be older than the write."""
        if epoch != self._epoch or self._entries.max_size == 0:
            return
        ttl = self._ttl() if _moves(key[2]) else None
        self._entries.put(key, prompt, size=len(msgspec.json.encode(prompt)), ttl=ttl)

    def discard(self, key: PromptKey) -> None:
        """Forget one answer: the server says that it is no longer so."""
        self._epoch += 1
        self._entries.discard(key)

    def forget(
        self,
        name: str,
        *,
        project: str | None,
        prompt_id: str | None = None,
        versions: Collection[str] | None = None,
        elsewhere: bool = True,
    ) -> None:
        """Forget a prompt after a write.

        One prompt may lie here under its slug and its id, and under each name of its project or none (the default of
        the key), so entries are found by the id of the prompt in them.

        Args:
            name: The slug or id that was named.
            project: The project that was named, or None.
            prompt_id: The id, when it is known.
            versions: Canonical versions that changed, besides the latest and the labels; None means all.
            elsewhere: Whether, when nothing of the named project is here, the same name in any project goes: it may
                be the same project under another name.
        """
        self._epoch += 1
        if prompt_id is not None:
            ids = {prompt_id}
        else:
            named = self._entries.select(lambda key, prompt: name in {key[1], prompt.slug, prompt.id})
            ids = {prompt.id for key, prompt in named if key[0] == project}
            if not ids and elsewhere:
                ids = {prompt.id for _, prompt in named}
        self._entries.discard_where(
            lambda key, prompt: prompt.id in ids and (versions is None or _moves(key[2]) or key[2] in versions)
        )

    def clear(self, name: str | None = None, *, version: str | None = None) -> None:
        """Forget everything, one prompt, or one version of it (``latest`` for the latest).

        Raises:
            ValidationError: A version came without a prompt, or is none.
        """
        if name is None and version is not None:
            raise refused("prompt_id", "a version alone says nothing; name its prompt too", "required")
        self._epoch += 1
        if name is None:
            self._entries.clear()
            return
        wanted = normalise_version(version)
        self._entries.discard_where(
            lambda key, prompt: name in {key[1], prompt.id, prompt.slug} and (version is None or key[2] == wanted)
        )

    def stats(self) -> CacheStats:
        """What was counted so far."""
        return self._entries.stats(level=str(self.config.level))

    def _ttl(self) -> float:
        if self._random is None:
            import random

            self._random = random.random
        return self.config.ttl * (1.0 + self.config.jitter * (2.0 * self._random() - 1.0))


def _moves(which: str | None) -> bool:
    """Whether it may be another version tomorrow."""
    return which is None or which.startswith("@")


def _room(config: CacheConfig) -> int:
    return 0 if config.level == CacheLevel.NONE else config.max_size


def check_cache(config: CacheConfig) -> CacheConfig:
    """The configuration, when it can be built.

    Raises:
        ConfigurationError: A value cannot work; the message names it.
    """
    if config.level not in _BUILT:
        known = ", ".join(repr(str(level)) for level in _BUILT)
        raise ConfigurationError(f"cache.level: {str(config.level)!r} is not available; use one of {known}")
    for field in ("ttl", "jitter", "max_size", "max_bytes"):
        value = getattr(config, field)
        if isinstance(value, bool) or not isinstance(value, (int, float) if field in _SECONDS else int):
            wanted = "a number" if field in _SECONDS else "a whole number"
            raise ConfigurationError(f"cache.{field}: must be {wanted}, got {value!r:.80}")
    if not 0.0 <= config.jitter < 1.0:
        raise ConfigurationError(f"cache.jitter: must be from 0 to below 1, got {config.jitter!r}")
    for field, value in (("ttl", config.ttl), ("max_size", config.max_size), ("max_bytes", config.max_bytes)):
        if not value >= 0:
            raise ConfigurationError(f"cache.{field}: must not be negative, got {value!r}")
    return config
