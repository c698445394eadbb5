"""The journal: one SQLite file that holds every paid-for output and score before anything else may happen to it."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import msgspec
from promptops.experiments.journal._changes import Change, changes_between
from promptops.experiments.journal._database import reader, translated
from promptops.experiments.journal._errors import ExperimentHeld, ResumeRefused
from promptops.experiments.journal._experiments import (
    Found,
    decoded,
    delete_experiment,
    example_digests,
    find_experiment,
    insert_experiment,
)
from promptops.experiments.journal._locks import FileLock
from promptops.experiments.journal._origin import origin_of
from promptops.experiments.journal._reading import Filter, count_units, read_units
from promptops.experiments.journal._records import ExperimentRecord, RunPlan, UnitRecord, UnitState
from promptops.experiments.journal._run import Accepted, JournaledRun
from promptops.experiments.journal._writer import Writer

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Journal", "default_journal_path"]

T = TypeVar("T")


def default_journal_path() -> Path:
    """Return where the journal lies unless told otherwise: ``PROMPTOPS_JOURNAL``, or the user's data directory."""
    told = os.environ.get("PROMPTOPS_JOURNAL")
    if told:
        return Path(told).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local")
    elif sys.platform == "darwin":
        base = Path("~/Library/Application Support")
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share")
    return base.expanduser() / "promptops" / "journal.sqlite3"


class Journal:
    """The journal in one file; a context manager.

    With synchronous writes a commit that was acknowledged outlives the process, a crash of the system and a power
    failure, as far as the disk keeps what it says is written. Several processes may use one file at once, each for
    experiments of its own. The file must not lie on a network file system.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    @classmethod
    def open(cls, path: str | Path | None = None) -> Self:
        """Open the journal at ``path``, make it when absent (private to the user), and check that it is one.

        Raises:
            JournalDamaged: The file is something else.
            JournalReadOnly: It cannot be written to.
        """
        where = Path(path).expanduser() if path is not None else default_journal_path()
        return cls(Writer(where.absolute()))

    @property
    def path(self) -> Path:
        """The file."""
        return self._writer.path

    def begin(self, plan: RunPlan, *, unique_ids: bool = False) -> JournaledRun:
        """Begin a new experiment and hold it.

        Args:
            plan: What is to be run.
            unique_ids: Whether the id of the dataset alone says which one it is, whatever the address of its server.

        Raises:
            ConflictError: The dataset has an experiment of that name in this journal.
        """
        record = ExperimentRecord(id=f"exp-{uuid.uuid4().hex}", plan=plan, created_at=time.time())
        lock = self._held(record)
        try:
            number = self._writer.call(lambda connection: insert_experiment(connection, record, unique_ids=unique_ids))
            return JournaledRun(self._writer, number, _bare(record), lock)
        except BaseException:
            lock.close()
            raise

    def resume(
        self,
        experiment: str,
        plan: RunPlan | None = None,
        *,
        dataset_id: str | None = None,
        accept_changes: bool = False,
    ) -> JournaledRun:
        """Hold an experiment again.

        What it is made of stays as it is until :meth:`JournaledRun.accept` says that something new runs.

        Args:
            experiment: Its id or its name.
            plan: What is to be run now; compared with what was run before. None compares nothing, for uploads, say.
            dataset_id: Where to look for the name.
            accept_changes: Go on although something changed; what changed is recorded in the experiment as soon as
                something of it runs.

        Raises:
            NotFoundError: There is no such experiment.
            ResumeRefused: Something changed; the error lists it.
            ExperimentHeld: Another process runs it; the error says who.
        """
        if plan is None:
            found = self._find(experiment, dataset_id)
        else:
            found = self._find(experiment, dataset_id or plan.dataset_id, plan.origin)
        lock = self._held(found.record)
        try:
            accepted = None if plan is None else self._compared(found, plan, accept_changes=accept_changes)
            return JournaledRun(self._writer, found.number, _bare(found.record), lock, accepted=accepted)
        except BaseException:
            lock.close()
            raise

    def changes(self, experiment: str, plan: RunPlan) -> list[Change]:
        """Return what changed since the experiment was run last; a resume with ``plan`` is refused unless empty."""
        return self._changes(self._find(experiment, plan.dataset_id, plan.origin), plan)

    def experiments(self) -> Iterator[ExperimentRecord]:
        """Yield the experiments, oldest first."""
        with self.reading() as connection:
            rows = connection.execute("SELECT record FROM experiments ORDER BY number").fetchall()
        for row in rows:
            yield decoded(row[0])

    def get(self, experiment: str, *, dataset_id: str | None = None, origin: str = "") -> ExperimentRecord:
        """Return the experiment of that id or name.

        Args:
            experiment: Its id or its name.
            dataset_id: Where to look for the name.
            origin: The address of the server that it belongs to; of any server when empty. Those of which the server
                is not known count as well.

        Raises:
            NotFoundError: There is none; ``details`` has ``origins`` where other servers have one.
            ValidationError: Several datasets have one of that name.
        """
        return self._find(experiment, dataset_id, origin).record

    def units(self, experiment: str, *, dataset_id: str | None = None) -> Iterator[UnitRecord]:
        """Yield the units of an experiment with their scores, without holding it."""
        return read_units(self.path, self._find(experiment, dataset_id).number, Filter())

    def example_digests(self, experiment: str, *, dataset_id: str | None = None) -> dict[str, str]:
        """Return the digest of the content of each example of an experiment, by id, as it was when it was run."""
        with self.reading() as connection:
            return example_digests(connection, find_experiment(connection, experiment, dataset_id).number)

    def counts(self, experiment: str, *, dataset_id: str | None = None) -> dict[UnitState, int]:
        """Return how many units of an experiment are in each state."""
        return count_units(self.path, self._find(experiment, dataset_id).number)

    def delete(self, experiment: str, *, dataset_id: str | None = None) -> None:
        """Delete an experiment with its units and scores.

        Raises:
            NotFoundError: There is no such experiment.
            ExperimentHeld: It is being run.
        """
        found = self._find(experiment, dataset_id)
        lock = self._held(found.record)
        try:
            self._writer.call(lambda connection: delete_experiment(connection, found.number))
        finally:
            lock.close()

    def move_server(self, before: str, now: str) -> int:
        """Note that a server moved to another address with all its data, and return how many experiments are of it.

        Args:
            before: Its address (``base_url``) when the experiments were run.
            now: Its address now.

        Raises:
            ConflictError: The journal has an experiment of the same dataset and name at both addresses.
            ExperimentHeld: One of them is being run.
        """
        old, new = origin_of(before), origin_of(now)
        moving = [record for record in self.experiments() if old != new and record.plan.origin == old]
        for record in moving:
            with self.resume(record.id) as run:
                run.set_origin(new)
        return len(moving)

    def transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a transaction after everything appended before, in the thread that writes; for stores.

        An error of ours that it raises undoes the transaction and is raised here.
        """
        return self._writer.call(work)

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """Give a connection that can only read; for stores."""
        connection = reader(self.path)
        try:
            with translated(self.path):
                yield connection
        finally:
            connection.close()

    @contextmanager
    def lock(self, name: str, *, timeout: float) -> Generator[bool]:
        """Try to keep other processes away from what ``name`` (letters, digits, dashes) stands for; for stores."""
        lock = FileLock(self._locks() / f"{name}.lock")
        try:
            yield lock.acquire(timeout=timeout)
        finally:
            lock.close()

    def close(self) -> None:
        """Store what was appended and close the file; safe to call twice."""
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _find(self, experiment: str, dataset_id: str | None, origin: str = "") -> Found:
        with self.reading() as connection:
            return find_experiment(connection, experiment, dataset_id, origin)

    def _changes(self, found: Found, plan: RunPlan) -> list[Change]:
        with self.reading() as connection:
            digests: Mapping[str, str] = example_digests(connection, found.number)
        before = found.record.plan
        changes = changes_between(msgspec.structs.replace(before.fingerprint, examples=digests), plan.fingerprint)
        if before.repetitions != plan.repetitions:
            message = f"repetitions were {before.repetitions} and are {plan.repetitions}"
            changes.append(Change(kind="repetitions", name="repetitions", message=message))
        return changes

    def _compared(self, found: Found, plan: RunPlan, *, accept_changes: bool) -> Accepted | None:
        changes = self._changes(found, plan)
        if not changes and found.record.plan.fingerprint.is_known:
            return None
        if changes and not accept_changes:
            raise ResumeRefused(found.record.plan.name, changes)
        return Accepted(plan, tuple(changes))

    def _locks(self) -> Path:
        directory = self.path.with_name(f"{self.path.name}-locks")
        directory.mkdir(mode=0o700, exist_ok=True)
        return directory

    def _held(self, record: ExperimentRecord) -> FileLock:
        with translated(self.path):
            lock = FileLock(self._locks() / f"{record.id}.lock", signed=True)
            if lock.acquire(timeout=0):
                return lock
        lock.close()
        holder = lock.holder()
        who = "another process" if holder is None else f"process {holder.pid} ({holder.command}) on {holder.host}"
        since = "" if holder is None else f" since {holder.since}"
        raise ExperimentHeld(
            f"experiment {record.plan.name!r} is being run by {who}{since}; wait for it, or end it and try again",
            holder={} if holder is None else msgspec.to_builtins(holder),
        )


def _bare(record: ExperimentRecord) -> ExperimentRecord:
    """Leave out the fingerprints of the examples, which would stay in memory for the whole run."""
    bare = msgspec.structs.replace(record.plan.fingerprint, examples={})
    return msgspec.structs.replace(record, plan=msgspec.structs.replace(record.plan, fingerprint=bare))
