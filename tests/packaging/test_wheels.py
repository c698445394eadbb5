"""Every wheel carries what it should and nothing else."""

from __future__ import annotations

import email.message
import email.parser
import zipfile
from pathlib import Path
from typing import Any

import pytest

NAMES = sorted(path.parent.name for path in (Path(__file__).parents[2] / "packages").glob("*/pyproject.toml"))

pytestmark = pytest.mark.packaging


def files(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return [name for name in archive.namelist() if not name.endswith("/")]


def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.parser.Parser().parsestr(archive.read(name).decode())


def test_every_package_has_a_wheel(wheels: dict[str, Path]) -> None:
    assert sorted(wheels) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_wheel_leaves_the_namespace_open(wheels: dict[str, Path], name: str) -> None:
    assert "promptops/__init__.py" not in files(wheels[name])


@pytest.mark.parametrize("name", NAMES)
def test_wheel_holds_its_leaf_and_its_metadata(wheels: dict[str, Path], name: str) -> None:
    leaf = name.removeprefix("promptops-").replace("-", "_")
    places = {"/".join(path.split("/")[:2]) for path in files(wheels[name]) if ".dist-info/" not in path}
    # What pytest loads whenever the package is installed must not load the package.
    plugin = {"promptops/experiments_pytest"} if leaf == "experiments" else set[str]()
    assert places == {f"promptops/{leaf}"} | plugin


@pytest.mark.parametrize("name", NAMES)
def test_wheel_is_typed_and_licensed(wheels: dict[str, Path], name: str) -> None:
    leaf = name.removeprefix("promptops-").replace("-", "_")
    found = files(wheels[name])
    assert f"promptops/{leaf}/py.typed" in found
    assert [path for path in found if path.endswith(".dist-info/licenses/LICENSE")]


@pytest.mark.parametrize("name", NAMES)
def test_metadata_is_what_the_project_says(
    wheels: dict[str, Path], projects: dict[str, dict[str, Any]], name: str
) -> None:
    found = metadata(wheels[name])
    project = projects[name]
    extras = project.get("optional-dependencies", {})
    assert found["Name"] == name
    assert found["Version"] == wheels[name].name.split("-")[1]
    assert found["License-Expression"] == "Apache-2.0"
    assert found["Requires-Python"] == ">=3.11"
    assert found["Summary"] == project["description"]
    assert str(found.get_payload()).strip()
    required = found.get_all("Requires-Dist") or []
    assert len(required) == len(project["dependencies"]) + sum(len(more) for more in extras.values())
    assert "Typing :: Typed" in (found.get_all("Classifier") or [])


def test_all_packages_have_one_version(wheels: dict[str, Path]) -> None:
    assert len({path.name.split("-")[1] for path in wheels.values()}) == 1
