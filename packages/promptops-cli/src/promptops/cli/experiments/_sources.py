"""Reads experiments for comparisons, gates and reports: from a server, or from a journal without one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptops.cli._connection import Connection

if TYPE_CHECKING:
    from promptops.experiments import ExperimentResult

__all__ = ["results_of"]


def results_of(
    names: Sequence[str], *, dataset: str | None, local: bool, journal: Path | None, where: dict[str, Any]
) -> list[ExperimentResult]:
    """Return the experiments of these names or ids, in their order.

    Args:
        names: Names or ids.
        dataset: Where to look for the names.
        local: Read the journal; nothing else is asked.
        journal: The journal.
        where: The options of the connection.
    """
    from promptops.experiments.reports import journaled_result, stored_result

    if local:
        return [journaled_result(name, journal=journal, dataset_id=_local_id(dataset)) for name in names]
    found: list[ExperimentResult] = []
    with Connection(**where).open() as client:
        examples: dict[tuple[str, str | None], Any] = {}
        for name in names:
            experiment = client.experiments.get(name, dataset=dataset)
            rows = client.experiments.runs(experiment.id)
            if experiment.dataset_id is None:
                found.append(stored_result(experiment, rows))
                continue
            # Of its own version: what changed since was no question of this experiment.
            version = experiment.dataset_version_id
            owner = (experiment.dataset_id, version if isinstance(version, str) else None)
            if owner not in examples:
                examples[owner] = client.datasets.examples(owner[0], version=owner[1])
            found.append(stored_result(experiment, rows, examples[owner]))
    return found


def _local_id(dataset: str | None) -> str | None:
    if dataset is None:
        return None
    path = Path(dataset)
    return f"local:{path.resolve()}" if path.exists() else dataset
