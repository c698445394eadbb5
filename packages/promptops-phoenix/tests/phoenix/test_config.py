"""Settings: what is read of ``.env.phoenix``, what is refused, and that no secret is shown.

That the rules are those of the official client is shown by an integration test that runs both.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from promptops.core.errors import ConfigurationError
from promptops.phoenix import PhoenixClient, SyncPhoenixClient
from promptops.phoenix._config import Settings, resolve
from promptops.phoenix._env_file import find_settings
from promptops.phoenix._state import ClientState

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("PHOENIX_", "OTEL_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a ``.env.phoenix``, by default into the working directory."""

    def make(content: str | bytes, *, folder: Path = tmp_path, mode: int = 0o600) -> Path:
        path = folder / ".env.phoenix"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path

    return make


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What was logged: event names and facts."""
    lines: list[tuple[str, dict[str, Any]]] = []

    class Logger:
        def warning(self, event: str, **facts: Any) -> None:
            lines.append((event, facts))

    for module in ("_config", "_env_file"):
        monkeypatch.setattr(f"promptops.phoenix.{module}.log", Logger)
    return lines


def test_nothing_at_all_is_a_server_on_this_machine() -> None:
    assert resolve() == Settings(base_url="http://127.0.0.1:6006")


def test_nearest_file_counts_and_only_that_one(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    write("PHOENIX_API_KEY=far\nPHOENIX_HOST=far")
    write("PHOENIX_API_KEY=near", folder=tmp_path / "a")
    monkeypatch.chdir(below)
    assert resolve() == Settings(base_url="http://127.0.0.1:6006", api_key="near")


def test_file_is_passed_by_when_it_is_no_regular_file(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: list[tuple[str, dict[str, Any]]]
) -> None:
    below = tmp_path / "below"
    (below / ".env.phoenix").mkdir(parents=True)
    write("PHOENIX_HOST=above")
    monkeypatch.chdir(below)
    assert find_settings() == {"PHOENIX_HOST": "above"}
    assert [(event, facts["reason"]) for event, facts in logged] == [
        ("env_file_ignored", "it is not a regular file of this user")
    ]


@pytest.mark.parametrize("content", [b"PHOENIX_HOST=x\n#" + b"x" * 65536, b"PHOENIX_HOST=\xff\xfe"])
def test_file_that_cannot_be_used_counts_as_empty_and_is_logged(
    content: bytes, write: Write, logged: list[tuple[str, dict[str, Any]]]
) -> None:
    write(content)
    assert find_settings() == {}
    assert [event for event, _ in logged] == ["env_file_ignored"]


@pytest.mark.parametrize("mode", [0o644, 0o622])
def test_file_that_others_can_open_is_read_with_a_warning(
    mode: int, write: Write, logged: list[tuple[str, dict[str, Any]]]
) -> None:
    write("PHOENIX_HOST=x", mode=mode)
    assert find_settings() == {"PHOENIX_HOST": "x"}
    assert [event for event, _ in logged] == ["env_file_open_to_others"]


def test_control_private_file_is_read_without_one(write: Write, logged: list[tuple[str, dict[str, Any]]]) -> None:
    write("PHOENIX_HOST=x")
    assert find_settings() == {"PHOENIX_HOST": "x"}
    assert logged == []


def test_directory_that_is_gone_has_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert find_settings() == {}


def test_address_that_cannot_be_used_yields_to_the_next_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, logged: list[tuple[str, dict[str, Any]]]
) -> None:
    monkeypatch.setenv("PHOENIX_ENDPOINT", "localhost:6006")
    monkeypatch.setenv("PHOENIX_COLLECTOR_ENDPOINT", "http://collector:1")
    assert resolve().base_url == "http://collector:1"
    ((event, facts),) = logged
    assert (event, facts["used"]) == ("address_ignored", "PHOENIX_COLLECTOR_ENDPOINT")
    assert "PHOENIX_ENDPOINT" in facts["problems"][0]


@pytest.mark.parametrize("settings", [{"api_key": "sk-canary"}, {"headers": {"x-api-key": "sk-canary"}}, {}])
def test_credentials_of_elsewhere_that_go_where_a_file_says_are_logged(
    settings: dict[str, Any], write: Write, monkeypatch: pytest.MonkeyPatch, logged: list[tuple[str, dict[str, Any]]]
) -> None:
    if not settings:
        monkeypatch.setenv("PHOENIX_API_KEY", "sk-canary")
    write("PHOENIX_COLLECTOR_ENDPOINT=http://file:1")
    assert resolve(**settings).base_url == "http://file:1"
    assert logged == [
        ("credentials_go_where_env_file_says", {"variable": "PHOENIX_COLLECTOR_ENDPOINT", "address": "http://file:1"})
    ]


def test_control_credentials_of_the_same_file_are_not(write: Write, logged: list[tuple[str, dict[str, Any]]]) -> None:
    write("PHOENIX_COLLECTOR_ENDPOINT=http://file:1\nPHOENIX_API_KEY=file-key")
    assert resolve().api_key == "file-key"
    assert logged == []


def test_no_usable_address_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOENIX_ENDPOINT", "localhost:6006")
    with pytest.raises(ConfigurationError, match=r"PHOENIX_ENDPOINT: .*did you mean http://localhost:6006"):
        resolve()


def test_port_that_is_no_number_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOENIX_PORT", "many")
    with pytest.raises(ConfigurationError, match="PHOENIX_PORT"):
        resolve()


def test_header_that_is_none_is_left_out_and_logged_without_its_value(
    monkeypatch: pytest.MonkeyPatch, logged: list[tuple[str, dict[str, Any]]]
) -> None:
    monkeypatch.setenv("PHOENIX_CLIENT_HEADERS", "x-a=1,authorization: Bearer canary")
    assert resolve().headers == (("x-a", "1"),)
    assert [event for event, _ in logged] == ["client_header_ignored"]
    assert "canary" not in repr(logged)


def test_header_given_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        resolve(headers={"x-a": "1", "X-A": "2"})


SECRETS: dict[str, Any] = {
    "api_key": "sk-canary",
    "headers": {"x-api-key": "sk-canary-2", "x-team": "canary-team"},
    "base_url": "http://h/sub",
}


def test_settings_show_no_secret() -> None:
    shown = repr(resolve(**SECRETS)) + str(resolve(**SECRETS))
    assert "canary" not in shown
    assert "x-api-key" in shown


@pytest.mark.parametrize("kind", [PhoenixClient, SyncPhoenixClient])
def test_client_shows_where_it_points_and_no_secret(kind: type[Any]) -> None:
    client: object = kind(**SECRETS)
    assert repr(client) == f"{kind.__name__}('http://h/sub')"
    state: ClientState = client.__dict__["_state"]
    assert "canary" not in repr(state.config)
    assert (state.config.base_url, state.version.known) == ("http://h/sub", None)


@pytest.mark.parametrize("kind", [PhoenixClient, SyncPhoenixClient])
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"base_url": "localhost:6006"}, "did you mean"),
        ({"base_url": "http://user:canary@h"}, "user name or password"),
        ({"api_key": "two words"}, "api_key"),
        ({"headers": {"content-length": "5"}}, "content-length"),
        ({"timeout": 0}, "timeout"),
        ({"max_connections": 0}, "max_connections"),
        ({"verify": False}, "verify"),
        ({"http_client": object()}, "httpx"),
    ],
)
def test_setting_that_cannot_work_is_refused_when_the_client_is_made(
    kind: type[Any], settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        kind(**{"base_url": "http://h", **settings})
    assert "canary" not in caught.value.message


def test_path_of_the_rest_api_at_the_end_of_an_address_is_not_doubled() -> None:
    assert SyncPhoenixClient(base_url="http://h/sub/v1/").url == "http://h/sub"
