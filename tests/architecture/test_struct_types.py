"""No two threads have msgspec look at one struct for the first time: types go through ``prepared`` everywhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parents[2] / "packages"
# What each takes as the type, by position and by name.
TAKING_TYPES = {
    "msgspec.convert": (1, "type"),
    "msgspec.json.decode": (None, "type"),
    "msgspec.json.Decoder": (0, "type"),
    "msgspec.msgpack.decode": (None, "type"),
    "msgspec.msgpack.Decoder": (0, "type"),
    "msgspec.yaml.decode": (None, "type"),
    "msgspec.toml.decode": (None, "type"),
}
SUBMODULES = {name.rpartition(".")[0] for name in TAKING_TYPES} - {"msgspec"}
NAMES = {*SUBMODULES, *TAKING_TYPES}
# Types about which msgspec remembers nothing.
PLAIN = {"Any", "None", "bool", "bytes", "dict", "float", "int", "list", "msgspec.Raw", "object", "str", "tuple"}
# These packages cannot import the models. Each decoder is made while its module is imported, which one thread does at
# a time, and no other module decodes its type.
ONE_DECODER_EACH = {
    "cache_redis/_changes.py": "_Message",
    "telemetry/exporters.py": "TelemetryEvent",
    "telemetry/http.py": "_Answer",
}
# The helper itself.
HELPER = "models/_preparing.py"


def bare(source: str) -> Iterator[str]:
    """The types that msgspec is given without preparation, and the ways around this search."""
    tree = ast.parse(source)
    called = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    annotations = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Subscript)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "msgspec":
            if node.module in SUBMODULES or {f"msgspec.{name.name}" for name in node.names} & NAMES:
                yield ast.unparse(node)
        elif isinstance(node, ast.Import):
            yield from (f"import {name.name} as {name.asname}" for name in node.names if other_name(name))
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in TAKING_TYPES and id(node) not in annotations:
            call = called.get(id(node))
            given = ast.unparse(node) if call is None else unprepared(ast.unparse(node), call)
            if given is not None:
                yield given


def other_name(name: ast.alias) -> bool:
    return name.asname is not None and name.name in {"msgspec", *SUBMODULES}


def unprepared(function: str, call: ast.Call) -> str | None:
    position, keyword = TAKING_TYPES[function]
    if any(isinstance(item, ast.Starred) for item in call.args) or any(item.arg is None for item in call.keywords):
        return ast.unparse(call)
    given: list[ast.expr] = [item.value for item in call.keywords if item.arg == keyword]
    if position is not None:
        given += call.args[position : position + 1]
    return next((ast.unparse(item) for item in given if not is_safe(item)), None)


def is_safe(type_: ast.expr) -> bool:
    if isinstance(type_, ast.Call):
        return ast.unparse(type_.func) == "prepared"
    if isinstance(type_, ast.Subscript):
        inner = type_.slice.elts if isinstance(type_.slice, ast.Tuple) else [type_.slice]
        return is_safe(type_.value) and all(is_safe(item) for item in inner)
    return ast.unparse(type_) in PLAIN or (isinstance(type_, ast.Constant) and type_.value is Ellipsis)


def test_every_type_is_prepared_before_msgspec_gets_it() -> None:
    found: dict[str, list[str]] = {}
    for path in sorted(PACKAGES.glob("*/src/promptops/**/*.py")):
        where = path.as_posix().rpartition("/src/promptops/")[2]
        types = list(bare(path.read_text(encoding="utf-8")))
        if types and where != HELPER:
            found[where] = types
    assert found == {where: [type_] for where, type_ in ONE_DECODER_EACH.items()}


def test_types_of_those_that_need_no_preparation_are_decoded_nowhere_else() -> None:
    for where, type_ in ONE_DECODER_EACH.items():
        leaf = where.partition("/")[0]
        sources = "".join(path.read_text(encoding="utf-8") for path in PACKAGES.glob(f"*/src/promptops/{leaf}/**/*.py"))
        assert sources.count(f"Decoder({type_})") == 1, where


@pytest.mark.parametrize(
    "code",
    [
        "msgspec.convert(value, Struct)",
        "msgspec.convert(value, type=list[Struct])",
        "msgspec.json.decode(data, type=dict[str, Struct])",
        "msgspec.json.Decoder(Struct)",
        "msgspec.msgpack.decode(data, type=kind)",
        "msgspec.convert(*given)",
        "msgspec.convert(value, **given)",
        "make = msgspec.json.Decoder",
        "from msgspec import convert",
        "from msgspec import json",
        "from msgspec.json import decode",
        "import msgspec.json as json",
        "import msgspec as m",
    ],
)
def test_a_bare_type_is_found(code: str) -> None:
    assert list(bare(code))


@pytest.mark.parametrize(
    "code",
    [
        "msgspec.convert(value, prepared(Struct), strict=True)",
        "msgspec.json.decode(data)",
        "msgspec.json.decode(data, type=dict[str, Any])",
        "msgspec.json.decode(data, type=tuple[str, ...])",
        "msgspec.json.Decoder(list[msgspec.Raw])",
        "msgspec.json.Encoder(order='sorted')",
        "from msgspec import UNSET, Struct",
        "import msgspec.inspect as mi",
        "made: msgspec.json.Decoder[T] | None = None",
    ],
)
def test_what_cannot_crash_is_let_through(code: str) -> None:
    assert not list(bare(code))
