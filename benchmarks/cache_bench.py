"""How much a cold cache asks of a server, and what a read costs at each place where a prompt may lie.

Run it as ``python -m benchmarks.cache_bench [--json]``. Requests are counted in front of a real server; the target of
each of those rows is 1. Times are medians of reads by clients that take turns.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from promptops.client import CacheConfig, ClientConfig, SyncPromptOpsClient
from promptops.core.testing import FaultProxy
from promptops.server import EmbeddedServer

THREADS = 50
PROCESSES = 4
NAME = "greeting"
READER = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from promptops.client import CacheConfig, SyncPromptOpsClient

url, directory, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
with SyncPromptOpsClient(base_url=url, cache=CacheConfig(level="disk", directory=directory)) as client:
    client.prompts
    print("ready", flush=True)
    sys.stdin.readline()
    line = threading.Barrier(threads)
    def read():
        line.wait()
        return client.prompts.get("greeting").content
    with ThreadPoolExecutor(threads) as pool:
        assert set(future.result() for future in [pool.submit(read) for _ in range(threads)]) == {"Hi"}
"""


def client(url: str, cache: CacheConfig | None = None) -> SyncPromptOpsClient:
    return SyncPromptOpsClient(ClientConfig(base_url=url, read_environment=False, cache=cache))


def cold_threads(proxy: FaultProxy) -> int:
    """Requests of many threads of one client that want one prompt at once."""
    before = proxy.requests
    line = threading.Barrier(THREADS)
    with client(proxy.url) as reads, ThreadPoolExecutor(THREADS) as pool:

        def read() -> str:
            line.wait()
            return reads.prompts.get(NAME).content

        assert {done.result() for done in [pool.submit(read) for _ in range(THREADS)]} == {"Hi"}
    return proxy.requests - before


def cold_processes(proxy: FaultProxy, directory: str) -> int:
    """Requests of several processes with as many threads each that share a disk cache."""
    before = proxy.requests
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, proxy.url, directory, str(THREADS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    for reader in readers:
        assert reader.stdin is not None
        reader.stdin.write("\n")
        reader.stdin.close()
    for reader in readers:
        assert reader.wait(60) == 0
        if reader.stdout is not None:
            reader.stdout.close()
    return proxy.requests - before


def first_reads(url: str, directory: str, rounds: int = 40) -> dict[str, float]:
    """Milliseconds of the first read of a client: from the server, and from the disk."""
    found: dict[str, list[float]] = {"server": [], "disk": []}
    on_disk = CacheConfig(level="disk", directory=directory)
    for _ in range(rounds):
        for place, cache in (("server", None), ("disk", on_disk)):
            with client(url, cache) as reads:
                _ = reads.prompts
                started = time.perf_counter()
                reads.prompts.get(NAME)
                found[place].append((time.perf_counter() - started) * 1000.0)
    return {place: statistics.median(times) for place, times in found.items()}


def main() -> None:
    with EmbeddedServer() as server, FaultProxy(server.url) as proxy, tempfile.TemporaryDirectory() as directory:
        with client(server.url) as writes:
            writes.prompts.create("Greeting", content="Hi")
        threads = max(cold_threads(proxy) for _ in range(5))
        processes = max(cold_processes(proxy, f"{directory}/{number}") for number in range(3))
        first = first_reads(server.url, f"{directory}/0")
    report = {
        f"requests_{THREADS}_cold_threads": threads,
        f"requests_{PROCESSES}_cold_processes_{THREADS}_threads_disk": processes,
        "first_read_server_ms": first["server"],
        "first_read_disk_ms": first["disk"],
    }
    if "--json" in sys.argv[1:]:
        print(json.dumps(report))
        return
    for name, figure in report.items():
        print(f"{name:44} {figure:10.2f}")


if __name__ == "__main__":
    main()
