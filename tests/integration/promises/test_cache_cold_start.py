"""T03: a process that starts in an outage serves what its host has seen, or says quickly that it cannot."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from promptops.core.testing.outages import Outage

SEEN = 20
MARGIN = 2.0
"""Seconds that a busy machine may add to a limit."""


def disk(directory: Path, **more: Any) -> dict[str, Any]:
    return {"level": "disk", "directory": str(directory / "cache"), "ttl": 0.2, **more}


@pytest.fixture
def seen(names: tuple[str, ...]) -> tuple[str, ...]:
    return names[:SEEN]


def visit(run_reader: Callable[..., Any], *positional: Any, **named: Any) -> list[dict[str, Any]]:
    """What a new process reads."""
    reader = run_reader(*positional, **named)
    reader.start()
    report = reader.finish()
    assert report["errors"] == []
    reads: list[dict[str, Any]] = report["reads"]
    return reads


@pytest.mark.parametrize("shape", ["refused", "black hole", "reset", "503", "HTML", "drip"])
def test_everything_that_was_seen_is_served_by_a_new_process(
    lose: Callable[[str], Outage],
    run_reader: Callable[..., Any],
    seen: tuple[str, ...],
    tmp_path: Path,
    shape: str,
) -> None:
    outage = lose(shape)
    first = visit(run_reader, outage.url, seen, cache=disk(tmp_path))
    assert {read["source"] for read in first} == {"network"}
    outage.begin()
    time.sleep(0.3)  # so that nothing is fresh any more
    reads = visit(run_reader, outage.url, seen, cache=disk(tmp_path))
    assert [(read["name"], read["content"]) for read in reads] == [(read["name"], read["content"]) for read in first]
    assert {(read["source"], read["stale"]) for read in reads} == {("disk", True)}
    assert reads[0]["seconds"] <= 3.0 + 3 * MARGIN  # an answer that drips takes minutes
    assert all(read["age"] >= 0.2 for read in reads)


def test_with_the_disk_preferred_the_first_read_waits_for_nobody(
    lose: Callable[[str], Outage], run_reader: Callable[..., Any], seen: tuple[str, ...], tmp_path: Path, soak: bool
) -> None:
    outage = lose("black hole")
    visit(run_reader, outage.url, seen, cache=disk(tmp_path))
    outage.begin()
    time.sleep(0.3)  # so that nothing is fresh any more
    reads = visit(run_reader, outage.url, seen, cache=disk(tmp_path, prefer_disk=True))
    assert {(read["source"], read["stale"]) for read in reads} == {("disk", True)}
    assert reads[0]["seconds"] <= (0.05 if soak else MARGIN)  # who asked first would take three
    assert statistics.median(read["seconds"] for read in reads) <= 0.1


@pytest.mark.parametrize("shape", ["refused", "black hole"])
def test_without_a_snapshot_it_says_so_in_time_and_then_at_once(
    lose: Callable[[str], Outage], run_reader: Callable[..., Any], seen: tuple[str, ...], shape: str, soak: bool
) -> None:
    outage = lose(shape)
    outage.begin()
    # A refusal is quick: five of them open the gate; one call that spent all of its time does too.
    reads = visit(run_reader, outage.url, seen[:8])
    assert {read["error"] for read in reads} <= {"NetworkError", "TimeoutError"}
    assert len(reads) == 8
    assert reads[0]["seconds"] <= 3.2 + (0.0 if soak else 3 * MARGIN)
    after_gate = reads[1:] if shape == "black hole" else reads[5:]
    quick = sorted(read["seconds"] for read in after_gate)
    assert statistics.median(quick) <= (0.005 if soak else 0.1)


def test_control_without_the_disk_nothing_is_served(
    lose: Callable[[str], Outage], run_reader: Callable[..., Any], seen: tuple[str, ...]
) -> None:
    outage = lose("refused")
    assert all("error" not in read for read in visit(run_reader, outage.url, seen[:2]))
    outage.begin()
    assert all("error" in read for read in visit(run_reader, outage.url, seen[:2]))


def test_control_the_disk_is_not_shared_between_servers(
    lose: Callable[[str], Outage], run_reader: Callable[..., Any], seen: tuple[str, ...], tmp_path: Path
) -> None:
    one, other = lose("refused"), lose("refused")
    visit(run_reader, one.url, seen[:1], cache=disk(tmp_path))
    other.begin()
    assert "error" in visit(run_reader, other.url, seen[:1], cache=disk(tmp_path))[0]
