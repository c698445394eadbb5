"""The first examples run as they are, against a fresh server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from promptops.server import EmbeddedServer

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("first_steps_async.py", ["Say hello to Ada.", "['1.0.1', '1.0.0']"]),
        ("first_steps_sync.py", ["adder: 2 rows", "correct"]),
    ],
)
def test_an_example_runs_without_a_warning(name: str, said: list[str], tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server:
        ran = subprocess.run(
            [sys.executable, "-W", "error", str(EXAMPLES / name)],
            env={**os.environ, "PROMPTOPS_BASE_URL": server.url},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    assert all(text in ran.stdout for text in said)
