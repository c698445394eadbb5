"""From a JSON schema to one function; everything that is wrong with the schema is noted on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from promptops.core import _schema_checks as checks
from promptops.core._schema_values import (
    BOUNDS,
    TYPES,
    Check,
    Run,
    Stopped,
    bound_check,
    enum_check,
    is_array,
    is_integer,
    is_number,
    type_check,
)
from promptops.core.narrow import is_object

__all__ = ["Compiler", "invalid"]

_ANNOTATIONS: Final = frozenset(
    {"title", "description", "default", "examples", "format", "deprecated", "$schema", "$comment"}
)
_AT_THE_TOP: Final = frozenset({"$defs", "$id"})
_SUPPORTED: Final = frozenset(
    {
        *BOUNDS,
        *_ANNOTATIONS,
        *_AT_THE_TOP,
        "$ref",
        "additionalProperties",
        "allOf",
        "anyOf",
        "const",
        "enum",
        "items",
        "not",
        "oneOf",
        "prefixItems",
        "properties",
        "required",
        "type",
        "uniqueItems",
    }
)
_REASONS: Final = {
    "pattern": "regular expressions are not supported: one may take for ever; use enum, or check the text yourself",
    "patternProperties": "regular expressions are not supported; use additionalProperties",
    "definitions": "write $defs",
    "dependencies": "is of an older draft and not supported",
}
_MAX_DEPTH: Final = 64
_REF: Final = "#/$defs/"


class Compiler:
    """One pass over a schema, which notes everything that is wrong with it."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._defs: dict[str, Check] = {}
        self._known: frozenset[str] = frozenset()
        # Which definitions a definition applies to the same value; a circle among them would never end.
        self._same_value: dict[str, set[str]] = {}
        self._within = ""
        self.problems: list[dict[str, Any]] = []

    def root(self, schema: Any) -> Check:
        """The whole schema, its definitions first."""
        defs: Any = schema.get("$defs", {}) if is_object(schema) else {}
        if not is_object(defs):
            self._wrong(f"{self._field}.$defs", "must be an object of schemas")
            defs = {}
        self._known = frozenset(defs)
        for name, definition in defs.items():
            self._within = name
            self._defs[name] = self._schema(definition, f"{self._field}.$defs.{name}", 1, same=True)
        self._within = ""
        check = self._schema(schema, self._field, 0, same=True)
        for name in defs:
            if self._comes_back_to(name):
                self._wrong(f"{self._field}.$defs.{name}", "refers to itself without going deeper into the value")
        return check

    def _schema(self, schema: Any, field: str, depth: int, *, same: bool) -> Check:
        """One schema; ``same`` while it applies to the value of the definition that it stands in."""
        if isinstance(schema, bool):
            return checks.accept_all if schema else checks.refuse_all
        if not is_object(schema):
            self._wrong(field, "must be a schema: an object, true or false")
            return checks.accept_all
        if depth > _MAX_DEPTH:
            self._wrong(field, f"nested more than {_MAX_DEPTH} deep")
            return checks.accept_all
        for keyword in schema:
            if keyword not in _SUPPORTED:
                reason = _REASONS.get(keyword, "is not supported here")
                self._wrong(f"{field}.{keyword}", reason, "unsupported_keyword")
            elif keyword in _AT_THE_TOP and field != self._field:
                self._wrong(f"{field}.{keyword}", "is supported at the top of the schema only", "unsupported_keyword")

        def inner(keyword: str, value: Any, *, same: bool, place: str = "") -> Check:
            return self._schema(value, f"{field}.{keyword}{place}", depth + 1, same=same)

        found: list[Check] = []
        if "$ref" in schema and (check := self._reference(schema["$ref"], f"{field}.$ref", same=same)) is not None:
            found.append(check)
        self._values(schema, field, found)
        self._objects(schema, field, found, inner)
        self._arrays(schema, field, found, inner)
        for keyword, make in (("allOf", checks.all_checks), ("anyOf", checks.any_check), ("oneOf", checks.one_check)):
            if keyword in schema:
                branches = schema[keyword]
                if not is_array(branches) or not branches:
                    self._wrong(f"{field}.{keyword}", "must be a list of at least one schema")
                    continue
                found.append(
                    make([inner(keyword, item, same=same, place=f"[{index}]") for index, item in enumerate(branches)])
                )
        if "not" in schema:
            found.append(checks.not_check(inner("not", schema["not"], same=same)))
        return checks.all_checks(found) if found else checks.accept_all

    def _reference(self, target: Any, field: str, *, same: bool) -> Check | None:
        name = target.removeprefix(_REF) if isinstance(target, str) and target.startswith(_REF) else None
        name = name.replace("~1", "/").replace("~0", "~") if name is not None else None
        if name is None or name not in self._known:
            self._wrong(field, f"must name a definition of this schema, as {_REF}NAME; nothing is fetched")
            return None
        if same and self._within:
            self._same_value.setdefault(self._within, set()).add(name)
        defs = self._defs

        def check(value: Any, run: Run, depth: int) -> None:
            run.step(depth)
            defs[name](value, run, depth)

        return check

    def _values(self, schema: dict[str, Any], field: str, found: list[Check]) -> None:
        if "type" in schema:
            names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
            if is_array(names) and names and all(isinstance(name, str) and name in TYPES for name in names):
                found.append(type_check(names))
            else:
                self._wrong(f"{field}.type", f"must be one or several of {', '.join(TYPES)}")
        for keyword in ("const", "enum"):
            if keyword in schema:
                values = [schema[keyword]] if keyword == "const" else schema[keyword]
                try:
                    if not is_array(values):
                        self._wrong(f"{field}.{keyword}", "must be a list of values")
                    else:
                        found.append(enum_check(values))
                except Stopped as stopped:
                    self._wrong(f"{field}.{keyword}", stopped.reason)
        for keyword, (kind, *_) in BOUNDS.items():
            if keyword in schema:
                bound = schema[keyword]
                if usable(keyword, bound):
                    found.append(bound_check(keyword, bound))
                else:
                    above = "above 0" if keyword == "multipleOf" else ""
                    wanted = f"number {above}".strip() if kind == "number" else "whole number from 0"
                    self._wrong(f"{field}.{keyword}", f"must be a {wanted}")

    def _objects(self, schema: dict[str, Any], field: str, found: list[Check], inner: Callable[..., Check]) -> None:
        if not schema.keys() & {"properties", "required", "additionalProperties"}:
            return
        properties: dict[str, Check] = {}
        required: list[str] = []
        given = schema.get("properties", {})
        if is_object(given):
            properties = {name: inner("properties", item, same=False, place=f".{name}") for name, item in given.items()}
        else:
            self._wrong(f"{field}.properties", "must be an object of schemas")
        names = schema.get("required", [])
        if is_array(names) and all(isinstance(name, str) for name in names):
            required = list(dict.fromkeys(names))
        else:
            self._wrong(f"{field}.required", "must be a list of names")
        others = None
        if "additionalProperties" in schema:
            others = inner("additionalProperties", schema["additionalProperties"], same=False)
        found.append(checks.object_check(properties, required, others))

    def _arrays(self, schema: dict[str, Any], field: str, found: list[Check], inner: Callable[..., Check]) -> None:
        first: list[Check] = []
        given = schema.get("prefixItems", [])
        if is_array(given):
            first = [inner("prefixItems", item, same=False, place=f"[{index}]") for index, item in enumerate(given)]
        else:
            self._wrong(f"{field}.prefixItems", "must be a list of schemas")
        others = None
        if is_array(schema.get("items")):
            self._wrong(f"{field}.items", "must be one schema; a list of schemas is called prefixItems")
        elif "items" in schema:
            others = inner("items", schema["items"], same=False)
        if first or others is not None:
            found.append(checks.array_check(first, others))
        unique = schema.get("uniqueItems", False)
        if not isinstance(unique, bool):
            self._wrong(f"{field}.uniqueItems", "must be true or false")
        elif unique:
            found.append(checks.unique_check)

    def _comes_back_to(self, name: str) -> bool:
        seen: set[str] = set()
        ahead = list(self._same_value.get(name, ()))
        while ahead:
            current = ahead.pop()
            if current == name:
                return True
            if current not in seen:
                seen.add(current)
                ahead += self._same_value.get(current, ())
        return False

    def _wrong(self, field: str, reason: str, code: str = "invalid_schema") -> None:
        self.problems.append(invalid(field, reason, code))


def invalid(field: str, message: str, code: str = "invalid_schema") -> dict[str, Any]:
    """One entry of ``validation_errors``."""
    return {"field": field, "message": message, "code": code}


def usable(keyword: str, bound: object) -> bool:
    """Whether the value of a limiting keyword is one that it can have."""
    if BOUNDS[keyword][0] != "number":
        return is_integer(bound) and bound >= 0
    return is_number(bound) and (keyword != "multipleOf" or bound > 0)
