"""From the JSON schema of a variable to its Python type, with the classes and aliases that it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeGuard, cast

import msgspec
from promptops.prompts._codegen_names import class_name, is_field_name
from promptops.prompts._codegen_text import docstring, literal, prose

__all__ = ["Types"]

_PLAIN: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_LONGEST_INLINE: Final = 44
_DEEPEST: Final = 16

Words = tuple[str, ...]


class _Union(msgspec.Struct, frozen=True):
    """A type as the values and the types that it is one of."""

    choices: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    @staticmethod
    def of(members: Iterable[_Union]) -> _Union:
        """All of them together, each named once; beside ``Value`` the others say nothing."""
        found = list(members)
        types = tuple(dict.fromkeys(name for member in found for name in member.types))
        if "Value" in types:
            return _Union(types=("Value",))
        return _Union(tuple(dict.fromkeys(choice for member in found for choice in member.choices)), types)


class Types:
    """The types that the variables of one prompt need.

    Args:
        schema: The schema of all its variables, which ``$ref`` points into.
        prompt: The name that the names of its types begin with.
        taken: The names that are in use; those that are made here are added.

    Attributes:
        blocks: The definitions, in the order in which they must be written.
        used: What the annotations need imported.
    """

    def __init__(self, schema: Mapping[str, Any], *, prompt: str, taken: set[str]) -> None:
        self.blocks: list[str] = []
        self.used: set[str] = set()
        self._root = schema
        self._prompt = prompt
        self._taken = taken
        self._references: dict[str, _Union] = {}

    def annotation(self, schema: Any, variable: str) -> str:
        """The type of the values of a variable; what has to be defined for it is named after it."""
        words = (self._prompt, variable)
        return self._joined(self._members(schema, words), words)

    def _need(self, name: str) -> str:
        self.used.add(name)
        return name

    def _anything(self) -> _Union:
        return _Union(types=(self._need("Value"),))

    def _name(self, words: Words) -> str:
        name = class_name(words, self._taken)
        self._taken.add(name)
        return name

    def _members(self, schema: Any, words: Words) -> _Union:
        if not isinstance(schema, Mapping) or len(words) > _DEEPEST:
            return self._anything()
        rule = cast("Mapping[str, Any]", schema)
        if isinstance(reference := rule.get("$ref"), str):
            return self._referred(reference)
        if "const" in rule:
            return self._one_of([rule["const"]])
        if values := _list(rule.get("enum")):
            return self._one_of(values)
        if options := _list(rule.get("anyOf", rule.get("oneOf"))):
            return self._any_of(options, words)
        kind = rule.get("type", "object" if "properties" in rule else "array" if "items" in rule else None)
        if kinds := _list(kind):
            return self._any_of([{**rule, "type": one} for one in kinds], words)
        if kind == "array":
            return _Union(types=(f"{self._need('Array')}[{self._inside(rule.get('items'), (*words, 'item'))}]",))
        if kind == "object":
            return _Union(types=(self._object(rule, words),))
        return _Union(types=(_PLAIN[kind],)) if isinstance(kind, str) and kind in _PLAIN else self._anything()

    def _inside(self, schema: Any, words: Words) -> str:
        return self._joined(self._members(schema, words), words)

    def _referred(self, reference: str) -> _Union:
        """What a ``$ref`` means, worked out once; a type that holds itself ends in ``Value``."""
        if reference not in self._references:
            self._references[reference] = self._anything()
            words = (self._prompt, reference.rsplit("/", 1)[-1])
            self._references[reference] = self._members(_resolved(reference, self._root), words)
        return self._references[reference]

    def _any_of(self, options: list[Any], words: Words) -> _Union:
        return _Union.of(self._members(option, words) for option in options)

    def _one_of(self, values: list[Any]) -> _Union:
        if all(value is None or isinstance(value, str | int) for value in values):
            self._need("Literal")
            return _Union(choices=tuple(literal(value) for value in values))
        return _Union(types=("float",)) if all(isinstance(value, float) for value in values) else self._anything()

    def _object(self, rule: Mapping[str, Any], words: Words) -> str:
        properties, others = rule.get("properties"), rule.get("additionalProperties")
        if not isinstance(properties, Mapping) or not properties or isinstance(others, Mapping):
            value = self._inside(None if properties else others, (*words, "value"))
            return f"{self._need('Mapping')}[str, {value}]"
        needed = [key for key in _list(rule.get("required")) if isinstance(key, str)]
        fields: dict[str, str] = {}
        for key, below in sorted({**dict.fromkeys(needed), **cast("Mapping[str, Any]", properties)}.items()):
            annotation = self._inside(below, (*words, key))
            fields[key] = annotation if key in needed else f"{self._need('NotRequired')}[{annotation}]"
        self._need("TypedDict")
        name, about = self._name(words), rule.get("description")
        self.blocks.append(_typed_dict(name, fields, prose(about) if isinstance(about, str) else ""))
        return name

    def _joined(self, union: _Union, words: Words) -> str:
        """One annotation; a long one is given a name."""
        types = sorted(union.types, key=lambda name: name == "None")
        if not union.choices:
            joined = " | ".join(types)
            return joined if len(types) == 1 or len(joined) <= _LONGEST_INLINE else self._alias("Union", types, words)
        values = f"Literal[{', '.join(union.choices)}]"
        if len(values) > _LONGEST_INLINE:
            values = self._alias("Literal", union.choices, words)
        return " | ".join((values, *types))

    def _alias(self, kind: str, members: Iterable[str], words: Words) -> str:
        self.used |= {kind, "TypeAlias"}
        name = self._name(words)
        rows = "".join(f"    {member},\n" for member in members)
        self.blocks.append(f"{name}: TypeAlias = {kind}[\n{rows}]")
        return name


def _list(value: Any) -> list[Any]:
    return value if _is_list(value) else []


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _resolved(reference: str, root: Mapping[str, Any]) -> Any:
    if not reference.startswith("#"):
        return None
    place: Any = root
    for part in reference.split("/")[1:]:
        if not isinstance(place, Mapping):
            return None
        place = cast("Mapping[str, Any]", place).get(part.replace("~1", "/").replace("~0", "~"))
    return place


def _typed_dict(name: str, fields: Mapping[str, str], about: str) -> str:
    if all(is_field_name(key) for key in fields):
        head = f"class {name}(TypedDict):\n" + (f"{docstring(about, ())}\n\n" if about else "")
        return head + "\n".join(f"    {key}: {annotation}" for key, annotation in fields.items())
    rows = "".join(f"        {literal(key)}: {annotation},\n" for key, annotation in fields.items())
    return f'{name} = TypedDict(\n    "{name}",\n    {{\n{rows}    }},\n)'
