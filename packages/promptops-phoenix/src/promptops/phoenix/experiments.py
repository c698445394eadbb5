"""Experiments on a Phoenix server: the resources, what their calls take and return, and the store of the port."""

from promptops.experiments.journal import UnitKey
from promptops.phoenix._experiment_store import PhoenixExperimentStore
from promptops.phoenix._experiments import AsyncPhoenixExperiments
from promptops.phoenix._experiments_rows import AnnotatorKind
from promptops.phoenix._experiments_sync import SyncPhoenixExperiments
from promptops.phoenix._generated import Experiment, ExperimentTag

__all__ = [
    "AnnotatorKind",
    "AsyncPhoenixExperiments",
    "Experiment",
    "ExperimentTag",
    "PhoenixExperimentStore",
    "SyncPhoenixExperiments",
    "UnitKey",
]
