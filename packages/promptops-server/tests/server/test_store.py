"""What every store promises, on a real SQLite file."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from promptops.core.errors import ConfigurationError, ConflictError, ServerError
from promptops.server import wire
from promptops.server.grants import ALL_SCOPES, Grant
from promptops.server.idempotency import IdempotencyMismatch, Once, Replayed
from promptops.server.stores._session import Session, connect
from promptops.server.stores.migrations import HEAD, migrate
from promptops.server.stores.protocol import Current, PromptChange, PromptDocument, PromptFilter, Which
from promptops.server.stores.sqlite import SqliteStore, database_path, has_wal_reset_bug

pytestmark = pytest.mark.anyio
STRANGER = Grant(projects=("elsewhere",), default="elsewhere", scopes=ALL_SCOPES)


def change(name: str = "greeting", version: str = "1.0.0", *, text: str = "hi", new: bool = True) -> PromptChange:
    document = PromptDocument(
        content=text,
        messages=None,
        template_format="mustache",
        variables=[],
        model_specific_prompts=[],
        description="",
        target_models=[],
        tags=["a", "b"],
        metadata={},
    )
    return PromptChange(
        name=name, module_id=None, version=version, document=document, content_hash=text, new_version=new
    )


def to(version: str) -> Callable[[Current], PromptChange]:
    return lambda _: change(version=version)


def unchecked(current: wire.PromptResponse, labels: Sequence[str]) -> None:
    pass


def accept(runs: Sequence[wire.JsonObject], known: set[str] | None) -> None:
    pass


async def insert(store: SqliteStore, grant: Grant, slug: str, made: PromptChange, once: Once | None = None) -> str:
    prompt = await store.insert_prompt(grant, str(uuid.uuid4()), slug, lambda _: made, once)
    return prompt.id


async def test_a_prompt_is_found_by_id_and_by_slug_and_only_within_the_grant(store: SqliteStore, grant: Grant) -> None:
    made = await insert(store, grant, "team/greeting", change())
    for reference in (made, made.upper(), "team/greeting"):
        found = await store.get_prompt(grant, reference, Which())
        assert found is not None
        assert found.id == made
        assert await store.get_prompt(STRANGER, reference, Which()) is None


async def test_latest_is_the_highest_version_and_prereleases_come_last(store: SqliteStore, grant: Grant) -> None:
    await insert(store, grant, "p", change(version="1.9.0"))
    for version in ("1.10.0", "2.0.0-rc.1", "1.2.0"):
        await store.change_prompt(grant, "p", None, to(version), None)
    latest = await store.get_prompt(grant, "p", Which())
    assert latest is not None
    assert latest.version == "1.10.0"
    listed = await store.list_versions(grant, "p", limit=10, offset=0)
    assert listed is not None
    assert [prompt.version for prompt in listed[0]] == ["1.10.0", "1.9.0", "1.2.0", "2.0.0-rc.1"]
    assert listed[1] == 4


async def test_a_slug_is_never_a_prefix_of_another(store: SqliteStore, grant: Grant) -> None:
    await insert(store, grant, "foo-v2x", change("other"))
    assert await store.get_prompt(grant, "foo", Which()) is None


async def test_names_slugs_and_versions_are_unique(store: SqliteStore, grant: Grant) -> None:
    await insert(store, grant, "p", change("name"))
    with pytest.raises(ConflictError, match="slug 'p'"):
        await insert(store, grant, "p", change("else"))
    with pytest.raises(ConflictError, match="named 'name'"):
        await insert(store, grant, "q", change("name"))
    with pytest.raises(ConflictError, match=r"Version 1\.0\.0"):
        await store.change_prompt(grant, "p", None, lambda _: change("name"), None)


async def test_an_edit_in_place_changes_the_tag_and_keeps_the_creation(store: SqliteStore, grant: Grant) -> None:
    await insert(store, grant, "p", change())
    before = await store.get_prompt(grant, "p", Which())
    after = await store.change_prompt(grant, "p", "1.0.0", lambda _: change(text="new", new=False), None)
    assert before is not None
    assert after is not None
    assert after.content == "new"
    assert after.etag != before.etag
    assert after.created_at == before.created_at
    assert after.updated_at > before.updated_at


async def test_a_new_name_changes_the_tag_of_every_version(store: SqliteStore, grant: Grant) -> None:
    await insert(store, grant, "p", change())
    await store.change_prompt(grant, "p", None, lambda _: change(version="1.0.1"), None)
    old = await store.get_prompt(grant, "p", Which(version="1.0.0"))
    await store.change_prompt(grant, "p", "1.0.1", lambda _: change("renamed", "1.0.1", new=False), None)
    new = await store.get_prompt(grant, "p", Which(version="1.0.0"))
    assert old is not None
    assert new is not None
    assert new.name == "renamed"
    assert new.etag != old.etag


async def test_what_a_refused_change_wrote_is_gone(store: SqliteStore, grant: Grant) -> None:
    await insert(store, grant, "p", change("name"))
    with pytest.raises(ConflictError):
        await store.change_prompt(grant, "p", None, lambda _: change("renamed", "1.0.0"), None)
    found = await store.get_prompt(grant, "p", Which())
    assert found is not None
    assert found.name == "name"


async def test_the_last_version_takes_the_prompt_with_it(store: SqliteStore, grant: Grant) -> None:
    await insert(store, grant, "p", change())
    await store.change_prompt(grant, "p", None, lambda _: change(version="1.0.1"), None)
    assert await store.delete_prompt(grant, "p", "1.0.1", unchecked, None) == wire.PromptDeleted(
        deleted=True, versions=["1.0.1"]
    )
    assert await store.delete_prompt(grant, "p", "1.0.1", unchecked, None) is None
    assert await store.delete_prompt(grant, "p", "1.0.0", unchecked, None) == wire.PromptDeleted(
        deleted=True, versions=["1.0.0"]
    )
    assert await store.get_prompt(grant, "p", Which()) is None
    await insert(store, grant, "p", change())


@pytest.mark.parametrize(
    ("query", "tags", "expected"),
    [
        (None, (), ["a%b", "alpha", "beta"]),
        ("ALPHA", (), ["alpha"]),
        ("%", (), ["a%b"]),
        ("_", (), []),
        ("secret text", (), ["beta"]),
        (None, ("a",), ["a%b", "alpha", "beta"]),
        (None, ("a", "b"), ["a%b", "alpha", "beta"]),
        (None, ("a", "c"), []),
        ("' OR 1=1 --", (), []),
    ],
)
async def test_lists_are_filtered(
    store: SqliteStore, grant: Grant, query: str | None, tags: tuple[str, ...], expected: list[str]
) -> None:
    await insert(store, grant, "one", change("alpha"))
    await insert(store, grant, "two", change("beta", text="a secret text"))
    await insert(store, grant, "three", change("a%b"))
    wanted = PromptFilter(module_id=None, query=query, tags=tags, sort_by="name", descending=False, limit=10, offset=0)
    found, total = await store.list_prompts(grant, wanted)
    assert [prompt.name for prompt in found] == expected
    assert total == len(expected)
    assert await store.list_prompts(STRANGER, wanted) == ([], 0)


async def test_examples_come_back_in_the_order_given_over_pages(store: SqliteStore, grant: Grant) -> None:
    dataset = await store.insert_dataset(grant, "d", [{"n": index} for index in range(250)], None)
    inserted = await store.insert_examples(grant, dataset.id, None, [{"n": index} for index in range(250, 300)], None)
    assert inserted is not None
    seen: list[int] = []
    after = None
    while True:
        rows = await store.list_examples(grant, dataset.id, None, limit=70, after=after)
        assert rows is not None
        seen.extend(int(bytes(item).rsplit(b":", 1)[1].rstrip(b"}")) for item in rows.items)
        if rows.after is None:
            break
        after = rows.after
    assert seen == list(range(300))


async def test_the_versions_of_another_dataset_are_not_taken(store: SqliteStore, grant: Grant) -> None:
    one = await store.insert_dataset(grant, "one", [{"a": 1}], None)
    two = await store.insert_dataset(grant, "two", [{"a": 1}], None)
    assert isinstance(two.versions, list)
    other = two.versions[0].id
    assert await store.list_examples(grant, one.id, other, limit=1, after=None) is None
    assert await store.insert_examples(grant, one.id, other, [{"a": 2}], None) is None


async def test_deleting_a_dataset_takes_its_experiments(store: SqliteStore, grant: Grant) -> None:
    dataset = await store.insert_dataset(grant, "d", [{"a": 1}], None)
    made = await store.insert_experiment(grant, "x", dataset.id, runs=[{"output": "1"}], check=accept, once=None)
    assert made is not None
    assert await store.delete_dataset(STRANGER, dataset.id, None) is None
    assert await store.delete_dataset(grant, dataset.id, None) is True
    assert await store.get_experiment(grant, made.id) is None
    assert await store.list_runs(grant, made.id, limit=1, after=None) is None


async def test_experiment_names_are_unique_per_dataset_or_per_space(store: SqliteStore, grant: Grant) -> None:
    async def make(dataset_id: str | None) -> wire.Experiment | None:
        runs: list[wire.JsonObject] = [{"output": "1"}]
        return await store.insert_experiment(grant, "x", dataset_id, runs=runs, check=accept, once=None)

    one = await store.insert_dataset(grant, "one", [{"a": 1}], None)
    two = await store.insert_dataset(grant, "two", [{"a": 1}], None)
    for place in (one.id, two.id, None):
        assert await make(place) is not None
        with pytest.raises(ConflictError, match="named 'x'"):
            await make(place)


def once(key: str = "k", fingerprint: bytes = b"1", owner: str = "me") -> Once:
    return Once(owner=owner, key=key, fingerprint=fingerprint, status=201, encode=lambda made: made.id.encode())


async def test_a_write_with_a_key_happens_once_and_is_answered_alike(store: SqliteStore, grant: Grant) -> None:
    made = await insert(store, grant, "p", change(), once())
    with pytest.raises(Replayed) as replayed:
        await insert(store, grant, "p", change(), once())
    assert replayed.value.body == made.encode()
    assert replayed.value.status == 201
    with pytest.raises(IdempotencyMismatch):
        await insert(store, grant, "q", change("q"), once(fingerprint=b"2"))
    await insert(store, grant, "r", change("r"), once(owner="you"))


async def test_a_refused_write_leaves_its_key_free(store: SqliteStore, grant: Grant) -> None:
    await insert(store, grant, "p", change())
    with pytest.raises(ConflictError):
        await insert(store, grant, "p", change(), once())
    await insert(store, grant, "q", change("q"), once())


async def test_fifty_at_once_with_one_key_write_one_row(store: SqliteStore, grant: Grant) -> None:
    results = await asyncio.gather(
        *(insert(store, grant, "p", change(), once()) for _ in range(50)), return_exceptions=True
    )
    assert sum(isinstance(result, str) for result in results) == 1
    assert sum(isinstance(result, Replayed) for result in results) == 49


async def test_writes_that_wait_together_are_committed_together_and_fail_alone(
    store: SqliteStore, grant: Grant
) -> None:
    names = [f"n{index % 40}" for index in range(80)]
    results = await asyncio.gather(
        *(insert(store, grant, f"s{index}", change(name)) for index, name in enumerate(names)), return_exceptions=True
    )
    assert sum(isinstance(result, str) for result in results) == 40
    assert sum(isinstance(result, ConflictError) for result in results) == 40
    wanted = PromptFilter(module_id=None, query=None, tags=(), sort_by="name", descending=False, limit=99, offset=0)
    assert (await store.list_prompts(grant, wanted))[1] == 40


async def test_eight_writers_that_read_first_never_meet_a_lock(store: SqliteStore, grant: Grant) -> None:
    await insert(store, grant, "p", change())

    async def bump(writer: int) -> None:
        for turn in range(25):
            await store.change_prompt(grant, "p", None, to(f"2.{writer}.{turn}"), None)

    await asyncio.gather(*(bump(writer) for writer in range(8)))
    listed = await store.list_versions(grant, "p", limit=1, offset=0)
    assert listed is not None
    assert listed[1] == 201


async def test_a_caller_that_goes_away_does_not_stop_the_writer(store: SqliteStore, grant: Grant) -> None:
    task = asyncio.create_task(insert(store, grant, "p", change()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await insert(store, grant, "q", change("q"))


async def test_a_closed_store_refuses_writes(store: SqliteStore, grant: Grant) -> None:
    await store.aclose()
    await store.aclose()
    with pytest.raises(ServerError, match="shutting down"):
        await insert(store, grant, "p", change())


async def test_the_write_ahead_log_is_kept_short(store: SqliteStore, grant: Grant, tmp_path: Path) -> None:
    big = "x" * 200_000
    for index in range(60):
        await insert(store, grant, f"s{index}", change(f"n{index}", text=big))
    wal = database_path(tmp_path / "data").with_name("promptops.db-wal")
    assert wal.stat().st_size < 12 * 1024 * 1024


def test_reading_connections_cannot_write(store: SqliteStore, tmp_path: Path) -> None:
    connection = connect(database_path(tmp_path / "data"), readonly=True)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM projects")
    connection.close()


def test_times_of_one_process_never_repeat() -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        session = Session(connection)
        times = [session.now(3) for _ in range(1000)]
    assert all(later - earlier >= 3 for earlier, later in pairwise(times))


def test_a_second_server_on_the_directory_is_refused(store: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Another PromptOps server"):
        SqliteStore(tmp_path / "data")


def test_data_survives_closing(tmp_path: Path) -> None:
    async def write() -> str:
        store = SqliteStore(tmp_path)
        default = await store.default_project()
        made = await insert(store, Grant(projects=(default,), default=default, scopes=ALL_SCOPES), "p", change())
        store.close()
        return made

    async def read(made: str) -> None:
        store = SqliteStore(tmp_path)
        default = await store.default_project()
        grant = Grant(projects=(default,), default=default, scopes=ALL_SCOPES)
        assert await store.get_prompt(grant, made, Which()) is not None
        store.close()

    asyncio.run(read(asyncio.run(write())))


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    SqliteStore(tmp_path).close()
    connection = sqlite3.connect(database_path(tmp_path))
    connection.execute("INSERT INTO schema_version VALUES (?, 0)", (HEAD + 1,))
    connection.commit()
    connection.close()
    with pytest.raises(ConfigurationError, match="newer promptops-server"):
        SqliteStore(tmp_path)


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        SqliteStore(tmp_path / "file")
    (tmp_path / "promptops.db").write_text("this is no database, and long enough to be seen as one that is broken")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        SqliteStore(tmp_path)


def test_a_migration_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("promptops.server.stores.migrations._MIGRATIONS", (("CREATE TABLE a (x)", "nonsense"),))
    monkeypatch.setattr("promptops.server.stores.migrations.HEAD", 1)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection)
    assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'a'").fetchall() == []
    assert connection.execute("SELECT count(*) FROM schema_version").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
    ],
)
def test_versions_of_sqlite_that_lose_commits_are_known(version: tuple[int, ...], affected: bool) -> None:
    assert has_wal_reset_bug(version) is affected
