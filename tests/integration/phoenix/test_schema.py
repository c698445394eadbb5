"""The models are made from what the pinned server says of its interface."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[3]


def test_schema_is_what_the_pinned_server_says(phoenix_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    from tools.phoenix.schema import SCHEMA, rendered

    answer = httpx.get(f"{phoenix_url}/openapi.json", timeout=60)
    pinned = (ROOT / "tools/phoenix/server.txt").read_text(encoding="utf-8")
    assert f"arize-phoenix=={answer.headers['x-phoenix-server-version']}\n" in pinned
    assert SCHEMA.read_text(encoding="utf-8") == rendered(answer.json())
