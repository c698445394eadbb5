"""What a runtime is told at construction: address, key, limits; validated before anything is sent."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

import msgspec
from promptops.core._version import __version__
from promptops.core.errors import ConfigurationError
from promptops.core.redact import mask, redact
from promptops.core.urls import quote_path

if TYPE_CHECKING:
    import ssl

__all__ = [
    "DEFAULT_BASE_URL",
    "DEFAULT_USER_AGENT",
    "ApiKey",
    "Origin",
    "RuntimeConfig",
    "ServerNames",
    "normalise_base_url",
]

DEFAULT_BASE_URL: Final = "https://api.promptops.com/v1"
DEFAULT_USER_AGENT: Final = (
    f"promptops-python/{__version__} "
    f"({sys.implementation.name} {'.'.join(map(str, sys.version_info[:3]))}; {sys.platform})"
)
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
RESERVED: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "idempotency-key",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that belong to the runtime and its transports."""
SECRET_PARTS: Final = ("auth", "cookie", "credential", "key", "password", "secret", "token")
"""What the name of a header that holds a secret has in it."""
SHORTEST_SECRET: Final = 4
"""Anything shorter is no secret, and would take words out of messages."""
HEADER_NAME: Final = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

ApiKey: TypeAlias = "str | Callable[[], str]"
"""A key, or a function that returns the current one; it is asked before every attempt."""


class ServerNames(msgspec.Struct, frozen=True, kw_only=True):
    """What messages call a server and its settings.

    Attributes:
        api: What should have answered.
        start: The command that starts one on this machine.
        address: The environment variable of the address.
        key: The environment variable of the key.
    """

    api: str = "the PromptOps API"
    start: str = "promptops serve"
    address: str = "PROMPTOPS_BASE_URL"
    key: str = "PROMPTOPS_API_KEY"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a base URL leads.

    Attributes:
        scheme: ``http`` or ``https``.
        host: Lower-case name or address, without brackets.
        port: The port, also when it is the default one.
        prefix: Path in front of every request, empty or starting with ``/``.
        names: What messages call the server and its settings.
    """

    scheme: str
    host: str
    port: int
    prefix: str = ""
    names: ServerNames = ServerNames()

    @property
    def authority(self) -> str:
        """Host and port as the ``Host`` header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.authority}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
        return self.host in LOOPBACK or self.host.startswith("127.")


def parse_base_url(value: str) -> Origin:
    """Split a base URL; a trailing ``/v1`` or ``/v1/client`` is dropped and any prefix kept.

    Raises:
        ConfigurationError: It is not an http(s) URL with a host, or it carries credentials, a query or a fragment.
    """
    shown = redact(value)
    text = value.strip()
    if not text:
        raise ConfigurationError("base_url is empty; give the server's address, for example http://127.0.0.1:8765.")
    if any(ord(char) <= 0x20 or ord(char) == 0x7F for char in text):
        raise ConfigurationError(f"base_url {shown!r} holds spaces or control characters.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as exc:
        raise ConfigurationError(f"base_url {shown!r} is not a URL: {exc}.") from exc
    if "://" not in text:
        raise ConfigurationError(f"base_url {shown!r} has no scheme; did you mean http://{redact(text)}?")
    if parts.scheme not in DEFAULT_PORTS:
        raise ConfigurationError(f"base_url {shown!r} must start with http:// or https://, not {parts.scheme}://.")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError("base_url must not carry a user name or password; pass the key as api_key.")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise ConfigurationError(f"base_url {shown!r} must end with its path; remove what follows '?' or '#'.")
    if port == 0:
        raise ConfigurationError(f"base_url {shown!r} names port 0; a port is between 1 and 65535.")
    return Origin(
        scheme=parts.scheme,
        host=_host(parts, shown),
        port=port or DEFAULT_PORTS[parts.scheme],
        prefix=_prefix(parts.path),
    )


def _host(parts: SplitResult, shown: str) -> str:
    host = parts.hostname
    if not host:
        raise ConfigurationError(f"base_url {shown!r} has no host.")
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as exc:
        raise ConfigurationError(f"base_url {shown!r} has a host that is not a valid name.") from exc


def _prefix(path: str) -> str:
    path = path.rstrip("/")
    for ending in ("/v1/client", "/v1"):
        if path == ending or path.endswith(ending):
            path = path.removesuffix(ending)
            break
    return quote_path(path.rstrip("/"))


def normalise_base_url(value: str) -> str:
    """The base URL without a trailing ``/v1``, ``/v1/client`` or slash; each family appends its own path.

    Raises:
        ConfigurationError: It is not a usable address; the message says why.
    """
    origin = parse_base_url(value)
    return origin.url + origin.prefix


class RuntimeConfig(msgspec.Struct, frozen=True, kw_only=True, repr_omit_defaults=False):
    """Settings of a runtime; checked when made, secrets masked when shown.

    Attributes:
        base_url: The server's address; it may end in nothing, ``/v1`` or ``/v1/client``.
        api_key: The key, or a function that returns the current one.
        secret_key: Signs every request when set.
        key_id: Public id of the key, for signatures; read from the key when it has the usual form.
        project: Default project of the resources, or None for the key's own default.
        timeout: Seconds that replace the total deadline of every call, or None for the limits of each profile.
        max_connections: Most connections open and kept, for each pool.
        user_agent: Sent with every request.
        http_client: An ``httpx.Client`` or ``httpx.AsyncClient`` of the caller's; everything goes through it.
        proxy: URL of a proxy.
        http2: Whether to speak HTTP/2 (needs ``httpx[http2]``).
        verify: True, or an ``ssl.SSLContext`` that decides which certificates are trusted.
        headers: Name and value pairs that go with every request; ``authorization`` only without an ``api_key``.
        names: What messages call the server and its settings.

    Raises:
        ConfigurationError: A value cannot work; the message names it.
    """

    base_url: str = DEFAULT_BASE_URL
    api_key: str | Callable[[], str] | None = None
    secret_key: str | None = None
    key_id: str | None = None
    project: str | None = None
    timeout: float | None = None
    max_connections: int = 20
    user_agent: str = DEFAULT_USER_AGENT
    http_client: object | None = None
    proxy: str | None = None
    http2: bool = False
    verify: bool | ssl.SSLContext = True
    headers: tuple[tuple[str, str], ...] = ()
    names: ServerNames = ServerNames()

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "base_url", normalise_base_url(self.base_url))
        if isinstance(self.api_key, str):
            check_secret("api_key", self.api_key)
        elif self.api_key is not None and not callable(self.api_key):
            raise ConfigurationError("api_key must be a string, a function that returns one, or None.")
        if self.secret_key is not None:
            check_secret("secret_key", self.secret_key)
        if self.timeout is not None and not 0 < self.timeout < float("inf"):
            raise ConfigurationError(f"timeout must be a positive number of seconds, not {self.timeout!r}.")
        if self.max_connections < 1:
            raise ConfigurationError(f"max_connections must be at least 1, not {self.max_connections!r}.")
        if not self.user_agent.isascii() or not self.user_agent.isprintable():
            raise ConfigurationError("user_agent must be printable ASCII.")
        if self.verify is False:
            raise ConfigurationError(
                "verify=False would send the key to anyone; pass an ssl.SSLContext that trusts your certificate."
            )
        if self.verify is not True and not hasattr(self.verify, "wrap_bio"):
            raise ConfigurationError(
                f"verify must be True or an ssl.SSLContext, not {type(self.verify).__name__};"
                " ssl.create_default_context(cafile=...) makes one of a file."
            )
        if self.http_client is not None and (self.proxy is not None or self.http2):
            raise ConfigurationError("http_client brings its own proxy and HTTP/2 settings; leave proxy and http2 out.")
        if self.proxy is not None and urlsplit(self.proxy).scheme not in {"http", "https", "socks5", "socks5h"}:
            raise ConfigurationError(f"proxy {redact(self.proxy)!r} must start with http://, https:// or socks5://.")
        if self.headers:
            reserved = RESERVED if self.api_key is None else RESERVED | {"authorization"}
            msgspec.structs.force_setattr(self, "headers", check_headers(self.headers, reserved))

    @classmethod
    def from_env(cls, **settings: Any) -> RuntimeConfig:
        """Fill what is absent or None from ``PROMPTOPS_BASE_URL``, ``_API_KEY``, ``_SECRET_KEY`` and ``_PROJECT``.

        Args:
            settings: Fields of this class; they win over the environment.

        Raises:
            ConfigurationError: A value cannot work, wherever it came from.
        """
        for field, variable in ENVIRONMENT.items():
            if settings.get(field) is None:
                value = os.environ.get(variable, "").strip()
                if value:
                    settings[field] = value
                else:
                    settings.pop(field, None)
        return cls(**settings)

    @property
    def origin(self) -> Origin:
        """The base URL in its parts."""
        return msgspec.structs.replace(parse_base_url(self.base_url), names=self.names)

    @property
    def secret_headers(self) -> tuple[str, ...]:
        """Values of headers that must not appear in any message, and the credentials within them."""
        values = [value for name, value in self.headers if any(part in name for part in SECRET_PARTS)]
        parts = [part for value in values for part in (value, value.rpartition(" ")[2])]
        return tuple(part for part in parts if len(part) >= SHORTEST_SECRET)

    @property
    def needs_httpx(self) -> bool:
        """Whether something is asked for that only httpx can do."""
        return self.http_client is not None or self.proxy is not None or self.http2

    def masked(self) -> dict[str, Any]:
        """Every setting, secrets replaced by ``***``."""
        return dict(self._shown())

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return list(self._shown())

    def _shown(self) -> Iterator[tuple[str, Any]]:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name == "api_key" and not isinstance(value, str) and value is not None:
                value = "*** (from a function)"
            elif name in {"api_key", "secret_key"}:
                value = mask(value)
            elif name == "proxy" and value is not None:
                value = redact(value)
            elif name == "headers":
                value = tuple((header, mask(secret)) for header, secret in self.headers)
            elif name in {"http_client", "verify"} and value is not None and not isinstance(value, bool):
                value = type(value).__name__
            yield name, value

    def __repr__(self) -> str:
        return f"RuntimeConfig({', '.join(f'{name}={value!r}' for name, value in self._shown())})"


ENVIRONMENT: Final = {
    "base_url": "PROMPTOPS_BASE_URL",
    "api_key": "PROMPTOPS_API_KEY",
    "secret_key": "PROMPTOPS_SECRET_KEY",
    "project": "PROMPTOPS_PROJECT",
}


def check_headers(headers: tuple[tuple[str, str], ...], reserved: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """The headers with their names in lower case.

    Raises:
        ConfigurationError: A name is reserved, given twice or no name, or a value cannot travel in a header; the
            message never shows a value.
    """
    checked: dict[str, str] = {}
    for position, (given, value) in enumerate(headers, 1):
        if not _is_text(given) or not HEADER_NAME.fullmatch(given):  # not shown: it may be a key in the wrong place
            raise ConfigurationError(f"headers: what stands for the name of the header at {position} cannot be one.")
        name = given.lower()
        if not _is_text(value):
            raise ConfigurationError(f"The header {name!r} must be text, not {type(value).__name__}.")
        if name in reserved:
            why = "api_key sets it" if name == "authorization" else "the client sets it itself"
            raise ConfigurationError(f"headers must not hold {name!r}: {why}.")
        if name in checked:
            raise ConfigurationError(f"headers hold {name!r} twice.")
        if not value.isascii() or not (value.isprintable() or value.replace("\t", " ").isprintable()):
            raise ConfigurationError(f"The header {name!r} holds line breaks or characters outside ASCII.")
        checked[name] = value.strip()
    return tuple(checked.items())


def _is_text(value: object) -> bool:
    """What annotations promise is looked at all the same: not everybody runs a type checker."""
    return isinstance(value, str)


def check_secret(name: str, value: str) -> None:
    """Refuse a key that could not travel in a header, without showing it.

    Raises:
        ConfigurationError: It is empty, or holds spaces, line breaks or characters outside ASCII.
    """
    if not value:
        raise ConfigurationError(f"{name} is empty; leave it out, or pass the key as it was shown when created.")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ConfigurationError(
            f"{name} holds spaces, line breaks or characters outside ASCII; copy it again without what surrounds it."
        )
