"""The example of promptops-prompts that needs a server does what its README says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from promptops.client import SyncPromptOpsClient
from promptops.server import EmbeddedServer

README = Path(__file__).parents[3] / "packages" / "promptops-prompts" / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_versions_labels_and_history_are_as_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedServer(tmp_path) as server, SyncPromptOpsClient(base_url=server.url) as client:
        exec(compile(BLOCKS[-1], str(README), "exec"), {"prompts": client.prompts})
    said = capsys.readouterr().out
    assert said.startswith("Hello Ada!\n")
    assert "-Hello {{ name }}!\n+Dear {{ name }}!" in said
    assert said.endswith("['label_moved', 'label_moved', 'versioned', 'created']\n")
