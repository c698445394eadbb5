"""The example in the README of the package runs as printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from promptops.server import EmbeddedServer

README = Path(__file__).parents[3] / "packages" / "promptops-experiments" / "README.md"


def test_the_example_runs_and_shows_what_got_better(tmp_path: Path) -> None:
    [code] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    with EmbeddedServer(tmp_path / "data") as server:
        (tmp_path / "example.py").write_text(code.replace("http://127.0.0.1:8765", server.url), encoding="utf-8")
        finished = subprocess.run(
            [sys.executable, "-W", "error", "example.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert finished.returncode == 0, finished.stderr
    assert "careful compared with short: 3 pairs" in finished.stdout
    assert "exact_match: 1 better" in finished.stdout
    assert "capital of Japan" in finished.stdout
    assert (tmp_path / "report.html").exists()
