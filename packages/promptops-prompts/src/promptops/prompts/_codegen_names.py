"""Python names for prompts, variables and their types: the same for the same prompts, and never a keyword."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Collection, Iterable
from typing import Final

__all__ = ["TYPE_NAMES", "class_name", "function_name", "identifier", "is_field_name", "parameter_names"]

# What a generated module imports or uses of the builtins; a prompt of that name gets an underscore behind it.
TYPE_NAMES: Final = frozenset({"bool", "dict", "float", "int", "list", "str", "tuple"})
_IMPORTED: Final = frozenset(
    {
        "Array",
        "Literal",
        "Mapping",
        "Messages",
        "NotRequired",
        "R",
        "RenderOptions",
        "Renders",
        "TypeAlias",
        "TypedDict",
        "UNSET",
        "Union",
        "Unpack",
        "UnsetType",
        "Value",
        "annotations",
        "given",
    }
)
_TAKEN_IN_MODULE: Final = TYPE_NAMES | _IMPORTED | {"__all__"}
_TAKEN_IN_FUNCTION: Final = frozenset({"prompts", "options", "given", "UNSET"})
_LONGEST: Final = 60


def identifier(text: str, *, prefix: str) -> str:
    """A Python name for a text: what may not be in one becomes ``_``, before a digit comes ``prefix``."""
    plain = unicodedata.normalize("NFKC", text)
    name = "".join(char if f"a{char}".isidentifier() else "_" for char in plain)
    if not name.strip("_") or not name.isidentifier():
        name = f"{prefix}{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def function_name(slug: str) -> str:
    """The name of the function of a prompt: ``support/first-reply`` is ``support_first_reply``."""
    name = identifier(slug, prefix="prompt_")
    return f"{name}_" if name in _TAKEN_IN_MODULE else name


def parameter_names(variables: Iterable[str], *, options: Collection[str]) -> dict[str, str]:
    """A parameter for each variable; one whose name is taken gets underscores behind it.

    Variables whose name can stay as it is are served first, so that ``user-name`` never takes the place of
    ``user_name``.
    """
    taken = _TAKEN_IN_FUNCTION | set(options)
    wanted = {variable: identifier(variable, prefix="variable_") for variable in variables}
    names: dict[str, str] = {}
    for variable in sorted(wanted, key=lambda variable: wanted[variable] != variable):
        name = wanted[variable]
        while name in taken or name in names.values():
            name += "_"
        names[variable] = name
    return {variable: names[variable] for variable in wanted}


def class_name(words: Iterable[str], taken: Collection[str]) -> str:
    """The name of a type: the words in CamelCase, numbered when it is taken."""
    joined = "_".join(identifier(word, prefix="_") for word in words)
    base = "".join(part[:1].upper() + part[1:] for part in joined.split("_"))[:_LONGEST] or "Type"
    base = base if base[0].isalpha() else f"Type{base}"
    name, number = base, 1
    while name in taken or name in _TAKEN_IN_MODULE or keyword.iskeyword(name):
        number += 1
        name = f"{base}{number}"
    return name


def is_field_name(text: str) -> bool:
    """Whether a key can be a field of a TypedDict that is written as a class; ``__x`` would be mangled there."""
    return identifier(text, prefix="_") == text and not text.startswith("__")
