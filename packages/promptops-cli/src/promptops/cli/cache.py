"""``promptops cache``: stats, clear and warm, for the caches that processes share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from promptops.cli._connection import Connection, backend_option
from promptops.cli._failures import CommandFailed
from promptops.cli._output import print_json, print_table
from promptops.client import CacheConfig
from promptops.core.bridge import drive

if TYPE_CHECKING:
    from promptops.prompts import PromptCache

__all__ = ["cache"]

F = TypeVar("F", bound=Callable[..., Any])
_LEVELS: Final = ("disk", "redis", "hybrid")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def which_cache(function: F) -> F:
    """Give a command the options that say which cache and whose prompts."""
    for option in (
        backend_option,
        click.option("--project", help="The project, as applications name it (PROMPTOPS_PROJECT)."),
        click.option("--base-url", help="The server's address, as applications name it (PROMPTOPS_BASE_URL)."),
        click.option(
            "--directory",
            envvar="PROMPTOPS_CACHE_DIRECTORY",
            type=click.Path(path_type=Path, file_okay=False),
            help="Where the disk cache is (PROMPTOPS_CACHE_DIRECTORY).",
        ),
        click.option("--redis-prefix", envvar="PROMPTOPS_CACHE_PREFIX", help="What its keys in Redis start with."),
        click.option("--redis-url", envvar="PROMPTOPS_REDIS_URL", help="Where Redis is (PROMPTOPS_REDIS_URL)."),
        click.option(
            "--level",
            envvar="PROMPTOPS_CACHE_LEVEL",
            type=click.Choice(_LEVELS),
            help="Which one; unless given, Redis when its address is known, with the disk when a directory is.",
        ),
    ):
        function = option(function)
    return function


@click.group()
def cache() -> None:
    """Look at, clear and fill the caches that processes share, on disk and in Redis.

    Prompts are kept for each server and project (without a project, for each key), so name them as the applications do.
    """


@cache.command("stats")
@as_json
@which_cache
def stats(*, as_json: bool, **where: Any) -> None:
    """Show how much lies in the caches, of all servers and projects."""
    with _connection(where).open(cache=_config(where)) as client:
        found = drive(client.prompts.cache.measure())
    if as_json:
        sizes = {
            name: None if size is None else {"entries": size.size, "bytes": size.memory_usage or None}
            for name, size in found.items()
        }
        print_json(sizes)
        return
    rows = [
        (name, "away", "") if size is None else (name, str(size.size), str(size.memory_usage or ""))
        for name, size in found.items()
    ]
    print_table(("cache", "entries", "bytes"), rows, empty="no caches")


@cache.command("clear")
@click.argument("name", required=False)
@click.option("--version", help="Only this version; 'latest' for the latest.")
@as_json
@which_cache
def clear(name: str | None, version: str | None, *, as_json: bool, **where: Any) -> None:
    """Forget a prompt, or all prompts of the server and project."""
    if name is None and version is not None:
        raise click.UsageError("--version needs the NAME of a prompt")
    if name is not None and not name.strip():
        raise click.UsageError("NAME is empty; give the name of a prompt")
    with _connection(where).open(cache=_config(where)) as client:
        kept = client.prompts.cache
        drive(_forget(kept, name, version, project=client.prompts.project))
        away = _away(kept)
    if away:
        raise CommandFailed(f"{' and '.join(away)} did not answer; nothing was cleared there", code=7)
    cleared = {"name": name, "version": version}
    if as_json:
        print_json(cleared)
    else:
        what = "everything" if name is None else name if version is None else f"{name} {version}"
        click.echo(f"cleared {what}")


@cache.command("warm")
@click.argument("names", nargs=-1, required=True)
@as_json
@which_cache
def warm(names: Sequence[str], *, as_json: bool, **where: Any) -> None:
    """Fetch the latest versions of prompts into the caches, before they are needed."""
    with _connection(where).open(cache=_config(where)) as client:
        found = client.prompts.warm(list(names))
        away = _away(client.prompts.cache)
    if as_json:
        print_json(
            {
                "warmed": {name: prompt.version for name, prompt in found.prompts.items()},
                "errors": {name: str(error) for name, error in found.errors.items()},
                "away": away,
            }
        )
    else:
        for name, prompt in found.prompts.items():
            click.echo(f"warmed {name} {prompt.version}")
    if away:
        raise CommandFailed(f"{' and '.join(away)} did not answer; nothing was kept there", code=7)
    for error in found.errors.values():
        raise error


async def _forget(kept: PromptCache, name: str | None, version: str | None, *, project: str | None) -> None:
    await kept.drop(await kept.clear_all(name, version=version, project=project))


def _away(kept: PromptCache) -> list[str]:
    return [tier.tier for tier in kept.stats().tiers if tier.unavailable]


def _connection(where: dict[str, Any]) -> Connection:
    return Connection(base_url=where["base_url"], project=where["project"], backend=where["backend"])


def _config(where: dict[str, Any]) -> CacheConfig:
    url, directory, level = where["redis_url"], where["directory"], where["level"]
    if level is None:
        level = "disk" if not url else "hybrid" if directory is not None else "redis"
    given: dict[str, Any] = {"redis_prefix": where["redis_prefix"]} if where["redis_prefix"] else {}
    return CacheConfig(
        level=level, redis_url=url or None, directory=None if directory is None else str(directory), push=False, **given
    )
