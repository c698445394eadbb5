"""Prints what a report says of one experiment, and verdicts, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from promptops.cli._output import console

if TYPE_CHECKING:
    from promptops.experiments import Verdict
    from promptops.experiments.reports import ExperimentPart

__all__ = ["print_result", "print_verdict"]

_COLOURS: Final = {"pass": "green", "fail": "red", "inconclusive": "yellow"}


def print_result(part: ExperimentPart) -> None:
    """Print an experiment: how many rows, and a line for each metric."""
    from rich.markup import escape
    from rich.table import Table

    screen = console()
    facts = f"{part.rows:,} rows, {part.failed:,} failed"
    if part.duration_s is not None:
        facts += f", {part.duration_s:.1f} s"
    if part.cost is not None:
        facts += f", cost {part.cost:.6g}"
    screen.print(f"{escape(part.name)}: {facts}", soft_wrap=True)
    if part.stopped is not None:
        screen.print(f"stopped with {part.remaining:,} rows missing: {escape(part.stopped)}", soft_wrap=True)
    if part.metrics:
        table = Table()
        for column in ("score", "mean", "95% interval", "spread", "scored", "errors"):
            table.add_column(column, justify="left" if column == "score" else "right", overflow="fold")
        for metric in part.metrics:
            summary = metric.summary
            known = summary is not None and summary.low is not None and summary.high is not None
            table.add_row(
                escape(metric.name),
                _number(metric.mean),
                f"{summary.low:.3f} to {summary.high:.3f}" if known and summary is not None else "-",
                "-" if summary is None else _number(summary.std),
                str(metric.scored),
                str(metric.errors),
            )
        screen.print(table)
    for name, evaluation in part.run_evaluations.items():
        said = evaluation.error or evaluation.label or _number(evaluation.score)
        screen.print(f"{escape(name)}: {escape(said)}", soft_wrap=True)


def print_verdict(verdict: Verdict) -> None:
    """Print a verdict and its reasons."""
    from rich.markup import escape

    screen = console()
    colour = _COLOURS[verdict.status]
    screen.print(f"verdict: [bold {colour}]{verdict.status}[/bold {colour}]")
    for result in verdict.results:
        screen.print(f"  {result.status}: {escape(result.reason)}", soft_wrap=True)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
