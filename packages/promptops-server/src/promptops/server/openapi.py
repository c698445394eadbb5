"""The OpenAPI document of the server, made from its routes: the same routes give the same bytes.

The components are msgspec's own JSON schemas of the wire structs (the framework's generator knows neither ``UNSET``
nor closed structs as msgspec has them), and their names are the names of the structs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from promptops.server._version import __version__
from promptops.server.operations import Operation, operation_of
from promptops.server.routes import HANDLERS
from promptops.server.wire import ErrorEnvelope, Problem

if TYPE_CHECKING:
    from msgspec import Struct

__all__ = ["document", "operations"]

_TEMPLATE: Final = "#/components/schemas/{name}"
_PARAMETER: Final = re.compile(r"{(\w+):\w+}")
_REASONS: Final = {
    400: "The query or the path is invalid",
    401: "A valid key is required",
    403: "The key lacks the scope",
    404: "There is no such thing in the projects of the key",
    409: "The name is taken, or the thing changed meanwhile",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "The request is invalid",
    429: "Slow down",
    500: "The server failed",
    503: "The server cannot answer now",
}
_ALWAYS: Final = (401, 403, 429, 500, 503)


def operations() -> list[Operation]:
    """Every operation that the server has, ordered by path and method."""
    found = [facts for handler in HANDLERS if (facts := operation_of(handler)) is not None]
    return sorted(found, key=lambda facts: (facts.path, facts.method))


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    all_operations = operations()
    roots: set[type[Struct]] = {ErrorEnvelope, Problem}
    for facts in all_operations:
        roots.update(kind for kind in (facts.body, facts.response) if kind is not None)
    ordered = sorted(roots, key=lambda kind: kind.__name__)
    _, components = msgspec.json.schema_components(ordered, ref_template=_TEMPLATE)
    paths: dict[str, dict[str, Any]] = {}
    for facts in all_operations:
        paths.setdefault(_PARAMETER.sub(r"{\1}", facts.path), {})[facts.method.lower()] = _operation(facts)
    tags = sorted({facts.tag for facts in all_operations})
    return {
        "openapi": "3.1.0",
        "info": {"title": "PromptOps", "version": __version__, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "security": [{"bearerAuth": []}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": {name: components[name] for name in sorted(components)},
            "securitySchemes": {"bearerAuth": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(facts: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {"operationId": facts.id, "tags": [facts.tag], "summary": facts.summary}
    if facts.scope is not None:
        described["x-promptops-scope"] = str(facts.scope)
    if facts.or_scope is not None:
        described["x-promptops-or-scope"] = str(facts.or_scope)
    if not facts.needs_key:
        described["security"] = [{"bearerAuth": []}, {}]
    parameters = [*_path_parameters(facts), *_query_parameters(facts), *_header_parameters(facts)]
    if parameters:
        described["parameters"] = parameters
    if facts.body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(facts.body)}}}
    described["responses"] = _responses(facts)
    return described


def _ref(kind: type[Struct]) -> dict[str, str]:
    return {"$ref": _TEMPLATE.format(name=kind.__name__)}


def _path_parameters(facts: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(facts.path)
    ]


def _query_parameters(facts: Operation) -> list[dict[str, Any]]:
    (reference,), components = msgspec.json.schema_components([facts.query])
    schema = components[reference["$ref"].rpartition("/")[2]]
    required: list[str] = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(declared)}
        for name, declared in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is absent rather than null."""
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    plain = {name: value for name, value in schema.items() if not (name == "default" and value is None)}
    if len(options) == 1:
        plain.pop("anyOf")
        return {**options[0], **plain}
    return plain


def _header_parameters(facts: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in facts.headers
    ]


def _responses(facts: Operation) -> dict[str, Any]:
    answered: dict[str, Any] = {"description": "Success"}
    if facts.response is not None:
        answered["content"] = {"application/json": {"schema": _ref(facts.response)}}
    answers: dict[str, Any] = {str(facts.status): answered}
    if any(name == "If-None-Match" for name, _ in facts.headers):
        answers["304"] = {"description": "Not modified"}
    if facts.path.startswith("/v1"):
        content = {"application/json": {"schema": _ref(ErrorEnvelope)}}
    else:
        content = {"application/problem+json": {"schema": _ref(Problem)}}
    body_errors = (413, 415) if facts.body is not None else ()
    for status in sorted({*_ALWAYS, *facts.errors, *body_errors}):
        answers[str(status)] = {"description": _REASONS[status], "content": content}
        if status in {429, 503}:
            answers[str(status)]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
        if status == 429:
            answers[str(status)]["headers"]["retry-after-ms"] = {"schema": {"type": "integer"}}
    return answers
