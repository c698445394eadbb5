"""One experiment that is being run: appends to the journal, and reads of what it holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec
from promptops.core.errors import ConflictError
from promptops.experiments.journal._changes import Change
from promptops.experiments.journal._commit import Commit
from promptops.experiments.journal._experiments import move_experiment, replace_experiment, write_record
from promptops.experiments.journal._group import Group
from promptops.experiments.journal._locks import FileLock
from promptops.experiments.journal._reading import (
    NOT_UPLOADED,
    UNSCORED,
    Filter,
    count_units,
    read_revision,
    read_states,
    read_units,
    scored_by,
)
from promptops.experiments.journal._records import (
    ExperimentRecord,
    RunPlan,
    ScoreRecord,
    UnitKey,
    UnitRecord,
    UnitState,
)
from promptops.experiments.journal._writer import Writer

__all__ = ["Accepted", "JournaledRun"]


class Accepted(NamedTuple):
    """What an experiment becomes once something of it runs, and what changed by that."""

    plan: RunPlan
    changes: tuple[Change, ...]


class JournaledRun:
    """An experiment that this process holds; a context manager, which lets go of it.

    Appending returns a :class:`Commit` at once; the rows are safe when it is done. Appends are safe from any thread
    and keep their order. Reading sees what is on the disk.
    """

    def __init__(
        self,
        writer: Writer,
        number: int,
        experiment: ExperimentRecord,
        lock: FileLock,
        *,
        accepted: Accepted | None = None,
    ) -> None:
        self._accepted = accepted
        self._writer = writer
        self._number = number
        self._experiment = experiment
        self._lock = lock
        self._states = read_states(writer.path, number)
        self._revisions = count(read_revision(writer.path, number) + 1)

    @property
    def path(self) -> Path:
        """The file."""
        return self._writer.path

    @property
    def experiment(self) -> ExperimentRecord:
        """The experiment as it is known now."""
        return self._experiment

    def state(self, key: UnitKey) -> UnitState | None:
        """Return the state of a unit that is journaled or on its way, or None."""
        return self._states.get(key)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change that was accepted, oldest first: those of resumes before, and those of this one."""
        return (*self._experiment.overrides, *(() if self._accepted is None else self._accepted.changes))

    def accept(self, *, tasks: bool = True) -> None:
        """Note what the experiment is made of from now on, and wait until that is stored.

        Until then the journal says what the rows that it holds were made by; a resume with changes that finds nothing
        to run leaves it so.

        Args:
            tasks: Whether tasks will run; without, only the evaluators are what they are now.
        """
        if self._accepted is None:
            return
        before, (plan, changes) = self._experiment, self._accepted
        if tasks:
            self._accepted = None
            # The address may have been noted since.
            plan = msgspec.structs.replace(plan, origin=before.plan.origin)
        else:
            own = msgspec.structs.replace(before.plan.fingerprint, evaluators=plan.fingerprint.evaluators)
            plan = msgspec.structs.replace(before.plan, fingerprint=own)
            later = tuple(change for change in changes if change.kind != "evaluator")
            changes = tuple(change for change in changes if change.kind == "evaluator")
            if not changes:
                return
            self._accepted = Accepted(self._accepted.plan, later)
        made_by = before.made_by if before.plan.fingerprint.is_known else before.earlier
        record = msgspec.structs.replace(
            before,
            plan=plan,
            overrides=(*before.overrides, *changes),
            earlier=tuple(made for made in made_by if made != plan.fingerprint.of_code),
        )
        write = replace_experiment if tasks else write_record
        self._writer.call(lambda connection: write(connection, self._number, record))
        bare = msgspec.structs.replace(plan.fingerprint, examples={})
        self._experiment = msgspec.structs.replace(record, plan=msgspec.structs.replace(plan, fingerprint=bare))

    def append_outputs(self, *units: UnitRecord, replace: bool = False) -> Commit:
        """Append finished units.

        A later attempt replaces a failed one, with its scores; their attempts add up. It never replaces an output,
        unless ``replace`` asks for that.

        Raises:
            ConflictError: A unit has an output already; nothing was appended.
            JournalError: The journal failed before, or is closed.
        """

        def add(group: Group) -> None:
            if not replace:
                self._refuse_done(units)
            for unit in units:
                key = (unit.example_id, unit.repetition)
                again = key in self._states
                self._states[key] = unit.state
                group.add_unit(self._number, unit, next(self._revisions), again=again, replace=replace)

        return self._append(add)

    def append_scores(self, key: UnitKey, scores: Sequence[ScoreRecord]) -> Commit:
        """Append what evaluators said about a unit; an earlier score of the same evaluator is replaced."""
        return self._append(lambda group: group.add_scores(self._number, key, scores, next(self._revisions)))

    def append_uploaded(self, units: Iterable[UnitRecord]) -> Commit:
        """Note that the server acknowledged these rows as they were read (their ``revision`` counts)."""
        rows = list(units)
        return self._append(lambda group: group.add_uploads(self._number, rows))

    def set_remote_id(self, remote_id: str) -> None:
        """Note the id that a server gave the experiment, and wait until that is stored."""
        self._update(msgspec.structs.replace(self._experiment, remote_id=remote_id))

    def set_origin(self, origin: str) -> None:
        """Note the address of the server that the experiment belongs to, and wait until that is stored.

        Raises:
            ConflictError: The same dataset of that server has one of that name.
        """
        plan = msgspec.structs.replace(self._experiment.plan, origin=origin)
        record = msgspec.structs.replace(self._experiment, plan=plan)
        self._writer.call(lambda connection: move_experiment(connection, self._number, record))
        self._experiment = record

    def finish(self) -> None:
        """Note that every unit is done, and wait until that is stored."""
        self._update(msgspec.structs.replace(self._experiment, finished_at=time.time()))

    def units(
        self, *, state: UnitState | None = None, scores: bool = True, keys: Sequence[UnitKey] | None = None
    ) -> Iterator[UnitRecord]:
        """Yield the units in the order in which they were first journaled, a page at a time.

        Args:
            state: Only those in this state.
            scores: Whether to read their scores.
            keys: Only these, one or more; without looking at all units, so at most some hundreds.
        """
        wanted = Filter("AND u.state = ?", (state,)) if state is not None else Filter()
        return read_units(self._writer.path, self._number, wanted, scores=scores, keys=keys)

    def finished(self) -> Iterator[UnitRecord]:
        """Yield the units that have an output, with their scores."""
        return self.units(state="done")

    def failed(self) -> Iterator[UnitRecord]:
        """Yield the units whose task failed."""
        return self.units(state="failed")

    def unscored(
        self, evaluator: str, *, fingerprint: str | None = None, errors: bool = False, failed: bool = False
    ) -> Iterator[UnitRecord]:
        """Yield the units with an output that ``evaluator`` has not scored.

        Args:
            evaluator: Its name.
            fingerprint: Scores of an evaluator with another fingerprint count as missing; None takes them all.
            errors: Whether an error of the evaluator counts as missing, too.
            failed: Whether units whose task failed are yielded, too.
        """
        wanted = Filter(UNSCORED, (evaluator, fingerprint, fingerprint, not errors, failed))
        return read_units(self._writer.path, self._number, wanted)

    def not_uploaded(
        self, evaluators: Collection[str] = (), *, keys: Sequence[UnitKey] | None = None
    ) -> Iterator[UnitRecord]:
        """Yield the units that the server has not acknowledged as they are now.

        Args:
            evaluators: A unit with an output waits until it has a score, or an error, of each of these.
            keys: Only these, one or more; without looking at all units, so at most some hundreds.
        """
        return read_units(self._writer.path, self._number, NOT_UPLOADED, scored_by(evaluators), keys=keys)

    def counts(self) -> dict[UnitState, int]:
        """Return how many units are in each state."""
        return count_units(self._writer.path, self._number)

    def flush(self) -> None:
        """Wait until everything appended so far is on the disk."""
        self._writer.flush()

    def close(self) -> None:
        """Wait for what was appended, and let go of the experiment; safe to call twice."""
        try:
            self._writer.flush()
        finally:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            # What ended the block matters more than what the flush may add to it.
            self._lock.close()

    def _append(self, add: Callable[[Group], object]) -> Commit:
        return self._writer.append(add)

    def _refuse_done(self, units: Iterable[UnitRecord]) -> None:
        for unit in units:
            if self._states.get((unit.example_id, unit.repetition)) == "done":
                raise ConflictError(
                    f"example {unit.example_id}, repetition {unit.repetition}, of experiment "
                    f"{self._experiment.plan.name!r} has an output already; pass replace=True to replace it",
                    details={"example_id": unit.example_id, "repetition": unit.repetition},
                )

    def _update(self, record: ExperimentRecord) -> None:
        self._writer.call(lambda connection: write_record(connection, self._number, record))
        self._experiment = record
