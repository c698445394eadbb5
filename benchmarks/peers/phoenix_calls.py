"""Single calls of our Phoenix client beside the official one, in turn in one process; runs in the peer's environment.

Run it as ``python -m benchmarks.peers.phoenix_calls [URL] [--json]``; without a URL it starts a server. Each figure is
the best of several turns, so that what else a machine does counts for neither; a ratio above 1 says that ours is so
many times faster. Most of the time is the server's, which is the same for both: beside it stands the processor time of
the client. Writes are as large for both: ours and theirs log other spans, and each resumes, once, an experiment of its
own that lacks the same 200 of 1,000 runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from promptops.phoenix import PhoenixClient, SyncPhoenixClient
from promptops.phoenix.tracing import NewSpan

from benchmarks.peers._environments import run
from tools.phoenix.server import PhoenixServer

GETS = 50
ROUNDS = 5
EXAMPLES = 20_000
ROWS = 1000
MISSING = 200
SPANS = 1000
CONCURRENCY = 20
SLOWEST = 0.9
"""Equal, but for what differs from one turn to the next."""

Call = Callable[[], object]


async def answers(input: Any) -> str:  # noqa: A002 - both clients fill the parameter by this name
    """A task of no time."""
    del input
    return "x"


def exact(output: Any) -> bool:
    """An evaluator."""
    return bool(output == "x")


def unique(stem: str) -> str:
    """A name that nobody has."""
    return f"{stem}-{uuid.uuid4().hex[:8]}"


def in_turn(ours: Call, theirs: Call, rounds: int) -> dict[str, float]:
    """What one call of each takes at the best; they take turns at being the first, and round one is not counted."""
    found: dict[Call, list[tuple[float, float]]] = {ours: [], theirs: []}
    for turn in range(rounds + 1):
        for call in (ours, theirs) if turn % 2 else (theirs, ours):
            started, worked = time.perf_counter(), time.process_time()
            call()
            found[call].append((time.perf_counter() - started, time.process_time() - worked))
    (first, first_cpu), (second, second_cpu) = (map(min, zip(*found[call][1:], strict=True)) for call in (ours, theirs))
    return compared(first, second) | {"ours_cpu_ms": first_cpu * 1e3, "theirs_cpu_ms": second_cpu * 1e3}


def compared(ours: float, theirs: float) -> dict[str, float]:
    """The figures of one step, given seconds."""
    return {"ours_ms": ours * 1e3, "theirs_ms": theirs * 1e3, "times_faster": theirs / ours}


def prompts(ours: SyncPhoenixClient, theirs: Any) -> dict[str, dict[str, float]]:
    """One prompt by its name."""
    name = unique("prompt")
    ours.prompts.create(name, content="Answer {{question}}.")
    get = theirs.prompts.get
    return {
        "one prompt, uncached": in_turn(
            lambda: ours.prompts.get(name, use_cache=False), lambda: get(prompt_identifier=name), GETS
        ),
        "one prompt, cached": in_turn(lambda: ours.prompts.get(name), lambda: get(prompt_identifier=name), GETS),
    }


def datasets(ours: SyncPhoenixClient, theirs: Any) -> dict[str, dict[str, float]]:
    """All examples of a large dataset."""
    name = unique("examples")
    ours.datasets.create(name, ({"input": {"n": n}, "expected": {"a": str(n)}} for n in range(EXAMPLES)))

    def read() -> None:
        assert len(ours.datasets.examples(name)) == EXAMPLES

    def read_theirs() -> None:
        assert len(theirs.datasets.get_dataset(dataset=name, timeout=120).examples) == EXAMPLES

    return {f"{EXAMPLES:,} examples": in_turn(read, read_theirs, ROUNDS)}


def experiments(ours: SyncPhoenixClient, theirs: Any, url: str) -> dict[str, dict[str, float]]:
    """A resume of what an experiment lacks, once each, and then all that it has."""
    dataset = unique("rows")
    ours.datasets.create(dataset, [{"input": {"n": n}, "expected": {"a": "x"}} for n in range(ROWS)])
    stored = [
        {"example_id": example.id, "output": "x", "eval.exact.score": 1.0}
        for example in ours.datasets.examples(dataset)[MISSING:]
    ]
    names, ids = (unique("ours"), unique("theirs")), list[str]()
    for name in names:
        ids.append(ours.experiments.create_empty(name=name, dataset=dataset).id)
        ours.experiments.insert_runs(name, stored, dataset=dataset)
    seconds = asyncio.run(resumed(url, dataset, names[0], ids[1]))

    def read() -> None:
        ours.experiments.get(ids[0])
        assert len(ours.experiments.runs(ids[0])) == ROWS

    def read_theirs() -> None:
        found = theirs.experiments.get_experiment(experiment_id=ids[0])
        assert len(found["task_runs"]) == ROWS

    return {
        f"resume of {MISSING} missing of {ROWS:,} rows": compared(*seconds),
        f"an experiment and its {ROWS:,} runs": in_turn(read, read_theirs, ROUNDS),
    }


async def resumed(url: str, dataset: str, ours: str, theirs: str) -> tuple[float, float]:
    """Seconds of our resume and of theirs, each with one evaluator and as many units at once."""
    async with PhoenixClient(base_url=url) as client:
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            result = await client.experiments.resume(
                ours,
                dataset=dataset,
                task=answers,
                evaluators=[exact],
                concurrency=CONCURRENCY,
                journal=Path(folder) / "journal.sqlite3",
                progress=False,
            )
            first = time.perf_counter() - started
        assert len(result.rows) == ROWS
    official: Any = import_module("phoenix.client").AsyncClient(base_url=url)
    started = time.perf_counter()
    await official.experiments.resume_experiment(
        experiment_id=theirs,
        task=answers,
        evaluators=[exact],
        print_summary=False,
        timeout=60,
        concurrency=CONCURRENCY,
    )
    return first, time.perf_counter() - started


def spans(ours: SyncPhoenixClient, theirs: Any) -> dict[str, dict[str, float]]:
    """Logging spans, and listing them."""
    project = unique("spans")

    def made() -> list[NewSpan]:
        return [NewSpan(name=f"step {n}", kind="LLM", input=f"question {n}", output="x") for n in range(SPANS)]

    def wired(given: Iterable[NewSpan]) -> list[dict[str, Any]]:
        return [
            {
                "name": span.name,
                "context": {"trace_id": span.trace_id, "span_id": span.span_id},
                "span_kind": span.kind,
                "start_time": span.start_time.isoformat(),
                "end_time": span.start_time.isoformat(),
                "status_code": "OK",
                "attributes": {"input.value": span.input, "output.value": span.output},
            }
            for span in given
        ]

    mine, others = ([made() for _ in range(ROUNDS + 1)] for _ in range(2))
    mine_left, others_left = iter(mine), iter([wired(each) for each in others])
    logged = in_turn(
        lambda: ours.spans.log(project=unique("log"), spans=next(mine_left)),
        lambda: theirs.spans.log_spans(project_identifier=unique("log"), spans=next(others_left), timeout=60),
        ROUNDS,
    )
    ours.spans.log(project=project, spans=made(), wait=120)

    def read() -> None:
        assert len(ours.spans.list(project=project)) == SPANS

    def read_theirs() -> None:
        assert len(theirs.spans.get_spans(project_identifier=project, limit=SPANS, timeout=60)) == SPANS

    return {f"log {SPANS:,} spans": logged, f"list {SPANS:,} spans": in_turn(read, read_theirs, ROUNDS)}


def slower(steps: dict[str, dict[str, float]]) -> list[str]:
    """The calls that ours is slower at."""
    return [name for name, figures in steps.items() if figures["times_faster"] < SLOWEST]


def measure(url: str) -> dict[str, Any]:
    """Every step; what the official client prints goes nowhere."""
    os.environ["PHOENIX_DISCOVER_CONFIG"] = "false"
    figures: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        theirs: Any = import_module("phoenix.client").Client(base_url=url)
        with SyncPhoenixClient(base_url=url) as ours:
            for steps in (prompts(ours, theirs), datasets(ours, theirs), spans(ours, theirs)):
                figures |= steps
            figures |= experiments(ours, theirs, url)
    return {"peer": f"arize-phoenix-client {version('arize-phoenix-client')}", "steps": figures}


def show(report: dict[str, Any]) -> bool:
    """Print the figures; whether ours is slower anywhere."""
    print(f"single calls, beside {report['peer']}")
    for name, figures in report["steps"].items():
        line = f"  {name:40} ours {figures['ours_ms']:>9.2f} ms  theirs {figures['theirs_ms']:>9.2f} ms  "
        line += f"{figures['times_faster']:.1f}x"
        if "ours_cpu_ms" in figures:
            line += f"  processor {figures['ours_cpu_ms']:.1f} and {figures['theirs_cpu_ms']:.1f} ms"
        print(line)
    found = slower(report["steps"])
    for name in found:
        print(f"slower than theirs: {name}", file=sys.stderr)
    return bool(found)


def main() -> int:
    """Measure; the exit code is 1 when ours is slower anywhere."""
    arguments = sys.argv[1:]
    if "--in-environment" in arguments:
        print(json.dumps(measure(arguments[0])))
        return 0
    given = next((each for each in arguments if not each.startswith("--")), None)
    with contextlib.ExitStack() as stack:
        if given is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            given = stack.enter_context(PhoenixServer(Path(folder))).url
        report = run("phoenix", "benchmarks.peers.phoenix_calls", given, "--in-environment")
    if "--json" in arguments:
        print(json.dumps(report))
        return int(bool(slower(report["steps"])))
    return int(show(report))


if __name__ == "__main__":
    raise SystemExit(main())
