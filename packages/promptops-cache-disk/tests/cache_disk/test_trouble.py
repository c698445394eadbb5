"""A disk that takes no writes costs one error now and then; reads go on."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from promptops.cache import CacheUnavailable
from promptops.cache_disk import DiskStore

Make = Callable[..., DiskStore]

# The system itself refuses: no file of this process may grow beyond 100 bytes.
NO_ROOM = """
import resource, sys
from promptops.cache import CacheUnavailable
from promptops.cache_disk import DiskStore
now = [0.0]
store = DiskStore(sys.argv[1], namespace="tenant", monotonic=lambda: now[0])
old = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, old[1]))
said = []
for step in range(100):
    now[0] += 1.0
    try:
        said.append(store.write("key", b"x" * 5000))
    except CacheUnavailable as error:
        said.append(str(error).partition("(")[2].partition(")")[0])
    assert store.get("kept") == b"value"
    assert store.get("key") == b"old"
resource.setrlimit(resource.RLIMIT_FSIZE, old)
now[0] += 30.0
assert store.write("key", b"new") and store.get("key") == b"new"
print(said.count(False), [text for text in said if text is not False], store.stats().skipped)
"""


def test_a_full_disk_costs_one_attempt_in_thirty_seconds_and_no_read(make: Make, directory: Path) -> None:
    make().write("kept", b"value")
    make().write("key", b"old")
    done = subprocess.run(
        [sys.executable, "-c", NO_ROOM, str(directory)], capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "96 ['File too large', 'File too large', 'File too large', 'File too large'] 96"
    assert list((directory / "v1" / "temporary").iterdir()) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO, errno.EMFILE])
def test_a_write_that_fails_raises_once_and_says_what_to_do(
    make: Make, monkeypatch: pytest.MonkeyPatch, code: int, clock: Any
) -> None:
    store = make(monotonic=clock)
    store.write("key", b"old")
    attempts = 0

    def refuse(*_: object, **__: object) -> None:
        nonlocal attempts
        attempts += 1
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(CacheUnavailable, match=os.strerror(code)) as caught:
            store.write("key", b"new")
        assert "reads go on" in str(caught.value)
        assert [store.write("key", b"new") for _ in range(10)] == [False] * 10
        assert attempts == 1
        assert store.get("key") == b"old"
    clock.advance(29.0)
    assert store.write("key", b"new") is False
    clock.advance(1.0)
    assert store.write("key", b"new") is True
    assert store.get("key") == b"new"


def test_without_the_rest_every_write_would_be_tried(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""

    def nothing(_: DiskStore) -> None:
        return

    monkeypatch.setattr(DiskStore, "_rest", nothing)
    store = make()
    store.write("key", b"old")
    monkeypatch.setattr(os, "fsync", _no_space)
    for _ in range(5):
        with pytest.raises(CacheUnavailable):
            store.write("key", b"new")


def test_a_read_that_fails_is_a_miss_and_counted(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make()
    store.write("key", b"value")
    monkeypatch.setattr(os, "read", _no_space)
    assert store.get("key") is None
    assert store.stats().errors == 1


def test_a_value_that_cannot_be_removed_is_not_served_by_who_removed_it(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make()
    store.write("key", b"value")
    store.write("other", b"value")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", _no_space)
        with pytest.raises(CacheUnavailable, match="cannot remove"):
            store.remove("key")
        assert store.get("key") is None
        assert store.get("other") == b"value"
        with pytest.raises(CacheUnavailable, match="cannot remove"):
            store.clear("o")
        assert store.get("other") is None
    assert make().get("key") == b"value"
    store.write("key", b"new")
    assert store.get("key") == b"new"
    store.remove("other")
    assert make().get("other") is None


def test_a_directory_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "file" / "cache", namespace="tenant")
    (tmp_path / "file").write_bytes(b"")
    assert store.get("key") is None
    with pytest.raises(CacheUnavailable):
        store.write("key", b"value")
    assert store.write("key", b"value") is False
    with store.single_flight("key", timeout=5.0) as ours:
        assert ours is False


def test_a_sweep_that_fails_does_not_fail_the_write(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make()
    monkeypatch.setattr("promptops.cache_disk._room.sweep", _no_space)
    assert store.write("key", b"value") is True
    assert store.stats().errors == 1
    with pytest.raises(CacheUnavailable, match="cannot tidy"):
        store.sweep()


def _no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
