"""Both clients and all their resources have the same surface, and none of it takes positional guesses."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

import pytest
from promptops.core.testing import assert_parity
from promptops.phoenix import PhoenixClient, SyncPhoenixClient

MODULES = ("prompts", "datasets", "experiments", "tracing")
RESOURCES = ("prompts", "datasets", "experiments", "projects", "spans", "traces", "sessions", "annotations")
OF_PHOENIX_ALONE = ("projects", "spans", "traces", "sessions", "annotations")


@pytest.fixture(scope="module")
def clients() -> tuple[Any, Any]:
    return PhoenixClient(base_url="http://127.0.0.1:9"), SyncPhoenixClient(base_url="http://127.0.0.1:9")


def test_clients_take_keywords_alone() -> None:
    for kind in (PhoenixClient, SyncPhoenixClient):
        kinds = {parameter.kind for parameter in inspect.signature(kind).parameters.values()}
        assert kinds == {inspect.Parameter.KEYWORD_ONLY}


def test_both_clients_offer_the_same() -> None:
    names = [{name for name in dir(kind) if not name.startswith("_")} for kind in (PhoenixClient, SyncPhoenixClient)]
    assert names[0] - names[1] == {"aclose"}
    assert names[1] - names[0] == {"close"}
    assert inspect.signature(PhoenixClient) == inspect.signature(SyncPhoenixClient)


def kind_of(client: object, name: str) -> type[object]:
    resource: object = getattr(client, name)
    return type(resource)


@pytest.mark.parametrize("name", RESOURCES)
def test_each_blocking_resource_is_the_twin_of_the_asynchronous_one(name: str, clients: tuple[Any, Any]) -> None:
    assert_parity(*(kind_of(client, name) for client in clients))


@pytest.mark.parametrize("name", OF_PHOENIX_ALONE)
def test_resources_that_only_phoenix_has_take_keywords_alone(name: str, clients: tuple[Any, Any]) -> None:
    kind = kind_of(clients[0], name)
    positional = {
        f"{method}({parameter.name})"
        for method, function in inspect.getmembers(kind, inspect.isroutine)
        if not method.startswith("_")
        for parameter in list(inspect.signature(function).parameters.values())[1:]
        if parameter.kind not in {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
    }
    assert positional == set()


@pytest.mark.parametrize("name", MODULES)
def test_public_modules_have_what_they_say(name: str) -> None:
    module = import_module(f"promptops.phoenix.{name}")
    assert {said for said in module.__all__ if not hasattr(module, said)} == set()


@pytest.mark.parametrize("name", ["prompts", "datasets", "experiments"])
def test_resources_and_store_can_be_named(name: str, clients: tuple[Any, Any]) -> None:
    module = import_module(f"promptops.phoenix.{name}")
    kinds = {kind_of(client, name) for client in clients} | {kind_of(clients[0].stores, name)}
    assert kinds <= {getattr(module, said) for said in module.__all__ if not said.isupper()}
