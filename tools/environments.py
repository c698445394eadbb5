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
    if _is_usable(environment):
        return python
    where.mkdir(parents=True, exist_ok=True)
    with (where / f"{environment.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_usable(environment):
            uv = os.environ.get("UV") or shutil.which("uv")
            if uv is None:
                raise RuntimeError("uv is needed to make environments: https://docs.astral.sh/uv/")
            # Whoever waits in vain, and looks into the log, finds what for.
            print(f"making {environment}, which may take minutes", file=sys.stderr, flush=True)
            make = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)]
            fill = [uv, "pip", "sync", "--quiet", "--python", str(python), str(requirements)]
            for command in (make, fill):
                # uv holds the lock as well: it goes on when this process is killed, and nobody may get in its way.
                subprocess.run(command, check=True, pass_fds=(lock.fileno(),))
            _complete(environment).touch()
    return python


def _complete(environment: Path) -> Path:
    """What is there once everything else is."""
    return environment / "complete"


def _is_usable(environment: Path) -> bool:
    """Whether it was made to its end, and the interpreter that it was made from is still there."""
    return _complete(environment).exists() and (environment / "bin/python").exists()
