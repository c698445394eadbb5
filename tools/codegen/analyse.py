"""A document becomes structs and aliases: which schema is what, and the type of every field."""

from __future__ import annotations

import json
from collections import deque
from typing import Any, TypeAlias

from tools.codegen import shapes
from tools.codegen.document import Direction, Document, Schema, as_schema
from tools.codegen.ir import (
    ANY,
    JSON_OBJECT,
    NONE,
    NOTHING,
    STR,
    Alias,
    Field,
    ListOf,
    MapOf,
    Module,
    Named,
    Scalar,
    Struct,
    TypeExpr,
)
from tools.codegen.names import class_name, class_names, field_name
from tools.codegen.unions import Unions

Directions: TypeAlias = frozenset[Direction]

_REQUEST: Directions = frozenset({"request"})
_RESPONSE: Directions = frozenset({"response"})
_SCALARS = {"integer": Scalar("int"), "number": Scalar("float"), "boolean": Scalar("bool"), "null": NONE}
_STRING_FORMATS = {"date-time": Scalar("datetime"), "date": Scalar("date")}


def analyse(document: Document) -> Module:
    """Everything that the document yields.

    Raises:
        CodegenError: A reference leads nowhere or out of the document.
    """
    return _Analysis(document).run()


class _Analysis:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._directions = document.directions()
        self._names = class_names(document.schemas)
        self._taken = set(self._names.values())
        self._module = Module(title=document.title)
        self._unions = Unions(self._module, self._taken)
        self._nullable: dict[str, bool] = {}
        self._pending: set[str] = set()
        self._queue: deque[tuple[Struct, Schema, Directions]] = deque()
        self._shared_enums = _shared_enums(document)

    def run(self) -> Module:
        for name in sorted(self._document.schemas):
            self._define(name)
        for label, direction, schema in self._document.inline_bodies():
            if shapes.is_struct(shapes.without_null(schema)[0]):
                self._expression(schema, label, frozenset({direction}))
        while self._queue:
            struct, schema, directions = self._queue.popleft()
            self._fill(struct, schema, directions)
        self._unions.finish()
        return self._module

    # --- schemas by name -----------------------------------------------------------------------------------------

    def _define(self, name: str) -> Named:
        python = self._names[name]
        if name in self._nullable or name in self._pending:
            return Named(python)
        schema = self._document.schemas[name]
        children = shapes.subtypes(self._document, name)
        if children:
            references = [{"$ref": f"#/components/schemas/{child}"} for child in children]
            schema = {"oneOf": references, "discriminator": schema["discriminator"], "description": _doc(schema)}
        shape, nullable = self._shape(schema)
        directions: Directions = frozenset(self._directions.get(name, ()))
        if "$ref" not in shape and shapes.is_struct(shape):
            self._nullable[name] = nullable
            self._struct(python, shape, directions)
            return Named(python)
        self._pending.add(name)
        if values := shapes.tag_values({"properties": {"value": shape}}, "value"):
            expression, more = self._enum(python, values, _doc(schema)), False
        else:
            expression, more = self._expression(shape, name, directions)
            doc = _doc(schema) + _known_keys(shape)
            self._module.aliases[python] = Alias(python, doc, expression)
        self._pending.discard(name)
        self._nullable[name] = nullable or more
        return Named(python)

    def _struct(self, python: str, shape: Schema, directions: Directions) -> Named:
        struct = Struct(python, _doc(shape))
        self._module.structs[python] = struct
        self._unions.shapes[python] = shape
        self._queue.append((struct, shape, directions))
        return Named(python)

    def _shape(self, schema: Schema) -> tuple[Schema, bool]:
        """Null taken apart and allOf merged, until nothing changes."""
        nullable = False
        while True:
            schema, found = shapes.without_null(schema)
            nullable = nullable or found
            if "allOf" not in schema or shapes.is_plain_wrapper(schema):
                break
            schema = shapes.merged(self._document, schema)
        if "allOf" in schema:
            inner = as_schema(schema["allOf"][0])
            rest = {key: value for key, value in schema.items() if key != "allOf"}
            inner_shape, found = self._shape(inner)
            return {**inner_shape, **rest}, nullable or found
        return schema, nullable

    # --- types ---------------------------------------------------------------------------------------------------

    def _expression(self, schema: Schema, context: str, directions: Directions) -> tuple[TypeExpr, bool]:
        """The type of a schema and whether null is one of its values."""
        schema, nullable = self._shape(schema)
        if "$ref" in schema:
            named, found = self._reference(str(schema["$ref"]))
            return named, nullable or found
        values = shapes.tag_values({"properties": {"value": schema}}, "value")
        if values:
            return self._inline_enum(values, context), nullable
        members = shapes.union_members(schema)
        if members:
            return self._union(schema, members, context, directions, nullable)
        types = shapes.types_of(schema)
        if len(types) > 1:
            parts = [self._expression({**schema, "type": name}, context, directions)[0] for name in types]
            return self._unions.unite(parts), nullable
        if shapes.is_struct(schema):
            python = class_name(context, self._taken)
            self._taken.add(python)
            return self._struct(python, schema, directions), nullable
        if shapes.is_object(schema):
            return self._map(schema, context, directions), nullable
        if types == ["array"]:
            return self._list(schema, context, directions), nullable
        if types == ["string"]:
            return _STRING_FORMATS.get(str(schema.get("format")), STR), nullable
        return (_SCALARS[types[0]] if types and types[0] in _SCALARS else ANY), nullable

    def _reference(self, reference: str) -> tuple[TypeExpr, bool]:
        name = self._document.component(reference)
        if name is None:
            # A reference into the middle of the document: what it points to gets a name of its own.
            words = [part for part in reference.split("/")[1:] if part not in {"components", "schemas", "properties"}]
            name = " ".join(words)
            if name not in self._names:
                self._document.schemas[name] = self._document.follow(reference)
                self._names[name] = class_name(name, self._taken)
                self._taken.add(self._names[name])
        if name in self._pending:
            return ANY, False  # an alias inside itself, which msgspec cannot express
        named = self._define(name)
        return named, self._nullable[name]

    def _union(
        self, schema: Schema, members: list[Schema], context: str, directions: Directions, nullable: bool
    ) -> tuple[TypeExpr, bool]:
        base = {key: schema[key] for key in ("type", "properties", "required") if key in schema}
        if "properties" in base:
            members = [{"allOf": [base, member]} for member in members]
        parts: list[TypeExpr] = []
        for number, member in enumerate(members, start=1):
            title = str(member.get("title") or number)
            part, found = self._expression(member, f"{context} {title}", directions)
            nullable = nullable or found
            parts.append(part)
        discriminator = schema.get("discriminator", {})
        mapping: dict[str, list[str]] = {}
        for tag, target in discriminator.get("mapping", {}).items():
            name = self._document.component(str(target)) or str(target)
            mapping.setdefault(self._names.get(name, name), []).append(str(tag))
        spelled = {python: raw for raw, python in self._names.items()}
        return self._unions.unite(parts, discriminator.get("propertyName"), mapping, spelled), nullable

    def _map(self, schema: Schema, context: str, directions: Directions) -> TypeExpr:
        more = as_schema(schema.get("additionalProperties", {}))
        if not more or schema.get("properties"):
            return JSON_OBJECT
        value, nullable = self._expression(more, f"{context} value", directions)
        return MapOf(self._unions.unite([value, NONE]) if nullable else value)

    def _list(self, schema: Schema, context: str, directions: Directions) -> TypeExpr:
        items = [*schema.get("prefixItems", []), *([schema["items"]] if "items" in schema else [])]
        parts: list[TypeExpr] = []
        for item in items:
            part, nullable = self._expression(as_schema(item), f"{context} item", directions)
            parts.extend([part, NONE] if nullable else [part])
        return ListOf(self._unions.unite(parts) if parts else ANY)

    def _inline_enum(self, values: list[str | int], context: str) -> TypeExpr:
        scalar = _enum_type(values)
        if len(values) == 1:
            return scalar
        *_, last = context.split(" ")
        key = (last, tuple(values))
        python = self._shared_enums.get(key)
        if python is None or (python in self._taken and f"{python}Known" not in self._taken):
            python = class_name(context, self._taken)
        if python not in self._module.aliases:
            self._taken.add(python)
            self._enum(python, values, "")
        return Named(python)

    def _enum(self, python: str, values: list[str | int], doc: str) -> TypeExpr:
        scalar = _enum_type(values)
        known = f"{python}Known"
        self._taken.add(known)
        note = f"Open: the values known today are in ``{known}``."
        self._module.aliases[known] = Alias(
            known, f"The values of :data:`{python}` known today.", scalar, tuple(values)
        )
        self._module.aliases[python] = Alias(python, f"{doc} {note}".strip(), scalar)
        return scalar

    # --- fields --------------------------------------------------------------------------------------------------

    def _fill(self, struct: Struct, schema: Schema, directions: Directions) -> None:
        required = set(schema.get("required", []))
        taken: set[str] = set()
        for wire, raw in shapes.properties_of(schema).items():
            name = field_name(wire, taken)
            taken.add(name)
            expression, nullable = self._expression(raw, f"{struct.name} {name}", directions)
            if expression == NONE:
                expression, nullable = ANY, True
            prop = self._annotations(raw)
            is_required = wire in required
            if prop.get("readOnly") is True and directions != _RESPONSE:
                is_required = False
            default = self._default(prop, expression, nullable=nullable, required=is_required)
            doc = _doc(prop)
            bounds = shapes.limits(prop) if directions == _REQUEST else ""
            if bounds:
                doc = f"{doc} {bounds[0].upper()}{bounds[1:]}.".strip()
            struct.fields.append(
                Field(
                    name=name,
                    wire=wire,
                    type=expression,
                    nullable=nullable and expression != ANY,
                    required=is_required,
                    default=default,
                    unset=not is_required and default is NOTHING,
                    doc=doc,
                )
            )
        # What a request leaves at its default stays off the wire, so that an older server with closed bodies takes it.
        struct.omit_defaults = directions == _REQUEST and not any(
            field.required and field.default is not NOTHING for field in struct.fields
        )

    def _annotations(self, raw: Schema) -> Schema:
        """The description, default and limits of a property; those of a named type stay with that type."""
        if "$ref" in raw:
            return {key: value for key, value in raw.items() if key != "$ref"}
        shape, _ = self._shape(raw)
        return shape

    def _default(self, prop: Schema, expression: TypeExpr, *, nullable: bool, required: bool) -> Any:
        if "const" in prop and required:
            return prop["const"]
        if required and len(prop.get("enum", [])) == 1:
            return prop["enum"][0]
        if "default" in prop:
            return prop["default"] if self._fits(prop["default"], expression, nullable=nullable) else NOTHING
        return None if required and nullable else NOTHING

    def _fits(self, value: Any, expression: TypeExpr, *, nullable: bool) -> bool:
        """Whether a default can be written as a literal of the field's type."""
        if value is None:
            return nullable or expression == ANY
        if isinstance(expression, Named):
            alias = self._module.aliases.get(expression.name)
            return alias is not None and self._fits(value, alias.type, nullable=False)
        if isinstance(expression, ListOf):
            return isinstance(value, list) and (not value or expression.item in {ANY, STR})
        if isinstance(expression, MapOf):
            return isinstance(value, dict) and (not value or expression.value in {ANY, STR})
        kinds: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}
        if isinstance(expression, Scalar) and expression.name in kinds:
            return isinstance(value, kinds[expression.name]) and (
                expression.name == "bool" or not isinstance(value, bool)
            )
        return expression == ANY


def _enum_type(values: list[str | int]) -> Scalar:
    if all(isinstance(value, str) for value in values):
        return STR
    return Scalar("int") if all(isinstance(value, int) for value in values) else ANY


def _doc(schema: Schema) -> str:
    return " ".join(str(schema.get("description") or "").split())


def _known_keys(schema: Schema) -> str:
    if not (shapes.is_object(schema) and shapes.is_open(schema)):
        return ""
    keys = ", ".join(f"``{name}``" for name in shapes.properties_of(schema))
    return f" An open object; the contract names {keys}." if keys else ""


def _shared_enums(document: Document) -> dict[tuple[str, tuple[str | int, ...]], str]:
    """Enums that several objects spell out under one property name get one short name."""
    users: dict[tuple[str, tuple[str | int, ...]], int] = {}
    for schema in document.schemas.values():
        properties = shapes.properties_of(shapes.merged(document, schema))
        for wire, raw in properties.items():
            shape = shapes.without_null(raw)[0]
            values = shapes.tag_values({"properties": {wire: shape}}, wire)
            if len(values) > 1:
                key = (field_name(wire), tuple(values))
                users[key] = users.get(key, 0) + 1
    names: dict[tuple[str, tuple[str | int, ...]], str] = {}
    for key in sorted((key for key, count in users.items() if count > 1), key=json.dumps):
        python = class_name(key[0])
        if python not in names.values():
            names[key] = python
    return names
