"""Whatever is appended in whatever order, a journal answers like a dictionary would."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from promptops.core.errors import ConflictError
from promptops.experiments.journal import (
    Fingerprint,
    Journal,
    JournaledRun,
    RunPlan,
    ScoreRecord,
    UnitKey,
    UnitRecord,
)
from promptops.models.experiments import Evaluation

SOAK = bool(os.environ.get("PROMPTOPS_SOAK"))
KEYS = st.builds(UnitKey, st.sampled_from(["a", "b", "a:1", "☃", ""]), st.integers(1, 2))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)


class JournalMachine(RuleBasedStateMachine):
    """Appends to a journal and to a dictionary, and compares the two."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.journal = Journal.open(self.directory / "journal.sqlite3")
        plan = RunPlan(name="model", dataset_id="d", fingerprint=Fingerprint(task="t"), units=10)
        self.run: JournaledRun = self.journal.begin(plan)
        self.units: dict[UnitKey, tuple[str, Any, int]] = {}
        self.scores: dict[UnitKey, dict[str, float]] = {}
        self.dirty: set[UnitKey] = set()

    @rule(key=KEYS, text=TEXTS, done=st.booleans(), replace=st.booleans())
    def append_output(self, key: UnitKey, text: str, done: bool, replace: bool) -> None:
        unit = UnitRecord(
            example_id=key.example_id,
            repetition=key.repetition,
            state="done" if done else "failed",
            output=_json(text) if done else None,
            error=None if done else text,
        )
        before = self.units.get(key)
        if before is not None and before[0] == "done" and not replace:
            try:
                self.run.append_outputs(unit)
            except ConflictError:
                return
            raise AssertionError("an output was replaced")
        self.run.append_outputs(unit, replace=replace)
        self.units[key] = (unit.state, text, 1 if before is None else before[2] + 1)
        self.scores[key] = {}
        self.dirty.add(key)

    @precondition(lambda self: bool(self.units))
    @rule(data=st.data(), evaluator=st.sampled_from(["x", "y"]), score=st.floats(-1, 1))
    def append_score(self, data: st.DataObject, evaluator: str, score: float) -> None:
        key = data.draw(st.sampled_from(sorted(self.units)))
        self.run.append_scores(key, [ScoreRecord(evaluator=evaluator, evaluation=Evaluation(score=score))])
        self.scores[key][evaluator] = score
        self.dirty.add(key)

    @rule()
    def upload(self) -> None:
        self.run.flush()
        self.run.append_uploaded(list(self.run.not_uploaded())).wait(30)
        self.dirty.clear()

    @rule()
    def reopen(self) -> None:
        self.run.close()
        self.journal.close()
        self.journal = Journal.open(self.directory / "journal.sqlite3")
        self.run = self.journal.resume("model")

    @invariant()
    def journal_holds_what_the_dictionary_holds(self) -> None:
        self.run.flush()
        found = list(self.run.units())
        assert len({unit.key for unit in found}) == len(found)
        assert {
            unit.key: (unit.state, unit.value if unit.state == "done" else unit.error, unit.attempts) for unit in found
        } == self.units
        assert {
            unit.key: {name: score.evaluation.score for name, score in unit.scores.items()} for unit in found
        } == self.scores
        assert {unit.key for unit in self.run.not_uploaded()} == self.dirty
        missing = {key for key, unit in self.units.items() if unit[0] == "done" and "x" not in self.scores[key]}
        assert {unit.key for unit in self.run.unscored("x")} == missing

    def teardown(self) -> None:
        self.run.close()
        self.journal.close()
        shutil.rmtree(self.directory)


def _json(text: str) -> str:
    import msgspec

    return msgspec.json.encode(text).decode()


TestModel = JournalMachine.TestCase
TestModel.settings = settings(
    max_examples=500 if SOAK else 25,
    stateful_step_count=25,
    deadline=None,
    derandomize=not SOAK,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
