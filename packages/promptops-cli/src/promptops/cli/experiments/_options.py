"""The options that the commands about experiments share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import click
from promptops.cli._failures import CommandFailed

if TYPE_CHECKING:
    from promptops.experiments.reports import Report, ReportFormat

__all__ = [
    "FORMATS",
    "ChangedExamples",
    "as_json",
    "changed_examples_option",
    "dataset_option",
    "local_options",
    "output_options",
    "reported",
    "shown",
]

ChangedExamples = Literal["leave_out", "compare"]
F = TypeVar("F", bound=Callable[..., Any])
FORMATS: Final = ("text", "markdown", "json", "junit", "html")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
dataset_option = click.option("--dataset", help="The dataset, by name or id.")


def _as_argument(context: click.Context, option: click.Parameter, value: str) -> str:
    del context, option
    return value.replace("-", "_")


changed_examples_option = click.option(
    "--changed-examples",
    type=click.Choice(("leave-out", "compare")),
    default="leave-out",
    show_default=True,
    callback=_as_argument,
    help="What becomes of pairs whose example has another content in each experiment.",
)

_report_option = click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a report here, by its ending: .html, .md, .xml (JUnit), .json or .txt. Can be repeated.",
)


def local_options(function: F) -> F:
    """Give a command ``--local`` and ``--journal``."""
    for option in (
        click.option(
            "--journal",
            type=click.Path(path_type=Path, dir_okay=False),
            help="The journal (PROMPTOPS_JOURNAL, else a file in the user's data directory).",
        ),
        click.option("--local", is_flag=True, help="Without a server: the journal alone."),
    ):
        function = option(function)
    return function


def output_options(function: F) -> F:
    """Give a command ``--format``, ``--out`` and ``--report``."""
    for option in (
        _report_option,
        click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it here, not to stdout."),
        click.option("--format", "format_", type=click.Choice(FORMATS), default="text", help="How to print it."),
    ):
        function = option(function)
    return function


def reported(function: F) -> F:
    """Give a command ``--report``."""
    return _report_option(function)


def shown(report: Report, format_: ReportFormat, out: Path | None, reports: Sequence[Path]) -> bool:
    """Write the reports that were asked for; return whether the text for people is still to be printed."""
    from promptops.experiments.reports import render_report, write_report

    try:
        for path in reports:
            write_report(report, path)
        if out is not None:
            write_report(report, out, format=format_)
            return False
    except OSError as error:
        raise CommandFailed(
            f"cannot write the report to {error.filename or out}: {error.strerror}", hint="name another file", code=2
        ) from error
    if format_ == "text":
        return True
    click.echo(render_report(report, format_), nl=False)
    return False
