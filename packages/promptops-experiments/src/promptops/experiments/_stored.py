"""Experiments as results show them, whatever store they are in."""

from __future__ import annotations

from datetime import UTC, datetime

from promptops.experiments.stores import StoredExperiment
from promptops.models import Experiment

__all__ = ["ServerExperiment", "experiment_of"]


class ServerExperiment(StoredExperiment, frozen=True, kw_only=True):
    """An experiment of our own server, with everything that the server says of it."""

    original: Experiment


def experiment_of(stored: StoredExperiment, store: str) -> Experiment:
    """Return an experiment as results show it; outside of our server its space is the name of the store."""
    if isinstance(stored, ServerExperiment):
        return stored.original
    made = stored.created_at or datetime.now(UTC)
    return Experiment(
        id=stored.id,
        name=stored.name,
        space_id=store,
        dataset_id=stored.dataset_id,
        dataset_version_id=stored.dataset_version_id,
        created_at=made,
        updated_at=made,
    )
