"""T09: a wall clock that jumps makes nothing fresh and nobody ask twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import Refuse
from promptops.server import EmbeddedServer

DAY = 86_400.0


@pytest.fixture
def counted(library: EmbeddedServer) -> Iterator[FaultProxy]:
    with FaultProxy(library.url) as proxy:
        yield proxy


def visit(run_reader: Callable[..., Any], *positional: Any, **named: Any) -> list[dict[str, Any]]:
    """What a new process reads."""
    reader = run_reader(*positional, **named)
    reader.start()
    report = reader.finish()
    assert report["errors"] == []
    reads: list[dict[str, Any]] = report["reads"]
    return reads


@pytest.mark.parametrize("level", ["memory", "disk", "redis", "hybrid"])
def test_a_running_process_does_not_notice(
    counted: FaultProxy,
    run_reader: Callable[..., Any],
    names: tuple[str, ...],
    tmp_path: Path,
    redis_url: str,
    level: str,
) -> None:
    cache = {"level": level, "directory": str(tmp_path / "cache"), "redis_url": redis_url}
    reads = visit(run_reader, counted.url, names[:20], cache=cache, rounds=5, walls=[0.0, DAY, -DAY, 365 * DAY, 0.0])
    assert len(reads) == 100
    assert counted.requests == 20
    assert [read["stale"] for read in reads] == [False] * 100
    assert all(0.0 <= read["age"] < 30.0 for read in reads)


@pytest.mark.parametrize("level", ["disk", "redis"])
@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_what_was_written_at_another_time_is_not_taken_for_fresh(
    counted: FaultProxy,
    run_reader: Callable[..., Any],
    names: tuple[str, ...],
    tmp_path: Path,
    redis_url: str,
    level: str,
    jump: float,
) -> None:
    cache = {"level": level, "directory": str(tmp_path / "cache"), "redis_url": redis_url}
    visit(run_reader, counted.url, names[:10], cache=cache, walls=[jump])
    before = counted.requests
    reads = visit(run_reader, counted.url, names[:10], cache=cache)
    assert {(read["source"], read["stale"]) for read in reads} == {("network", False)}
    assert counted.requests == before + 10  # each once


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_it_still_saves_a_start_in_an_outage(
    counted: FaultProxy, run_reader: Callable[..., Any], names: tuple[str, ...], tmp_path: Path, jump: float
) -> None:
    cache = {"level": "disk", "directory": str(tmp_path / "cache")}
    visit(run_reader, counted.url, names[:3], cache=cache, walls=[jump])
    counted.set(Refuse())
    reads = visit(run_reader, counted.url, names[:3], cache=cache)
    assert {(read["source"], read["stale"]) for read in reads} == {("disk", True)}


def test_control_with_the_same_clock_the_disk_answers(
    counted: FaultProxy, run_reader: Callable[..., Any], names: tuple[str, ...], tmp_path: Path
) -> None:
    cache = {"level": "disk", "directory": str(tmp_path / "cache")}
    visit(run_reader, counted.url, names[:10], cache=cache)
    reads = visit(run_reader, counted.url, names[:10], cache=cache)
    assert {(read["source"], read["stale"]) for read in reads} == {("disk", False)}
    assert counted.requests == 10
