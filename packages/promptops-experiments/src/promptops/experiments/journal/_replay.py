"""Replays recorded outputs as a task, so that evaluators can be tried without paying for outputs again."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import msgspec
from promptops.core.errors import NotFoundError, PromptOpsError, ValidationError
from promptops.experiments.journal._fingerprints import example_digest
from promptops.experiments.journal._recording import FORMAT, RecordedOutput, RecordingHeader
from promptops.models import prepared
from promptops.models.datasets import DatasetExample

__all__ = ["Replay", "ReplayedError"]


class ReplayedError(PromptOpsError):
    """The task failed when it was recorded; the message is that of then."""

    default_code = "REPLAYED_ERROR"


class Replay:
    """A task that answers with what was recorded: ``experiments.run(..., task=Replay("outputs.jsonl"))``.

    An output is found by the id of its example, or, in a dataset that was made anew, by the content. It is refused
    when the content of the example is not what it was. Only positions are kept in memory; outputs are read on demand.

    Args:
        path: What :func:`write_recording` wrote.

    Raises:
        ValidationError: The file is no recording, or a line of it cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._offsets = array("Q")
        self._by_id: dict[tuple[str, int], int] = {}
        self._by_input: dict[tuple[str, int], int] = {}
        self.header = self._index()

    @property
    def __name__(self) -> str:
        """The name of the task."""
        return f"replay of {self.path.name}"

    @property
    def fingerprint(self) -> str:
        """The digest of the file: what a run is compared by when it is resumed."""
        import hashlib

        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:32]

    def __len__(self) -> int:
        return len(self._offsets)

    def __call__(self, example: DatasetExample, repetition: int = 1) -> Any:
        """Return the recorded output.

        Raises:
            NotFoundError: There is none for this example and repetition.
            ValidationError: It was recorded for another content of the example.
            ReplayedError: The task failed then.
        """
        recorded = self.entry(example, repetition)
        if recorded.error is not None:
            raise ReplayedError(recorded.error)
        return recorded.output

    def entry(self, example: DatasetExample, repetition: int = 1) -> RecordedOutput:
        """Return the recorded line with its cost, usage and time. Raises as calling does, but for recorded errors."""
        content = example_digest(example.fields)
        index = self._by_id.get((example.id, repetition))
        if index is None:
            index = self._by_input.get((content, repetition))
        if index is None:
            raise NotFoundError(
                f"{self.path.name} holds no output for example {example.id}, repetition {repetition}; record it anew, "
                "or leave that example out"
            )
        recorded = self._read(index)
        who = f"the output for example {example.id}, repetition {repetition}, in {self.path.name}"
        if recorded.input is not None and recorded.input != content:
            raise ValidationError(f"{who} was recorded for another content of that example; record it anew")
        if recorded.left_out is not None:
            why = "it was too large" if recorded.left_out == "too_large" else "its secrets could not be removed"
            raise NotFoundError(f"{who} was left out when it was recorded: {why}")
        return recorded

    def _index(self) -> RecordingHeader:
        header: RecordingHeader | None = None
        offset = 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    if header is None:
                        header = msgspec.json.decode(line, type=prepared(RecordingHeader))
                    else:
                        self._add(msgspec.json.decode(line, type=prepared(_Where)), offset)
                except msgspec.DecodeError as exc:
                    raise ValidationError(f"{self.path}, line {number}, is not a line of a recording: {exc}") from None
                offset += len(line)
        if header is None:
            raise ValidationError(f"{self.path} is empty, not a recording")
        if header.format > FORMAT:
            raise ValidationError(f"{self.path} has format {header.format}, this version reads {FORMAT}; upgrade")
        return header

    def _add(self, where: _Where, offset: int) -> None:
        index = len(self._offsets)
        self._offsets.append(offset)
        if (where.example_id, where.repetition) in self._by_id:
            raise ValidationError(
                f"{self.path} holds example {where.example_id}, repetition {where.repetition}, twice; remove one line"
            )
        self._by_id[where.example_id, where.repetition] = index
        if where.input is not None:
            self._by_input.setdefault((where.input, where.repetition), index)

    def _read(self, index: int) -> RecordedOutput:
        with self.path.open("rb") as file:
            file.seek(self._offsets[index])
            line = file.readline()
        try:
            return msgspec.json.decode(line, type=prepared(RecordedOutput))
        except msgspec.DecodeError as exc:
            raise ValidationError(f"{self.path} was changed while it was replayed: {exc}") from None


class _Where(msgspec.Struct, frozen=True):
    example_id: str
    repetition: int
    input: str | None = None
