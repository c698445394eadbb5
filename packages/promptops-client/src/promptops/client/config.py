"""How a client is set up: the configuration structs, and the one function that settles where each value comes from."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from promptops.cache import CacheConfig
from promptops.core.config import DEFAULT_BASE_URL, DEFAULT_USER_AGENT, RuntimeConfig
from promptops.core.errors import ConfigurationError
from promptops.core.redact import mask, redact
from promptops.telemetry.config import TelemetryConfig

if TYPE_CHECKING:
    import ssl

__all__ = ["CacheConfig", "ClientConfig", "TelemetryConfig", "check_types", "resolve", "runtime_config"]

ENVIRONMENT: Final = {
    "base_url": "PROMPTOPS_BASE_URL",
    "api_key": "PROMPTOPS_API_KEY",
    "project": "PROMPTOPS_PROJECT",
    "secret_key": "PROMPTOPS_SECRET_KEY",
    "bundle": "PROMPTOPS_BUNDLE",
}
DEFAULT_MAX_CONNECTIONS: Final = 20
_TYPES: Final[tuple[tuple[str, tuple[type, ...], str], ...]] = (
    ("base_url", (str,), "text"),
    ("api_key", (str,), "text, or a function that returns it"),
    ("secret_key", (str,), "text"),
    ("key_id", (str,), "text"),
    ("project", (str,), "text"),
    ("timeout", (int, float), "a number of seconds"),
    ("max_connections", (int,), "a whole number"),
    ("proxy", (str,), "text"),
    ("http2", (bool,), "True or False"),
    ("cache", (CacheConfig,), "a CacheConfig"),
    ("telemetry", (TelemetryConfig,), "a TelemetryConfig"),
    ("user_agent", (str,), "text"),
    ("bundle", (str, os.PathLike), "the path of a file"),
    ("read_environment", (bool,), "True or False"),
)
_SECRETS: Final = frozenset({"api_key", "secret_key"})


class ClientConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a client can be told; None means "not said here".

    A value that is not said is taken from the environment, then from the defaults. Neither ``repr`` nor a pretty
    printer shows the keys.

    Attributes:
        base_url: The server; a path that ends in ``/v1`` or ``/v1/client`` is accepted and shortened.
        api_key: The key, or a function that returns the current one. Servers on this machine work without.
        secret_key: Turns on request signing.
        key_id: The public id of the key that signs; by default the one inside ``api_key``.
        project: The project of every call that names none; None means the key's default project.
        timeout: Seconds for a whole call, retries and waits included; None leaves each kind of call its own limit.
        max_connections: Most connections open at once (20).
        proxy: URL of a proxy.
        http2: Whether to speak HTTP/2 (False).
        verify: The TLS context that decides which certificates are trusted; True means the usual ones.
        cache: Where prompts are kept between calls.
        telemetry: What the client reports about its own calls.
        user_agent: Sent with every request instead of the usual one.
        bundle: A file of prompts, made by ``promptops prompts bundle``, that is served from when the server cannot be
            asked and nothing is at hand.
        read_environment: Whether ``PROMPTOPS_*`` variables fill in what is not said.
    """

    base_url: str | None = None
    api_key: str | Callable[[], str] | None = None
    secret_key: str | None = None
    key_id: str | None = None
    project: str | None = None
    timeout: float | None = None
    max_connections: int | None = None
    proxy: str | None = None
    http2: bool | None = None
    verify: bool | ssl.SSLContext | None = None
    cache: CacheConfig | None = None
    telemetry: TelemetryConfig | None = None
    user_agent: str | None = None
    bundle: str | os.PathLike[str] | None = None
    read_environment: bool = True

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, self._shown(name)) for name in self.__struct_fields__]

    def __repr__(self) -> str:
        return f"ClientConfig({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def _shown(self, name: str) -> Any:
        value = getattr(self, name)
        if not isinstance(value, str):
            return value
        return mask(value) if name in _SECRETS else redact(value)


def resolve(
    config: ClientConfig | str | None,
    keywords: Mapping[str, Any],
    *,
    environ: Mapping[str, str] | None = None,
) -> ClientConfig:
    """Settle every value: keywords over ``config`` over the environment over the defaults.

    Args:
        config: A configuration, or the key alone.
        keywords: What was given by name; None means "not given".
        environ: The environment; ``os.environ`` by default.

    Raises:
        ConfigurationError: ``config`` is neither, or two different keys were given.
    """
    values = _values(config)
    given = {name: value for name, value in keywords.items() if value is not None}
    if isinstance(config, str) and given.get("api_key", config) != config:
        raise ConfigurationError("Two different keys were given: one as config and one as api_key=. Give one of them.")
    values.update(given)
    if values.get("read_environment", True):
        environment = os.environ if environ is None else environ
        for name, variable in ENVIRONMENT.items():
            if values.get(name) is None:
                values[name] = environment.get(variable, "").strip() or None
    if values.get("base_url") is None:
        values["base_url"] = DEFAULT_BASE_URL
    if values.get("max_connections") is None:
        values["max_connections"] = DEFAULT_MAX_CONNECTIONS
    return check_types(ClientConfig(**values))


def check_types(settings: ClientConfig) -> ClientConfig:
    """The settings, when each value has a type that it can have.

    Raises:
        ConfigurationError: One has not; the message names it and never shows a key.
    """
    for name, kinds, wanted in _TYPES:
        value = getattr(settings, name)
        if value is None or (isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds)):
            continue
        if name == "api_key" and callable(value):
            continue
        raise ConfigurationError(f"{name} must be {wanted}, not {type(value).__name__}.")
    if settings.project is not None and not settings.project.strip():
        raise ConfigurationError("project is empty; leave it out for the default project of the key.")
    return settings


def runtime_config(settings: ClientConfig, *, http_client: object | None = None) -> RuntimeConfig:
    """The settings as a runtime takes them, checked.

    Args:
        settings: What :func:`resolve` returned.
        http_client: The caller's own client, which may carry credentials of its own.

    Raises:
        ConfigurationError: A value is unusable, or a key is needed and missing.
    """
    checked = RuntimeConfig(
        base_url=settings.base_url or DEFAULT_BASE_URL,
        api_key=settings.api_key,
        secret_key=settings.secret_key,
        key_id=settings.key_id,
        project=settings.project,
        timeout=settings.timeout,
        max_connections=DEFAULT_MAX_CONNECTIONS if settings.max_connections is None else settings.max_connections,
        http_client=http_client,
        proxy=settings.proxy,
        user_agent=DEFAULT_USER_AGENT if settings.user_agent is None else settings.user_agent,
        http2=bool(settings.http2),
        verify=True if settings.verify is None else settings.verify,
    )
    if settings.api_key is None and http_client is None and not checked.origin.is_loopback:
        raise ConfigurationError(
            f"No API key for {checked.base_url}. Pass api_key= or set PROMPTOPS_API_KEY; or start a server on this"
            ' machine with `promptops serve` and pass base_url="http://127.0.0.1:8765", which needs none.'
        )
    return checked


def _values(config: ClientConfig | str | None) -> dict[str, Any]:
    if config is None:
        return {}
    if isinstance(config, str):
        if "://" in config:
            raise ConfigurationError("A plain string as config is the API key. Pass an address as base_url=.")
        return {"api_key": config}
    if not isinstance(config, ClientConfig):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a checker
        raise ConfigurationError(f"config must be a ClientConfig or the API key, not {type(config).__name__}.")
    return {name: getattr(config, name) for name in config.__struct_fields__}
