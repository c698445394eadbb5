"""Runs a Python program that ends with the process that started it, even when that is killed.

``python -I attended.py PROGRAM ARGUMENT...`` with a pipe as standard input: the other end of the pipe is closed when
the process that holds it closes it or is gone, and then the program is told to end. Standard input of the program is
empty.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

END_SECONDS = 20.0


def watch(pipe: int) -> None:
    """Wait until nobody holds the other end; then end this process, gently at first."""
    while os.read(pipe, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(END_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Watch, and become the program."""
    pipe = os.dup(0)  # which no process that the program starts inherits
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=watch, args=(pipe,), daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
