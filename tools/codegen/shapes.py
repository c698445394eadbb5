"""One schema at a time: null is taken apart, allOf is merged, and the kind of what remains is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from tools.codegen.document import Document, Schema, as_schema

_ANNOTATIONS = frozenset(
    {"title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly", "nullable"}
)


def types_of(schema: Schema) -> list[str]:
    """The JSON types that a schema names, none when it names none."""
    named = schema.get("type")
    if named is None:
        return []
    return [named] if isinstance(named, str) else list(named)


def without_null(schema: Schema) -> tuple[Schema, bool]:
    """The schema of the values that are not null, and whether null is one; knows the forms of 3.0 and of 3.1."""
    rest = dict(schema)
    nullable = rest.pop("nullable", False) is True
    types = types_of(rest)
    if "null" in types and len(types) > 1:
        nullable = True
        left = [name for name in types if name != "null"]
        rest["type"] = left[0] if len(left) == 1 else left
    if isinstance(rest.get("enum"), list) and None in rest["enum"]:
        nullable = True
        rest["enum"] = [value for value in rest["enum"] if value is not None]
    for keyword in ("oneOf", "anyOf"):
        if keyword not in rest:
            continue
        members = [as_schema(member) for member in rest[keyword]]
        left_members = [member for member in members if not _is_null(member)]
        if len(left_members) < len(members):
            nullable = True
            rest[keyword] = left_members
        if len(left_members) == 1:
            del rest[keyword]
            inner, inner_nullable = without_null(left_members[0])
            nullable = nullable or inner_nullable
            rest = {**inner, **rest} if set(rest) <= _ANNOTATIONS else {"allOf": [inner, rest]}
    return rest, nullable


def _is_null(schema: Schema) -> bool:
    return (
        types_of(schema) == ["null"] or schema.get("enum") == [None] or ("const" in schema and schema["const"] is None)
    )


def merged(document: Document, schema: Schema, seen: frozenset[str] = frozenset()) -> Schema:
    """The schema with every ``allOf`` member folded in; what is said outside wins over what is said inside."""
    if "allOf" not in schema:
        return schema
    result: dict[str, Any] = {}
    outside = {key: value for key, value in schema.items() if key != "allOf"}
    for raw in [*schema["allOf"], outside]:
        member = as_schema(raw)
        reference = member.get("$ref")
        if isinstance(reference, str):
            if reference in seen:
                continue
            member = document.resolve(member)
            # A base that lists its subtypes must not make unions of them again.
            member = {
                key: value for key, value in member.items() if key not in {"discriminator", "description", "title"}
            }
            part = merged(document, member, seen | {reference})
        else:
            part = merged(document, member, seen)
        _fold(result, part)
    return result


def _fold(result: dict[str, Any], part: Schema) -> None:
    for key, value in part.items():
        if key == "properties" and key in result:
            properties = dict(result[key])
            for name, schema in value.items():
                properties[name] = _narrowed(properties[name], schema) if name in properties else schema
            result[key] = properties
        elif key == "required" and key in result:
            result[key] = [*result[key], *(name for name in value if name not in result[key])]
        elif key in {"oneOf", "anyOf"} and key in result:
            # Two unions in one allOf: keep the first; the second narrows it, and clients are liberal.
            continue
        elif key == "additionalProperties" and value is False:
            continue
        else:
            result[key] = value


def _narrowed(first: object, second: object) -> Schema:
    first, second = as_schema(first), as_schema(second)
    if "$ref" in second or "$ref" in first:
        return second if set(second) - _ANNOTATIONS else {**first, **second}
    return {**first, **second}


def properties_of(schema: Schema) -> dict[str, Schema]:
    """The properties of an object schema, in order."""
    properties = cast("Mapping[str, Any]", schema.get("properties", {}))
    return {name: as_schema(value) for name, value in properties.items()}


def is_object(schema: Schema) -> bool:
    """Whether the values are JSON objects."""
    types = types_of(schema)
    return types == ["object"] or (not types and ("properties" in schema or "additionalProperties" in schema))


def is_open(schema: Schema) -> bool:
    """Whether an object says in so many words that it carries more than its properties."""
    more = schema.get("additionalProperties", False)
    return more is True or isinstance(more, Mapping)


def is_struct(schema: Schema) -> bool:
    """Whether an object has a fixed set of known properties."""
    if union_members(schema):
        return False
    if not is_object(schema) or is_open(schema):
        return False
    return bool(schema.get("properties")) or schema.get("additionalProperties") is False


def union_members(schema: Schema) -> list[Schema]:
    """The alternatives of a schema; those that only say which properties are required are none."""
    members = [as_schema(member) for keyword in ("oneOf", "anyOf") for member in schema.get(keyword, [])]
    if all(set(member) <= {"required", "not", *_ANNOTATIONS} for member in members):
        return []
    return members


def is_plain_wrapper(schema: Schema) -> bool:
    """Whether ``allOf`` only decorates one schema with a description, a default or nullability."""
    return len(schema.get("allOf", [])) == 1 and set(schema) <= {"allOf", *_ANNOTATIONS}


def subtypes(document: Document, name: str) -> list[str]:
    """The schemas that build on this one by ``allOf``, when it has a discriminator and lists no alternatives itself."""
    schema = document.schemas[name]
    if "discriminator" not in schema or union_members(schema):
        return []
    return [
        other
        for other, candidate in sorted(document.schemas.items())
        if any(document.component(str(part.get("$ref", ""))) == name for part in candidate.get("allOf", []))
    ]


def tag_values(schema: Schema, wire: str) -> list[str | int]:
    """The values that a property is fixed to, none when it is free."""
    prop = properties_of(schema).get(wire, {})
    if "const" in prop:
        values: list[Any] = [prop["const"]]
    else:
        values = list(prop.get("enum", []))
    usable = [value for value in values if isinstance(value, str | int) and not isinstance(value, bool)]
    return usable if len(usable) == len(values) else []


def limits(schema: Schema) -> str:
    """The constraints of a schema in words, for a docstring."""
    schema = without_null(schema)[0]
    found = [
        _bounds(schema.get("minLength"), schema.get("maxLength"), " characters"),
        _bounds(schema.get("minItems"), schema.get("maxItems"), " items"),
        _bounds(schema.get("minimum"), schema.get("maximum"), ""),
    ]
    return ", ".join(part for part in found if part)


def _bounds(low: float | None, high: float | None, unit: str) -> str:
    if low is not None and high is not None:
        return f"{low:,} to {high:,}{unit}"
    if high is not None:
        return f"at most {high:,}{unit}"
    return f"at least {low:,}{unit}" if low is not None else ""
