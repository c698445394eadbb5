"""The parts of the HTML report that need no script: verdicts, scores, distributions, comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from promptops.experiments._gates import Verdict
from promptops.experiments._table import number, signed
from promptops.experiments.reports._embedded import metric_names
from promptops.experiments.reports._model import ComparisonPart, ExperimentPart, MetricDifference, MetricFigures, Report
from promptops.experiments.reports._svg import histogram, interval, score_bar, share_bar
from promptops.experiments.reports._words import (
    STATUS_WORDS,
    changed_line,
    interval_of_difference,
    interval_of_mean,
    money,
    one_line,
    p_values,
    pairs_line,
    plain,
    run_value,
)

__all__ = ["comparison_section", "distribution_section", "score_section", "verdict_section"]

_LONGEST_NAME = 300
_MOST_CHANGED = 20


def verdict_section(name: str, verdict: Verdict, index: int) -> str:
    """Return what the gates say."""
    reasons = "".join(
        f"<li><strong>{STATUS_WORDS[result.status]}</strong>: {_named(result.reason)}</li>"
        for result in verdict.results
    )
    return (
        f'<section class="verdict {verdict.status}" aria-labelledby="verdict-{index}">'
        f'<h2 id="verdict-{index}">Verdict: {STATUS_WORDS[verdict.status]}</h2>'
        f'<p class="facts">{_named(name)}</p><ul>{reasons}</ul></section>\n'
    )


def score_section(experiments: Sequence[ExperimentPart]) -> str:
    """Return a table with a line for each experiment and metric."""
    rows = "".join(_score_rows(part) for part in experiments)
    return (
        '<section id="scores" aria-labelledby="scores-h"><h2 id="scores-h">Scores</h2>'
        '<div class="wide" role="region" aria-label="Scores" tabindex="0"><table>'
        "<caption>Mean of each metric with its 95 % interval</caption>"
        '<thead><tr><th scope="col">experiment</th><th scope="col">metric</th><th scope="col" class="n">mean</th>'
        '<th scope="col" class="n">interval</th><th scope="col" class="n">spread</th>'
        '<th scope="col" class="n">scored</th><th scope="col" class="n">errors</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>\n"
    )


def _score_rows(part: ExperimentPart) -> str:
    facts = f"{part.rows:,} rows" + (f", {part.failed:,} failed" if part.failed else "")
    facts += f", {part.duration_s:.1f} s" if part.duration_s is not None else ""
    facts += f", cost {money(part.cost)}" if part.cost is not None else ""
    if part.stopped is not None:
        facts += f", stopped with {part.remaining:,} rows missing: {_named(part.stopped)}"
    facts += "".join(f"<br>{_named(name)}: {_named(run_value(one))}" for name, one in part.run_evaluations.items())
    span = max(len(part.metrics), 1)
    head = f'<th scope="rowgroup" rowspan="{span}">{_named(part.name)}<small>{facts}</small></th>'
    lines = [_score_cells(metric) for metric in part.metrics] or ['<td colspan="6">no scores</td>']
    return "".join(f"<tr>{head if place == 0 else ''}{cells}</tr>" for place, cells in enumerate(lines))


def _score_cells(metric: MetricFigures) -> str:
    spread = "-" if metric.summary is None else number(metric.summary.std)
    return (
        f'<th scope="row">{_named(metric.name)}{_labels(metric)}</th>'
        f'<td class="n">{number(metric.mean)}{score_bar(metric.mean)}</td>'
        f'<td class="n">{interval_of_mean(metric)}</td><td class="n">{spread}</td>'
        f'<td class="n">{metric.scored}</td><td class="n">{metric.errors}</td>'
    )


def _labels(metric: MetricFigures) -> str:
    if not metric.labels:
        return ""
    common = sorted(metric.labels.items(), key=lambda pair: -pair[1])[:8]
    more = f", and {len(metric.labels) - 8} more" if len(metric.labels) > 8 else ""
    return f"<small>{', '.join(f'{_named(label)}: {count}' for label, count in common)}{more}</small>"


def distribution_section(report: Report) -> str:
    """Return pictures of how the scores of each metric are spread, or nothing."""
    groups: list[str] = []
    for name in metric_names(report):
        found = [
            (part.name, metric.distribution)
            for part in report.experiments
            for metric in part.metrics
            if metric.name == name and metric.distribution is not None
        ]
        if not found:
            continue
        tallest = max(one.count for _, spread in found for one in spread.bins)
        pictures = "".join(
            f"<figure>{histogram(spread, f'{name} of {own}', tallest=tallest)}"
            f"<figcaption>{_named(own)}</figcaption></figure>"
            for own, spread in found
        )
        groups.append(f'<h3>{_named(name)}</h3><div class="plots">{pictures}</div>')
    if not groups:
        return ""
    return (
        '<section id="distributions" aria-labelledby="distributions-h"><h2 id="distributions-h">Distributions</h2>'
        f'<p class="facts">How many rows have which score.</p>{"".join(groups)}</section>\n'
    )


def comparison_section(report: Report, part: ComparisonPart, index: int) -> str:
    """Return the differences of a comparison, with what they are worth."""
    before, after = (_named(report.experiments[side].name) for side in (part.baseline, part.candidate))
    places = {name: place for place, name in enumerate(metric_names(report))}
    reach = _reach(part.metrics)
    rows = "".join(_difference_row(metric, index, places.get(metric.name), reach) for metric in part.metrics)
    confidence = next((metric.test.confidence for metric in part.metrics if metric.test is not None), 0.95)
    columns = (
        ("metric", ""),
        (before, "n"),
        (after, "n"),
        ("difference", "n"),
        (f"{confidence * 100:g} % interval", "n"),
        ("p", "n"),
        (f"p (Holm, {part.tests})", "n"),
        ('<abbr title="the smallest true difference that would be found four times in five">detectable</abbr>', "n"),
        ("better, same, worse", ""),
    )
    head = "".join(f'<th scope="col"{f" class={kind}" if kind else ""}>{text}</th>' for text, kind in columns)
    return (
        f'<section id="comparison-{index}" aria-labelledby="comparison-{index}-h">'
        f'<h2 id="comparison-{index}-h">{after} <span class="against">against</span> {before}</h2>'
        f'<p class="facts">{_named(pairs_line(report, part))}.</p>'
        f"{_left_out(report, part)}"
        '<div class="wide" role="region" aria-label="Differences" tabindex="0"><table>'
        "<caption>Difference of each metric, candidate minus baseline</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{''.join(_slices(part))}</section>\n"
    )


def _left_out(report: Report, part: ComparisonPart) -> str:
    if not part.changed:
        return ""
    return f'<p class="facts changed">{escape(plain(changed_line(report, part, _MOST_CHANGED)))}.</p>'


def _reach(metrics: Sequence[MetricDifference]) -> float:
    ends = [abs(end) for metric in metrics if metric.test for end in (metric.test.low, metric.test.high) if end]
    return max(ends, default=1.0)


def _difference_row(metric: MetricDifference, view: int, place: int | None, reach: float) -> str:
    tone = {"better": " good", "worse": " bad", "unclear": ""}[metric.tone]
    direction = "<small>lower is better</small>" if metric.lower_is_better else ""
    p_value, holm, mde = p_values(metric)
    return (
        f'<tr><th scope="row">{_named(metric.name)}{direction}</th>'
        f'<td class="n">{number(metric.baseline_mean)}</td><td class="n">{number(metric.candidate_mean)}</td>'
        f'<td class="n{tone}">{signed(metric.difference)}</td>'
        f'<td class="n">{interval_of_difference(metric)}{interval(metric, reach=reach)}</td>'
        f'<td class="n">{p_value}</td><td class="n">{holm}</td><td class="n">{mde}</td>'
        f"<td>{share_bar(metric.better, metric.same, metric.worse)}"
        f'<span class="counts">{_jump(metric, "better", view, place)}<span>{metric.same} same</span>'
        f"{_jump(metric, 'worse', view, place)}</span></td></tr>"
    )


def _jump(metric: MetricDifference, word: str, view: int, place: int | None) -> str:
    count = metric.better if word == "better" else metric.worse
    mark, tone = ("▲", "good") if word == "better" else ("▼", "bad")
    if not count or place is None:
        return f'<span class="{tone}">{mark} {count} {word}</span>'
    name = escape(f"{metric.name}: show the {count} that got {word}")
    return (
        f'<button type="button" class="jump {tone}" data-view="{view}" data-metric="{place}" data-show="{word}" '
        f'aria-label="{name}" disabled>{mark} {count} {word}</button>'
    )


def _slices(part: ComparisonPart) -> Iterator[str]:
    if not part.slices:
        return
    rows = "".join(
        f'<tr><th scope="row">{_named(slice_.name)}: {_named(slice_.value)}</th><td>{_named(metric.name)}</td>'
        f'<td class="n">{metric.pairs}</td><td class="n">{signed(metric.difference)}</td>'
        f'<td class="n">{interval_of_difference(metric)}</td><td class="n">{p_values(metric)[1]}</td></tr>'
        for slice_ in part.slices
        for metric in slice_.metrics
    )
    yield (
        f"<details><summary>{len(part.slices)} slices</summary>"
        '<div class="wide" role="region" aria-label="Slices" tabindex="0"><table>'
        "<caption>The p-values are adjusted for all slices and metrics; each interval is for its slice alone</caption>"
        '<thead><tr><th scope="col">slice</th><th scope="col">metric</th><th scope="col" class="n">pairs</th>'
        '<th scope="col" class="n">difference</th><th scope="col" class="n">interval</th>'
        f'<th scope="col" class="n">p (Holm)</th></tr></thead><tbody>{rows}</tbody></table></div></details>'
    )


def _named(text: str) -> str:
    return escape(one_line(text, _LONGEST_NAME))
