"""The commands of the server: ``promptops serve`` and ``promptops keys``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

import click
from promptops.core.errors import PromptOpsError

if TYPE_CHECKING:
    from promptops.server.wire import KeyLimits

__all__ = ["keys", "serve"]

P = ParamSpec("P")
_SCOPES = ("prompts:read", "prompts:write", "prompts:label", "experiments", "telemetry", "admin")
_GRACEFUL_SECONDS = 20


def _plain_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Say in one line what went wrong, without a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except PromptOpsError as error:
            raise click.ClickException(str(error)) from error

    return run


def _data_dir(given: Path | None) -> Path:
    from promptops.server.settings import default_data_dir

    return given if given is not None else default_data_dir()


_directory = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Where the data lies.  [default: $PROMPTOPS_DATA_DIR, or .promptops in the home directory]",
)


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; beyond this machine a key is needed.",
)
@click.option(
    "--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="The port; 0 takes a free one."
)
@_directory
@click.option("--accept-unknown-example-ids", is_flag=True, help="Store runs whose example_id is not in the dataset.")
@click.option(
    "--failed-auth-per-minute",
    default=10,
    show_default=True,
    type=click.IntRange(1, 1_000_000_000),
    help="Wrong credentials from one address before they are answered with 429; raise it behind a proxy.",
)
@click.option(
    "--redis-url",
    envvar="PROMPTOPS_REDIS_URL",
    show_envvar=True,
    default=None,
    help="Publish changed prompts on this Redis, so that clients see them at once.  [default: none]",
)
@click.option(
    "--protected-label",
    "protected_labels",
    multiple=True,
    help="A label that only keys with the scope prompts:label move; give it once for each."
    "  [default: $PROMPTOPS_PROTECTED_LABELS, separated by commas, or production]",
)
@_plain_errors
def serve(
    *,
    host: str,
    port: int,
    data_dir: Path | None,
    accept_unknown_example_ids: bool,
    failed_auth_per_minute: int,
    redis_url: str | None,
    protected_labels: tuple[str, ...],
) -> None:
    """Run the PromptOps server until it is told to stop."""
    from promptops.server._run import bind, run, url_of
    from promptops.server.rates import Limits
    from promptops.server.settings import Settings, default_protected_labels

    _log_to_stderr()
    settings = Settings(
        data_dir=_data_dir(data_dir),
        host=host,
        port=port,
        accept_unknown_example_ids=accept_unknown_example_ids,
        limits=Limits(failed_auth_per_minute=failed_auth_per_minute),
        redis_url=redis_url or None,
        protected_labels=protected_labels or default_protected_labels(),
    )
    listening = bind(host, port)
    url = url_of(listening)
    _warn_about_sqlite()
    run(
        settings,
        listening,
        on_ready=lambda: click.echo(f"PromptOps server at {url}"),
        graceful_seconds=_GRACEFUL_SECONDS,
    )


def _limit(option: str, text: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    help_ = f"{text}  [default: that of the server]"
    return click.option(option, type=click.IntRange(1, 1_000_000_000), default=None, help=help_)


@click.group()
def keys() -> None:
    """Create, list and revoke API keys."""


@keys.command("create")
@click.option("--name", required=True, help="For people, for example the application that will use it.")
@click.option(
    "--project",
    "projects",
    multiple=True,
    default=("default",),
    show_default=True,
    help="A project that the key grants; created when it is missing. The first is its default.",
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    default=("prompts:read", "telemetry"),
    show_default=True,
    type=click.Choice(_SCOPES),
    help="What the key may do.",
)
@click.option(
    "--expires-days",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    help="Days until it expires; never without.",
)
@click.option("--require-signature", is_flag=True, help="Refuse requests that are not signed.")
@click.option("--signing", is_flag=True, help="Show the secret key for signing too; --require-signature implies it.")
@_limit("--per-minute", "Requests in a minute.")
@_limit("--per-hour", "Requests in an hour.")
@_limit("--per-day", "Requests in a day.")
@_limit("--rate", "Reads, writes and telemetry batches a second; twice as many at once.")
@_directory
@_plain_errors
def create(
    *,
    name: str,
    projects: tuple[str, ...],
    scopes: tuple[str, ...],
    expires_days: float | None,
    require_signature: bool,
    signing: bool,
    per_minute: int | None,
    per_hour: int | None,
    per_day: int | None,
    rate: int | None,
    data_dir: Path | None,
) -> None:
    """Make a key and show it once; with --signing the secret key is the second line."""
    from promptops.server.grants import Scope
    from promptops.server.key_admin import create_key
    from promptops.server.wire import KeyLimits

    key = create_key(
        _data_dir(data_dir),
        name=name,
        projects=projects,
        scopes=[Scope(scope) for scope in scopes],
        expires_in_seconds=None if expires_days is None else expires_days * 86_400,
        require_signature=require_signature,
        limits=KeyLimits(per_minute=per_minute, per_hour=per_hour, per_day=per_day, rate=rate),
    )
    click.echo(key.text)
    if signing or require_signature:
        click.echo(key.secret_key)
        click.echo("The second line is the secret key: use it as PROMPTOPS_SECRET_KEY.", err=True)
    click.echo("Keep it safe: it is shown this once. Use it as PROMPTOPS_API_KEY.", err=True)


@keys.command("list")
@_directory
@_plain_errors
def list_(data_dir: Path | None) -> None:
    """List the keys, without their secrets."""
    from promptops.server.key_admin import list_keys

    found = list_keys(_data_dir(data_dir))
    if not found:
        click.echo("There are no keys; make one with: promptops keys create --name NAME", err=True)
    for key in found:
        state = "revoked" if key.revoked_at else f"expires {key.expires_at:%Y-%m-%d}" if key.expires_at else "active"
        click.echo(
            f"{key.public_id}  {state}  {key.name}  projects={','.join(key.projects)}  scopes={','.join(key.scopes)}"
            f"  created={key.created_at:%Y-%m-%d}{'  signed' if key.require_signature else ''}{_told(key.limits)}"
        )


def _told(limits: KeyLimits) -> str:
    values = {name: getattr(limits, name) for name in limits.__struct_fields__}
    return "".join(f"  {name}={value}" for name, value in values.items() if value is not None)


@keys.command("revoke")
@click.argument("public_id")
@_directory
@_plain_errors
def revoke(public_id: str, data_dir: Path | None) -> None:
    """Make a key useless, at once and for good; PUBLIC_ID is the first column of the list."""
    from promptops.server.key_admin import revoke_key

    revoke_key(_data_dir(data_dir), public_id)
    click.echo(f"Key {public_id} is revoked.")


def _log_to_stderr() -> None:
    """Standard output carries the address alone."""
    import sys

    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _warn_about_sqlite() -> None:
    import sqlite3

    from promptops.server.stores.sqlite import has_wal_reset_bug

    if has_wal_reset_bug():
        from promptops.core.log import log

        log().warning(
            "sqlite_version_has_wal_reset_bug",
            sqlite_version=sqlite3.sqlite_version,
            advice="this server does not run into it, but let no other program write to the database",
        )
