"""The one thread for work that nobody waits for."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
from promptops.cache._background import Background


def test_job_runs_behind_the_callers_back() -> None:
    done = threading.Event()
    names: list[int] = []
    background = Background()
    assert background.submit("a", lambda: both(lambda: names.append(threading.get_ident()), done.set))
    assert done.wait(30.0)
    assert names != [threading.get_ident()]


def test_same_job_waits_only_once() -> None:
    background = Background()
    hold, ran = threading.Event(), threading.Semaphore(0)
    background.submit("hold", lambda: wait(hold))
    taken = [background.submit("a", lambda: release(ran)) for _ in range(3)]
    assert taken == [True, False, False]
    hold.set()
    assert ran.acquire(timeout=30.0)
    assert not ran.acquire(timeout=0.1)
    assert background.submit("a", lambda: release(ran))
    assert ran.acquire(timeout=30.0)


def test_jobs_run_at_their_time() -> None:
    background = Background()
    order: list[str] = []
    done = threading.Event()
    started = time.monotonic()
    background.submit("late", lambda: both(lambda: order.append("late"), done.set), delay=1.0)
    background.submit("soon", lambda: order.append("soon"), delay=0.5)
    background.submit("now", lambda: order.append("now"))
    assert done.wait(30.0)
    assert order == ["now", "soon", "late"]
    assert time.monotonic() - started >= 1.0


def test_failing_job_is_reported_and_the_next_one_runs() -> None:
    background = Background()
    errors: list[Exception] = []
    background.on_error = errors.append
    done = threading.Event()

    def fail() -> None:
        raise ValueError("broken")

    background.submit("a", fail)
    background.submit("b", done.set)
    assert done.wait(30.0)
    assert [str(error) for error in errors] == ["broken"]


def test_waiting_jobs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("promptops.cache._background.MOST_JOBS", 3)
    background = Background()
    hold = threading.Event()
    running = threading.Event()
    background.submit("hold", lambda: both(running.set, lambda: wait(hold)))
    running.wait(30.0)
    assert [background.submit(number, hold.set) for number in range(5)] == [True, True, True, False, False]
    hold.set()


def test_process_ends_though_a_job_hangs() -> None:
    code = (
        "import time; from promptops.cache._background import BACKGROUND;"
        "BACKGROUND.submit('a', lambda: time.sleep(600)); time.sleep(0.2)"
    )
    started = time.monotonic()
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0
    assert time.monotonic() - started < 60.0


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_forked_child_has_a_background_of_its_own() -> None:
    background = Background()
    hold, running = threading.Event(), threading.Event()
    background.submit("hold", lambda: both(running.set, lambda: wait(hold)))
    background.submit("inherited", lambda: None)
    assert running.wait(30.0)
    pid = os.fork()
    if pid == 0:
        done = threading.Event()
        fresh = background.waiting == 0 and background.submit("hold", done.set) and done.wait(30.0)
        os._exit(0 if fresh else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert background.waiting == 1
    hold.set()


def wait(event: threading.Event) -> None:
    event.wait(60.0)


def release(semaphore: threading.Semaphore) -> None:
    semaphore.release()


def both(first: Callable[[], None], second: Callable[[], None]) -> None:
    first()
    second()
