"""The tests that every store of datasets and experiments inherits; needs pytest with the anyio plugin.

What a store declares in its capabilities is tested; what it does not declare must be refused by name.
"""

from promptops.experiments.testing._datasets import DatasetStoreConformance
from promptops.experiments.testing._experiments import ExperimentStoreConformance

__all__ = ["DatasetStoreConformance", "ExperimentStoreConformance"]
