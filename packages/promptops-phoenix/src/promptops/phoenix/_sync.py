"""The client of a Phoenix server for blocking code: the same surface, bridged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from promptops.phoenix import _resources
from promptops.phoenix._facade import Facade
from promptops.phoenix._state import ClientState, PhoenixHealth

if TYPE_CHECKING:
    from types import TracebackType

    from promptops.core.config import RuntimeConfig
    from promptops.core.runtime import Runtime
    from promptops.phoenix.datasets._resource import SyncPhoenixDatasets
    from promptops.phoenix.experiments._sync import SyncPhoenixExperiments
    from promptops.phoenix.prompts._resource import SyncPhoenixPrompts
    from promptops.phoenix.tracing._annotations import SyncAnnotations
    from promptops.phoenix.tracing._projects import SyncProjects
    from promptops.phoenix.tracing._sessions import SyncSessions
    from promptops.phoenix.tracing._spans import SyncSpans
    from promptops.phoenix.tracing._traces import SyncTraces

__all__ = ["SyncPhoenixClient"]


class SyncPhoenixClient(Facade):
    """Prompts, datasets, experiments, traces and annotations of a Phoenix server, for blocking code.

    Use it as a context manager, or call :meth:`close` when done. Nothing is sent until the first call. One
    client serves any number of threads.
    """

    _blocking = True

    @staticmethod
    def _make_runtime(config: RuntimeConfig) -> Runtime:
        from promptops.core.sync_runtime import SyncRuntime

        return SyncRuntime(config)

    @property
    def prompts(self) -> SyncPhoenixPrompts:
        """Prompts: get, render, list, create, versions, tags, update, delete."""
        return self._state.resource("sync prompts", _make_prompts)

    @property
    def datasets(self) -> SyncPhoenixDatasets:
        """Datasets: their examples, versions, splits and labels."""
        return self._state.resource("sync datasets", _make_datasets)

    @property
    def experiments(self) -> SyncPhoenixExperiments:
        """Experiments: run, resume, list, get, runs, evaluations, delete."""
        return self._state.resource("sync experiments", _make_experiments)

    @property
    def projects(self) -> SyncProjects:
        """Projects: what spans, traces and sessions belong to."""
        return self._state.resource("sync projects", _make_projects)

    @property
    def spans(self) -> SyncSpans:
        """Spans: query, log, delete."""
        return self._state.resource("sync spans", _make_spans)

    @property
    def traces(self) -> SyncTraces:
        """Traces: query, delete."""
        return self._state.resource("sync traces", _make_traces)

    @property
    def sessions(self) -> SyncSessions:
        """Sessions: list, get, delete."""
        return self._state.resource("sync sessions", _make_sessions)

    @property
    def annotations(self) -> SyncAnnotations:
        """Annotations and notes on spans, traces, sessions and documents."""
        return self._state.resource("sync annotations", _make_annotations)

    def health(self) -> PhoenixHealth:
        """Ask the server whether it is ready, and which version it is.

        Raises:
            PromptOpsError: Nothing answered, or something that is not a Phoenix server.
        """
        from promptops.core.bridge import drive

        return drive(self._state.health())

    def close(self) -> None:
        """Close every connection; the second time does nothing. Later calls raise ``ConfigurationError``."""
        from promptops.core.bridge import drive

        drive(self._state.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


# Each module is imported with its first use: a program that reads prompts never pays for the experiments.


def _make_prompts(state: ClientState) -> SyncPhoenixPrompts:
    from promptops.phoenix.prompts._resource import SyncPhoenixPrompts

    return SyncPhoenixPrompts(state.resource("prompts", _resources.make_prompts))


def _make_datasets(state: ClientState) -> SyncPhoenixDatasets:
    from promptops.phoenix.datasets._resource import SyncPhoenixDatasets

    return SyncPhoenixDatasets(state.resource("datasets", _resources.make_datasets))


def _make_experiments(state: ClientState) -> SyncPhoenixExperiments:
    from promptops.phoenix.experiments._sync import SyncPhoenixExperiments

    return SyncPhoenixExperiments(state.resource("experiments", _resources.make_experiments))


def _make_projects(state: ClientState) -> SyncProjects:
    from promptops.phoenix.tracing._projects import SyncProjects

    return SyncProjects(state.resource("projects", _resources.make_projects))


def _make_spans(state: ClientState) -> SyncSpans:
    from promptops.phoenix.tracing._spans import SyncSpans

    return SyncSpans(state.resource("spans", _resources.make_spans))


def _make_traces(state: ClientState) -> SyncTraces:
    from promptops.phoenix.tracing._traces import SyncTraces

    return SyncTraces(state.resource("traces", _resources.make_traces))


def _make_sessions(state: ClientState) -> SyncSessions:
    from promptops.phoenix.tracing._sessions import SyncSessions

    return SyncSessions(state.resource("sessions", _resources.make_sessions))


def _make_annotations(state: ClientState) -> SyncAnnotations:
    from promptops.phoenix.tracing._annotations import SyncAnnotations

    return SyncAnnotations(state.resource("annotations", _resources.make_annotations))
