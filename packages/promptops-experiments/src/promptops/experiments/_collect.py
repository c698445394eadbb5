"""Gathers the finished rows of a run, and tells the display about them."""

from __future__ import annotations

from typing import Final

from promptops.core.errors import ConflictError, PromptOpsError
from promptops.experiments._plan import Finished, Plan
from promptops.experiments._progress import ShownProgress
from promptops.experiments._row_facts import cost_of, has_error
from promptops.experiments._unit_rows import standing_rows
from promptops.models import Experiment
from promptops.models.experiments import ExperimentRun

__all__ = ["Collector", "UploadError"]

_ELSEWHERE: Final = "; experiments.resume with journal= another file goes on with the rows that are stored there"

_DELETED: Final = ". What was stored of the experiment had to be deleted for it, and is not there until then"


class UploadError(PromptOpsError):
    """The rows of a run could not all be stored; none of those that were paid for is lost.

    Attributes:
        rows: Every finished row, stored or not; ``experiments.create`` and ``insert_runs`` take them.
        experiment: The experiment, when its first rows were stored.
        stored: How many rows are stored.
    """

    default_code = "UPLOAD_ERROR"

    def __init__(
        self,
        cause: PromptOpsError,
        *,
        rows: list[ExperimentRun],
        experiment: Experiment | None,
        stored: int,
        journaled: bool = False,
        deleted: bool = False,
    ) -> None:
        taken = isinstance(cause, ConflictError)
        where = "in the .rows of this error"
        if journaled:
            where += ", and in the journal"
            if not taken:
                where += ": resume the experiment" + ("" if cause.retryable else " once the reason is gone")
        advice = _ELSEWHERE if taken else _DELETED if deleted else ""
        super().__init__(
            f"{len(rows) - stored} of {len(rows)} finished rows could not be stored, they are {where}: {cause.message}"
            f"{advice}",
            details=dict(cause.details),
            retryable=cause.retryable,
            request_id=cause.request_id,
        )
        self.rows = rows
        self.experiment = experiment
        self.stored = stored


class Collector:
    """Everything that a run has brought so far, what stood before included."""

    def __init__(self, plan: Plan, progress: ShownProgress) -> None:
        self._rows: list[ExperimentRun | None] = [None] * len(plan.units)
        self._progress = progress
        standing = 0
        for row in standing_rows(plan):
            self._rows[row.position] = row.run
            standing += 1
        self.standing = standing

    @property
    def rows(self) -> list[ExperimentRun]:
        """The finished rows in the order of the plan."""
        return [row for row in self._rows if row is not None]

    def add(self, row: Finished) -> None:
        """Take one finished row."""
        self._rows[row.position] = row.run
        self._progress.advance(failed=has_error(row.run), cost=cost_of(row.run))
