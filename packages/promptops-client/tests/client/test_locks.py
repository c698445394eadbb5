"""What a client holds across a fork."""

from __future__ import annotations

import os
from _thread import LockType

import pytest
from promptops.client._locks import ForkLock

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def child_can_take(lock: ForkLock) -> bool:
    pid = os.fork()
    if pid == 0:
        os._exit(0 if lock.here().acquire(timeout=1.0) else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_forked_child_finds_the_lock_free_whoever_held_it() -> None:
    lock = ForkLock()
    with lock.here():
        assert child_can_take(lock)
        assert not lock.here().acquire(blocking=False)


def test_control_an_ordinary_lock_stays_taken_in_the_child() -> None:
    lock = ForkLock()
    held = lock.here()

    class Ordinary(ForkLock):
        def here(self) -> LockType:
            return held

    with held:
        assert not child_can_take(Ordinary())
