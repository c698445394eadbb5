"""Writes a report as JUnit XML, as CI systems read it.

What is a test case:

- each limit of each gate: a failure when it fails; when it is inconclusive, a skipped test, a failure or a passed
  test, by choice;
- each row of a comparison by each metric: a failure when it got worse, unless gates let the experiment through;
- each row of a comparison that is left out, because its example changed between the two: a skipped test;
- each row of an experiment that is in no comparison, by each metric: passed whatever the score is, since only gates
  say what is too low.

A task or an evaluator that failed is an error of its test case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._gates import Verdict
from promptops.experiments.reports._model import Cell, ComparisonPart, MetricDifference, Report, Row
from promptops.experiments.reports._words import cut, one_line, plain, whole

__all__ = ["Inconclusive", "report_junit"]

Inconclusive = Literal["skip", "fail", "pass"]

_MOST_CASES: Final = 20_000
_LONGEST: Final = 2_000
# What XML 1.0 cannot hold, not even as a reference.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ROOT: Final = "promptops"


class _Case(msgspec.Struct, frozen=True, kw_only=True):
    kind: Literal["pass", "failure", "error", "skipped"]
    classname: str
    name: str
    message: str = ""
    text: str = ""
    seconds: float = 0.0


def report_junit(report: Report, *, inconclusive: Inconclusive = "skip", most: int = _MOST_CASES) -> str:
    """Return a report as JUnit XML.

    Args:
        report: What to write.
        inconclusive: What a limit becomes that is neither held nor broken.
        most: Most test cases of one suite; failures and errors come first, and a property of the suite says how many
            passed ones are left out.
    """
    from xml.etree import ElementTree as ET

    if inconclusive not in {"skip", "fail", "pass"}:
        raise ValidationError(f"inconclusive is {inconclusive!r}; it is skip, fail or pass")
    suites: list[tuple[str, list[_Case]]] = [
        (f"gates of {name}", list(_gates(name, verdict, inconclusive))) for name, verdict in report.verdicts
    ]
    suites += [(report.name_of(part), list(_pairs(report, part))) for part in report.comparisons]
    compared = {side for part in report.comparisons for side in (part.baseline, part.candidate)}
    suites += [
        (part.name, list(_rows(report, place)))
        for place, part in enumerate(report.experiments)
        if place not in compared
    ]
    root = ET.Element(
        "testsuites", {"name": _clean(report.title), **_counts([case for _, own in suites for case in own])}
    )
    for name, cases in suites:
        _suite(ET, root, report, name, cases, most)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(et: Any, root: Any, report: Report, name: str, cases: Sequence[_Case], most: int) -> None:  # noqa: PLR0917
    shown = sorted(cases, key=lambda case: case.kind == "pass")[:most] if len(cases) > most else cases
    attributes = {"name": _clean(name), **_counts(cases)}
    if report.created_at:
        attributes["timestamp"] = _clean(report.created_at)
    suite = et.SubElement(root, "testsuite", attributes)
    if len(shown) < len(cases):
        properties = et.SubElement(suite, "properties")
        et.SubElement(properties, "property", {"name": "left_out", "value": str(len(cases) - len(shown))})
    for case in shown:
        element = et.SubElement(
            suite,
            "testcase",
            {"classname": _clean(case.classname), "name": _clean(case.name), "time": f"{case.seconds:.3f}"},
        )
        if case.kind == "pass":
            if case.text:
                et.SubElement(element, "system-out").text = _clean(case.text)
            continue
        told = {"message": _clean(case.message)}
        if case.kind != "skipped":
            told["type"] = "error" if case.kind == "error" else "regression"
        et.SubElement(element, case.kind, told).text = _clean(case.text)


def _counts(cases: Sequence[_Case]) -> dict[str, str]:
    kinds = [case.kind for case in cases]
    return {
        "tests": str(len(kinds)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
        "time": f"{sum(case.seconds for case in cases):.3f}",
    }


def _gates(name: str, verdict: Verdict, inconclusive: Inconclusive) -> Iterator[_Case]:
    unclear: dict[str, Literal["pass", "failure", "skipped"]] = {"skip": "skipped", "fail": "failure", "pass": "pass"}
    for result in verdict.results:
        kind: Literal["pass", "failure", "skipped"] = "pass" if result.status == "pass" else "failure"
        if result.status == "inconclusive":
            kind = unclear[inconclusive]
        yield _Case(
            kind=kind,
            classname=f"{_ROOT}.gates.{_dotted(name)}",
            name=f"{result.metric} {result.rule} {result.limit:g}",
            message=f"{result.status}: {result.reason}" if kind != "pass" else "",
            text=result.reason,
        )


def _pairs(report: Report, part: ComparisonPart) -> Iterator[_Case]:
    # Gates that let the experiment through let its regressions through as well.
    tolerated = part.verdict is not None and part.verdict.status != "fail"
    classname = f"{_ROOT}.{_dotted(report.name_of(part))}"
    changed = set(part.changed_rows)
    for place in part.changed_rows:
        row = report.rows[place]
        told = "left out: the example has another content in each experiment"
        yield _case(row, row.cells[part.candidate], "skipped", f"{classname}.changed", told, "")
    for metric in part.metrics:
        worse = set(metric.worse_rows)
        for place, row in enumerate(report.rows):
            if place in changed:
                continue
            if part.baseline in row.cells and part.candidate in row.cells:
                yield _pair(row, part, metric, f"{classname}.{_dotted(metric.name)}", place in worse, tolerated)


def _pair(  # noqa: PLR0917 - one row of one metric
    row: Row, part: ComparisonPart, metric: MetricDifference, classname: str, worse: bool, tolerated: bool
) -> _Case:
    before, after = row.cells[part.baseline], row.cells[part.candidate]
    scores = [_score(cell, metric.name) for cell in (before, after)]
    change = " -> ".join("none" if score is None else whole(score) for score in scores)
    failed = _failure(after, metric.name)
    if failed is not None:
        return _case(row, after, "error", classname, f"{metric.name}: {failed}", failed)
    text = f"{row.headline}\nbaseline: {cut(before.output, _LONGEST)}\ncandidate: {cut(after.output, _LONGEST)}"
    if worse and not tolerated:
        return _case(row, after, "failure", classname, f"{metric.name} got worse: {change}", text)
    return _case(row, after, "pass", classname, "", f"{metric.name} got worse: {change}\n{text}" if worse else "")


def _rows(report: Report, place: int) -> Iterator[_Case]:
    part = report.experiments[place]
    classname = f"{_ROOT}.{_dotted(part.name)}"
    for row in report.rows:
        cell = row.cells.get(place)
        if cell is None:
            continue
        if cell.error is not None or not cell.evaluations:
            error = cell.error
            kind: Literal["error", "pass"] = "pass" if error is None else "error"
            yield _case(row, cell, kind, f"{classname}.task", error or "", error or "")
            continue
        for name in cell.evaluations:
            failed = _failure(cell, name)
            own = f"{classname}.{_dotted(name)}"
            if failed is not None:
                yield _case(row, cell, "error", own, f"{name}: {failed}", failed)
            else:
                score = _score(cell, name)
                yield _case(row, cell, "pass", own, "", "" if score is None else f"{name}: {whole(score)}")


def _case(  # noqa: PLR0917 - the parts of a case
    row: Row, cell: Cell, kind: Literal["pass", "failure", "error", "skipped"], classname: str, message: str, text: str
) -> _Case:
    repetition = f" #{row.repetition}" if row.repetition != 1 else ""
    name = f"{row.example_id}{repetition}"
    seconds = (cell.latency_ms or 0.0) / 1000
    return _Case(
        kind=kind,
        classname=classname,
        name=name,
        message=one_line(message, 500),
        text=cut(text, 3 * _LONGEST),
        seconds=seconds,
    )


def _score(cell: Cell, metric: str) -> float | None:
    evaluation = cell.evaluations.get(metric)
    return None if evaluation is None else evaluation.score


def _failure(cell: Cell, metric: str) -> str | None:
    if cell.error is not None:
        return cell.error
    evaluation = cell.evaluations.get(metric)
    return None if evaluation is None else evaluation.error


def _dotted(name: str) -> str:
    """Return a name as one part of a class name: CI systems divide those at points."""
    return name.replace(".", "_").replace("/", "_")


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", plain(text))
