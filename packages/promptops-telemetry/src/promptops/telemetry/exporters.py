"""The port to wherever batches go: what an exporter is given, and what it answers."""

from __future__ import annotations

from typing import Final, Literal, Protocol

import msgspec
from promptops.telemetry.events import TelemetryEvent

__all__ = ["DELIVERED", "Batch", "Exporter", "Outcome"]

_DECODER: Final = msgspec.json.Decoder(TelemetryEvent)


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Events that travel together; a batch that is sent again is the same one, with the same id.

    Attributes:
        batch_id: Tells a receiver what it has seen before.
        encoded: The events as JSON, the oldest first.
        dropped: How many events were lost since the last batch that arrived.
        sample_rate: The share of calls that was being recorded.
    """

    batch_id: str
    encoded: tuple[bytes, ...]
    dropped: int
    sample_rate: float

    def events(self) -> list[TelemetryEvent]:
        """The events as values, for exporters that send something else than JSON."""
        return [_DECODER.decode(event) for event in self.encoded]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch.

    Attributes:
        kind: ``delivered``; ``again``: keep it and try later; ``smaller``: send it in halves; ``refused``: it will
            never be taken, so it is dropped and counted.
        wait: Seconds to wait before the next try; None leaves that to the sender.
        reason: One line for people, when it was not delivered.
    """

    kind: Literal["delivered", "again", "smaller", "refused"]
    wait: float | None = None
    reason: str = ""


DELIVERED: Final = Outcome(kind="delivered")


class Exporter(Protocol):
    """Sends batches; called from one thread at a time, never from the thread that records."""

    def export(self, batch: Batch, *, timeout: float) -> Outcome:
        """Send a batch and wait for the answer.

        Args:
            batch: What to send.
            timeout: Seconds that it may take. One that takes longer loses its caller, not the process.

        Returns:
            What became of it. An exception counts as ``again``.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files; safe to call twice."""
        ...
