"""What a store tells of its commits: every change of a prompt, once it stands, and nothing else."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from promptops.core.errors import ConfigurationError, ConflictError
from promptops.server import wire
from promptops.server.app import create_app
from promptops.server.changes import Changed
from promptops.server.grants import Grant
from promptops.server.idempotency import Once, Replayed
from promptops.server.settings import Settings
from promptops.server.stores.protocol import PromptChange, PromptDocument, StoredLabel, Which
from promptops.server.stores.sqlite import SqliteStore

pytestmark = pytest.mark.anyio


def change(version: str = "1.0.0", *, name: str = "greeting", new: bool = True) -> PromptChange:
    document = PromptDocument(
        content="hi",
        messages=None,
        template_format="mustache",
        variables=[],
        model_specific_prompts=[],
        description="",
        target_models=[],
        tags=[],
        metadata={},
    )
    return PromptChange(
        name=name, module_id=None, version=version, document=document, content_hash="x", new_version=new
    )


def allow(current: wire.PromptResponse, labels: Sequence[str]) -> None:
    """Whatever it is, it may go."""


@pytest.fixture
def told(store: SqliteStore) -> list[Changed]:
    heard: list[Changed] = []
    store.listen(heard.extend)
    return heard


async def create(store: SqliteStore, grant: Grant, once: Once | None = None) -> str:
    prompt = await store.insert_prompt(grant, str(uuid.uuid4()), "greeting", lambda _: change(), once)
    return prompt.id


async def test_every_kind_of_write_is_told_with_project_slug_and_version(
    store: SqliteStore, grant: Grant, told: list[Changed]
) -> None:
    id_ = await create(store, grant)
    await store.change_prompt(grant, "greeting", None, lambda _: change("1.1.0"), None)
    await store.change_prompt(grant, id_, "1.0.0", lambda _: change("1.0.0", new=False), None)
    await store.delete_prompt(grant, id_, "1.0.0", allow, None)
    await store.delete_prompt(grant, "greeting", None, allow, None)
    project = grant.default
    versions = ["1.0.0", "1.1.0", "1.0.0", "1.0.0", None]
    assert told == [
        Changed(project_id=project, prompt_id=id_, slug="greeting", version=version) for version in versions
    ]


def shown(label: StoredLabel) -> wire.PromptLabel:
    return wire.PromptLabel(
        label=label.label, version=label.version, protected=False, updated_at=label.moved_at, updated_by=None
    )


async def test_moving_and_removing_a_label_is_told_and_leaving_it_where_it_is_is_not(
    store: SqliteStore, grant: Grant, told: list[Changed]
) -> None:
    id_ = await create(store, grant)
    await store.change_prompt(grant, "greeting", None, lambda _: change("1.1.0"), None)
    told.clear()
    for version in ("1.0.0", "1.0.0", "1.1.0"):
        await store.move_label(grant, "greeting", "production", version, check=lambda _: None, finish=shown, once=None)
    assert await store.remove_label(grant, "greeting", "production", None) is not None
    assert [(one.slug, one.prompt_id, one.version) for one in told] == [
        ("greeting", id_, version) for version in ("1.0.0", "1.1.0", None)
    ]


async def test_a_write_that_failed_is_not_told(store: SqliteStore, grant: Grant, told: list[Changed]) -> None:
    await create(store, grant)
    told.clear()

    def refuse(current: wire.PromptResponse, labels: Sequence[str]) -> None:
        raise ConflictError("no")

    with pytest.raises(ConflictError):
        await store.delete_prompt(grant, "greeting", None, refuse, None)
    with pytest.raises(ConflictError):
        await store.change_prompt(grant, "greeting", None, lambda _: change("1.0.0"), None)
    assert await store.delete_prompt(grant, "absent", None, allow, None) is None
    assert not told


async def test_work_that_is_rolled_back_after_it_was_noted_is_not_told(
    store: SqliteStore, grant: Grant, told: list[Changed]
) -> None:
    def fail(result: object) -> bytes:
        raise ConflictError("no answer can be stored")

    once = Once(owner="me", key="k", fingerprint=b"f", status=201, encode=fail)
    with pytest.raises(ConflictError):
        await create(store, grant, once)
    assert not told
    await create(store, grant)
    assert len(told) == 1


async def test_a_repeated_request_is_told_once(store: SqliteStore, grant: Grant, told: list[Changed]) -> None:
    once = Once(owner="me", key="k", fingerprint=b"f", status=201, encode=lambda _: b"{}")
    await create(store, grant, once)
    with pytest.raises(Replayed):
        await create(store, grant, once)
    assert len(told) == 1


async def test_a_write_is_told_although_its_caller_went_away(
    store: SqliteStore, grant: Grant, told: list[Changed]
) -> None:
    task = asyncio.create_task(create(store, grant))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.change_prompt(grant, "greeting", None, lambda _: change("1.1.0"), None)
    assert [changed.version for changed in told] == ["1.0.0", "1.1.0"]


async def test_writes_of_other_things_are_not_told(store: SqliteStore, grant: Grant, told: list[Changed]) -> None:
    await store.insert_dataset(grant, "data", [], None)
    assert not told


async def test_a_listener_that_fails_harms_no_write(store: SqliteStore, grant: Grant) -> None:
    def fail(changes: list[Changed]) -> None:
        raise RuntimeError("broken listener")

    store.listen(fail)
    id_ = await create(store, grant)
    assert await store.get_prompt(grant, id_, Which()) is not None


def test_publishing_without_redis_py_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    app = create_app(Settings(data_dir=tmp_path, redis_url="redis://:s3cret@localhost"))
    with pytest.raises(ConfigurationError, match=r"pip install 'promptops-server\[redis\]'") as caught:
        app.open()
    assert "s3cret" not in str(caught.value)
    app.close()


def test_settings_do_not_show_the_password_of_redis(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, redis_url="redis://:s3cret@localhost")
    assert "s3cret" not in repr(settings)
    assert "redis_url='***'" in repr(settings)
    assert "redis_url=None" in repr(Settings(data_dir=tmp_path))
