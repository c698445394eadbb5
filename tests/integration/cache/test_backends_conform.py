"""Every cache backend that this repository installs is put through the conformance suite."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

ROOT = Path(__file__).parents[3]
SUITE = "CacheConformance"


def files_of_tests() -> Iterator[Path]:
    for folder in (*sorted(ROOT.glob("packages/*/tests")), ROOT / "tests"):
        yield from sorted(folder.rglob("test_*.py"))


def conforming() -> set[str]:
    """The names that are made into the fixture ``cache`` of a class that inherits the suite."""
    made: set[str] = set()
    for file in files_of_tests():
        text = file.read_text(encoding="utf-8")
        if SUITE not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith(SUITE) for base in node.bases):
                fixtures = [
                    item
                    for item in node.body
                    if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name == "cache"
                ]
                assert node.name.startswith("Test"), f"{file.name}: {node.name} is not collected"
                made.update(name.id for item in fixtures for name in ast.walk(item) if isinstance(name, ast.Name))
    return made


def untested(backends: Iterable[str]) -> list[str]:
    """Those of the backends, ``module:Class`` each, that no such class makes."""
    made = conforming()
    return [backend for backend in backends if backend.partition(":")[2] not in made]


def installed() -> list[str]:
    return [entry.value for entry in entry_points(group="promptops.cache")]


def test_every_backend_that_is_found_by_entry_point_inherits_the_suite() -> None:
    assert {"promptops.cache_disk:DiskCache", "promptops.cache_redis:RedisCache"} <= set(installed())
    assert not untested(installed())


def test_the_memory_cache_and_the_layers_inherit_it_too() -> None:
    assert {"MemoryCache", "LayeredCache"} <= conforming()


def test_control_a_backend_without_a_class_is_noticed() -> None:
    made_up = "promptops.cache_made_up:MadeUpCache"
    assert untested([*installed(), made_up]) == [made_up]
