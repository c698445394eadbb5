"""The model catalogue: the file that comes with the server, or the one that an administrator put in the data directory.

The file is looked at on every use and read again when it changed; one that cannot be used is logged and left aside,
and what was read before stays.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct
from promptops.core.errors import ConfigurationError
from promptops.core.log import log
from promptops.models import prepared
from promptops.prompts.render import normalise_provider
from promptops.server import wire

__all__ = ["FILE_NAME", "Catalogue", "CatalogueEntry"]

FILE_NAME: Final = "models.json"
_PROVIDERS: Final = frozenset({"openai", "anthropic", "google", "cohere", "huggingface", "local"})
_MOST_BYTES: Final = 4 * 1024 * 1024
_Stamp = tuple[int, int, int]
_Name = Annotated[str, Meta(min_length=1, max_length=128)]
_Tokens = Annotated[int, Meta(ge=1)]


class CatalogueEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model as the file has it; null is unknown.

    Attributes:
        capabilities: For example ``chat``, ``function_calling``, ``vision``, ``embedding``.
        context_window: Tokens of input and output together.
        cost_per_1k_tokens: US dollars; an unknown price is null, never 0.
        roles: The roles of messages that the model takes.
        as_of: The day on which the facts held, ``YYYY-MM-DD``.
        source: Where the facts are from.
    """

    provider: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9._-]+$")]
    name: _Name
    display_name: str = ""
    description: str = ""
    capabilities: list[str] = []
    context_window: _Tokens | None = None
    max_output_tokens: _Tokens | None = None
    supports_streaming: bool | None = None
    supports_json: bool | None = None
    cost_per_1k_tokens: wire.ModelCost | None = None
    roles: list[str] | None = None
    deprecated: bool = False
    as_of: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    source: Annotated[str, Meta(min_length=1)]

    def info(self) -> wire.ModelInfo:
        """What callers see of it."""
        return wire.ModelInfo(
            provider=self.provider,
            name=self.name,
            display_name=self.display_name or self.name,
            description=self.description,
            capabilities=self.capabilities,
            max_tokens=self.context_window,
            context_window=self.context_window,
            max_output_tokens=self.max_output_tokens,
            supports_streaming=self.supports_streaming,
            supports_json=self.supports_json,
            cost_per_1k_tokens=self.cost_per_1k_tokens,
            deprecated=self.deprecated,
            as_of=self.as_of,
            source=self.source,
        )


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    models: Annotated[list[CatalogueEntry], Meta(max_length=10_000)]


class _Read(Struct, frozen=True):
    entries: dict[tuple[str, str], CatalogueEntry]
    digest: str


_decode = msgspec.json.Decoder(prepared(_File)).decode


class Catalogue:
    """The models that the server knows.

    Args:
        override: The administrator's file; it replaces the shipped one as a whole while it is there. None: never.
    """

    def __init__(self, override: Path | None = None) -> None:
        self._override = override
        self._shipped = _parse(files("promptops.server").joinpath("data", FILE_NAME).read_bytes(), "the shipped file")
        self._current = self._shipped
        self._stamp: _Stamp | None = None
        self._problem = ""

    def find(self, provider: str, name: str) -> CatalogueEntry | None:
        """A model by provider (or an alias of it) and name."""
        return self._read().entries.get((normalise_provider(provider), name.strip().lower()))

    def list(self, *, provider: str | None = None, capability: str | None = None) -> list[CatalogueEntry]:
        """The models of a provider with a capability, by provider and name."""
        wanted = None if provider is None else normalise_provider(provider)
        ability = None if capability is None else capability.strip().lower()
        return [
            entry
            for entry in self._read().entries.values()
            if wanted in {None, entry.provider} and (ability is None or ability in entry.capabilities)
        ]

    def providers(self) -> frozenset[str]:
        """The providers of the reference, and those of the models in the file."""
        return _PROVIDERS.union(entry.provider for entry in self._read().entries.values())

    @property
    def digest(self) -> str:
        """Changes when the catalogue does."""
        return self._read().digest

    @property
    def problem(self) -> str:
        """Why the administrator's file is not in use; empty when it is, or when there is none."""
        self._read()
        return self._problem

    def _read(self) -> _Read:
        if self._override is None:
            return self._current
        try:
            facts = self._override.stat()
        except OSError:
            if self._stamp is not None:
                self._current, self._stamp, self._problem = self._shipped, None, ""
            return self._current
        stamp = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
        if stamp != self._stamp:
            self._stamp = stamp
            self._reload(self._override, facts.st_size)
        return self._current

    def _reload(self, path: Path, size: int) -> None:
        try:
            if size > _MOST_BYTES:
                raise ConfigurationError(f"{path.name}: larger than {_MOST_BYTES} bytes")
            self._current = _parse(path.read_bytes(), path.name)
        except (OSError, ConfigurationError) as error:
            self._problem = str(error)
            log().error("model_catalogue_refused", file=str(path), error=str(error))
        else:
            self._problem = ""
            log().info("model_catalogue_read", file=str(path), models=len(self._current.entries))


def _parse(content: bytes, name: str) -> _Read:
    try:
        found = _decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{name}: {error}") from error
    entries: dict[tuple[str, str], CatalogueEntry] = {}
    for entry in sorted(found.models, key=lambda entry: (entry.provider, entry.name)):
        key = (normalise_provider(entry.provider), entry.name.strip().lower())
        if key in entries:
            raise ConfigurationError(f"{name}: {entry.provider}/{entry.name} is there twice")
        entries[key] = entry
    return _Read(entries, hashlib.sha256(content).hexdigest())
