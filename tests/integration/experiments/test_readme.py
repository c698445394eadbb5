"""The example in the README of the package runs as printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from promptops.models.datasets import DatasetExample
from promptops.server import EmbeddedServer

README = Path(__file__).parents[3] / "packages" / "promptops-experiments" / "README.md"


def examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_example_runs_and_shows_what_got_better(tmp_path: Path) -> None:
    code = examples()[0]
    with EmbeddedServer(tmp_path / "data") as server:
        (tmp_path / "example.py").write_text(code.replace("http://127.0.0.1:8765", server.url), encoding="utf-8")
        finished = subprocess.run(
            [sys.executable, "-W", "error", "example.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
    assert finished.returncode == 0, finished.stderr
    assert "careful compared with short: 3 pairs" in finished.stdout
    assert "exact_match: 1 better" in finished.stdout
    assert "capital of Japan" in finished.stdout
    assert (tmp_path / "report.html").exists()


def test_the_evaluators_that_are_shown_judge_as_told() -> None:
    shown: dict[str, Any] = {}
    for code in [code for code in examples() if not any(word in code for word in ("127.0.0.1", "pytest", "journal="))]:
        exec(compile(code, str(README), "exec"), shown)
    assert shown["kept_going"](output=None, error="RuntimeError") is False
    assert shown["kept_going"].on_error
    found = shown["correct"].evaluate("Paris", DatasetExample(id="e", fields={"question": "capital of France"}))
    assert (found.score, found.label, found.explanation) == (1.0, "correct", "It names the capital.")


def test_the_example_without_a_server_plays_back_what_was_paid_for(tmp_path: Path) -> None:
    [code] = [code for code in examples() if "Replay(" in code]
    (tmp_path / "example.py").write_text(code, encoding="utf-8")
    finished = subprocess.run(
        [sys.executable, "-W", "error", "example.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "free: 2 rows" in finished.stdout
    assert (tmp_path / "outputs.jsonl").exists()


def test_the_example_of_datasets_says_what_changes(tmp_path: Path) -> None:
    [code] = [code for code in examples() if "read_examples" in code]
    with EmbeddedServer(tmp_path / "data") as server:
        (tmp_path / "example.py").write_text(code.replace("http://127.0.0.1:8765", server.url), encoding="utf-8")
        finished = subprocess.run(
            [sys.executable, "-W", "error", "example.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.splitlines() == [
        "0 inserted, 1 updated, 0 unchanged, 0 deleted; 2 examples",
        "would give 1 examples: 0 inserted, 0 updated, 1 unchanged, 1 deleted; deletes r2",
    ]
    assert '"id":"r1"' in (tmp_path / "reviews.jsonl").read_text(encoding="utf-8")
