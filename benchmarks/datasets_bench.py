"""Examples into and out of our server, beside bare httpx that sends and reads the very same bodies.

The plain side has everything ready: bodies that are encoded, no checks, no file. What ours takes longer is the work
of reading a file, checking every row, keeping all of them until the last was checked, and writing a file. Both sides
talk to the same server process, and take turns.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from promptops.client import SyncPromptOpsClient
from promptops.experiments.datasets import read_examples, write_examples

COUNT = 20_000
PART = 1000
PAGE = 500


def examples() -> Generator[dict[str, Any], None, None]:
    """Questions of about 200 bytes with an answer and some metadata."""
    for number in range(COUNT):
        yield {
            "question": f"What is {number} and {number}? " + "Think step by step. " * 6,
            "expected": str(2 * number),
            "metadata": {"number": number, "tags": ["sum", "short"]},
        }


@contextmanager
def own_server(directory: Path) -> Generator[str, None, None]:
    """The origin of our server in its own process."""
    code = (
        "import sys, pathlib; from promptops.server import EmbeddedServer\n"
        "with EmbeddedServer(pathlib.Path(sys.argv[1])) as server: print(server.url, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


@contextmanager
def timed(seconds: list[float]) -> Generator[None, None, None]:
    """Note the seconds that the work within takes."""
    start = time.perf_counter()
    yield
    seconds.append(time.perf_counter() - start)


def plain_upload(client: httpx.Client, bodies: list[bytes]) -> str:
    """Send the draft of a dataset with bodies that are ready, and publish it."""
    headers = {"content-type": "application/json"}
    begun = client.post("/v2/dataset-drafts", json={"name": uuid.uuid4().hex, "examples": []}).raise_for_status().json()
    for body in bodies:
        where = f"/v2/dataset-drafts/{begun['id']}/examples"
        client.post(where, content=body, headers=headers).raise_for_status()
    client.post(f"/v2/dataset-drafts/{begun['id']}/publish").raise_for_status()
    made: str = begun["dataset_id"]
    return made


def plain_download(client: httpx.Client, dataset: str) -> int:
    """Get every page, and look at no more of it than where the next one is."""
    count, cursor = 0, None
    while True:
        query = {"limit": PAGE, **({} if cursor is None else {"cursor": cursor})}
        page = client.get(f"/v2/datasets/{dataset}/examples", params=query).raise_for_status().json()
        count += len(page["examples"])
        cursor = page["pagination"].get("next_cursor")
        if cursor is None:
            return count


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Rows per second of both sides, in both directions; medians."""
    rows = list(examples())
    bodies = [
        json.dumps({"examples": rows[start : start + PART]}, separators=(",", ":")).encode()
        for start in range(0, COUNT, PART)
    ]
    seconds: dict[str, list[float]] = {"up": [], "plain_up": [], "down": [], "plain_down": []}
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "rows.jsonl", Path(folder) / "out.jsonl"
        write_examples(rows, source)
        with (
            own_server(Path(folder) / "data") as url,
            SyncPromptOpsClient(base_url=url) as client,
            httpx.Client(base_url=url, timeout=60) as plain,
        ):
            for _ in range(rounds):
                name = uuid.uuid4().hex
                with timed(seconds["up"]):
                    client.datasets.create(name, read_examples(source))
                with timed(seconds["plain_up"]):
                    other = plain_upload(plain, bodies)
                with timed(seconds["down"]):
                    client.datasets.export(name, target)
                with timed(seconds["plain_down"]):
                    plain_download(plain, other)
                for dataset in (name, other):
                    client.datasets.delete(dataset)
    return {
        name: {
            "ours_per_s": COUNT / statistics.median(seconds[side]),
            "httpx_per_s": COUNT / statistics.median(seconds[f"plain_{side}"]),
            "ratio": statistics.median(
                theirs / ours for ours, theirs in zip(seconds[side], seconds[f"plain_{side}"], strict=True)
            ),
        }
        for name, side in (("upload", "up"), ("export", "down"))
    }


def main() -> None:
    """Print the figures, or write them as JSON with ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = measure(arguments.rounds)
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, row in figures.items():
        print(
            f"{name:8} {row['ours_per_s']:8.0f} rows/s  httpx {row['httpx_per_s']:8.0f} rows/s  "
            f"{row['ratio']:.2f} of httpx"
        )


if __name__ == "__main__":
    main()
