"""Drafts in the store: the database from before them, and drafts that nobody comes back to."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from promptops.server.examples import check_schema, digest_of
from promptops.server.grants import ALL_SCOPES, Grant
from promptops.server.stores import _draft_rows as draft_rows
from promptops.server.stores import migrations
from promptops.server.stores._session import connect
from promptops.server.stores.draft_protocol import NewDraft
from promptops.server.stores.sqlite import DEFAULT_PROJECT, SqliteStore, database_path

pytestmark = pytest.mark.anyio


def new_draft(*, name: str | None = None, dataset_id: str | None = None, **facts: Any) -> NewDraft:
    told: dict[str, Any] = {"example_schema": None, "version_name": None, "publish": False, "mode": "append", **facts}
    return NewDraft(name=name, dataset_id=dataset_id, **told)


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a dataset of two examples, as the version before drafts left it."""
    with monkeypatch.context() as before:
        before.setattr(migrations, "_MIGRATIONS", vars(migrations)["_MIGRATIONS"][:4])
        before.setattr(migrations, "HEAD", 4)
        connection = connect(database_path(tmp_path), readonly=False)
        migrations.migrate(connection)
    connection.execute("INSERT INTO projects VALUES ('project', ?, '', 1)", (DEFAULT_PROJECT,))
    connection.execute("INSERT INTO datasets VALUES (1, 'set', 'project', 'old', 1, 1)")
    connection.execute("INSERT INTO dataset_versions VALUES (1, 'v', 'set', 'project', 'v1', 1, 1)")
    connection.executemany(
        "INSERT INTO examples VALUES ('v', ?, 'project', ?, 1, ?)",
        [("one", 1, '{"q":1,"a":"x"}'), ("two", 2, '{"q":2}')],
    )
    connection.close()
    return tmp_path


async def test_examples_from_before_are_known_by_their_content_and_keep_their_ids(old: Path) -> None:
    store = SqliteStore(old)
    try:
        grant = Grant(projects=("project",), default="project", scopes=ALL_SCOPES)
        dataset = await store.get_dataset(grant, "set")
        assert dataset is not None
        assert [version.name for version in dataset.versions or ()] == ["v1"]
        new = new_draft(dataset_id="set", mode="upsert", examples=[{"a": "x", "q": 1}, {"q": 3}], publish=True)
        done = await store.begin_draft(grant, new, check_schema, None)
        assert done is not None
        assert done.change is not None
        assert (done.change.inserted, done.change.unchanged, done.change.total) == (1, 1, 3)
        rows = await store.list_examples(grant, "set", None, limit=10, after=None)
        assert rows is not None
        assert [bytes(item)[:12] for item in rows.items[:2]] == [b'{"id":"one",', b'{"id":"two",']
    finally:
        store.close()


def test_a_digest_says_the_same_whatever_the_order_of_the_fields() -> None:
    # This value is in databases and ids; it never changes.
    expected = "da6a061ef7a625fd"
    found = digest_of({"b": [1, {"y": None, "x": "é"}], "a": 1.5})
    assert digest_of({"a": 1.5, "b": [1, {"x": "é", "y": None}]}) == found
    assert len(found) == 64
    assert found.startswith(expected)


async def test_a_draft_that_nobody_adds_to_is_forgotten_after_a_day(
    store: SqliteStore, grant: Grant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await store.begin_draft(grant, new_draft(name="left", examples=[{"q": 1}]), check_schema, None)
    assert first is not None
    await store.begin_draft(grant, new_draft(name="other", examples=[{"q": 1}]), check_schema, None)
    assert await store.plan_draft(grant, first.id) is not None  # within its day it stays
    monkeypatch.setattr(draft_rows, "KEEP_SECONDS", 0)
    await store.begin_draft(grant, new_draft(name="third", examples=[{"q": 1}]), check_schema, None)
    assert await store.plan_draft(grant, first.id) is None
    connection = sqlite3.connect(database_path(tmp_path / "data"))
    left = connection.execute("SELECT count(*), (SELECT count(*) FROM examples) FROM datasets").fetchone()
    connection.close()
    assert left == (1, 1)


async def test_published_versions_are_never_forgotten(
    store: SqliteStore, grant: Grant, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = new_draft(name="kept", examples=[{"q": 1}], publish=True)
    made = await store.begin_draft(grant, new, check_schema, None)
    assert made is not None
    monkeypatch.setattr(draft_rows, "KEEP_SECONDS", 0)
    await store.begin_draft(grant, new_draft(name="other", examples=[{"q": 1}]), check_schema, None)
    dataset = await store.get_dataset(grant, made.dataset_id)
    assert dataset is not None
    assert dataset.name == "kept"


async def test_a_plan_leaves_no_trace(store: SqliteStore, grant: Grant) -> None:
    made = await store.begin_draft(
        grant, new_draft(name="set", examples=[{"id": "a", "q": 1}], publish=True), check_schema, None
    )
    assert made is not None
    new = new_draft(dataset_id=made.dataset_id, mode="upsert", examples=[{"id": "a", "q": 1}, {"q": 1}])
    draft = await store.begin_draft(grant, new, check_schema, None)
    assert draft is not None
    plans = [await store.plan_draft(grant, draft.id) for _ in range(2)]
    assert plans[0] == plans[1]
    assert plans[0] is not None
    assert plans[0].change is not None
    assert plans[0].change.unchanged == 2
