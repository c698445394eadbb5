"""Folders of prompt files, locks and bundles against a running server, in async and in blocking form."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import pytest
from promptops.client import ClientConfig, PromptOpsClient, SyncPromptOpsClient
from promptops.core.errors import NetworkError, PromptNotFoundError, ValidationError
from promptops.prompts import AsyncPrompts
from promptops.prompts.files import (
    AsyncPromptFiles,
    AsyncPromptLocks,
    Bundle,
    PromptFolder,
    SyncPromptFiles,
    SyncPromptLocks,
    SyncReport,
    format_document,
    parse_document,
    plan_pull,
    plan_push,
    read_lock,
    write_bundle,
    write_lock,
)
from promptops.prompts.files.state import STATE_FILE
from promptops.server import EmbeddedServer

pytestmark = pytest.mark.anyio
T = TypeVar("T")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def settled(value: T | Awaitable[T]) -> T:
    return await cast("Awaitable[T]", value) if inspect.isawaitable(value) else value


class Side:
    """One kind of client, used alike for both kinds: ``await side.push()``."""

    def __init__(self, client: PromptOpsClient | SyncPromptOpsClient, folder: Path) -> None:
        self.client = client
        self.folder = PromptFolder(folder)
        if isinstance(client, PromptOpsClient):
            self.files: AsyncPromptFiles | SyncPromptFiles = AsyncPromptFiles(client.prompts, self.folder)
            self.locks: AsyncPromptLocks | SyncPromptLocks = AsyncPromptLocks(client.prompts)
        else:
            self.files, self.locks = SyncPromptFiles(client.prompts, self.folder), SyncPromptLocks(client.prompts)

    async def push(self, **options: Any) -> SyncReport:
        return await settled(self.files.push(**options))

    async def pull(self, **options: Any) -> SyncReport:
        return await settled(self.files.pull(**options))

    async def actions(self) -> dict[str, str]:
        return {step.slug: step.action for step in (await settled(self.files.status())).steps}

    async def call(self, method: str, *args: Any, **options: Any) -> Any:
        return await settled(getattr(self.client.prompts, method)(*args, **options))

    async def text(self, slug: str, **options: Any) -> str:
        return str((await self.call("get", slug, use_cache=False, **options)).content)

    def write(self, slug: str, text: str) -> Path:
        file = self.folder.path / f"{slug}.prompt.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
        return file

    def read(self, slug: str) -> str:
        return (self.folder.path / f"{slug}.prompt.md").read_text(encoding="utf-8")


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


@pytest.fixture(params=["async", "sync"])
async def side(request: pytest.FixtureRequest, server: EmbeddedServer, tmp_path: Path) -> AsyncIterator[Side]:
    config = ClientConfig(base_url=server.url, read_environment=False)
    if request.param == "async":
        async with PromptOpsClient(config) as client:
            yield Side(client, tmp_path / "prompts")
    else:
        with SyncPromptOpsClient(config) as blocking:
            yield Side(blocking, tmp_path / "prompts")


def done(report: SyncReport) -> dict[str, str]:
    assert not report.errors, report.errors
    return {item.slug: item.action for item in report.done}


async def test_a_folder_is_pushed_and_comes_back_as_it_was(side: Side, tmp_path: Path) -> None:
    side.write("team/greeting", "---\nname: Greeting\ntags: [a]\n---\n\nHello {{ name }}\n")
    side.write(
        "chat",
        "---\ntools:\n  - name: find\n    parameters: {type: object}\nmodel: {model: m, temperature: 0.5}\n"
        "schema: {type: object, properties: {q: {type: string}}}\nresponse_format: {type: json_object}\n"
        "variants:\n  - {model_provider: anthropic, content: '{{ q }}!'}\n---\n"
        "\n::: system\nBe brief.\n\n::: placeholder history\n\n::: user\n{{ q }}\n",
    )
    assert done(await side.push()) == {"team/greeting": "create", "chat": "create"}
    assert await side.actions() == {"team/greeting": "unchanged", "chat": "unchanged"}
    assert done(await side.push()) == {}
    other = Side(side.client, tmp_path / "other")
    assert done(await other.pull()) == {"team/greeting": "pull", "chat": "pull"}
    for slug in ("team/greeting", "chat"):
        mine, theirs = side.folder.read(slug), other.folder.read(slug)
        assert mine is not None
        assert theirs is not None
        assert theirs.fingerprint == mine.fingerprint
    assert await other.actions() == {"team/greeting": "unchanged", "chat": "unchanged"}


@pytest.mark.parametrize(
    "text", ["a\r\nb\r\n", "\n\n---\n::: user\n", "\\::: x", "Zoë 🎈\u2028\t\x01", "", "\n", "x\n\n"]
)
async def test_any_text_survives_server_and_file(side: Side, text: str, tmp_path: Path) -> None:
    await side.call("create", "text", content=text, template_format="none")
    await side.pull()
    found = side.folder.read("text")
    assert found is not None
    assert found.content == text
    assert done(await side.push()) == {}
    assert await side.text("text") == text


async def test_an_edit_makes_a_new_version_and_takes_away_what_was_left_out(side: Side) -> None:
    side.write("a", "---\ntags: [x]\ndescription: d\nmodel: {model: m}\n---\n\none {{ v }}\n")
    await side.push()
    side.write("a", "::: user\ntwo\n")
    report = await side.push(bump="minor")
    assert done(report) == {"a": "push"}
    assert report.done[0].version == "1.1.0"
    now = await side.call("get", "a", use_cache=False)
    assert (now.tags, now.description, now.model_settings, now.variables) == ([], "", None, [])
    assert [message.content for message in now.messages] == ["two"]
    side.write("a", "three\n")
    await side.push()
    now = await side.call("get", "a", use_cache=False)
    assert (now.messages, now.content, now.version) == (None, "three", "1.1.1")
    assert await side.text("a", version="1.0.0") == "one {{ v }}"


async def test_edits_on_both_sides_are_shown_and_nothing_is_lost(side: Side) -> None:
    side.write("greeting", "---\nname: Greeting\n---\n\nHello\n")
    await side.push()
    await side.call("update", "greeting", content="Hello from the server")
    mine = "---\nname: Greeting\n---\n\nHello from the file\n"
    side.write("greeting", mine)

    for report in (await side.push(), await side.pull(), await side.push(dry_run=True)):
        assert not report.ok
        (conflict,) = report.conflicts
        assert conflict.action == "conflict"
        assert conflict.three_way is not None
        assert parse_document(conflict.three_way.base or "", where="base").content == "Hello"
        assert parse_document(conflict.three_way.local or "", where="local").content == "Hello from the file"
        assert parse_document(conflict.three_way.remote or "", where="remote").content == "Hello from the server"
        shown = conflict.three_way.unified()
        assert "-Hello\n+Hello from the file\n" in shown
        assert "-Hello\n+Hello from the server\n" in shown
    assert side.read("greeting") == mine
    assert await side.text("greeting") == "Hello from the server"
    versions = await side.call("versions", "greeting")
    assert [prompt.version for prompt in versions] == ["1.0.1", "1.0.0"]

    assert done(await side.push(force=True)) == {"greeting": "conflict"}
    assert await side.text("greeting") == "Hello from the file"
    assert await side.text("greeting", version="1.0.1") == "Hello from the server"
    assert await side.actions() == {"greeting": "unchanged"}


async def test_without_the_base_the_edit_on_the_server_would_be_buried(side: Side) -> None:
    side.write("greeting", "Hello\n")
    await side.push()
    await side.call("update", "greeting", content="Hello from the server")
    side.write("greeting", "Hello from the file\n")
    document = side.folder.read("greeting")
    assert document is not None
    await side.call("update", "greeting", **document.update_arguments())  # what a push without base and etag would do
    assert await side.text("greeting") == "Hello from the file"


async def test_who_publishes_between_plan_and_push_is_not_overwritten(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    side.write("a", "one\n")
    await side.push()
    side.write("a", "mine\n")
    raced: list[str] = []

    def late(*args: Any, **options: Any) -> Any:
        raced.append("now")
        with SyncPromptOpsClient(side.client.get_config()) as colleague:
            colleague.prompts.update("a", content="theirs")
        return plan_push(*args, **options)

    with monkeypatch.context() as patched:
        patched.setattr("promptops.prompts.files.sync.plan_push", late)
        report = await side.push()
    assert raced == ["now"]
    assert [item.slug for item in report.conflicts] == ["a"]
    assert await side.text("a") == "theirs"
    assert side.read("a") == "mine\n"
    assert await side.actions() == {"a": "conflict"}


async def test_without_the_etag_a_late_publication_would_be_buried(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    side.write("a", "one\n")
    await side.push()
    side.write("a", "mine\n")
    update = AsyncPrompts.update

    async def careless(self: AsyncPrompts, name: str, **options: Any) -> Any:
        with SyncPromptOpsClient(side.client.get_config()) as colleague:
            monkeypatch.undo()
            colleague.prompts.update("a", content="theirs")
        options["if_match"] = None
        return await update(self, name, **options)

    monkeypatch.setattr(AsyncPrompts, "update", careless)
    assert done(await side.push()) == {"a": "push"}
    assert await side.text("a") == "mine"
    assert await side.text("a", version="1.0.1") == "theirs"


async def test_who_edits_a_file_during_a_pull_loses_nothing(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    side.write("a", "one\n")
    await side.push()
    await side.call("update", "a", content="theirs")

    def late(*args: Any, **options: Any) -> Any:
        side.write("a", "mine\n")
        return plan_pull(*args, **options)

    with monkeypatch.context() as patched:
        patched.setattr("promptops.prompts.files.sync.plan_pull", late)
        report = await side.pull()
    assert [item.slug for item in report.conflicts] == ["a"]
    assert side.read("a") == "mine\n"
    assert await side.actions() == {"a": "conflict"}


async def test_without_the_second_look_a_late_edit_would_be_overwritten(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    side.write("a", "one\n")
    await side.push()
    await side.call("update", "a", content="theirs")
    before = side.folder.read("a")

    def careless(*_: object) -> Any:
        side.write("a", "mine\n")
        return before

    monkeypatch.setattr(side.folder, "read_place", careless)
    assert done(await side.pull()) == {"a": "pull"}
    assert "mine" not in side.read("a")


async def test_a_pull_brings_new_and_newer_prompts(side: Side) -> None:
    await side.call("create", "New", slug="team/new", content="new")
    side.write("a", "one\n")
    side.write("mine", "mine\n")
    await side.push(only=["a"])
    await side.call("update", "a", content="two", description="d")
    before = side.read("mine")
    assert await side.actions() == {"a": "pull", "mine": "create", "team/new": "pull"}
    assert done(await side.pull(dry_run=True)) == {}
    assert side.read("a") == "one\n"
    assert done(await side.pull()) == {"a": "pull", "team/new": "pull"}
    assert side.read("a") == "---\nname: a\ndescription: d\n---\n\ntwo\n"
    assert side.read("mine") == before
    assert done(await side.push()) == {"mine": "create"}


async def test_force_lets_the_server_win_a_pull(side: Side) -> None:
    side.write("a", "one\n")
    side.write("b", "one\n")
    side.write("c", "one\n")
    await side.push()
    await side.call("update", "a", content="theirs")
    side.write("a", "mine\n")
    (side.folder.path / "b.prompt.md").unlink()
    await side.call("delete", "c")
    assert await side.actions() == {"a": "conflict", "b": "deleted_locally", "c": "deleted_remotely"}
    assert done(await side.pull()) == {}
    assert done(await side.pull(force=True)) == {"a": "conflict", "b": "deleted_locally", "c": "deleted_remotely"}
    assert side.read("a").endswith("theirs\n")
    assert side.read("b").endswith("one\n")
    assert not (side.folder.path / "c.prompt.md").exists()
    assert await side.actions() == {"a": "unchanged", "b": "unchanged"}


async def test_a_push_never_deletes_and_makes_again_only_when_forced(side: Side) -> None:
    side.write("a", "one\n")
    side.write("b", "one\n")
    await side.push()
    (side.folder.path / "a.prompt.md").unlink()
    await side.call("delete", "b")
    assert done(await side.push()) == {}
    assert done(await side.push(force=True)) == {"b": "deleted_remotely"}
    assert await side.text("a") == "one"
    assert await side.text("b") == "one"


async def test_equal_prompts_are_adopted_by_a_fresh_checkout(side: Side) -> None:
    side.write("a", "Hello {{ name }}\n")
    await side.push()
    (side.folder.path / STATE_FILE).unlink()
    assert await side.actions() == {"a": "adopted"}
    assert done(await side.push()) == {}
    assert await side.actions() == {"a": "unchanged"}
    assert len(await side.call("versions", "a")) == 1


async def test_a_label_that_moves_is_no_edit(side: Side) -> None:
    side.write("a", "one\n")
    await side.push()
    await side.call("set_label", "a", "staging", version="1.0.0")
    assert await side.actions() == {"a": "unchanged"}
    side.write("a", "two\n")
    assert done(await side.push()) == {"a": "push"}


async def test_what_was_done_is_kept_when_one_prompt_is_refused(side: Side) -> None:
    side.write("a", "fine\n")
    side.write("b", "{{#open}} is never closed\n")
    side.write("c", "fine too\n")
    report = await side.push()
    assert [item.slug for item in report.done] == ["a", "c"]
    ((slug, error),) = [(item.slug, item.error) for item in report.errors]
    assert slug == "b"
    assert isinstance(error, ValidationError)
    assert await side.actions() == {"a": "unchanged", "b": "create", "c": "unchanged"}


async def test_bad_files_stop_a_push_before_anything_is_sent(side: Side) -> None:
    side.write("a", "fine\n")
    side.write("b", "---\ntols: 1\n---\n")
    side.write("c", "---\nname: [\n---\n")
    with pytest.raises(ValidationError) as caught:
        await side.push()
    names = ["b.prompt.md", "c.prompt.md"]
    assert [item["field"].rsplit("/", 1)[1][:11] for item in caught.value.validation_errors] == names
    with pytest.raises(PromptNotFoundError):
        await side.text("a")


async def test_a_push_of_some_prompts_leaves_the_others(side: Side) -> None:
    side.write("a", "one\n")
    side.write("b", "one\n")
    assert done(await side.push(only=["a"])) == {"a": "create"}
    assert await side.actions() == {"a": "unchanged", "b": "create"}
    with pytest.raises(PromptNotFoundError, match="Neither the folder nor the server has zzz"):
        await side.push(only=["a", "zzz"])


async def test_a_composed_prompt_keeps_its_include(side: Side, tmp_path: Path) -> None:
    side.write("style", "Be kind.\n")
    await side.push()
    side.write("greeting", "{{> style@1.0.0 }} Hi {{ name }}\n")
    await side.push()
    assert await side.text("greeting") == "Be kind. Hi {{ name }}"
    assert await side.actions() == {"greeting": "unchanged", "style": "unchanged"}
    other = Side(side.client, tmp_path / "other")
    await other.pull()
    assert other.read("greeting").endswith("\n{{> style@1.0.0 }} Hi {{ name }}\n")


async def test_variants_keep_their_includes_and_their_messages_can_be_edited(side: Side, tmp_path: Path) -> None:
    side.write("style", "Be kind.\n")
    await side.push()
    variants = (
        "---\nvariants:\n  - {model_provider: openai, content: '{{> style@1.0.0 }} Hi'}\n"
        "  - model_provider: google\n    messages:\n      - {role: user, content: '{{> style@1.0.0 }} Hello'}\n---\nx\n"
    )
    side.write("greeting", variants)
    await side.push()
    other = Side(side.client, tmp_path / "other")
    await other.pull()
    assert other.read("greeting").count("{{> style@1.0.0 }}") == 2
    other.write("greeting", other.read("greeting").replace("Hello", "Dear"))
    assert done(await other.push()) == {"greeting": "push"}
    now = await settled(side.client.prompts.get("greeting", use_cache=False))
    assert [item.content for item in now.model_specific_prompts] == ["Be kind. Hi", "Be kind. Dear"]
    assert now.source is not None
    assert [item.content for item in now.source.model_specific_prompts] == [
        "{{> style@1.0.0 }} Hi",
        "{{> style@1.0.0 }} Dear",
    ]
    assert [item.name for item in now.includes] == ["style"]


async def test_the_state_holds_no_key(server: EmbeddedServer, tmp_path: Path) -> None:
    secret = "po_live_not_a_real_key"
    config = ClientConfig(base_url=server.url, api_key=secret, read_environment=False)
    with SyncPromptOpsClient(config) as client:
        side = Side(client, tmp_path / "prompts")
        side.write("a", "one\n")
        await side.push()
        lock = write_lock(await settled(side.locks.take(["a"])), tmp_path / "promptops.lock")
    for file in (side.folder.path / STATE_FILE, lock):
        assert secret not in file.read_text(encoding="utf-8")
        assert server.url in file.read_text(encoding="utf-8")


def make_key(directory: Path) -> str:
    """A key of the projects ``mine``, its default, and ``theirs``."""
    scopes = ["--scope", "prompts:read", "--scope", "prompts:write"]
    projects = ["--project", "mine", "--project", "theirs"]
    command = [sys.executable, "-m", "promptops.cli", "keys", "create", "--name", "tests", *projects, *scopes]
    made = subprocess.run([*command, "--data-dir", str(directory)], capture_output=True, text=True, check=True).stdout
    (key,) = [word for word in made.split() if word.count("_") >= 4]
    return key


async def test_only_prompts_of_the_project_are_synchronised(tmp_path: Path) -> None:
    key = make_key(tmp_path / "data")
    with EmbeddedServer(tmp_path / "data") as server:
        config = ClientConfig(base_url=server.url, api_key=key, read_environment=False)
        with SyncPromptOpsClient(config) as client:
            for project in ("mine", "theirs"):
                client.prompts.create("Both", slug="both", content=project, project=project)
            client.prompts.create("Only theirs", slug="only", content="theirs", project="theirs")
            mine, theirs = PromptFolder(tmp_path / "mine"), PromptFolder(tmp_path / "theirs")
            assert done(SyncPromptFiles(client.prompts, mine).pull()) == {"both": "pull"}
            other = SyncPromptFiles(client.prompts, theirs, project="theirs")
            assert done(other.pull()) == {"both": "pull", "only": "pull"}
            assert [document.content for document in mine.documents().values()] == ["mine"]
            assert [document.content for document in theirs.documents().values()] == ["theirs", "theirs"]
            (theirs.path / "both.prompt.md").write_text("edited\n", encoding="utf-8")
            assert done(other.push()) == {"both": "push"}
            assert client.prompts.get("both", use_cache=False).content == "mine"
            assert client.prompts.get("both", project="theirs", use_cache=False).content == "edited"


async def test_a_lock_holds_until_the_server_moves_away(side: Side, tmp_path: Path) -> None:
    for name in ("latest", "pinned", "labelled", "edited", "gone", "unlabelled"):
        await side.call("create", name, content=f"{name} {{{{ x }}}}")
    for name in ("labelled", "unlabelled"):
        await side.call("set_label", name, "staging", version="1.0.0")
    selectors = ["latest", "pinned@1.0.0", "labelled@staging", "edited@1.0.0", "gone", "unlabelled@staging"]
    lock = await settled(side.locks.take(selectors))
    file = write_lock(lock, tmp_path / "promptops.lock")
    assert await settled(side.locks.verify(read_lock(file))) == []
    assert (
        write_lock(await settled(side.locks.take(selectors)), tmp_path / "again.lock").read_bytes() == file.read_bytes()
    )

    for name in ("latest", "pinned", "labelled"):
        await side.call("update", name, content="two")
    assert [item.kind for item in await settled(side.locks.verify(lock))] == ["latest_moved"]
    await side.call("set_label", "labelled", "staging", version="1.0.1")
    await side.call("remove_label", "unlabelled", "staging")
    await side.call("update", "edited", version="1.0.0", content="in place")
    await side.call("delete", "gone")
    found = {(item.selector, item.kind, item.locked, item.current) for item in await settled(side.locks.verify(lock))}
    assert found == {
        ("latest", "latest_moved", "1.0.0", "1.0.1"),
        ("labelled@staging", "label_moved", "1.0.0", "1.0.1"),
        ("unlabelled@staging", "label_gone", "1.0.0", None),
        ("edited@1.0.0", "version_edited", "1.0.0", "1.0.0"),
        ("gone", "prompt_gone", "1.0.0", None),
    }
    await side.call("delete", "pinned", version="1.0.0")
    kinds = {item.kind for item in await settled(side.locks.verify(lock)) if item.selector == "pinned@1.0.0"}
    assert kinds == {"version_gone"}


async def test_a_lock_of_a_prompt_that_is_not_there_is_refused(side: Side) -> None:
    with pytest.raises(PromptNotFoundError):
        await settled(side.locks.take(["nothing"]))


async def test_a_bundle_answers_while_no_server_does(side: Side, tmp_path: Path) -> None:
    await side.call("create", "a", content="one {{ x }}", tags=["t"])
    lock = await settled(side.locks.take(["a"]))
    bundle = Bundle.load(write_bundle(lock, tmp_path / "promptops.bundle"))
    live, kept = await side.call("get", "a", use_cache=False), bundle.get("a")
    assert kept is not None
    assert kept == msgspec.structs.replace(live, labels=[], etag="", status="")


async def test_a_server_that_is_down_is_said_and_nothing_is_changed(server: EmbeddedServer, tmp_path: Path) -> None:
    config = ClientConfig(base_url="http://127.0.0.1:9", read_environment=False, timeout=2.0)
    with SyncPromptOpsClient(config) as client:
        side = Side(client, tmp_path / "prompts")
        side.write("a", "one\n")
        with pytest.raises(NetworkError):
            await side.push()
        assert not (side.folder.path / STATE_FILE).exists()


async def test_documents_of_the_server_are_canonical_files(side: Side) -> None:
    await side.call("create", "a", content="x", metadata={"deep": {"list": [1, 1.5, None, "yes"]}})
    await side.pull()
    found = side.folder.read("a")
    assert found is not None
    assert side.read("a") == format_document(found, implied_slug="a")
    assert found.metadata == {"deep": {"list": [1, 1.5, None, "yes"]}}
