from __future__ import annotations

import ssl
from typing import Any

import pytest
from promptops.core import ConfigurationError, RuntimeConfig
from promptops.core.config import DEFAULT_BASE_URL, normalise_base_url


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (DEFAULT_BASE_URL, "https://api.promptops.com"),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("http://127.0.0.1:8765/", "http://127.0.0.1:8765"),
        ("http://host/v1", "http://host"),
        ("http://host/v1/", "http://host"),
        ("http://host/v1/client", "http://host"),
        ("http://host/v1/client/", "http://host"),
        ("http://host/team/a/v1/client", "http://host/team/a"),
        ("http://host/team/v1", "http://host/team"),
        ("http://host/tv1", "http://host/tv1"),
        ("http://host/v2", "http://host/v2"),
        ("HTTPS://Host:443/", "https://host"),
        ("http://[::1]:80/v1", "http://[::1]"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://bücher.example/v1", "http://xn--bcher-kva.example"),
        ("http://host/a b".replace(" ", "%20"), "http://host/a%20b"),
        (" http://host/v1\n", "http://host"),
    ],
)
def test_base_url_keeps_its_prefix_and_loses_the_path_of_the_api(given: str, kept: str) -> None:
    assert normalise_base_url(given) == kept
    assert RuntimeConfig(base_url=given).base_url == kept


def test_normalising_twice_changes_nothing() -> None:
    once = normalise_base_url("http://host/v1/v1")
    assert once == "http://host/v1"
    assert RuntimeConfig(base_url="http://host:81/p/v1/client").origin.authority == "host:81"


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("localhost:8000", "http://localhost:8000"),
        ("ftp://host", "http:// or https://"),
        ("http://", "no host"),
        ("http:///v1", "no host"),
        ("http://host:99999", "not a URL"),
        ("http://host:0", "port 0"),
        ("http://ho st", "spaces"),
        ("http://host/\r\nx: y", "control"),
        ("http://host?x=1", "'?'"),
        ("http://host/#frag", "'#'"),
        ("http://[::1", "not a URL"),
    ],
)
def test_address_that_cannot_work_is_refused_with_advice(given: str, advice: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RuntimeConfig(base_url=given)
    assert "base_url" in caught.value.message
    assert advice in caught.value.message


def test_credentials_in_the_address_are_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        RuntimeConfig(base_url="https://alice:hunter2@host")
    assert "hunter2" not in repr(caught.value)
    assert "api_key" in caught.value.message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("api_key", ""),
        ("api_key", "with space"),
        ("api_key", "line\r\nbreak"),
        ("api_key", "schlüssel"),
        ("api_key", 5),
        ("secret_key", ""),
        ("secret_key", "a\n"),
        ("timeout", 0),
        ("timeout", -1.0),
        ("timeout", float("nan")),
        ("timeout", float("inf")),
        ("max_connections", 0),
        ("user_agent", "a\r\nb"),
        ("verify", False),
        ("verify", "/certificates.pem"),
        ("verify", None),
        ("proxy", "ftp://proxy"),
    ],
)
def test_setting_that_cannot_work_is_refused_by_name(field: str, value: Any) -> None:
    settings: dict[str, Any] = {field: value}
    with pytest.raises(ConfigurationError) as caught:
        RuntimeConfig(base_url="http://host", **settings)
    assert field in caught.value.message
    if isinstance(value, str) and len(value) > 3 and field != "proxy":
        assert value not in caught.value.message


def test_http_client_and_proxy_together_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="http_client"):
        RuntimeConfig(http_client=object(), proxy="http://proxy")


def test_environment_fills_only_what_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTOPS_BASE_URL", "http://from-env/v1")
    monkeypatch.setenv("PROMPTOPS_API_KEY", "env-key\n")
    monkeypatch.setenv("PROMPTOPS_SECRET_KEY", "env-secret")
    monkeypatch.setenv("PROMPTOPS_PROJECT", "env-project")
    config = RuntimeConfig.from_env(api_key="own-key", base_url=None, timeout=None)
    assert (config.base_url, config.api_key) == ("http://from-env", "own-key")
    assert (config.secret_key, config.project, config.timeout) == ("env-secret", "env-project", None)
    assert RuntimeConfig.from_env().api_key == "env-key"


def test_empty_environment_gives_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BASE_URL", "API_KEY", "SECRET_KEY", "PROJECT"):
        monkeypatch.setenv(f"PROMPTOPS_{name}", " ")
    config = RuntimeConfig.from_env()
    assert config == RuntimeConfig()
    assert config.api_key is None


def test_settings_show_no_secret() -> None:
    config = RuntimeConfig(
        api_key="sk-canary-1",
        secret_key="sk-canary-2",
        proxy="http://user:sk-canary-3@proxy",
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    shown = repr(config) + str(config) + repr(config.masked()) + repr(config.__rich_repr__())
    assert "canary" not in shown
    assert config.masked()["api_key"] == "***"
    assert config.masked()["verify"] == "SSLContext"
    assert "***" in repr(RuntimeConfig(api_key=lambda: "sk-canary-4"))


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ((("content-length", "canary"),), "content-length"),
        ((("Host", "canary"),), "host"),
        ((("x-a", "b"), ("Bearer canary", "")), "at 2"),
        ((("x-a", 5),), "'x-a' must be text, not int"),
        (((5, "canary"),), "at 1"),
        ((("x-a", "canary\r\nx-b: 1"),), "x-a"),
        ((("x-a", "canäry"),), "x-a"),
        ((("x-a", "canary"), ("X-A", "canary")), "twice"),
        ((("Authorization", "canary"),), "api_key"),
    ],
)
def test_header_that_cannot_work_is_refused_without_its_value(headers: tuple[tuple[str, str], ...], says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RuntimeConfig(api_key="key", headers=headers)
    assert says in caught.value.message
    assert "canary" not in caught.value.message
    assert "ary" not in caught.value.message


def test_headers_have_lower_case_names_and_are_masked_when_shown() -> None:
    config = RuntimeConfig(headers=(("X-Api-Key", "sk-canary"), ("Authorization", "Basic sk-other"), ("X-Token", "a")))
    assert config.headers == (("x-api-key", "sk-canary"), ("authorization", "Basic sk-other"), ("x-token", "a"))
    assert config.secret_headers == ("sk-canary", "sk-canary", "Basic sk-other", "sk-other")
    shown = repr(config) + repr(config.masked())
    assert "canary" not in shown
    assert "sk-other" not in shown
    assert "x-api-key" in shown


def test_settings_cannot_be_changed() -> None:
    config = RuntimeConfig()
    with pytest.raises(AttributeError):
        config.timeout = 3.0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # the point
