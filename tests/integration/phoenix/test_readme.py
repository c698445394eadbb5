"""The README of the package and the part of the root README that is about Phoenix do what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from promptops.phoenix import PhoenixClient

ROOT = Path(__file__).parents[3]
README = (ROOT / "packages" / "promptops-phoenix" / "README.md").read_text(encoding="utf-8")
ROOT_README = (ROOT / "README.md").read_text(encoding="utf-8")
Unique = Callable[..., str]


def blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


@pytest.fixture
def run(tmp_path: Path, phoenix_url: str) -> Callable[[str], list[str]]:
    """Runs a program, which finds the server as the README says, in a directory of its own; returns what it prints."""

    def start(code: str) -> list[str]:
        (tmp_path / "example.py").write_text(code, encoding="utf-8")
        finished = subprocess.run(
            [sys.executable, "-W", "error", "example.py"],
            cwd=tmp_path,
            env={**os.environ, "PHOENIX_COLLECTOR_ENDPOINT": phoenix_url},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout.splitlines()

    return start


def named(code: str, names: list[str], unique: Unique) -> str:
    """The code with names that nobody else has on a server that tests share."""
    for name in names:
        assert f'"{name}"' in code, name
        code = code.replace(f'"{name}"', f'"{unique(name)}"')
    return code


def test_the_examples_do_what_is_said_one_after_another(
    run: Callable[[str], list[str]], unique: Unique, tmp_path: Path
) -> None:
    names = ["support-reply", "capitals", "asia", "geography", "support", "chat-1", "parcels"]
    said = run(named("\n".join([*blocks(README), "client.close()\n"]), names, unique))
    text = "\n".join(said)
    assert re.fullmatch(r"\d+\.\d+\.\d+", said[0])
    assert said[1:5] == ["True", "default", "gpt-4o-mini You answer customers of Acme.", "gpt-4o"]
    assert "messages[0].name unsupported Phoenix has no names of speakers" in said
    assert "0 inserted, 1 updated, 0 unchanged, 0 deleted; 4 examples" in said
    assert "would give 3 examples: 0 inserted, 1 updated, 2 unchanged, 1 deleted; deletes " in text
    assert {"4 versions", "[{'country': 'Japan'}]", "3 examples written"} <= set(said)
    assert len((tmp_path / "capitals.jsonl").read_text(encoding="utf-8").splitlines()) == 3
    assert "careful compared with guess: 3 pairs" in said
    assert "exact_match: 1 better" in said
    assert "verdict: inconclusive" in said
    assert said[-9:-5] == ["2 spans", "model True", "['helpful']", "['On its way.']"]
    assert re.fullmatch(r"[0-9a-f]{16} answer How long does it take\?", said[-5])
    assert said[-4] == "[(0, 'Parcels take two days.'), (1, 'We ship daily.')]"
    assert said[-3:] == ["Parcels take two days.", "", "We ship daily."]


def test_every_call_that_replaces_one_of_the_official_client_is_there() -> None:
    client = PhoenixClient(base_url="http://127.0.0.1:9")
    _, _, table = README.partition("| `arize-phoenix-client` | here |")
    ours = "\n".join(line.rpartition(" | ")[2] for line in table.splitlines() if line.startswith("| `"))
    resources = "prompts|datasets|experiments|spans|annotations|sessions"
    named_here: list[tuple[str, str]] = re.findall(rf"(?<!promptops\.)\b({resources})\.([a-z_]+)", ours)
    assert len(named_here) >= 25
    absent = [".".join(call) for call in named_here if not hasattr(getattr(client, call[0]), call[1])]
    assert absent == []


def test_the_root_readme_shows_the_same_code_on_phoenix(run: Callable[[str], list[str]], unique: Unique) -> None:
    [code] = [block for block in blocks(ROOT_README) if "promptops.phoenix" in block]
    said = run(named(code, ["sums"], unique))
    assert said[0].startswith("adder: 2 rows")
    assert any(line.split()[:2] == ["exact_match", "1.0000"] for line in said)
