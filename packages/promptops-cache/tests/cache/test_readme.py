"""The examples of the README do what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_the_first_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(BLOCKS[0], str(README), "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out == "b'Hello' 1.0\n"


def test_the_example_of_a_backend_collects_the_shared_tests() -> None:
    scope: dict[str, Any] = {"__name__": "readme"}
    exec(compile(BLOCKS[1], str(README), "exec"), scope)
    assert hasattr(scope["TestMine"], "test_expired_value_is_not_returned")
