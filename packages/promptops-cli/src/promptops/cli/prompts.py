"""``promptops prompts``: list, get, render, create and look at versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click
import msgspec
from promptops.cli._connection import Connection, connected
from promptops.cli._output import print_json, print_table, shortened

__all__ = ["prompts"]

TEMPLATE_FORMATS: Final = ("mustache", "f-string", "none")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
version_option = click.option("--version", help="Which version; the latest unless given.")


@click.group()
def prompts() -> None:
    """Read, render and create prompts."""


@prompts.command("list")
@click.option("--query", help="Only prompts with this text in name, description or content.")
@click.option("--tag", "tags", multiple=True, help="Only prompts with this tag; may be repeated.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="Most prompts.")
@as_json
@connected
def list_prompts(query: str | None, tags: tuple[str, ...], limit: int, *, as_json: bool, **where: Any) -> None:
    """List prompts, the latest version of each, newest first."""
    with Connection(**where).open() as client:
        found = client.prompts.list(query=query, tags=tags, limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [
        (item.slug, item.version, f"{item.updated_at:%Y-%m-%d %H:%M}", shortened(item.description)) for item in found
    ]
    print_table(("prompt", "latest", "changed", "description"), rows, empty="no prompts")


@prompts.command("get")
@click.argument("name")
@version_option
@as_json
@connected
def get_prompt(name: str, version: str | None, *, as_json: bool, **where: Any) -> None:
    """Print the text of a prompt, or with --json everything about it."""
    with Connection(**where).open() as client:
        prompt = client.prompts.get(name, version=version)
    if as_json:
        print_json(prompt)
    elif prompt.messages:
        click.echo("\n\n".join(f"{message.role}:\n{message.content}" for message in prompt.messages))
    else:
        click.echo(prompt.content)


@prompts.command("versions")
@click.argument("name")
@as_json
@connected
def versions(name: str, *, as_json: bool, **where: Any) -> None:
    """List the versions of a prompt, the highest first."""
    with Connection(**where).open() as client:
        found = client.prompts.versions(name)
    if as_json:
        print_json(found)
        return
    rows = [(item.version, f"{item.updated_at:%Y-%m-%d %H:%M}", item.content_hash[:12]) for item in found]
    print_table(("version", "changed", "content"), rows, empty="no versions")


@prompts.command("render")
@click.argument("name")
@click.option("--var", "pairs", multiple=True, metavar="NAME=VALUE", help="A variable; may be repeated.")
@click.option(
    "--variables", type=click.File("rb"), metavar="FILE", help="A JSON object of variables; - reads standard input."
)
@version_option
@click.option("--provider", help="Render for this provider's models.")
@click.option("--model", help="Render for this model of the provider.")
@as_json
@connected
def render_prompt(
    *,
    name: str,
    pairs: tuple[str, ...],
    variables: Any,
    version: str | None,
    provider: str | None,
    model: str | None,
    as_json: bool,
    **where: Any,
) -> None:
    """Fill variables into a prompt and print the text."""
    values = {**_from_file(variables), **dict(_pair(pair) for pair in pairs)}
    with Connection(**where).open() as client:
        rendered = client.prompts.render(name, values, version=version, model_provider=provider, model_name=model)
    if as_json:
        print_json(rendered)
    elif len(rendered.messages) > 1:
        click.echo("\n\n".join(f"{message['role']}:\n{message['content']}" for message in rendered.messages))
    else:
        click.echo(rendered.rendered_content)


@prompts.command("create")
@click.argument("name")
@click.option("--content", help="The text.")
@click.option("--file", type=click.File("r", encoding="utf-8"), help="Read the text from a file; - is standard input.")
@click.option("--slug", help="How it is asked for; made from the name unless given.")
@click.option("--description", default="", help="What it is for.")
@click.option("--tag", "tags", multiple=True, help="A tag; may be repeated.")
@click.option("--format", "template_format", type=click.Choice(TEMPLATE_FORMATS), default="mustache", show_default=True)
@as_json
@connected
def create_prompt(
    *,
    name: str,
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
    text = str(file.read()) if content is None else content
    with Connection(**where).open() as client:
        made = client.prompts.create(
            name, content=text, slug=slug, description=description, tags=tags, template_format=template_format
        )
    if as_json:
        print_json(made)
    else:
        click.echo(f"created {made.slug} {made.version}")


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise click.UsageError(f"--var takes NAME=VALUE, not {text!r}")
    return name, value


def _from_file(stream: Any) -> dict[str, Any]:
    if stream is None:
        return {}
    try:
        return msgspec.json.decode(stream.read(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        name = Path(getattr(stream, "name", "") or "-").name
        raise click.UsageError(f"--variables {name} is not a JSON object: {error}") from error
