"""The command as a whole: what it says, where it says it, and how it exits."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from promptops.cli import _main, main
from promptops.cli._failures import CommandFailed, exit_code, hint_for
from promptops.cli.prompts._show import shown_message
from promptops.cli.quickstart._talk import next_commands
from promptops.core import errors
from promptops.experiments import Comparison

LOCAL_VARIABLES = (
    "PROMPTOPS_BASE_URL",
    "PROMPTOPS_API_KEY",
    "PROMPTOPS_PROJECT",
    "PROMPTOPS_SECRET_KEY",
    "PROMPTOPS_DEBUG",
)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in LOCAL_VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process: exit code, stdout, stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            main(arguments)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        else:
            code = 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def without_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which the server package is not installed."""
    monkeypatch.setattr(_main, "_contributed", dict[str, Any])
    monkeypatch.setitem(sys.modules, "promptops.server", None)


def test_the_version_is_printed(run: Run) -> None:
    code, out, _ = run("--version")
    assert code == 0
    assert out.startswith("promptops ")


def test_help_lists_the_commands(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert all(name in out for name in ("prompts", "datasets", "experiments", "quickstart"))


@pytest.mark.parametrize("command", ["prompts", "datasets", "experiments"])
def test_a_group_alone_shows_its_help(run: Run, command: str) -> None:
    code, out, err = run(command)
    assert (code, out) == (2, "")
    assert f"Usage: promptops {command}" in err


@pytest.mark.parametrize("command", ["serve", "keys"])
@pytest.mark.usefixtures("without_server")
def test_a_command_of_the_server_says_what_to_install(run: Run, command: str) -> None:
    code, out, err = run(command)
    assert (code, out) == (2, "")
    assert "pip install promptops-cli[server]" in err
    assert len(err.splitlines()) == 1


@pytest.mark.usefixtures("without_server")
def test_the_quickstart_without_the_server_says_what_to_install(
    run: Run, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run("quickstart", "--provider", "offline")
    assert (code, out) == (2, "")
    assert "pip install promptops-cli[server]" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-command",),
        ("prompts", "get"),
        ("prompts", "get", "x", "--no-such-option"),
        ("prompts", "render", "x", "--var", "novalue"),
        ("prompts", "create", "x"),
        ("prompts", "list", "--limit", "0"),
        ("prompts", "get", "x", "--data-dir", "/no/such/directory"),
        ("prompts", "get", "x", "--data-dir", ".", "--base-url", "http://127.0.0.1:9"),
        ("prompts", "get", "x", "--base-url", "127.0.0.1:9"),
        ("prompts", "get", "x", "--base-url", "https://prompts.example"),
    ],
)
def test_wrong_usage_is_told_on_stderr_with_code_2(run: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("promptops")
    assert "Traceback" not in err
    assert len(err.splitlines()) <= 2


def test_nobody_at_the_address_is_one_line_with_code_7(run: Run) -> None:
    code, out, err = run("prompts", "get", "x", "--base-url", "http://127.0.0.1:9")
    assert (code, out) == (7, "")
    assert "http://127.0.0.1:9" in err
    assert "promptops serve" in err
    assert len(err.splitlines()) == 1


def test_a_traceback_appears_only_when_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTOPS_DEBUG", "1")
    with pytest.raises(errors.NetworkError):
        run("prompts", "get", "x", "--base-url", "http://127.0.0.1:9")


def test_an_unexpected_failure_is_one_line_that_says_how_to_see_more(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(_main.cli, "main", broken)
    code, out, err = run("prompts")
    assert (code, out) == (1, "")
    assert err == "promptops: ZeroDivisionError: by zero (set PROMPTOPS_DEBUG=1 to see where)\n"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, click.Abort])
def test_an_interruption_ends_quietly_with_code_130(
    run: Run, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise interruption

    monkeypatch.setattr(_main.cli, "main", interrupted)
    assert run("prompts") == (130, "", "promptops: interrupted\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigurationError("x"), 2),
        (errors.PromptNotFoundError("x"), 3),
        (errors.NotFoundError("x"), 3),
        (errors.ValidationError("x"), 4),
        (errors.ConflictError("x"), 5),
        (errors.AuthenticationError("x"), 6),
        (errors.AuthorizationError("x"), 6),
        (errors.NetworkError("x"), 7),
        (errors.TimeoutError("x"), 7),
        (errors.InvalidResponseError("x"), 7),
        (errors.ServerError("x"), 8),
        (errors.RateLimitError("x"), 9),
        (errors.PromptOpsError("x"), 1),
        (CommandFailed("x", code=2), 2),
        (ValueError("x"), 1),
    ],
)
def test_every_class_of_failure_has_its_code(error: Exception, code: int) -> None:
    assert exit_code(error) == code


def test_close_names_are_a_hint() -> None:
    assert hint_for(errors.PromptNotFoundError("x", suggested_prompts=["greeting", "meeting"])) == (
        "close names: greeting, meeting"
    )
    assert hint_for(errors.PromptNotFoundError("x")) is None
    said = errors.PromptNotFoundError("no 'x'. Did you mean 'greeting'?", suggested_prompts=["greeting"])
    assert hint_for(said) is None


def test_showing_the_version_imports_neither_server_nor_http_library() -> None:
    probe = (
        "import sys\nfrom promptops.cli import main\n"
        "try:\n    main(['--version'])\nexcept SystemExit:\n    pass\nprint(*sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    loaded = set(finished.stdout.split())
    assert not loaded & {"httpx", "litestar", "uvicorn", "rich", "promptops.server", "promptops.experiments"}


def test_a_reader_that_goes_away_is_no_failure() -> None:
    command = f"{sys.executable} -m promptops.cli --help | true"
    finished = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in finished.stderr
    assert "BrokenPipe" not in finished.stderr


@pytest.mark.parametrize(
    ("environ", "program"), [({}, ["promptops"]), ({"UV_RUN_RECURSION_DEPTH": "1"}, ["uv", "run", "promptops"])]
)
def test_the_next_commands_are_called_as_this_one_was(environ: dict[str, str], program: list[str]) -> None:
    comparison = Comparison(baseline="a b", candidate="c", metrics={}, rows={}, only_in_baseline=0, only_in_candidate=0)
    commands = [shlex.split(line) for line in next_commands(comparison, ["--data-dir", "my data"], environ)]
    assert [command[: len(program)] for command in commands] == [program] * 3
    assert commands[0][len(program) :] == ["experiments", "compare", "a b", "c", "--data-dir", "my data"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("get", "x", "--version", "1.0.0", "--label", "production"),
        ("render", "x", "--version", "1.0.0", "--label", "production"),
        ("render", "x", "--to", "nobody"),
        ("create", "--content", "x"),
        ("create", "x", "--content", "x", "--file", "-"),
        ("import", "x", "--from", "openai", "no-such-file.json"),
        ("import", "x", "no-such-file.json"),
        ("delete", "x"),
        ("push", "--force", "me"),
        ("push", "--bump", "huge"),
        ("push", "--dir", "no-such-folder"),
        ("status", "--dir", "no-such-folder"),
        ("diff", "--from", "1.0.0"),
        ("diff", "x", "--to", "1.0.0"),
        ("lock",),
        ("lock", "x", "--all"),
        ("verify",),
        ("bundle", "--out", "x"),
        ("codegen", "--from", "nowhere"),
        ("codegen", "--from", "lock"),
        ("label", "x", "production"),
    ],
)
def test_wrong_usage_of_the_prompt_commands_is_told_before_any_server_is_asked(
    run: Run, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run("prompts", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("promptops")
    assert "Traceback" not in err
    assert len(err.splitlines()) <= 2
    assert list(tmp_path.iterdir()) == []


def test_every_help_text_of_the_prompt_commands_is_one_whole_line(run: Run) -> None:
    _, out, _ = run("prompts", "--help")
    lines = out.partition("Commands:\n")[2].splitlines()
    assert len(lines) == 21
    assert not [line for line in lines if "..." in line]


def test_parts_of_messages_are_shown_as_text() -> None:
    content = [
        {"type": "text", "text": "Look:"},
        {"type": "image", "url": "https://example.com/a.png"},
        {"type": "image", "data": "aGk=", "media_type": "image/png"},
        {"type": "file", "file_id": "file-1"},
        {"type": "tool_call", "id": "1", "name": "search", "arguments": {"q": "x"}},
        {"type": "tool_result", "tool_call_id": "1", "content": "found"},
        {"type": "hologram"},
    ]
    assert shown_message({"role": "user", "name": "Ada", "content": content}).splitlines() == [
        "user (Ada):",
        "Look:",
        "[image https://example.com/a.png]",
        "[image image/png]",
        "[file file-1]",
        '[tool call search {"q":"x"}]',
        "[result of 1]",
        "found",
        "[hologram]",
    ]
    assert shown_message({"role": "placeholder", "name": "history", "content": ""}) == "(the messages of history)"
