"""The options of ``promptops serve`` that become settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner
from promptops.server import Settings, _run
from promptops.server.cli import serve


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Settings]]:
    """The settings of the servers that would have run; the command's own logging ends with the test."""
    monkeypatch.delenv("PROMPTOPS_PROTECTED_LABELS", raising=False)
    found: list[Settings] = []

    def note(settings: Settings, listening: Any, **_: Any) -> None:
        listening.close()
        found.append(settings)

    monkeypatch.setattr(_run, "run", note)
    yield found
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        ((), {}, ("production",)),
        (("--protected-label", "live", "--protected-label", "release"), {}, ("live", "release")),
        ((), {"PROMPTOPS_PROTECTED_LABELS": "live,release"}, ("live", "release")),
        (("--protected-label", "live"), {"PROMPTOPS_PROTECTED_LABELS": "release"}, ("live",)),
        ((), {"PROMPTOPS_PROTECTED_LABELS": ""}, ()),
    ],
)
def test_protected_labels_come_from_options_then_from_the_environment(
    started: list[Settings],
    tmp_path: Path,
    options: tuple[str, ...],
    environment: dict[str, str],
    expected: tuple[str, ...],
) -> None:
    arguments = ["--port", "0", "--data-dir", str(tmp_path), *options]
    done = CliRunner(env=environment).invoke(serve, arguments)
    assert done.exit_code == 0, done.output
    assert [settings.protected_labels for settings in started] == [expected]


def test_a_protected_label_that_cannot_be_one_is_named(started: list[Settings], tmp_path: Path) -> None:
    arguments = ["--port", "0", "--data-dir", str(tmp_path), "--protected-label", "latest"]
    done = CliRunner().invoke(serve, arguments)
    assert done.exit_code == 1
    assert "'latest' cannot be a protected label" in done.output
    assert started == []
