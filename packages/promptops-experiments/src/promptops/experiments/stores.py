"""Where datasets and experiments live: the ports that every store implements, and the stores that come along.

A store declares in its :class:`Capabilities` what it can do. A call that it cannot serve raises
``UnsupportedOperation`` naming the store and the feature; nothing is left out silently.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec
from promptops.core.errors import UnsupportedOperation
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import Evaluation, ExperimentRun

if TYPE_CHECKING:
    from promptops.experiments._local_store import LocalStore
    from promptops.experiments._native_stores import NativeDatasetStore, NativeExperimentStore
    from promptops.experiments.journal import Journal, UnitKey

__all__ = [
    "Capabilities",
    "DatasetStore",
    "ExperimentStore",
    "Feature",
    "LocalStore",
    "NativeDatasetStore",
    "NativeExperimentStore",
    "RunEvaluation",
    "StoredDataset",
    "StoredExperiment",
    "StoredVersion",
    "Stores",
    "Uploads",
]

Feature = Literal[
    "append_examples",
    "delete_dataset",
    "versions",
    "snapshots",
    "empty_experiments",
    "append_runs",
    "add_evaluations",
    "incomplete_runs",
    "delete_experiment",
    "columns",
    "replace_failed_runs",
    "incomplete_evaluations",
    "experiment_metadata",
]
"""What a store may be able to do.

- ``append_examples``: add examples to a dataset that exists.
- ``delete_dataset``, ``delete_experiment``: remove one with everything in it.
- ``versions``: name the versions of a dataset, and read the examples of one.
- ``snapshots``: appending makes a new version, and the one before stays as it was.
- ``empty_experiments``: create an experiment before its first run.
- ``append_runs``: add runs to an experiment that exists.
- ``add_evaluations``: add evaluations to runs that exist.
- ``incomplete_runs``: say which runs are missing or failed.
- ``columns``: give back every column of a run; the others give back its output, error, repetition and latency, and its
  evaluations with score, label, explanation, error, cost and token counts.
- ``replace_failed_runs``: take another run in the place of a failed one, whose evaluations go with it.
- ``incomplete_evaluations``: say which evaluations of successful runs are missing or ended in an error.
- ``experiment_metadata``: keep the metadata and the repetitions of an experiment.
"""


class Uploads(msgspec.Struct, frozen=True, kw_only=True):
    """How rows travel to a store while a run brings them.

    Attributes:
        rows: So many waiting rows leave at once.
        seconds: How long a row waits for company; with 0, what is ready leaves as soon as the send before has ended.
        most: Most rows in one call, from 1 to 1,000.
    """

    rows: int = 200
    seconds: float = 1.0
    most: int = 1000


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a store can do.

    Attributes:
        store: Its name, for messages.
        features: What it can do beyond creating, getting, listing and reading.
        uploads: How rows travel to it.
    """

    store: str
    features: frozenset[Feature]
    uploads: Uploads = Uploads()

    def can(self, feature: Feature) -> bool:
        """Whether the store can do that."""
        return feature in self.features

    def require(self, feature: Feature, advice: str = "") -> None:
        """Refuse what the store cannot do.

        Raises:
            UnsupportedOperation: Naming the store and the feature, with the advice.
        """
        if feature not in self.features:
            raise UnsupportedOperation(
                f"the {self.store} store does not support {feature.replace('_', ' ')}{advice and '; '}{advice}",
                details={"store": self.store, "feature": feature},
            )


class StoredVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a dataset."""

    id: str
    name: str
    created_at: datetime | None = None


class StoredDataset(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset without its examples; ``versions`` is filled where one dataset is asked for, newest first."""

    id: str
    name: str
    created_at: datetime | None = None
    versions: tuple[StoredVersion, ...] = ()


class StoredExperiment(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment without its runs.

    Attributes:
        id: Its id.
        name: Unique in its dataset, unless it was made by other means.
        dataset_id: Its dataset.
        dataset_version_id: The version of the dataset that its examples are of.
        created_at: When it was made.
        repetitions: How often each example is run; 1 where the store does not keep it.
        metadata: What it was made with; empty where the store does not keep it.
        example_count: How many examples of that version it is of, which may be a part of them; None where the store
            does not say it, and then it is all of them.
    """

    id: str
    name: str
    dataset_id: str | None = None
    dataset_version_id: str | None = None
    created_at: datetime | None = None
    repetitions: int = 1
    metadata: Mapping[str, Any] = {}
    example_count: int | None = None


class RunEvaluation(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation of a run that is stored already."""

    example_id: str
    repetition: int
    name: str
    evaluation: Evaluation


class DatasetStore(Protocol):
    """Keeps datasets. A dataset is named by its id or its exact name."""

    @property
    def capabilities(self) -> Capabilities:
        """What this store can do."""
        ...

    async def create(self, name: str, examples: Iterable[Mapping[str, Any] | DatasetExample]) -> StoredDataset:
        """Keep a new dataset of one or more examples.

        Raises:
            ConflictError: The name is taken.
            ValidationError: There is no example, or one cannot be stored.
        """
        ...

    async def append(self, dataset: str, examples: Iterable[Mapping[str, Any] | DatasetExample]) -> list[str]:
        """Add examples at the end, and return their ids in the order given."""
        ...

    async def get(self, dataset: str) -> StoredDataset:
        """One dataset, with its versions where the store has them.

        Raises:
            NotFoundError: There is none.
        """
        ...

    def iterate(self) -> AsyncIterator[StoredDataset]:
        """Every dataset, newest first."""
        ...

    def examples(
        self, dataset: str, *, version: str | None = None, split: str | None = None
    ) -> AsyncIterator[DatasetExample]:
        """The examples of a version (an id), oldest first; of the latest when ``version`` is None.

        With ``split`` those of that split alone: none when the dataset has no such split.
        """
        ...

    async def delete(self, dataset: str) -> None:
        """Remove a dataset with its examples."""
        ...


class ExperimentStore(Protocol):
    """Keeps experiments and their runs. A run is named by its example and its repetition."""

    @property
    def capabilities(self) -> Capabilities:
        """What this store can do."""
        ...

    async def create(
        self,
        name: str,
        *,
        dataset_id: str,
        runs: Sequence[ExperimentRun] = (),
        key: str | None = None,
        repetitions: int = 1,
        metadata: Mapping[str, Any] | None = None,
        dataset_version_id: str | None = None,
    ) -> StoredExperiment:
        """Keep a new experiment with its first runs.

        Args:
            name: Unique in its dataset.
            dataset_id: The dataset.
            runs: At most 1,000; none needs ``empty_experiments``. Evaluations that are columns of a run are stored
                with it.
            key: Repeating a call with the same key and the same rows has no further effect.
            repetitions: How often each example is run; a store without ``experiment_metadata`` does not keep it.
            metadata: JSON values that describe the experiment; kept where there is ``experiment_metadata``.
            dataset_version_id: The version that the examples are of; the latest when absent. A store that ties every
                experiment to the latest may ignore it.

        Raises:
            ConflictError: The name is taken.
        """
        ...

    async def upload_runs(
        self, experiment_id: str, runs: Sequence[ExperimentRun], *, key: str | None = None
    ) -> list[str]:
        """Add at most 1,000 runs, and return their ids in the order given.

        Evaluations that are columns of a run are stored with it. Where the store has ``add_evaluations``, a run that is
        stored already with the same output is fine: it stays, with these evaluations. Where it has
        ``replace_failed_runs``, a failed one is replaced. Any other store tells a repeated call by its key alone.

        Args:
            experiment_id: The experiment.
            runs: The runs.
            key: As for :meth:`create`.

        Raises:
            ConflictError: Another run stands in the place of one; where the store compares them.
        """
        ...

    async def upload_evaluations(self, experiment_id: str, evaluations: Sequence[RunEvaluation]) -> None:
        """Add evaluations to runs that are stored; one of the same name is replaced."""
        ...

    async def get(self, experiment: str, *, dataset_id: str | None = None) -> StoredExperiment:
        """One experiment by its id, or by its name in a dataset.

        Raises:
            NotFoundError: There is none.
        """
        ...

    def iterate(self, *, dataset_id: str | None = None) -> AsyncIterator[StoredExperiment]:
        """Every experiment, or every one of a dataset, newest first."""
        ...

    def runs(self, experiment_id: str) -> AsyncIterator[ExperimentRun]:
        """The runs with their evaluations, in the order in which they were stored.

        Runs of one call may have any order among themselves, where the store sends them one by one.
        """
        ...

    def incomplete_runs(self, experiment_id: str, *, repetitions: int | None = None) -> AsyncIterator[UnitKey]:
        """What is missing or failed among all examples and so many repetitions; as many as it was made with if None."""
        ...

    def incomplete_evaluations(
        self, experiment_id: str, names: Sequence[str]
    ) -> AsyncIterator[tuple[UnitKey, tuple[str, ...]]]:
        """The successful runs that lack one of the named evaluations, or have one that ended in an error, and which.

        Raises:
            ValidationError: No name is given.
        """
        ...

    async def delete(self, experiment_id: str) -> None:
        """Remove an experiment with its runs."""
        ...


class Stores(msgspec.Struct, frozen=True, kw_only=True):
    """The two ports that a runner works over.

    Attributes:
        datasets: Where examples come from.
        experiments: Where rows go.
        journal: The journal that the experiments live in, where they live in one: runs that are kept in it are stored
            already. None for every store that rows have to travel to.
        origin: The address of the server, without credentials; empty without one, or when it is not known. Journals
            keep experiments of several servers apart by it.
        unique_ids: Whether no other server gives out the ids of this one, so that a dataset of an id is the same one at
            whatever address.
    """

    datasets: DatasetStore
    experiments: ExperimentStore
    journal: Journal | None = None
    origin: str = ""
    unique_ids: bool = False

    @property
    def journal_origin(self) -> str:
        """By which address a journal looks for experiments of a dataset of these stores; empty for any."""
        return "" if self.unique_ids else self.origin


def __getattr__(name: str) -> Any:
    """Load a store when it is asked for, so that the ports alone cost nothing."""
    if name == "LocalStore":
        from promptops.experiments._local_store import LocalStore

        return LocalStore
    if name in {"NativeDatasetStore", "NativeExperimentStore"}:
        from promptops.experiments import _native_stores

        return getattr(_native_stores, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
