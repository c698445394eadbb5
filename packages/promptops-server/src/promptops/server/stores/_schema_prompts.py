"""The tables of labels, and what the record of writes says of them."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec
from promptops.models import prepared
from promptops.prompts.hashing import content_hash
from promptops.server.stores.prompt_protocol import PromptDocument

__all__ = ["PROMPTS", "register"]

_decode = msgspec.json.Decoder(prepared(PromptDocument)).decode

PROMPTS: Final = (
    """CREATE TABLE prompt_labels (
        prompt_id TEXT NOT NULL REFERENCES prompts(id), label TEXT NOT NULL, project_id TEXT NOT NULL,
        sort_key TEXT NOT NULL, moved_at INTEGER NOT NULL, moved_by TEXT, PRIMARY KEY (prompt_id, label),
        FOREIGN KEY (prompt_id, sort_key) REFERENCES prompt_versions (prompt_id, sort_key)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX prompt_labels_of_version ON prompt_labels (prompt_id, sort_key)",
    "ALTER TABLE audit ADD COLUMN label TEXT",
    "ALTER TABLE audit ADD COLUMN from_version TEXT",
    "CREATE INDEX audit_by_object ON audit (object_id, seq)",
    # The hash covers more than it did; the record of writes keeps what it was told.
    "UPDATE prompt_versions SET content_hash = promptops_content_hash(document)",
)


def register(connection: sqlite3.Connection) -> None:
    """Give the migration the function that it calls."""
    connection.create_function("promptops_content_hash", 1, _hash_of, deterministic=True)


def _hash_of(document: str) -> str:
    return content_hash(_decode(document))
