"""Calls that cannot be meant: each raises the class for it, names the field, and is no fault of the server."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest
from promptops.client import (
    CacheConfig,
    ConfigurationError,
    PromptNotFoundError,
    PromptOpsClient,
    SyncPromptOpsClient,
    TelemetryConfig,
    ValidationError,
)

pytestmark = pytest.mark.anyio
MakeClient = Callable[..., PromptOpsClient]

NAN = float("nan")
LONG = "a" * 300


def cyclic() -> dict[str, Any]:
    value: dict[str, Any] = {"a": 1}
    value["self"] = value
    return value


def nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = [value]
    return value


def new(**changes: Any) -> dict[str, Any]:
    return {"name": "malformed", "content": "Hi {{ a }}", **changes}


# Method, arguments, the field that the message names. The prompt "malformed-calls" exists and uses {{ a }}.
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("get_prompt", ("",), {}, "prompt_id"),
    ("get_prompt", ("  ",), {}, "prompt_id"),
    ("get_prompt", (LONG,), {}, "prompt_id"),
    ("get_prompt", (None,), {}, "prompt_id"),
    ("get_prompt", (["a"],), {}, "prompt_id"),
    ("get_prompt", ("malformed-calls", "one.two"), {}, "version"),
    ("get_prompt", ("malformed-calls", "1.0.0.0"), {}, "version"),
    ("get_prompt", ("malformed-calls", "01.2.3"), {}, "version"),
    ("get_prompt", ("malformed-calls", 1.0), {}, "version"),
    ("get_prompt", ("malformed-calls", None, "yes"), {"project_id": "p"}, "use_cache"),
    ("get_prompt", ("malformed-calls",), {"project_id": 7}, "project_id"),
    ("get_prompt", ("malformed-calls",), {"project_id": ["p"]}, "project_id"),
    ("get_prompt", ("malformed-calls", None, False), {"timeout": 0}, "timeout"),
    ("get_prompt", ("malformed-calls", None, False), {"timeout": NAN}, "timeout"),
    ("get_prompt", ("malformed-calls", None, False), {"timeout": "soon"}, "timeout"),
    ("get_prompts", ("malformed-calls",), {}, "prompt_ids"),
    ("get_prompts", (["ok", ""],), {}, "prompt_ids[1]"),
    ("get_prompts", (["ok"],), {"versions": {"other": "1"}}, "versions"),
    ("get_prompts", (["ok"],), {"versions": {"ok": "x"}}, "versions.ok"),
    ("render_prompt", ("malformed-calls", {}), {}, "a"),
    ("render_prompt", ("malformed-calls", "a=1"), {}, "variables"),
    ("render_prompt", ("malformed-calls", {"a": NAN}), {}, "variables.a"),
    ("render_prompt", ("malformed-calls", {"a": cyclic()}), {}, "variables.a"),
    ("render_prompt", ("malformed-calls", {"a": nested(40)}), {}, "variables.a"),
    ("render_prompt", ("malformed-calls", {"a": object()}), {}, "variables.a"),
    ("render_prompt", ("malformed-calls", {"a": 2**70}), {"on_server": True}, "variables.a"),
    ("render_prompt", ("malformed-calls", {"a": 1}), {"model_name": "gpt-4"}, "model_provider"),
    ("render_prompt", ("malformed-calls", {"a": 1}), {"model_provider": 4}, "model_provider"),
    ("list_prompts", (), {"limit": -1}, "limit"),
    ("list_prompts", (), {"limit": 1001}, "limit"),
    ("list_prompts", (), {"limit": "ten"}, "limit"),
    ("list_prompts", (), {"skip": -5}, "skip"),
    ("list_prompts", (), {"sort_by": "colour"}, "sort_by"),
    ("list_prompts", (), {"sort_by": []}, "sort_by"),
    ("list_prompts", (), {"sort_order": "up"}, "sort_order"),
    ("list_prompts", (), {"module_id": 3}, "module_id"),
    ("list_prompts", (), {"tags": "one"}, "tags"),
    ("create_prompt", (None,), {}, "prompt_data"),
    ("create_prompt", ({"content": "x"},), {}, "name"),
    ("create_prompt", ({"name": "x"},), {}, "content"),
    ("create_prompt", (new(name=""),), {}, "name"),
    ("create_prompt", (new(name=5),), {}, "name"),
    ("create_prompt", (new(contents="x"),), {}, "contents"),
    ("create_prompt", (new(messages=[]),), {}, "content"),
    ("create_prompt", ({"name": "x", "messages": []},), {}, "messages"),
    ("create_prompt", ({"name": "x", "messages": [{"role": "user"}]},), {}, "messages[0]"),
    ("create_prompt", ({"name": "x", "messages": "hello"},), {}, "messages"),
    ("create_prompt", (new(content=5),), {}, "content"),
    ("create_prompt", (new(content="{{ a"),), {}, "content"),
    ("create_prompt", (new(slug=LONG),), {}, "slug"),
    ("create_prompt", (new(slug="b" * 200),), {}, "slug"),
    ("create_prompt", (new(slug="spaces are not fine"),), {}, "slug"),
    ("create_prompt", (new(slug="a", id="b"),), {}, "slug"),
    ("create_prompt", (new(version="latest-ish"),), {}, "version"),
    ("create_prompt", (new(template_format="erb"),), {}, "template_format"),
    ("create_prompt", (new(tags=[1]),), {}, "tags[0]"),
    ("create_prompt", (new(variables=5),), {}, "variables"),
    ("create_prompt", (new(target_models="openai"),), {}, "target_models"),
    ("create_prompt", (new(description=None),), {}, "description"),
    ("create_prompt", (new(metadata=[]),), {}, "metadata"),
    ("create_prompt", (new(metadata={"a": NAN}),), {}, "metadata.a"),
    ("create_prompt", (new(metadata=cyclic()),), {}, "metadata"),
    ("create_prompt", (new(metadata={"a": object()}),), {}, "metadata.a"),
    ("create_prompt", (new(model_specific_prompts=[{"content": "x"}]),), {}, "model_specific_prompts[0]"),
    ("create_prompt", (new(project_id="p"), "q"), {}, "project_id"),
    ("create_prompt", (new(name="line\nbreak"),), {}, "name"),
    ("update_prompt", ("malformed-calls", {"slug": "other"}), {}, "slug"),
    ("update_prompt", ("malformed-calls", {"content": None}), {}, "content"),
    ("update_prompt", ("malformed-calls", {"name": ""}), {}, "name"),
    ("update_prompt", ("malformed-calls", {"tags": {"a": 1}}), {}, "tags"),
    ("update_prompt", ("malformed-calls", {}, "latest"), {}, "version"),
    ("update_prompt", ("malformed-calls", {}), {"bump": "huge"}, "bump"),
    ("update_prompt", ("malformed-calls", {}, "1.0.0"), {"new_version": "2.0.0"}, "new_version"),
    ("update_prompt", ("", {"content": "x"}), {}, "prompt_id"),
    ("delete_prompt", ("",), {}, "prompt_id"),
    ("delete_prompt", ("malformed-calls", "latest"), {}, "version"),
    ("validate_prompt", ("",), {}, "prompt_id"),
    ("validate_prompt", ("malformed-calls", "x"), {}, "version"),
    ("rollback", ("malformed-calls", "latest"), {}, "version"),
    ("rollback", ("malformed-calls", None), {}, "version"),
    ("list_versions", ("",), {}, "prompt_id"),
    ("get_model_compatibility", ("malformed-calls", "open ai?", "gpt-4"), {}, "model_provider"),
    ("get_model_compatibility", ("malformed-calls", "opnai", "gpt-4"), {}, "model_provider"),
    ("list_models", ("opnai",), {}, "provider"),
    ("get_model_compatibility", ("malformed-calls", None, "gpt-4"), {}, "model_provider"),
    ("get_model_compatibility", ("malformed-calls", "openai", ""), {}, "model_name"),
    ("check_compatibility", ("malformed-calls", "openai", "gpt-4"), {"output_tokens": -1}, "output_tokens"),
    ("check_compatibility", ("malformed-calls", "openai", "gpt-4"), {"output_tokens": "many"}, "output_tokens"),
    ("list_models", ("not a provider",), {}, "provider"),
    ("list_models", (3,), {}, "provider"),
    ("list_models", ("openai", "no"), {}, "use_cache"),
    ("clear_cache", (None, "1.0.0"), {}, "prompt_id"),
    ("clear_cache", ("malformed-calls", "one"), {}, "version"),
    ("clear_cache", (5,), {}, "prompt_id"),
    ("enable_telemetry", (1.5,), {}, "sample_rate"),
    ("enable_telemetry", (NAN,), {}, "sample_rate"),
    ("enable_telemetry", ("half",), {}, "sample_rate"),
]

CONFIGURATIONS: list[tuple[Any, str]] = [
    ({"timeout": "soon"}, "timeout"),
    ({"timeout": -1}, "timeout"),
    ({"timeout": NAN}, "timeout"),
    ({"time_out": 5}, "time_out"),
    ({"base_url": "nowhere"}, "base_url"),
    ({"base_url": 5}, "base_url"),
    ({"api_key": "line\nbreak"}, "api_key"),
    ({"api_key": 12}, "api_key"),
    ({"max_connections": 0}, "max_connections"),
    ({"max_connections": True}, "max_connections"),
    ({"cache": {"level": "memory"}}, "cache"),
    ({"cache": CacheConfig(level="floppy")}, "cache.level"),
    ({"cache": CacheConfig(ttl=-1)}, "cache.ttl"),
    ({"cache": CacheConfig(max_size="many")}, "cache.max_size"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - the case
    ({"telemetry": True}, "telemetry"),
    ({"project": " "}, "project"),
    ({"verify": False}, "verify"),
    ({5: 1}, "5"),
    ("timeout=5", "config"),
    (None, "config"),
]


@pytest.fixture
async def target(make_client: MakeClient, open_server: Any) -> PromptOpsClient:
    client = make_client(open_server.config())
    try:
        await client.get_prompt("malformed-calls")
    except PromptNotFoundError:
        await client.get_prompts(["malformed-calls"])
        await create_once(client)
    return client


async def create_once(client: PromptOpsClient) -> None:
    """Another test process may have been faster."""
    from promptops.client import ConflictError

    try:
        await client.create_prompt({"name": "malformed-calls", "content": "Hi {{ a }}"})
    except ConflictError:
        return


def test_there_are_at_least_forty_of_them() -> None:
    assert len(CALLS) + len(CONFIGURATIONS) >= 40


async def made(client: PromptOpsClient, method: str, *args: Any, **keywords: Any) -> None:
    """The call, whether the method is a coroutine or not."""
    outcome = getattr(client, method)(*args, **keywords)
    if inspect.isawaitable(outcome):
        await outcome


@pytest.mark.parametrize(
    ("method", "args", "keywords", "field"),
    [pytest.param(*call, id=f"{number}-{call[0]}-{call[3]}") for number, call in enumerate(CALLS)],
)
async def test_a_call_that_cannot_be_meant_is_refused_by_the_name_of_its_field(
    target: PromptOpsClient, method: str, args: tuple[Any, ...], keywords: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        await made(target, method, *args, **keywords)
    error = caught.value
    assert field in str(error)
    assert field in " ".join(str(problem["field"]) for problem in error.validation_errors)
    assert all({"field", "message", "code"} <= problem.keys() for problem in error.validation_errors)
    assert error.error_code == "VALIDATION_ERROR"
    assert not error.retryable


@pytest.mark.parametrize(("config", "named"), CONFIGURATIONS)
async def test_a_configuration_that_cannot_work_is_refused_and_nothing_changes(
    target: PromptOpsClient, config: Any, named: str
) -> None:
    before = target.get_config()
    with pytest.raises(ConfigurationError) as caught:
        target.update_config(config)
    assert named in str(caught.value)
    assert "line\nbreak" not in str(caught.value)
    assert target.get_config() == before
    assert (await target.get_prompt("malformed-calls", use_cache=False)).content == "Hi {{ a }}"


@pytest.mark.parametrize("client", [PromptOpsClient, SyncPromptOpsClient])
@pytest.mark.parametrize(("config", "named"), [item for item in CONFIGURATIONS if isinstance(item[0], dict)])
def test_the_same_is_refused_when_a_client_is_made(
    client: type[PromptOpsClient | SyncPromptOpsClient], config: dict[Any, Any], named: str
) -> None:
    keywords: dict[str, Any] = {"base_url": "http://127.0.0.1:9", **config}
    if named in {"time_out", "5"}:  # Python refuses these itself
        with pytest.raises(TypeError):
            client(**keywords)
        return
    with pytest.raises(ConfigurationError, match=re.escape(named)):
        client(**keywords)


@pytest.mark.parametrize(
    ("field", "value"),
    [("sample_rate", 1.5), ("sample_rate", "x"), ("batch_size", 0), ("flush_interval", NAN), ("batch_size", 10**6)],
)
def test_telemetry_settings_out_of_range_are_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        TelemetryConfig(**{field: value})
