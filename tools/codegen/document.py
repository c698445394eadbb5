"""A document is read, and its references, both forms of nullable and allOf are put in one shape."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeGuard, cast

from tools.codegen.ir import CodegenError

Schema: TypeAlias = Mapping[str, Any]
Direction: TypeAlias = Literal["request", "response"]

_PREFIX = "#/components/schemas/"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class Document:
    """An OpenAPI document and what can be asked of it."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        version = str(content.get("openapi", ""))
        if not version.startswith(("3.0", "3.1")):
            raise CodegenError(f"expected an OpenAPI 3.0 or 3.1 document, got version {version or 'none'!r}")
        self._content = content
        self.title: str = str(content.get("info", {}).get("title", "")) or "an API"
        self.schemas: dict[str, Schema] = {
            name: as_schema(schema) for name, schema in content.get("components", {}).get("schemas", {}).items()
        }

    @classmethod
    def load(cls, path: Path) -> Document:
        """Read a JSON file.

        Raises:
            CodegenError: It is not JSON, or not OpenAPI 3.0 or 3.1.
        """
        try:
            content = json.loads(path.read_bytes())
        except ValueError as exc:
            raise CodegenError(f"{path} is not JSON: {exc}") from exc
        if not isinstance(content, dict):
            raise CodegenError(f"{path} is not an OpenAPI document")
        return cls(cast("dict[str, Any]", content))

    def component(self, reference: str) -> str | None:
        """The name of the schema that a reference points to, or None when it points elsewhere in the document."""
        name = _unescape(reference.removeprefix(_PREFIX))
        return name if reference.startswith(_PREFIX) and name in self.schemas else None

    def follow(self, reference: str) -> Schema:
        """The schema that a reference points to.

        Raises:
            CodegenError: It points to another file, or to nothing.
        """
        if not reference.startswith("#/"):
            raise CodegenError(f"{reference}: references to other files are not supported; bundle the document first")
        node: Any = self._content
        for part in reference[2:].split("/"):
            key = _unescape(part)
            try:
                node = node[key if type(node) is dict else int(key)]
            except (KeyError, IndexError, TypeError, ValueError):
                raise CodegenError(f"{reference} points to nothing in the document") from None
        return as_schema(node)

    def resolve(self, schema: Schema) -> Schema:
        """The schema itself, references followed; keywords beside a reference win over what it points to."""
        seen: set[str] = set()
        while "$ref" in schema:
            reference = str(schema["$ref"])
            if reference in seen:
                raise CodegenError(f"{reference} points to itself")
            seen.add(reference)
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self.follow(reference), **beside}
        return schema

    def inline_bodies(self) -> Iterator[tuple[str, Direction, Schema]]:
        """The JSON bodies of all operations: a name made from the operation, the direction, and the schema."""
        for path, item in sorted(self._content.get("paths", {}).items()):
            for method in _METHODS:
                operation = item.get(method)
                if operation is None:
                    continue
                name = str(operation.get("operationId") or f"{method} {path}")
                request = self.resolve(operation.get("requestBody", {}))
                for schema in _json_bodies(request):
                    yield f"{name} request", "request", schema
                for status, response in sorted(operation.get("responses", {}).items()):
                    suffix = "" if status in {"200", "201", "202"} else f" {status}"
                    for schema in _json_bodies(self.resolve(response)):
                        yield f"{name} response{suffix}", "response", schema

    def directions(self) -> dict[str, set[Direction]]:
        """Which schemas travel to the server, which from it, which both ways; unused ones are absent."""
        result: dict[str, set[Direction]] = {}
        for _, direction, schema in self.inline_bodies():
            pending: list[Any] = [schema]
            while pending:
                node = pending.pop()
                for reference in references(node):
                    name = self.component(reference)
                    if name is None:
                        pending.append(self.follow(reference))
                    elif direction not in result.setdefault(name, set()):
                        result[name].add(direction)
                        pending.append(self.schemas[name])
        return result


def as_schema(node: object) -> Schema:
    """A schema as a mapping: ``true`` is the empty one."""
    if isinstance(node, Mapping):
        return cast("Schema", node)
    if isinstance(node, bool):
        return {}
    raise CodegenError(f"expected a schema, got {node!r:.80}")


def references(node: Any) -> Iterator[str]:
    """Every reference inside, discriminator mappings included."""
    if isinstance(node, Mapping):
        for key, value in cast("Mapping[str, Any]", node).items():
            if key == "$ref" and isinstance(value, str):
                yield value
            elif key == "discriminator" and isinstance(value, Mapping):
                mapping = cast("Mapping[str, Any]", value).get("mapping", {})
                yield from (target for target in mapping.values() if str(target).startswith("#/"))
            elif key not in {"example", "examples", "default", "enum", "const"}:
                yield from references(value)
    elif _is_list(node):
        for value in node:
            yield from references(value)


def _is_list(node: object) -> TypeGuard[list[Any]]:
    return isinstance(node, list)


def _json_bodies(body: Mapping[str, Any]) -> Iterator[Schema]:
    for media_type, content in sorted(body.get("content", {}).items()):
        if "json" in media_type and "schema" in content:
            yield as_schema(content["schema"])


def _unescape(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
