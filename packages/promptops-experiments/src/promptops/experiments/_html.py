"""Writes a report as one static HTML file that loads nothing from anywhere."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Final

from promptops.core.errors import ValidationError
from promptops.experiments._comparison import Comparison, MetricComparison, PairKey
from promptops.experiments._html_style import STYLE
from promptops.experiments._json import shown
from promptops.experiments._result import ExperimentResult
from promptops.experiments._table import number, signed
from promptops.models.experiments import ExperimentRun

__all__ = ["write_html_report"]

_LONGEST_TEXT: Final = 20_000
_MOST_SHOWN: Final = 500

Item = Comparison | ExperimentResult


def write_html_report(
    items: Item | Iterable[Item], path: str | os.PathLike[str], *, title: str = "Experiments", most: int = _MOST_SHOWN
) -> Path:
    """Write results and comparisons as one self-contained HTML file, and return its path.

    The file needs no network and no script; folders on the way to it are made, and an older report is replaced in one
    step.

    Args:
        items: Results and comparisons, in the order in which to show them.
        path: The file to write.
        title: The heading.
        most: Most examples to show of each kind (better, worse); the report says how many it leaves out.
    """
    listed = [items] if isinstance(items, Comparison | ExperimentResult) else list(items)
    if not listed:
        raise ValidationError("a report needs at least one result or comparison")
    results = [item for item in listed if isinstance(item, ExperimentResult)]
    comparisons = [item for item in listed if isinstance(item, Comparison)]
    parts = [_results(results)] if results else []
    parts += [_comparison(item, index, most) for index, item in enumerate(comparisons, 1)]
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    _replace(target, _page(title, _contents(comparisons, bool(results)), parts))
    return target


def _page(title: str, contents: str, parts: Sequence[str]) -> str:
    heading = escape(title)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{heading}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#main">Skip to the results</a>\n<header><h1>{heading}</h1>{contents}</header>\n'
        f'<main id="main">\n{"".join(parts)}</main>\n</body>\n</html>\n'
    )


def _contents(comparisons: Sequence[Comparison], results: bool) -> str:
    links = ['<li><a href="#scores">Scores</a></li>'] if results else []
    links += [
        f'<li><a href="#comparison-{index}">{escape(item.candidate)} against {escape(item.baseline)}</a></li>'
        for index, item in enumerate(comparisons, 1)
    ]
    return f'<nav aria-label="Contents"><ul>{"".join(links)}</ul></nav>' if len(links) > 1 else ""


def _results(results: Sequence[ExperimentResult]) -> str:
    names = list(dict.fromkeys(name for result in results for name in result.metrics))
    head = "".join(f'<th scope="col" class="n">{escape(name)}</th>' for name in names)
    rows: list[str] = []
    for result in results:
        cells = "".join(_score_cell(result.mean(name)) for name in names)
        rows.append(
            f'<tr><th scope="row">{escape(result.name)}</th>{cells}<td class="n">{len(result.rows)}</td>'
            f'<td class="n">{result.errors}</td><td class="n">{result.duration_s:.1f} s</td></tr>'
        )
    return (
        '<section id="scores" aria-labelledby="scores-h"><h2 id="scores-h">Scores</h2>'
        '<div class="wide" role="region" aria-label="Scores" tabindex="0"><table>'
        "<caption>Mean score of each experiment</caption>"
        f'<thead><tr><th scope="col">experiment</th>{head}<th scope="col" class="n">rows</th>'
        '<th scope="col" class="n">errors</th><th scope="col" class="n">time</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></section>\n"
    )


def _score_cell(score: float | None) -> str:
    bar = ""
    if score is not None and 0 <= score <= 1:
        bar = f'<span class="bar" aria-hidden="true"><span style="width:{score * 100:.1f}%"></span></span>'
    return f'<td class="n">{number(score)}{bar}</td>'


def _comparison(comparison: Comparison, index: int, most: int) -> str:
    before, after = escape(comparison.baseline), escape(comparison.candidate)
    facts = [f"{len(comparison.rows):,} pairs of rows"]
    for count, name in ((comparison.only_in_baseline, before), (comparison.only_in_candidate, after)):
        if count:
            facts.append(f"{count:,} only in {name}")
    if comparison.not_compared:
        facts.append(f"not compared: {escape(', '.join(comparison.not_compared))}")
    rows = "".join(_metric_row(metric) for metric in comparison.metrics.values())
    details = "".join(
        _changes(comparison, metric, word, most)
        for metric in comparison.metrics.values()
        for word in ("worse", "better")
    )
    return (
        f'<section id="comparison-{index}" aria-labelledby="comparison-{index}-h">'
        f'<h2 id="comparison-{index}-h">{after} <span class="against">against</span> {before}</h2>'
        f'<p class="facts">{"; ".join(facts)}.</p>'
        '<div class="wide" role="region" aria-label="Differences" tabindex="0"><table>'
        "<caption>Difference of each metric, candidate minus baseline</caption>"
        f'<thead><tr><th scope="col">metric</th><th scope="col" class="n">{before}</th>'
        f'<th scope="col" class="n">{after}</th><th scope="col" class="n">difference</th>'
        '<th scope="col">better, same, worse</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{details}</section>\n"
    )


def _metric_row(metric: MetricComparison) -> str:
    better, worse, same = len(metric.better), len(metric.worse), len(metric.same)
    total = max(len(metric.pairs), 1)
    gain = len(metric.better) - len(metric.worse)
    tone = "good" if gain > 0 else "bad" if gain < 0 else "even"
    shares = "".join(
        f'<span class="{kind}" style="width:{100 * count / total:.2f}%"></span>'
        for kind, count in (("good", better), ("even", same), ("bad", worse))
    )
    direction = " <small>(lower is better)</small>" if metric.lower_is_better else ""
    return (
        f'<tr><th scope="row">{escape(metric.name)}{direction}</th>{_score_cell(metric.baseline_mean)}'
        f'{_score_cell(metric.candidate_mean)}<td class="n {tone}">{signed(metric.difference)}</td>'
        f'<td><span class="share" aria-hidden="true">{shares}</span>'
        f'<span class="counts"><b class="good">▲ {better} better</b> · {same} same · '
        f'<b class="bad">▼ {worse} worse</b></span></td></tr>'
    )


def _changes(comparison: Comparison, metric: MetricComparison, word: str, most: int) -> str:
    pairs = metric.worse if word == "worse" else metric.better
    if not pairs:
        return ""
    shown_pairs = "".join(
        _pair(comparison, metric.name, pair.key, (pair.baseline, pair.candidate)) for pair in pairs[:most]
    )
    left_out = f"<p>{len(pairs) - most:,} more are left out.</p>" if len(pairs) > most else ""
    mark, kind = ("▼", "bad") if word == "worse" else ("▲", "good")
    opened = " open" if word == "worse" else ""
    return (
        f'<details class="group"{opened}><summary><h3><span class="{kind}">{mark} {len(pairs)} {word}</span> '
        f"by {escape(metric.name)}</h3></summary>{shown_pairs}{left_out}</details>"
    )


def _pair(comparison: Comparison, metric: str, key: PairKey, scores: tuple[float, float]) -> str:
    repetition = f", repetition {key.repetition}" if key.repetition != 1 else ""
    example = comparison.examples.get(key.example_id)
    fields = "" if example is None else "".join(_field(name, value) for name, value in example.fields.items())
    headline = escape(comparison.headline(key))
    sides = "".join(
        _side(name, run, metric, score)
        for name, run, score in zip(
            (comparison.baseline, comparison.candidate), comparison.rows[key], scores, strict=True
        )
    )
    return (
        f'<details class="pair"><summary><span>{scores[0]:.4g} → {scores[1]:.4g}</span> '
        f'<span class="headline">{headline or escape(key.example_id)}</span></summary>'
        f'<p class="facts">example <code>{escape(key.example_id)}</code>{repetition}</p>'
        f'{f"<dl>{fields}</dl>" if fields else ""}<div class="sides">{sides}</div></details>'
    )


def _field(name: str, value: object) -> str:
    text = value if isinstance(value, str) else shown(value)
    return f"<div><dt>{escape(name)}</dt><dd>{_text(text)}</dd></div>"


def _side(name: str, run: ExperimentRun, metric: str, score: float) -> str:
    evaluation = run.evaluations.get(metric)
    why = evaluation.explanation if evaluation is not None else None
    said = f'<p class="why">{escape(why)}</p>' if why else ""
    output = _text(run.output or "") if run.error is None else f'<p class="bad">{escape(run.error)}</p>'
    return f"<div><h4>{escape(name)}: {score:.4g}</h4>{output}{said}</div>"


def _text(text: str) -> str:
    cut = f"\n… {len(text) - _LONGEST_TEXT:,} more characters" if len(text) > _LONGEST_TEXT else ""
    return f"<pre>{escape(text[:_LONGEST_TEXT])}{cut}</pre>"


def _replace(target: Path, page: str) -> None:
    import tempfile

    # Half a report must never be seen: write beside the target, then rename.
    descriptor, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(page)
        umask = os.umask(0)
        os.umask(umask)
        Path(beside).chmod(0o666 & ~umask)
        Path(beside).replace(target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
