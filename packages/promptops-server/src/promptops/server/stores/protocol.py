"""The store: what the rules need from a database. Every method over tenant data takes the grant first.

What is not in the granted projects does not exist here: reads give None, writes give None, lists leave it out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from msgspec import Raw, Struct
from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.idempotency import Once
from promptops.server.row_filters import Filter
from promptops.server.stores.draft_protocol import DatasetDraftStore, NewDraft, SchemaCheck
from promptops.server.stores.example_protocol import ExampleStore
from promptops.server.stores.prompt_protocol import (
    Current,
    Fetch,
    Inclusion,
    LabelStore,
    PromptChange,
    PromptDocument,
    PromptFilter,
    PromptStore,
    StoredLabel,
    StoredPrompt,
    Which,
)
from promptops.server.stores.usage_rows import ReportedTotals, UsageCell, UsageCounts

__all__ = [
    "AuditStore",
    "CredentialStore",
    "Current",
    "DatasetDraftStore",
    "DatasetStore",
    "ExampleStore",
    "ExperimentStore",
    "Fetch",
    "Inclusion",
    "KeyStore",
    "LabelStore",
    "NewDraft",
    "ProjectStore",
    "PromptChange",
    "PromptDocument",
    "PromptFilter",
    "PromptStore",
    "Rows",
    "Store",
    "StoredKey",
    "StoredLabel",
    "StoredPrompt",
    "UsageStore",
    "Which",
]


class StoredKey(Struct, frozen=True, kw_only=True):
    """A key as it is stored: everything but the key."""

    public_id: str
    name: str
    hash: bytes
    pepper_id: str
    scopes: tuple[str, ...]
    default_project: str
    projects: tuple[str, ...]
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    require_signature: bool
    limits: wire.KeyLimits


class Rows(Struct, frozen=True, kw_only=True):
    """A page of JSON objects, already encoded, and the position after it when there is more."""

    items: list[Raw]
    after: tuple[int | str, ...] | None


class CredentialStore(Protocol):
    """What makes grants; the only methods without one."""

    async def find_key(self, public_id: str) -> StoredKey | None:
        """A key by its public id."""
        ...

    async def has_keys(self) -> bool:
        """Whether a key was ever made, revoked ones included."""
        ...

    async def default_project(self) -> str:
        """The id of the project that exists from the start."""
        ...

    async def use_nonce(self, key_id: str, nonce: str, *, at: int, oldest: int) -> bool:
        """Whether the nonce is new; it is used from now on. Those from before ``oldest`` (microseconds) may go."""
        ...


class KeyStore(Protocol):
    """Keys, as their administrators see them: those whose projects are all granted."""

    async def find_key(self, public_id: str) -> StoredKey | None:
        """A key by its public id, whoever asks; for the caller's own."""
        ...

    async def insert_key(self, grant: Grant, key: StoredKey, once: Once | None) -> wire.ApiKey:
        """Store a key."""
        ...

    async def list_keys(
        self, grant: Grant, *, project: str | None, limit: int, offset: int
    ) -> tuple[list[wire.ApiKey], int]:
        """Keys, newest first, and how many there are; ``project`` keeps those that reach it."""
        ...

    async def revoke_key(self, grant: Grant, public_id: str, once: Once | None) -> wire.ApiKeyRevoked | None:
        """Make a key useless; one that is so already stays as it is."""
        ...


class AuditStore(Protocol):
    """The record of writes; a store adds to it in the transaction of each write, and never changes it."""

    async def list_audit(
        self, grant: Grant, *, kind: str | None, object_id: str | None, limit: int, before: int | None
    ) -> tuple[list[wire.AuditEntry], int | None]:
        """Newest first, and the position after the page when there is more."""
        ...


class ProjectStore(Protocol):
    """Projects, which are the spaces of ``/v2``."""

    async def find_project(self, grant: Grant, selector: str) -> wire.Space | None:
        """A project by id or name."""
        ...

    async def list_projects(self, grant: Grant, *, name: str | None, limit: int, after: str | None) -> list[wire.Space]:
        """Projects by name, up to ``limit`` of them; ``name`` is a part of it, in either case."""
        ...


class UsageStore(Protocol):
    """Counted and reported usage, and telemetry."""

    async def add_usage(self, cells: Sequence[UsageCell]) -> None:
        """Add counts to those of their hour; each names its project."""
        ...

    async def usage_counts(self, grant: Grant, *, start: int, end: int) -> UsageCounts:
        """The counts of the key from an hour (inclusive) to another (exclusive), in hours since 1970."""
        ...

    async def insert_usage_records(self, grant: Grant, batch_id: str, records: Sequence[wire.UsageRecord]) -> bool:
        """Store reported records in the default project once; False when the batch was stored before."""
        ...

    async def reported_usage(self, grant: Grant, *, start: int, end: int) -> ReportedTotals:
        """What the key reported between two moments, in hours since 1970."""
        ...

    async def insert_telemetry(
        self, grant: Grant, batch: wire.TelemetryBatch, events: Sequence[wire.TelemetryEvent]
    ) -> bool:
        """Store those events of a batch in the default project once; False when the batch was stored before."""
        ...


class DatasetStore(Protocol):
    """Datasets, their versions and examples."""

    async def get_dataset(self, grant: Grant, dataset_id: str) -> wire.Dataset | None:
        """A dataset with its versions."""
        ...

    async def list_datasets(
        self, grant: Grant, *, name: str | None, limit: int, before: int | None
    ) -> tuple[list[wire.Dataset], int | None]:
        """Newest first, and the position after the page when there is more."""
        ...

    async def insert_dataset(
        self, grant: Grant, name: str, examples: Sequence[wire.JsonObject], once: Once | None
    ) -> wire.Dataset:
        """Create a dataset with one version in the default project.

        Raises:
            ConflictError: The name is taken.
        """
        ...

    async def rename_dataset(self, grant: Grant, dataset_id: str, name: str, once: Once | None) -> wire.Dataset | None:
        """Give a dataset another name.

        Raises:
            ConflictError: The name is taken.
        """
        ...

    async def delete_dataset(self, grant: Grant, dataset_id: str, once: Once | None) -> bool | None:
        """Delete a dataset and everything below it; None when there is none."""
        ...

    async def list_examples(
        self,
        grant: Grant,
        dataset_id: str,
        version_id: str | None,
        *,
        limit: int,
        after: tuple[int | str, ...] | None,
        split: str | None = None,
        where: Filter | None = None,
    ) -> Rows | None:
        """The examples of a version (the latest) in the order of creation; ``split`` and ``where`` keep some.

        Raises:
            ValidationError: Looking for what ``where`` keeps takes too long.
            ServerError: Too many look at once (503).
        """
        ...

    async def insert_examples(
        self,
        grant: Grant,
        dataset_id: str,
        version_id: str | None,
        examples: Sequence[wire.JsonObject],
        once: Once | None,
        *,
        check: SchemaCheck | None = None,
    ) -> wire.DatasetVersionWithExampleIds | None:
        """Append examples to a version (the latest)."""
        ...

    async def set_schema(
        self, grant: Grant, dataset_id: str, example_schema: wire.JsonObject | None, once: Once | None
    ) -> wire.Dataset | None:
        """Set the schema that new examples must meet; None for none."""
        ...


class ExperimentStore(Protocol):
    """Experiments and their runs."""

    async def get_experiment(self, grant: Grant, experiment_id: str) -> wire.Experiment | None:
        """An experiment without its runs."""
        ...

    async def has_dataset(self, grant: Grant, dataset_id: str) -> bool:
        """Whether there is such a dataset."""
        ...

    async def list_experiments(
        self, grant: Grant, *, dataset_id: str | None, name: str | None, limit: int, before: int | None
    ) -> tuple[list[wire.Experiment], int | None]:
        """Newest first, and the position after the page when there is more."""
        ...

    async def insert_experiment(
        self,
        grant: Grant,
        name: str,
        dataset_id: str | None,
        *,
        runs: Sequence[wire.JsonObject],
        check: Callable[[Sequence[wire.JsonObject], set[str] | None], None],
        once: Once | None,
    ) -> wire.Experiment | None:
        """Create an experiment of a dataset, or of the default project when there is none.

        ``check`` is called in the transaction with the runs and those of their example ids that exist (None without a
        dataset), and raises to refuse.

        Raises:
            ConflictError: The name is taken.
        """
        ...

    async def delete_experiment(self, grant: Grant, experiment_id: str, once: Once | None) -> bool | None:
        """Delete an experiment and its runs; None when there is none."""
        ...

    async def list_runs(
        self, grant: Grant, experiment_id: str, *, limit: int, after: tuple[int | str, ...] | None
    ) -> Rows | None:
        """The runs of an experiment in the order of insertion."""
        ...

    async def search_runs(
        self,
        grant: Grant,
        experiment_id: str,
        *,
        limit: int,
        after: tuple[int | str, ...] | None,
        where: Filter | None,
    ) -> Rows | None:
        """The runs of an experiment by id; ``where`` keeps some.

        Raises:
            ValidationError: Looking for them takes too long.
            ServerError: Too many look at once (503).
        """
        ...

    async def insert_runs(
        self,
        grant: Grant,
        experiment_id: str,
        runs: Sequence[wire.JsonObject],
        check: Callable[[Sequence[wire.JsonObject], set[str] | None], None],
        once: Once | None,
    ) -> wire.ExperimentWithRunIds | None:
        """Append runs; ``check`` as for :meth:`insert_experiment`."""
        ...


class Store(
    CredentialStore,
    KeyStore,
    AuditStore,
    ProjectStore,
    PromptStore,
    LabelStore,
    DatasetStore,
    DatasetDraftStore,
    ExampleStore,
    ExperimentStore,
    UsageStore,
    Protocol,
):
    """Everything together, with a beginning and an end."""

    async def ping(self) -> dict[str, Any]:
        """Ask the database something; facts about it for callers with a key."""
        ...

    async def aclose(self) -> None:
        """Finish what is queued and close; safe to call twice."""
        ...
