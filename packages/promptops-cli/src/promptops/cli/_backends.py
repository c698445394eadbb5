"""Clients of other kinds of servers than our own, and what a failed command says of them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

import click
from promptops.cli._failures import CommandFailed, exit_code, hint_for
from promptops.core.backends import client_class
from promptops.core.errors import (
    AuthenticationError,
    AuthorizationError,
    InvalidResponseError,
    PromptOpsError,
    ValidationError,
)
from promptops.core.errors import UnsupportedOperation as Unsupported

if TYPE_CHECKING:
    from promptops.cache import CacheConfig
    from promptops.experiments import SyncDatasets, SyncExperiments
    from promptops.prompts import SyncPrompts

__all__ = ["Client", "other_client"]

# Their messages name what the backend reads; our own variables would be wrong advice.
_SAY_IT_THEMSELVES: Final = (AuthenticationError, AuthorizationError, InvalidResponseError)
_HINTS: Final = {
    "choose_versions": "this server numbers versions by itself; leave the number out",
    "delete_versions": "without --version the prompt goes with all its versions",
    "history": "`prompts versions` and `prompts labels` show what there is now",
    "tags": "labels are what this server can keep: `prompts label`; leave --tag out",
    "dataset_schema": "give --schema with each import, append, upsert or replace",
}


class Client(Protocol):
    """What the commands use of a client, whatever server it talks to.

    A resource of another backend has these methods with the same meaning; what its server has no place for raises
    ``UnsupportedOperation``.
    """

    @property
    def prompts(self) -> SyncPrompts:
        """Prompts."""
        ...

    @property
    def datasets(self) -> SyncDatasets:
        """Datasets and their examples."""
        ...

    @property
    def experiments(self) -> SyncExperiments:
        """Experiments."""
        ...


@contextmanager
def other_client(
    backend: str, *, base_url: str | None, project: str | None, data_dir: object, cache: CacheConfig | None
) -> Generator[Client]:
    """A client of another kind of server; where that is, and with which key, is the client's to know.

    Raises:
        ConfigurationError: No installed package has this backend.
        CommandFailed: Something failed while the client was used.
    """
    if data_dir is not None:
        raise click.UsageError(f"--data-dir starts a PromptOps server; it cannot be given with the backend {backend}")
    make = client_class(backend)
    if project is not None:
        raise CommandFailed(
            f"the {backend} backend does not support projects of prompts, datasets and experiments",
            hint="leave --project out",
            code=2,
        )
    given: dict[str, Any] = {} if cache is None else {"cache": cache}
    try:
        with make(base_url=base_url, **given) as client:
            yield client
    except PromptOpsError as error:
        raise CommandFailed(error.message, hint=_hint(error, backend), code=exit_code(error)) from error


def _hint(error: PromptOpsError, backend: str) -> str | None:
    if isinstance(error, _SAY_IT_THEMSELVES):
        return None
    if isinstance(error, Unsupported):
        return _HINTS.get(str(error.details.get("feature")), f"a {backend} server has no place for it; leave it out")
    if isinstance(error, ValidationError) and any(item["field"] == "tags" for item in error.validation_errors):
        return _HINTS["tags"]
    return hint_for(error)
