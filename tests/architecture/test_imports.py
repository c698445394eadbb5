"""The import contracts hold because breaking one is noticed, and imports stay cheap."""

from __future__ import annotations

import importlib
import os
import pkgutil
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from promptops.core.bridge import AsyncResource, SyncResource

ROOT = Path(__file__).parents[2]
LIBRARIES = ("core", "models", "cache", "telemetry", "prompts", "experiments", "phoenix", "client")


def contracts() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        section = tomllib.load(file)["tool"]["importlinter"]
    return {contract["id"]: contract for contract in section["contracts"]}


@pytest.fixture(scope="module")
def broken_report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of a copy of the sources in which every contract is broken once."""
    copy = tmp_path_factory.mktemp("broken")
    for package in (ROOT / "packages").iterdir():
        leaves = package / "src" / "promptops"
        shutil.copytree(leaves, copy / "promptops", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for place, statement in BREAKS.values():
        with (copy / "promptops" / place).open("a") as file:
            file.write(f"\n{statement}\n")
    command = ["lint-imports", "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    environment = {**os.environ, "PYTHONPATH": str(copy), "COLUMNS": "200"}
    done = subprocess.run(
        [str(Path(sys.executable).parent / command[0]), *command[1:]],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


BREAKS = {
    "layers": ("prompts/_breaks_layers.py", "import promptops.experiments"),
    "clients-know-no-server": ("models/_breaks_server.py", "import promptops.server"),
    "server": ("server/_breaks_server.py", "from promptops.models._generated import models"),
    "engine": ("prompts/template.py", "import promptops.core.config"),
    "resources": ("experiments/_datasets.py", "import asyncio"),
    "http": ("server/_breaks_http.py", "import httpx"),
}


@pytest.mark.parametrize("contract", list(BREAKS))
def test_breaking_a_contract_is_reported(broken_report: str, contract: str) -> None:
    name = contracts()[contract]["name"]
    assert f"{name} BROKEN" in " ".join(broken_report.split())


def test_every_contract_has_a_break_that_proves_it() -> None:
    assert set(contracts()) == set(BREAKS)


def modules_of(leaf: str) -> list[ModuleType]:
    package = importlib.import_module(f"promptops.{leaf}")
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [package, *(importlib.import_module(module.name) for module in found)]


def is_resource(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, AsyncResource | SyncResource)


def test_every_resource_lives_where_the_contract_looks() -> None:
    watched = contracts()["resources"]["source_modules"]
    resources: set[type] = {
        kind for leaf in LIBRARIES for module in modules_of(leaf) for kind in vars(module).values() if is_resource(kind)
    } - {AsyncResource, SyncResource}
    assert len(resources) >= 6
    for kind in resources:
        assert kind.__module__.startswith(tuple(f"{name}." for name in watched)), kind


def loaded_after(statement: str) -> set[str]:
    command = [sys.executable, "-c", f"{statement}\nimport sys\nprint(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("leaf", LIBRARIES)
def test_importing_a_package_loads_no_http_library_and_no_event_loop(leaf: str) -> None:
    heavy = {"httpx", "httpcore", "h11", "structlog", "anyio", "asyncio", "ssl", "rich", "litestar", "promptops.server"}
    assert loaded_after(f"import promptops.{leaf}") & heavy == set()


def test_importing_the_template_engine_loads_no_http_library() -> None:
    loaded = loaded_after("import promptops.prompts.template, promptops.prompts.render")
    assert loaded & {"httpx", "structlog", "anyio", "asyncio"} == set()
