"""What the tests of the disk cache share: a directory, a clock, stores, and processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from promptops.cache_disk import DiskStore


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def make(directory: Path) -> Callable[..., DiskStore]:
    """Call as ``make(namespace=..., ...)``: a new store over the same directory, as another process would have."""

    def store(namespace: str = "tenant", **options: Any) -> DiskStore:
        return DiskStore(directory, namespace=namespace, **options)

    return store


@pytest.fixture
def entries(directory: Path) -> Callable[[], list[Path]]:
    """The files of the entries, by name."""
    return lambda: sorted((directory / "v1" / "entries").iterdir())


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Call as ``start(code, *arguments)``: another Python, with pipes; what still runs in the end is killed."""
    children: list[subprocess.Popen[str]] = []

    def begin(code: str, *arguments: object) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        return child

    yield begin
    for child in children:
        child.kill()
        child.communicate()
