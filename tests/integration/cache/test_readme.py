"""The example about caches in the README of the client prints what a reader expects."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from promptops.server import EmbeddedServer

README = Path(__file__).parents[3] / "packages" / "promptops-client" / "README.md"


def test_the_example_with_a_fallback_runs_as_printed(tmp_path: Path) -> None:
    text = README.read_text(encoding="utf-8").partition("## A read is never slow and never down")[2]
    code = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)[0]
    with EmbeddedServer() as server:
        script = tmp_path / "example.py"
        script.write_text(code.replace("http://127.0.0.1:8765", server.url), encoding="utf-8")
        done = subprocess.run([sys.executable, "-W", "error", str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Goodbye Ada! fallback True\nNone\n"
