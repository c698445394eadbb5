"""The commands against a real Phoenix server, without and with authentication."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from promptops.cli import main
from promptops.experiments.journal import Journal

Said = tuple[int, str, str]
Run = Callable[..., Said]
OURS = ("PROMPTOPS_", "PHOENIX_", "OTEL_")
# Where the servers of the run are, and the environments that they are started from.
FOR_TESTS = {name for name in os.environ if name.startswith(("PROMPTOPS_TEST_", "PROMPTOPS_ENVIRONMENTS_"))}
TASKS = """
from pathlib import Path

def right(example):
    assert "2" not in example["question"] or not Path("no-answer").exists()
    return example["question"][-2]

def first(example):
    return "1"

def brief(output):
    return len(output) < 3
"""


@pytest.fixture(params=["open", "auth"])
def server(request: pytest.FixtureRequest) -> tuple[str, str | None]:
    """The address of a server, and its key if it asks for one."""
    if request.param == "open":
        return request.getfixturevalue("phoenix_url"), None
    auth: Any = request.getfixturevalue("phoenix_auth")
    return auth.url, auth.secret


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, journal_path: Path
) -> Run:
    """Runs a command in an empty directory, on a machine with nothing configured."""
    for variable in [name for name in os.environ if name.startswith(OURS) and name not in FOR_TESTS]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PHOENIX_DISCOVER_CONFIG", "false")
    monkeypatch.setenv("PROMPTOPS_JOURNAL", str(journal_path))
    monkeypatch.setenv("PROMPTOPS_CACHE_DIRECTORY", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def go(*arguments: str) -> Said:
        code = 0
        try:
            main(arguments)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return go


@pytest.fixture
def run(call: Run, monkeypatch: pytest.MonkeyPatch, server: tuple[str, str | None]) -> Run:
    """Runs a command on a machine that is set up as for the server's own client, with the backend chosen."""
    url, key = server
    monkeypatch.setenv("PHOENIX_ENDPOINT", url)
    if key is not None:
        monkeypatch.setenv("PHOENIX_API_KEY", key)
    monkeypatch.setenv("PROMPTOPS_BACKEND", "phoenix")
    return call


@pytest.fixture
def name() -> str:
    return f"cli-{uuid.uuid4().hex[:12]}"


def done(said: Said) -> str:
    code, out, err = said
    assert code == 0, err
    return out


def parsed(said: Said) -> Any:
    return msgspec.json.decode(done(said))


def refused(said: Said) -> tuple[int, str]:
    code, out, err = said
    assert code != 0
    assert out == ""
    first, *hints = err.strip().splitlines()
    assert first.startswith("promptops")
    assert len(hints) <= 1
    assert all(line.startswith("  hint: ") for line in hints)
    return code, err


def test_prompts_are_written_read_labelled_and_deleted(run: Run, name: str) -> None:
    done(run("prompts", "create", name, "--content", "Hello {{ user }}!", "--description", "Says hello."))
    code, err = refused(run("prompts", "create", name, "--content", "Bye"))
    assert (code, "Add a version to it with `prompts push`" in err) == (5, True)
    assert name in done(run("prompts", "list", "--limit", "1000"))
    assert [found["slug"] for found in parsed(run("prompts", "search", name, "--json"))] == [name]
    assert done(run("prompts", "get", name)) == "Hello {{ user }}!\n"
    assert done(run("prompts", "render", name, "--var", "user=Ada")) == "Hello Ada!\n"
    (version,) = (item["version"] for item in parsed(run("prompts", "versions", name, "--json")))
    assert done(run("prompts", "label", name, "production", version)) == f"{name}@production is {version}\n"
    assert refused(run("prompts", "label", name, "production", version, "--expect", "none"))[0] == 5
    assert parsed(run("prompts", "labels", name, "--json"))[0]["version"] == version
    assert done(run("prompts", "get", name, "--label", "production")) == "Hello {{ user }}!\n"
    assert parsed(run("prompts", "render", name, "--var", "user=Ada", "--to", "openai", "--model", "m"))["model"] == "m"
    code, err = refused(run("prompts", "delete", name, "--yes"))
    assert (code, "delete it with --force." in err) == (5, True)
    done(run("prompts", "unlabel", name, "production"))
    done(run("prompts", "delete", name, "--yes"))
    assert refused(run("prompts", "get", name))[0] == 3


@pytest.mark.usefixtures("run")
def test_what_is_stored_otherwise_is_a_note_in_words(name: str) -> None:
    # In processes of their own: here the test runner takes what is logged.
    create = [sys.executable, "-m", "promptops.cli", "prompts", "create", "--content", "{{ user | upper }}"]
    made = subprocess.run([*create, name], capture_output=True, text=True, check=True, timeout=200)
    assert made.stdout.startswith(f"created {name} ")
    (note,) = made.stderr.splitlines()
    assert note.startswith(f"note: prompt {name} {made.stdout.split()[-1]} was stored otherwise than given: ")
    assert "content: changed" in note
    shown = subprocess.run([*create, f"{name}-2", "--json"], capture_output=True, text=True, check=True, timeout=200)
    assert (msgspec.json.decode(shown.stdout)["slug"], shown.stderr) == (f"{name}-2", "")


def test_a_time_that_the_server_does_not_know_is_left_out(run: Run, name: str) -> None:
    done(run("prompts", "create", name, "--content", "x"))
    done(run("prompts", "label", name, "a", parsed(run("prompts", "get", name, "--json"))["version"]))
    for command in (("search",), ("versions",), ("labels",)):
        assert "1970" not in done(run("prompts", *command, name))


def test_a_folder_is_pushed_and_pulled(run: Run, name: str) -> None:
    file = Path("prompts", f"{name}.prompt.md")
    file.parent.mkdir()
    file.write_text("---\ndescription: Says hello.\n---\n\nHello {{ user_name }}!\n", encoding="utf-8")
    assert run("prompts", "status", name)[0] == 1
    done(run("prompts", "push", name))
    assert done(run("prompts", "status", name)) == "in step: 1 prompt\n"
    file.write_text(file.read_text(encoding="utf-8").replace("Hello", "Dear"), encoding="utf-8")
    code, shown, _ = run("prompts", "diff", name)
    assert (code, "+Dear {{ user_name }}!" in shown) == (1, True)
    done(run("prompts", "push", name))
    file.unlink()
    done(run("prompts", "pull", name, "--force", "remote"))
    assert "Dear {{ user_name }}!" in file.read_text(encoding="utf-8")
    newest, oldest = (item["version"] for item in parsed(run("prompts", "versions", name, "--json")))
    assert run("prompts", "diff", name, "--from", oldest, "--to", newest)[0] == 1
    done(run("prompts", "rollback", name, oldest))
    assert done(run("prompts", "get", name)) == "Hello {{ user_name }}!\n"


def test_a_lock_is_taken_and_verified_and_code_written(run: Run, name: str, server: tuple[str, str | None]) -> None:
    done(run("prompts", "create", name, "--content", "Hello {{ user_name }}!"))
    version = parsed(run("prompts", "get", name, "--json"))["version"]
    done(run("prompts", "label", name, "production", version))
    done(run("prompts", "lock", f"{name}@production"))
    assert msgspec.json.decode(Path("promptops.lock").read_bytes())["origin"] == server[0]
    done(run("prompts", "verify"))
    done(run("prompts", "codegen", "--out", "typed.py"))
    assert "user_name" in Path("typed.py").read_text(encoding="utf-8")
    done(run("prompts", "codegen", name, "--from", "lock", "--out", "typed.py", "--check"))
    done(run("prompts", "bundle", "--out", "bundle.json"))
    done(run("prompts", "unlabel", name, "production"))
    assert run("prompts", "verify")[0] == 1


def test_the_arguments_of_a_call_become_a_prompt(run: Run, name: str) -> None:
    message = {"role": "user", "content": "Hi {{ a }}"}
    call = {"model": "gpt-4o", "messages": [message], "temperature": 0.2}
    Path("call.json").write_bytes(msgspec.json.encode(call))
    done(run("prompts", "import", name, "--from", "openai", "call.json"))
    assert done(run("prompts", "get", name)) == "user:\nHi {{ a }}\n"


def test_datasets_come_from_files_and_go_to_files(run: Run, name: str) -> None:
    Path("a.csv").write_text("key,question,expected\na,1?,1\nb,2?,2\nc,3?,3\n", encoding="utf-8")
    Path("b.csv").write_text("key,question,expected\nb,two?,2\nd,4?,4\n", encoding="utf-8")
    keyed = ("--id-column", "key")
    assert done(run("datasets", "import", "a.csv", "--name", name, *keyed)) == f"imported {name}: 3 examples\n"
    assert refused(run("datasets", "import", "a.csv", "--name", name, *keyed))[0] == 5
    assert [found["name"] for found in parsed(run("datasets", "list", "--name", name, "--json"))] == [name]
    assert parsed(run("datasets", "get", name, "--json"))["count"] == 3
    assert refused(run("datasets", "append", name, "b.csv", *keyed))[0] == 4
    assert "1 inserted, 1 updated" in done(run("datasets", "upsert", name, "b.csv", *keyed))
    assert "nothing changed" in done(run("datasets", "upsert", name, "b.csv", *keyed))
    assert "2 deleted" in done(run("datasets", "replace", name, "b.csv", *keyed, "--dry-run"))
    code, err = refused(run("datasets", "replace", name, "b.csv", *keyed))
    assert (code, "--allow-delete 2 does it" in err) == (4, True)
    done(run("datasets", "replace", name, "b.csv", *keyed, "--allow-delete", "2"))
    done(run("datasets", "append", name, "a.csv"))
    shares = ("--assign", f"{name}-x=0.5", "--assign", f"{name}-y=0.5")
    assert sum(parsed(run("datasets", "splits", name, *shares, "--json"))["splits"].values()) == 5
    assert done(run("datasets", "export", name, "out.jsonl")) == "exported 5 examples to out.jsonl\n"
    assert "nothing changed" in done(run("datasets", "upsert", name, "out.jsonl", "--id-column", "id"))
    oldest = parsed(run("datasets", "get", name, "--json"))["dataset"]["versions"][-1]["id"]
    assert done(run("datasets", "export", name, "old.csv", "--version", oldest)) == "exported 3 examples to old.csv\n"


def test_examples_are_checked_against_a_schema_before_they_are_sent(run: Run, name: str) -> None:
    Path("a.jsonl").write_text('{"question": 1}\n', encoding="utf-8")
    Path("s.json").write_text('{"properties": {"question": {"type": "string"}}}', encoding="utf-8")
    assert refused(run("datasets", "import", "a.jsonl", "--name", name, "--schema", "s.json"))[0] == 4
    assert parsed(run("datasets", "list", "--name", name, "--json")) == []
    done(run("datasets", "import", "a.jsonl", "--name", name))  # the control


@pytest.fixture
def dataset(run: Run, name: str) -> str:
    """A dataset of twelve examples, and a file of tasks."""
    Path("tasks.py").write_text(TASKS, encoding="utf-8")
    rows = [{"question": f"What is {number}?", "expected": str(number)} for number in range(1, 10)]
    Path("rows.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    done(run("datasets", "import", "rows.jsonl", "--name", name))
    return name


def test_experiments_are_run_read_compared_and_judged(run: Run, dataset: str) -> None:
    chosen = ("--dataset", dataset)
    scored = (*chosen, "--evaluator", "exact_match", "--evaluator", "::brief", "--repetitions", "2", "--quiet")
    assert "v1: 18 rows, 0 failed" in done(run("experiments", "run", "tasks.py::right", "--name", "v1", *scored))
    made = parsed(run("experiments", "run", "tasks.py::first", "--name", "v2", *scored, "--json"))
    assert made["metrics"]["exact_match"]["mean"] == pytest.approx(1 / 9)
    assert refused(run("experiments", "run", "tasks.py::first", "--name", "v2", *scored))[0] == 5
    assert [found["name"] for found in parsed(run("experiments", "list", *chosen, "--json"))] == ["v2", "v1"]
    found = parsed(run("experiments", "get", "v1", *chosen, "--json"))
    assert (found["runs"], found["failed"], found["metrics"]["exact_match"]["mean"]) == (18, 0, 1.0)
    assert "exact_match: 16 got worse" in done(run("experiments", "compare", "v1", "v2", *chosen, "--report", "c.html"))
    assert Path("c.html").exists()
    assert "exact_match" in done(run("experiments", "report", "v1", "v2", *chosen, "--format", "markdown"))
    limit = (*chosen, "--baseline", "v1", "--metric", "exact_match", "--max-regression", "0.01")
    assert run("experiments", "gate", "v2", *limit)[0] == 1
    assert run("experiments", "gate", "v1", *chosen, "--metric", "exact_match", "--min", "0.5")[0] == 0
    assert refused(run("experiments", "get", "v9", *chosen))[0] == 3


def test_an_experiment_is_resumed_where_it_was_run_also_when_nothing_names_the_backend(
    run: Run, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("no-answer").touch()
    chosen = ("--dataset", dataset, "--quiet")
    said = done(run("experiments", "run", "tasks.py::right", "--name", "v1", *chosen, "--evaluator", "exact_match"))
    assert "9 rows, 1 failed" in said
    Path("no-answer").unlink()
    monkeypatch.delenv("PROMPTOPS_BACKEND")
    again = ("resume", "v1", "--retry-failed", "--quiet")
    assert "9 rows, 0 failed" in done(run("experiments", *again))
    # The control: where another backend is named, that one is asked.
    monkeypatch.setenv("PROMPTOPS_BASE_URL", "http://127.0.0.1:9")
    assert refused(run("experiments", *again, "--backend", "promptops"))[0] == 7


def test_an_experiment_of_another_machine_is_taken_over(
    run: Run, dataset: str, journal_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = ("--dataset", dataset, "--quiet", "--evaluator", "exact_match")
    done(run("experiments", "run", "tasks.py::right", "--name", "v1", *chosen))
    monkeypatch.setenv("PROMPTOPS_JOURNAL", str(journal_path.with_name("other.sqlite3")))
    assert "9 rows, 0 failed" in done(run("experiments", "resume", "v1", *chosen, "--task", "tasks.py::right"))


def test_a_dry_run_and_a_local_run_store_nothing_on_the_server(run: Run, dataset: str) -> None:
    dry = ("--dataset", dataset, "--name", "v1", "--dry-run", "2", "--quiet")
    assert "2 rows" in done(run("experiments", "run", "tasks.py::right", *dry))
    local = ("--dataset", "rows.jsonl", "--name", "v1", "--local", "--quiet")
    assert "9 rows" in done(run("experiments", "run", "tasks.py::right", *local))
    assert parsed(run("experiments", "list", "--dataset", dataset, "--json")) == []
    with Journal.open() as journal:
        assert [record.plan.name for record in journal.experiments()] == ["v1"]


def test_caches_are_warmed_counted_and_cleared(run: Run, name: str) -> None:
    done(run("prompts", "create", name, "--content", "x"))
    version = parsed(run("prompts", "get", name, "--json"))["version"]
    assert done(run("cache", "warm", name)) == f"warmed {name} {version}\n"
    assert parsed(run("cache", "stats", "--json"))["disk"]["entries"] == 1
    assert done(run("cache", "clear", name)) == f"cleared {name}\n"
    assert parsed(run("cache", "stats", "--json"))["disk"]["entries"] == 0
    assert refused(run("cache", "warm", f"{name}-none"))[0] == 3
    assert refused(run("cache", "clear", " "))[0] == 2


@pytest.mark.parametrize(
    ("command", "code", "says", "hint"),
    [
        (("prompts", "history", "NAME"), 2, "does not support history", "prompts versions"),
        (("prompts", "delete", "NAME", "--version", "VERSION", "--yes"), 2, "delete versions", "with all its versions"),
        (("prompts", "list", "--tag", "a"), 2, "does not support tags", "leave --tag out"),
        (("prompts", "create", "NAME-t", "--content", "x", "--tag", "a"), 4, "no place for it", "prompts label"),
        (("prompts", "list", "--project", "p"), 2, "does not support projects", "leave --project out"),
        (("datasets", "list", "--project", "p"), 2, "does not support projects", "leave --project out"),
        (("experiments", "list", "--project", "p"), 2, "does not support projects", "leave --project out"),
        (("cache", "stats", "--project", "p"), 2, "does not support projects", "leave --project out"),
        (("prompts", "list", "--data-dir", "."), 2, "--data-dir starts a PromptOps server", ""),
    ],
)
def test_what_the_server_has_no_place_for_is_one_line_with_a_hint(
    run: Run, name: str, command: tuple[str, ...], code: int, says: str, hint: str
) -> None:
    done(run("prompts", "create", name, "--content", "x"))
    version = parsed(run("prompts", "get", name, "--json"))["version"]
    filled = [part.replace("NAME", name).replace("VERSION", version) for part in command]
    given, err = refused(run(*filled))
    assert given == code
    assert says in err.splitlines()[0]
    assert hint in err.partition("hint: ")[2]


def test_the_option_wins_over_the_environment(
    call: Run, monkeypatch: pytest.MonkeyPatch, server: tuple[str, str | None], name: str
) -> None:
    url, key = server
    monkeypatch.setenv("PROMPTOPS_BACKEND", "promptops")
    monkeypatch.setenv("PROMPTOPS_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PHOENIX_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("PHOENIX_API_KEY", key or "")
    assert refused(call("datasets", "list", "--name", name))[0] == 7  # the control
    chosen = ("--backend", "phoenix", "--base-url", url)
    assert done(call("datasets", "list", "--name", name, *chosen)) == "no datasets\n"


@pytest.mark.parametrize("key", ["", "wrong"])
def test_a_missing_or_wrong_key_is_said_in_the_words_of_the_backend(
    call: Run, monkeypatch: pytest.MonkeyPatch, phoenix_auth: Any, key: str
) -> None:
    monkeypatch.setenv("PHOENIX_API_KEY", key)
    code, err = refused(call("prompts", "list", "--backend", "phoenix", "--base-url", phoenix_auth.url))
    assert code == 6
    assert "PHOENIX_API_KEY" in err
    assert "promptops keys" not in err


def test_a_backend_that_is_not_there_is_named_with_those_that_are(call: Run) -> None:
    code, err = refused(call("prompts", "list", "--backend", "pheonix"))
    assert code == 2
    assert err == "promptops: no backend 'pheonix' is installed, there are phoenix and promptops\n"


def test_a_server_of_the_default_kind_is_never_asked_as_phoenix(call: Run, phoenix_url: str) -> None:
    # The control of the tests above: without a backend, the same address is taken for a PromptOps server.
    assert httpx.get(f"{phoenix_url}/readyz").status_code == 200
    assert refused(call("prompts", "list", "--base-url", phoenix_url))[0] != 0
