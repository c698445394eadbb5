"""The blocking store: time, tenants, restarts, and what it reports."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from promptops.cache import CacheMisconfigured, CacheUnavailable
from promptops.cache_disk import DiskStore

Make = Callable[..., DiskStore]
DAY = 86400.0


def test_a_value_outlives_the_object_that_wrote_it(make: Make) -> None:
    make().write("key", b"value")
    assert make().get("key") == b"value"


def test_an_expired_value_is_the_last_known_good_one_after_a_restart(make: Make, clock: Any) -> None:
    make(clock=clock).write("key", b"value", ttl=60.0)
    clock.advance(3600.0)
    restarted = make(clock=clock)
    assert restarted.get("key") is None
    entry = restarted.read("key")
    assert entry is not None
    assert (entry.value, entry.age, entry.expired) == (b"value", 3600.0, True)


def test_a_fresh_entry_tells_its_age(make: Make, clock: Any) -> None:
    store = make(clock=clock)
    store.write("key", b"value", ttl=60.0)
    clock.advance(59.0)
    entry = store.read("key")
    assert entry is not None
    assert (entry.age, entry.expired, entry.written) == (59.0, False, clock.now - 59.0)


def test_a_clock_that_went_ahead_a_day_leaves_the_last_known_good_value(make: Make, clock: Any) -> None:
    store = make(clock=clock)
    store.write("key", b"value", ttl=60.0)
    clock.advance(DAY)
    assert store.get("key") is None
    entry = store.read("key")
    assert entry is not None
    assert entry.expired


@pytest.mark.parametrize("back", [0.001, 30.0, DAY])
def test_an_entry_from_the_future_is_not_fresh_but_still_there(make: Make, clock: Any, back: float) -> None:
    store = make(clock=clock)
    store.write("key", b"value", ttl=60.0)
    clock.advance(-back)
    assert store.get("key") is None
    entry = store.read("key")
    assert entry is not None
    assert (entry.value, entry.age, entry.expired) == (b"value", None, True)
    store.write("key", b"newer", ttl=60.0)
    assert store.get("key") == b"newer"


def test_an_entry_from_the_future_that_never_expires_is_served_with_an_unknown_age(make: Make, clock: Any) -> None:
    store = make(clock=clock)
    store.write("key", b"value")
    clock.advance(-DAY)
    assert store.get("key") == b"value"
    entry = store.read("key")
    assert entry is not None
    assert entry.age is None


def test_nothing_is_served_beyond_the_greatest_age(make: Make, clock: Any) -> None:
    store = make(clock=clock, max_age=30 * DAY)
    store.write("key", b"value")
    clock.advance(30 * DAY)
    assert store.get("key") == b"value"
    clock.advance(1.0)
    assert store.get("key") is None
    assert store.read("key") is None


def test_tenants_do_not_see_each_other(make: Make) -> None:
    first, second = make("ab"), make("a")
    first.write("c", b"of ab")
    assert second.get("c") is None
    assert second.get("bc") is None
    second.write("c", b"of a")
    second.clear()
    assert first.get("c") == b"of ab"


def test_text_and_bytes_name_the_same_tenant(directory: Path) -> None:
    DiskStore(directory, namespace="é").write("key", b"value")
    assert DiskStore(directory, namespace="é".encode()).get("key") == b"value"


def test_files_and_folders_are_closed_to_others_whatever_the_umask(make: Make, directory: Path) -> None:
    before = os.umask(0)
    try:
        store = make()
        store.write("key", b"value")
        with store.single_flight("key", timeout=1.0):
            pass
    finally:
        os.umask(before)
    found = [directory, *directory.rglob("*")]
    modes = {path.stat().st_mode & 0o7777 for path in found if path.is_dir()}
    assert modes == {0o700}
    assert {path.stat().st_mode & 0o7777 for path in found if path.is_file()} == {0o600}


def test_names_and_secret_tell_nothing_of_keys(make: Make, directory: Path) -> None:
    make("https://api.example.com").write("a-telling-key", b"value")
    assert not [path for path in directory.rglob("*") if "telling" in path.name or "example" in path.name]


def test_making_a_store_writes_nothing(make: Make, directory: Path) -> None:
    store = make()
    assert store.get("key") is None
    store.remove("key")
    store.clear()
    store.sweep()
    assert not directory.exists()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o702])
def test_a_directory_that_others_may_write_to_is_refused(make: Make, directory: Path, mode: int) -> None:
    directory.mkdir()
    directory.chmod(mode)
    with pytest.raises(CacheMisconfigured, match=f"open to others \\(mode {mode:04o}\\); .*chmod go-w"):
        make()


def test_a_directory_that_others_may_read_serves(make: Make, directory: Path) -> None:
    directory.mkdir(mode=0o755)
    store = make()
    store.write("key", b"value")
    assert store.get("key") == b"value"
    assert (directory / "v1").stat().st_mode & 0o7777 == 0o700


def test_an_inner_folder_that_others_may_read_is_refused(make: Make, directory: Path) -> None:
    make().write("key", b"value")
    (directory / "v1").chmod(0o750)
    with pytest.raises(CacheMisconfigured, match="chmod 700"):
        make()


def test_a_directory_of_somebody_else_is_refused(make: Make, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory.mkdir(mode=0o700)
    ours = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: ours + 1)
    with pytest.raises(CacheMisconfigured, match="belongs to another user"):
        make()


def test_a_file_in_the_place_of_the_directory_is_refused(make: Make, directory: Path) -> None:
    directory.write_bytes(b"")
    with pytest.raises(CacheMisconfigured, match="not a directory"):
        make()


def test_a_directory_that_turns_bad_stops_writes_and_no_reads(make: Make, directory: Path) -> None:
    store = make()
    store.write("key", b"value")
    directory.chmod(0o777)
    assert store.get("key") == b"value"  # its files are still ours alone, and bear our digest
    (directory / "v1" / "secret").unlink()
    with pytest.raises(CacheUnavailable, match="open to others"):
        store.write("key", b"newer")
    assert store.write("key", b"newer") is False


@pytest.mark.parametrize(("field", "value"), [("max_bytes", -1), ("max_age", 0), ("max_age", float("nan"))])
def test_limits_that_make_no_sense_are_refused(make: Make, field: str, value: float) -> None:
    with pytest.raises(CacheMisconfigured, match=field):
        make(**{field: value})


def test_the_default_directory_is_that_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert DiskStore(namespace="tenant").directory == tmp_path / "promptops"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert DiskStore(namespace="tenant").directory == tmp_path / ".cache" / "promptops"


def test_a_directory_that_was_removed_is_made_again(make: Make, directory: Path) -> None:
    first, second = make(), make()
    first.write("key", b"value")
    second.write("other", b"value")
    for path in sorted(directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert first.get("key") is None
    second.write("other", b"again")
    first.write("key", b"again")
    assert (first.get("other"), second.get("key"), make().get("key")) == (b"again", b"again", b"again")


def test_a_secret_that_others_could_read_is_replaced_and_its_entries_count_no_more(make: Make, directory: Path) -> None:
    store = make()
    store.write("key", b"value")
    secret = directory / "v1" / "secret"
    old = secret.read_bytes()
    secret.chmod(0o644)
    assert make().get("key") is None
    store.write("other", b"value")
    assert secret.read_bytes() != old
    assert secret.stat().st_mode & 0o7777 == 0o600
    assert make().get("key") is None
    assert make().get("other") == b"value"


def test_statistics_count_what_happened(make: Make, entries: Callable[[], list[Path]]) -> None:
    store = make(max_bytes=80_000)
    store.write("a", b"x" * 5000)
    store.write("b", b"x")
    store.write("a", b"x" * 4000)
    store.get("a")
    store.get("absent")
    assert store.write("large", b"x" * 10_001) is False
    for path in entries():
        path.write_bytes(b"nonsense")
    store.get("a")
    stats = store.stats()
    assert (stats.level, stats.hits, stats.misses, stats.corrupt, stats.refused) == ("disk", 1, 2, 1, 1)
    assert (stats.size, stats.memory_usage, stats.max_bytes) == (2, 8192, 80_000)
    assert stats["corrupt"] == 1
    store.remove("b")
    assert (store.stats().size, store.stats().memory_usage) == (1, 4096)
    assert make().stats().size == 0
    assert make().measure().size == 1


def test_a_value_that_is_too_large_takes_the_earlier_one_along(make: Make) -> None:
    store = make(max_bytes=8000)
    store.write("key", b"x" * 1000)
    store.write("key", b"x" * 1001)
    assert store.get("key") is None
