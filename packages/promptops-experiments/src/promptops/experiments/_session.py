"""One run from its first check to its result: what it does, where it keeps it, and how it ended."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from time import perf_counter

import msgspec
from promptops.core.errors import PromptOpsError
from promptops.core.log import event
from promptops.experiments._budget import Budget
from promptops.experiments._collect import Collector, UploadError
from promptops.experiments._control import Control
from promptops.experiments._plan import Finished, Plan
from promptops.experiments._progress import Progress, guarded_progress
from promptops.experiments._result import ExperimentResult, metrics_of
from promptops.experiments._row_facts import cost_of
from promptops.experiments._stored import experiment_of
from promptops.experiments._upload import Uploader
from promptops.experiments.journal import Fingerprint, Journal, JournaledRun, UnitKey
from promptops.models import Experiment

__all__ = ["ExperimentStopped", "Kept", "Session"]


class ExperimentStopped(PromptOpsError):  # noqa: N818 - it says what happened
    """``exit_on_error`` ended a run at its first error; nothing that was finished is lost.

    Attributes:
        result: What the run brought until then.
    """

    default_code = "EXPERIMENT_STOPPED"

    def __init__(self, message: str, result: ExperimentResult) -> None:
        super().__init__(message)
        self.result = result


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run keeps what it brings.

    Attributes:
        journaled: The experiment in the journal.
        journal: The journal, when this run opened it and has to close it.
        fingerprint: Of the run, with its examples.
    """

    journaled: JournaledRun
    journal: Journal | None
    fingerprint: Fingerprint

    def close(self) -> None:
        """Store what was appended, and let go."""
        try:
            self.journaled.close()
        finally:
            if self.journal is not None:
                self.journal.close()


class Session:
    """A run that may begin: every name is free, the examples are there, every parameter can be filled.

    Args:
        name: The name of the experiment.
        plan: What is to be done.
        dataset_id: For the result of a run that no server stores.
        kept: The journal; None for a dry run.
        uploader: The way to a server; None for dry and local runs.
        progress: As for the run.
        unsent: Units that are done and not on the server as they are.
    """

    def __init__(
        self,
        name: str,
        plan: Plan,
        *,
        dataset_id: str,
        kept: Kept | None,
        uploader: Uploader | None,
        progress: bool | Progress,
        unsent: Iterable[UnitKey] = (),
    ) -> None:
        self.name = name
        self.plan = plan
        self.kept = kept
        self.uploader = uploader
        self.control = Control()
        self._dataset_id = dataset_id
        self._progress = guarded_progress(progress)
        self.collector = Collector(plan, self._progress)
        before = sum(cost_of(row) or 0.0 for row in self.collector.rows)
        self.budget = Budget(plan.options.max_cost, spent=before)
        self._started = 0.0
        if uploader is not None:
            uploader.ready(*unsent)

    @property
    def journal(self) -> tuple[JournaledRun | None, Fingerprint | None]:
        """The journal as the units take it."""
        return (None, None) if self.kept is None else (self.kept.journaled, self.kept.fingerprint)

    @property
    def remaining(self) -> int:
        """How many rows are missing."""
        return len(self.plan.units) - len(self.collector.rows)

    @property
    def resumable(self) -> str:
        """How to go on with a run that ended early, as the end of a sentence."""
        return "" if self.kept is None else f"; experiments.resume({self.name!r}, ...) goes on from there"

    @contextmanager
    def shown(self) -> Generator[None]:
        """Show the progress until the block is left."""
        self._started = perf_counter()
        units, done = len(self.plan.units), self.collector.standing
        event(
            "experiment_started",
            experiment=self.name,
            units=units,
            done=done,
            concurrency=self.plan.options.concurrency,
        )
        self._progress.start(units, self.name)
        self._progress.skip(done)
        try:
            yield
        finally:
            self._progress.finish()
            rows = len(self.collector.rows)
            event(
                "experiment_ended",
                experiment=self.name,
                rows=rows,
                missing=units - rows,
                seconds=round(perf_counter() - self._started, 3),
            )

    def add(self, row: Finished) -> None:
        """Take one finished row; its unit may travel."""
        self.collector.add(row)
        if self.uploader is not None:
            self.uploader.ready(self.plan.units[row.position].key)

    def upload_error(self, cause: PromptOpsError) -> UploadError:
        """Return the error that carries every finished row."""
        uploader, rows = self.uploader, self.collector.rows
        return UploadError(
            cause,
            rows=rows,
            experiment=self._stored(),
            # What the store has may be more than the rows of this run, and of some of these something else.
            stored=0 if uploader is None else max(0, len(rows) - uploader.waiting),
            journaled=self.kept is not None and not (self.control.error is cause and self.control.journal_failed),
            deleted=uploader is not None and uploader.deleted,
        )

    def finish(self) -> None:
        """Note in the journal that everything is done, if it is."""
        if self.kept is not None and not self.remaining:
            self.kept.journaled.finish()

    def close(self) -> None:
        """Let go of the journal."""
        if self.kept is None:
            return
        try:
            self.kept.close()
        except PromptOpsError:
            # A journal that has failed fails again when it is closed; the error that carries the rows stands.
            if self.control.error is None:
                raise

    def result(self) -> ExperimentResult:
        """Return what the run brought.

        Raises:
            ExperimentStopped: ``exit_on_error`` ended it.
        """
        rows = self.collector.rows
        costs = [cost for row in rows if (cost := cost_of(row)) is not None]
        result = ExperimentResult(
            experiment=self._experiment(),
            rows=rows,
            metrics=metrics_of(rows, [evaluator.name for evaluator in self.plan.options.evaluators]),
            duration_s=perf_counter() - self._started,
            examples={unit.example.id: unit.example for unit in self.plan.units},
            stopped=self.control.stopped,
            remaining=self.remaining,
            cost=sum(costs) if costs else None,
            digests=self.plan.digests,
        )
        stopped = self.control.stopped
        if stopped is not None and self.plan.options.exit_on_error and stopped.startswith("exit_on_error"):
            raise ExperimentStopped(
                f"{self.name}: the first error ended the run after {len(rows)} of {len(self.plan.units)} rows"
                f"{self.resumable}: {stopped.partition(': ')[2]}",
                result,
            )
        return result

    def _stored(self) -> Experiment | None:
        uploader = self.uploader
        if uploader is None or uploader.experiment is None:
            return None
        return experiment_of(uploader.experiment, uploader.store_name)

    def _experiment(self) -> Experiment:
        stored = self._stored()
        if stored is not None:
            return stored
        if self.kept is None:
            made, ident = datetime.now(UTC), "dry-run"
        else:
            record = self.kept.journaled.experiment
            made, ident = datetime.fromtimestamp(record.created_at, UTC), record.id
        return Experiment(
            id=ident,
            name=self.name,
            space_id="local",
            dataset_id=self._dataset_id,
            created_at=made,
            updated_at=datetime.now(UTC),
        )
