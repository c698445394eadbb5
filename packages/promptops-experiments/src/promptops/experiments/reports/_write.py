"""Writes reports to files, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, Literal, get_args

from promptops.core.errors import ValidationError
from promptops.experiments.reports._build import Item, make_report
from promptops.experiments.reports._html import MOST_ROWS, report_html
from promptops.experiments.reports._json import report_json
from promptops.experiments.reports._junit import report_junit
from promptops.experiments.reports._markdown import report_markdown
from promptops.experiments.reports._model import Report
from promptops.experiments.reports._text import report_text

__all__ = ["ReportFormat", "render_report", "write_html_report", "write_report"]

ReportFormat = Literal["text", "markdown", "json", "junit", "html"]

_RENDERERS: Final[Mapping[ReportFormat, Callable[[Report], str]]] = {
    "text": report_text,
    "markdown": report_markdown,
    "json": report_json,
    "junit": report_junit,
    "html": report_html,
}
_SUFFIXES: Final[Mapping[str, ReportFormat]] = {
    ".txt": "text",
    ".md": "markdown",
    ".json": "json",
    ".xml": "junit",
    ".html": "html",
    ".htm": "html",
}


def render_report(report: Report, format: ReportFormat) -> str:  # noqa: A002 - what it is
    """Return a report in a format; each has a function of its own with further arguments."""
    if format not in get_args(ReportFormat):
        raise ValidationError(f"there is no format {format!r}; the formats are {', '.join(get_args(ReportFormat))}")
    return _RENDERERS[format](report)


def write_report(report: Report, path: str | os.PathLike[str], *, format: ReportFormat | None = None) -> Path:  # noqa: A002
    """Write a report to a file and return its path.

    Folders on the way to it are made, and an older report is replaced in one step.

    Args:
        report: What to write.
        path: The file.
        format: How; by the ending of the file when absent: .txt, .md, .json, .xml (JUnit), .html.

    Raises:
        ValidationError: The ending says nothing and no format is given.
        OSError: The file cannot be written.
    """
    target = Path(path)
    chosen = format or _SUFFIXES.get(target.suffix.lower())
    if chosen is None:
        raise ValidationError(f"the ending of {target.name!r} names no format; give format=, or end in .html, say")
    return _replace(target, render_report(report, chosen))


def write_html_report(
    items: Item | Iterable[Item], path: str | os.PathLike[str], *, title: str = "Experiments", most: int = MOST_ROWS
) -> Path:
    """Write results and comparisons as one self-contained HTML file, and return its path.

    The file needs no network; folders on the way to it are made, and an older report is replaced in one step.

    Args:
        items: Results and comparisons, in the order in which to show them.
        path: The file to write.
        title: The heading.
        most: Most rows to show; those that got worse stay longest, and the report says how many it leaves out.
    """
    return _replace(Path(path), report_html(make_report(items, title=title), most=most))


def _replace(target: Path, text: str) -> Path:
    import tempfile

    target.parent.mkdir(parents=True, exist_ok=True)
    # Half a report must never be seen: write beside the target, then rename.
    descriptor, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        Path(beside).chmod(0o666 & ~umask)
        Path(beside).replace(target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    return target
