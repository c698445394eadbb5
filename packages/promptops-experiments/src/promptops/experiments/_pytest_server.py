"""The server that the rows of a test session are stored on: our own, or that of another backend."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, Protocol, cast

from promptops.core.backends import DEFAULT_BACKEND, client_class
from promptops.core.errors import ConflictError, NotFoundError
from promptops.experiments._datasets import AsyncDatasets, SyncDatasets
from promptops.experiments._experiments import AsyncExperiments, SyncExperiments
from promptops.experiments._pytest_cases import RecordedRow
from promptops.experiments._pytest_rows import distinct, is_run_of, missing, runs_of
from promptops.experiments._result import ExperimentResult
from promptops.experiments.reports import stored_result
from promptops.models.datasets import DatasetExample

__all__ = ["LATEST", "Server", "opened", "pair_on", "store_on"]

LATEST: Final = "latest"


class Server(Protocol):
    """What is used of a blocking client; those of other backends have these methods with the same meaning."""

    @property
    def datasets(self) -> SyncDatasets:
        """Datasets."""
        ...

    @property
    def experiments(self) -> SyncExperiments:
        """Experiments."""
        ...


class _Own:
    def __init__(self, datasets: AsyncDatasets, experiments: AsyncExperiments) -> None:
        self.datasets = SyncDatasets(datasets)
        self.experiments = SyncExperiments(experiments)


@contextmanager
def opened(backend: str) -> Generator[Server]:
    """The server of a backend, where the environment says that it is.

    Our own needs no other package: ``PROMPTOPS_BASE_URL``, ``PROMPTOPS_API_KEY`` and ``PROMPTOPS_PROJECT`` name it. The
    client of any other backend looks where it always does.

    Raises:
        ConfigurationError: No installed package has the backend, or the environment cannot be used.
    """
    if backend != DEFAULT_BACKEND:
        with client_class(backend)(base_url=None) as client:
            yield cast("Server", client)
        return
    from promptops.core.bridge import drive
    from promptops.core.config import RuntimeConfig
    from promptops.core.sync_runtime import SyncRuntime

    config = RuntimeConfig.from_env()
    runtime = SyncRuntime(config)
    try:
        yield _Own(AsyncDatasets(runtime, project=config.project), AsyncExperiments(runtime, project=config.project))
    finally:
        drive(runtime.aclose())


def store_on(server: Server, rows: Sequence[RecordedRow], name: str) -> str:
    """Store rows of one experiment, and return the id that it got.

    The dataset gets the examples that it lacks; none of it is changed or removed, so that a session of some of the
    tests takes nothing from the others.
    """
    runs = runs_of(rows, _examples(server, rows))
    return server.experiments.create(name, dataset=rows[0].dataset, runs=runs).id


def pair_on(
    server: Server, rows: Sequence[RecordedRow], stored: str, experiment: str
) -> tuple[ExperimentResult, ExperimentResult] | None:
    """The baseline that the rows ask for and the experiment itself, as the server has them; None without a baseline.

    Args:
        server: Where both are.
        rows: Of one experiment.
        stored: The id that they got.
        experiment: What it is called without the name of the run.

    Raises:
        NotFoundError: The baseline is a name, and there is none of it.
    """
    dataset, wanted = rows[0].dataset, rows[0].baseline
    if wanted is None:
        return None
    if wanted == LATEST:
        others = [found for found in server.experiments.list(dataset=dataset) if found.id != stored]
        earlier = next((found.id for found in others if is_run_of(experiment, found.name)), None)
        if earlier is None:
            return None
    else:
        earlier = server.experiments.get(wanted, dataset=dataset).id
    examples = server.datasets.examples(dataset)
    before, after = (_result(server, ident, examples) for ident in (earlier, stored))
    return before, after


def _result(server: Server, ident: str, examples: Sequence[DatasetExample]) -> ExperimentResult:
    return stored_result(server.experiments.get(ident), server.experiments.runs(ident), examples)


def _examples(server: Server, rows: Sequence[RecordedRow]) -> Sequence[DatasetExample]:
    dataset = rows[0].dataset
    try:
        known = server.datasets.examples(dataset)
    except NotFoundError:
        with suppress(ConflictError):  # another session made it in the same moment, perhaps of other tests
            server.datasets.create(dataset, distinct(rows))
        known = server.datasets.examples(dataset)
    lacking = missing(known, rows)
    if not lacking:
        return known
    server.datasets.insert(dataset, lacking)
    return server.datasets.examples(dataset)
