"""A journal in a directory of its own, and short ways to make plans and units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from promptops.experiments.journal import Fingerprint, Journal, RunPlan, ScoreRecord, UnitRecord
from promptops.models.experiments import Evaluation

MakePlan = Callable[..., RunPlan]
MakeUnit = Callable[..., UnitRecord]
MakeScore = Callable[..., ScoreRecord]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journals" / "journal.sqlite3"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal.open(path) as journal:
        yield journal


@pytest.fixture
def make_plan() -> MakePlan:
    def make(name: str = "first", *, dataset_id: str = "dataset", repetitions: int = 1, **parts: Any) -> RunPlan:
        return RunPlan(
            name=name,
            dataset_id=dataset_id,
            fingerprint=Fingerprint(task="task-1", **parts),
            units=10,
            repetitions=repetitions,
        )

    return make


@pytest.fixture
def make_unit() -> MakeUnit:
    def make(number: int = 0, repetition: int = 1, *, output: str | None = '"answer"', **facts: Any) -> UnitRecord:
        parts: dict[str, Any] = {
            "example_id": f"ex-{number}",
            "repetition": repetition,
            "state": "done" if output is not None else "failed",
            "output": output,
            "error": None if output is not None else "it broke",
        }
        return UnitRecord(**(parts | facts))

    return make


@pytest.fixture
def make_score() -> MakeScore:
    def make(evaluator: str = "exact", score: float | None = 1.0, **facts: Any) -> ScoreRecord:
        said = Evaluation(score=score) if score is not None else Evaluation(error="the judge broke")
        return ScoreRecord(evaluator=evaluator, evaluation=said, **facts)

    return make
