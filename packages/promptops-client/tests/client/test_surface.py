"""What the package offers: both facades alike, every name there, and cheap to import."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import promptops.client
import pytest
from promptops.client import PromptOpsClient, SyncPromptOpsClient
from promptops.core import errors
from promptops.core.testing import assert_parity
from promptops.experiments import AsyncDatasets, AsyncExperiments, SyncDatasets, SyncExperiments
from promptops.prompts import AsyncPrompts, SyncPrompts

ONLY_ASYNC = {"aclose"}
REFERENCE = ["config", "base_url", "api_key", "timeout", "cache", "telemetry"]


@pytest.mark.parametrize(
    ("asynchronous", "blocking"),
    [(AsyncPrompts, SyncPrompts), (AsyncDatasets, SyncDatasets), (AsyncExperiments, SyncExperiments)],
)
def test_every_resource_has_its_blocking_twin(asynchronous: type[Any], blocking: type[Any]) -> None:
    assert_parity(asynchronous, blocking)


def public(kind: type[Any]) -> dict[str, Any]:
    return {name: value for name, value in vars(kind).items() if not name.startswith("_")}


def test_both_clients_have_the_same_names() -> None:
    assert set(public(PromptOpsClient)) - ONLY_ASYNC == set(public(SyncPromptOpsClient))


@pytest.mark.parametrize("name", sorted(set(public(SyncPromptOpsClient))))
def test_both_clients_document_and_type_a_name_alike(name: str) -> None:
    one, other = public(PromptOpsClient)[name], public(SyncPromptOpsClient)[name]
    assert inspect.getdoc(one) == inspect.getdoc(other)
    if isinstance(one, property):
        assert isinstance(other, property)
        assert str(one.fget.__annotations__["return"]).replace("Async", "Sync") == other.fget.__annotations__["return"]
    else:
        assert inspect.iscoroutinefunction(one)
        assert inspect.signature(one) == inspect.signature(other)


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
