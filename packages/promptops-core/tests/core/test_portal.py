from __future__ import annotations

import subprocess
import sys
import threading

import anyio
import anyio.lowlevel
from promptops.core.portal import close_portal, portal


def run_python(code: str) -> tuple[str, str, int]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200, check=False)
    return done.stdout.strip(), done.stderr.strip(), done.returncode


async def where() -> int:
    await anyio.lowlevel.checkpoint()
    return threading.get_ident()


def test_one_portal_per_process() -> None:
    try:
        threads = {portal().call(where) for _ in range(3)}
        assert len(threads) == 1
        assert threading.get_ident() not in threads
    finally:
        close_portal()


def test_closed_portal_is_made_anew_and_closing_twice_is_fine() -> None:
    first = portal()
    close_portal()
    close_portal()
    try:
        second = portal()
        assert second is not first
        assert second.call(where)
    finally:
        close_portal()
    assert not [thread for thread in threading.enumerate() if thread.name == "promptops-portal"]


def test_process_with_work_on_the_portal_exits_promptly_and_cleanly() -> None:
    out, err, code = run_python(
        "import anyio\n"
        "from promptops.core.portal import portal\n"
        "async def clean():\n"
        "    try:\n"
        "        await anyio.sleep(60)\n"
        "    finally:\n"
        "        print('cleaned up')\n"
        "portal().start_task_soon(clean)\n"
        "portal().call(anyio.sleep, 0.05)\n"
    )
    assert (out, err, code) == ("cleaned up", "", 0)


def test_forked_child_gets_a_portal_of_its_own() -> None:
    out, err, code = run_python(
        "import os, anyio, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "from promptops.core.portal import portal\n"
        "async def pid():\n"
        "    await anyio.sleep(0)\n"
        "    return os.getpid()\n"
        "assert portal().call(pid) == os.getpid()\n"
        "child = os.fork()\n"
        "ok = portal().call(pid) == os.getpid()\n"
        "if child == 0:\n"
        "    raise SystemExit(0 if ok else 1)\n"
        "print(ok, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert (out, err, code) == ("True 0", "", 0)
