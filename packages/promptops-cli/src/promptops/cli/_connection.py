"""Which server a command talks to: the options that every reading command shares, and the client they make."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec
from promptops.cli._backends import Client, other_client
from promptops.cli._failures import CommandFailed
from promptops.client import CacheConfig, ClientConfig, SyncPromptOpsClient
from promptops.core.backends import DEFAULT_BACKEND, chosen_backend

__all__ = ["LOCAL_URL", "Connection", "backend_option", "connected", "embedded"]

LOCAL_URL: Final = "http://127.0.0.1:8765"
F = TypeVar("F", bound=Callable[..., Any])

backend_option = click.option(
    "--backend", metavar="NAME", help="The kind of server: promptops, or phoenix (PROMPTOPS_BACKEND)."
)


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """Where a command's server is, and of which kind: ``backend``, else ``PROMPTOPS_BACKEND``, else our own."""

    base_url: str | None = None
    project: str | None = None
    data_dir: Path | None = None
    backend: str | None = None

    @classmethod
    def take(cls, options: dict[str, Any]) -> Connection:
        """Make one of the options of :func:`connected`, and leave the others."""
        return cls(**{name: options.pop(name) for name in cls.__struct_fields__})

    @property
    def origin(self) -> str | None:
        """What the server is called where it is remembered; None for its address, which a directory's changes."""
        return None if self.data_dir is None else f"data-dir:{self.data_dir.as_posix()}"

    @contextmanager
    def open(self, *, cache: CacheConfig | None = None) -> Generator[Client]:
        """A client; with a data directory, of a server that runs in this process while the command does.

        Args:
            cache: Where it keeps prompts, when a server of its own is at an address that stays.
        """
        kind = chosen_backend(self.backend)
        if kind != DEFAULT_BACKEND:
            with other_client(
                kind, base_url=self.base_url, project=self.project, data_dir=self.data_dir, cache=cache
            ) as other:
                yield other
            return
        if self.data_dir is not None:
            if self.base_url is not None:
                raise click.UsageError("give --base-url or --data-dir, not both")
            if not self.data_dir.is_dir():
                raise CommandFailed(
                    f"there is no directory {self.data_dir}",
                    hint="`promptops quickstart` and `promptops serve --data-dir` make one",
                    code=2,
                )
            with embedded(self.data_dir, project=self.project) as client:
                yield client
            return
        with SyncPromptOpsClient(base_url=self._address(), project=self.project, cache=cache) as client:
            yield client

    def _address(self) -> str | None:
        if self.base_url is not None:
            return self.base_url
        configured = os.environ.get("PROMPTOPS_BASE_URL") or os.environ.get("PROMPTOPS_API_KEY")
        return None if configured else LOCAL_URL


@contextmanager
def embedded(directory: Path, *, project: str | None = None) -> Generator[SyncPromptOpsClient]:
    """A client of a server in this process that keeps its data in a directory.

    Of the environment only ``PROMPTOPS_API_KEY`` counts: a directory in which keys were made asks for one, any other
    server in this process takes no notice of it.
    """
    try:
        from promptops.server import EmbeddedServer
    except ImportError as error:
        if error.name is None or not error.name.startswith("promptops.server"):
            raise
        raise CommandFailed(
            "a server on this machine needs the server package: pip install promptops-cli[server]", code=2
        ) from error
    with (
        EmbeddedServer(directory) as server,
        SyncPromptOpsClient(
            ClientConfig(
                base_url=server.url,
                api_key=os.environ.get("PROMPTOPS_API_KEY", "").strip() or None,
                project=project,
                read_environment=False,
            )
        ) as client,
    ):
        yield client


def connected(function: F) -> F:
    """Give a command the shared options; it receives them as ``base_url``, ``project``, ``data_dir``, ``backend``."""
    for option in (
        backend_option,
        click.option(
            "--data-dir",
            type=click.Path(path_type=Path, file_okay=False),
            help="Start a server over this directory for the time of the command.",
        ),
        click.option("--project", help="The project, by name or id."),
        click.option("--base-url", help="The server's address (PROMPTOPS_BASE_URL)."),
    ):
        function = option(function)
    return function
