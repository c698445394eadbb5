"""The examples of the README do what it says, against a real socket."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_the_first_example_delivers_an_event(receiver: Any, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(BLOCKS[0].replace("http://127.0.0.1:8765", receiver.url), str(README), "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out == "True 1\n"
    assert [event["attributes"] for event in receiver.events] == [{"prompt": "greeting", "cache_hit": True}]


def test_the_second_example_prints_what_may_be_reported(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(BLOCKS[1], str(README), "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out == "prompt.render ok {'prompt': 'greeting'}\n"
