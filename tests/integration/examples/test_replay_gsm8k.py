"""The example that replays four models finds the figures that are known for them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "replay_gsm8k.py"
stats: Any = import_module("scipy.stats")
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


def test_the_difference_has_its_interval_and_its_exact_p_value(printed: str) -> None:
    line = next(line for line in printed.splitlines() if line.startswith("175b_verification against 6b_verification"))
    found = re.search(r"difference (\S+), 95% interval (\S+) to (\S+) \(bootstrap\), exact mcnemar p = (\S+)$", line)
    assert found is not None, line
    difference, low, high, p_value = map(float, found.groups())
    assert difference == 0.1721
    # Student's interval; the bootstrap may be off by what is drawn.
    assert (low, high) == pytest.approx((0.1444, 0.1998), abs=0.002)
    assert p_value == pytest.approx(stats.binomtest(79, 79 + 306).pvalue, rel=1e-9)


def test_every_regression_is_listed(printed: str) -> None:
    _, _, rest = printed.partition("the 79 regressions:\n")
    listed, _, _ = rest.partition("\n\n")
    assert len(listed.splitlines()) == 79
    assert len(set(listed.splitlines())) == 79


def test_the_six_pairs_are_adjusted_together(printed: str) -> None:
    pairs = {"6b_verification - 6b_finetuning": 293, "175b_finetuning - 6b_verification": 152}
    assert "p (Holm, 6)" in printed
    lines = [line.split() for line in printed.splitlines() if re.match(r"\S+ - \S+ +correct", line)]
    assert len(lines) == 6
    for pair, better in pairs.items():
        assert [*pair.split(), str(better)] in [[*line[:3], line[8]] for line in lines]
    plain = {" ".join(line[:3]): (float(line[-2]), float(line[-1])) for line in lines}
    # The largest of the p-values stays as it is, and the smallest counts six times.
    largest, smallest = max(plain.values()), min(plain.values())
    assert largest[1] == largest[0]
    assert smallest[1] == pytest.approx(6 * smallest[0], rel=0.05)


def test_the_gates_are_passed(printed: str) -> None:
    assert "verdict: pass" in printed


def test_the_report_shows_every_regression(printed: str, report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    _, _, rest = printed.partition("the 79 regressions:\n")
    ids = [line.split()[0] for line in rest.partition("\n\n")[0].splitlines()]
    assert len(ids) == 79
    assert [example_id for example_id in ids if example_id not in page] == []
