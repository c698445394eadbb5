"""Prompts as code, from end to end: each command a process of its own, against a running server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from promptops.client import ClientConfig, SyncPromptOpsClient
from promptops.core.errors import NetworkError
from promptops.server import EmbeddedServer

Ran = subprocess.CompletedProcess[str]
Run = Callable[..., Ran]


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[SyncPromptOpsClient]:
    with SyncPromptOpsClient(base_url=server.url) as made:
        made.prompts.create("Greeting", content="Hello {{ name }}!\n", description="Says hello.", tags=["chat"])
        made.prompts.create(
            "Triage",
            slug="support/triage",
            messages=[
                {"role": "system", "content": "You sort messages of {{ shop }}."},
                {"role": "placeholder", "name": "history", "content": ""},
                {"role": "user", "content": "{{ message }}"},
            ],
        )
        yield made


@pytest.fixture
def run(server: EmbeddedServer, client: SyncPromptOpsClient, promptops: Run) -> Run:
    """Runs ``promptops prompts`` in an empty folder, against the server."""

    def call(*arguments: str, code: int = 0) -> Ran:
        done = promptops("prompts", *arguments, PROMPTOPS_BASE_URL=server.url)
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done

    return call


@pytest.fixture
def greeting(run: Run, tmp_path: Path) -> Path:
    """The file of the prompt ``greeting``, just pulled."""
    run("pull")
    return tmp_path / "prompts" / "greeting.prompt.md"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_pull_into_an_empty_folder_writes_one_file_for_each_prompt(run: Run, tmp_path: Path) -> None:
    done = run("pull")
    assert "pulled greeting 1.0.0" in done.stdout
    assert "pulled support/triage 1.0.0" in done.stdout
    folder = tmp_path / "prompts"
    assert "Hello {{ name }}!" in (folder / "greeting.prompt.md").read_text(encoding="utf-8")
    assert "history" in (folder / "support" / "triage.prompt.md").read_text(encoding="utf-8")
    assert run("status").stdout == "in step: 2 prompts\n"
    assert run("diff").stdout == ""


def test_an_edited_file_is_shown_pushed_and_then_in_step(run: Run, greeting: Path, client: SyncPromptOpsClient) -> None:
    edit(greeting, "Hello", "Dear")
    status = run("status", code=1).stdout
    assert "to push    greeting: edited here since 1.0.0" in status
    assert "promptops prompts push" in status
    diff = run("diff", "greeting", code=1).stdout
    assert "-Hello {{ name }}!" in diff
    assert "+Dear {{ name }}!" in diff
    assert "would push greeting" in run("push", "--dry-run").stdout
    assert client.prompts.get("greeting", use_cache=False).version == "1.0.0"
    assert run("push", "--bump", "minor").stdout == "pushed greeting 1.1.0\n"
    assert client.prompts.get("greeting", use_cache=False).content == "Dear {{ name }}!\n"
    assert run("status").returncode == 0
    assert run("push").stdout == "in step: 2 prompts\n"


def test_only_the_named_files_slugs_and_folders_are_pushed(run: Run, greeting: Path) -> None:
    triage = greeting.parent / "support" / "triage.prompt.md"
    edit(greeting, "Hello", "Dear")
    edit(triage, "sort", "read")
    assert run("push", "prompts/support").stdout == "pushed support/triage 1.0.1\n"
    assert run("push", "support/triage", "prompts/greeting.prompt.md").stdout.splitlines() == ["pushed greeting 1.0.1"]
    assert "Neither the folder nor the server has nothing" in run("push", "nothing", code=3).stderr
    assert "holds no prompt" in run("push", "other.prompt.md", code=2).stderr


def test_a_new_file_becomes_a_prompt(run: Run, greeting: Path, client: SyncPromptOpsClient) -> None:
    (greeting.parent / "farewell.prompt.md").write_text("---\nname: Farewell\n---\nBye {{ name }}.\n", encoding="utf-8")
    assert run("push").stdout == "pushed farewell 1.0.0\n"
    assert client.prompts.get("farewell").name == "Farewell"


def test_a_change_on_both_sides_is_a_conflict_that_is_shown_and_loses_nothing(
    run: Run, greeting: Path, client: SyncPromptOpsClient
) -> None:
    client.prompts.update("greeting", content="Good day {{ name }}!\n")
    edit(greeting, "Hello", "Dear")
    mine = greeting.read_text(encoding="utf-8")
    for command in ("push", "pull"):
        done = run(command, code=1)
        assert "conflict" in done.stdout
        assert "+Dear {{ name }}!" in done.stdout
        assert "+Good day {{ name }}!" in done.stdout
        assert "1 prompt changed on both sides and left alone" in done.stderr
        assert "--force local" in done.stderr
        assert greeting.read_text(encoding="utf-8") == mine
        assert [item.version for item in client.prompts.versions("greeting")] == ["1.0.1", "1.0.0"]
    assert "conflict" in run("status", code=1).stdout


def test_all_prompts_are_those_of_one_project(promptops: Run, tmp_path: Path) -> None:
    data = ("--data-dir", "data")
    projects = ("--project", "mine", "--project", "theirs")
    scopes = ("--scope", "prompts:read", "--scope", "prompts:write")
    made = promptops("keys", "create", "--name", "tests", *projects, *scopes, *data)
    (key,) = [word for word in made.stdout.split() if word.count("_") >= 4]
    for project, slug in (("mine", "both"), ("theirs", "both"), ("theirs", "only")):
        create = ("create", slug, "--slug", slug, "--content", project, "--project", project)
        assert promptops("prompts", *create, *data, PROMPTOPS_API_KEY=key).returncode == 0
    for command, count in (((), 1), (("--project", "theirs"), 2)):
        locked = promptops("prompts", "lock", "--all", *command, *data, PROMPTOPS_API_KEY=key)
        assert f"promptops.lock holds {count} prompt" in locked.stdout, locked.stderr
        written = promptops("prompts", "codegen", "--from", "server", *command, *data, PROMPTOPS_API_KEY=key)
        assert f"prompts.py holds {count} function" in written.stdout, written.stderr
    assert "def only(" in (tmp_path / "prompts.py").read_text(encoding="utf-8")


def test_the_control_without_the_change_on_the_server_is_no_conflict(run: Run, greeting: Path) -> None:
    edit(greeting, "Hello", "Dear")
    assert "conflict" not in run("push").stdout


@pytest.mark.parametrize("command", ["push", "pull"])
@pytest.mark.parametrize("winner", ["local", "remote"])
def test_one_side_wins_a_conflict_only_when_told_and_no_version_goes(
    run: Run, greeting: Path, client: SyncPromptOpsClient, command: str, winner: str
) -> None:
    client.prompts.update("greeting", content="Good day {{ name }}!\n")
    edit(greeting, "Hello", "Dear")
    run(command, "--force", winner)
    text = "Dear" if winner == "local" else "Good day"
    assert f"{text} {{{{ name }}}}!" in greeting.read_text(encoding="utf-8")
    versions = client.prompts.versions("greeting")
    assert text in versions[0].content
    assert {item.content for item in versions} >= {"Hello {{ name }}!\n", "Good day {{ name }}!\n"}
    assert run("status").returncode == 0


def test_a_prompt_that_is_newer_on_the_server_is_pulled_and_never_pushed_over(
    run: Run, greeting: Path, client: SyncPromptOpsClient
) -> None:
    client.prompts.update("greeting", content="Good day {{ name }}!\n")
    assert "to pull    greeting: edited on the server" in run("push").stdout
    assert client.prompts.get("greeting", use_cache=False).version == "1.0.1"
    assert run("pull").stdout == "pulled greeting 1.0.1\n"
    assert "Good day" in greeting.read_text(encoding="utf-8")


def test_a_broken_file_stops_a_push_before_anything_is_sent(
    run: Run, greeting: Path, client: SyncPromptOpsClient
) -> None:
    edit(greeting, "Hello", "Dear")
    (greeting.parent / "broken.prompt.md").write_text("---\nname: [\n---\n", encoding="utf-8")
    assert "broken.prompt.md" in run("push", code=4).stderr
    assert client.prompts.get("greeting", use_cache=False).version == "1.0.0"


def test_a_lock_holds_until_a_label_moves_or_a_version_follows(
    run: Run, client: SyncPromptOpsClient, tmp_path: Path
) -> None:
    run("label", "greeting", "staging", "1.0.0")
    assert "name the prompts to lock" in run("lock", code=2).stderr
    locked = run("lock", "greeting@staging", "support/triage").stdout
    assert "locked greeting@staging: 1.0.0" in locked
    assert run("verify").stdout == "promptops.lock is up to date: 2 prompts\n"
    assert run("verify", "--offline").returncode == 0
    run("render", "greeting", "--label", "staging", "--var", "name=Ada")
    client.prompts.update("greeting", content="Dear {{ name }}!\n")
    assert run("verify").returncode == 0
    run("label", "greeting", "staging", "1.0.1", "--expect", "1.0.0")
    stale = run("verify", code=1)
    assert "label moved: greeting@staging" in stale.stdout
    assert "promptops prompts lock" in stale.stderr
    assert [item["kind"] for item in msgspec.json.decode(run("verify", "--json", code=1).stdout)["drift"]] == [
        "label_moved"
    ]
    assert run("verify", "--offline").returncode == 0
    assert "moved greeting@staging: 1.0.0 to 1.0.1" in run("lock").stdout
    run("verify")
    client.prompts.update("support/triage", description="Sorts.")
    assert "latest moved: support/triage" in run("verify", code=1).stdout


def test_a_lock_that_was_edited_is_noticed_without_a_server(run: Run, tmp_path: Path) -> None:
    run("lock", "greeting")
    edit(tmp_path / "promptops.lock", "Hello", "Hullo")
    assert "damaged" in run("verify", "--offline", code=1).stdout
    assert "digest" in run("bundle", "--out", "bundle.json", code=1).stderr


def test_a_client_reads_the_bundle_when_the_server_is_gone(
    run: Run, tmp_path: Path, client: SyncPromptOpsClient, server: EmbeddedServer
) -> None:
    run("lock", "greeting")
    assert run("bundle", "--out", "bundle.json").stdout == "bundle.json holds 1 prompt\n"
    client.close()
    server.close()
    plain = ClientConfig(base_url=server.url, timeout=3.0, read_environment=False)
    with SyncPromptOpsClient(plain) as alone, pytest.raises(NetworkError):
        alone.prompts.render("greeting", {"name": "Ada"})
    with SyncPromptOpsClient(msgspec.structs.replace(plain, bundle=tmp_path / "bundle.json")) as bundled:
        assert bundled.prompts.render("greeting", {"name": "Ada"}).rendered_content == "Hello Ada!\n"


def test_a_damaged_lock_is_taken_anew_by_names_and_not_renewed(run: Run, tmp_path: Path) -> None:
    run("lock", "greeting")
    file = tmp_path / "promptops.lock"
    file.write_text(f"<<<<<<< ours\n{file.read_text(encoding='utf-8')}", encoding="utf-8")
    assert "take it anew with 'promptops prompts lock NAME...'" in run("lock", code=2).stderr
    assert "locked greeting: 1.0.0" in run("lock", "greeting").stdout
    run("verify")


def test_typed_prompts_are_written_compared_and_stale_when_the_lock_changes(
    run: Run, tmp_path: Path, client: SyncPromptOpsClient
) -> None:
    run("lock", "greeting")
    assert "there is no typed.py" in run("codegen", "--out", "typed.py", "--check", code=1).stderr
    assert run("codegen", "--out", "typed.py").stdout == "typed.py holds 1 function from promptops.lock\n"
    assert "up to date" in run("codegen", "--out", "typed.py", "--check").stdout
    client.prompts.update("greeting", content="Dear {{ title }} {{ name }}!\n")
    run("codegen", "--out", "typed.py", "--check")
    run("lock")
    stale = run("codegen", "--out", "typed.py", "--check", code=1)
    assert "typed.py is stale" in stale.stderr
    assert "promptops prompts codegen --out typed.py" in stale.stderr
    run("codegen", "--out", "typed.py")
    assert "title: Value" in (tmp_path / "typed.py").read_text(encoding="utf-8")


def test_the_written_module_renders_with_a_client(run: Run, tmp_path: Path, server: EmbeddedServer) -> None:
    run("codegen", "--from", "server", "--out", "typed.py")
    program = (
        "from promptops.client import SyncPromptOpsClient\nfrom typed import greeting, support_triage\n"
        f"with SyncPromptOpsClient(base_url={server.url!r}) as client:\n"
        "    print(greeting(client.prompts, name='Ada').rendered_content, end='')\n"
        "    history = [{'role': 'user', 'content': 'Hi'}]\n"
        "    print(len(support_triage(client.prompts, shop='x', message='y', history=history).messages))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False
    )
    assert (done.stdout, done.stderr) == ("Hello Ada!\n3\n", "")


def test_folder_and_server_give_the_same_functions(run: Run, greeting: Path, tmp_path: Path) -> None:
    run("codegen", "--from", "dir", "--out", "dir.py")
    run("codegen", "--from", "server", "--out", "server.py")
    made = [
        "\n".join(line for line in (tmp_path / name).read_text(encoding="utf-8").splitlines() if "From " not in line)
        for name in ("dir.py", "server.py")
    ]
    bodies = [text[text.index('"""Typed') :] for text in made]
    assert bodies[0] == bodies[1]
    assert "def support_triage(" in bodies[0]


def test_labels_are_listed_moved_guarded_and_removed(run: Run, client: SyncPromptOpsClient) -> None:
    client.prompts.update("greeting", content="Dear {{ name }}!\n")
    assert run("labels", "greeting").stdout == "no labels\n"
    assert run("label", "greeting", "staging", "1.0.0", "--expect", "none").stdout == "greeting@staging is 1.0.0\n"
    assert run("get", "greeting", "--label", "staging").stdout == "Hello {{ name }}!\n\n"
    run("label", "greeting", "staging", "1.0.1", "--expect", "none", code=5)
    assert "staging" in run("labels", "greeting").stdout
    listed: list[Any] = msgspec.json.decode(run("labels", "greeting", "--json").stdout)
    assert [(item["label"], item["version"]) for item in listed] == [("staging", "1.0.0")]
    run("delete", "greeting", "--version", "1.0.0", "--yes", code=5)
    assert run("unlabel", "greeting", "staging").stdout == "removed greeting@staging\n"
    run("get", "greeting", "--label", "staging", code=3)


def test_history_diff_and_rollback_tell_what_happened(run: Run, client: SyncPromptOpsClient) -> None:
    client.prompts.update("greeting", content="Dear {{ name }}!\n")
    diff = run("diff", "greeting", "--from", "1.0.0", "--to", "1.0.1", code=1).stdout
    assert "-Hello {{ name }}!" in diff
    assert "+Dear {{ name }}!" in diff
    assert run("rollback", "greeting", "1.0.0").stdout == "greeting 1.0.2 holds what 1.0.0 holds\n"
    assert run("diff", "greeting", "--from", "1.0.0").stdout == ""
    run("label", "greeting", "staging", "1.0.2")
    assert "+Dear {{ name }}!" in run("diff", "greeting", "--from", "staging", "--to", "1.0.1", code=1).stdout
    history = run("history", "greeting").stdout
    assert "staging points to 1.0.2" in history
    assert "1.0.0 created" in history
    assert "give a NAME and --from" in run("diff", "--from", "1.0.0", code=2).stderr


def test_search_names_what_it_found_and_what_not(run: Run) -> None:
    assert "support/triage" in run("search", "sort messages").stdout
    assert run("search", "no such thing").stdout == "no prompt has 'no such thing'\n"


def test_a_render_becomes_the_arguments_of_an_sdk_and_such_arguments_a_prompt(run: Run, tmp_path: Path) -> None:
    arguments: Any = {
        "model": "gpt-4o",
        "temperature": 0.5,
        "messages": [{"role": "system", "content": "Be {{ tone }}."}, {"role": "user", "content": "{{ question }}"}],
    }
    (tmp_path / "call.json").write_bytes(msgspec.json.encode(arguments))
    assert run("import", "Imported", "--from", "openai", "call.json").stdout == "created imported 1.0.0\n"
    variables = ("--var", "tone=kind", "--var", "question=Why?")
    made: Any = msgspec.json.decode(run("render", "imported", *variables, "--to", "openai").stdout)
    assert made == {
        "model": "gpt-4o",
        "temperature": 0.5,
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Why?"}],
    }
    other: Any = msgspec.json.decode(
        run("render", "imported", *variables, "--to", "anthropic", "--model", "claude-x").stdout
    )
    assert other["model"] == "claude-x"
    assert "Be kind." in str(other["system"])


def test_a_prompt_is_created_from_a_prompt_file(run: Run, tmp_path: Path) -> None:
    text = "---\nname: Farewell\ntags: [chat]\n---\nBye {{ name }}.\n"
    (tmp_path / "farewell.prompt.md").write_text(text, encoding="utf-8")
    assert run("create", "--file", "farewell.prompt.md").stdout == "created farewell 1.0.0\n"
    assert msgspec.json.decode(run("get", "farewell", "--json").stdout)["tags"] == ["chat"]
    assert "says --description, --tag and --format itself" in (
        run("create", "--file", "farewell.prompt.md", "--tag", "x", code=2).stderr
    )
    assert "NAME" in run("create", "--content", "x", code=2).stderr


def test_a_variable_is_text_or_with_a_colon_json(run: Run, client: SyncPromptOpsClient) -> None:
    schema = {"type": "object", "properties": {"count": {"type": "integer"}}}
    client.prompts.create("Counted", content="{{ count }}", variables_schema=schema)
    assert run("render", "counted", "--var", "count:=3").stdout == "3\n"
    assert "count" in run("render", "counted", "--var", "count=3", code=4).stderr
    assert "is not JSON" in run("render", "counted", "--var", "count:=three", code=2).stderr


def test_nothing_is_deleted_without_a_yes(run: Run, client: SyncPromptOpsClient) -> None:
    assert "add --yes" in run("delete", "greeting", code=2).stderr
    assert client.prompts.get("greeting", use_cache=False).version == "1.0.0"
    assert run("delete", "greeting", "--yes").stdout == "deleted greeting with all its versions\n"
    run("get", "greeting", code=3)


def test_a_data_directory_is_the_same_server_at_every_command(promptops: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "note.prompt.md").write_text("---\nname: Note\n---\nNote {{ it }}.\n", encoding="utf-8")
    where = ("--data-dir", "data")
    assert promptops("prompts", "push", *where).stdout == "pushed note 1.0.0\n"
    assert promptops("prompts", "status", *where).stdout == "in step: 1 prompt\n"
    edit(folder / "note.prompt.md", "Note {{", "A note: {{")
    assert promptops("prompts", "push", *where).stdout == "pushed note 1.0.1\n"


def test_output_of_a_pipe_has_no_colours_and_json_is_one_document(run: Run, greeting: Path) -> None:
    edit(greeting, "Hello", "Dear")
    for command in ("status", "diff"):
        assert "\x1b" not in run(command, code=1).stdout
    found: Any = msgspec.json.decode(run("status", "--json", code=1).stdout)
    assert [(item["slug"], item["action"]) for item in found["prompts"]] == [
        ("greeting", "push"),
        ("support/triage", "unchanged"),
    ]
    pushed: Any = msgspec.json.decode(run("push", "--json").stdout)
    assert (pushed["ok"], [item["done"] for item in pushed["prompts"]]) == (True, [True, False])
