from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from promptops.core.errors import ValidationError
from promptops.experiments import (
    ExperimentResult,
    SyncExperiments,
    compare,
    exact_match,
    write_html_report,
)
from promptops.models.datasets import DatasetExample

HOSTILE = "<script>alert('x')</script> & \"quotes\""


class Reader(HTMLParser):
    """Collects tags, and checks that they are closed in the right order."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in {"href", "src"}:
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture
def results(experiments: SyncExperiments, questions: str) -> list[ExperimentResult]:
    def good(example: DatasetExample) -> str:
        return str(example["expected"])

    def odd(example: DatasetExample) -> str:
        if example["expected"] == "0":
            raise RuntimeError(HOSTILE)
        return "4" if example["expected"] == "4" else HOSTILE

    return [
        experiments.run(name, dataset=questions, task=task, evaluators=[exact_match()], progress=False)
        for name, task in (("good", good), (f"odd {HOSTILE[:20]}'", odd))
    ]


@pytest.fixture
def page(results: list[ExperimentResult], tmp_path: Path) -> str:
    path = write_html_report([*results, compare(*results)], tmp_path / "new" / "report.html", title=HOSTILE)
    return path.read_text(encoding="utf-8")


def test_the_report_is_well_formed_and_loads_nothing(page: str) -> None:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    assert "script" not in reader.tags
    assert all(link.startswith("#") for link in reader.links)
    assert {link[1:] for link in reader.links} <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))
    assert not re.search(r"url\(|@import|https?://", page)


def test_the_report_shows_scores_differences_and_examples(page: str) -> None:
    reader = Reader()
    reader.feed(page)
    text = " ".join(reader.text)
    assert "1.0000" in text
    assert "0.1111" in text
    assert "8 worse" in text
    assert "9 + 9" in text
    assert "alert('x')" in text


def test_the_report_can_be_read_by_everyone(page: str) -> None:
    assert '<html lang="en">' in page
    assert page.count("<caption>") == page.count("<table>") == 2
    assert "prefers-color-scheme:dark" in page
    assert page.count("<h1>") == 1
    assert 'name="viewport"' in page


def test_examples_beyond_the_limit_are_counted(results: list[ExperimentResult], tmp_path: Path) -> None:
    path = write_html_report(compare(*results), tmp_path / "report.html", most=3)
    assert "5 more are left out" in path.read_text(encoding="utf-8")


def test_an_older_report_is_replaced_and_nothing_else_is_left(results: list[ExperimentResult], tmp_path: Path) -> None:
    for _ in range(2):
        write_html_report(results[0], tmp_path / "report.html")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_a_report_about_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="at least one"):
        write_html_report([], tmp_path / "report.html")
