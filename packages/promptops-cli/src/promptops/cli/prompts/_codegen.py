"""``promptops prompts codegen``: typed functions, written or compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from promptops.cli._connection import Connection, connected
from promptops.cli._failures import CommandFailed
from promptops.cli.prompts._locks import every_prompt, lock_option
from promptops.cli.prompts._options import folder_option, out_file, write_text
from promptops.cli.prompts._outcomes import Progress, counted

if TYPE_CHECKING:
    from promptops.models import PromptResponse

__all__ = ["codegen"]

Source = Literal["lock", "dir", "server"]


@click.command("codegen", epilog="With names, only these prompts. --check exits 1 when the file is stale or not there.")
@click.argument("names", nargs=-1)
@out_file("prompts.py")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when the file is not what would be written.")
@click.option(
    "--from",
    "source",
    type=click.Choice(("lock", "dir", "server")),
    help="Where the prompts are; the lock if there is one, else the folder if there is one, else the server.",
)
@lock_option
@folder_option
@connected
def codegen(
    *,
    names: tuple[str, ...],
    out: Path,
    check: bool,
    source: Source | None,
    lock_file: Path,
    folder: Path,
    **where: Any,
) -> None:
    """Write a module with one typed function for each prompt."""
    from promptops.prompts.codegen import generate_module

    chosen: Source = source or ("lock" if lock_file.is_file() else "dir" if folder.is_dir() else "server")
    if chosen == "lock":
        found, place = _locked(lock_file), str(lock_file)
    elif chosen == "dir":
        found, place = _written(folder), str(folder)
    else:
        connection = Connection(**where)
        with connection.open() as client, Progress("reading"):
            found = every_prompt(client, connection.project)
        place = "the server"
    made = generate_module(_named(found, names, place))
    if not check:
        write_text(out, made)
        click.echo(f"{out} holds {counted(len(names) or len(found), 'function')} from {place}")
        return
    again = f"promptops prompts codegen --out {out}" + (f" --from {source}" if source else "")
    try:
        there = out.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CommandFailed(f"there is no {out}", hint=f"write it: {again}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"cannot read {out}: {error}", code=2) from error
    if there != made:
        raise CommandFailed(f"{out} is stale: it is not what {place} gives now", hint=f"write it again: {again}")
    click.echo(f"{out} is up to date with {place}")


def _named(found: Sequence[PromptResponse], names: Sequence[str], place: str) -> list[PromptResponse]:
    by_slug = {prompt.slug: prompt for prompt in found}
    if unknown := [name for name in names if name not in by_slug]:
        raise CommandFailed(f"there is no prompt {unknown[0]!r} in {place}", code=3)
    return [by_slug[name] for name in dict.fromkeys(names)] if names else list(found)


def _locked(path: Path) -> list[PromptResponse]:
    from promptops.prompts.files import Bundle

    bundle = Bundle.load(path)
    return [prompt for name in bundle.names() if (prompt := bundle.get(name)) is not None]


def _written(folder: Path) -> list[PromptResponse]:
    from promptops.prompts.local import local_prompts

    return list(local_prompts(folder).iterate())
