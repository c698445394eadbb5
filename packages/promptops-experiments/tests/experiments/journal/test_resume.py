"""What is run, taken over and scored again is decided by what the journal holds, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from promptops.experiments.journal import (
    Fingerprint,
    ScoreRecord,
    UnitKey,
    UnitRecord,
    plan_incremental,
    plan_rescore,
    plan_resume,
    plan_retry_failed,
)

Make = Callable[..., UnitRecord]
MakeScore = Callable[..., ScoreRecord]

PLAN = [UnitKey(f"ex-{number}", 1) for number in range(5)]
NOW = Fingerprint(task="t", examples={f"ex-{number}": f"d{number}" for number in range(5)})


@pytest.fixture
def rows(make_unit: Make, make_score: MakeScore) -> list[UnitRecord]:
    """Scored, scored by an older evaluator, not scored, failed; the fifth unit has no row."""

    def row(number: int, score: ScoreRecord | None, output: str | None = '"x"') -> UnitRecord:
        made = make_unit(number, output=output, fingerprint=NOW.of_unit(f"ex-{number}"))
        return msgspec.structs.replace(made, scores={} if score is None else {"exact": score})

    return [
        row(0, make_score(fingerprint="v2")),
        row(1, make_score(fingerprint="v1")),
        row(2, make_score(score=None, fingerprint="v2")),
        row(3, None, output=None),
    ]


def test_resume_runs_what_has_no_row_and_scores_what_lacks_a_score(rows: list[UnitRecord]) -> None:
    plan = plan_resume(PLAN, rows, {"exact": "v2"})
    assert plan.to_run == [PLAN[4]]
    assert plan.taken_over == PLAN[:4]
    assert plan.to_score == {PLAN[1]: ("exact",)}
    assert plan.summary == "1 unit runs (1 new), 4 taken over, 1 score missing"


def test_retry_runs_what_failed_and_scores_what_a_judge_failed_on(rows: list[UnitRecord]) -> None:
    plan = plan_retry_failed(PLAN, rows, {"exact": "v2"})
    assert plan.to_run == PLAN[3:]
    assert plan.to_score == {PLAN[1]: ("exact",), PLAN[2]: ("exact",)}
    assert plan.summary == "2 units run (1 failed, 1 new), 3 taken over, 2 scores missing"


def test_rescore_runs_no_task(rows: list[UnitRecord]) -> None:
    plan = plan_rescore(rows, {"exact": "v2", "new": "n1"}, on_failed=["new"])
    assert plan.to_run == []
    assert plan.to_score == {
        PLAN[0]: ("new",),
        PLAN[1]: ("exact", "new"),
        PLAN[2]: ("exact", "new"),
        PLAN[3]: ("new",),
    }
    assert plan_rescore(rows[:1], {"exact": "v2"}, force=True).to_score == {PLAN[0]: ("exact",)}


def test_incremental_runs_only_what_changed(rows: list[UnitRecord]) -> None:
    same = plan_incremental(PLAN, NOW, rows, {"exact": "v2"})
    assert same.to_run == PLAN[3:]
    assert same.taken_over == PLAN[:3]
    edited = msgspec.structs.replace(NOW, examples={**NOW.examples, "ex-0": "other"})
    changed = plan_incremental(PLAN, edited, rows, {"exact": "v2"})
    assert changed.to_run == [PLAN[0], *PLAN[3:]]
    assert changed.reasons == {"changed": 1, "failed": 1, "new": 1}
    everything = plan_incremental(PLAN, msgspec.structs.replace(NOW, task="u"), rows, {"exact": "v2"})
    assert everything.to_run == PLAN


def test_rows_outside_of_the_plan_are_left_alone(rows: list[UnitRecord]) -> None:
    plan = plan_resume(PLAN[:1], rows, {"exact": "v2"})
    assert (plan.to_run, plan.taken_over, plan.is_empty) == ([], PLAN[:1], True)
    assert plan.summary == "0 units run, 1 taken over"
