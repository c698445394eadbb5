"""Wheels of all packages, and a clean environment for each with that package and its own dependencies alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "packages"


class Environment(NamedTuple):
    """A virtual environment in which one package was installed from its wheel."""

    python: Path
    installed: dict[str, str]

    def run(self, code: str) -> str:
        """What a program prints; neither this checkout nor the user's site is on its path."""
        command = [str(self.python), "-I", "-W", "error", "-c", code]
        return run(command, cwd=self.python.parent)

    @property
    def third_party(self) -> list[str]:
        """The distributions that are not ours."""
        return sorted(name for name in self.installed if not name.startswith("promptops-"))


def run(command: list[str], *, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a program and return what it prints; on failure the test fails with all of it."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def uv() -> str:
    """The uv beside this interpreter, or the one on the path."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    assert found is not None, "uv is needed to build and install the wheels: pip install uv"
    return found


@pytest.fixture(scope="session")
def wheels(uv: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel of every distribution, by its name."""
    directory = tmp_path_factory.mktemp("wheels")
    run([uv, "build", "--quiet", "--all-packages", "--wheel", "--out-dir", str(directory)], cwd=ROOT)
    return {path.name.split("-")[0].replace("_", "-"): path for path in sorted(directory.glob("*.whl"))}


@pytest.fixture(scope="session")
def environment(
    uv: str, wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Environment]:
    """Makes the clean environment of a distribution; once for each."""
    directory = tmp_path_factory.mktemp("environments")
    overrides = directory / "overrides.txt"
    # Whatever an index may hold under these names, the wheels built here are the ones to install.
    overrides.write_text("".join(f"{name} @ {path.as_uri()}\n" for name, path in wheels.items()))
    made: dict[str, Environment] = {}

    def make(name: str) -> Environment:
        if name not in made:
            place = directory / name
            run([uv, "venv", "--quiet", "--python", sys.executable, str(place)], cwd=directory)
            python = place / "bin" / "python"
            into = ["--quiet", "--python", str(python), "--no-sources", "--overrides", str(overrides)]
            run([uv, "pip", "install", *into, str(wheels[name])], cwd=directory)
            listed = json.loads(run([uv, "pip", "list", "--python", str(python), "--format", "json"], cwd=directory))
            made[name] = Environment(python, {item["name"]: item["version"] for item in listed})
        return made[name]

    return make


@pytest.fixture(scope="session")
def projects() -> dict[str, dict[str, Any]]:
    """The ``[project]`` table of every package, by its name."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(PACKAGES.glob("*/pyproject.toml")):
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        found[project["name"]] = project
    return found
