"""What becomes of a database from before labels."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest
from promptops.prompts.hashing import content_hash
from promptops.server.grants import ALL_SCOPES, Grant
from promptops.server.stores import migrations
from promptops.server.stores._session import connect
from promptops.server.stores.prompt_protocol import PromptDocument, Which
from promptops.server.stores.sqlite import DEFAULT_PROJECT, SqliteStore, database_path

OLD: dict[str, Any] = {
    "content": "Hi {{x}}",
    "messages": [{"role": "user", "content": "Hi {{x}}"}],
    "template_format": "mustache",
    "variables": ["x"],
    "model_specific_prompts": [{"model_provider": "openai", "model_name": "", "content": "o", "instructions": None}],
    "description": "",
    "target_models": [],
    "tags": [],
    "metadata": {},
}


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with one prompt and its record of writes, as the version before labels left it."""
    with monkeypatch.context() as before:
        before.setattr(migrations, "_MIGRATIONS", vars(migrations)["_MIGRATIONS"][:3])
        before.setattr(migrations, "HEAD", 3)
        connection = connect(database_path(tmp_path), readonly=False)
        migrations.migrate(connection)
    connection.execute("INSERT INTO projects VALUES ('project', ?, '', 1)", (DEFAULT_PROJECT,))
    connection.execute("INSERT INTO prompts VALUES ('id', 'project', 'p', 'p', NULL, NULL, 1, 1)")
    document = msgspec.json.encode(OLD).decode()
    connection.execute(
        "INSERT INTO prompt_versions VALUES ('id', '1010100', 'project', '1.0.0', 'active', ?, 'old hash', 1, 1, 1)",
        (document,),
    )
    connection.execute(
        "INSERT INTO audit (project_id, action, kind, object_id, version, content_hash, at)"
        " VALUES ('project', 'created', 'prompt', '00000000-0000-4000-8000-000000000000', '1.0.0', 'old hash', 1)"
    )
    connection.close()
    return tmp_path


def test_prompts_stay_and_get_the_new_hash_and_the_record_stays_as_it_was(old: Path) -> None:
    async def read() -> None:
        store = SqliteStore(old)
        try:
            grant = Grant(projects=("project",), default="project", scopes=ALL_SCOPES)
            prompt = await store.get_prompt(grant, "p", Which())
            assert prompt is not None
            assert (prompt.content, prompt.labels, prompt.tools, prompt.source) == ("Hi {{x}}", [], [], None)
            assert prompt.content_hash == content_hash(msgspec.convert(OLD, PromptDocument))
            entries, _ = await store.list_audit(grant, kind=None, object_id=None, limit=10, before=None)
            assert [(entry.action, entry.label, entry.from_version) for entry in entries] == [("created", None, None)]
        finally:
            store.close()

    asyncio.run(read())
    connection = sqlite3.connect(database_path(old))
    assert connection.execute("SELECT content_hash FROM audit").fetchall() == [("old hash",)]
    connection.close()


def test_the_database_itself_keeps_a_version_under_a_label(old: Path) -> None:
    SqliteStore(old).close()
    connection = connect(database_path(old), readonly=False)
    try:
        connection.execute("INSERT INTO prompt_labels VALUES ('id', 'live', 'project', '1010100', 1, NULL)")
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("DELETE FROM prompt_versions")
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("INSERT INTO prompt_labels VALUES ('id', 'other', 'project', '1090909', 1, NULL)")
    finally:
        connection.close()
