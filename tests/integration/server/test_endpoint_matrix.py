"""The OpenAPI document and the running server cover every row of the endpoint matrix of the product contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from promptops.server import EmbeddedServer
from promptops.server.openapi import document

PREFIX: Final = "/v1/client"
MATRIX: Final = (
    ("latest prompt", "GET", "/prompts/{id}"),
    ("one version", "GET", "/prompts/{id}?version"),
    ("one version, by path", "GET", "/prompts/{id}/versions/{v}"),
    ("versions", "GET", "/prompts/{id}/versions"),
    ("list and search", "GET", "/prompts"),
    ("create", "POST", "/prompts"),
    ("update", "PUT", "/prompts/{id}"),
    ("delete", "DELETE", "/prompts/{id}"),
    ("delete of one version", "DELETE", "/prompts/{id}?version"),
    ("render", "POST", "/prompts/{id}/render"),
    ("model-specific", "GET", "/prompts/{id}/model/{provider}/{name}"),
    ("batch get", "POST", "/prompts/batch"),
    ("prompt by label", "GET", "/prompts/{id}?label"),
    ("model-specific by label", "GET", "/prompts/{id}/model/{provider}/{name}?label"),
    ("labels", "GET", "/prompts/{id}/labels"),
    ("move a label", "PUT", "/prompts/{id}/labels/{label}"),
    ("remove a label", "DELETE", "/prompts/{id}/labels/{label}"),
    ("history", "GET", "/prompts/{id}/history"),
    ("history of a label", "GET", "/prompts/{id}/history?label"),
    ("history up to a moment", "GET", "/prompts/{id}/history?until"),
    ("models", "GET", "/models"),
    ("models of a provider", "GET", "/models?provider"),
    ("models with a capability", "GET", "/models?capability"),
    ("compatibility", "POST", "/models/compatibility"),
    ("usage log", "POST", "/usage/log"),
    ("usage stats", "GET", "/usage/stats"),
    ("usage stats by granularity", "GET", "/usage/stats?granularity"),
    ("usage limits", "GET", "/usage/limits"),
    ("create an API key", "POST", "/auth/api-keys"),
    ("list API keys", "GET", "/auth/api-keys"),
    ("revoke an API key", "DELETE", "/auth/api-keys/{id}"),
    ("validate a key", "POST", "/auth/validate"),
    ("health", "GET", "/health"),
    ("telemetry", "POST", "/telemetry"),
)
"""Every row that has a route in the contract (experiments under ``/v1/ab-testing`` are postponed), by what it does, and
labels and history, which came later."""
WITHOUT_SCOPE: Final = {"/health", "/auth/validate"}
ROWS: Final = [pytest.param(method, path, id=name) for name, method, path in MATRIX]


def shape(path: str) -> str:
    """A path without the names of its parameters."""
    return re.sub(r"{[^}]*}", "{}", path)


def described(method: str, path: str) -> dict[str, Any]:
    """The operation of the document that answers a row."""
    plain, _, parameter = path.partition("?")
    found = [
        operations[method.lower()]
        for known, operations in document()["paths"].items()
        if shape(known) == PREFIX + shape(plain) and method.lower() in operations
    ]
    assert len(found) == 1, f"{method} {PREFIX}{path} is not in the document"
    operation: dict[str, Any] = found[0]
    if parameter:
        assert parameter in {each["name"] for each in operation["parameters"] if each["in"] == "query"}
    return operation


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with EmbeddedServer() as server, httpx.Client(base_url=server.url, verify=False) as made:
        yield made


@pytest.mark.parametrize(("method", "path"), ROWS)
def test_the_document_describes_every_row(method: str, path: str) -> None:
    operation = described(method, path)
    success = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
    name = success["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    envelope = document()["components"]["schemas"][name]
    assert set(envelope["required"]) == {"success", "data", "metadata"}
    assert ("requestBody" in operation) == (method in {"POST", "PUT"} and path != "/auth/validate")
    if path not in WITHOUT_SCOPE:
        assert operation["x-promptops-scope"]
    assert {"401", "403", "429", "500", "503"} <= set(operation["responses"])


@pytest.mark.parametrize(("method", "path"), ROWS)
def test_the_server_has_a_route_for_every_row(client: httpx.Client, method: str, path: str) -> None:
    plain = re.sub(r"{[^}]*}", "nowhere", path.partition("?")[0])
    answer = client.request(method, PREFIX + plain, json={} if method in {"POST", "PUT"} else None)
    assert answer.status_code < 500
    assert isinstance(answer.json()["success"], bool)
    assert answer.status_code != 405
    assert "no such route" not in answer.text


def test_every_route_of_the_family_is_a_row_or_known_to_be_more() -> None:
    rows = {(method, PREFIX + shape(path.partition("?")[0])) for _, method, path in MATRIX}
    more = {("GET", f"{PREFIX}/audit")}
    listed = {
        (method.upper(), shape(path))
        for path, operations in document()["paths"].items()
        for method in operations
        if path.startswith(PREFIX)
    }
    assert listed - more == rows
