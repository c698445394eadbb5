"""A real browser without a window, which is told to ask for nothing and is watched while it does not."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from promptops.experiments import Comparison, ExperimentResult, Gate, compare, make_report
from promptops.experiments.reports import Report, stored_result
from promptops.models import Experiment
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

SECONDS = 60
"""How long a browser on a busy machine may take for anything."""

HOSTILE = (
    "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
    "<svg onload='window.hacked = 1'> {{constructor.constructor('window.hacked = 1')()}} \u2028 javascript:alert(1)"
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found is not None, "there is no Chromium; on Debian: apt-get install -y chromium"
    expect.set_options(timeout=SECONDS * 1000)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=found, headless=True, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield started
        started.close()


class Tab:
    """A page and everything that it asked for or complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.set_default_timeout(SECONDS * 1000)
        page.route("**/*", self._route)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("dialog", self._dialog)

    def _route(self, route: Route) -> None:
        url = route.request.url
        if url.startswith("file://") and route.request.is_navigation_request():
            route.continue_()
            return
        self.requests.append(url)
        route.abort()

    def _dialog(self, dialog: Any) -> None:
        self.errors.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, path: Path) -> Page:
        self.page.goto(path.as_uri())
        return self.page


@pytest.fixture
def new_tab(browser: Browser) -> Iterator[Callable[..., Tab]]:
    """Opens tabs; they end with the test."""
    opened: list[Page] = []

    def make(**settings: Any) -> Tab:
        opened.append(browser.new_page(**settings))
        return Tab(opened[-1])

    yield make
    for page in opened:
        page.context.close()


@pytest.fixture
def tab(new_tab: Callable[..., Tab]) -> Tab:
    return new_tab()


def result(name: str, size: int, share: float, seed: int, *, hostile: bool = False) -> ExperimentResult:
    chance = random.Random(seed)
    examples = [
        DatasetExample(
            id=f"ex-{number}",
            fields={
                "question": f"{HOSTILE} {number}"
                if hostile
                else f"question {number} about {('cats', 'dogs')[number % 2]}",
                "expected": str(number),
            },
        )
        for number in range(size)
    ]
    rows: list[ExperimentRun] = []
    for number in range(size):
        right = chance.random() < share
        fields: dict[str, Any] = {
            "eval.accuracy.score": float(right),
            "eval.length.score": round(chance.random(), 3),
            "eval.accuracy.explanation": HOSTILE if hostile else "compared with the expected answer",
            "latency": 12.5,
        }
        text = (
            HOSTILE
            if hostile
            else f"answer {number} of {name}, {'right' if right else 'wrong'}. " + "Some words. " * 20
        )
        rows.append(ExperimentRun(example_id=f"ex-{number}", output=text, fields=fields))
    label = f"{name} {HOSTILE}" if hostile else name
    experiment = Experiment(id=name, name=label, space_id="s", dataset_id="d", created_at=NOW, updated_at=NOW)
    return stored_result(experiment, rows, examples)


def compared(before: ExperimentResult, after: ExperimentResult) -> Comparison:
    # So few resamples because the figures are not what is tested here.
    return compare(before, after, gates=[Gate(metric="accuracy", max_regression=0.3)], resamples=100)


@pytest.fixture(scope="session")
def report() -> Report:
    """Two experiments over 250 examples."""
    before, after = result("before", 250, 0.7, 1), result("after", 250, 0.7, 2)
    return make_report([before, after, compared(before, after)], title="A report")


@pytest.fixture(scope="session")
def large_report() -> Report:
    """Two experiments over 10,000 examples."""
    before, after = result("before", 10_000, 0.7, 1), result("after", 10_000, 0.7, 2)
    return make_report([before, after, compared(before, after)], title="Large")


@pytest.fixture(scope="session")
def hostile_report() -> Report:
    """Texts of which each would run something, were it ever taken for markup."""
    before, after = result("before", 30, 0.7, 1, hostile=True), result("after", 30, 0.2, 2, hostile=True)
    return make_report([before, after, compared(before, after)], title=HOSTILE)
