"""What all integration tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from promptops.core import limits


@pytest.fixture(autouse=True)
def journal_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the journal of this test lies, instead of the user's data directory."""
    path = tmp_path / "journal" / "journal.sqlite3"
    monkeypatch.setenv("PROMPTOPS_JOURNAL", str(path))
    return path


@pytest.fixture(autouse=True)
def _nothing_learned() -> None:
    """Forget what earlier tests learned of servers: the system hands their ports out again."""
    limits.reset()
