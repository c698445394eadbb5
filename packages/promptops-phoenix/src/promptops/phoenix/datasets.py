"""Datasets on a Phoenix server: what their calls return, and the store of the port."""

from promptops.experiments.datasets import DatasetChanges
from promptops.phoenix._dataset_examples import MARKER, PhoenixExample
from promptops.phoenix._dataset_models import (
    DatasetLabel,
    DatasetSplit,
    PhoenixDataset,
    PhoenixDatasetVersion,
    PhoenixReplacePlan,
)
from promptops.phoenix._dataset_store import PhoenixDatasetStore
from promptops.phoenix._datasets import AsyncPhoenixDatasets, SyncPhoenixDatasets

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
