"""What a process pays before its first prompt: import time, start to first prompt, and what gets installed.

Each figure is a whole process, timed from outside; ours and the baseline take turns, and the ratio of medians is
printed.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from importlib import metadata

from benchmarks._server import bench_server

IMPORT_OURS = "import promptops.client; promptops.client.SyncPromptOpsClient; promptops.client.PromptOpsClient"
IMPORT_BASELINE = "import httpx, msgspec, anyio"
FIRST_OURS = """
from promptops.client import SyncPromptOpsClient
with SyncPromptOpsClient(base_url={url!r}) as client:
    prompt = client.prompts.get("bench")
assert prompt.content
"""
FIRST_BASELINE = """
import httpx, msgspec
from typing import Any
class Prompt(msgspec.Struct):
    id: str
    content: str
    version: str
class Envelope(msgspec.Struct):
    success: bool
    data: Prompt
with httpx.Client(base_url={url!r}) as client:
    prompt = msgspec.json.decode(client.get("/v1/client/prompts/bench").content, type=Envelope).data
assert prompt.content
"""


def timed(code: str) -> float:
    """Seconds that a fresh interpreter takes for ``code``."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def pair(ours: str, baseline: str, rounds: int) -> dict[str, float]:
    """Medians in milliseconds of both, run in turn, and their ratio."""
    timed(ours)
    timed(baseline)
    samples = [(timed(ours), timed(baseline)) for _ in range(rounds)]
    first = statistics.median(sample[0] for sample in samples)
    second = statistics.median(sample[1] for sample in samples)
    return {"ours_ms": first * 1e3, "baseline_ms": second * 1e3, "ratio": first / second}


def third_party(name: str) -> set[str]:
    """Distributions other than ours that installing ``name`` brings, extras left out."""
    found: set[str] = set()
    queue = [name]
    seen: set[str] = set()
    while queue:
        current = queue.pop()
        if current in seen:
            continue
        seen.add(current)
        if not current.startswith("promptops-"):
            found.add(current)
        for line in metadata.requires(current) or []:
            requirement, _, marker = line.partition(";")
            if "extra ==" in marker:
                continue
            match = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
            if match is None:
                continue
            dependency = re.sub(r"[-_.]+", "-", match.group()).lower()
            try:
                metadata.distribution(dependency)
            except metadata.PackageNotFoundError:
                continue  # a marker that does not hold on this interpreter
            queue.append(dependency)
    return found


def main() -> None:
    """Print the figures, or write them as JSON with ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with bench_server() as url:
        startup = {
            "import": pair(IMPORT_OURS, IMPORT_BASELINE, arguments.rounds),
            "first_prompt": pair(FIRST_OURS.format(url=url), FIRST_BASELINE.format(url=url), arguments.rounds),
        }
    brought = sorted(third_party("promptops-client"))
    if arguments.json:
        print(json.dumps({**startup, "third_party_distributions": brought}))
        return
    for name, target in (("import", 1.1), ("first_prompt", 0.8)):
        row = startup[name]
        print(
            f"{name:14} {row['ours_ms']:7.1f} ms  baseline {row['baseline_ms']:7.1f} ms  "
            f"ratio {row['ratio']:.2f}x  (target at most {target}x)"
        )
    print(f"third-party distributions of promptops-client: {len(brought)} (target at most 10): {', '.join(brought)}")


if __name__ == "__main__":
    main()
