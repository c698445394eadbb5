"""The README keeps its word: its examples run as printed, and its commands are the ones that CI runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from promptops.server import EmbeddedServer

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
PYTHON_BLOCKS = [block for block in BLOCKS if "promptops.phoenix" not in block]  # these are tested on such a server
COMMANDS = re.findall(r"^\$ (.+)$", README, flags=re.MULTILINE)
PRINTED_ADDRESS = "http://127.0.0.1:8765"


def run_block(code: str, tmp_path: Path) -> str:
    script = tmp_path / "example.py"
    with EmbeddedServer(tmp_path / "data") as server:
        script.write_text(code.replace(PRINTED_ADDRESS, server.url), encoding="utf-8")
        finished = subprocess.run(
            [sys.executable, "-W", "error", str(script)], capture_output=True, text=True, timeout=200, check=False
        )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_the_readme_has_one_async_and_one_blocking_example() -> None:
    assert len(PYTHON_BLOCKS) == 2
    assert "await " in PYTHON_BLOCKS[0]
    assert "SyncPromptOpsClient" in PYTHON_BLOCKS[1]


@pytest.mark.parametrize("code", PYTHON_BLOCKS, ids=["async", "sync"])
def test_examples_are_at_most_fifteen_lines(code: str) -> None:
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) <= 15
    assert all(PRINTED_ADDRESS not in line or "base_url" in line for line in lines)


def test_the_async_example_prints_the_rendered_prompt_and_its_versions(tmp_path: Path) -> None:
    assert run_block(PYTHON_BLOCKS[0], tmp_path).splitlines() == ["Say hello to Ada.", "['1.0.1', '1.0.0']"]


def test_the_blocking_example_prints_the_score(tmp_path: Path) -> None:
    output = run_block(PYTHON_BLOCKS[1], tmp_path)
    assert "correct" in output
    assert "1.000" in output or "100" in output


def test_the_two_commands_start_from_python_and_pip_alone() -> None:
    assert len(COMMANDS) == 2
    assert all(command.startswith("pip install uv && uv run ") for command in COMMANDS)
    assert "uv run pytest" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
