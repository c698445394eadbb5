"""Prints two experiments side by side: the scores, the difference, and which examples changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from promptops.cli._output import console, shortened

if TYPE_CHECKING:
    from promptops.experiments import Comparison, MetricComparison, ScorePair

__all__ = ["print_comparison"]

MOST_WORSE: Final = 10
MOST_BETTER: Final = 5


def print_comparison(comparison: Comparison, *, fields: Sequence[str] = ()) -> None:
    """Print a comparison for people.

    Args:
        comparison: What to print.
        fields: Fields of the examples to show beside a changed example; the first text field by default.
    """
    from rich.markup import escape
    from rich.table import Table

    screen = console()
    # The names stand above the table, not in it, so that it fits 80 columns whatever they are.
    screen.print(f"baseline   {escape(comparison.baseline)}", soft_wrap=True)
    screen.print(f"candidate  {escape(comparison.candidate)}", soft_wrap=True)
    table = Table()
    for column in ("score", "baseline", "candidate", "difference", "better", "worse", "same"):
        table.add_column(column, justify="left" if column == "score" else "right", overflow="fold")
    for metric in comparison.metrics.values():
        table.add_row(
            escape(metric.name),
            _score(metric.baseline_mean),
            _score(metric.candidate_mean),
            _difference(metric),
            str(len(metric.better)),
            str(len(metric.worse)),
            str(len(metric.same)),
        )
    screen.print(table)
    _print_tests(comparison)
    places = {example_id: place for place, example_id in enumerate(comparison.examples)}
    for metric in comparison.metrics.values():
        for word, pairs, most in (("worse", metric.worse, MOST_WORSE), ("better", metric.better, MOST_BETTER)):
            if pairs:
                screen.print(f"\n[bold]{escape(metric.name)}: {len(pairs)} got {word}[/bold]")
                _print_changed(comparison, sorted(pairs, key=lambda pair: _place(places, pair))[:most], fields)
                if len(pairs) > most:
                    screen.print(f"  [dim]and {len(pairs) - most} more[/dim]")
    for count, name in (
        (comparison.only_in_baseline, comparison.baseline),
        (comparison.only_in_candidate, comparison.candidate),
    ):
        if count:
            screen.print(f"{count} rows only in {escape(name)}; they are not compared")
    if comparison.changed:
        screen.print(escape(comparison.left_out(listed=MOST_WORSE)), soft_wrap=True)
    _print_slices(comparison)
    if comparison.not_compared:
        screen.print(f"not compared: {escape(', '.join(comparison.not_compared))}")
    if comparison.verdict is not None:
        from promptops.cli._reports import print_verdict

        print_verdict(comparison.verdict)


def _print_slices(comparison: Comparison) -> None:
    from rich.markup import escape
    from rich.table import Table

    if not comparison.slices:
        return
    table = Table()
    for column in ("slice", "score", "pairs", "difference", "p (Holm)"):
        table.add_column(column, justify="left" if column in {"slice", "score"} else "right", overflow="fold")
    for part in comparison.slices:
        for metric in part.metrics.values():
            holm = "-" if metric.test is None else f"{metric.test.holm_p:.3g}"
            slice_name = escape(f"{part.name}={shortened(part.value, 40)}")
            table.add_row(slice_name, escape(metric.name), str(len(metric.pairs)), _difference(metric), holm)
    console().print(table)


def _print_tests(comparison: Comparison) -> None:
    from rich.markup import escape
    from rich.table import Table

    tested = [(metric.name, metric.test) for metric in comparison.metrics.values() if metric.test is not None]
    if not tested:
        return
    table = Table()
    interval = f"{tested[0][1].confidence * 100:g}% interval"
    for column in ("score", interval, "p", f"p (Holm, {comparison.tests})", "detectable"):
        table.add_column(column, justify="left" if column == "score" else "right", overflow="fold")
    for name, test in tested:
        known = test.low is not None and test.high is not None
        table.add_row(
            escape(name),
            f"{test.low:+.3f} to {test.high:+.3f}" if known else "-",
            f"{test.p_value:.3g}",
            f"{test.holm_p:.3g}",
            _score(test.mde),
        )
    console().print(table)


def _print_changed(comparison: Comparison, pairs: Sequence[ScorePair], fields: Sequence[str]) -> None:
    from rich.markup import escape

    screen = console()
    for pair in pairs:
        before, after = comparison.rows[pair.key]
        screen.print(
            f"  {escape(_subject(comparison, pair.key.example_id, fields))}"
            f"  [dim]{escape(shortened(str(before.value), 24))} \u2192 {escape(shortened(str(after.value), 24))}[/dim]",
            soft_wrap=True,
        )


def _place(places: Mapping[str, int], pair: ScorePair) -> tuple[int, int]:
    """Where a pair stands: in the order of the dataset."""
    return places.get(pair.key.example_id, len(places)), pair.key.repetition


def _subject(comparison: Comparison, example_id: str, fields: Sequence[str]) -> str:
    example = comparison.examples.get(example_id)
    if example is None:
        return example_id
    names = fields or [name for name in example if isinstance(example[name], str)][:1]
    shown = " | ".join(shortened(str(example.get(name, "")), 72) for name in names)
    return shown or example_id


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _difference(metric: MetricComparison) -> str:
    value = metric.difference
    if value is None:
        return "-"
    gain = -value if metric.lower_is_better else value
    colour = "green" if gain > 0 else "red" if gain < 0 else "default"
    return f"[{colour}]{value:+.3f}[/{colour}]"
