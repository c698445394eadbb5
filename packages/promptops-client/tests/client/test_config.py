"""Where each setting comes from, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from promptops.client import ClientConfig, ConfigurationError, PromptOpsClient, SyncPromptOpsClient, TelemetryConfig
from promptops.client import ValidationError as PromptOpsValidationError
from promptops.client.config import ENVIRONMENT, resolve, runtime_config

KEY = "po_live_0123456789ab_" + "s" * 43 + "_abcdef"
LOCAL = "http://127.0.0.1:8765"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ENVIRONMENT.values():
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize("name", list(ENVIRONMENT))
def test_keywords_win_over_config_over_environment_over_defaults(name: str) -> None:
    environ = {ENVIRONMENT[name]: "from-environment"}
    default = getattr(resolve(None, {}, environ={}), name)
    config = ClientConfig(**{name: "from-config"})  # type: ignore[arg-type] # the name is one of five string fields
    assert getattr(resolve(config, {name: "from-keyword"}, environ=environ), name) == "from-keyword"
    assert getattr(resolve(config, {name: None}, environ=environ), name) == "from-config"
    assert getattr(resolve(None, {}, environ=environ), name) == "from-environment"
    assert default == ("https://api.promptops.com/v1" if name == "base_url" else None)


def test_an_empty_variable_counts_as_absent() -> None:
    assert resolve(None, {}, environ={"PROMPTOPS_API_KEY": " ", "PROMPTOPS_BASE_URL": ""}).api_key is None


def test_the_environment_can_be_left_out() -> None:
    config = ClientConfig(base_url=LOCAL, read_environment=False)
    assert resolve(config, {}, environ={"PROMPTOPS_API_KEY": KEY, "PROMPTOPS_PROJECT": "other"}).project is None


def test_a_plain_string_is_the_key() -> None:
    assert resolve(KEY, {}, environ={}).api_key == KEY


def test_the_same_key_twice_is_fine() -> None:
    assert resolve(KEY, {"api_key": KEY}, environ={}).api_key == KEY


@pytest.mark.parametrize("client", [PromptOpsClient, SyncPromptOpsClient])
def test_two_different_keys_are_refused(client: type[PromptOpsClient | SyncPromptOpsClient]) -> None:
    with pytest.raises(ConfigurationError, match="Two different keys") as caught:
        client("one-key", api_key="other-key", base_url=LOCAL)
    assert "one-key" not in str(caught.value)


def test_an_address_in_place_of_the_key_is_explained() -> None:
    with pytest.raises(ConfigurationError, match="base_url="):
        PromptOpsClient("http://127.0.0.1:8765")


def test_another_type_of_config_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="not dict"):
        PromptOpsClient({"api_key": "x"})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - the case


@pytest.mark.parametrize("client", [PromptOpsClient, SyncPromptOpsClient])
def test_a_missing_key_is_refused_at_once_and_the_way_out_is_named(
    client: type[PromptOpsClient | SyncPromptOpsClient],
) -> None:
    with pytest.raises(ConfigurationError, match=r"PROMPTOPS_API_KEY.*promptops serve"):
        client()


@pytest.mark.parametrize("host", ["127.0.0.1:9", "localhost:9", "[::1]:9"])
def test_no_key_is_needed_on_this_machine(host: str) -> None:
    SyncPromptOpsClient(base_url=f"http://{host}")


def test_a_client_of_the_callers_may_carry_its_own_credentials() -> None:
    SyncPromptOpsClient(base_url="https://prompts.example", http_client=object())


@pytest.mark.parametrize(
    ("keywords", "named"),
    [
        ({"base_url": "127.0.0.1:8765"}, "base_url"),
        ({"base_url": "ftp://prompts.example"}, "base_url"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("inf")}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"max_connections": 0}, "max_connections"),
        ({"api_key": ""}, "api_key"),
        ({"api_key": "key-with-line-break\n"}, "api_key"),
        ({"secret_key": "clé"}, "secret_key"),
        ({"proxy": "not a proxy"}, "proxy"),
    ],
)
def test_an_unusable_value_is_refused_at_construction_and_named(keywords: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as caught:
        SyncPromptOpsClient(None, keywords.pop("base_url", LOCAL), **keywords)
    assert "key-with-line-break" not in str(caught.value)


def test_every_setting_reaches_the_runtime() -> None:
    config = ClientConfig(
        base_url="https://prompts.example/team/v1/client",
        api_key=KEY,
        secret_key="a-secret",
        key_id="0123456789ab",
        project="shop",
        timeout=4.5,
        max_connections=7,
        proxy="http://proxy.example:3128",
        read_environment=False,
    )
    made = runtime_config(resolve(config, {}))
    assert made.base_url == "https://prompts.example/team"
    assert (made.api_key, made.secret_key, made.key_id) == (KEY, "a-secret", "0123456789ab")
    assert (made.project, made.timeout, made.max_connections) == ("shop", 4.5, 7)
    assert (made.proxy, made.http2, made.verify) == ("http://proxy.example:3128", False, True)


def test_no_representation_shows_a_secret() -> None:
    config = ClientConfig(
        api_key=KEY, secret_key="a-secret-of-mine", base_url=LOCAL, proxy="http://me:hush@proxy.example:1"
    )
    client = SyncPromptOpsClient(config)
    shown = f"{config!r} {config} {list(config.__rich_repr__())} {client!r} {client}"
    assert not [secret for secret in (KEY, "ssss", "a-secret-of-mine", "hush") if secret in shown]
    assert LOCAL in repr(client)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sample_rate", 1.5),
        ("sample_rate", -0.1),
        ("sample_rate", float("nan")),
        ("batch_size", 0),
        ("flush_interval", 0),
    ],
)
def test_telemetry_settings_out_of_range_are_refused_before_any_request(name: str, value: float) -> None:
    with pytest.raises(PromptOpsValidationError, match=name) as caught:
        TelemetryConfig(**{name: value})  # type: ignore[arg-type] # the names are three numeric fields
    assert [problem["field"] for problem in caught.value.validation_errors] == [name]


def test_telemetry_is_accepted_and_kept() -> None:
    telemetry = TelemetryConfig(enabled=False)
    assert resolve(None, {"telemetry": telemetry}, environ={}).telemetry is telemetry


@pytest.mark.parametrize("kind", [ClientConfig, TelemetryConfig])
def test_configurations_cannot_be_changed_in_place(kind: type[ClientConfig | TelemetryConfig]) -> None:
    config = kind()
    with pytest.raises(AttributeError):
        setattr(config, config.__struct_fields__[0], "x")
    assert msgspec.structs.replace(config) == config


def test_a_bundle_that_cannot_be_read_is_noticed_when_the_client_is_made(tmp_path: Path) -> None:
    missing = tmp_path / "none.bundle"
    for client in (PromptOpsClient, SyncPromptOpsClient):
        with pytest.raises(ConfigurationError, match=r"none\.bundle"):
            client(base_url=LOCAL, bundle=missing)
    with pytest.raises(ConfigurationError, match="bundle must be the path of a file"):
        PromptOpsClient(ClientConfig(base_url=LOCAL, bundle=7))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_a_bundle_can_be_changed_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    from promptops.prompts.files import Lock, write_bundle

    bundle = write_bundle(Lock(), tmp_path / "a.bundle")
    client = SyncPromptOpsClient(base_url=LOCAL, bundle=str(bundle))
    before = client.prompts
    with pytest.raises(ConfigurationError, match=r"none\.bundle"):
        client.update_config({"bundle": tmp_path / "none.bundle"})
    assert client.get_config().bundle == str(bundle)
    assert client.prompts is before
    client.update_config({"bundle": None})
    assert client.get_config().bundle is None
    assert client.prompts is not before
