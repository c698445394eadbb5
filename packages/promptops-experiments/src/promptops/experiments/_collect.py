"""Gathers finished rows and stores them in batches while a run goes on."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Final

import msgspec
from promptops.core.errors import PromptOpsError
from promptops.core.log import log
from promptops.core.runtime import Runtime
from promptops.experiments._chunks import LARGEST_BODY, body_with
from promptops.experiments._http import EXPERIMENT_RESULTS, path, post
from promptops.experiments._plan import Finished
from promptops.experiments._progress import Progress
from promptops.models import Experiment, ExperimentWithRunIds
from promptops.models.experiments import ExperimentRun

__all__ = ["Batch", "Batcher", "Collector", "UploadError"]

_BATCH_ROWS: Final = 200
_BATCH_SECONDS: Final = 1.0
_FIRST_PAUSE_SECONDS: Final = 2.0
_LONGEST_PAUSE_SECONDS: Final = 60.0


class UploadError(PromptOpsError):
    """The rows of a run could not all be stored; none of those that were paid for is lost.

    Attributes:
        rows: Every finished row, stored or not; ``experiments.create`` and ``insert_runs`` take them.
        experiment: The experiment, when its first rows were stored.
        stored: How many rows are stored.
    """

    default_code = "UPLOAD_ERROR"

    def __init__(
        self, cause: PromptOpsError, *, rows: list[ExperimentRun], experiment: Experiment | None, stored: int
    ) -> None:
        super().__init__(
            f"{len(rows) - stored} of {len(rows)} finished rows could not be stored, they are in the .rows of this "
            f"error: {cause.message}",
            details=dict(cause.details),
            retryable=cause.retryable,
            request_id=cause.request_id,
        )
        self.rows = rows
        self.experiment = experiment
        self.stored = stored


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that travel together; once formed it never changes, so that trying again cannot store a row twice.

    Attributes:
        key: The idempotency key: the same run and the same rows give the same key.
        rows: The rows.
    """

    key: str
    rows: tuple[Finished, ...]


class Batcher:
    """Decides when rows are sent: at 200 rows, at 8 MiB, or one second after the first of them came."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._waiting: list[Finished] = []
        self._size = 0
        self._since = 0.0

    def add(self, row: Finished, now: float) -> None:
        """Take one row at the time ``now``, in seconds."""
        if not self._waiting:
            self._since = now
        self._waiting.append(row)
        self._size += len(row.encoded) + 1

    def due_in(self, now: float) -> float | None:
        """Seconds until rows should be sent, or None when there are none."""
        if not self._waiting:
            return None
        if len(self._waiting) >= _BATCH_ROWS or self._size >= LARGEST_BODY:
            return 0.0
        return max(0.0, self._since + _BATCH_SECONDS - now)

    def take(self) -> list[Batch]:
        """Return all rows as batches that fit into requests, at most 1,000 rows each."""
        batches: list[Batch] = []
        chunk: list[Finished] = []
        size = 0
        for row in self._waiting:
            if chunk and (len(chunk) >= 1000 or size + len(row.encoded) > LARGEST_BODY):
                batches.append(self._batch(chunk))
                chunk, size = [], 0
            chunk.append(row)
            size += len(row.encoded) + 1
        if chunk:
            batches.append(self._batch(chunk))
        self.clear()
        return batches

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting, self._size = [], 0

    def _batch(self, rows: list[Finished]) -> Batch:
        import hashlib

        digest = hashlib.sha256(self._run_id.encode())
        for row in rows:
            digest.update(b"\n%d:" % row.position)
            digest.update(row.encoded)
        return Batch(key=digest.hexdigest(), rows=tuple(rows))


class Collector:
    """Everything that a run has brought so far, and the way of it to the server."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        name: str,
        dataset_id: str,
        total: int,
        progress: Progress,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.experiment: Experiment | None = None
        self.failure: PromptOpsError | None = None
        self._runtime = runtime
        self._name = name
        self._dataset_id = dataset_id
        self._rows: list[ExperimentRun | None] = [None] * total
        self._progress = progress
        self._clock = clock
        self._batcher = Batcher(str(uuid.uuid4()))
        self._outbox: deque[Batch] = deque()
        self._sent: set[int] = set()
        self._pause = 0.0
        self._not_before = 0.0

    @property
    def stored(self) -> int:
        """How many rows are stored."""
        return len(self._sent)

    @property
    def rows(self) -> list[ExperimentRun]:
        """The finished rows in the order of the plan."""
        return [row for row in self._rows if row is not None]

    def add(self, row: Finished) -> None:
        """Take one finished row."""
        self._rows[row.position] = row.run
        self._batcher.add(row, self._clock())
        self._progress.advance(failed=has_error(row.run))

    def recover(self, finished: Iterable[Finished]) -> None:
        """Take every finished row that is not on its way yet; for after an interrupt, which may come at any point."""
        known = self._sent.union(row.position for batch in self._outbox for row in batch.rows)
        self._batcher.clear()
        for row in finished:
            self._rows[row.position] = row.run
            if row.position not in known:
                self._batcher.add(row, self._clock())

    def due_in(self) -> float | None:
        """Seconds until something should be sent, or None when nothing waits."""
        now = self._clock()
        due = 0.0 if self._outbox else self._batcher.due_in(now)
        return None if due is None else max(due, self._not_before - now)

    async def flush(self) -> None:
        """Send everything that waits.

        A failure that may pass leaves the rows waiting and is kept in ``failure``.

        Raises:
            PromptOpsError: The server refused the rows for good.
        """
        self._outbox.extend(self._batcher.take())
        while self._outbox:
            batch = self._outbox[0]
            try:
                await self._send(batch)
            except PromptOpsError as exc:
                self.failure = exc
                if not exc.retryable:
                    raise
                self._pause = min(max(self._pause * 2, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
                self._not_before = self._clock() + self._pause
                log().warning(
                    "experiment_rows_not_stored", rows=len(batch.rows), next_try_in_s=self._pause, error=str(exc)
                )
                return
            # In this order: interrupted between the two, the batch is sent again with its key, and stored once.
            self._sent.update(row.position for row in batch.rows)
            self._outbox.popleft()
            self.failure, self._pause, self._not_before = None, 0.0, 0.0

    async def pause(self) -> None:
        """Wait as long as the last failure asks for."""
        await self._runtime.sleep(max(0.0, self._not_before - self._clock()))

    async def _send(self, batch: Batch) -> None:
        items = [row.encoded for row in batch.rows]
        if self.experiment is None or not self._sent:  # the first batch makes the experiment, each time that it travels
            others = {"name": self._name, "dataset_id": self._dataset_id}
            self.experiment = await post(
                self._runtime,
                path("experiments"),
                body_with("experiment_runs", items, others),
                Experiment,
                profile=EXPERIMENT_RESULTS,
                idempotency_key=batch.key,
            )
        else:
            await post(
                self._runtime,
                path("experiments", self.experiment.id, "runs"),
                body_with("experiment_runs", items),
                ExperimentWithRunIds,
                profile=EXPERIMENT_RESULTS,
                idempotency_key=batch.key,
            )

    def upload_error(self, cause: PromptOpsError) -> UploadError:
        """Return the error that carries every finished row."""
        return UploadError(cause, rows=self.rows, experiment=self.experiment, stored=self.stored)


def has_error(run: ExperimentRun) -> bool:
    """Whether the task of a row failed, or one of its evaluators."""
    return run.error is not None or any(name.endswith(".error") for name in run.fields)
