"""The command itself: its options, and what it does one after the other."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from promptops.cli._connection import embedded
from promptops.cli._failures import CommandFailed
from promptops.cli._output import print_json
from promptops.cli.quickstart._evaluators import correct_label, label_checker
from promptops.cli.quickstart._live import LiveModel, Model, ModelCallError, ModelSetupError, choose_live_model
from promptops.cli.quickstart._material import Material, register
from promptops.cli.quickstart._offline import NearestExampleModel, read_prompt
from promptops.cli.quickstart._talk import Talk
from promptops.client import SyncPromptOpsClient

if TYPE_CHECKING:
    from promptops.client import DatasetExample, PromptResponse
    from promptops.experiments import Comparison, ExperimentResult

__all__ = ["quickstart"]

DIRECTORY: Final = Path("promptops-quickstart")
PROVIDERS: Final = ("openai", "anthropic", "offline")


@click.command()
@click.option("--provider", type=click.Choice(PROVIDERS), help="Whom to ask; by default whoever has a key here.")
@click.option("--model", help="The model to ask (OPENAI_MODEL, ANTHROPIC_MODEL).")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=DIRECTORY,
    show_default=True,
    help="Where the server keeps its data.",
)
@click.option("--base-url", help="Use this server instead of starting one.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the HTML report.")
@click.option("--concurrency", type=click.IntRange(1, 64), default=8, show_default=True, help="Most calls at once.")
@click.option("--yes", is_flag=True, help="Ask nothing before a model that costs money is called.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def quickstart(
    *,
    provider: str | None,
    model: str | None,
    data_dir: Path,
    base_url: str | None,
    report: Path | None,
    concurrency: int,
    yes: bool,
    as_json: bool,
) -> None:
    """See what PromptOps does, on this machine, in a minute.

    Starts a server, registers a prompt in two versions and a dataset, runs one experiment for each version, and shows
    what changed. With OPENAI_API_KEY, ANTHROPIC_API_KEY or OPENAI_BASE_URL set it asks that model; without, a small
    offline model.
    """
    with _server(data_dir, base_url) as client, _model(provider, model) as asked:
        say = Talk(silent=as_json)
        material = register(client)
        say.setting(asked, material, data_dir if base_url is None else None, base_url)
        if isinstance(asked, LiveModel) and not yes and not as_json and sys.stdin.isatty():
            click.confirm(f"That makes {2 * material.size} calls. Go on?", default=True, abort=True)
        number = _next_run(client, material)
        results = [
            _experiment(client, asked, prompt, _name(prompt, number), material.dataset.id, concurrency, not as_json)
            for prompt in (material.baseline, material.candidate)
        ]
        comparison = client.experiments.compare(results[0].name, results[1].name, dataset=material.dataset.id)
        target = report or (data_dir / "report.html" if base_url is None else Path("promptops-report.html"))
        _write_report([*results, comparison], target, asked)
    where = ["--data-dir", str(data_dir)] if base_url is None else ["--base-url", base_url]
    if as_json:
        print_json(_facts(asked, material, results, comparison, target))
    else:
        say.outcome(comparison, target, where)


@contextmanager
def _model(provider: str | None, name: str | None) -> Generator[Model]:
    if provider == "offline":
        yield NearestExampleModel()
        return
    try:
        live = choose_live_model(os.environ, provider=provider, model=name)
    except ModelCallError as error:
        raise _no_model(error) from error
    if live is None:
        yield NearestExampleModel()
        return
    try:
        # One call first: a refused key should cost one line, not a run of failed rows.
        live.answer([{"role": "user", "content": "Answer with the word: ready"}])
        yield live
    except ModelCallError as error:
        raise _no_model(error) from error
    finally:
        live.close()


def _no_model(error: ModelCallError) -> CommandFailed:
    code = 2 if isinstance(error, ModelSetupError) else 7
    return CommandFailed(str(error), hint="--provider offline runs without a language model", code=code)


@contextmanager
def _server(directory: Path, base_url: str | None) -> Generator[SyncPromptOpsClient]:
    if base_url is not None:
        with SyncPromptOpsClient(base_url=base_url) as client:
            yield client
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailed(
            f"cannot make the directory {directory}: {error.strerror}", hint="name another with --data-dir", code=2
        ) from error
    with embedded(directory) as client:
        yield client


def _next_run(client: SyncPromptOpsClient, material: Material) -> int:
    taken = {experiment.name for experiment in client.experiments.list(dataset=material.dataset.id)}
    number = 1
    while {_name(material.baseline, number), _name(material.candidate, number)} & taken:
        number += 1
    return number


def _name(prompt: PromptResponse, number: int) -> str:
    return f"{prompt.slug}-{prompt.version}-run{number}"


def _experiment(  # noqa: PLR0917
    client: SyncPromptOpsClient,
    model: Model,
    prompt: PromptResponse,
    name: str,
    dataset: str,
    concurrency: int,
    progress: bool,
) -> ExperimentResult:
    labels = read_prompt(prompt.content).labels

    def label_message(example: DatasetExample) -> str:
        rendered = client.prompts.render(prompt.slug, {"message": example["message"]}, version=prompt.version)
        return model.answer(rendered.messages)

    result = client.experiments.run(
        name,
        dataset=dataset,
        task=label_message,
        evaluators=[correct_label, label_checker(labels)],
        concurrency=concurrency,
        progress=progress,
        metadata={"prompt": prompt.slug, "prompt_version": prompt.version, "model": model.name},
    )
    if result.failed == len(result.rows):
        reason = next((row.error for row in result.rows if row.error), "no reason was recorded")
        raise CommandFailed(
            f"every call to {model.name} failed: {reason}", hint="--provider offline runs without one", code=7
        )
    return result


def _write_report(items: Sequence[ExperimentResult | Comparison], target: Path, model: Model) -> None:
    from promptops.experiments import write_html_report

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_html_report(items, target, title=f"PromptOps quickstart, {model.description}")
    except OSError as error:
        raise CommandFailed(
            f"cannot write the report to {target}: {error.strerror}", hint="name another file with --report"
        ) from error


def _facts(
    model: Model,
    material: Material,
    results: Sequence[ExperimentResult],
    comparison: Comparison,
    report: Path,
) -> dict[str, Any]:
    return {
        "model": model.description,
        "prompt": {"name": material.baseline.slug, "versions": [material.baseline.version, material.candidate.version]},
        "dataset": {"name": material.dataset.name, "id": material.dataset.id, "examples": material.size},
        "experiments": [result.summary() for result in results],
        "comparison": comparison.to_dict(),
        "report": str(report),
    }
