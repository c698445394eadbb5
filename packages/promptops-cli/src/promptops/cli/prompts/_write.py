"""Commands that write prompts: create, import, delete."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from promptops.cli._connection import Connection, connected
from promptops.cli._failures import CommandFailed, exit_code
from promptops.cli._output import print_json
from promptops.cli.prompts._options import as_json, read_json
from promptops.core.errors import ConflictError

if TYPE_CHECKING:
    from promptops.models import PromptResponse

__all__ = ["create", "delete", "import_prompt"]

TEMPLATE_FORMATS: Final = ("mustache", "f-string", "none", "jinja2")
SUFFIX: Final = ".prompt.md"
slug_option = click.option("--slug", help="How it is asked for; made from the name unless given.")
description_option = click.option("--description", default="", help="What it is for.")
format_option = click.option(
    "--format", "template_format", type=click.Choice(TEMPLATE_FORMATS), help="What a variable looks like; mustache."
)
tag_option = click.option("--tag", "tags", multiple=True, help="A tag; may be repeated.")


@click.command("create")
@click.argument("name", required=False)
@click.option("--content", help="The text.")
@click.option(
    "--file",
    type=click.File("rb"),
    help="Read the text from a file, or all of it from a .prompt.md; - is standard input.",
)
@slug_option
@description_option
@tag_option
@format_option
@as_json
@connected
def create(
    *,
    name: str | None,
    content: str | None,
    file: Any,
    slug: str | None,
    description: str,
    tags: tuple[str, ...],
    template_format: Any,
    as_json: bool,
    **where: Any,
) -> None:
    """Create a prompt from --content or --file."""
    if (content is None) == (file is None):
        raise click.UsageError("give the text with --content or with --file")
    path = Path(str(getattr(file, "name", "")))
    arguments: dict[str, Any]
    if path.name.endswith(SUFFIX):
        if description or tags or template_format:
            raise click.UsageError(f"{path.name} says --description, --tag and --format itself; write them there")
        arguments = _from_document(path, name, slug)
    elif name is None:
        raise click.UsageError("give the NAME of the prompt; only a .prompt.md file brings its own")
    else:
        text = content if content is not None else _decoded(file.read(), path)
        arguments = {
            "name": name,
            "content": text,
            "slug": slug,
            "description": description,
            "tags": tags,
            "template_format": template_format or "mustache",
        }
    with Connection(**where).open() as client:
        made = client.prompts.create(**arguments)
    _say_created(made, as_json=as_json)


@click.command("import")
@click.argument("name")
@click.option(
    "--from",
    "source",
    type=click.Choice(("openai", "anthropic", "google")),
    required=True,
    help="Whose SDK the arguments are for.",
)
@click.argument("file", type=click.File("rb"), metavar="FILE.json")
@slug_option
@description_option
@tag_option
@format_option
@click.option("--strict", is_flag=True, help="Create nothing when something of the arguments would be lost.")
@as_json
@connected
def import_prompt(
    *,
    name: str,
    source: str,
    file: Any,
    slug: str | None,
    description: str,
    tags: tuple[str, ...],
    template_format: Any,
    strict: bool,
    as_json: bool,
    **where: Any,
) -> None:
    """Create a prompt from the arguments of a chat call, in JSON."""
    from promptops.prompts import formats

    convert = {"openai": formats.from_openai, "anthropic": formats.from_anthropic, "google": formats.from_google}
    imported = convert[source](read_json(file, f"--from {source}"))
    for loss in imported.losses:
        click.echo(f"{loss.what}: {loss.field}: {loss.detail}", err=True)
    if strict and imported.losses:
        raise CommandFailed("nothing was created, because something would be lost", hint="leave --strict out", code=4)
    with Connection(**where).open() as client:
        made = client.prompts.create(
            name,
            slug=slug,
            description=description,
            tags=tags,
            template_format=template_format or "mustache",
            **imported.fields(),
        )
    _say_created(made, as_json=as_json)


@click.command("delete")
@click.argument("name")
@click.option("--version", help="Only this version; the prompt with all of them unless given.")
@click.option("--force", is_flag=True, help="Also versions that a label points to.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@connected
def delete(name: str, version: str | None, *, force: bool, yes: bool, **where: Any) -> None:
    """Delete a prompt, or one version of it."""
    what = f"{name} {version}" if version is not None else f"{name} with all its versions"
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"deleting {what} cannot be undone; add --yes")
        click.confirm(f"Delete {what}? This cannot be undone.", abort=True, err=True)
    with Connection(**where).open() as client:
        try:
            client.prompts.delete(name, version=version, force=force)
        except ConflictError as error:
            hint = "move the label, or delete all the same with --force"
            raise CommandFailed(error.message, hint=hint, code=exit_code(error)) from error
    click.echo(f"deleted {what}")


def _from_document(path: Path, name: str | None, slug: str | None) -> dict[str, Any]:
    from promptops.prompts.files import read_document

    document = read_document(path, slug=slug or path.name.removesuffix(SUFFIX))
    arguments = document.create_arguments()
    if name is not None:
        arguments["name"] = name
    if slug is not None:
        arguments["slug"] = slug
    return arguments


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"--file {path.name} is not UTF-8: {error}") from error


def _say_created(made: PromptResponse, *, as_json: bool) -> None:
    if as_json:
        print_json(made)
    else:
        click.echo(f"created {made.slug} {made.version}")
