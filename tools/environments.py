"""Python environments with pinned requirements, made once outside the one of this workspace."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["interpreter"]

ROOT = Path(__file__).parents[1]


def interpreter(requirements: Path, *, folder: Path | None = None) -> Path:
    """The interpreter of an environment with these requirements, which is made when it is not there.

    It lies under ``build/environments`` (or ``$PROMPTOPS_ENVIRONMENTS_DIR``), and is made again when the requirements
    change. Processes that ask at the same time wait for the one that makes it.

    Args:
        requirements: Every distribution with its version, as ``uv pip compile`` writes them; the name of the
            environment is made of the file's.
        folder: Where environments lie, instead.

    Raises:
        RuntimeError: ``uv`` is not there.
        subprocess.CalledProcessError: The environment cannot be made.
    """
    where = folder or Path(os.environ.get("PROMPTOPS_ENVIRONMENTS_DIR") or ROOT / "build" / "environments")
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    environment = where / f"{requirements.stem}-{digest}"
    python = environment / "bin/python"
    complete = environment / "complete"
    if complete.exists():
        return python
    where.mkdir(parents=True, exist_ok=True)
    with (where / f"{environment.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            uv = os.environ.get("UV") or shutil.which("uv")
            if uv is None:
                raise RuntimeError("uv is needed to make environments: https://docs.astral.sh/uv/")
            subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)], check=True)
            command = [uv, "pip", "sync", "--quiet", "--python", str(python), str(requirements)]
            subprocess.run(command, check=True)
            complete.touch()
    return python
