"""Keeps one server running for as long as any test process of the run uses it.

Every test process that uses the server holds a shared lock on ``users.lock``. This process looks whether it can have
that lock for itself; when it can, nobody is left, whether they ended well or were killed, and the server is stopped.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
START_SECONDS = 120.0
LOOK_SECONDS = 0.1
STOP_SECONDS = 15.0


def address_of(server: subprocess.Popen[bytes], log: Path) -> str:
    """Wait for the server's first line and read its address out of it."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = ADDRESS.search(log.read_text(encoding="utf-8", errors="replace"))
        if found:
            return found.group()
        if server.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"the server did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


def nobody_left(root: Path) -> bool:
    """Whether no test process uses the server; newcomers have to wait from here on."""
    start = os.open(root / "start.lock", os.O_RDWR | os.O_CREAT)
    users = os.open(root / "users.lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(start, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(start)
        os.close(users)
        return False
    return True  # both stay open, and locked, until this process ends


def main() -> None:
    """Start the server, say where it is, wait until nobody needs it, stop it."""
    root, data_dir = Path(sys.argv[1]), Path(sys.argv[2])
    alive = os.open(root / "alive.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(alive, fcntl.LOCK_EX)
    log = root / "server.log"
    command = [sys.executable, "-m", "promptops.cli", "serve", "--port", "0", "--data-dir", str(data_dir)]
    with log.open("wb") as output:
        server = subprocess.Popen([*command, *sys.argv[3:]], stdout=output, stderr=subprocess.STDOUT)
    try:
        address = address_of(server, log)
        written = root / "address.new"
        written.write_text(address, encoding="utf-8")
        written.replace(root / "address")
        while server.poll() is None and not nobody_left(root):
            time.sleep(LOOK_SECONDS)
    finally:
        (root / "address").unlink(missing_ok=True)
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


main()
