"""Commands about labels and history: labels, label, unlabel, history, rollback."""

from __future__ import annotations

from typing import Any

import click
from msgspec import UNSET
from promptops.cli._connection import Connection, connected
from promptops.cli._output import moment, print_json, print_table
from promptops.cli.prompts._options import as_json
from promptops.models import PromptEvent

__all__ = ["history", "label", "labels", "rollback", "unlabel"]


@click.command("labels")
@click.argument("name")
@as_json
@connected
def labels(name: str, *, as_json: bool, **where: Any) -> None:
    """List the labels of a prompt and the versions that they point to."""
    with Connection(**where).open() as client:
        found = client.prompts.labels(name)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            item.label,
            item.version,
            "protected" if item.protected else "",
            moment(item.updated_at),
            item.updated_by or "",
        )
        for item in found
    ]
    print_table(("label", "version", "", "moved", "by"), rows, empty="no labels")


@click.command("label")
@click.argument("name")
@click.argument("label")
@click.argument("version")
@click.option("--expect", metavar="VERSION", help="Only if it points to this version now; 'none': to none.")
@as_json
@connected
def label(name: str, label: str, version: str, expect: str | None, *, as_json: bool, **where: Any) -> None:
    """Point a label of a prompt to a version."""
    expected = UNSET if expect is None else None if expect == "none" else expect
    with Connection(**where).open() as client:
        moved = client.prompts.set_label(name, label, version=version, expected_version=expected)
    if as_json:
        print_json(moved)
    else:
        click.echo(f"{name}@{moved.label} is {moved.version}")


@click.command("unlabel")
@click.argument("name")
@click.argument("label")
@connected
def unlabel(name: str, label: str, **where: Any) -> None:
    """Remove a label from a prompt; its version stays."""
    with Connection(**where).open() as client:
        client.prompts.remove_label(name, label)
    click.echo(f"removed {name}@{label}")


@click.command("history")
@click.argument("name")
@click.option("--label", help="Only what happened to this label.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="Most events.")
@as_json
@connected
def history(name: str, label: str | None, limit: int, *, as_json: bool, **where: Any) -> None:
    """Show what happened to a prompt, the newest first."""
    with Connection(**where).open() as client:
        page = client.prompts.history(name, label=label, limit=limit)
    if as_json:
        print_json(page.items)
        return
    rows = [(f"{item.at:%Y-%m-%d %H:%M:%S}", _happened(item), item.by or "") for item in page.items]
    print_table(("when", "what", "by"), rows, empty="no history")
    if page.has_more:
        click.echo(f"... and {page.total - len(rows)} earlier: --limit shows more", err=True)


@click.command("rollback")
@click.argument("name")
@click.argument("version")
@as_json
@connected
def rollback(name: str, version: str, *, as_json: bool, **where: Any) -> None:
    """Publish what an older version holds as a new version."""
    with Connection(**where).open() as client:
        made = client.prompts.rollback(name, version=version)
    if as_json:
        print_json(made)
    else:
        click.echo(f"{made.slug} {made.version} holds what {version} holds")


def _happened(event: PromptEvent) -> str:
    """An event in words; one of a newer server by its name."""
    version, before, name = event.version, event.from_version, event.label
    if event.action == "label_moved":
        return f"{name} moved from {before} to {version}" if before else f"{name} points to {version}"
    if event.action == "label_removed":
        return f"{name} removed from {before}" if before else f"{name} removed"
    if event.action == "versioned":
        return f"{version} made from {before}" if before else f"{version} made"
    if event.action == "deleted":
        return f"{version} deleted" if version else "deleted with all versions"
    return " ".join(part for part in (version, event.action.replace("_", " ")) if part)
