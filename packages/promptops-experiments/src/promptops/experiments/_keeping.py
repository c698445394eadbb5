"""Appends what units bring to the journal of their run, and waits until it is on the disk."""

from __future__ import annotations

from collections.abc import Sequence

from promptops.core.errors import PromptOpsError
from promptops.experiments._loop import call_soon
from promptops.experiments.journal import (
    Commit,
    Fingerprint,
    JournaledRun,
    LoopCommits,
    ScoreRecord,
    UnitKey,
    UnitRecord,
)

__all__ = ["Keeper"]


class Keeper:
    """The journal as the units of one event loop see it; without a journal (a dry run) it keeps nothing.

    Appending never raises: an error is raised where the unit waits for its rows.
    """

    def __init__(self, journaled: JournaledRun | None, fingerprint: Fingerprint | None) -> None:
        import anyio

        self._journaled = journaled
        self._fingerprint = fingerprint
        self._last: dict[UnitKey, Commit] = {}
        self._failure: PromptOpsError | None = None
        self._commits = LoopCommits(call_soon(), anyio.Event)

    def fingerprint(self, example_id: str) -> str | None:
        """Return the fingerprint of the outputs of an example."""
        return None if self._fingerprint is None else self._fingerprint.of_unit(example_id)

    def evaluator(self, name: str) -> str | None:
        """Return the fingerprint of an evaluator."""
        return None if self._fingerprint is None else self._fingerprint.evaluators.get(name)

    def output(self, record: UnitRecord, *, replace: bool) -> None:
        """Append what a task brought."""
        if self._journaled is None:
            return
        try:
            self._last[record.key] = self._journaled.append_outputs(record, replace=replace)
        except PromptOpsError as exc:
            self._failure = exc

    def scores(self, key: UnitKey, scores: Sequence[ScoreRecord]) -> None:
        """Append what evaluators said."""
        if self._journaled is None or not scores:
            return
        try:
            self._last[key] = self._journaled.append_scores(key, scores)
        except PromptOpsError as exc:
            self._failure = exc

    async def kept(self, key: UnitKey) -> None:
        """Return once everything of a unit is on the disk.

        Raises:
            JournalError: It cannot be stored.
        """
        if self._failure is not None:
            raise self._failure
        commit = self._last.pop(key, None)
        if commit is not None:
            await self._commits.wait(commit)
