"""Writes a report as GitHub-flavoured Markdown for pull requests, within the size of a comment.

Everything that comes from data (names, texts of examples, outputs) stands in code spans: it can neither mention
people nor bring links, images or HTML of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from promptops.core.errors import ValidationError
from promptops.experiments._gates import Verdict
from promptops.experiments._table import number, signed
from promptops.experiments.reports._model import ComparisonPart, ExperimentPart, MetricDifference, Report
from promptops.experiments.reports._words import (
    STATUS_WORDS,
    interval_of_difference,
    interval_of_mean,
    one_line,
    p_values,
    plain,
    rows_line,
    run_value,
    whole,
)

__all__ = ["LONGEST_MARKDOWN", "report_markdown"]

LONGEST_MARKDOWN: Final = 60_000
"""Characters; a comment on a pull request may have 65,536."""

_SHORTEST: Final = 2_000
_MARKS: Final = {"pass": "✅", "fail": "❌", "inconclusive": "❔"}
_NOTE: Final = "\n\n*More is left out to stay within {:,} characters.*\n"
_LISTED: Final = 50
_MOST_CHANGED: Final = 20


def report_markdown(report: Report, *, listed: int = _LISTED, longest: int = LONGEST_MARKDOWN) -> str:
    """Return a report as Markdown: verdicts first, then tables, then the regressions as lists that fold.

    Args:
        report: What to write.
        listed: Most regressions to name for each metric.
        longest: Most characters; what does not fit is left out, with a note that says so.

    Raises:
        ValidationError: ``longest`` is below 2,000.
    """
    if longest < _SHORTEST:
        raise ValidationError(f"longest is {longest}; give {_SHORTEST:,} characters or more")
    blocks = [f"## {_inert(one_line(_visible(report.title), 200))}"]
    blocks += [block for name, verdict in report.verdicts for block in _verdict(name, verdict)]
    blocks += [block for part in report.comparisons for block in _comparison(report, part)]
    if report.experiments:
        blocks += list(_experiments(report.experiments))
    blocks += [block for part in report.comparisons for block in _regressions(report, part, listed)]
    if report.created_at:
        blocks.append(f"*Made {_text(report.created_at)}.*")
    return _bounded([plain(block) for block in blocks], longest)


def _bounded(blocks: Sequence[str], longest: int) -> str:
    note = _NOTE.format(longest)
    text = "\n\n".join(blocks) + "\n"
    if len(text) <= longest:
        return text
    room = longest - len(note)
    kept: list[str] = []
    for block in blocks:
        room -= len(block) + 2
        if room >= 0:
            kept.append(block)
            continue
        # A block that does not fit loses its last lines; whatever it opened is closed again.
        end = "\n</details>" if block.endswith("</details>") else ""
        lines = block.split("\n")
        room += len(block) - len(end)
        while lines and len("\n".join(lines)) > room:
            lines.pop()
        if len(lines) > 3:
            kept.append("\n".join(lines) + end)
        break
    return "\n\n".join(kept) + note


def _verdict(name: str, verdict: Verdict) -> Iterator[str]:
    yield f"**{_MARKS[verdict.status]} {STATUS_WORDS[verdict.status].capitalize()}**: {_text(name)}"
    yield "\n".join(f"- {_MARKS[result.status]} {_text(result.reason, 500)}" for result in verdict.results)


def _comparison(report: Report, part: ComparisonPart) -> Iterator[str]:
    before, after = report.experiments[part.baseline].name, report.experiments[part.candidate].name
    yield f"### {_text(after)} against {_text(before)}"
    facts = f"{part.pairs:,} pairs of rows"
    if part.only_in_baseline or part.only_in_candidate:
        facts += f", {part.only_in_baseline:,} rows only in the baseline, {part.only_in_candidate:,} in the candidate"
    if part.not_compared:
        facts += f"; not compared: {', '.join(map(_text, part.not_compared))}"
    yield f"{facts}."
    if part.changed:
        yield _changed(report, part)
    if not part.metrics:
        yield "No metric has a score in both."
        return
    confidence = next((metric.test.confidence for metric in part.metrics if metric.test is not None), 0.95)
    head = (
        "metric",
        "baseline",
        "candidate",
        "difference",
        f"{confidence * 100:g} % interval",
        "p",
        f"p (Holm, {part.tests})",
        "detectable",
        "better / same / worse",
    )
    yield _table(head, [_metric(metric) for metric in part.metrics])
    if part.slices:
        yield from _slices(part)


def _changed(report: Report, part: ComparisonPart) -> str:
    ids = list(dict.fromkeys(str(report.rows[place].example_id) for place in part.changed_rows))
    named = ", ".join(_text(ident, 100) for ident in ids[:_MOST_CHANGED])
    more = f", and {len(ids) - _MOST_CHANGED:,} more" if len(ids) > _MOST_CHANGED else ""
    what = "1 pair is" if part.changed == 1 else f"{part.changed:,} pairs are"
    return f"{what} left out: the example has another content in each experiment ({named}{more})."


def _metric(metric: MetricDifference) -> tuple[str, ...]:
    name = _text(metric.name) + (" (lower is better)" if metric.lower_is_better else "")
    difference = signed(metric.difference)
    return (
        name,
        number(metric.baseline_mean),
        number(metric.candidate_mean),
        f"**{difference}**" if metric.tone != "unclear" else difference,
        interval_of_difference(metric),
        *p_values(metric),
        f"{metric.better} / {metric.same} / {metric.worse}",
    )


def _slices(part: ComparisonPart) -> Iterator[str]:
    rows = [
        (
            f"{_text(slice_.name)} = {_text(slice_.value)}",
            _text(metric.name),
            str(metric.pairs),
            signed(metric.difference),
            interval_of_difference(metric),
            p_values(metric)[1],
        )
        for slice_ in part.slices
        for metric in slice_.metrics
    ]
    body = _table(("slice", "metric", "pairs", "difference", "interval", "p (Holm)"), rows)
    yield f"<details>\n<summary>{len(part.slices)} slices</summary>\n\n{body}\n\n</details>"


def _experiments(parts: Sequence[ExperimentPart]) -> Iterator[str]:
    yield "### Scores"
    rows = [
        (
            _text(part.name),
            _text(metric.name),
            number(metric.mean),
            interval_of_mean(metric),
            str(metric.scored),
            str(metric.errors),
        )
        for part in parts
        for metric in part.metrics
    ]
    if rows:
        yield _table(("experiment", "metric", "mean", "95 % interval", "scored", "errors"), rows)
    lines: list[str] = []
    for part in parts:
        lines.append(f"- {_text(part.name)}: {rows_line(part)}")
        if part.stopped is not None:
            lines.append(f"  - stopped with {part.remaining:,} rows missing: {_text(part.stopped)}")
        lines += [f"  - {_text(name)}: {_text(run_value(one))}" for name, one in part.run_evaluations.items()]
    yield "\n".join(lines)


def _regressions(report: Report, part: ComparisonPart, listed: int) -> Iterator[str]:
    for metric in part.metrics:
        if not metric.worse_rows:
            continue
        count = len(metric.worse_rows)
        lines = [
            "<details>",
            f"<summary>{count:,} {'regression' if count == 1 else 'regressions'} by {_html(metric.name)}</summary>",
            "",
        ]
        for place in metric.worse_rows[:listed]:
            row = report.rows[place]
            sides = [row.cells[side] for side in (part.baseline, part.candidate)]
            scores = " → ".join(whole(side.evaluations[metric.name].score or 0.0) for side in sides)
            said = f" {_text(row.headline, 100)}" if row.headline else ""
            outputs = ": " + " → ".join(_text(side.output, 100) for side in sides)
            repetition = f" #{row.repetition}" if row.repetition != 1 else ""
            lines.append(f"- {_text(str(row.example_id), 100)}{repetition} {scores}{said}{outputs}")
        if count > listed:
            lines.append(f"- and {count - listed:,} more")
        yield "\n".join([*lines, "", "</details>"])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rows))


def _text(text: str, most: int = 200) -> str:
    """Return ``text`` as a code span, in which nothing means anything; pipes would end a cell even there."""
    line = one_line(_visible(text), most).replace("|", "\\|")
    if not line:
        return "*empty*"
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _html(text: str) -> str:
    """Return ``text`` for inside an HTML tag, where code spans do not work."""
    return f"<code>{_inert(one_line(_visible(text), 200))}</code>"


def _inert(line: str) -> str:
    """Return a line in which every sign that could mean something is a character reference."""
    return re.sub(r"[!-+./:-@\[-`{-~]", lambda found: f"&#{ord(found[0])};", line)


def _visible(text: str) -> str:
    return "".join(
        character if character.isprintable() or character.isspace() else ascii(character)[1:-1] for character in text
    )
