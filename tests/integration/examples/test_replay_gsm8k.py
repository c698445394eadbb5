"""The example that replays four models finds the figures that are known for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "replay_gsm8k.py"
CORRECT = {"6b_finetuning": 286, "6b_verification": 515, "175b_finetuning": 458, "175b_verification": 742}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("replay") / "report.html"


@pytest.fixture(scope="module")
def printed(report: Path) -> str:
    finished = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLE), os.environ["PROMPTOPS_TEST_GSM8K"], "--report", str(report)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_each_model_has_its_known_number_of_correct_answers(printed: str) -> None:
    for model, correct in CORRECT.items():
        assert f"{model}: {correct} of 1319 correct" in printed


def test_the_comparison_finds_what_got_better_and_worse(printed: str) -> None:
    assert "correct: 306 better" in printed
    assert "correct: 79 worse" in printed
    assert "+0.1721" in printed


def test_the_report_shows_every_regression(printed: str, report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    assert "79 worse" in page
    assert page.count('<details class="pair">') == 79 + 306
