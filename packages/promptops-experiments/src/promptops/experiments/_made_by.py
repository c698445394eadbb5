"""Says what a run is made by, as the journal notes it: its code, its examples, and what else its rows depend on."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._options import Request
from promptops.experiments._plan import Plan
from promptops.experiments.journal import Fingerprint, RunPlan, fingerprint_of
from promptops.models.datasets import DatasetExample

__all__ = ["evaluator_prints", "example_digests", "run_plan"]

T = TypeVar("T")


def run_plan(request: Request, plan: Plan, dataset_id: str, dataset_name: str, origin: str) -> RunPlan:
    """Return a run as the journal notes it; ``origin`` is the address of the server that it is of, if there is one."""
    examples = {unit.example.id: unit.example for unit in plan.units}
    parameters = request.given.get("parameters") or {}
    return RunPlan(
        name=request.name,
        dataset_id=dataset_id,
        dataset_name=dataset_name,
        fingerprint=_fingerprint(request, list(examples.values()), parameters),
        units=len(plan.units),
        repetitions=request.options.repetitions,
        parameters=parameters,
        metadata=request.metadata,
        origin=origin,
    )


def _fingerprint(request: Request, examples: Sequence[DatasetExample], parameters: Mapping[str, object]) -> Fingerprint:
    version = request.given.get("task_version")
    prompt = request.options.prompt
    prompt = prompt if prompt is None or isinstance(prompt, str) or hasattr(prompt, "version") else repr(prompt)

    def made(version: str | None) -> Fingerprint:
        return fingerprint_of(
            request.task, examples=examples, version=version, prompt=prompt, parameters=dict(parameters)
        )

    fingerprint = _or_unreadable(made, version)
    return msgspec.structs.replace(fingerprint, evaluators=evaluator_prints(request))


def evaluator_prints(request: Request) -> dict[str, str]:
    """Return the fingerprint of each evaluator by name."""
    versions = request.given.get("evaluator_versions") or {}
    prints: dict[str, str] = {}
    for evaluator in request.options.evaluators:
        name = evaluator.name

        def made(version: str | None, source: object = evaluator.source, name: str = name) -> str:
            given = {} if version is None else {name: version}
            found = fingerprint_of(_no_task, evaluators={name: source}, evaluator_versions=given)
            return found.evaluators[name]

        prints[name] = _or_unreadable(made, versions.get(name))
    return prints


def example_digests(examples: Sequence[DatasetExample]) -> Mapping[str, str]:
    """Return the digest of the content of each example by id."""
    return fingerprint_of(_no_task, examples=examples).examples


def _no_task() -> None:
    """Stands for the task where only evaluators count."""


def _or_unreadable(made: Callable[[str | None], T], version: str | None) -> T:
    """Make a fingerprint; code that cannot be read never counts as unchanged."""
    try:
        return made(version)
    except (ValidationError, UnicodeEncodeError):
        if version is not None:
            raise
        return made(f"unreadable {uuid.uuid4()}")
