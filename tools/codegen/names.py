"""Names on the wire become Python identifiers, always the same ones."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Container, Iterable

# A field that carries one of these names would hide the type of the same name from the annotations beside it.
_SHADOWS = frozenset({"Any", "None", "bool", "date", "datetime", "dict", "float", "int", "list", "str"})
_RESERVED_CLASSES = frozenset(
    {
        "Any",
        "Final",
        "JsonObject",
        "Literal",
        "None",
        "Struct",
        "TypeAlias",
        "UNSET",
        "Unknown",
        "UnsetType",
        "False",
        "True",
    }
)
_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SEPARATORS = re.compile(r"[^0-9A-Za-z]+")


def _words(raw: str) -> list[str]:
    ascii_only = unicodedata.normalize("NFKD", raw).encode("ascii", "ignore").decode()
    return [word for part in _SEPARATORS.split(ascii_only) for word in _BOUNDARY.split(part) if word]


def field_name(wire: str, taken: Container[str] = ()) -> str:
    """A snake_case identifier that is no keyword, hides no type and is not taken."""
    name = "_".join(word.lower() for word in _words(wire)) or "field"
    if name[0].isdigit():
        name = f"field_{name}"
    if keyword.iskeyword(name) or name in _SHADOWS or name in {"none", "any", "self"}:
        name = f"{name}_"
    return _free(name, taken)


def class_name(raw: str, taken: Container[str] = ()) -> str:
    """A PascalCase identifier that is not taken; a name that is one already stays as it is."""
    if re.fullmatch(r"[A-Z][0-9A-Za-z]*", raw):
        name = raw
    else:
        name = "".join(word[0].upper() + word[1:] for word in _words(raw)) or "Model"
    if name[0].isdigit():
        name = f"Model{name}"
    if keyword.iskeyword(name) or name in _RESERVED_CLASSES:
        name = f"{name}Model"
    return _free(name, taken)


def class_names(raw: Iterable[str]) -> dict[str, str]:
    """Identifiers for the schemas of a document; where two collide, the later in the alphabet gets a number."""
    result: dict[str, str] = {}
    taken: set[str] = set()
    # Names that need no change keep theirs, whatever else would turn into the same.
    for name in sorted(raw, key=lambda name: (class_name(name) != name, name)):
        result[name] = class_name(name, taken)
        taken.add(result[name])
    return result


def _free(name: str, taken: Container[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
