"""The commands about shared caches, as a user runs them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from promptops.client import CacheConfig, SyncPromptOpsClient
from promptops.server import EmbeddedServer

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def where(tmp_path: Path) -> dict[str, str]:
    return {"PROMPTOPS_CACHE_DIRECTORY": str(tmp_path / "cache")}


def test_what_is_warmed_is_found_by_an_application_and_cleared_again(
    promptops: Run, where: dict[str, str], tmp_path: Path
) -> None:
    cache = CacheConfig(level="disk", directory=str(tmp_path / "cache"))
    with EmbeddedServer() as server:
        environ = {**where, "PROMPTOPS_BASE_URL": server.url}
        with SyncPromptOpsClient(base_url=server.url) as writer:
            writer.prompts.create("Greeting", content="Hi")
            writer.prompts.create("Other", content="Ho")
        warmed = promptops("cache", "warm", "greeting", "other", **environ)
        assert (warmed.returncode, warmed.stdout) == (0, "warmed greeting 1.0.0\nwarmed other 1.0.0\n")
        stats = json.loads(promptops("cache", "stats", "--json", **environ).stdout)
        assert stats["disk"]["entries"] == 2
        assert stats["disk"]["bytes"] > 0
        with SyncPromptOpsClient(base_url=server.url, cache=cache) as client:
            assert client.read_prompt("greeting").source == "disk"
        assert promptops("cache", "clear", "greeting", "--version", "latest", **environ).stdout == (
            "cleared greeting latest\n"
        )
        with SyncPromptOpsClient(base_url=server.url, cache=cache) as client:
            assert client.read_prompt("other").source == "disk"
            assert client.read_prompt("greeting").source == "network"
        cleared = promptops("cache", "clear", "--json", **environ)
        assert json.loads(cleared.stdout) == {"name": None, "version": None}
        assert json.loads(promptops("cache", "stats", "--json", **environ).stdout)["disk"]["entries"] == 0


def test_a_prompt_that_does_not_exist_is_said_and_the_others_are_warmed(promptops: Run, where: dict[str, str]) -> None:
    with EmbeddedServer() as server:
        with SyncPromptOpsClient(base_url=server.url) as writer:
            writer.prompts.create("Greeting", content="Hi")
        done = promptops("cache", "warm", "greeting", "absent", PROMPTOPS_BASE_URL=server.url, **where)
    assert (done.returncode, done.stdout) == (3, "warmed greeting 1.0.0\n")
    assert "absent" in done.stderr


def test_a_redis_that_is_away_is_said_in_one_line_without_its_password(promptops: Run) -> None:
    environ = {"PROMPTOPS_REDIS_URL": "redis://:s3cret@127.0.0.1:1/0", "PROMPTOPS_BASE_URL": "http://127.0.0.1:9"}
    done = promptops("cache", "clear", "greeting", **environ)
    assert (done.returncode, done.stdout) == (7, "")
    assert "redis did not answer" in done.stderr
    shown = promptops("cache", "stats", **environ)
    assert (shown.returncode, "away" in shown.stdout) == (0, True)
    assert "s3cret" not in done.stderr + shown.stdout + shown.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("clear", "--version", "1.0.0"), "--version needs the NAME"),
        (("warm",), "Missing argument"),
        (("stats", "--level", "hybrid"), "cache.redis_url"),
        (("stats", "--level", "memory"), "'memory' is not one of"),
    ],
)
def test_wrong_usage_exits_with_2(promptops: Run, arguments: tuple[str, ...], said: str) -> None:
    done = promptops("cache", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
