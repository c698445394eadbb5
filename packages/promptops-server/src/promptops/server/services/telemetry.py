"""The rules of telemetry: a batch is stored once, and events that would not be kept are not stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.stores.protocol import UsageStore

__all__ = ["TelemetryService"]

_AHEAD: Final = timedelta(days=1)


class TelemetryService:
    """Takes batches of events.

    Args:
        store: Where they go.
        days: How long events are kept; older ones are dropped at once.
    """

    def __init__(self, store: UsageStore, *, days: int) -> None:
        self._store = store
        self._kept = timedelta(days=days)

    async def ingest(self, grant: Grant, batch: wire.TelemetryBatch, *, now: datetime) -> wire.TelemetryReceipt:
        """Store a batch in the default project of the key; a repeated batch stores nothing and says so."""
        kept = [event for event in batch.events if now - self._kept < event.timestamp < now + _AHEAD]
        stored = await self._store.insert_telemetry(grant, batch, kept)
        return wire.TelemetryReceipt(
            batch_id=batch.batch_id,
            accepted=len(kept) if stored else 0,
            duplicates=0 if stored else len(batch.events),
            dropped=len(batch.events) - len(kept) if stored else 0,
        )
