"""Whatever lies in the place of an entry, nothing but what was written there is served, and nothing raises."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from promptops.cache_disk import DiskStore
from promptops.cache_disk._format import decode, encode, entry_name

Make = Callable[..., DiskStore]
SECRET = b"s" * 32


def flip(path: Path, chance: random.Random, **_: Any) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def cut(path: Path, chance: random.Random, **_: Any) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: chance.randrange(len(data))])


def lengthen(path: Path, chance: random.Random, **_: Any) -> None:
    path.write_bytes(path.read_bytes() + chance.randbytes(chance.randrange(1, 50)))


def zeros(path: Path, chance: random.Random, **_: Any) -> None:
    data = path.read_bytes()
    start = chance.randrange(len(data) - 1)
    path.write_bytes(data[:start] + bytes(len(data) - start))  # what a lost block leaves


def of_another_tenant(path: Path, other: Path, **_: Any) -> None:
    shutil.copy(other, path)


def of_another_key(path: Path, sibling: Path, **_: Any) -> None:
    shutil.copy(sibling, path)


def of_another_directory(path: Path, elsewhere: Path, **_: Any) -> None:
    shutil.copy(elsewhere, path)


def link(path: Path, **_: Any) -> None:
    target = path.parent.parent / path.name
    path.rename(target)  # even to the very entry
    path.symlink_to(target)


def open_mode(path: Path, chance: random.Random, **_: Any) -> None:
    path.chmod(chance.choice([0o644, 0o640, 0o604, 0o620, 0o602, 0o666, 0o700, 0o660]))


def folder(path: Path, **_: Any) -> None:
    path.unlink()
    path.mkdir()


def pipe(path: Path, **_: Any) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


MUTATIONS: list[Callable[..., None]] = [
    flip,
    flip,
    cut,
    lengthen,
    zeros,
    of_another_tenant,
    of_another_key,
    of_another_directory,
    link,
    open_mode,
    folder,
    pipe,
]


def test_a_thousand_damaged_entries_are_all_absent_and_all_can_be_written_again(
    make: Make, tmp_path: Path, directory: Path
) -> None:
    chance = random.Random(20240607)
    store = make()
    names: dict[str, Path] = {}
    folder_of_entries = directory / "v1" / "entries"

    def write(target: DiskStore, namespace: bytes, key: str) -> Path:
        target.write(key, f"value of {key}".encode())
        return target.directory / "v1" / "entries" / entry_name(namespace, key.encode())

    for number in range(1000):
        names[f"key-{number}"] = folder_of_entries / entry_name(b"tenant", f"key-{number}".encode())
        store.write(f"key-{number}", f"value of key-{number}".encode())
    other = write(make("other"), b"other", "key-0")
    sibling = write(store, b"tenant", "sibling")
    elsewhere = write(DiskStore(tmp_path / "2", namespace="tenant"), b"tenant", "key-0")
    assert all(store.get(key) == f"value of {key}".encode() for key in names)  # the control: undamaged, each is served

    for number, path in enumerate(names.values()):
        MUTATIONS[number % len(MUTATIONS)](path, chance=chance, other=other, sibling=sibling, elsewhere=elsewhere)
    corrupt = store.stats().corrupt
    assert [key for key in names if store.get(key) is not None] == []
    assert [key for key in names if make().read(key) is not None] == []
    assert store.stats().corrupt - corrupt == len(names)

    folders = sum(path.is_dir() for path in names.values())
    assert sum(store.write(key, b"again") for key in names) == len(names) - folders
    store.clear("key-1")
    assert store.get("sibling") == b"value of sibling"


def test_an_entry_of_another_owner_is_absent(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make()
    store.write("key", b"value")
    assert store.get("key") == b"value"
    ours = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: ours + 1)
    assert store.get("key") is None
    assert store.stats().corrupt == 1


def test_a_file_beyond_every_limit_is_not_read(make: Make, entries: Callable[[], list[Path]]) -> None:
    store = make(max_bytes=100_000)
    store.write("key", b"value")
    os.truncate(entries()[0], 1 << 40)  # sparse: reading it would end this process
    assert store.get("key") is None
    store.clear("k")


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_no_entry(data: bytes) -> None:
    assert decode(SECRET, b"tenant", b"key", data) is None


@given(st.binary(max_size=50), st.binary(max_size=50), st.binary(max_size=300), st.floats(0, 1e12))
def test_what_was_encoded_is_decoded_by_the_same_secret_tenant_and_key_alone(
    tenant: bytes, key: bytes, value: bytes, written: float
) -> None:
    data = encode(SECRET, tenant, key, value, written=written, ttl=60.0)
    assert decode(SECRET, tenant, key, data) == (value, written, 60.0)
    assert decode(b"t" * 32, tenant, key, data) is None
    assert decode(SECRET, tenant + b"\0", key, data) is None
    assert decode(SECRET, tenant, key + value[:1] + b"\0", data) is None
    for position in range(0, len(data), 7):
        assert decode(SECRET, tenant, key, data[:position]) is None
        changed = data[:position] + bytes([data[position] ^ 4]) + data[position + 1 :]
        assert decode(SECRET, tenant, key, changed) is None
