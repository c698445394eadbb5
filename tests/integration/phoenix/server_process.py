"""Keeps one Phoenix server running for as long as any test process of the run uses it.

Every test process that uses the server holds a shared lock on ``users.lock``. This process looks whether it can have
that lock for itself; when it can, nobody is left, whether they ended well or were killed, and the server is stopped.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

LOOK_SECONDS = 0.2


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
    repository, root, secret, database = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    sys.path.insert(0, str(repository))
    from tools.phoenix.postgres import PostgresServer
    from tools.phoenix.server import PhoenixServer

    # The server is in a session of its own: it would go on without this process.
    for end in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(end, lambda number, frame: sys.exit(128 + number))
    alive = os.open(root / "alive.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(alive, fcntl.LOCK_EX)
    (root / "started").touch()
    try:
        with ExitStack() as servers:
            url = servers.enter_context(PostgresServer()).url if database == "postgresql" else None
            server = PhoenixServer(root / "data", admin_secret=secret or None, database_url=url)
            servers.enter_context(server)
            written = root / "address.new"
            written.write_text(server.url, encoding="utf-8")
            written.replace(root / "address")
            while running(server.pid) and not nobody_left(root):
                time.sleep(LOOK_SECONDS)
    finally:
        (root / "address").unlink(missing_ok=True)


def running(pid: int | None) -> bool:
    """Whether the server has not ended by itself."""
    return pid is not None and os.waitpid(pid, os.WNOHANG) == (0, 0)


main()
