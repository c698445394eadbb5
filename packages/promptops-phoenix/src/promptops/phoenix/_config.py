"""Where the server is and how to sign in: arguments, then the environment, then a ``.env.phoenix`` file.

The rules are those of the server's own Python client, so that a machine that is set up for one works with the other:

- The address is the first usable one of ``PHOENIX_ENDPOINT``, ``PHOENIX_COLLECTOR_ENDPOINT``,
  ``OTEL_EXPORTER_OTLP_ENDPOINT``, ``PHOENIX_BASE_URL`` and ``PHOENIX_HOST`` with ``PHOENIX_PORT``.
- The credentials are ``PHOENIX_API_KEY`` and ``PHOENIX_CLIENT_HEADERS`` (``name=value,other=value``, URL-encoded).
- Each of these two groups comes from the environment or from the file, never from both: a variable of a group that is
  set hides that group in the file. Only a ``PHOENIX_ENDPOINT`` in the file still wins over the lesser variables.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import unquote

import msgspec
from promptops.core.config import ApiKey, parse_base_url
from promptops.core.errors import ConfigurationError
from promptops.core.log import log
from promptops.core.redact import mask, redact
from promptops.phoenix._env_file import find_settings

__all__ = ["Settings", "resolve"]

DEFAULT_PORT: Final = 6006

_CANONICAL: Final = "PHOENIX_ENDPOINT"
_COLLECTORS: Final = ("PHOENIX_COLLECTOR_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_WEAK: Final = "PHOENIX_BASE_URL"
_HOST: Final = "PHOENIX_HOST"
_PORT: Final = "PHOENIX_PORT"
_ADDRESSES: Final = (_CANONICAL, *_COLLECTORS, _WEAK, _HOST)
_CREDENTIALS: Final = ("PHOENIX_API_KEY", "PHOENIX_CLIENT_HEADERS")

_TRACES_PATH: Final = re.compile(r"/+v1/traces/?(?=$|[?#])")
_SCHEME: Final = re.compile(r"https?://", re.IGNORECASE)
_HEADER: Final = re.compile(r"[\x21\x23-\x27*+\x2d.0-9A-Z\x5e-z|~]+[ \t]*=[ \t]*[\x21\x23-\x2b\x2d-:\x3c-\x5b\x5d-~]*")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    Attributes:
        base_url: The address, its path included.
        api_key: The key, when it is known as one.
        headers: Headers of every request, names in lower case; ``authorization`` only without an ``api_key``.
    """

    base_url: str
    api_key: str | Callable[[], str] | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        headers = tuple((name, mask(value)) for name, value in self.headers)
        key = None if self.api_key is None else "***"
        return f"Settings(base_url={redact(self.base_url)!r}, api_key={key!r}, headers={headers!r})"


def resolve(
    *, base_url: str | None = None, api_key: ApiKey | None = None, headers: Mapping[str, str] | None = None
) -> Settings:
    """Complete what was given.

    Args:
        base_url: The address; it wins over everything else.
        api_key: The key, or a function that returns the current one; it wins over every ``authorization`` header,
            whatever its case and wherever it is.
        headers: Headers; each wins over one of the same name in the environment.

    Raises:
        ConfigurationError: No address can be used, or a header is given twice.
    """
    given = {name.lower(): value for name, value in (headers or {}).items()}
    if len(given) != len(headers or {}):
        raise ConfigurationError("headers hold the same name twice, in different cases.")
    found = _tier(_CREDENTIALS, _CREDENTIALS)
    merged = dict(_listed_headers(found.get("PHOENIX_CLIENT_HEADERS", ""))) | given
    if api_key:
        merged.pop("authorization", None)
    key = api_key or (None if "authorization" in merged else found.get("PHOENIX_API_KEY"))
    own = bool(api_key or headers or _picked(os.environ, _CREDENTIALS))
    return Settings(base_url=base_url or _address(own_credentials=own), api_key=key, headers=tuple(merged.items()))


def _address(*, own_credentials: bool) -> str:
    values = _tier((*_ADDRESSES, _PORT), (_CANONICAL, *_COLLECTORS, _HOST, _PORT))
    candidates = [(name, values[name]) for name in _ADDRESSES if name in values]
    if _CANONICAL not in values and (stated := _trimmed(find_settings().get(_CANONICAL))) is not None:
        candidates.insert(0, (_CANONICAL, stated))
    problems: list[str] = []
    for name, value in candidates:
        address = _as_url(name, value, values.get(_PORT))
        try:
            parse_base_url(address)
        except ConfigurationError as exc:
            problems.append(f"{name}: {exc.message}")
        else:
            if problems:
                log().warning("address_ignored", problems=problems, used=name)
            if own_credentials and _trimmed(os.environ.get(name)) is None:
                # A file that somebody else put above the working directory could collect keys.
                log().warning("credentials_go_where_env_file_says", variable=name, address=redact(address))
            return address
    if problems:
        raise ConfigurationError(f"No address of a Phoenix server can be used. {' '.join(problems)}")
    return f"http://127.0.0.1:{_port(values.get(_PORT))}"


def _as_url(name: str, value: str, port: str | None) -> str:
    if name in _COLLECTORS:
        return _TRACES_PATH.sub("", value) or value
    if name == _HOST and not _SCHEME.match(value):
        # What a server listens on: a bare name, or the address of every interface.
        host = "127.0.0.1" if value == "0.0.0.0" else value  # noqa: S104 - read, not bound
        return f"http://{host}" if ":" in host else f"http://{host}:{_port(port)}"
    return value


def _port(value: str | None) -> int:
    if value is None:
        return DEFAULT_PORT
    if value.isascii() and value.isdecimal():
        return int(value)
    raise ConfigurationError(f"{_PORT} must be a whole number, not {value!r:.80}.")


def _tier(names: tuple[str, ...], claiming: tuple[str, ...]) -> dict[str, str]:
    """The settings of one group, all from the environment or all from the file.

    Args:
        names: The group.
        claiming: Those of it whose presence decides where the group comes from.
    """
    here = _picked(os.environ, names)
    if here.keys() & set(claiming):
        return here
    there = _picked(find_settings(), names)
    return here if here and not there.keys() & set(claiming) else there


def _picked(source: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name in names if (value := _trimmed(source.get(name))) is not None}


def _trimmed(value: str | None) -> str | None:
    """A value that is blank counts as none."""
    return (value.strip() or None) if value is not None else None


def _listed_headers(text: str) -> Iterator[tuple[str, str]]:
    for position, part in enumerate(re.split(r"[ \t]*,[ \t]*", text), 1):
        if not part:
            continue
        if not _HEADER.fullmatch(part.strip()):
            log().warning(  # without the value, which may be a key
                "client_header_ignored",
                variable="PHOENIX_CLIENT_HEADERS",
                reason="not name=value with a URL-encoded value",
                position=position,
            )
            continue
        name, _, value = part.partition("=")
        yield unquote(name).strip().lower(), unquote(value).strip()
