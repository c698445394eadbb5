"""The client of a Phoenix server, for asynchronous code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from promptops.phoenix import _resources
from promptops.phoenix._facade import Facade
from promptops.phoenix._state import PhoenixHealth

if TYPE_CHECKING:
    from types import TracebackType

    from promptops.core.config import RuntimeConfig
    from promptops.core.runtime import Runtime
    from promptops.phoenix.datasets._resource import AsyncPhoenixDatasets
    from promptops.phoenix.experiments._resource import AsyncPhoenixExperiments
    from promptops.phoenix.prompts._resource import AsyncPhoenixPrompts
    from promptops.phoenix.tracing._annotations import AsyncAnnotations
    from promptops.phoenix.tracing._projects import AsyncProjects
    from promptops.phoenix.tracing._sessions import AsyncSessions
    from promptops.phoenix.tracing._spans import AsyncSpans
    from promptops.phoenix.tracing._traces import AsyncTraces

__all__ = ["PhoenixClient"]


class PhoenixClient(Facade):
    """Prompts, datasets, experiments, traces and annotations of a Phoenix server.

    Use it as a context manager, or call :meth:`aclose` when done. Nothing is sent until the first call. One
    client serves any number of tasks.
    """

    _blocking = False

    @staticmethod
    def _make_runtime(config: RuntimeConfig) -> Runtime:
        from promptops.core.async_runtime import AsyncRuntime

        return AsyncRuntime(config)

    @property
    def prompts(self) -> AsyncPhoenixPrompts:
        """Prompts: get, render, list, create, versions, tags, update, delete."""
        return self._state.resource("prompts", _resources.make_prompts)

    @property
    def datasets(self) -> AsyncPhoenixDatasets:
        """Datasets: their examples, versions, splits and labels."""
        return self._state.resource("datasets", _resources.make_datasets)

    @property
    def experiments(self) -> AsyncPhoenixExperiments:
        """Experiments: run, resume, list, get, runs, evaluations, delete."""
        return self._state.resource("experiments", _resources.make_experiments)

    @property
    def projects(self) -> AsyncProjects:
        """Projects: what spans, traces and sessions belong to."""
        return self._state.resource("projects", _resources.make_projects)

    @property
    def spans(self) -> AsyncSpans:
        """Spans: query, log, delete."""
        return self._state.resource("spans", _resources.make_spans)

    @property
    def traces(self) -> AsyncTraces:
        """Traces: query, delete."""
        return self._state.resource("traces", _resources.make_traces)

    @property
    def sessions(self) -> AsyncSessions:
        """Sessions: list, get, delete."""
        return self._state.resource("sessions", _resources.make_sessions)

    @property
    def annotations(self) -> AsyncAnnotations:
        """Annotations and notes on spans, traces, sessions and documents."""
        return self._state.resource("annotations", _resources.make_annotations)

    async def health(self) -> PhoenixHealth:
        """Ask the server whether it is ready, and which version it is.

        Raises:
            PromptOpsError: Nothing answered, or something that is not a Phoenix server.
        """
        return await self._state.health()

    async def aclose(self) -> None:
        """Close every connection; the second time does nothing. Later calls raise ``ConfigurationError``."""
        await self._state.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
