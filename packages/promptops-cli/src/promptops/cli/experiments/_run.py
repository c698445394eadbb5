"""``promptops experiments run`` and ``resume``: tasks from files, results on a server or in the journal alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec
from promptops.cli._connection import Connection, connected
from promptops.cli._failures import CommandFailed
from promptops.cli._output import print_json
from promptops.cli.experiments._code import evaluators_of, load_task
from promptops.cli.experiments._options import as_json, local_options, reported
from promptops.core.backends import DEFAULT_BACKEND, chosen_backend
from promptops.models import prepared

if TYPE_CHECKING:
    from promptops.experiments import ExperimentResult

__all__ = ["resume", "run"]

F = TypeVar("F", bound=Callable[..., Any])
_COMMAND: Final = "command"


class _Command(msgspec.Struct, frozen=True):
    """What a run was started with; kept in its metadata, so that ``resume`` needs the name alone."""

    task: str
    evaluators: Sequence[str]
    dataset: str
    local: bool
    backend: str = DEFAULT_BACKEND


def _run_options(function: F) -> F:
    for option in (
        click.option("--quiet", is_flag=True, help="Show no progress."),
        click.option("--exit-on-error", is_flag=True, help="End at the first row with an error."),
        click.option("--max-cost", type=float, help="Start nothing more once this much was spent."),
        click.option("--task-timeout", type=float, help="Seconds for one attempt of the task."),
        click.option("--retries", type=click.IntRange(0), help="Further attempts of what failed."),
        click.option("--concurrency", type=click.IntRange(1), help="Most tasks at once (8)."),
        click.option(
            "--evaluator",
            "evaluators",
            multiple=True,
            metavar="REFERENCE",
            help="FILE.py::name, module:name, ::name in the task's file, or exact_match and the like. Can be repeated.",
        ),
    ):
        function = option(function)
    return function


@click.command("run")
@click.argument("task")
@click.option("--dataset", required=True, help="The dataset, by name or id; with --local a .json or .jsonl file.")
@click.option("--name", required=True, help="The name of the experiment; unique in its dataset.")
@_run_options
@click.option("--repetitions", type=click.IntRange(1), help="How often each example is run (1).")
@click.option("--param", "parameters", multiple=True, metavar="NAME=TEXT", help="What outputs depend on, say a model.")
@click.option("--dry-run", metavar="N|SPLIT", help="Run N examples, or those of a split, and store nothing.")
@reported
@as_json
@local_options
@connected
def run(
    task: str,
    *,
    dataset: str,
    name: str,
    evaluators: tuple[str, ...],
    repetitions: int | None,
    parameters: tuple[str, ...],
    dry_run: str | None,
    reports: tuple[Path, ...],
    as_json: bool,
    local: bool,
    journal: Path | None,
    **rest: Any,
) -> None:
    """Run TASK over a dataset, score its outputs, and store the rows.

    TASK is a function: FILE.py::name, or module:name. Ctrl-C lets what runs end; `resume` goes on.
    """
    connection, options = _divided(rest, journal)
    command = _Command(
        task=task, evaluators=evaluators, dataset=dataset, local=local, backend=chosen_backend(connection.backend)
    )
    if repetitions is not None:
        options["repetitions"] = repetitions
    if parameters:
        options["parameters"] = _parameters(parameters)
    if dry_run is not None:
        options["dry_run"] = int(dry_run) if dry_run.isdecimal() else dry_run
    options["metadata"] = {_COMMAND: msgspec.to_builtins(command)}
    function, scored = load_task(task), evaluators_of(evaluators, task)
    if local:
        from promptops.experiments import run as run_here

        result = run_here(name, dataset=_file(dataset), task=function, evaluators=scored, **options)
    else:
        with connection.open() as client:
            result = client.experiments.run(name, dataset=dataset, task=function, evaluators=scored, **options)
    _told(result, reports, as_json=as_json)


@click.command("resume")
@click.argument("name")
@click.option("--task", help="The task, when it is elsewhere now, or when only the server knows the experiment.")
@click.option("--dataset", help="Where to look for the name; with --local the file.")
@_run_options
@click.option("--retry-failed", is_flag=True, help="Also run again what failed.")
@click.option("--accept-changes", is_flag=True, help="Go on although code or examples changed; it is recorded.")
@reported
@as_json
@local_options
@connected
def resume(
    name: str,
    *,
    task: str | None,
    dataset: str | None,
    evaluators: tuple[str, ...],
    retry_failed: bool,
    accept_changes: bool,
    reports: tuple[Path, ...],
    as_json: bool,
    local: bool,
    journal: Path | None,
    **rest: Any,
) -> None:
    """Go on with an experiment that ended early; nothing that is in the journal is paid for again.

    Task, evaluators and dataset are those that `run` was given. Start it in the same directory. An experiment that was
    run on another machine is taken over from the server; it needs --task, --evaluator and --dataset.
    """
    connection, options = _divided(rest, journal)
    known = _command_of(name, journal, dataset if not local else None, needed=local or task is None)
    reference = task or (known.task if known else None)
    if reference is None:
        raise click.UsageError(f"{name!r} was not started by `promptops experiments run`; give --task and --evaluator")
    named = evaluators or (tuple(known.evaluators) if known else ())
    function, scored = load_task(reference), evaluators_of(named, reference)
    if local or (known is not None and known.local):
        from promptops import experiments

        here = experiments.retry_failed if retry_failed else experiments.resume
        place = dataset or (known.dataset if known else None)
        if place is None:
            raise click.UsageError("give --dataset, the file that the experiment was run over")
        result = here(
            name,
            dataset=_file(place),
            task=function,
            evaluators=scored,
            accept_changes=accept_changes,
            **options,
        )
    else:
        if known is not None:  # the server that it was run on, unless another is named
            backend = chosen_backend(connection.backend, otherwise=known.backend)
            connection = msgspec.structs.replace(connection, backend=backend)
        with connection.open() as client:
            again = client.experiments.retry_failed if retry_failed else client.experiments.resume
            result = again(
                name,
                task=function,
                evaluators=scored,
                dataset=dataset or (known.dataset if known else None),
                accept_changes=accept_changes,
                **options,
            )
    _told(result, reports, as_json=as_json)


def _divided(rest: dict[str, Any], journal: Path | None) -> tuple[Connection, dict[str, Any]]:
    """Return the options of the connection, and those of the run that were given."""
    connection = Connection.take(rest)
    quiet = rest.pop("quiet")
    options = {key: value for key, value in rest.items() if value not in {None, False}}
    options["progress"] = not quiet
    if journal is not None:
        options["journal"] = journal
    return connection, options


def _command_of(name: str, journal: Path | None, dataset: str | None, *, needed: bool) -> _Command | None:
    from promptops.experiments.journal import Journal

    with Journal.open(journal) as opened:
        matching = [record for record in opened.experiments() if name in {record.plan.name, record.id}]
    if dataset is not None:
        matching = [record for record in matching if dataset in {record.plan.dataset_name, record.plan.dataset_id}]
    if not matching and not needed:
        return None  # the server may have it
    if not matching:
        where = f" of dataset {dataset!r}" if dataset is not None else ""
        raise CommandFailed(
            f"the journal has no experiment {name!r}{where}",
            hint="`--journal` names another journal; `--task` goes on with one that only the server has",
            code=3,
        )
    found = matching[-1].plan.metadata.get(_COMMAND)
    try:
        return None if found is None else msgspec.convert(found, prepared(_Command))
    except msgspec.ValidationError:
        return None  # metadata of the user's under the same name


def _parameters(pairs: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise click.UsageError(f"--param takes NAME=TEXT, not {pair!r}")
        found[name] = value
    return found


def _file(dataset: str) -> Path:
    path = Path(dataset)
    if not path.is_file():
        raise CommandFailed(f"there is no file {dataset}", hint="with --local, --dataset is a file of examples", code=2)
    return path


def _told(result: ExperimentResult, reports: Sequence[Path], *, as_json: bool) -> None:
    from promptops.cli._reports import print_result
    from promptops.cli.experiments._options import shown
    from promptops.experiments import make_report

    report = make_report(result, title=result.name)
    shown(report, "text", None, reports)
    if as_json:
        print_json(result.summary())
        return
    for part in report.experiments:
        print_result(part)
    for path in reports:
        click.echo(f"report: {path}")
