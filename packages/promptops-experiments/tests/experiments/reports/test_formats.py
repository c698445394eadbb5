from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from promptops.core.errors import ValidationError
from promptops.experiments import ExperimentResult, Gate, compare, make_report, write_report
from promptops.experiments.reports import (
    Report,
    render_report,
    report_dict,
    report_json,
    report_junit,
    report_markdown,
    report_text,
)

MakeResult = Callable[..., ExperimentResult]
HOSTILE = "a|b `c` ```` </details> <img src=x onerror=alert(1)> @someone #1 [x](http://evil) \x1b[31m \x00 \ud800 ]]>"


@pytest.fixture
def hostile(make_result: MakeResult) -> Report:
    first = make_result(f"one {HOSTILE}", [1.0, 1.0], outputs=[HOSTILE, "fine"], metric="m|<b>", fields={"q": HOSTILE})
    second = make_result("two", [0.0, None], outputs=[HOSTILE, ""], metric="m|<b>", error=HOSTILE)
    return make_report([first, second, compare(first, second)], title=HOSTILE)


# text


def test_text_has_means_intervals_and_regressions(report: Report) -> None:
    text = report_text(report)
    assert "before: 40 rows" in text
    assert re.search(r"accuracy +0\.7500 +0\.\d+ to 0\.\d+", text)
    assert "accuracy: 5 worse\n  ex-0  1 -> 0  what is 0?" in text
    assert "p (Holm, 1)" in text
    assert "verdict: fail" in text


def test_text_steers_no_terminal(hostile: Report) -> None:
    text = report_text(hostile)
    assert all(character.isprintable() or character == "\n" for character in text)
    text.encode()


# Markdown


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def tables(text: str) -> list[list[list[str]]]:
    found: list[list[list[str]]] = []
    for block in text.split("\n\n"):
        lines = block.splitlines()
        if len(lines) > 1 and re.fullmatch(r"\|( ---:? \|)+", lines[1]):
            found.append([cells(line) for line in [lines[0], *lines[2:]]])
    return found


def test_markdown_has_a_summary_table(report: Report) -> None:
    (differences, scores) = tables(report_markdown(report))
    assert differences[1][:4] == ["`accuracy`", "0.7692", "0.7692", "+0.0000"]
    assert differences[1][-1] == "5 / 29 / 5"
    assert [line[:3] for line in scores[1:]] == [
        ["`before`", "`accuracy`", "0.7500"],
        ["`after`", "`accuracy`", "0.7692"],
    ]


def test_markdown_says_the_verdict_first(report: Report) -> None:
    lines = report_markdown(report).splitlines()
    assert lines[0] == "## A report"
    assert "Failed" in lines[2]


def test_markdown_lists_regressions_that_fold(report: Report) -> None:
    text = report_markdown(report, listed=3)
    (folded,) = re.findall(r"<details>\n<summary>(.*?)</summary>\n\n(.*?)\n\n</details>", text, re.DOTALL)
    assert folded[0] == "5 regressions by <code>accuracy</code>"
    assert folded[1].splitlines()[0].startswith("- `ex-0` 1 → 0 `what is 0?`: `answer 0 of before` → ")
    assert folded[1].splitlines()[-1] == "- and 2 more"


def test_markdown_keeps_every_table_whole_whatever_names_hold(hostile: Report) -> None:
    for table in tables(report_markdown(hostile)):
        assert len({len(line) for line in table}) == 1


def test_nothing_of_the_data_means_anything_in_markdown(hostile: Report) -> None:
    text = report_markdown(hostile)
    bare = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)  # without code spans
    assert "@someone" not in bare
    assert "<img" not in bare
    assert "](http" not in bare
    assert bare.count("<details>") == bare.count("</details>") >= 1
    assert "\x1b" not in text
    assert "@someone" in text


def test_markdown_stays_within_its_bound_and_says_so(make_result: MakeResult) -> None:
    size = 2_000
    first = make_result("a", [1.0] * size, outputs=["x" * 500] * size)
    second = make_result("b", [0.0] * size, outputs=["y" * 500] * size)
    report = make_report([first, second, compare(first, second)])
    text = report_markdown(report, listed=size)
    assert len(text) <= 60_000
    assert "left out" in text
    assert text.count("<details>") == text.count("</details>") == 1
    small = report_markdown(report, longest=2_000)
    assert len(small) <= 2_000
    with pytest.raises(ValidationError, match="longest"):
        report_markdown(report, longest=100)


# JUnit


def suites(text: str) -> dict[str, ET.Element]:
    root = ET.fromstring(text)
    assert root.tag == "testsuites"
    return {suite.attrib["name"]: suite for suite in root}


def test_junit_has_a_case_for_each_gate_and_each_row_by_metric(report: Report) -> None:
    found = suites(report_junit(report))
    assert list(found) == ["gates of after against before", "after against before"]
    gates, rows = found.values()
    assert [case.attrib["name"] for case in gates] == ["accuracy max_regression 0.4", "accuracy min_mean 0.99"]
    assert [len(case.findall("failure")) for case in gates] == [0, 1]
    assert len(rows.findall("testcase")) == 40
    assert len(rows.findall("testcase/failure")) == 5
    assert [case.attrib["name"] for case in rows if case.find("error") is not None] == ["ex-39"]


def test_junit_counts_are_those_of_its_cases(report: Report) -> None:
    root = ET.fromstring(report_junit(report))
    for element in (root, *root):
        for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(element.attrib[name]) == len(list(element.iter(tag)))
    for case in root.iter("testcase"):
        assert {"classname", "name", "time"} == set(case.attrib)


def test_regressions_that_gates_let_through_are_no_failures(before: ExperimentResult, after: ExperimentResult) -> None:
    passed = make_report(compare(before, after, gates=[Gate(metric="accuracy", max_regression=0.5)]))
    rows = suites(report_junit(passed))["after against before"]
    assert rows.attrib["failures"] == "0"
    assert len(rows.findall("testcase/system-out")) == 5
    plain = make_report(compare(before, after))
    assert suites(report_junit(plain))["after against before"].attrib["failures"] == "5"


@pytest.mark.parametrize(("choice", "tag"), [("skip", "skipped"), ("fail", "failure"), ("pass", "system-out")])
def test_an_inconclusive_gate_is_what_was_chosen(before: ExperimentResult, choice: str, tag: str) -> None:
    report = make_report(before, gates=[Gate(metric="accuracy", min_mean=0.75)])
    assert report.status == "inconclusive"
    (case,) = suites(report_junit(report, inconclusive=choice))["gates of before"]  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - a parameter
    assert case.find(tag) is not None
    assert len(case) == 1


def test_junit_of_one_experiment_has_its_errors(after: ExperimentResult) -> None:
    rows = suites(report_junit(make_report(after)))["after"]
    assert (rows.attrib["tests"], rows.attrib["failures"], rows.attrib["errors"]) == ("40", "0", "1")


def test_junit_is_well_formed_whatever_the_data_hold(hostile: Report) -> None:
    root = ET.fromstring(report_junit(hostile).encode())
    assert any("onerror=alert(1)" in (failure.text or "") for failure in root.iter("failure"))


def test_junit_leaves_out_passed_cases_first_and_says_so(report: Report) -> None:
    rows = suites(report_junit(report, most=10))["after against before"]
    assert len(rows.findall("testcase")) == 10
    assert len(rows.findall("testcase/failure")) == 5
    assert rows.attrib["tests"] == "40"
    assert [item.attrib for item in rows.iter("property")] == [{"name": "left_out", "value": "30"}]


# JSON


def test_json_has_a_format_and_a_version(report: Report) -> None:
    found = msgspec.json.decode(report_json(report))
    assert (found["format"], found["version"], found["status"]) == ("promptops.report", 1, "fail")
    (comparison,) = found["comparisons"]
    assert (comparison["baseline"], comparison["candidate"]) == ("before", "after")
    (metric,) = comparison["metrics"]
    assert metric["worse_rows"][0] == {"example_id": "ex-0", "repetition": 1}
    assert metric["test"]["n"] == 39
    assert found["rows"][0]["experiments"]["after"]["evaluations"]["accuracy"] == {"score": 0.0}


def test_json_holds_whole_texts_unless_rows_are_left_out(make_result: MakeResult) -> None:
    report = make_report(make_result("long", [1.0], outputs=["x" * 300_000]))
    assert report_dict(report)["rows"][0]["experiments"]["long"]["output"] == "x" * 300_000
    assert "rows" not in report_dict(report, rows=False)


def test_json_is_valid_whatever_the_data_hold(hostile: Report) -> None:
    found = msgspec.json.decode(report_json(hostile))
    assert "onerror=alert(1)" in found["rows"][0]["experiments"]["two"]["output"]


# files


@pytest.mark.parametrize(
    ("ending", "start"), [(".txt", "before"), (".md", "## "), (".json", "{"), (".xml", "<?xml"), (".html", "<!doctype")]
)
def test_the_ending_names_the_format(report: Report, tmp_path: Path, ending: str, start: str) -> None:
    path = write_report(report, tmp_path / "new" / f"report{ending}")
    assert path.read_text(encoding="utf-8").startswith(start)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_an_ending_that_says_nothing_is_refused(report: Report, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="format"):
        write_report(report, tmp_path / "report.pdf")
    with pytest.raises(ValidationError, match="markdown"):
        render_report(report, "pdf")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - what is refused
