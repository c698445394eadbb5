"""Packages generated from the documents beside the tests."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tools.codegen.cli import generate
from tools.codegen.document import Document
from tools.codegen.tree import write

_HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory on the path with the packages ``gen_hard_cases`` and ``gen_assistant``."""
    directory = tmp_path_factory.mktemp("generated")
    for name in ("hard_cases", "assistant"):
        write(directory / f"gen_{name}", generate(Document.load(_HERE / f"{name}.json")))
    sys.path.insert(0, str(directory))
    yield directory
    sys.path.remove(str(directory))


@pytest.fixture(scope="session")
def hard(generated: Path) -> ModuleType:
    """The package of the hard cases."""
    return importlib.import_module("gen_hard_cases")


@pytest.fixture(scope="session")
def assistant(generated: Path) -> ModuleType:
    """The package of a larger document in the style of OpenAPI 3.0, with nested unions and recursion."""
    return importlib.import_module("gen_assistant")
