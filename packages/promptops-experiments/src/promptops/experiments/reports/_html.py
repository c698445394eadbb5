"""Writes a report as one HTML file that loads nothing from anywhere and runs nothing but its own script."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from typing import Final

from promptops.experiments.reports._embedded import LARGEST_DATA, Embedded, embedded
from promptops.experiments.reports._model import Report
from promptops.experiments.reports._sections import (
    comparison_section,
    distribution_section,
    score_section,
    verdict_section,
)
from promptops.experiments.reports._words import STATUS_WORDS, plain

__all__ = ["MOST_ROWS", "report_html"]

MOST_ROWS: Final = 20_000

_HELP: Final = (
    "<kbd>/</kbd> searches, <kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>Enter</kbd> opens, "
    "<kbd>←</kbd> <kbd>→</kbd> go to the next one, <kbd>Esc</kbd> closes."
)


def report_html(report: Report, *, most: int = MOST_ROWS, largest: int = LARGEST_DATA) -> str:
    """Return a report as one self-contained HTML page.

    The rows are data in a script element of a type that is never run, the page's own script puts them on the screen
    as text, and a content security policy allows that script and style sheet alone, by their digests.

    Args:
        report: What to write.
        most: Most rows; those that got worse stay longest, and the page says how many are left out.
        largest: Most bytes of rows; longer texts are cut until they fit, and the page says so.
    """
    style, script = _asset("report.css"), _asset("report.js")
    rows = embedded(report, most=most, largest=largest)
    policy = (
        f"default-src 'none'; script-src 'sha256-{_digest(script)}'; style-src 'sha256-{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    heading = escape(plain(report.title))
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{heading}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#main">Skip to the results</a>\n{_header(report, heading)}'
        f'<main id="main">\n{"".join(_sections(report))}{_explorer(report, rows)}</main>\n{_dialog()}'
        f'<script type="application/json" id="data">{rows.text}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )
    return plain(page)


def _header(report: Report, heading: str) -> str:
    links = [("#scores", "Scores")] if report.experiments else []
    links += [(f"#comparison-{index}", plain(report.name_of(part))) for index, part in enumerate(report.comparisons)]
    links.append(("#examples", "Examples"))
    listed = "".join(f'<li><a href="{target}">{escape(text)}</a></li>' for target, text in links)
    verdict = f'<p class="facts">Verdict: {STATUS_WORDS[report.status]}</p>' if report.status is not None else ""
    made = f'<p class="facts">Made {escape(plain(report.created_at))}</p>' if report.created_at else ""
    return (
        f'<header><div class="top"><h1>{heading}</h1><button type="button" id="theme" hidden>Theme</button></div>'
        f'{verdict}{made}<nav aria-label="Contents"><ul>{listed}</ul></nav></header>\n'
    )


def _sections(report: Report) -> list[str]:
    parts = [verdict_section(name, verdict, index) for index, (name, verdict) in enumerate(report.verdicts)]
    parts += [comparison_section(report, part, index) for index, part in enumerate(report.comparisons)]
    return [*parts, score_section(report.experiments), distribution_section(report)]


def _explorer(report: Report, rows: Embedded) -> str:
    notes = ["<noscript>The examples need the script of this page.</noscript>"]
    if rows.left_out:
        notes.append(f"{rows.left_out:,} of {len(report.rows):,} rows are left out; the JSON report has all of them.")
    if rows.is_cut:
        notes.append(f"Texts are cut after {rows.longest:,} characters; the JSON report has the whole of them.")
    return (
        '<section id="examples" aria-labelledby="examples-h"><h2 id="examples-h">Examples</h2>'
        f'<p class="facts">{" ".join(notes)}</p>'
        '<div id="controls" role="search" aria-label="Examples" hidden><div class="controls">'
        '<label>Search<input id="search" type="search" autocomplete="off" spellcheck="false"></label>'
        '<label id="view-label">Compare<select id="view"></select></label>'
        '<label id="metric-label">Metric<select id="metric"></select></label>'
        '<label>Show<select id="show"></select></label></div>'
        f'<p class="facts">{_HELP}</p></div>'
        '<p id="count" role="status" aria-live="polite"></p>'
        '<div id="table" class="wide" role="region" aria-label="Examples" hidden><table>'
        '<caption class="hidden">Examples; the buttons of the first line sort</caption>'
        '<thead id="rows-head"></thead><tbody id="rows"></tbody></table>'
        '<p id="nothing" hidden>No row is like that.</p></div>'
        '<div id="pager" role="group" aria-label="Pages" hidden>'
        '<button type="button" id="before">Previous page</button><span id="page" aria-live="polite"></span>'
        '<button type="button" id="after">Next page</button></div></section>\n'
    )


def _dialog() -> str:
    return (
        '<dialog id="detail" aria-labelledby="detail-title"><div class="top">'
        '<h2 id="detail-title" tabindex="-1"></h2><div class="bar">'
        '<button type="button" id="previous">Previous</button><button type="button" id="next">Next</button>'
        '<button type="button" id="close">Close</button></div></div><p id="detail-facts" class="facts"></p>'
        '<dl id="detail-fields"></dl><div id="detail-sides" class="sides"></div></dialog>\n'
    )


@cache
def _asset(name: str) -> str:
    from importlib.resources import files

    return files(__package__ or "").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
