"""Sends the rows of a run from its journal to a store, in batches, each of them once."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from time import monotonic
from typing import Any, Final

import msgspec
from promptops.core.errors import NotFoundError, PromptOpsError, ValidationError
from promptops.core.log import log
from promptops.core.runtime import Runtime
from promptops.experiments._chunks import LARGEST_BODY
from promptops.experiments._rows import EncodedRun
from promptops.experiments._stored_rows import (
    StoredRow,
    changes_in_place,
    journaled_row,
    metadata_of,
    new_evaluations,
)
from promptops.experiments.journal import JournaledRun, UnitKey, UnitRecord
from promptops.experiments.stores import ExperimentStore, RunEvaluation, StoredExperiment

__all__ = ["Batch", "Uploader"]

_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 30.0
_FEW: Final = 256
_MOST_REFUSED: Final = 10


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What travels together; once formed it never changes, so that trying again cannot store a row twice.

    Attributes:
        key: The idempotency key: the same experiment and the same rows give the same key.
        records: The rows as the journal holds them.
        rows: Those that travel whole.
        evaluations: Of those that stand and have new evaluations.
    """

    key: str
    records: tuple[UnitRecord, ...]
    rows: tuple[EncodedRun, ...]
    evaluations: tuple[RunEvaluation, ...] = ()


class Uploader:
    """The way of the rows of one experiment from its journal to a store.

    A store that replaces failed runs and takes further evaluations is changed in place. In any other, rows that it has
    and that change make the experiment anew: once, when everything is done, and not at all when the run is interrupted:
    what is stored stays until all of what takes its place is there.

    Args:
        runtime: For blocking work and pauses.
        store: Where the rows go.
        journaled: Where they come from.
        columns: Columns that every row gets.
        dataset_id: The dataset of the experiment.
        version_id: The version of the dataset that the examples are of, if that is known.
        experiment: The experiment as the store knows it, or None when it is to be made.
        on_store: The rows that the store has.
        rescored: The evaluators that run again on rows that stand.
        lost: Whether the store lacks rows that it acknowledged once.
    """

    def __init__(
        self,
        runtime: Runtime,
        store: ExperimentStore,
        journaled: JournaledRun,
        *,
        columns: Mapping[str, Any],
        dataset_id: str,
        version_id: str | None = None,
        experiment: StoredExperiment | None = None,
        on_store: Mapping[UnitKey, StoredRow] | None = None,
        rescored: Mapping[UnitKey, Collection[str]] | None = None,
        lost: bool = False,
    ) -> None:
        can = store.capabilities.can
        self.experiment = experiment
        self.failure: PromptOpsError | None = None
        self.deleted = False
        """Whether the experiment that is replaced is deleted, and nothing there in its place yet."""
        self.store_name = store.capabilities.store
        self._runtime = runtime
        self._store = store
        self._uploads = store.capabilities.uploads
        self._in_place = changes_in_place(store)
        self._made_empty = can("empty_experiments")
        self._journaled = journaled
        self._columns = columns
        self._dataset_id = dataset_id
        self._version_id = version_id
        self._on_store = dict(on_store or {})
        self._rescored = dict(rescored or {})
        self._all = lost or (experiment is None and journaled.experiment.remote_id is not None)
        # Rows that a store lost may have been sent before, and the answer to their key would name what is gone.
        self._nonce = uuid.uuid4().hex if self._all else ""
        self._ready: set[UnitKey] = set()
        self._changed: set[UnitKey] = set()
        self._replaced: StoredExperiment | None = None
        self._refused: dict[UnitKey, ValidationError] = {}
        self._most = self._uploads.most
        self._since = 0.0
        self._batch: Batch | None = None
        self._pause = 0.0
        self._not_before = 0.0

    @property
    def stored(self) -> int:
        """How many rows the store has."""
        return len(self._on_store)

    @property
    def waiting(self) -> int:
        """How many finished rows the store does not have as they are."""
        return len(self._ready) + len(self._changed) + len(self._refused)

    @property
    def is_full(self) -> bool:
        """Whether so much waits that it should leave at once."""
        return self._batch is not None or len(self._ready) >= self._uploads.rows

    def ready(self, *keys: UnitKey) -> None:
        """Take note of units whose rows are complete; no others travel."""
        if not self._ready:
            self._since = monotonic()
        changed = set[UnitKey]() if self._in_place else self._on_store.keys() & set(keys)
        self._changed |= changed
        self._ready.update(key for key in keys if key not in changed)

    def due_in(self) -> float | None:
        """Seconds until something should be sent, or None when nothing waits."""
        if not self._ready and self._batch is None:
            return None
        now = monotonic()
        due = 0.0 if self.is_full else self._since + self._uploads.seconds - now
        return max(0.0, due, self._not_before - now)

    async def flush(self, *, last: bool = False) -> None:
        """Send everything that is ready.

        A failure that may pass leaves the rows waiting and is kept in ``failure``. A row that the store does not take
        is left out, and the others are sent without it.

        Args:
            last: Whether the run is at its end; only then is an experiment replaced.

        Raises:
            PromptOpsError: The store refused rows for good, or the journal cannot be read.
        """
        if last and self._changed:
            self._begin_anew()
        while self._batch is not None or self._ready:
            if self._batch is None:
                self._batch = await self._runtime.run_blocking(self._form, frozenset(self._ready))
            try:
                await self._delete_replaced()
                await self._send(self._batch)
            except PromptOpsError as exc:
                if isinstance(exc, ValidationError) and self._divide(self._batch, exc):
                    continue
                self.failure = exc
                if not exc.retryable:
                    raise
                self._pause = min(max(self._pause * 2, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
                self._not_before = monotonic() + self._pause
                log().warning(
                    "experiment_rows_not_stored",
                    rows=len(self._batch.records),
                    next_try_in_s=self._pause,
                    error=str(exc),
                )
                return
            # In this order: interrupted anywhere, the batch is sent again with its key, and stored once.
            self._on_store.update(
                (record.key, _STANDS if record.state == "done" else _FAILED) for record in self._batch.records
            )
            self._journaled.append_uploaded(self._batch.records)
            self._ready.difference_update(record.key for record in self._batch.records)
            self._batch = None
            self._most = min(self._most * 2, self._uploads.most)
            self.failure, self._pause, self._not_before = None, 0.0, 0.0
            self._since = monotonic()
        if self._refused:
            raise next(iter(self._refused.values()))

    async def pause(self) -> None:
        """Wait as long as the last failure asks for."""
        await self._runtime.sleep(max(0.0, self._not_before - monotonic()))

    def _divide(self, batch: Batch, refusal: ValidationError) -> bool:
        """Make a refused batch smaller until the row is found that the store does not take; False is giving up."""
        if self._replaced is not None or len(self._refused) >= _MOST_REFUSED:
            return False
        # Of an experiment that the store never had, the name may be what is refused.
        if self.experiment is None and (self._made_empty or not self._all):
            return False
        if len(batch.records) == 1:
            self._refused[batch.records[0].key] = refusal
            self._ready.discard(batch.records[0].key)
        self._most = max(1, len(batch.records) // 2)
        self._batch = None
        return True

    def _form(self, ready: frozenset[UnitKey]) -> Batch:
        """Read the next rows, as many as may travel together and at most 8 MiB; one row alone may be larger."""
        records: list[UnitRecord] = []
        rows: list[EncodedRun] = []
        evaluations: list[RunEvaluation] = []
        size = 0
        digest = hashlib.sha256(f"{self._journaled.experiment.id}{self._nonce}".encode())
        keys = tuple(ready) if len(ready) <= _FEW else None
        journaled = self._journaled
        for record in journaled.units(keys=keys) if self._all else journaled.not_uploaded(keys=keys):
            if record.key not in ready:
                continue
            row = EncodedRun.of(journaled_row(record, self._columns))
            if records and (len(records) >= self._most or size + len(row.encoded) > LARGEST_BODY):
                break
            records.append(record)
            size += len(row.encoded) + 1
            stored = self._on_store.get(record.key)
            if stored is not None and stored.stands:
                evaluations += new_evaluations(record.key, row, stored, self._rescored.get(record.key, ()))
                continue
            rows.append(row)
            digest.update(b"\n")
            digest.update(row.encoded)
        if not records:
            raise PromptOpsError(f"{len(ready)} finished rows are not in the journal; this should not happen")
        return Batch(key=digest.hexdigest(), records=tuple(records), rows=tuple(rows), evaluations=tuple(evaluations))

    async def _send(self, batch: Batch) -> None:
        rows: Sequence[EncodedRun] = batch.rows
        # Where the first batch makes the experiment, it does so until its rows are known to be stored.
        if self.experiment is None or not (self._made_empty or self._on_store):
            plan = self._journaled.experiment.plan
            self.experiment = await self._store.create(
                plan.name,
                dataset_id=self._dataset_id,
                runs=() if self._made_empty else rows,
                key=self._key_of_all if self._made_empty else batch.key,
                repetitions=plan.repetitions,
                metadata=metadata_of(self._columns),
                dataset_version_id=self._version_id,
            )
            self.deleted = False
            await self._runtime.run_blocking(self._journaled.set_remote_id, self.experiment.id)
            rows = rows if self._made_empty else ()
        if rows:
            await self._store.upload_runs(self.experiment.id, rows, key=batch.key)
        if batch.evaluations:
            await self._store.upload_evaluations(self.experiment.id, batch.evaluations)

    @property
    def _key_of_all(self) -> str:
        """The idempotency key of the experiment without its rows."""
        return hashlib.sha256(f"{self._journaled.experiment.id}{self._nonce}".encode()).hexdigest()

    def _begin_anew(self) -> None:
        """Let all rows travel again: those that the store has can be neither changed nor taken back one by one."""
        self._replaced = self.experiment
        self._ready |= self._on_store.keys() | self._changed
        self._changed.clear()
        self._on_store.clear()
        self.experiment, self._batch, self._all = None, None, True
        # The same rows may have been sent before, and the answer to their key would name the experiment that is gone.
        self._nonce = uuid.uuid4().hex

    async def _delete_replaced(self) -> None:
        """Delete what is made anew, right before its first rows are sent: two cannot have one name."""
        replaced = self._replaced
        if replaced is None:
            return
        log().info("experiment_replaced", experiment_id=replaced.id, rows=len(self._ready))
        try:
            await self._store.delete(replaced.id)
        except NotFoundError:
            log().info("experiment_gone", experiment_id=replaced.id)
        self._replaced, self.deleted = None, True


_STANDS: Final = StoredRow(stands=True)
_FAILED: Final = StoredRow(stands=False)
