"""Experiments on a Phoenix server: the resources, what their calls take and return, and the store of the port."""

from promptops.experiments.journal import UnitKey
from promptops.phoenix._generated import Experiment, ExperimentTag
from promptops.phoenix.experiments._resource import AsyncPhoenixExperiments
from promptops.phoenix.experiments._rows import AnnotatorKind
from promptops.phoenix.experiments._store import PhoenixExperimentStore
from promptops.phoenix.experiments._sync import SyncPhoenixExperiments

__all__ = [
    "AnnotatorKind",
    "AsyncPhoenixExperiments",
    "Experiment",
    "ExperimentTag",
    "PhoenixExperimentStore",
    "SyncPhoenixExperiments",
    "UnitKey",
]
