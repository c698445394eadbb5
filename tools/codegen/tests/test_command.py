"""The command writes whole trees, compares whole trees, and says what is wrong with a document."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.codegen.cli import main

DOCUMENT = Path(__file__).parent / "hard_cases.json"
ROOT = Path(__file__).parents[3]


def run(output: Path, *more: str, document: Path = DOCUMENT) -> int:
    return main([str(document), "--output", str(output), *more])


def small(tmp_path: Path, schemas: dict[str, Any], version: str = "3.1.0") -> Path:
    path = tmp_path / "document.json"
    path.write_text(json.dumps({"openapi": version, "components": {"schemas": schemas}}))
    return path


def test_fresh_tree_is_current(tmp_path: Path) -> None:
    assert run(tmp_path / "out") == 0
    assert run(tmp_path / "out", "--check") == 0


def test_check_finds_a_changed_a_missing_and_an_extra_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    run(out)
    (out / "models.py").write_text("changed")
    (out / "__init__.py").unlink()
    (out / "left_over.py").write_text("")
    assert run(out, "--check") == 1
    message = capsys.readouterr().err
    assert "models.py: stale" in message
    assert "__init__.py: missing" in message
    assert "left_over.py: not generated" in message
    assert (out / "models.py").read_text() == "changed"


def test_writing_removes_what_is_no_longer_generated(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out)
    (out / "left_over.py").write_text("")
    run(out)
    assert sorted(path.name for path in out.iterdir()) == ["__init__.py", "models.py"]


@pytest.mark.parametrize(
    ("schemas", "expected"),
    [
        ({"A": {"$ref": "#/components/schemas/B"}}, "points to nothing"),
        ({"A": {"properties": {"b": {"$ref": "other.json#/B"}}}}, "bundle the document"),
    ],
)
def test_reference_that_leads_nowhere_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], schemas: dict[str, Any], expected: str
) -> None:
    assert run(tmp_path / "out", document=small(tmp_path, schemas)) == 2
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_older_versions_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "out", document=small(tmp_path, {}, version="2.0")) == 2
    assert "3.0 or 3.1" in capsys.readouterr().err


def test_overlay_makes_a_property_optional(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "required": ["a", "b"],
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
    }
    overlay = tmp_path / "overlay.json"
    overlay.write_text(json.dumps({"defaults": {"A": {"a": ""}}}))
    assert run(tmp_path / "out", "--overlay", str(overlay), document=small(tmp_path, {"A": schema})) == 0
    text = (tmp_path / "out" / "models.py").read_text()
    assert 'a: str = ""' in text
    assert "b: str\n" in text


def test_overlay_that_names_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    overlay = tmp_path / "overlay.json"
    overlay.write_text(json.dumps({"defaults": {"Thing": {"missing": 1}}}))
    assert run(tmp_path / "out", "--overlay", str(overlay)) == 2
    assert "Thing.missing" in capsys.readouterr().err


def test_generated_source_is_clean_for_both_checkers(generated: Path) -> None:
    config = generated / "pyrightconfig.json"
    config.write_text(
        json.dumps(
            {
                "typeCheckingMode": "strict",
                "extraPaths": [str(ROOT / "packages/promptops-models/src")],
                "include": ["gen_hard_cases", "gen_assistant"],
                "reportMissingModuleSource": "none",
            }
        )
    )
    packages = ["-p", "gen_hard_cases", "-p", "gen_assistant"]
    mypy = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--cache-dir",
        str(generated / ".mypy"),
        *packages,
    ]
    pyright = [sys.executable, "-m", "pyright", "-p", str(config), "--pythonpath", sys.executable]
    for command in (mypy, pyright):
        done = subprocess.run(command, cwd=generated, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
