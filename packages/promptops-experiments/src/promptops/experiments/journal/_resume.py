"""Decides which units of a plan are run, which are taken over, and which scores are missing; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec
from promptops.experiments.journal._fingerprints import UNKNOWN, Fingerprint
from promptops.experiments.journal._records import UnitKey, UnitRecord

__all__ = ["ResumePlan", "plan_incremental", "plan_rescore", "plan_resume", "plan_retry_failed"]


class ResumePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done.

    Attributes:
        to_run: Units whose task runs, in the order of the plan; all their scores follow.
        taken_over: Units whose row stands: their output, or the error of their task.
        to_score: Evaluators to run on rows that stand.
        reasons: Why units run, with how many: ``new``, ``failed``, ``changed``.
    """

    to_run: Sequence[UnitKey]
    taken_over: Sequence[UnitKey]
    to_score: Mapping[UnitKey, Sequence[str]]
    reasons: Mapping[str, int] = msgspec.field(default_factory=dict[str, int])

    @property
    def scores(self) -> int:
        """How many scores are computed on rows that stand."""
        return sum(map(len, self.to_score.values()))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.to_run and not self.to_score

    @property
    def summary(self) -> str:
        """The counts in one line, such as ``12 units run (10 new, 2 failed), 88 taken over, 5 scores missing``."""
        why = ", ".join(f"{number} {reason}" for reason, number in sorted(self.reasons.items()) if number)
        run = f"{_counted(len(self.to_run), 'unit')} {'runs' if len(self.to_run) == 1 else 'run'}"
        parts = [f"{run} ({why})" if why else run, f"{len(self.taken_over)} taken over"]
        if self.scores:
            parts.append(f"{_counted(self.scores, 'score')} missing")
        return ", ".join(parts)


def plan_resume(
    units: Iterable[UnitKey],
    journaled: Iterable[UnitRecord],
    evaluators: Mapping[str, str],
    *,
    on_failed: Collection[str] = (),
) -> ResumePlan:
    """Run what has no row yet. Failed rows stand, errors of evaluators too.

    Args:
        units: The units of the plan, in its order.
        journaled: The rows that exist, with their scores.
        evaluators: The fingerprint of each evaluator, by its name.
        on_failed: Names of evaluators that want units whose task failed, too.
    """
    return _plan(units, journaled, evaluators, on_failed, retry=False)


def plan_retry_failed(
    units: Iterable[UnitKey],
    journaled: Iterable[UnitRecord],
    evaluators: Mapping[str, str],
    *,
    on_failed: Collection[str] = (),
) -> ResumePlan:
    """Run what has no row, and what failed; evaluators that failed run again. Arguments as :func:`plan_resume`."""
    return _plan(units, journaled, evaluators, on_failed, retry=True)


def plan_rescore(
    journaled: Iterable[UnitRecord],
    evaluators: Mapping[str, str],
    *,
    on_failed: Collection[str] = (),
    force: bool = False,
) -> ResumePlan:
    """Run no task: score every output that lacks a score of these evaluators, or has one of another version.

    Args:
        journaled: The rows that exist, with their scores.
        evaluators: The fingerprint of each evaluator, by its name.
        on_failed: Names of evaluators that want units whose task failed, too.
        force: Score everything again.
    """
    taken: list[UnitKey] = []
    to_score: dict[UnitKey, Sequence[str]] = {}
    for row in journaled:
        taken.append(row.key)
        missing = _missing(row, evaluators, on_failed, errors=True, force=force)
        if missing:
            to_score[row.key] = missing
    return ResumePlan(to_run=[], taken_over=taken, to_score=to_score)


def plan_incremental(
    units: Iterable[UnitKey],
    now: Fingerprint,
    previous: Iterable[UnitRecord],
    evaluators: Mapping[str, str],
    *,
    on_failed: Collection[str] = (),
) -> ResumePlan:
    """Run the units whose fingerprint changed or that failed; the rows of the others are taken over.

    Args:
        units: The units of the new plan, in its order.
        now: The fingerprint of the new run, with its examples.
        previous: The rows of the experiment before, with their scores.
        evaluators: The fingerprint of each evaluator, by its name; scores of another version are computed again.
        on_failed: Names of evaluators that want units whose task failed, too.
    """
    wanted = list(units)
    known = set(wanted)
    current: dict[str, str] = {}
    verdicts: dict[UnitKey, str] = {}
    to_score: dict[UnitKey, Sequence[str]] = {}
    for row in previous:
        key = row.key
        if key not in known:
            continue
        if key.example_id not in current:
            current[key.example_id] = now.of_unit(key.example_id)
        if row.state == "failed":
            verdicts[key] = "failed"
        elif row.fingerprint is None or row.fingerprint != current[key.example_id]:
            verdicts[key] = "changed"
        else:
            verdicts[key] = ""
            missing = _missing(row, evaluators, on_failed, errors=True)
            if missing:
                to_score[key] = missing
    return _sorted_out(wanted, verdicts, to_score)


def _plan(
    units: Iterable[UnitKey],
    journaled: Iterable[UnitRecord],
    evaluators: Mapping[str, str],
    on_failed: Collection[str],
    *,
    retry: bool,
) -> ResumePlan:
    wanted = list(units)
    known = set(wanted)
    verdicts: dict[UnitKey, str] = {}
    to_score: dict[UnitKey, Sequence[str]] = {}
    for row in journaled:
        key = row.key
        if key not in known:
            continue
        if retry and row.state == "failed":
            verdicts[key] = "failed"
            continue
        verdicts[key] = ""
        missing = _missing(row, evaluators, on_failed, errors=retry)
        if missing:
            to_score[key] = missing
    return _sorted_out(wanted, verdicts, to_score)


def _sorted_out(
    wanted: Iterable[UnitKey], verdicts: Mapping[UnitKey, str], to_score: Mapping[UnitKey, Sequence[str]]
) -> ResumePlan:
    to_run: list[UnitKey] = []
    taken: list[UnitKey] = []
    reasons: Counter[str] = Counter()
    for key in wanted:
        reason = verdicts.get(key, "new")
        if reason:
            reasons[reason] += 1
        (to_run if reason else taken).append(key)
    return ResumePlan(to_run=to_run, taken_over=taken, to_score=to_score, reasons=dict(reasons))


def _missing(
    row: UnitRecord, evaluators: Mapping[str, str], on_failed: Collection[str], *, errors: bool, force: bool = False
) -> tuple[str, ...]:
    """Return the evaluators whose score of a row is absent, of another version, or (``errors``) an error."""
    found: list[str] = []
    for name, fingerprint in evaluators.items():
        if row.state == "failed" and name not in on_failed:
            continue
        score = row.scores.get(name)
        stands = score is not None and score.fingerprint in {fingerprint, UNKNOWN} and not force
        if not stands or (errors and score is not None and score.evaluation.error is not None):
            found.append(name)
    return tuple(found)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
