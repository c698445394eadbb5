"""Usage and telemetry in SQLite: counters by the hour, reported records, batches of events, and how long they stay."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.settings import Retention
from promptops.server.stores._base import SqliteBase
from promptops.server.stores._session import Session
from promptops.server.stores.scope import Scoped
from promptops.server.stores.usage_rows import HourlyCount, OperationCount, ReportedTotals, UsageCell, UsageCounts
from promptops.server.times import HOUR, microseconds

__all__ = ["SqliteUsage"]

_encode = msgspec.json.Encoder().encode
_DAY: Final = 86_400_000_000
_EXPIRY_PAUSE: Final = 60.0
_TRIM: Final = 64
_ADD: Final = Scoped(
    "INSERT INTO usage_counters VALUES (:project_id, :subject, :hour, :operation, :requests, :errors, :latency_us)"
    " ON CONFLICT (project_id, subject, hour, operation) DO UPDATE SET requests = requests + excluded.requests,"
    " errors = errors + excluded.errors, latency_us = latency_us + excluded.latency_us"
)
_COUNTED: Final = (
    "sum(u.requests), sum(u.errors), sum(u.latency_us) FROM usage_counters u"
    " WHERE u.subject = :subject AND u.hour >= :start AND u.hour < :end AND {u:granted}"
)
_BY_HOUR: Final = Scoped(f"SELECT u.hour, {_COUNTED} GROUP BY u.hour ORDER BY u.hour")
_BY_OPERATION: Final = Scoped(f"SELECT u.operation, {_COUNTED} GROUP BY u.operation ORDER BY u.operation")
_HAS_USAGE: Final = Scoped(
    "SELECT 1 FROM usage_batches b WHERE b.project_id = :project AND b.subject = :subject AND b.batch_id = :batch_id"
    " AND {b:granted}"
)
_USAGE_BATCH: Final = Scoped(
    "INSERT INTO usage_batches (project_id, subject, batch_id, received_at)"
    " VALUES (:project_id, :subject, :batch_id, :now)"
)
_USAGE_RECORD: Final = Scoped(
    "INSERT INTO usage_records (batch, project_id, subject, at, operation, prompt_id, version, model_provider,"
    " model_name, input_tokens, output_tokens, latency_ms, success, cost_units, cost_nanos)"
    " VALUES ((SELECT seq FROM usage_batches WHERE project_id = :project_id AND subject = :subject"
    " AND batch_id = :batch_id), :project_id, :subject, :at, :operation, :prompt_id, :version, :model_provider,"
    " :model_name, :input_tokens, :output_tokens, :latency_ms, :success, :cost_units, :cost_nanos)"
)
_REPORTED: Final = Scoped(
    "SELECT count(*), count(*) - coalesce(sum(r.success), 0), coalesce(sum(r.input_tokens), 0),"
    " coalesce(sum(r.output_tokens), 0), count(r.cost_units), coalesce(sum(r.cost_units), 0),"
    " coalesce(sum(r.cost_nanos), 0) FROM usage_records r"
    " WHERE r.subject = :subject AND r.at >= :start AND r.at < :end AND {r:granted}"
)
_HAS_EVENTS: Final = Scoped(
    "SELECT 1 FROM telemetry_batches b WHERE b.project_id = :project AND b.subject = :subject"
    " AND b.batch_id = :batch_id AND {b:granted}"
)
_EVENTS: Final = Scoped(
    "INSERT INTO telemetry_batches (project_id, subject, batch_id, received_at, client, sample_rate, lost, events,"
    " bytes, document) VALUES (:project_id, :subject, :batch_id, :now, :client, :sample_rate, :lost, :events, :bytes,"
    " :document)"
)
_TOTAL: Final = Scoped("SELECT t.bytes FROM telemetry_totals t WHERE t.project_id = :project AND {t:granted}")
_OLDEST: Final = Scoped(
    "SELECT b.seq, b.bytes FROM telemetry_batches b WHERE b.project_id = :project AND {b:granted}"
    " ORDER BY b.seq LIMIT :limit"
)
_FORGET: Final = Scoped(
    "DELETE FROM telemetry_batches AS b WHERE b.project_id = :project AND b.seq <= :seq AND {b:granted}"
)


class SqliteUsage(SqliteBase):
    """See :class:`promptops.server.stores.protocol.UsageStore`."""

    retention: Retention = Retention()
    _next_expiry = 0.0

    async def add_usage(self, cells: Sequence[UsageCell]) -> None:
        """Add counts to those of their hour; now and then, forget what is older than the retention."""
        rows = [msgspec.structs.asdict(cell) for cell in cells]

        def work(session: Session) -> None:
            session.run_many(_ADD, rows)
            self._expire_when_due(session)

        await self._write(None, work)

    async def usage_counts(self, grant: Grant, *, start: int, end: int) -> UsageCounts:
        """The counts of the key from an hour (inclusive) to another (exclusive), in hours since 1970."""
        values = {"subject": grant.subject or "", "start": start, "end": end}

        def work(session: Session) -> UsageCounts:
            return UsageCounts(
                hours=[HourlyCount(*row) for row in session.all(_BY_HOUR, grant, **values)],
                operations=[OperationCount(*row) for row in session.all(_BY_OPERATION, grant, **values)],
            )

        return await self._listing(work)

    async def insert_usage_records(self, grant: Grant, batch_id: str, records: Sequence[wire.UsageRecord]) -> bool:
        """Store reported records once; False when the batch was stored before."""
        batch = {"subject": grant.subject or "", "batch_id": batch_id}
        rows = [{**batch, "project_id": grant.default, **_record(record)} for record in records]

        def work(session: Session) -> bool:
            if session.one(_HAS_USAGE, grant, project=grant.default, **batch) is not None:
                return False
            session.run(_USAGE_BATCH, grant, project_id=grant.default, now=session.now(), **batch)
            session.run_many(_USAGE_RECORD, rows)
            return True

        return await self._write(None, work)

    async def reported_usage(self, grant: Grant, *, start: int, end: int) -> ReportedTotals:
        """What the key reported between two moments, in hours since 1970."""
        values = {"subject": grant.subject or "", "start": start * HOUR, "end": end * HOUR}

        def work(session: Session) -> ReportedTotals:
            row = session.one(_REPORTED, grant, **values)
            return ReportedTotals(*(row or (0,) * 7))

        return await self._listing(work)

    async def insert_telemetry(
        self, grant: Grant, batch: wire.TelemetryBatch, events: Sequence[wire.TelemetryEvent]
    ) -> bool:
        """Store those events of a batch once; False when the batch was stored before.

        The oldest batches of the project go when it holds more than the retention allows.
        """
        document = _encode(events).decode()
        key = {"subject": grant.subject or "", "batch_id": batch.batch_id}
        values: dict[str, Any] = {
            **key,
            "project_id": grant.default,
            "client": batch.client,
            "sample_rate": batch.sample_rate,
            "lost": batch.dropped,
            "events": len(events),
            "bytes": len(document.encode()) + 256,  # of the row itself, about
            "document": document,
        }

        def work(session: Session) -> bool:
            if session.one(_HAS_EVENTS, grant, project=grant.default, **key) is not None:
                return False
            session.run(_EVENTS, grant, now=session.now(), **values)
            self._trim(session, grant)
            return True

        return await self._write(None, work)

    def _trim(self, session: Session, grant: Grant) -> None:
        row = session.one(_TOTAL, grant, project=grant.default)
        over = (0 if row is None else int(row[0])) - self.retention.telemetry_bytes
        while over > 0:
            oldest = session.all(_OLDEST, grant, project=grant.default, limit=_TRIM + 1)
            last: int | None = None
            for seq, size in oldest[:-1][:_TRIM]:  # the newest stays, however large
                if over <= 0:
                    break
                last, over = seq, over - size
            if last is None:
                return
            session.run(_FORGET, grant, project=grant.default, seq=last)

    def _expire_when_due(self, session: Session) -> None:
        if time.monotonic() < self._next_expiry:
            return
        self._next_expiry = time.monotonic() + _EXPIRY_PAUSE
        now, kept = session.now(), self.retention
        session.expire("telemetry_batches", "received_at", now - kept.telemetry_days * _DAY)
        session.expire("usage_batches", "received_at", now - kept.usage_days * _DAY)
        session.expire("usage_counters", "hour", (now - kept.usage_days * _DAY) // HOUR)


def _record(record: wire.UsageRecord) -> dict[str, Any]:
    units, _, fraction = (record.cost or "").partition(".")
    return {
        "at": microseconds(record.timestamp),
        "operation": record.operation,
        "prompt_id": record.prompt_id,
        "version": record.version,
        "model_provider": record.model_provider,
        "model_name": record.model_name,
        "input_tokens": record.input_tokens,
        "output_tokens": record.output_tokens,
        "latency_ms": record.latency_ms,
        "success": record.success,
        # Two whole numbers, so that sums are exact and cannot overflow.
        "cost_units": int(units) if units else None,
        "cost_nanos": int(fraction.strip().ljust(9, "0")) if units else None,
    }
