"""Datasets of a Phoenix server as users see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from promptops.experiments.datasets._changes import ReplacePlan
from promptops.experiments.stores import StoredDataset, StoredVersion
from promptops.phoenix._generated import models as wire
from promptops.phoenix._generated.models import DatasetLabel, DatasetSplit

__all__ = ["DatasetLabel", "DatasetSplit", "PhoenixDataset", "PhoenixDatasetVersion", "PhoenixReplacePlan"]


class PhoenixDatasetVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a dataset. The server gives versions no names: ``name`` is the id again."""

    id: str
    name: str
    created_at: datetime
    description: str | None = None
    metadata: Mapping[str, Any] = {}


class PhoenixDataset(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset without its examples; ``versions`` (newest first) only where one dataset is asked for."""

    id: str
    name: str
    example_count: int
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    metadata: Mapping[str, Any] = {}
    versions: tuple[PhoenixDatasetVersion, ...] = ()


class PhoenixReplacePlan(ReplacePlan, frozen=True, kw_only=True):
    """What a replacement would do. The examples wait in this client: nothing was sent.

    Attributes:
        version_id: The version that the plan was made against.
    """

    version_id: str


def dataset_of(
    found: wire.Dataset | wire.DatasetWithExampleCount, versions: tuple[PhoenixDatasetVersion, ...] = ()
) -> PhoenixDataset:
    """Return a dataset that the server sent."""
    return PhoenixDataset(
        id=found.id,
        name=found.name,
        example_count=found.example_count,
        created_at=found.created_at,
        updated_at=found.updated_at,
        description=found.description or None,
        metadata=found.metadata,
        versions=versions,
    )


def version_of(found: wire.DatasetVersion) -> PhoenixDatasetVersion:
    """Return a version that the server sent."""
    return PhoenixDatasetVersion(
        id=found.version_id,
        name=found.version_id,
        created_at=found.created_at,
        description=found.description,
        metadata=found.metadata,
    )


def stored_of(dataset: PhoenixDataset) -> StoredDataset:
    """Return a dataset as the ports know it."""
    versions = tuple(StoredVersion(id=item.id, name=item.name, created_at=item.created_at) for item in dataset.versions)
    return StoredDataset(id=dataset.id, name=dataset.name, created_at=dataset.created_at, versions=versions)
