"""Commands between a folder of prompt files and a server: push, pull, status, diff."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click
from promptops.cli._connection import Connection, connected
from promptops.cli._failures import CommandFailed
from promptops.cli._output import print_json
from promptops.cli.prompts._options import DIFFERENT, as_json, folder_option
from promptops.cli.prompts._outcomes import Progress, end, plan_facts, show_plan, show_report
from promptops.cli.prompts._show import show_diff

if TYPE_CHECKING:
    from promptops.cli._backends import Client
    from promptops.prompts.files import PromptFolder, SyncPromptFiles, SyncReport

__all__ = ["diff", "pull", "push", "status"]

Side = Literal["local", "remote"]
SUFFIX: Final = ".prompt.md"
LEFT: Final = "What changed on both sides is shown and left alone; then the exit code is 1."
dry_run_option = click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
force_option = click.option(
    "--force", type=click.Choice(("local", "remote")), help="In a conflict the files, or the server's prompts, win."
)
bump_option = click.option(
    "--bump",
    type=click.Choice(("patch", "minor", "major")),
    default="patch",
    show_default=True,
    help="Which part of the version grows.",
)


@click.command("push", epilog=LEFT)
@click.argument("paths", nargs=-1)
@folder_option
@dry_run_option
@force_option
@bump_option
@as_json
@connected
def push(
    *,
    paths: tuple[str, ...],
    folder: Path,
    dry_run: bool,
    force: Side | None,
    bump: Any,
    as_json: bool,
    **where: Any,
) -> None:
    """Publish the prompt files that were created or edited."""
    _run("push", paths, folder, force=force, dry_run=dry_run, bump=bump, as_json=as_json, where=where)


@click.command("pull", epilog=LEFT)
@click.argument("names", nargs=-1)
@folder_option
@dry_run_option
@force_option
@as_json
@connected
def pull(
    *, names: tuple[str, ...], folder: Path, dry_run: bool, force: Side | None, as_json: bool, **where: Any
) -> None:
    """Write what is new or newer on the server into the folder."""
    _run("pull", names, folder, force=force, dry_run=dry_run, bump="patch", as_json=as_json, where=where)


@click.command("status", epilog="Exits 1 when they differ.")
@click.argument("names", nargs=-1)
@folder_option
@as_json
@connected
def status(*, names: tuple[str, ...], folder: Path, as_json: bool, **where: Any) -> None:
    """Show how the folder and the server differ."""
    connection = Connection(**where)
    with connection.open() as client, Progress("comparing"):
        files, kept = _files(client, folder, connection)
        plan = files.status(only=_slugs(kept, names))
    if as_json:
        print_json(plan_facts(plan))
    else:
        show_plan(plan)
    end(DIFFERENT if plan.pending else 0)


@click.command("diff", epilog="Exits 1 when something changed.")
@click.argument("name", required=False)
@click.option("--from", "old", metavar="VERSION", help="Compare this version or label on the server...")
@click.option("--to", "new", metavar="VERSION", help="...with this one; the latest unless given.")
@folder_option
@as_json
@connected
def diff(*, name: str | None, old: str | None, new: str | None, folder: Path, as_json: bool, **where: Any) -> None:
    """Show what changed between files and server, or two versions."""
    connection = Connection(**where)
    if old is not None or new is not None:
        if name is None or old is None:
            raise click.UsageError("to compare versions, give a NAME and --from")
        with connection.open() as client:
            found = _between(client, name, old, new)
        if as_json:
            print_json(found)
        else:
            show_diff(found.unified())
        end(DIFFERENT if found.unified() else 0)
        return
    with connection.open() as client, Progress("comparing"):
        files, kept = _files(client, folder, connection)
        plan = files.status(only=_slugs(kept, () if name is None else (name,)))
    sides = [step.three_way() for step in plan.pending]
    if as_json:
        print_json(sides)
    else:
        for item in sides:
            show_diff(item.unified())
    end(DIFFERENT if sides else 0)


def _run(
    direction: Literal["push", "pull"],
    names: tuple[str, ...],
    folder: Path,
    *,
    force: Side | None,
    dry_run: bool,
    bump: Any,
    as_json: bool,
    where: dict[str, Any],
) -> None:
    connection = Connection(**where)
    own: Side = "local" if direction == "push" else "remote"
    with connection.open() as client, Progress(f"{direction}ing") as progress:
        files, kept = _files(client, folder, connection, new=direction == "pull")

        def go(way: Literal["push", "pull"], only: list[str], *, forced: bool) -> SyncReport:
            if way == "push":
                return files.push(dry_run=dry_run, force=forced, bump=bump, only=only, on_outcome=progress.tell)
            return files.pull(dry_run=dry_run, force=forced, only=only, on_outcome=progress.tell)

        reports = [go(direction, _slugs(kept, names), forced=force == own)]
        left = [item.slug for item in reports[0].conflicts]
        if left and force is not None and force != own:
            # The other side wins: for the conflicts alone the work goes the other way.
            reports.append(go("pull" if direction == "push" else "push", left, forced=True))
    end(show_report(reports, as_json=as_json))


def _files(
    client: Client, folder: Path, connection: Connection, *, new: bool = False
) -> tuple[SyncPromptFiles, PromptFolder]:
    if not new and not folder.is_dir():
        raise CommandFailed(
            f"there is no folder {folder}", hint="`promptops prompts pull` makes it; --dir names another", code=2
        )
    from promptops.prompts.files import PromptFolder, SyncPromptFiles

    kept = PromptFolder(folder)
    return SyncPromptFiles(client.prompts, kept, origin=connection.origin), kept


def _slugs(folder: PromptFolder, names: tuple[str, ...]) -> list[str]:
    """The prompts that are meant: by slug, by file (also one that was deleted), or by a folder with files in it."""
    paths = {name: Path(name).resolve() for name in names if Path(name).exists() or name.endswith(SUFFIX)}
    written: dict[Path, str] = {}
    if any(path.exists() for path in paths.values()):
        found = folder.documents().items()
        written = {document.source_path.resolve(): slug for slug, document in found if document.source_path}
    chosen: dict[str, None] = {}
    for name in names:
        path = paths.get(name)
        if path is None:
            chosen[name] = None
            continue
        inside = [slug for file, slug in written.items() if file.is_relative_to(path)]
        if not path.exists() and path.is_relative_to(folder.path.resolve()):
            inside = [path.relative_to(folder.path.resolve()).as_posix().removesuffix(SUFFIX).replace("%3A", ":")]
        if not inside and not name.endswith(SUFFIX):
            inside = [name]  # a file or folder that happens to be called as a prompt is
        if not inside:
            raise click.UsageError(f"{name} holds no prompt of the folder {folder.path}; name another with --dir")
        chosen.update(dict.fromkeys(inside))
    return list(chosen)


def _between(client: Client, name: str, old: str, new: str | None) -> Any:
    from promptops.prompts.diff import diff_prompts
    from promptops.prompts.files.lockfile import Selector

    sides = [Selector.parse(f"{name}@{pin}") if pin else Selector(name=name) for pin in (old, new)]
    before, after = (
        client.prompts.get(side.name, version=side.version, label=side.label, use_cache=False) for side in sides
    )
    return diff_prompts(before, after)
