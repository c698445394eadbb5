"""The commands against a running server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from promptops.cli import main
from promptops.client import DatasetExample, SyncPromptOpsClient
from promptops.server import EmbeddedServer

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("server")) as running:
        with SyncPromptOpsClient(base_url=running.url) as client:
            client.prompts.create("Greeting", content="Hello {{ name }}, {{ time }}!", tags=["chat"])
            client.prompts.update("greeting", content="Dear {{ name }}, good {{ time }}.")
            client.datasets.create("numbers", [{"n": number, "expected": str(number)} for number in range(12)])
            for name, task in (("first", half), ("second", same)):
                client.experiments.run(name, dataset="numbers", task=task, evaluators=[right], progress=False)
        yield running


def half(example: DatasetExample) -> str:
    return str(example["n"] // 2)


def same(example: DatasetExample) -> str:
    return str(example["n"])


def right(output: str, expected: str) -> bool:
    return output == expected


def test_help_lists_what_the_server_contributes(promptops: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = promptops("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("serve", "keys"))


@pytest.fixture
def run(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    for variable in [name for name in os.environ if name.startswith("PROMPTOPS_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PROMPTOPS_BASE_URL", server.url)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = 0
        try:
            main(arguments)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def parsed(result: tuple[int, str, str]) -> Any:
    code, out, err = result
    assert code == 0, err
    return msgspec.json.decode(out)


def test_prompts_are_listed(run: Run) -> None:
    code, out, _ = run("prompts", "list", "--tag", "chat")
    assert code == 0
    assert "greeting" in out
    assert "1.0.1" in out
    assert [item["slug"] for item in parsed(run("prompts", "list", "--tag", "chat", "--json"))] == ["greeting"]
    assert run("prompts", "list", "--tag", "none")[1] == "no prompts\n"


def test_a_prompt_is_printed_as_it_is(run: Run) -> None:
    assert run("prompts", "get", "greeting")[1] == "Dear {{ name }}, good {{ time }}.\n"
    assert run("prompts", "get", "greeting", "--version", "v1.0")[1] == "Hello {{ name }}, {{ time }}!\n"
    assert parsed(run("prompts", "get", "greeting", "--json"))["variables"] == ["name", "time"]


def test_versions_are_listed(run: Run) -> None:
    assert [item["version"] for item in parsed(run("prompts", "versions", "greeting", "--json"))] == ["1.0.1", "1.0.0"]
    assert "1.0.1" in run("prompts", "versions", "greeting")[1]


def test_a_prompt_is_rendered_from_options_and_a_file(run: Run, tmp_path: Path) -> None:
    variables = tmp_path / "variables.json"
    variables.write_text('{"name": "Ada", "time": "morning"}', encoding="utf-8")
    assert run("prompts", "render", "greeting", "--var", "name=Zoë", "--var", "time=a=b")[1] == "Dear Zoë, good a=b.\n"
    rendered = run("prompts", "render", "greeting", "--variables", str(variables), "--var", "time=evening")
    assert rendered[1] == "Dear Ada, good evening.\n"
    assert parsed(run("prompts", "render", "greeting", "--variables", str(variables), "--json"))["version"] == "1.0.1"


def test_missing_variables_are_all_named_with_code_4(run: Run) -> None:
    code, out, err = run("prompts", "render", "greeting")
    assert (code, out) == (4, "")
    assert "name, time" in err


def test_a_file_that_is_no_json_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("[1]", encoding="utf-8")
    code, _, err = run("prompts", "render", "greeting", "--variables", str(broken))
    assert code == 2
    assert "broken.json" in err


def test_a_prompt_is_created_from_text_and_from_a_file(run: Run, tmp_path: Path) -> None:
    text = tmp_path / "text.md"
    text.write_text("# {{ title }}\n", encoding="utf-8")
    assert run("prompts", "create", "From text", "--content", "x")[1] == "created from-text 1.0.0\n"
    assert run("prompts", "create", "From file", "--file", str(text), "--tag", "a")[0] == 0
    assert parsed(run("prompts", "get", "from-file", "--json"))["content"] == "# {{ title }}\n"
    code, _, err = run("prompts", "create", "From text", "--content", "x")
    assert code == 5
    assert "From text" in err


def test_an_unknown_prompt_has_code_3_and_close_names(run: Run) -> None:
    code, out, err = run("prompts", "get", "greting")
    assert (code, out) == (3, "")
    assert "greeting" in err
    assert "Traceback" not in err


def test_datasets_are_listed_and_shown(run: Run) -> None:
    assert "numbers" in run("datasets", "list")[1]
    code, out, _ = run("datasets", "get", "numbers", "--limit", "2")
    assert code == 0
    assert "12 examples" in out
    shown = parsed(run("datasets", "get", "numbers", "--limit", "2", "--json"))
    assert (shown["count"], [example["n"] for example in shown["examples"]]) == (12, [0, 1])
    assert run("datasets", "get", "letters")[0] == 3


def test_experiments_are_listed_and_shown(run: Run) -> None:
    names = [item["name"] for item in parsed(run("experiments", "list", "--dataset", "numbers", "--json"))]
    assert names == ["second", "first"]
    assert "second" in run("experiments", "list")[1]
    shown = parsed(run("experiments", "get", "first", "--json"))
    assert (shown["runs"], shown["failed"]) == (12, 0)
    assert shown["metrics"] == {"right": {"mean": pytest.approx(1 / 12), "scored": 12, "errors": 0}}
    assert "0.083" in run("experiments", "get", "first")[1]


def test_experiments_are_compared(run: Run, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    code, out, _ = run("experiments", "compare", "first", "second", "--report", str(report))
    assert code == 0
    assert "right: 11 got better" in out
    assert "and 6 more" in out
    assert f"report: {report}" in out.replace("\n", "")
    assert "<html" in report.read_text(encoding="utf-8")
    compared = parsed(run("experiments", "compare", "first", "second", "--json"))
    assert len(compared["metrics"]["right"]["better"]) == 11
    assert "right: 11 got worse" in run("experiments", "compare", "second", "first")[1]


def test_a_directory_that_a_server_uses_is_one_line(server: EmbeddedServer, run: Run) -> None:
    code, _, err = run("prompts", "list", "--data-dir", str(server.directory))
    assert code == 2
    assert "Traceback" not in err
    assert len(err.splitlines()) <= 2


def test_a_directory_with_keys_is_read_with_the_key_of_the_environment(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROMPTOPS_BASE_URL")
    where = ("--data-dir", str(tmp_path))
    made = run("keys", "create", "--name", "reader", "--scope", "prompts:read", *where)[1].split()
    code, _, err = run("prompts", "list", *where)
    assert code == 6
    assert "PROMPTOPS_API_KEY" in err
    monkeypatch.setenv("PROMPTOPS_API_KEY", made[0])
    assert run("prompts", "list", *where)[:2] == (0, "no prompts\n")
    code, _, err = run("prompts", "create", "X", "--content", "x", *where)
    assert code == 6
    assert made[0] not in err


def test_names_of_users_are_never_read_as_markup(run: Run) -> None:
    run("prompts", "create", "Markup", "--content", "x", "--description", "[bold]not bold[/bold] [/] :smile:")
    out = run("prompts", "list", "--query", "not bold")[1]
    assert "[bold]not bold[/bold] [/] :smile:" in out


def test_output_of_a_pipe_has_no_colours(server: EmbeddedServer, promptops: Callable[..., Any]) -> None:
    ran: subprocess.CompletedProcess[str] = promptops("prompts", "list", "--base-url", server.url)
    assert ran.returncode == 0, ran.stderr
    assert "\x1b" not in ran.stdout
