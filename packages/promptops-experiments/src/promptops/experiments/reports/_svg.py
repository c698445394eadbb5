"""Draws the pictures of the HTML report as inline SVG; classes colour them, so that light and dark both work."""

from __future__ import annotations

from html import escape
from typing import Final

from promptops.experiments.reports._model import Distribution, MetricDifference
from promptops.experiments.reports._words import interval_of_difference, whole

__all__ = ["histogram", "interval", "score_bar", "share_bar"]

_WIDTH: Final = 320
_HEIGHT: Final = 96
_LABELS: Final = 16


def histogram(found: Distribution, title: str, *, tallest: int) -> str:
    """Return bars for the bins of a distribution.

    Args:
        found: What to draw.
        title: What it shows, for those who cannot see it.
        tallest: The count that reaches the top; the same for pictures that are held side by side.
    """
    step = _WIDTH / len(found.bins)
    bars: list[str] = []
    for place, one in enumerate(found.bins):
        height = _HEIGHT * one.count / max(tallest, 1)
        if one.count:
            height = max(height, 1.0)
        name = whole(one.low) if one.low == one.high else f"{whole(one.low)} to {whole(one.high)}"
        bars.append(
            f'<rect class="fill" x="{place * step + step * 0.06:.1f}" y="{_HEIGHT - height:.1f}" '
            f'width="{step * 0.88:.1f}" height="{height:.1f}"><title>{name}: {one.count:,}</title></rect>'
        )
    ends = [(place, one) for place, one in enumerate(found.bins)] if found.kind == "values" else []
    texts = [
        f'<text x="{(place + 0.5) * step:.1f}" y="{_HEIGHT + 13}" text-anchor="middle">{whole(one.low)}</text>'
        for place, one in ends
    ] or [
        f'<text x="0" y="{_HEIGHT + 13}">{whole(found.bins[0].low)}</text>',
        f'<text x="{_WIDTH}" y="{_HEIGHT + 13}" text-anchor="end">{whole(found.bins[-1].high)}</text>',
    ]
    told = ", ".join(f"{_range(one.low, one.high)}: {one.count}" for one in found.bins if one.count)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + _LABELS}" role="img" aria-label="{escape(title)}: {told}">'
        f"{''.join(bars)}{''.join(texts)}</svg>"
    )


def interval(metric: MetricDifference, *, reach: float) -> str:
    """Return the interval of a difference as a line with its estimate, around a line at 0.

    Args:
        metric: Whose interval.
        reach: The difference at either end of the picture.
    """
    test = metric.test
    if test is None or test.low is None or test.high is None:
        return ""
    width, height = 160, 20

    def across(value: float) -> float:
        return width / 2 + value / (reach or 1.0) * (width / 2 - 6)

    tone = {"better": "good", "worse": "bad", "unclear": "even"}[metric.tone]
    low, high, middle = across(test.low), across(test.high), across(test.difference)
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="interval {interval_of_difference(metric)}">'
        f'<line class="zero" x1="{width / 2}" y1="0" x2="{width / 2}" y2="{height}"/>'
        f'<rect class="{tone}" x="{low:.1f}" y="8" width="{max(high - low, 1):.1f}" height="4"/>'
        f'<circle class="{tone}" cx="{middle:.1f}" cy="10" r="4.5"/></svg>'
    )


def share_bar(better: int, same: int, worse: int) -> str:
    """Return the shares of better, same and worse as one bar; the numbers stand beside it."""
    total = max(better + same + worse, 1)
    start, parts = 0.0, ""
    for kind, count in (("good", better), ("even", same), ("bad", worse)):
        parts += f'<rect class="share {kind}" x="{start:.2f}" y="0" width="{160 * count / total:.2f}" height="10"/>'
        start += 160 * count / total
    return f'<svg viewBox="0 0 160 10" width="160" height="10" aria-hidden="true">{parts}</svg>'


def score_bar(score: float | None) -> str:
    """Return a bar for a score from 0 to 1, or nothing."""
    if score is None or not 0 <= score <= 1:
        return ""
    return (
        '<svg viewBox="0 0 90 5" width="90" height="5" aria-hidden="true"><rect class="track" width="90" height="5"/>'
        f'<rect class="fill" width="{90 * score:.1f}" height="5"/></svg>'
    )


def _range(low: float, high: float) -> str:
    return whole(low) if low == high else f"{whole(low)} to {whole(high)}"
