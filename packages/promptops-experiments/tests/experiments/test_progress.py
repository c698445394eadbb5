from __future__ import annotations

import io

import pytest
from promptops.core.testing import FakeClock
from promptops.experiments import BarProgress, LineProgress, SyncExperiments
from promptops.models import DatasetExample


def answer(example: DatasetExample) -> str:
    return "42"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_lines_come_every_five_seconds(clock: FakeClock) -> None:
    stream = io.StringIO()
    progress = LineProgress(stream, clock.monotonic)
    progress.start(100, "run")
    for _ in range(100):
        clock.advance(0.11)
        progress.advance(failed=False)
    progress.finish()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "run: 0/100"
    assert lines[1] == "run: 46/100, 9.1/s, 5.9 s left"
    assert lines[-1] == "run: 100/100, 9.1/s, 11 s"
    assert len(lines) == 4


def test_the_bar_redraws_its_line_and_counts_failures(clock: FakeClock) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    progress = BarProgress(stream, clock.monotonic)
    progress.start(2, "run")
    clock.advance(1)
    progress.advance(failed=True)
    progress.finish()
    stream.seek(0)
    text = stream.read()
    assert text.count("\r") == 3
    assert text.endswith("█" * 15 + "░" * 15 + " 1/2, 1 failed, 1.0/s, 1.0 s left\n")


def test_cost_and_what_was_done_before_are_shown_and_the_rate_is_of_this_run(clock: FakeClock) -> None:
    stream = io.StringIO()
    progress = LineProgress(stream, clock.monotonic)
    progress.start(100, "run")
    progress.skip(90)
    for _ in range(5):
        clock.advance(1.25)
        progress.spend(0.5)
        progress.advance(failed=False)
    progress.finish()
    assert stream.getvalue().splitlines()[-1] == "run: 95/100, cost 2.5, 0.8/s, 6.2 s left"


def test_a_terminal_without_unicode_gets_plain_characters(clock: FakeClock) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    progress = BarProgress(stream, clock.monotonic)
    progress.start(2, "run")
    stream.seek(0)
    assert "." * 30 in stream.read()


@pytest.mark.parametrize("shown", [True, False])
def test_progress_goes_to_stderr_or_nowhere(
    experiments: SyncExperiments, questions: str, capsys: pytest.CaptureFixture[str], shown: bool
) -> None:
    experiments.run("e", dataset=questions, task=answer, progress=shown)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert ("e: 10/10" in captured.err) is shown
