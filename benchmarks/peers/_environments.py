"""A pinned environment for each peer, made once outside the one of this workspace."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tools import environments

__all__ = ["run"]

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def interpreter(peer: str) -> Path:
    """The interpreter of a peer's environment, which is made when it is not there."""
    folder = os.environ.get("PROMPTOPS_PEERS_DIR")
    return environments.interpreter(HERE / f"{peer}.txt", folder=None if folder is None else Path(folder))


def run(peer: str, module: str, *arguments: str) -> dict[str, Any]:
    """The JSON that a module of ours prints when it runs in the environment of a peer, with our sources on its path."""
    names = ("core", "models", "cache", "prompts", "telemetry", "experiments", "phoenix", "client")
    sources = [ROOT, *(ROOT / "packages" / f"promptops-{name}" / "src" for name in names)]
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [str(interpreter(peer)), "-m", module, *arguments],
        env={**variables, "PYTHONPATH": os.pathsep.join(str(source) for source in sources)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report
