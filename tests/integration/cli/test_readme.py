"""The sessions of the command line's README go as printed."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from promptops.client import SyncPromptOpsClient
from promptops.server import EmbeddedServer

README = (Path(__file__).parents[3] / "packages" / "promptops-cli" / "README.md").read_text(encoding="utf-8")
DOCUMENT = re.findall(r"```markdown\n(.*?)```", README, re.DOTALL)[0]
SESSIONS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
INSTALL, CACHE, SHIP, CHECK, CONFLICT = SESSIONS[:5]
Run = Callable[..., subprocess.CompletedProcess[str]]


def replayed(session: str, promptops: Run, url: str) -> str:
    """The session as it really goes."""
    said = ""
    for command in re.findall(r"^\$ promptops (.*)$", session, re.MULTILINE):
        done = promptops(*shlex.split(command), PROMPTOPS_BASE_URL=url)
        said += f"$ promptops {command}\n{done.stdout}{done.stderr}"
    return said


def test_the_sessions_go_as_printed(promptops: Run, tmp_path: Path) -> None:
    file = tmp_path / "prompts" / "greeting.prompt.md"
    file.parent.mkdir()
    file.write_text(DOCUMENT, encoding="utf-8")
    with EmbeddedServer(tmp_path / "data") as server, SyncPromptOpsClient(base_url=server.url) as client:
        assert replayed(SHIP, promptops, server.url) == SHIP
        assert replayed(CHECK, promptops, server.url) == CHECK
        client.prompts.update("greeting", content="Good day {{ user_name }}!")
        file.write_text(DOCUMENT.replace("Hello", "Dear"), encoding="utf-8")
        assert replayed(CONFLICT, promptops, server.url) == CONFLICT


def test_the_session_about_caches_goes_as_printed(
    promptops: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    with EmbeddedServer(tmp_path / "data") as server, SyncPromptOpsClient(base_url=server.url) as client:
        client.prompts.create("Greeting", content="Hi")
        assert replayed(CACHE, promptops, server.url) == CACHE


def test_every_command_of_the_table_is_there(promptops: Run) -> None:
    named = re.findall(r"^\| `promptops prompts ([^`]+)`", README, re.MULTILINE)
    commands = {name.strip() for row in named for name in row.split("\\|")}
    offered = promptops("prompts", "--help").stdout.partition("Commands:\n")[2]
    assert commands == set(re.findall(r"^  (\w+)", offered, re.MULTILINE))
    assert INSTALL.splitlines()[-1] == "$ promptops quickstart"


def test_the_session_about_datasets_goes_as_printed(promptops: Run, tmp_path: Path) -> None:
    [session] = [session for session in SESSIONS if "promptops datasets import" in session]
    (tmp_path / "reviews.csv").write_text("key,text,stars\nr1,Lovely.,5\nr2,Meh.,2\n", encoding="utf-8")
    more = '{"key":"r2","text":"Meh.","stars":2}\n{"key":"r3","text":"Fine.","stars":3}\n'
    (tmp_path / "more.jsonl").write_text(more, encoding="utf-8")
    with EmbeddedServer(tmp_path / "data") as server:
        assert replayed(session, promptops, server.url) == session


def test_every_command_about_datasets_is_in_the_table(promptops: Run) -> None:
    named = re.findall(r"^\| `promptops datasets ([^`]+)`", README, re.MULTILINE)
    commands = {name.strip() for row in named for name in row.split("\\|")}
    offered = promptops("datasets", "--help").stdout.partition("Commands:\n")[2]
    assert commands == set(re.findall(r"^  (\w+)", offered, re.MULTILINE))
