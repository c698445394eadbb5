"""Rendering beside the clients of other registries, each in a pinned environment of its own.

Run it as ``python -m benchmarks.peers [--json]``; it needs ``uv`` and, the first time, the package index. Environments
lie under ``build/peers`` (or ``$PROMPTOPS_PEERS_DIR``) and are made again when their requirements change. Ours runs in
the same process as the peer, on the same text with the same values, and they take turns.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PEERS = ("langfuse", "phoenix")
TARGET = 3.0
# What our engine needs of ours; msgspec is among the requirements of each peer.
SOURCES = [ROOT, *(ROOT / "packages" / f"promptops-{name}" / "src" for name in ("core", "models", "cache", "prompts"))]


def environment(peer: str) -> Path:
    """The interpreter of a peer's environment, which is made when it is not there."""
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


def measure(peer: str) -> dict[str, Any]:
    """What the peer's module prints."""
    path = os.pathsep.join(str(source) for source in SOURCES)
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [str(environment(peer)), "-m", f"benchmarks.peers.{peer}_bench"],
        env={**variables, "PYTHONPATH": path},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def main() -> int:
    """Measure every peer; the exit code is 1 when ours is not three times as fast as each."""
    reports = {peer: measure(peer) for peer in PEERS}
    missed = [
        f"{peer} {name}"
        for peer, report in reports.items()
        for name, figures in report["steps"].items()
        if figures["times_faster"] < TARGET
    ]
    if "--json" in sys.argv[1:]:
        print(json.dumps(reports))
    else:
        for report in reports.values():
            for name, figures in report["steps"].items():
                theirs, ours, times = (figures[key] for key in ("theirs_us", "ours_us", "times_faster"))
                step = f"{report['peer']:28} {name:34}"
                print(f"{step} theirs {theirs:8.2f} us   ours {ours:8.2f} us   {times:6.1f} times faster")
    for step in missed:
        print(f"missed: {step} (at least {TARGET} times)", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
