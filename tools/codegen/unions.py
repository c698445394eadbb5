"""Unions that msgspec can decode: one type of a kind, objects told apart by a tag, and an arm for unknown tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tools.codegen import shapes
from tools.codegen.document import Schema
from tools.codegen.ir import (
    ANY,
    JSON_OBJECT,
    NONE,
    STR,
    ListOf,
    MapOf,
    Module,
    Named,
    Scalar,
    Struct,
    TypeExpr,
    UnionOf,
    UnknownArm,
)
from tools.codegen.names import class_name

_STRING_LIKE = frozenset({"str", "datetime", "date"})


@dataclass(frozen=True)
class _Variant:
    """A struct that stands for another one under a further tag."""

    base: str
    tag_field: str
    tag: str | int


class Unions:
    """Builds unions, and gives the structs in them their tags."""

    def __init__(self, module: Module, taken: set[str]) -> None:
        self._module = module
        self._taken = taken
        self.shapes: dict[str, Schema] = {}
        self._tags: dict[str, tuple[str, str | int]] = {}
        self._variants: dict[str, _Variant] = {}

    def unite(
        self,
        parts: Iterable[TypeExpr],
        discriminator: str | None = None,
        mapping: Mapping[str, list[str]] | None = None,
        spelled: Mapping[str, str] | None = None,
    ) -> TypeExpr:
        """One type for all parts.

        Args:
            parts: The alternatives; unions among them are flattened.
            discriminator: The property that the document names as the one that tells objects apart.
            mapping: Its values for each struct.
            spelled: The names of structs in the document, which are the implied values.
        """
        parts = list(parts)
        if len(parts) == 1 and not discriminator:
            return parts[0]
        members = list(dict.fromkeys(self._flatten(parts)))
        if ANY in members:
            return ANY
        if len(members) == 1 and not (discriminator and isinstance(members[0], Named)):
            return members[0]
        objects = [member for member in members if self._is_object(member)]
        lists = [member for member in members if isinstance(member, ListOf)]
        strings = [member for member in members if isinstance(member, Scalar) and member.name in _STRING_LIKE]
        result: list[TypeExpr] = []
        if objects:
            result.extend(self._objects(objects, discriminator, mapping or {}, spelled or {}))
        if lists:
            result.append(ListOf(self.unite([part.item for part in lists])))
        if strings:
            result.append(strings[0] if len(strings) == 1 else STR)
        # An integer is a number as well; one of them is enough.
        scalars = [
            member for member in members if isinstance(member, Scalar) and member.name in {"int", "float", "bool"}
        ]
        if Scalar("float") in scalars:
            scalars = [member for member in scalars if member.name != "int"]
        result.extend(scalars)
        if NONE in members:
            result.append(NONE)
        return result[0] if len(result) == 1 else UnionOf(tuple(result))

    def finish(self) -> None:
        """Write the tags and the further variants into the module, once all unions and fields are known."""
        for name, (tag_field, tag) in self._tags.items():
            struct = self._module.structs[name]
            struct.tag_field, struct.tag = tag_field, tag
        copies = {name: self._copy(name, variant) for name, variant in self._variants.items()}
        for name in self._tags:
            struct = self._module.structs[name]
            struct.fields = [field for field in struct.fields if field.wire != struct.tag_field]
        self._module.structs.update(copies)

    def _copy(self, name: str, variant: _Variant) -> Struct:
        base = self._module.structs[variant.base]
        fields = [replace(field) for field in base.fields if field.wire != variant.tag_field]
        return replace(base, name=name, fields=fields, tag_field=variant.tag_field, tag=variant.tag)

    def _flatten(self, parts: Iterable[TypeExpr]) -> Iterable[TypeExpr]:
        for part in parts:
            if isinstance(part, UnionOf):
                yield from self._flatten(part.members)
            elif isinstance(part, Named) and part.name in self._module.unknowns:
                continue
            elif isinstance(part, Named) and part.name in self._module.aliases:
                yield from self._flatten([self._module.aliases[part.name].type])
            else:
                yield part

    def _is_object(self, part: TypeExpr) -> bool:
        return isinstance(part, Named | MapOf)

    def _objects(
        self,
        objects: list[TypeExpr],
        discriminator: str | None,
        mapping: Mapping[str, list[str]],
        spelled: Mapping[str, str],
    ) -> list[TypeExpr]:
        structs = [member.name for member in objects if isinstance(member, Named)]
        if len(objects) == 1 and not discriminator:
            return objects
        if len(structs) < len(objects):
            return [JSON_OBJECT if structs else _one_map(objects)]
        tag_field = discriminator or self._common_tag(structs)
        if tag_field is None:
            return [JSON_OBJECT]
        tagged: dict[str | int, str] = {}
        for name in structs:
            values = self._values(name, tag_field, mapping)
            for value in values or [spelled.get(name, name)]:
                tagged.setdefault(value, name)
        if len({type(value) for value in tagged}) > 1:
            return [JSON_OBJECT]
        arms: list[TypeExpr] = [Named(self._under_tag(name, tag_field, value)) for value, name in tagged.items()]
        arms.append(Named(self._unknown(tag_field, is_int=isinstance(next(iter(tagged)), int))))
        return arms

    def _values(self, name: str, tag_field: str, mapping: Mapping[str, list[str]]) -> list[str | int]:
        if name in self._variants:
            return [self._variants[name].tag]
        if name in mapping:
            return [*mapping[name]]
        values = shapes.tag_values(self.shapes[name], tag_field)
        given = self._tags.get(name)
        return values or ([given[1]] if given is not None and given[0] == tag_field else [])

    def _common_tag(self, structs: list[str]) -> str | None:
        """The first property that every struct fixes, no two of them to the same value."""
        given = self._tags.get(structs[0])
        for wire in [*([given[0]] if given else []), *shapes.properties_of(self.shapes[structs[0]])]:
            values = [value for name in structs for value in self._values(name, wire, {})]
            fixed = all(self._values(name, wire, {}) for name in structs)
            if fixed and len(set(values)) == len(values):
                return wire
        return None

    def _under_tag(self, name: str, tag_field: str, tag: str | int) -> str:
        """The struct that decodes this tag: the one asked for, or a copy of it when it has a tag already."""
        if name in self._variants:
            if (self._variants[name].tag_field, self._variants[name].tag) == (tag_field, tag):
                return name
            name = self._variants[name].base
        # A struct that does not declare the property must not send it where it stands alone.
        declared = tag_field in shapes.properties_of(self.shapes[name])
        if declared and self._tags.setdefault(name, (tag_field, tag)) == (tag_field, tag):
            return name
        wanted = _Variant(name, tag_field, tag)
        for existing, variant in self._variants.items():
            if variant == wanted:
                return existing
        python = class_name(f"{name} {tag}", self._taken)
        self._taken.add(python)
        self._variants[python] = wanted
        self.shapes[python] = self.shapes[name]
        return python

    def _unknown(self, tag_field: str, *, is_int: bool) -> str:
        for name, arm in self._module.unknowns.items():
            if (arm.tag_field, arm.is_int) == (tag_field, is_int):
                return name
        python = class_name(f"Unknown {tag_field}", self._taken)
        self._taken.add(python)
        self._module.unknowns[python] = UnknownArm(python, tag_field, is_int)
        return python


def _one_map(maps: list[TypeExpr]) -> TypeExpr:
    return maps[0] if len(set(maps)) == 1 else JSON_OBJECT
