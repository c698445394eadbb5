"""What every process does once for all telemetry: start anew in a forked child, and send what is left at exit."""

from __future__ import annotations

import atexit
import os
import sys
import time
import weakref
from typing import Final, Protocol

from promptops.telemetry._worker import Worker

__all__ = ["EXIT_SECONDS", "watch", "watch_worker"]

EXIT_SECONDS: Final = 5.0
"""For everything together that is left to send when a process ends."""


class _Forgetful(Protocol):
    def after_fork(self) -> None:
        """Start anew, in the child."""


_telemetries: weakref.WeakSet[_Forgetful] = weakref.WeakSet()
_workers: weakref.WeakSet[Worker] = weakref.WeakSet()
_finalised: Final[set[int]] = set()


def watch(telemetry: _Forgetful) -> None:
    """Call ``telemetry.after_fork()`` in every child of this process that runs Python's fork hooks."""
    _telemetries.add(telemetry)


def watch_worker(worker: Worker) -> None:
    """Give the worker a share of the exit budget of this process."""
    _workers.add(worker)
    pid = os.getpid()
    process = sys.modules.get("multiprocessing.process")
    if pid in _finalised or process is None or process.parent_process() is None:
        return
    # The children of multiprocessing leave without the interpreter's exit hooks, and run those of its own.
    from multiprocessing.util import Finalize

    _finalised.add(pid)
    Finalize(None, _at_exit, exitpriority=0)


def _at_exit() -> None:
    deadline = time.monotonic() + EXIT_SECONDS
    pid = os.getpid()
    begun = [(worker, worker.begin_stop(deadline)) for worker in list(_workers) if worker.pid == pid]
    for worker, flush in begun:
        worker.end_stop(flush, deadline)


def _in_child() -> None:
    for telemetry in list(_telemetries):
        telemetry.after_fork()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
