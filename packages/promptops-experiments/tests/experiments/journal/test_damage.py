"""A file that is no journal, or may not be written to, is refused in words and left as it is."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from promptops.experiments.journal import Journal, JournalDamaged, JournalError, JournalReadOnly, RunPlan, UnitRecord

READ_ONLY = """
import os, sys
from promptops.experiments import journal
from promptops.experiments.journal import _journal, _database
import sqlite3
if os.geteuid() == 0:
    os.seteuid(65534)  # whom the rights of files do not spare
try:
    journal.Journal.open(sys.argv[1])
except journal.JournalError as exc:
    print(type(exc).__name__, exc.message, flush=True)
os._exit(0)
"""


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_foreign_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(JournalDamaged, match=r"notes\.txt"):
        Journal.open(path)
    assert path.read_bytes() == content


def test_database_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE users(name TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(JournalDamaged, match="something else"):
        Journal.open(path)


def test_journal_of_a_newer_version_is_refused(path: Path) -> None:
    with Journal.open(path) as journal:
        journal.transaction(lambda connection: connection.execute("PRAGMA user_version = 99"))
    with pytest.raises(JournalDamaged, match="upgrade"):
        Journal.open(path)


def test_damaged_pages_are_an_error_and_never_other_rows(
    path: Path, make_plan: Callable[..., RunPlan], make_unit: Callable[..., UnitRecord]
) -> None:
    with Journal.open(path) as journal, journal.begin(make_plan()) as run:
        run.append_outputs(*(make_unit(number, output=f'"{number}"') for number in range(2000))).wait(30)
    whole = path.read_bytes()
    middle = len(whole) // 2 // 4096 * 4096
    path.write_bytes(whole[:middle] + b"\xa5" * 8192 + whole[middle + 8192 :])
    read: list[UnitRecord] = []
    with Journal.open(path) as journal, pytest.raises(JournalDamaged, match="left as it is"):
        read.extend(journal.units("first"))
    assert all(unit.example_id == f"ex-{unit.value}" for unit in read)


def test_directory_in_the_place_of_the_file_is_an_error_of_the_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalError):
        Journal.open(tmp_path)


@pytest.mark.parametrize("kept", ["file", "directory"])
def test_place_that_may_not_be_written_to_is_refused(kept: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        path = directory / "journal.sqlite3"
        if kept == "file":
            Journal.open(path).close()
            path.chmod(0o444)
        directory.chmod(0o555)
        try:
            done = subprocess.run(
                [sys.executable, "-c", READ_ONLY, str(path)], capture_output=True, text=True, timeout=200, check=True
            )
        finally:
            directory.chmod(0o700)
    assert done.stdout.startswith(JournalReadOnly.__name__), done.stdout + done.stderr
    assert "writable" in done.stdout
    assert os.environ.get("HOME", "/nowhere") not in done.stdout
