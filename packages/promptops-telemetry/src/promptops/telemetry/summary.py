"""How telemetry stands at one moment."""

from __future__ import annotations

import msgspec

__all__ = ["TelemetrySummary"]


class TelemetrySummary(msgspec.Struct, frozen=True, kw_only=True):
    """How telemetry stands; ``offered_events`` is always the sum of delivered, dropped and pending.

    Attributes:
        pending_events: Events that wait, or are under way.
        enabled: Whether new events are recorded.
        sample_rate: The share of calls that is recorded, from 0 to 1.
        batch_size: Most events in one batch.
        offered_events: Events recorded since the start.
        delivered_events: Events that arrived.
        dropped_events: Events that were lost: the queue was full, the event or its batch was refused, or time ran out.
        pending_bytes: Size of what is pending.
        last_error: Why the last batch did not arrive, or None when it did.
    """

    pending_events: int
    enabled: bool
    sample_rate: float
    batch_size: int
    offered_events: int = 0
    delivered_events: int = 0
    dropped_events: int = 0
    pending_bytes: int = 0
    last_error: str | None = None
