"""A pinned environment for each peer, made once outside the one of this workspace."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["run"]

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def interpreter(peer: str) -> Path:
    """The interpreter of a peer's environment, which is made when it is not there.

    It lies under ``build/peers`` (or ``$PROMPTOPS_PEERS_DIR``), and is made again when its requirements change.
    """
    requirements = HERE / f"{peer}.txt"
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = Path(os.environ.get("PROMPTOPS_PEERS_DIR") or ROOT / "build" / "peers") / f"{peer}-{digest}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (folder / "complete").exists():
        uv = os.environ.get("UV") or shutil.which("uv")
        if uv is None:
            raise SystemExit("uv is needed to make the environments of the peers: https://docs.astral.sh/uv/")
        command = [uv, "pip", "sync", "--quiet", "--python", str(python), str(requirements)]
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
        subprocess.run(command, check=True)
        (folder / "complete").touch()
    return python


def run(peer: str, module: str, *arguments: str) -> dict[str, Any]:
    """The JSON that a module of ours prints when it runs in the environment of a peer, with our sources on its path."""
    names = ("core", "models", "cache", "prompts", "telemetry", "experiments", "client")
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
