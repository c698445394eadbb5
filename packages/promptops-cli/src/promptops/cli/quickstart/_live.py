"""A real language model over HTTP: the OpenAI chat-completions shape or the Anthropic messages shape."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
from promptops.cli.quickstart._dialects import ANTHROPIC, OPENAI, Dialect
from promptops.models import prepared

if TYPE_CHECKING:
    import httpx

__all__ = ["LiveModel", "Model", "ModelCallError", "ModelSetupError", "choose_live_model"]

OPENAI_URL: Final = "https://api.openai.com/v1"
OPENAI_MODEL: Final = "gpt-4.1-mini"
ANTHROPIC_URL: Final = "https://api.anthropic.com"
ANTHROPIC_MODEL: Final = "claude-haiku-4-5"
ATTEMPTS: Final = 6
CONNECT_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 60.0
LONGEST_WAIT_SECONDS: Final = 60.0


class Model(Protocol):
    """Something that answers a chat."""

    @property
    def name(self) -> str:
        """Which model it is."""
        ...

    @property
    def description(self) -> str:
        """What it is, for the person who reads the result."""
        ...

    def answer(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The answer to the last message."""
        ...


class ModelCallError(Exception):
    """The model gave no answer; the message says why, and never holds the key."""


class ModelSetupError(ModelCallError):
    """No call can succeed: the key or the name of the model is refused, or nobody answers at the address."""


class _ModelName(msgspec.Struct):
    id: str


class _ModelNames(msgspec.Struct):
    data: list[_ModelName]


class LiveModel:
    """One model behind one API; safe to call from many threads."""

    def __init__(
        self,
        dialect: Dialect,
        *,
        base_url: str,
        key: str,
        model: str | None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        import httpx

        if not key.isascii() or not key.isprintable():
            raise ModelSetupError(f"{dialect.variables[0]} holds a character that no key has")
        self._dialect = dialect
        self._key = key
        self._sleep = sleep
        self._host = httpx.URL(base_url).host
        self._client = httpx.Client(
            base_url=base_url,
            headers=dialect.headers(key),
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        )
        self.name = model or ""
        if not self.name:
            self.name = self._first_model()

    @property
    def description(self) -> str:
        """Which model is asked, and where."""
        return f"{self.name} at {self._host} ({self._dialect.provider} API)"

    def answer(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The answer to the last message.

        Raises:
            ModelSetupError: The key or the model is refused, or nobody answers at the address.
            ModelCallError: No usable answer came, not even after trying again.
        """
        body = self._send("POST", self._dialect.path, msgspec.json.encode(self._dialect.body(self.name, messages)))
        try:
            return self._dialect.text(body).strip()
        except msgspec.DecodeError as error:
            raise ModelCallError(
                f"{self._host} did not answer in the shape of the {self._dialect.provider} API"
            ) from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _first_model(self) -> str:
        """The first model that a compatible server offers."""
        body = self._send("GET", "/models", None)
        try:
            names = msgspec.json.decode(body, type=prepared(_ModelNames)).data
        except msgspec.DecodeError as error:
            raise ModelSetupError(f"{self._host} does not list its models; name one with --model") from error
        if not names:
            raise ModelSetupError(f"{self._host} offers no model; name one with --model")
        return names[0].id

    def _send(self, method: str, path: str, content: bytes | None) -> bytes:
        import httpx

        headers = {"content-type": "application/json"} if content is not None else {}
        failure = ""
        for number in range(1, ATTEMPTS + 1):
            try:
                response = self._client.request(method, path, content=content, headers=headers)
            except httpx.ConnectError as error:
                raise ModelSetupError(f"nobody answers at {self._host}: {error}") from error
            except httpx.TransportError as error:
                failure, wait = f"{type(error).__name__} from {self._host}", _backoff(number)
            else:
                if response.is_success:
                    return response.content
                self._refuse(response)
                failure, wait = f"{self._host} answered {response.status_code}", _wait(response, number)
            if number < ATTEMPTS:
                self._sleep(wait)
        raise ModelCallError(f"{failure}, {ATTEMPTS} times")

    def _refuse(self, response: httpx.Response) -> None:
        """Raise for what trying again does not change."""
        key_variable, model_variable = self._dialect.variables
        status = response.status_code
        if status in {401, 403}:
            raise ModelSetupError(f"{self._host} refused the key in {key_variable} ({status})")
        if status == 404:
            unknown = f"knows no model {self.name!r}" if self.name else "does not list its models"
            raise ModelSetupError(f"{self._host} {unknown} (404); name one with --model or {model_variable}")
        if status not in {408, 409, 425, 429} and status < 500:
            said = " ".join(response.text.split())[:200]
            if self._key:
                said = said.replace(self._key, "***")
            raise ModelCallError(f"{self._host} answered {status}: {said}")


def choose_live_model(
    environ: Mapping[str, str],
    *,
    provider: str | None = None,
    model: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> LiveModel | None:
    """The model that the environment asks for, or None when it asks for none.

    ``OPENAI_API_KEY`` or ``OPENAI_BASE_URL`` come first, then ``ANTHROPIC_API_KEY``.

    Args:
        environ: The environment.
        provider: ``openai`` or ``anthropic``, to choose between two that are set up.
        model: The model's name; by default ``OPENAI_MODEL`` or ``ANTHROPIC_MODEL``, then a small one of the
            provider's, or the first that a compatible server offers.
        sleep: Waits for that many seconds before a call is tried again.

    Raises:
        ModelSetupError: The provider that was asked for is not set up.
    """
    key, address = environ.get("OPENAI_API_KEY", "").strip(), environ.get("OPENAI_BASE_URL", "").strip()
    if provider != "anthropic" and (key or address):
        name = model or environ.get("OPENAI_MODEL") or (None if address else OPENAI_MODEL)
        return LiveModel(OPENAI, base_url=address or OPENAI_URL, key=key, model=name, sleep=sleep)
    key = environ.get("ANTHROPIC_API_KEY", "").strip()
    if provider != "openai" and key:
        address = environ.get("ANTHROPIC_BASE_URL", "").strip() or ANTHROPIC_URL
        name = model or environ.get("ANTHROPIC_MODEL") or ANTHROPIC_MODEL
        return LiveModel(ANTHROPIC, base_url=address, key=key, model=name, sleep=sleep)
    if provider is not None:
        raise ModelSetupError(f"--provider {provider} needs {provider.upper()}_API_KEY in the environment")
    return None


def _wait(response: httpx.Response, number: int) -> float:
    asked = response.headers.get("retry-after", "")
    try:
        seconds = float(asked)
    except ValueError:
        return _backoff(number)
    return min(seconds, LONGEST_WAIT_SECONDS) if seconds >= 0 else _backoff(number)


def _backoff(number: int) -> float:
    return random.uniform(0.5, 1.0) * min(2.0 ** (number - 1), 20.0)  # noqa: S311 - spreads the load, guards nothing
