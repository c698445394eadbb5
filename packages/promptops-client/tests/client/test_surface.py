"""What the package offers: both facades alike, every name there, and cheap to import."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import promptops.client
import pytest
from promptops.client import PromptOpsClient, SyncPromptOpsClient
from promptops.client._calls import AsyncCalls
from promptops.core import errors
from promptops.core.testing import assert_parity
from promptops.experiments import AsyncDatasets, AsyncExperiments, SyncDatasets, SyncExperiments
from promptops.prompts import AsyncModels, AsyncPrompts, SyncModels, SyncPrompts

ONLY_ASYNC = {"aclose"}
PLAIN = [
    "get_stats",
    "get_cache_stats",
    "get_telemetry_summary",
    "disable_telemetry",
    "enable_telemetry",
    "update_config",
    "get_config",
]
REFERENCE = ["config", "base_url", "api_key", "timeout", "cache", "telemetry"]


@pytest.mark.parametrize(
    ("asynchronous", "blocking"),
    [
        (AsyncPrompts, SyncPrompts),
        (AsyncModels, SyncModels),
        (AsyncDatasets, SyncDatasets),
        (AsyncExperiments, SyncExperiments),
    ],
)
def test_every_resource_has_its_blocking_twin(asynchronous: type[Any], blocking: type[Any]) -> None:
    assert_parity(asynchronous, blocking)


def public(kind: type[Any]) -> dict[str, Any]:
    return {name: value for name, value in inspect.getmembers_static(kind) if not name.startswith("_")}


def test_both_clients_have_the_same_names_signatures_and_docstrings() -> None:
    assert_parity(PromptOpsClient, SyncPromptOpsClient, only_async=ONLY_ASYNC)
    assert set(public(PromptOpsClient)) - ONLY_ASYNC == set(public(SyncPromptOpsClient))


@pytest.mark.parametrize("name", ["prompts", "models", "datasets", "experiments"])
def test_both_clients_type_a_resource_alike(name: str) -> None:
    one, other = public(PromptOpsClient)[name], public(SyncPromptOpsClient)[name]
    assert str(one.fget.__annotations__["return"]).replace("Async", "Sync") == other.fget.__annotations__["return"]


@pytest.mark.parametrize("name", PLAIN)
def test_what_never_waits_is_plain_in_both(name: str) -> None:
    for client in (PromptOpsClient, SyncPromptOpsClient):
        assert not inspect.iscoroutinefunction(getattr(client, name))


@pytest.mark.parametrize("name", sorted({*vars(AsyncCalls), *dir(AsyncCalls)} - {*dir(object)}))
def test_flat_methods_are_keyword_only_beyond_the_published_order(name: str) -> None:
    function = getattr(AsyncCalls, name)
    if name.startswith("_") or not callable(function):
        return
    extras = [item.name for item in inspect.signature(function).parameters.values() if item.kind is item.KEYWORD_ONLY]
    positional = [item.name for item in inspect.signature(function).parameters.values() if item.name not in extras]
    added = {"timeout", "query", "tags", "versions", "labels", "on_server", "if_match", "strict", "force"}
    assert not added.intersection(positional)
    assert positional[0] == "self"


@pytest.mark.parametrize("name", ["get_prompt", "render_prompt", "validate_prompt"])
def test_reads_take_a_label_by_name_alone(name: str) -> None:
    assert inspect.signature(getattr(AsyncCalls, name)).parameters["label"].kind is inspect.Parameter.KEYWORD_ONLY


def test_both_clients_are_made_the_same_way() -> None:
    one, other = inspect.signature(PromptOpsClient), inspect.signature(SyncPromptOpsClient)
    assert one == other
    positional = [name for name, item in one.parameters.items() if item.kind is item.POSITIONAL_OR_KEYWORD]
    assert positional == REFERENCE
    assert all(item.default is None for item in one.parameters.values())


@pytest.mark.parametrize("name", promptops.client.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(promptops.client, name) is not None
    assert name in dir(promptops.client)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = promptops.client.no_such_thing  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportAttributeAccessIssue]


def test_every_error_of_the_core_that_a_call_can_raise_is_offered() -> None:
    missing = set(errors.__all__) - set(promptops.client.__all__) - {"SuspendedInSync"}
    assert not missing
    assert promptops.client.TimeoutError is promptops.client.PromptOpsTimeoutError


HEAVY = ["httpx", "httpcore", "h11", "structlog", "anyio", "asyncio", "ssl", "rich", "sqlite3", "promptops.experiments"]


def modules_after(code: str) -> set[str]:
    probe = f"import sys\n{code}\nprint(' '.join(sys.modules))"
    finished = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(finished.stdout.split())


def test_importing_the_client_imports_neither_the_http_library_nor_the_logger() -> None:
    loaded = modules_after("import promptops.client")
    assert not loaded.intersection(HEAVY)


def test_making_a_blocking_client_imports_no_event_loop() -> None:
    loaded = modules_after(
        "from promptops.client import SyncPromptOpsClient\nSyncPromptOpsClient(base_url='http://127.0.0.1:9').prompts"
    )
    assert not loaded.intersection({"httpx", "asyncio", "anyio", "structlog", "promptops.experiments"})
