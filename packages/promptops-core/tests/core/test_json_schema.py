"""The JSON Schema subset: what it checks, what it refuses, and that it agrees with an independent implementation."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from promptops.core.errors import ValidationError
from promptops.core.json_schema import Violation, compile_object_schema, compile_schema

USER: dict[str, Any] = {
    "type": "object",
    "title": "A user",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "age": {"type": "integer", "minimum": 0},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
    },
    "required": ["name"],
    "additionalProperties": False,
}


def found(schema: Any, value: Any) -> list[tuple[str, str]]:
    return [(item.path, item.code) for item in compile_schema(schema).check(value)]


def test_a_value_that_meets_the_schema_has_no_violations() -> None:
    assert compile_schema(USER).check({"name": "Ada", "age": 36, "tags": ["a"]}) == []


def test_every_violation_is_named_with_its_path() -> None:
    schema = {"type": "object", "properties": {"user": USER, "users": {"type": "array", "items": USER}}}
    value = {"user": {"age": "36", "tags": ["a", 1]}, "users": [{"name": "Ada"}, {"name": "", "color": 1}]}
    assert found(schema, value) == [
        ("user.name", "required"),
        ("user.age", "wrong_type"),
        ("user.tags[1]", "wrong_type"),
        ("users[1].name", "too_short"),
        ("users[1].color", "unknown_property"),
    ]


def test_messages_name_types_and_never_the_value() -> None:
    [violation] = compile_schema(USER).check({"name": "Ada", "age": "top secret"})
    assert violation == Violation(path="age", message="expected integer, got string", code="wrong_type")


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer"}, 1, True),
        ({"type": "integer"}, 1.0, 1.5),
        ({"type": "number"}, 1, False),
        ({"type": ["string", "null"]}, None, 0),
        ({"const": 1}, 1.0, True),
        ({"enum": ["a", 1, None]}, None, "b"),
        ({"multipleOf": 0.1}, 0.3, 0.35),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5, 1),
        ({"minLength": 2, "maxLength": 2}, "é😀", "é😀x"),
        ({"uniqueItems": True}, [1, True, "1"], [1, 1.0]),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"a": 2}], [{"a": 1, "b": 2}, {"b": 2, "a": 1}]),
        ({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}, ["a", 1], ["a", "b"]),
        ({"prefixItems": [True], "items": False}, [1], [1, 2]),
        ({"minProperties": 1, "maxProperties": 1}, {"a": 1}, {}),
        ({"additionalProperties": {"type": "integer"}}, {"a": 1}, {"a": "1"}),
        ({"anyOf": [{"type": "string"}, {"minimum": 3}]}, 3, 2),
        ({"oneOf": [{"minimum": 1}, {"maximum": 5}]}, 6, 3),
        ({"allOf": [{"minimum": 1}, {"maximum": 5}]}, 3, 6),
        ({"not": {"type": "string"}}, 1, "a"),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "string"}}}, "a", 1),
        (False, None, None),
    ],
)
def test_each_keyword_decides(schema: Any, good: Any, bad: Any) -> None:
    if schema is not False:
        assert found(schema, good) == []
    assert found(schema, bad)


def test_of_alternatives_only_one_of_which_fits_the_type_that_one_is_explained() -> None:
    schema = {"anyOf": [{"type": "null"}, USER]}
    assert found(schema, {"name": "Ada", "age": "x"}) == [("age", "wrong_type")]
    assert found(schema, 7) == [("", "no_match")]


def test_a_schema_may_refer_to_itself_one_level_deeper() -> None:
    tree = {
        "$defs": {"node": {"type": "object", "properties": {"children": {"items": {"$ref": "#/$defs/node"}}}}},
        "$ref": "#/$defs/node",
    }
    assert found(tree, {"children": [{"children": [{"children": []}]}]}) == []
    assert found(tree, {"children": [{"children": [3]}]}) == [("children[0].children[0]", "wrong_type")]


REFUSED: list[tuple[Any, str, str]] = [
    ({"properties": {"a": {"pattern": "^a"}}}, "variables_schema.properties.a.pattern", "unsupported_keyword"),
    ({"patternProperties": {}}, "variables_schema.patternProperties", "unsupported_keyword"),
    ({"anyOf": [True, {"if": {}}]}, "variables_schema.anyOf[1].if", "unsupported_keyword"),
    ({"$ref": "https://example.com/schema"}, "variables_schema.$ref", "invalid_schema"),
    ({"$ref": "#/$defs/none"}, "variables_schema.$ref", "invalid_schema"),
    ({"items": [{}]}, "variables_schema.items", "invalid_schema"),
    ({"type": "text"}, "variables_schema.type", "invalid_schema"),
    ({"type": []}, "variables_schema.type", "invalid_schema"),
    ({"minLength": -1}, "variables_schema.minLength", "invalid_schema"),
    ({"multipleOf": 0}, "variables_schema.multipleOf", "invalid_schema"),
    ({"maximum": True}, "variables_schema.maximum", "invalid_schema"),
    ({"required": "name"}, "variables_schema.required", "invalid_schema"),
    ({"enum": {}}, "variables_schema.enum", "invalid_schema"),
    ({"uniqueItems": 1}, "variables_schema.uniqueItems", "invalid_schema"),
    ({"allOf": []}, "variables_schema.allOf", "invalid_schema"),
    ({"properties": {"a": 1}}, "variables_schema.properties.a", "invalid_schema"),
    ({"properties": {"a": {"$defs": {}}}}, "variables_schema.properties.a.$defs", "unsupported_keyword"),
    ({"$defs": {"a": {"$ref": "#/$defs/a"}}}, "variables_schema.$defs.a", "invalid_schema"),
    (
        {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}},
        "variables_schema.$defs.a",
        "invalid_schema",
    ),
    ([], "variables_schema", "invalid_schema"),
    ({"const": {1, 2}, "x": object()}, "variables_schema", "invalid_schema"),
]


@pytest.mark.parametrize(("schema", "field", "code"), REFUSED)
def test_what_it_cannot_check_is_refused_with_the_path(schema: Any, field: str, code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        compile_schema(schema)
    assert caught.value.validation_errors[0]["field"] == field
    assert caught.value.validation_errors[0]["code"] == code
    assert field in str(caught.value)


def test_everything_that_is_wrong_with_a_schema_is_said_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        compile_schema({"properties": {"a": {"type": 1}, "b": {"pattern": "x"}}, "if": True}, field="schema")
    fields = {item["field"] for item in caught.value.validation_errors}
    assert fields == {"schema.if", "schema.properties.a.type", "schema.properties.b.pattern"}


def test_annotations_change_nothing() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.com/x",
        "$comment": "c",
        "description": "d",
        "default": "x",
        "examples": [1],
        "format": "email",
        "deprecated": True,
        "type": "integer",
    }
    assert found(schema, 1) == []


def test_a_schema_is_compiled_once_and_keeps_what_it_said() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"once": {"type": "string"}}}
    compiled = compile_schema(schema)
    assert compile_schema({**schema}) is compiled
    schema["properties"]["once"] = False
    assert compiled.check({"once": "a"}) == []


def test_at_most_a_hundred_violations_are_named() -> None:
    assert len(compile_schema({"items": {"type": "string"}}).check([1] * 5000)) == 100


def test_a_costly_schema_stops() -> None:
    branch = {"items": {"$ref": "#/$defs/a"}}
    schema = {"$defs": {"a": {"oneOf": [branch, branch, {"type": "string"}]}}, "$ref": "#/$defs/a"}
    value: Any = 1
    for _ in range(40):
        value = [value]
    started = time.thread_time()
    assert found(schema, value) == [("", "too_complex")]
    assert time.thread_time() - started < 5


def test_a_value_that_is_too_deep_is_a_violation() -> None:
    schema = {"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}
    value: Any = []
    for _ in range(500):
        value = [value]
    assert found(schema, value) == [("", "too_deep")]


def test_importing_it_loads_no_regular_expression_or_schema_library() -> None:
    code = "import sys; import promptops.core.json_schema; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"jsonschema", "fractions", "referencing", "httpx"} & set(done.stdout.split())


# The oracle. Names and numbers are few, so that schemas and values meet.
names = st.sampled_from(["a", "b", "c"])
numbers = st.one_of(st.integers(-4, 4), st.sampled_from([-1.0, 0.0, 0.5, 1.5, 2.0]))
scalars = st.one_of(st.none(), st.booleans(), numbers, st.text("ab", max_size=3))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)
types = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
sizes = st.integers(0, 3)
LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "type": types | st.lists(types, min_size=1, max_size=3, unique=True),
    "const": values,
    "enum": st.lists(values, min_size=1, max_size=3),
    "required": st.lists(names, max_size=2, unique=True),
    "uniqueItems": st.booleans(),
    "multipleOf": st.sampled_from([1, 2, 3, 0.5]),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), numbers),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), sizes),
    "title": st.just("x"),
    "format": st.just("email"),
}


def of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3)
    nested = {
        "properties": st.dictionaries(names, inner, max_size=3),
        "additionalProperties": inner,
        "items": inner,
        "prefixItems": some,
        "anyOf": some,
        "allOf": some,
        "oneOf": some,
        "not": inner,
    }
    return st.fixed_dictionaries({}, optional={**nested, "type": LEAVES["type"], "required": LEAVES["required"]})


leaf = st.booleans() | st.dictionaries(st.sampled_from(sorted(LEAVES)), st.none(), min_size=1, max_size=2).flatmap(
    lambda chosen: st.fixed_dictionaries({name: LEAVES[name] for name in chosen})
)
reference = st.fixed_dictionaries({"$ref": st.sampled_from(["#/$defs/a", "#/$defs/b"])})
schemas = st.recursive(leaf, of, max_leaves=6)
# References stand one level deeper than the definition, so no definition comes back to itself.
definition = st.fixed_dictionaries({}, optional={"items": reference, "additionalProperties": reference, "not": leaf})
whole = st.tuples(st.recursive(leaf | reference, of, max_leaves=6), definition, definition).map(
    lambda drawn: (
        {**(drawn[0] if isinstance(drawn[0], dict) else {"allOf": [drawn[0]]}), "$defs": {"a": drawn[1], "b": drawn[2]}}
    )
)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schema=schemas | whole, value=values)
def test_the_verdict_is_that_of_an_independent_implementation(schema: Any, value: Any) -> None:
    oracle: Any = jsonschema.Draft202012Validator(schema)
    expected = oracle.is_valid(value)
    assert (compile_schema(schema).check(value) == []) == expected


@pytest.mark.parametrize("kinds", ["string", ["null", "array"], []])
def test_a_schema_of_objects_says_so_or_says_nothing(kinds: Any) -> None:
    for fine in ({}, {"type": "object"}, {"type": ["null", "object"]}, {"properties": {"a": {"type": "string"}}}):
        assert compile_object_schema(fine).check({"a": "x"}) == []
    with pytest.raises(ValidationError) as caught:
        compile_object_schema({"type": kinds}, field="here")
    assert caught.value.validation_errors[0]["field"] == "here.type"
