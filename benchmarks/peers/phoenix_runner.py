"""Experiments on a real Phoenix server: our runner, the official client, and bare httpx that posts the same rows.

Run it as ``python -m benchmarks.peers.phoenix_runner [--json] [--no-peer]``; it needs ``uv`` and, the first time, the
package index. One server serves everything; ours and bare httpx take turns, and the medians of their rounds count.
The official client runs in an environment of its own, once.

Bare httpx is what somebody would write by hand: as many workers as the concurrency says, each of which does a task,
posts its run, and posts the evaluation of that run. It looks nothing up, keeps nothing and reads nothing back.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
from promptops.phoenix import PhoenixClient

from benchmarks.peers._environments import interpreter, run
from benchmarks.peers._phoenix_stalls import Stalls, many_rows
from tools.phoenix.server import PhoenixServer

ROUNDS = 3
UPLOAD = 20_000
STALLS = 2000
IMPORT_OURS = "import promptops.phoenix; promptops.phoenix.PhoenixClient; promptops.phoenix.SyncPhoenixClient"
IMPORT_BASELINE = "import httpx, msgspec, anyio"
IMPORT_THEIRS = "from phoenix.client import AsyncClient, Client"
TARGETS = {"waiting": 1.2, "defaults_s": 1.0, "many": 1.2, "import": 1.3}


async def waits(example: Any) -> str:
    """A task of 0.1 s."""
    del example
    await asyncio.sleep(0.1)
    return "x"


async def answers(example: Any) -> str:
    """A task of no time."""
    del example
    return "x"


def exact(output: object) -> bool:
    """An evaluator."""
    return output == "x"


def short(output: str) -> bool:
    """Another evaluator."""
    return len(output) < 10


def unique(stem: str) -> str:
    """A name that nobody has."""
    return f"{stem}-{uuid.uuid4().hex[:8]}"


async def made_dataset(client: PhoenixClient, count: int) -> str:
    """The name of a new dataset."""
    name = unique("bench")
    await client.datasets.create(name, [{"input": {"n": n}, "expected": {"answer": "x"}} for n in range(count)])
    return name


async def ours(client: PhoenixClient, dataset: str, task: Any, evaluators: Sequence[Any], **options: Any) -> float:
    """Seconds of one run, from the call to its result."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        result = await client.experiments.run(
            unique("ours"),
            dataset=dataset,
            task=task,
            evaluators=evaluators,
            journal=Path(folder) / "journal.sqlite3",
            progress=False,
            **options,
        )
        seconds = time.perf_counter() - started
    assert not result.remaining
    assert all(row.error is None for row in result.rows)
    return seconds


async def bare(url: str, dataset_id: str, task: Any, evaluators: Sequence[Any], *, concurrency: int) -> float:
    """Seconds that httpx takes for the tasks and for posting the same rows."""
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as http:
        found = (await http.get(f"/v1/datasets/{dataset_id}/examples")).json()["data"]
        ids = iter([example["node_id"] for example in found["examples"]])
        made = await http.post(f"/v1/datasets/{dataset_id}/experiments", json={"name": unique("bare")})
        experiment = made.json()["data"]["id"]

        async def post(path: str, body: dict[str, Any]) -> str:
            answer = await http.post(path, json=body)
            answer.raise_for_status()
            return str(answer.json()["data"]["id"])

        async def worker() -> None:
            for example in ids:
                times = {"start_time": datetime.now(UTC).isoformat()}
                output = await task(example)
                times["end_time"] = datetime.now(UTC).isoformat()
                body = {"dataset_example_id": example, "output": output, "repetition_number": 1, **times}
                run_id = await post(f"/v1/experiments/{experiment}/runs", body)
                for evaluator in evaluators:
                    result = {"score": float(evaluator(output))}
                    judged = {"experiment_run_id": run_id, "name": evaluator.__name__, "annotator_kind": "CODE"}
                    await post("/v1/experiment_evaluations", {**judged, **times, "result": result})

        started = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(concurrency)))
        return time.perf_counter() - started


async def longest_stall(client: PhoenixClient, dataset: str) -> float:
    """Milliseconds for which the event loop stood still at most, during a run whose tasks are refused now and then."""
    calls = 0

    class TooFast(Exception):  # noqa: N818 - what a provider's client raises
        status_code = 429

    async def refused(example: Any) -> str:
        nonlocal calls
        del example
        calls += 1
        if calls % 10 == 0:
            raise TooFast
        await asyncio.sleep(0.02)
        return "x"

    stalls = Stalls()
    await ours(client, dataset, answers, [])  # imports, and the pages of a first run
    await stalls.during(lambda: ours(client, dataset, refused, [exact], concurrency=20))
    return stalls.wall * 1e3


async def turns(
    client: PhoenixClient, url: str, *, count: int, task: Any, evaluators: Sequence[Any], concurrency: int = 20
) -> tuple[dict[str, Any], str]:
    """Ours and bare httpx, in turn; and the id of the dataset."""
    name = await made_dataset(client, count)
    dataset_id = (await client.datasets.get(name)).id
    options = {"concurrency": concurrency}
    pairs = [
        (
            await ours(client, name, task, evaluators, **options),
            await bare(url, dataset_id, task, evaluators, concurrency=concurrency),
        )
        for _ in range(ROUNDS)
    ]
    first, second = (statistics.median(pair[place] for pair in pairs) for place in (0, 1))
    return {"ours_s": first, "bare_httpx_s": second, "ratio": first / second}, dataset_id


def imported(python: str, code: str) -> float:
    """Milliseconds that a fresh interpreter takes, the median of five."""

    def once() -> float:
        started = time.perf_counter()
        subprocess.run([python, "-c", code], check=True)
        return time.perf_counter() - started

    once()
    return statistics.median(once() for _ in range(5)) * 1e3


def theirs(peer: bool, *arguments: str) -> dict[str, Any]:
    """The official client's figures of a scenario, when they are wanted."""
    if not peer:
        return {}
    figures = run("phoenix", "benchmarks.peers._phoenix_official", *arguments)
    return {f"theirs_{name}" if name != "peer" else name: value for name, value in figures.items()}


async def measure(url: str, *, peer: bool) -> dict[str, Any]:
    """Everything that needs the server."""
    report: dict[str, Any] = {}
    async with PhoenixClient(base_url=url) as client:
        report["waiting"], dataset = await turns(client, url, count=200, task=waits, evaluators=[])
        report["waiting"] |= theirs(peer, "waiting", url, dataset)

        name = await made_dataset(client, 20)
        both = [exact, short]
        report["defaults"] = {
            "ours_s": statistics.median([await ours(client, name, answers, both) for _ in range(ROUNDS)])
        }
        report["defaults"] |= theirs(peer, "defaults", url, (await client.datasets.get(name)).id)

        report["many"], dataset = await turns(client, url, count=1000, task=answers, evaluators=[exact])
        report["many"] |= theirs(peer, "many", url, dataset)

        rows = [{"input": {"question": f"number {n}"}, "expected": {"answer": str(n)}} for n in range(UPLOAD)]
        name = unique("upload")
        started = time.perf_counter()
        await client.datasets.create(name, rows)
        seconds = time.perf_counter() - started
        stored = [example async for example in client.datasets.iterate_examples(name)]
        report["upload"] = {"ours_s": seconds, "ours_examples": len(stored)}
        report["upload"] |= theirs(peer, "upload", url, unique("upload"), str(UPLOAD))

        report["longest_stall_ms"] = await longest_stall(client, await made_dataset(client, 200))
        for step, figures in (await many_rows(client, await made_dataset(client, STALLS))).items():
            report[f"stalls {step}"] = figures
    if peer:
        report |= run("phoenix", "benchmarks.peers.phoenix_calls", url, "--in-environment")["steps"]
    return report


def imports(*, peer: bool) -> dict[str, float]:
    """Cold imports, in milliseconds."""
    figures = {"ours_ms": imported(sys.executable, IMPORT_OURS), "base_ms": imported(sys.executable, IMPORT_BASELINE)}
    figures["ratio"] = figures["ours_ms"] / figures["base_ms"]
    if peer:
        figures["theirs_ms"] = imported(str(interpreter("phoenix")), IMPORT_THEIRS)
    return figures


def times_faster(report: dict[str, Any]) -> list[float]:
    """How many times faster ours is, call by call."""
    steps = [cast("dict[str, float]", figures) for figures in report.values() if isinstance(figures, dict)]
    return [figures["times_faster"] for figures in steps if "times_faster" in figures]


def missed(report: dict[str, Any]) -> list[str]:
    """What falls short of its target."""
    checks: dict[str, Callable[[], bool]] = {
        f"200 tasks of 0.1 s: at most {TARGETS['waiting']}x of bare httpx": lambda: (
            report["waiting"]["ratio"] <= TARGETS["waiting"]
        ),
        f"20 tasks with 2 evaluators: at most {TARGETS['defaults_s']} s": lambda: (
            report["defaults"]["ours_s"] <= TARGETS["defaults_s"]
        ),
        f"1,000 tasks with an evaluator: at most {TARGETS['many']}x of bare httpx": lambda: (
            report["many"]["ratio"] <= TARGETS["many"]
        ),
        f"an upload of {UPLOAD:,} examples stores them all": lambda: report["upload"]["ours_examples"] == UPLOAD,
        f"import: at most {TARGETS['import']}x of httpx, msgspec, anyio": lambda: (
            report["import"]["ratio"] <= TARGETS["import"]
        ),
        "no stall of the event loop above 20 ms": lambda: report["longest_stall_ms"] <= 20,
        f"with {STALLS:,} rows neither": lambda: all(
            figures["wall_ms"] <= 20 for name, figures in report.items() if name.startswith("stalls ")
        ),
        "no call slower than the official client's": lambda: all(faster >= 0.9 for faster in times_faster(report)),
    }
    return [name for name, holds in checks.items() if not holds()]


def main() -> int:
    """Measure; the exit code is 1 when a target is missed."""
    peer = "--no-peer" not in sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, PhoenixServer(Path(folder)) as server:
        report = asyncio.run(measure(server.url, peer=peer))
    report["import"] = imports(peer=peer)
    if "--json" in sys.argv[1:]:
        print(json.dumps(report))
    else:
        for name, figures in report.items():
            shown: dict[str, Any] = figures if name != "longest_stall_ms" else {"": figures}
            print(f"{name:18}", "  ".join(f"{key} {_short(value)}" for key, value in shown.items()))
    short_of = missed(report)
    for line in short_of:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if short_of else 0


def _short(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    raise SystemExit(main())
