"""Commands that read: list, search, get, versions, render."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
from promptops.cli._connection import Connection, connected
from promptops.cli._failures import CommandFailed
from promptops.cli._output import moment, print_json, print_table, shortened
from promptops.cli.prompts._options import as_json, label_option, variables_of, version_option, version_or_label
from promptops.cli.prompts._show import show_messages
from promptops.core.errors import ValidationError

if TYPE_CHECKING:
    from promptops.prompts.formats import Provider
    from promptops.prompts.rendered import RenderedPrompt

__all__ = ["get", "list_prompts", "render", "search", "versions"]

FORMATS: Final = ("openai", "anthropic", "google", "litellm")
tag_option = click.option("--tag", "tags", multiple=True, help="Only prompts with this tag; may be repeated.")
limit_option = click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="Most prompts."
)


@click.command("list")
@click.option("--query", help="Only prompts with this text in name, description or content.")
@tag_option
@limit_option
@as_json
@connected
def list_prompts(query: str | None, tags: tuple[str, ...], limit: int, *, as_json: bool, **where: Any) -> None:
    """List prompts, the latest version of each, newest first."""
    _list(query, tags, limit, as_json=as_json, empty="no prompts", where=where)


@click.command("search")
@click.argument("text")
@tag_option
@limit_option
@as_json
@connected
def search(text: str, tags: tuple[str, ...], limit: int, *, as_json: bool, **where: Any) -> None:
    """Find prompts with a text in name, description or content."""
    _list(text, tags, limit, as_json=as_json, empty=f"no prompt has {shortened(text)!r}", where=where)


def _list(
    query: str | None, tags: tuple[str, ...], limit: int, *, as_json: bool, empty: str, where: dict[str, Any]
) -> None:
    with Connection(**where).open() as client:
        found = client.prompts.list(query=query, tags=tags, limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            item.slug,
            item.version,
            ", ".join(item.labels),
            moment(item.updated_at),
            shortened(item.description),
        )
        for item in found
    ]
    print_table(("prompt", "latest", "labels", "changed", "description"), rows, empty=empty)


@click.command("get")
@click.argument("name")
@version_option
@label_option
@as_json
@connected
def get(name: str, version: str | None, label: str | None, *, as_json: bool, **where: Any) -> None:
    """Print the text of a prompt, or with --json everything about it."""
    version_or_label(version, label)
    with Connection(**where).open() as client:
        prompt = client.prompts.get(name, version=version, label=label)
    if as_json:
        print_json(prompt)
    elif prompt.messages:
        show_messages(prompt.messages)
    else:
        click.echo(prompt.content)


@click.command("versions")
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
    rows = [(item.version, ", ".join(item.labels), moment(item.updated_at), item.content_hash[:12]) for item in found]
    print_table(("version", "labels", "changed", "content"), rows, empty="no versions")


@click.command("render")
@click.argument("name")
@click.option("--var", "pairs", multiple=True, metavar="NAME=TEXT", help="A variable, or NAME:=JSON; may be repeated.")
@click.option(
    "--variables", type=click.File("rb"), metavar="FILE", help="A JSON object of variables; - reads standard input."
)
@version_option
@label_option
@click.option("--provider", help="Render for this provider's models.")
@click.option("--model", help="Render for this model of the provider; with --to, the model of the call.")
@click.option(
    "--to", "target", type=click.Choice(FORMATS), help="Print the arguments of this SDK's chat call, as JSON."
)
@click.option(
    "--strict", is_flag=True, help="Refuse variables that are not used, and with --to whatever would be lost."
)
@as_json
@connected
def render(
    *,
    name: str,
    pairs: tuple[str, ...],
    variables: Any,
    version: str | None,
    label: str | None,
    provider: str | None,
    model: str | None,
    target: Any,
    strict: bool,
    as_json: bool,
    **where: Any,
) -> None:
    """Fill variables into a prompt and print the text."""
    version_or_label(version, label)
    values = variables_of(pairs, variables)
    # With --to alone the model is the call's; it chooses a variant only beside --provider.
    chosen = model if provider is not None or target is None else None
    with Connection(**where).open() as client:
        rendered = client.prompts.render(
            name, values, version=version, label=label, model_provider=provider, model_name=chosen, strict=strict
        )
    if target is not None:
        print_json(_arguments(rendered, target, model=model, strict=strict))
        for loss in rendered.losses(target, model=model):
            click.echo(f"{loss.what}: {loss.field}: {loss.detail}", err=True)
    elif as_json:
        print_json(rendered)
    elif len(rendered.messages) > 1 or rendered.messages[0].get("content") != rendered.rendered_content:
        show_messages(rendered.messages)
    else:
        click.echo(rendered.rendered_content)


def _arguments(rendered: RenderedPrompt, target: Provider, *, model: str | None, strict: bool) -> Any:
    import logging

    def is_news(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("prompt_format_lost")

    # Losses are told below, in words; the logger would say them a second time.
    logger = logging.getLogger("promptops")
    logger.addFilter(is_news)
    try:
        return rendered.to(target, model=model, strict=strict)
    except ValidationError as error:
        if model is None and any(item["field"] == "model_settings.model" for item in error.validation_errors):
            raise CommandFailed("the prompt names no model", hint="name one with --model", code=4) from error
        raise
    finally:
        logger.removeFilter(is_news)
