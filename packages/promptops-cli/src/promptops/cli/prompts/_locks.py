"""Commands about what an application ships with: lock, verify, bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from promptops.cli._connection import Connection, connected
from promptops.cli._failures import CommandFailed
from promptops.cli._output import print_json
from promptops.cli.prompts._options import DIFFERENT, as_json, out_file
from promptops.cli.prompts._outcomes import Progress, counted, end
from promptops.core.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from promptops.cli._backends import Client
    from promptops.models import PromptResponse
    from promptops.prompts.files import Lock

__all__ = ["LOCK_FILE", "bundle", "every_prompt", "lock", "lock_option", "verify"]

LOCK_FILE: Final = Path("promptops.lock")
lock_option = click.option(
    "--lock",
    "lock_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=LOCK_FILE,
    show_default=True,
    help="The lock file.",
)


@click.command("lock", epilog="With names or --all the lock holds exactly these, and what it held before is dropped.")
@click.argument("names", nargs=-1, metavar="[NAME[@LABEL|@VERSION]]...")
@click.option("--all", "everything", is_flag=True, help="Every prompt of the server, the latest version of each.")
@out_file(str(LOCK_FILE))
@as_json
@connected
def lock(*, names: tuple[str, ...], everything: bool, out: Path, as_json: bool, **where: Any) -> None:
    """Lock prompts as they are now; without names, renew the lock."""
    from promptops.prompts.files import SyncPromptLocks, read_lock, write_lock

    if names and everything:
        raise click.UsageError("give names or --all, not both")
    try:
        before = read_lock(out) if out.exists() else None
    except ConfigurationError:
        if not names and not everything:  # which prompts it held cannot be told any more
            raise
        before = None
    if not names and not everything and before is None:
        raise click.UsageError(f"there is no {out} to renew; name the prompts to lock, or give --all")
    connection = Connection(**where)
    with connection.open() as client, Progress("locking"):
        chosen = list(names) or [item.selector for item in (before.prompts if before else [])]
        if everything:
            chosen = [prompt.slug for prompt in every_prompt(client, connection.project)]
        made = SyncPromptLocks(client.prompts, origin=connection.origin).take(chosen)
    write_lock(made, out)
    if as_json:
        print_json([_entry(item) for item in made.prompts])
        return
    _show_changes(before, made)
    click.echo(f"{out} holds {counted(len(made.prompts))}")


@click.command("verify", epilog="Exits 1 when the lock is stale.")
@lock_option
@click.option("--offline", is_flag=True, help="Check the file alone, and with --dir against a folder; ask no server.")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path, file_okay=False), help="Compare with the prompt files too."
)
@as_json
@connected
def verify(*, lock_file: Path, offline: bool, folder: Path | None, as_json: bool, **where: Any) -> None:
    """Tell whether the lock is stale or a label has moved."""
    from promptops.prompts.files import PromptFolder, SyncPromptLocks, drift_from_folder, drift_of_file, read_lock

    found = drift_of_file(lock_file)
    if not found:
        held = read_lock(lock_file)
        if folder is not None:
            found += drift_from_folder(held, PromptFolder(folder))
        if not offline:
            connection = Connection(**where)
            with connection.open() as client, Progress("checking"):
                found += SyncPromptLocks(client.prompts, origin=connection.origin).verify(held)
        if not found and not as_json:
            click.echo(f"{lock_file} is up to date: {counted(len(held.prompts))}")
    if as_json:
        print_json({"ok": not found, "drift": found})
    elif found:
        for drift in found:
            click.echo(f"{drift.kind.replace('_', ' ')}: {drift.message}")
        click.echo(
            f"promptops: {lock_file} is stale\n  hint: look at the changes, then `promptops prompts lock`", err=True
        )
    end(DIFFERENT if found else 0)


@click.command("bundle")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write.")
@lock_option
def bundle(*, out: Path, lock_file: Path) -> None:
    """Write the lock as one file that a client reads offline."""
    from promptops.prompts.files import drift_of_file, read_lock, write_bundle

    if not lock_file.exists():
        raise CommandFailed(
            f"there is no {lock_file} to bundle", hint="make one: promptops prompts lock NAME...", code=2
        )
    if found := drift_of_file(lock_file):
        raise CommandFailed(found[0].message, hint="take the lock anew: promptops prompts lock NAME...")
    held = read_lock(lock_file)
    write_bundle(held, out)
    click.echo(f"{out} holds {counted(len(held.prompts))}")


def every_prompt(client: Client, project: str | None) -> list[PromptResponse]:
    """The latest version of every prompt of one project."""
    found = list(client.prompts.iterate(use_cache=False))
    if project is not None:
        return found
    # Without a project the list shows all that the key grants; a slug, though, means the prompt of the default one.
    batch = client.prompts.get_many(sorted({prompt.slug for prompt in found}), use_cache=False)
    for error in batch.errors.values():
        if not isinstance(error, NotFoundError):
            raise error
    return list(batch.prompts.values())


def _show_changes(before: Lock | None, after: Lock) -> None:
    old = {item.selector: item for item in (before.prompts if before else [])}
    for item in after.prompts:
        was = old.pop(item.selector, None)
        if was is None:
            click.echo(f"locked {item.selector}: {item.version}")
        elif was.version != item.version:
            click.echo(f"moved {item.selector}: {was.version} to {item.version}")
        elif was.content_hash != item.content_hash:
            click.echo(f"edited {item.selector}: {item.version} has another content")
    for selector in old:
        click.echo(f"dropped {selector}")


def _entry(item: Any) -> dict[str, Any]:
    return {name: getattr(item, name) for name in ("selector", "name", "version", "label", "content_hash")}
