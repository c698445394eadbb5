"""Datasets on a Phoenix server: what their calls return, and the store of the port."""

from promptops.experiments.datasets import DatasetChanges
from promptops.phoenix.datasets._examples import MARKER, PhoenixExample
from promptops.phoenix.datasets._models import (
    DatasetLabel,
    DatasetSplit,
    PhoenixDataset,
    PhoenixDatasetVersion,
    PhoenixReplacePlan,
)
from promptops.phoenix.datasets._resource import AsyncPhoenixDatasets, SyncPhoenixDatasets
from promptops.phoenix.datasets._store import PhoenixDatasetStore

__all__ = [
    "MARKER",
    "AsyncPhoenixDatasets",
    "DatasetChanges",
    "DatasetLabel",
    "DatasetSplit",
    "PhoenixDataset",
    "PhoenixDatasetStore",
    "PhoenixDatasetVersion",
    "PhoenixExample",
    "PhoenixReplacePlan",
    "SyncPhoenixDatasets",
]
