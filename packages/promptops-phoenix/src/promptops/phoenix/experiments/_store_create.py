"""Makes experiments on a Phoenix server so that a name is taken once, which the server itself does not see to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from promptops.core.errors import ConflictError, PromptOpsError
from promptops.core.runtime import Runtime
from promptops.experiments._stored import ServerExperiment
from promptops.models import Experiment
from promptops.phoenix import _generated as wire
from promptops.phoenix._checks import check_name, check_repetitions, check_storable, json_body
from promptops.phoenix._http import delete, path, send
from promptops.phoenix._ids import check_id, number_of
from promptops.phoenix.datasets._wire import resolve_dataset
from promptops.phoenix.experiments._lookup import experiment_named, experiments_page

__all__ = ["KEY", "STORE", "create_record", "shown_record", "stored_experiment"]

KEY: Final = "promptops.key"
"""The name in an experiment's metadata of the key that it was created with."""

STORE: Final = "phoenix"


async def create_record(
    runtime: Runtime,
    name: str,
    *,
    dataset_id: str,
    key: str | None = None,
    repetitions: int = 1,
    metadata: Mapping[str, Any] | None = None,
    dataset_version_id: str | None = None,
    splits: Sequence[str] | None = None,
    description: str | None = None,
) -> wire.Experiment:
    """Make an experiment without runs, or return the one that was made with the same key.

    Raises:
        ConflictError: The dataset has an experiment of that name.
    """
    check_name("name", name)
    check_repetitions(repetitions)
    check_storable("metadata", dict(metadata or {}))
    if dataset_version_id is not None:
        check_id("dataset_version_id", dataset_version_id, "DatasetVersion")
    dataset_id = await resolve_dataset(runtime, dataset_id)
    own = key or uuid.uuid4().hex
    earlier = await _named(runtime, name, dataset_id, own)
    if earlier is not None:
        return earlier
    fields: dict[str, Any] = {
        "name": name,
        "repetitions": repetitions,
        "metadata": {**(metadata or {}), KEY: own},
        "version_id": dataset_version_id,
        "splits": None if splits is None else list(splits),
        "description": description,
    }
    body = json_body({name: value for name, value in fields.items() if value is not None})
    where = path("datasets", dataset_id, "experiments")
    try:
        made = (await send(runtime, "POST", where, body, wire.CreateExperimentResponseBody)).data
    except PromptOpsError as exc:
        # Whether it was made is unknown when the answer was lost; sending it again would make a second one.
        found = await _named(runtime, name, dataset_id, own) if exc.retryable else None
        if found is None:
            raise
        return found
    return await _first(runtime, made, dataset_id)


async def _named(runtime: Runtime, name: str, dataset_id: str, key: str) -> wire.Experiment | None:
    """Return the experiment of that name if it was made with the key.

    Raises:
        ConflictError: It was made without.
    """
    found = await experiment_named(runtime, name, dataset_id)
    if found is None or found.metadata.get(KEY) == key:
        return found
    raise ConflictError(
        f"the dataset has an experiment named {name!r} already ({found.id}); choose another name, or delete that one",
        details={"experiment_id": found.id},
    )


async def _first(runtime: Runtime, made: wire.Experiment, dataset_id: str) -> wire.Experiment:
    """Return what was made, unless another client made one of the same name in the same moment, before it."""
    page = await experiments_page(runtime, None, dataset_id=dataset_id)
    same = [item for item in page.items if item.name == made.name]
    first = min([made, *same], key=lambda item: number_of(item.id, "Experiment"))
    if first.id == made.id:
        return made
    await delete(runtime, path("experiments", made.id))
    if first.metadata.get(KEY) == made.metadata.get(KEY):
        return first
    raise ConflictError(
        f"another client created an experiment named {made.name!r} ({first.id}) in the same moment; choose another "
        "name",
        details={"experiment_id": first.id},
    )


def stored_experiment(record: wire.Experiment) -> ServerExperiment:
    """Return what the port knows of an experiment."""
    metadata: dict[str, Any] = {name: value for name, value in record.metadata.items() if name != KEY}
    return ServerExperiment(
        id=record.id,
        name=record.name,
        dataset_id=record.dataset_id,
        dataset_version_id=record.dataset_version_id,
        created_at=record.created_at,
        repetitions=record.repetitions,
        metadata=metadata,
        example_count=record.example_count,
        original=Experiment(
            id=record.id,
            name=record.name,
            space_id=STORE,
            dataset_id=record.dataset_id,
            dataset_version_id=record.dataset_version_id,
            created_at=record.created_at,
            updated_at=record.updated_at,
            experiment_traces_project_id=record.project_name,
        ),
    )


def shown_record(record: wire.Experiment) -> wire.Experiment:
    """Return a record as its maker described it."""
    metadata = {name: value for name, value in record.metadata.items() if name != KEY}
    return msgspec.structs.replace(record, metadata=metadata)
