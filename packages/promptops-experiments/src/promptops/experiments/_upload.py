"""Sends the rows of a run from its journal to a server, in batches, each of them once."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import Any, Final

import msgspec
from promptops.core.errors import NotFoundError, PromptOpsError
from promptops.core.log import log
from promptops.core.runtime import Runtime
from promptops.experiments._chunks import LARGEST_BODY, MOST_ITEMS, body_with
from promptops.experiments._http import EXPERIMENT_RESULTS, delete, path, post
from promptops.experiments._unit_rows import row_of
from promptops.experiments.journal import JournaledRun, UnitKey, UnitRecord
from promptops.models import Experiment, ExperimentWithRunIds
from promptops.models.experiments import ExperimentRun

__all__ = ["Batch", "Uploader"]

_BATCH_ROWS: Final = 200
_BATCH_SECONDS: Final = 1.0
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 30.0


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that travel together; once formed it never changes, so that trying again cannot store a row twice.

    Attributes:
        key: The idempotency key: the same experiment and the same rows give the same key.
        records: The rows as the journal holds them.
        items: The rows as JSON.
    """

    key: str
    records: tuple[UnitRecord, ...]
    items: tuple[bytes, ...]


class Uploader:
    """The way of the rows of one experiment from its journal to a server.

    Args:
        runtime: Sends the requests.
        journaled: Where the rows come from.
        columns: Columns that every row gets.
        experiment: The experiment as the server knows it, or None when its first rows make it.
        on_server: The units whose rows the server has.
    """

    def __init__(
        self,
        runtime: Runtime,
        journaled: JournaledRun,
        *,
        columns: Mapping[str, Any],
        dataset_id: str,
        experiment: Experiment | None = None,
        on_server: Iterable[UnitKey] = (),
    ) -> None:
        self.experiment = experiment
        self.failure: PromptOpsError | None = None
        self._runtime = runtime
        self._journaled = journaled
        self._columns = columns
        self._dataset_id = dataset_id
        self._on_server = set(on_server)
        self._all = experiment is None and journaled.experiment.remote_id is not None
        # Rows that a server lost may have been sent before, and the answer to their key would name what is gone.
        self._nonce = uuid.uuid4().hex if self._all else ""
        self._ready: set[UnitKey] = set()
        self._since = 0.0
        self._batch: Batch | None = None
        self._pause = 0.0
        self._not_before = 0.0

    @property
    def stored(self) -> int:
        """How many rows the server has."""
        return len(self._on_server)

    def ready(self, *keys: UnitKey) -> None:
        """Take note of units whose rows are complete; no others travel."""
        if not self._ready:
            self._since = monotonic()
        self._ready.update(keys)

    def due_in(self) -> float | None:
        """Seconds until something should be sent, or None when nothing waits."""
        if not self._ready and self._batch is None:
            return None
        now = monotonic()
        full = self._batch is not None or len(self._ready) >= _BATCH_ROWS
        due = 0.0 if full else self._since + _BATCH_SECONDS - now
        return max(0.0, due, self._not_before - now)

    async def flush(self) -> None:
        """Send everything that is ready.

        A failure that may pass leaves the rows waiting and is kept in ``failure``.

        Raises:
            PromptOpsError: The server refused the rows for good, or the journal cannot be read.
        """
        if not self._on_server.isdisjoint(self._ready):
            await self._replace_all()
        while self._batch is not None or self._ready:
            if self._batch is None:
                self._batch = await self._runtime.run_blocking(self._form)
            try:
                await self._send(self._batch)
            except PromptOpsError as exc:
                self.failure = exc
                if not exc.retryable:
                    raise
                self._pause = min(max(self._pause * 2, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
                self._not_before = monotonic() + self._pause
                log().warning(
                    "experiment_rows_not_stored", rows=len(self._batch.items), next_try_in_s=self._pause, error=str(exc)
                )
                return
            # In this order: interrupted anywhere, the batch is sent again with its key, and stored once.
            self._on_server.update(record.key for record in self._batch.records)
            self._journaled.append_uploaded(self._batch.records)
            self._ready.difference_update(record.key for record in self._batch.records)
            self._batch = None
            self.failure, self._pause, self._not_before = None, 0.0, 0.0
            self._since = monotonic()

    async def pause(self) -> None:
        """Wait as long as the last failure asks for."""
        await self._runtime.sleep(max(0.0, self._not_before - monotonic()))

    def _form(self) -> Batch:
        """Read the next rows, at most 1,000 and 8 MiB; one row alone may be larger."""
        records: list[UnitRecord] = []
        items: list[bytes] = []
        size = 0
        for record in self._journaled.units() if self._all else self._journaled.not_uploaded():
            if record.key not in self._ready:
                continue
            item = encoded(record, self._columns)
            if items and (len(items) >= MOST_ITEMS or size + len(item) > LARGEST_BODY):
                break
            records.append(record)
            items.append(item)
            size += len(item) + 1
        if not items:
            missing = len(self._ready)
            raise PromptOpsError(f"{missing} finished rows are not in the journal; this should not happen")
        digest = hashlib.sha256(f"{self._journaled.experiment.id}{self._nonce}".encode())
        for item in items:
            digest.update(b"\n")
            digest.update(item)
        return Batch(key=digest.hexdigest(), records=tuple(records), items=tuple(items))

    async def _send(self, batch: Batch) -> None:
        if self.experiment is None or not self._on_server:  # the first batch makes the experiment
            name = self._journaled.experiment.plan.name
            others = {"name": name, "dataset_id": self._dataset_id}
            self.experiment = await post(
                self._runtime,
                path("experiments"),
                body_with("experiment_runs", batch.items, others),
                Experiment,
                profile=EXPERIMENT_RESULTS,
                idempotency_key=batch.key,
            )
            await self._runtime.run_blocking(self._journaled.set_remote_id, self.experiment.id)
        else:
            await post(
                self._runtime,
                path("experiments", self.experiment.id, "runs"),
                body_with("experiment_runs", batch.items),
                ExperimentWithRunIds,
                profile=EXPERIMENT_RESULTS,
                idempotency_key=batch.key,
            )

    async def _replace_all(self) -> None:
        """Make the experiment anew: rows that a server has can be neither changed nor taken back one by one."""
        if self.experiment is not None:
            log().info("experiment_replaced", experiment_id=self.experiment.id, rows=len(self._on_server))
            try:
                await delete(self._runtime, path("experiments", self.experiment.id))
            except NotFoundError:
                log().info("experiment_gone", experiment_id=self.experiment.id)
        self._ready |= self._on_server
        self._on_server.clear()
        self.experiment, self._batch, self._all = None, None, True
        # The same rows may have been sent before, and the answer to their key would name the experiment that is gone.
        self._nonce = uuid.uuid4().hex


def encoded(record: UnitRecord, columns: Mapping[str, Any]) -> bytes:
    """Return the row of a unit as JSON."""
    return msgspec.json.encode(journaled_row(record, columns).to_wire())


def journaled_row(record: UnitRecord, columns: Mapping[str, Any]) -> ExperimentRun:
    """Return the row of a unit with the scores that the journal has."""
    return row_of(record, {name: score.evaluation for name, score in record.scores.items()}, columns)
