from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from promptops.core.errors import ValidationError
from promptops.experiments import ExperimentResult, compare, make_report, write_html_report
from promptops.experiments.reports import Report, report_html

MakeResult = Callable[..., ExperimentResult]
HOSTILE = "</script><script>alert('x')</script><!--<script> & \"quotes\" \u2028 \ud800"


class Reader(HTMLParser):
    """Collects tags, and checks that they are closed in the right order."""

    VOID = frozenset({"meta", "br", "link", "img", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.refers: list[str] = []
        self.inline: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.policy = ""
        self.data = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        given = dict(attrs)
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        for name, value in attrs:
            if name in {"href", "src", "action", "srcset", "data"}:
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")
            if name in {"aria-labelledby", "aria-describedby", "for"}:
                self.refers.append(value or "")
            if name.startswith("on") or name == "style":
                self.inline.append(name)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def hostile(make_result: MakeResult) -> str:
    first = make_result(HOSTILE, [1.0, 1.0], outputs=[HOSTILE, "fine"], metric=HOSTILE, fields={HOSTILE: HOSTILE})
    second = make_result("two", [0.0, None], outputs=[HOSTILE, ""], metric=HOSTILE, error=HOSTILE)
    return report_html(make_report([first, second, compare(first, second)], title=HOSTILE))


def test_the_page_is_well_formed_and_loads_nothing(report: Report) -> None:
    page = report_html(report)
    reader = read(page)
    assert reader.tags.count("script") == 2
    assert all(link.startswith("#") for link in reader.links)
    assert {link[1:] for link in reader.links} <= set(reader.ids)
    assert set(reader.refers) <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))
    assert not re.search(r"url\(|@import|https?://|fetch\(|XMLHttpRequest|import\(|eval\(|innerHTML", page)


def test_only_the_script_and_the_style_of_the_page_are_allowed(report: Report) -> None:
    reader = read(report_html(report))
    style, (_, script) = reader.texts["style"][0], reader.texts["script"]
    for kind, text in (("style-src", style), ("script-src", script)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in reader.policy
    assert reader.policy.startswith("default-src 'none'")
    assert "unsafe" not in reader.policy
    assert reader.inline == []


def test_data_never_become_markup(hostile: str) -> None:
    reader = read(hostile)
    assert reader.tags.count("script") == 2
    assert "alert" not in reader.texts["script"][1]
    data = msgspec.json.decode(reader.texts["script"][0])
    assert data["rows"][0][4][0][1].startswith("</script><script>alert('x')")
    embedded = reader.texts["script"][0]
    assert not re.search("[<>&\u2028\u2029]", embedded)
    hostile.encode()


def test_the_page_shows_scores_differences_and_the_verdict(report: Report) -> None:
    reader = read(report_html(report))
    text = " ".join(part for tag, parts in reader.texts.items() if tag not in {"script", "style"} for part in parts)
    assert "Verdict: failed" in text
    assert "0.7500" in text
    assert "▼ 5 worse" in text
    assert "p (Holm, 1)" in text
    data = msgspec.json.decode(reader.texts["script"][0])
    assert len(data["rows"]) == 40
    assert data["views"] == [{"name": "after against before", "sides": [0, 1], "compared": True}]


def test_the_page_can_be_read_by_everyone(report: Report) -> None:
    page = report_html(report)
    assert '<html lang="en">' in page
    assert page.count("<caption") == page.count("<table>") == 3
    assert "prefers-color-scheme:dark" in page
    assert page.count("<h1>") == 1
    assert 'name="viewport"' in page
    assert page.count('role="img"') == page.count('role="img" aria-label="')


def test_a_long_text_is_cut_with_a_note(make_result: MakeResult) -> None:
    page = report_html(make_report(make_result("long", [1.0], outputs=["x" * 50_000])))
    assert "Texts are cut after 20,000 characters" in page
    assert "30,000 more characters" in page
    assert "x" * 20_001 not in page


@pytest.mark.parametrize("letter", ["x", "<", "\x00", "é"])
def test_a_page_stays_within_its_bound_whatever_the_texts_hold(make_result: MakeResult, letter: str) -> None:
    report = make_report(make_result("large", [1.0] * 300, outputs=[letter * 19_000] * 300))
    page = report_html(report, largest=200_000)
    assert len(page.encode()) < 200_000 + 80_000
    assert "Texts are cut" in page


def test_rows_that_got_worse_stay_longest(before: ExperimentResult, after: ExperimentResult) -> None:
    page = report_html(make_report([before, after, compare(before, after)]), most=6)
    rows = msgspec.json.decode(read(page).texts["script"][0])["rows"]
    assert {f"ex-{number}" for number in range(5)} < {row[0] for row in rows}
    assert "34 of 40 rows are left out" in page


def test_an_older_report_is_replaced_and_nothing_else_is_left(before: ExperimentResult, tmp_path: Path) -> None:
    for _ in range(2):
        write_html_report(before, tmp_path / "new" / "report.html", title="A & B")
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["report.html"]
    assert "<title>A &amp; B</title>" in (tmp_path / "new" / "report.html").read_text(encoding="utf-8")


def test_a_report_about_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="at least one"):
        write_html_report([], tmp_path / "report.html")
