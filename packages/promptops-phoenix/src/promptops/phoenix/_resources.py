"""Makes the resources of a client; each module is imported with its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptops.phoenix._state import ClientState
    from promptops.phoenix.datasets._resource import AsyncPhoenixDatasets
    from promptops.phoenix.experiments._resource import AsyncPhoenixExperiments
    from promptops.phoenix.prompts._resource import AsyncPhoenixPrompts
    from promptops.phoenix.tracing._annotations import AsyncAnnotations
    from promptops.phoenix.tracing._projects import AsyncProjects
    from promptops.phoenix.tracing._sessions import AsyncSessions
    from promptops.phoenix.tracing._spans import AsyncSpans
    from promptops.phoenix.tracing._traces import AsyncTraces

__all__ = [
    "make_annotations",
    "make_datasets",
    "make_experiments",
    "make_projects",
    "make_prompts",
    "make_sessions",
    "make_spans",
    "make_traces",
]


def make_prompts(state: ClientState) -> AsyncPhoenixPrompts:
    from promptops.phoenix.prompts._resource import AsyncPhoenixPrompts

    return AsyncPhoenixPrompts(
        state.runtime, version=state.version, cache=state.prompt_cache(), store=state.stores().prompts
    )


def make_datasets(state: ClientState) -> AsyncPhoenixDatasets:
    from promptops.phoenix.datasets._resource import AsyncPhoenixDatasets

    return AsyncPhoenixDatasets(state.runtime, version=state.version)


def make_experiments(state: ClientState) -> AsyncPhoenixExperiments:
    from promptops.phoenix.experiments._resource import AsyncPhoenixExperiments

    return AsyncPhoenixExperiments(state.runtime, version=state.version, base_url=state.config.base_url)


def make_projects(state: ClientState) -> AsyncProjects:
    from promptops.phoenix.tracing._projects import AsyncProjects

    return AsyncProjects(state.runtime, version=state.version)


def make_spans(state: ClientState) -> AsyncSpans:
    from promptops.phoenix.tracing._spans import AsyncSpans

    return AsyncSpans(state.runtime, version=state.version)


def make_traces(state: ClientState) -> AsyncTraces:
    from promptops.phoenix.tracing._traces import AsyncTraces

    return AsyncTraces(state.runtime, version=state.version)


def make_sessions(state: ClientState) -> AsyncSessions:
    from promptops.phoenix.tracing._sessions import AsyncSessions

    return AsyncSessions(state.runtime, version=state.version)


def make_annotations(state: ClientState) -> AsyncAnnotations:
    from promptops.phoenix.tracing._annotations import AsyncAnnotations

    return AsyncAnnotations(state.runtime, version=state.version)
