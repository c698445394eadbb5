"""Structs and aliases become the text of a package."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from graphlib import TopologicalSorter
from typing import Any

from tools.codegen.ir import (
    NOTHING,
    Alias,
    Field,
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
from tools.codegen.names import field_name

_WIDTH = 120
_INIT = "__init__.py"
_MODELS = "models.py"
UNKNOWN_TAG = "__unknown__"
UNKNOWN_INT_TAG = -9_007_199_254_740_991


def emit(module: Module, *, command: str) -> dict[str, str]:
    """The files of the package, by name, formatted.

    Args:
        module: What the document yields.
        command: The command that makes the files, for their head.
    """
    head = f'"""The models of {module.title}, made by ``{command}``. Do not edit."""'
    names = sorted(["JsonObject", *module.structs, *module.aliases, *module.unknowns])
    listed = "\n".join(f"    {name!r}," for name in names)
    imported = "\n".join(f"    {name}," for name in names)
    package = _MODELS.removesuffix(".py")
    init = f"{head}\n\nfrom .{package} import (\n{imported}\n)\n\n__all__ = [\n{listed}\n]\n"
    return {_INIT: _formatted(init), _MODELS: _formatted(_models(module, head))}


def _models(module: Module, head: str) -> str:
    body: list[str] = []
    body.append("JsonObject: TypeAlias = dict[str, Any]")
    known = [alias for alias in module.aliases.values() if alias.known]
    plain = [alias for alias in module.aliases.values() if not alias.known]
    body.extend(_known(alias) for alias in sorted(known, key=lambda alias: alias.name))
    structs = [_struct(struct) for _, struct in sorted(module.structs.items())]
    unknowns = [_unknown(arm) for _, arm in sorted(module.unknowns.items())]
    aliases = [_alias(alias) for alias in _ordered(plain)]
    text = "\n\n".join([*body, *unknowns, *structs, *aliases])
    return f"{head}\n\nfrom __future__ import annotations\n\n{_imports(module, text)}\n\n{text}\n"


def _imports(module: Module, text: str) -> str:
    lines: list[str] = []
    stamps = sorted(_scalars(module) & {"date", "datetime"})
    if stamps:
        lines.append(f"from datetime import {', '.join(stamps)}")
    typing = ["Any", *(["Literal"] if "Literal[" in text else []), "TypeAlias"]
    lines.append(f"from typing import {', '.join(typing)}")
    wanted = [("UNSET", "= UNSET"), ("Struct", "(Struct"), ("UnsetType", "UnsetType"), ("field as _field", "_field(")]
    names = [name for name, sign in wanted if sign in text]
    lines.append("")
    if names:
        lines.append(f"from msgspec import {', '.join(names)}")
    if "(Unknown" in text:
        lines.extend(["", "from promptops.models._unknown import Unknown"])
    return "\n".join(lines)


def _scalars(module: Module) -> set[str]:
    types = [field.type for struct in module.structs.values() for field in struct.fields]
    types += [alias.type for alias in module.aliases.values()]
    return {name for expression in types for name in _mentioned(expression)}


def _ordered(aliases: list[Alias]) -> list[Alias]:
    """Aliases run when the module is imported, so each comes after those that it names."""
    by_name = {alias.name: alias for alias in sorted(aliases, key=lambda alias: alias.name)}
    graph = {name: sorted(_mentioned(alias.type) & by_name.keys()) for name, alias in by_name.items()}
    return [by_name[name] for name in TopologicalSorter(graph).static_order()]


def _mentioned(expression: TypeExpr) -> set[str]:
    if isinstance(expression, Named | Scalar):
        return {expression.name}
    if isinstance(expression, ListOf):
        return _mentioned(expression.item)
    if isinstance(expression, MapOf):
        return _mentioned(expression.value)
    return {name for member in expression.members for name in _mentioned(member)}


def _known(alias: Alias) -> str:
    values = ", ".join(repr(value) for value in alias.known)
    return f"{alias.name}: TypeAlias = Literal[{values}]\n{_string(alias.doc)}"


def _alias(alias: Alias) -> str:
    text = f"{alias.name}: TypeAlias = {_type(alias.type)}"
    return f"{text}\n{_string(alias.doc)}" if alias.doc else text


def _unknown(arm: UnknownArm) -> str:
    tag: str | int = UNKNOWN_INT_TAG if arm.is_int else UNKNOWN_TAG
    doc = f"An object whose ``{arm.tag_field}`` this version does not know; ``raw`` is all of it."
    return f"class {arm.name}(Unknown, frozen=True, tag_field={arm.tag_field!r}, tag={tag!r}):\n    {_string(doc)}"


def _struct(struct: Struct) -> str:
    options = ["frozen=True", "kw_only=True"]
    if struct.tag_field is not None:
        options.append(f"tag_field={struct.tag_field!r}, tag={struct.tag!r}")
    if struct.omit_defaults:
        options.append("omit_defaults=True")
    renamed = {field.name: field.wire for field in struct.fields if field.name != field.wire}
    if renamed:
        options.append(f"rename={renamed!r}")
    lines = [f"class {struct.name}(Struct, {', '.join(options)}):", _docstring(struct)]
    lines.extend(f"    {_field(field)}" for field in struct.fields)
    if struct.tag_field is not None:
        name = field_name(struct.tag_field, {field.name for field in struct.fields})
        lines.append(
            f"\n    @property\n    def {name}(self) -> Literal[{struct.tag!r}]:\n"
            f'        """What tells this apart in a union."""\n        return {struct.tag!r}'
        )
    return "\n".join(lines)


def _field(field: Field) -> str:
    parts = [_type(field.type)]
    if field.nullable and "None" not in parts[0].split(" | "):
        parts.append("None")
    if field.unset:
        parts.append("UnsetType")
    text = f"{field.name}: {' | '.join(parts)}"
    if field.unset:
        return f"{text} = UNSET"
    return text if field.default is NOTHING else f"{text} = {_value(field.default)}"


def _value(value: Any) -> str:
    if value and type(value) in {list, dict}:
        return f"_field(default_factory=lambda: {value!r})"
    return repr(value)


def _type(expression: TypeExpr) -> str:
    match expression:
        case Scalar(name) | Named(name):
            return name
        case ListOf(item):
            return f"list[{_type(item)}]"
        case MapOf(Scalar("Any")):
            return "JsonObject"
        case MapOf(value):
            return f"dict[str, {_type(value)}]"
        case UnionOf(members):
            return " | ".join(_type(member) for member in members)


def _docstring(struct: Struct) -> str:
    doc = struct.doc or f"{struct.name}."
    described = [field for field in struct.fields if field.doc]
    lines = textwrap.wrap(doc, _WIDTH - 8)
    if described:
        lines.extend(["", "Attributes:"])
        for field in described:
            lines.extend(
                textwrap.wrap(
                    f"{field.name}: {field.doc}", _WIDTH - 8, initial_indent="    ", subsequent_indent="        "
                )
            )
    text = "\n    ".join(_escaped(line) for line in lines).replace("\n    \n", "\n\n")
    return f'    """{text}\n    """' if len(lines) > 1 else f'    """{text}"""'


def _string(doc: str) -> str:
    lines = textwrap.wrap(doc, _WIDTH - 8)
    return '"""' + "\n".join(_escaped(line) for line in lines) + '"""'


def _escaped(line: str) -> str:
    line = line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'{line[:-1]}\\"' if line.endswith('"') else line


def _formatted(source: str) -> str:
    """The source as ruff formats it, whatever the configuration around it says."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        "format",
        "--isolated",
        "--line-length",
        str(_WIDTH),
        "--target-version",
        "py311",
        "-",
    ]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ruff refused the generated source: {done.stderr.strip()}")
    return done.stdout
