"""The tables of usage and telemetry."""

from __future__ import annotations

from typing import Final

__all__ = ["USAGE"]

USAGE: Final = (
    """CREATE TABLE usage_counters (
        project_id TEXT NOT NULL, subject TEXT NOT NULL, hour INTEGER NOT NULL, operation TEXT NOT NULL,
        requests INTEGER NOT NULL, errors INTEGER NOT NULL, latency_us INTEGER NOT NULL,
        PRIMARY KEY (project_id, subject, hour, operation)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX usage_counters_by_age ON usage_counters (hour)",
    """CREATE TABLE usage_batches (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, subject TEXT NOT NULL, batch_id TEXT NOT NULL,
        received_at INTEGER NOT NULL, UNIQUE (project_id, subject, batch_id)
    ) STRICT""",
    "CREATE INDEX usage_batches_by_age ON usage_batches (received_at)",
    """CREATE TABLE usage_records (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, batch INTEGER NOT NULL REFERENCES usage_batches(seq) ON DELETE CASCADE,
        project_id TEXT NOT NULL, subject TEXT NOT NULL, at INTEGER NOT NULL, operation TEXT NOT NULL,
        prompt_id TEXT, version TEXT, model_provider TEXT, model_name TEXT, input_tokens INTEGER, output_tokens INTEGER,
        latency_ms REAL, success INTEGER NOT NULL, cost_units INTEGER, cost_nanos INTEGER
    ) STRICT""",
    "CREATE INDEX usage_records_of_batch ON usage_records (batch)",
    "CREATE INDEX usage_records_in_time ON usage_records (project_id, subject, at)",
    """CREATE TABLE telemetry_batches (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, subject TEXT NOT NULL, batch_id TEXT NOT NULL,
        received_at INTEGER NOT NULL, client TEXT, sample_rate REAL, lost INTEGER NOT NULL, events INTEGER NOT NULL,
        bytes INTEGER NOT NULL, document TEXT NOT NULL, UNIQUE (project_id, subject, batch_id)
    ) STRICT""",
    "CREATE INDEX telemetry_batches_by_age ON telemetry_batches (received_at)",
    "CREATE INDEX telemetry_batches_of_project ON telemetry_batches (project_id, seq)",
    "CREATE TABLE telemetry_totals (project_id TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TRIGGER telemetry_came AFTER INSERT ON telemetry_batches BEGIN
        INSERT INTO telemetry_totals VALUES (new.project_id, new.bytes)
        ON CONFLICT (project_id) DO UPDATE SET bytes = bytes + excluded.bytes;
    END""",
    """CREATE TRIGGER telemetry_went AFTER DELETE ON telemetry_batches BEGIN
        UPDATE telemetry_totals SET bytes = bytes - old.bytes WHERE project_id = old.project_id;
    END""",
)
