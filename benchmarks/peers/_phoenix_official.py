"""Experiments and uploads by the official Phoenix client, as JSON on standard output; runs in its environment."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sys
import time
from importlib import import_module
from importlib.metadata import version
from typing import Any

_LENGTH = 0.1


async def _waits(input: Any) -> str:  # noqa: A002 - the client fills the parameter by this name
    del input
    await asyncio.sleep(_LENGTH)
    return "x"


async def _answers(input: Any) -> str:  # noqa: A002 - the client fills the parameter by this name
    del input
    return "x"


def _exact(output: Any) -> bool:
    return bool(output == "x")


def _short(output: Any) -> bool:
    return len(output) < 10


async def _ran(url: str, dataset_id: str, task: Any, evaluators: list[Any], **options: Any) -> float:
    client: Any = import_module("phoenix.client").AsyncClient(base_url=url)
    dataset = await client.datasets.get_dataset(dataset=dataset_id, timeout=60)
    started = time.perf_counter()
    await client.experiments.run_experiment(
        dataset=dataset, task=task, evaluators=evaluators or None, print_summary=False, **options
    )
    return time.perf_counter() - started


def _uploaded(url: str, name: str, count: int) -> dict[str, Any]:
    client: Any = import_module("phoenix.client").Client(base_url=url)
    inputs = [{"question": f"number {number}"} for number in range(count)]
    outputs = [{"answer": str(number)} for number in range(count)]
    started = time.perf_counter()
    try:
        made = client.datasets.create_dataset(name=name, inputs=inputs, outputs=outputs)
    except Exception as exc:  # noqa: BLE001 - the figure is what it raises
        return {"seconds": time.perf_counter() - started, "raised": type(exc).__name__}
    return {"seconds": time.perf_counter() - started, "examples": len(made.examples)}


def main() -> None:
    """Do one scenario; what the client prints goes nowhere."""
    scenario, url, dataset = sys.argv[1:4]
    os.environ["PHOENIX_DISCOVER_CONFIG"] = "false"
    figures: dict[str, Any] = {"peer": f"arize-phoenix-client {version('arize-phoenix-client')}"}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        if scenario == "upload":
            figures |= _uploaded(url, dataset, int(sys.argv[4]))
        elif scenario == "waiting":
            figures["seconds"] = asyncio.run(_ran(url, dataset, _waits, [], concurrency=20))
        elif scenario == "defaults":
            figures["seconds"] = asyncio.run(_ran(url, dataset, _answers, [_exact, _short]))
        else:
            figures["seconds"] = asyncio.run(_ran(url, dataset, _answers, [_exact], concurrency=20))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
