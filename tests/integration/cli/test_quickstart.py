"""The quickstart, run as a user runs it: a fresh process in an empty directory."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from promptops.client import SyncPromptOpsClient
from promptops.server import EmbeddedServer

KEY = "sk-a-key-that-nobody-may-see"
Promptops = Callable[..., subprocess.CompletedProcess[str]]


def table_row(output: str, score: str) -> list[str]:
    line = next(line for line in output.splitlines() if line.startswith(f"│ {score} "))
    return [cell.strip() for cell in line.strip("│").split("│")]


def next_commands(output: str) -> list[list[str]]:
    _, _, rest = output.partition("Try next\n")
    return [shlex.split(line) for line in rest.strip().splitlines()]


def test_it_shows_what_changed_and_what_to_try_next(promptops: Promptops, tmp_path: Path) -> None:
    started = time.monotonic()
    ran = promptops("quickstart")
    assert ran.returncode == 0, ran.stderr
    assert time.monotonic() - started < 60
    assert "offline model: nearest-example classifier, no language model" in ran.stdout
    assert ran.stdout.count("examples in its text") == 2
    size = int(re.search(r"quickstart-messages, (\d+) examples", ran.stdout).group(1))  # type: ignore[union-attr] # there
    assert size >= 60
    assert ran.stderr.count(f"{size}/{size}") == 2  # the progress of both runs
    assert "got better" in ran.stdout
    report = tmp_path / "promptops-quickstart" / "report.html"
    assert f"Report: {report.relative_to(tmp_path)}" in ran.stdout
    assert "no language model" in report.read_text(encoding="utf-8")
    assert [command[0] for command in next_commands(ran.stdout)] == ["promptops"] * 3


def test_its_figures_are_those_of_the_stored_runs(promptops: Promptops) -> None:
    ran = promptops("quickstart")
    compare = next_commands(ran.stdout)[0][1:]
    again = promptops(*compare, "--json")
    assert again.returncode == 0, again.stderr
    stored = msgspec.json.decode(again.stdout)["metrics"]
    for name in ("correct_label", "valid_label"):
        metric = stored[name]
        row = table_row(ran.stdout, name)
        assert row[1:4] == [
            f"{metric['baseline_mean']:.3f}",
            f"{metric['candidate_mean']:.3f}",
            f"{metric['difference']:+.3f}",
        ]
        assert row[4:6] == [str(len(metric["better"])), str(len(metric["worse"]))]
    assert stored["correct_label"]["difference"] > 0
    assert stored["correct_label"]["candidate_mean"] < 1


def test_the_other_commands_that_it_prints_work_too(promptops: Promptops, tmp_path: Path) -> None:
    printed = next_commands(promptops("quickstart").stdout)
    rendered = promptops(*printed[1][1:])
    assert rendered.returncode == 0, rendered.stderr
    assert "Where is my parcel?" in rendered.stdout
    command = [sys.executable, "-m", "promptops.cli", *printed[2][1:], "--port", "0"]
    with (
        (tmp_path / "serve.log").open("wb") as log,
        subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log) as server,
    ):
        try:
            prompts = httpx.get(f"{address(server, tmp_path / 'serve.log')}/v1/client/prompts").json()
        finally:
            server.send_signal(signal.SIGTERM)
    assert [prompt["slug"] for prompt in prompts["data"]["prompts"]] == ["quickstart-intent"]


def address(server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline and server.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text(encoding="utf-8"))
        if found:
            return found.group()
        time.sleep(0.05)
    raise AssertionError(log.read_text(encoding="utf-8"))


def test_it_can_be_run_again_and_again(promptops: Promptops) -> None:
    reports = [msgspec.json.decode(promptops("quickstart", "--json").stdout) for _ in range(3)]
    names = [experiment["experiment"] for report in reports for experiment in report["experiments"]]
    assert len(set(names)) == 6
    assert len({report["dataset"]["id"] for report in reports}) == 1
    assert [report["prompt"]["versions"] for report in reports] == [["1.0.0", "1.1.0"]] * 3
    assert len({str(report["comparison"]["metrics"]["correct_label"]["difference"]) for report in reports}) == 1


def test_json_is_the_only_thing_on_stdout_when_asked_for(promptops: Promptops, tmp_path: Path) -> None:
    ran = promptops("quickstart", "--json", "--report", "here.html", "--data-dir", "elsewhere")
    facts = msgspec.json.decode(ran.stdout)
    assert set(facts) == {"model", "prompt", "dataset", "experiments", "comparison", "report"}
    assert facts["report"] == "here.html"
    assert (tmp_path / "here.html").is_file()
    assert (tmp_path / "elsewhere").is_dir()
    assert ran.stderr == ""


def test_it_runs_against_another_server(promptops: Promptops, tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "server") as server:
        ran = promptops("quickstart", "--base-url", server.url)
        assert ran.returncode == 0, ran.stderr
        for command in next_commands(ran.stdout):
            assert promptops(*command[1:]).returncode == 0, command
    assert not (tmp_path / "promptops-quickstart").exists()


def test_the_environment_of_another_server_plays_no_part(promptops: Promptops) -> None:
    ran = promptops(
        "quickstart",
        "--json",
        PROMPTOPS_BASE_URL="http://127.0.0.1:9",
        PROMPTOPS_API_KEY="another-key",
        PROMPTOPS_PROJECT="another",
    )
    assert ran.returncode == 0, ran.stderr


def by_length_of_the_prompt(chat: list[dict[str, str]]) -> str:
    """A model that is right about returns and billing, and only when the prompt has many examples."""
    if chat[0]["content"].count("\nLabel:") < 10:
        return "billing"
    return "returns" if "return" in chat[-1]["content"] else "billing"


PROVIDERS: dict[str, Callable[[str], dict[str, str]]] = {
    "openai": lambda url: {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_MODEL": "test-model"},
    "compatible": lambda url: {"OPENAI_BASE_URL": f"{url}/v1"},
    "anthropic": lambda url: {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url, "ANTHROPIC_MODEL": "test-model"},
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_real_model_is_asked_when_it_is_set_up(
    provider: str, promptops: Promptops, model_server: Callable[..., Any], tmp_path: Path
) -> None:
    server = model_server(by_length_of_the_prompt)
    ran = promptops("quickstart", "--json", **PROVIDERS[provider](server.url))
    assert ran.returncode == 0, ran.stderr
    facts = msgspec.json.decode(ran.stdout)
    assert "127.0.0.1" in facts["model"]
    assert "offline" not in facts["model"]
    metric = facts["comparison"]["metrics"]["correct_label"]
    examples = facts["dataset"]["examples"]
    assert server.chats == 2 * examples + 1
    assert metric["baseline_mean"] == pytest.approx(12 / examples)
    assert metric["candidate_mean"] > metric["baseline_mean"]
    assert facts["comparison"]["metrics"]["valid_label"]["candidate_mean"] == 1.0
    assert all(KEY in sent for sent in server.keys) or provider == "compatible"
    assert_nowhere(KEY, ran, tmp_path)


def assert_nowhere(key: str, ran: subprocess.CompletedProcess[str], directory: Path) -> None:
    assert key not in ran.stdout + ran.stderr
    for folder, _, names in os.walk(directory):
        for name in names:
            assert key.encode() not in (Path(folder) / name).read_bytes(), name


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_refused_key_is_one_line_and_a_way_out(
    provider: str, promptops: Promptops, model_server: Callable[..., Any], tmp_path: Path
) -> None:
    server = model_server(by_length_of_the_prompt, 401)
    ran = promptops("quickstart", **PROVIDERS[provider](server.url))
    assert ran.returncode == 2
    assert f"{provider.upper()}_API_KEY" in ran.stderr
    assert "--provider offline" in ran.stderr
    assert len(ran.stderr.splitlines()) == 2
    assert server.chats == 1
    assert_nowhere(KEY, ran, tmp_path)


def test_the_offline_model_can_be_chosen_although_a_key_is_there(
    promptops: Promptops, model_server: Callable[..., Any]
) -> None:
    server = model_server(by_length_of_the_prompt)
    ran = promptops("quickstart", "--provider", "offline", **PROVIDERS["openai"](server.url))
    assert "offline model" in ran.stdout
    assert server.chats == 0


def test_a_directory_that_cannot_be_made_is_one_line_and_a_way_out(promptops: Promptops, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    ran = promptops("quickstart", "--data-dir", "file/below")
    assert ran.returncode == 2
    assert "--data-dir" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_what_somebody_else_has_under_its_names_stays_as_it_is(promptops: Promptops, tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "server") as server:
        with SyncPromptOpsClient(base_url=server.url) as client:
            theirs = client.prompts.create("quickstart-intent", content="my own text")
            client.datasets.create("quickstart-messages", [{"mine": True}])
        facts = msgspec.json.decode(promptops("quickstart", "--json", "--base-url", server.url).stdout)
        with SyncPromptOpsClient(base_url=server.url) as client:
            assert client.prompts.get("quickstart-intent", version="1.0.0").etag == theirs.etag
            assert [example["mine"] for example in client.datasets.examples("quickstart-messages")] == [True]
    assert facts["prompt"]["versions"] == ["1.1.0", "1.2.0"]
    assert facts["dataset"]["name"] == "quickstart-messages-2"
