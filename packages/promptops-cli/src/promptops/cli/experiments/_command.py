"""The group of the commands about experiments."""

from __future__ import annotations

import click
from promptops.cli.experiments import _judge, _read, _report, _run

__all__ = ["experiments"]


@click.group()
def experiments() -> None:
    """Run, read, compare and judge experiments."""


for command in (
    _run.run,
    _run.resume,
    _read.list_experiments,
    _read.get_experiment,
    _report.compare,
    _report.report,
    _judge.gate,
):
    experiments.add_command(command)
