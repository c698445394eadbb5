"""What is learned of experiments while rows are stored: which examples they are of, and the ids of their runs."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Final

import msgspec
from promptops.core.errors import NotFoundError, ValidationError
from promptops.core.pagination import iterate_cursor
from promptops.core.runtime import Runtime
from promptops.experiments.journal import UnitKey
from promptops.phoenix import _generated as wire
from promptops.phoenix._http import EXPORT, fetch, pairs, path
from promptops.phoenix.experiments._lookup import experiment_record, incomplete_page, runs_of

__all__ = ["Examples", "Known", "KnownExperiments", "check_units"]

_MOST: Final = 16
_FRESH_SECONDS: Final = 30.0
_MOST_NAMED: Final = 20


class _Node(msgspec.Struct, frozen=True, kw_only=True):
    node_id: str


class _Nodes(msgspec.Struct, frozen=True, kw_only=True):
    version_id: str
    examples: list[_Node]


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The examples of a dataset, of which only the ids are decoded."""

    data: _Nodes


class Examples(msgspec.Struct, frozen=True, kw_only=True):
    """The examples of a version of a dataset, by their ids."""

    version_id: str
    ids: frozenset[str]


class Known(msgspec.Struct, kw_only=True):
    """One experiment.

    Attributes:
        record: As the server has it.
        examples: The ids of its examples.
        run_ids: The ids of its runs, as far as they are known.
        looked_up: Whether all runs of the server were asked for.
        read_at: When the record was read, on the monotonic clock.
    """

    record: wire.Experiment
    examples: frozenset[str]
    run_ids: dict[UnitKey, str] = {}
    looked_up: bool = False
    read_at: float = msgspec.field(default_factory=monotonic)

    def check(self, keys: Sequence[UnitKey], *, field: str = "runs") -> None:
        """Refuse units that are not of the experiment; see :func:`check_units`."""
        record = self.record
        check_units(keys, self.examples, record.repetitions, f"{record.name} ({record.id})", field=field)


def check_units(
    keys: Sequence[UnitKey], examples: frozenset[str], repetitions: int, experiment: str, *, field: str = "runs"
) -> None:
    """Refuse units that the server would take although they do not belong to the experiment.

    Args:
        keys: The units.
        examples: The ids of its examples.
        repetitions: How many it is made with.
        experiment: What to call it.
        field: What to call the list of units.

    Raises:
        ValidationError: An example is not of the experiment, or a repetition is beyond those it was made with.
    """
    problems: list[dict[str, str]] = []
    for index, key in enumerate(keys):
        where = f"{field}[{index}]"
        if key.example_id not in examples:
            reason = f"is {key.example_id}, which is not an example of experiment {experiment}"
            problems.append({"field": f"{where}.example_id", "message": reason, "code": "unknown_example"})
        if not 1 <= key.repetition <= repetitions:
            reason = f"is {key.repetition}, and experiment {experiment} was made with repetitions={repetitions}"
            problems.append({"field": f"{where}.repetition", "message": reason, "code": "out_of_range"})
    if problems:
        named = "; ".join(f"{problem['field']} {problem['message']}" for problem in problems[:_MOST_NAMED])
        more = f"; and {len(problems) - _MOST_NAMED} more" if len(problems) > _MOST_NAMED else ""
        raise ValidationError(f"{named}{more}.", validation_errors=problems)


class KnownExperiments:
    """The last experiments that rows were stored in; for each, one request for its record and one for its examples."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._known: dict[str, Known] = {}
        self._made: dict[str, wire.Experiment] = {}

    def made(self, record: wire.Experiment) -> None:
        """Take note of an experiment that was made just now: its record need not be asked for."""
        self.forget(record.id)
        while len(self._made) >= _MOST:
            self._made.pop(next(iter(self._made)), None)
        self._made[record.id] = record

    async def get(
        self, experiment_id: str, *, record: wire.Experiment | None = None, examples: Examples | None = None
    ) -> Known:
        """Return what is known of an experiment, asking for it when nothing is.

        A server on SQLite gives the id of a deleted experiment away again, so the record is read anew after a while;
        another experiment of the same id has another project.

        Args:
            experiment_id: The experiment.
            record: Its record, when it was read just now.
            examples: Those of a version of its dataset, when they were read just now.

        Raises:
            NotFoundError: There is none.
        """
        known = self._known.get(experiment_id)
        if known is not None and record is None and monotonic() - known.read_at < _FRESH_SECONDS:
            return known
        if record is None:
            record = self._made.pop(experiment_id, None)
        if record is None:
            try:
                record = await experiment_record(self._runtime, experiment_id)
            except NotFoundError:
                self.forget(experiment_id)
                raise
        if known is not None and _identity(known.record) == _identity(record):
            known.read_at = monotonic()
            return known
        known = Known(record=record, examples=await self._examples_of(record, examples))
        while len(self._known) >= _MOST:
            self._known.pop(next(iter(self._known)), None)
        self._known[experiment_id] = known
        return known

    def forget(self, experiment_id: str) -> None:
        """Drop what is known of an experiment."""
        self._known.pop(experiment_id, None)
        self._made.pop(experiment_id, None)

    async def run_id(self, known: Known, key: UnitKey) -> str:
        """Return the id of a stored run; the runs are asked for once.

        Raises:
            NotFoundError: There is no such run.
        """
        if key not in known.run_ids and not known.looked_up:
            known.run_ids.update(
                (UnitKey(run.dataset_example_id, run.repetition_number), run.id)
                for run in await runs_of(self._runtime, known.record.id)
            )
            known.looked_up = True
        found = known.run_ids.get(key)
        if found is None:
            known.looked_up = False  # the run may be stored by another client before the next look
            raise NotFoundError(
                f"experiment {known.record.name!r} ({known.record.id}) has no run of example {key.example_id}, "
                f"repetition {key.repetition}; store the run before its evaluations",
                details={"experiment_id": known.record.id, "example_id": key.example_id, "repetition": key.repetition},
            )
        return found

    async def examples(self, dataset_id: str, version_id: str | None) -> Examples:
        """Return the ids of the examples of a version; of the latest when it is None."""
        where = path("datasets", dataset_id, "examples")
        answer = await fetch(self._runtime, where, _Answer, query=pairs(version_id=version_id), profile=EXPORT)
        ids = frozenset(example.node_id for example in answer.data.examples)
        return Examples(version_id=answer.data.version_id, ids=ids)

    async def _examples_of(self, record: wire.Experiment, given: Examples | None) -> frozenset[str]:
        if given is None or given.version_id != record.dataset_version_id:
            given = await self.examples(record.dataset_id, record.dataset_version_id)
        if len(given.ids) == record.example_count:
            return given.ids
        # It is of some splits only, which its record does not name: what lacks a run is listed, and so are the runs.
        stored = {run.dataset_example_id for run in await runs_of(self._runtime, record.id)}
        pages = iterate_cursor(lambda cursor: incomplete_page(self._runtime, cursor, experiment_id=record.id))
        return frozenset(stored | {unit.dataset_example.node_id async for unit in pages})


def _identity(record: wire.Experiment) -> tuple[object, ...]:
    return record.project_name, record.created_at, record.dataset_version_id
