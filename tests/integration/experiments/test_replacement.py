# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# Tasks and evaluators are bound by name, so a lambda has no types that a checker could know.

"""An experiment that is stored anew on a real server, by a process that is killed at each step of it."""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest
from promptops.core import RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive
from promptops.core.errors import NotFoundError
from promptops.experiments import AsyncDatasets, AsyncExperiments, SyncDatasets, SyncExperiments
from promptops.server import EmbeddedServer

EXAMPLES = 1_100
"""More than travel in one request: the last of them are appended to the new experiment."""

PROGRAM = '''
"""Runs or retries an experiment, and dies at the n-th request that writes, before it is sent or after its answer."""
import os, signal, sys
from promptops.core import RuntimeConfig, SyncRuntime
from promptops.experiments import AsyncExperiments, SyncExperiments

url, dataset, name, journal, kind, dies_at, answered = sys.argv[1:]

class Dying(SyncRuntime):
    writes = 0

    async def send(self, request, *args, **kwargs):
        if request.method == "GET":
            return await super().send(request, *args, **kwargs)
        self.writes += 1
        dies = self.writes == int(dies_at)
        if dies and answered == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        response = await super().send(request, *args, **kwargs)
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return response

def answer(example):
    if kind == "run" and example["i"] % 100 == 0:
        raise ConnectionError("the model is down")
    return str(example["i"])

experiments = SyncExperiments(AsyncExperiments(Dying(RuntimeConfig(base_url=url))))
options = dict(task=answer, task_version="1", dataset=dataset, journal=journal, progress=False)
print(len(getattr(experiments, kind)(name, **options).rows))
'''


@pytest.mark.parametrize("answered", ["before", "after"])
@pytest.mark.parametrize("step", [1, 2, 3], ids=["delete", "create", "append"])
def test_a_kill_while_an_experiment_is_replaced_loses_nothing(tmp_path: Path, step: int, answered: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    with EmbeddedServer(tmp_path / "data") as server:
        runtime = SyncRuntime(RuntimeConfig(base_url=server.url))
        experiments = SyncExperiments(AsyncExperiments(runtime))
        rows = [{"i": i} for i in range(EXAMPLES)]
        dataset = SyncDatasets(AsyncDatasets(runtime)).create(f"d-{uuid.uuid4().hex}", rows).id

        def call(kind: str, dies_at: int = 0) -> subprocess.CompletedProcess[str]:
            arguments = [server.url, dataset, "e", str(tmp_path / "journal"), kind, str(dies_at), answered]
            command = [sys.executable, str(program), *arguments]
            return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

        assert call("run").stdout == f"{EXAMPLES}\n"
        assert sum(run.error is not None for run in experiments.runs("e", dataset=dataset)) == 11
        assert call("retry_failed", step).returncode == -9
        found = call("resume")
        assert found.stdout == f"{EXAMPLES}\n", found.stderr
        runs = experiments.runs("e", dataset=dataset)
        assert sorted(int(run.output or "-1") for run in runs) == list(range(EXAMPLES))
        assert len(experiments.list(dataset=dataset)) == 1
        drive(runtime.aclose())


def test_nobody_ever_reads_an_empty_experiment_while_it_is_replaced(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "data") as server:
        runtime = SyncRuntime(RuntimeConfig(base_url=server.url))
        experiments = SyncExperiments(AsyncExperiments(runtime))
        dataset = (
            SyncDatasets(AsyncDatasets(runtime)).create(f"d-{uuid.uuid4().hex}", [{"i": i} for i in range(300)]).id
        )
        options: dict[str, Any] = {"dataset": dataset, "journal": tmp_path / "journal", "progress": False}
        experiments.run("e", task=lambda example: str(example["i"]), **options)
        counts: set[int] = set()
        ended, began = threading.Event(), threading.Event()

        def read() -> None:
            own = SyncRuntime(RuntimeConfig(base_url=server.url))
            reader = SyncExperiments(AsyncExperiments(own))
            while not ended.is_set():
                try:
                    counts.add(len(reader.runs("e", dataset=dataset)))
                except NotFoundError:
                    counts.add(-1)
                began.set()
            drive(own.aclose())

        thread = threading.Thread(target=read)
        thread.start()
        try:
            assert began.wait(60)
            for number in range(5):
                experiments.rescore("e", {f"m{number}": lambda output: 1}, **options)
        finally:
            ended.set()
            thread.join(60)
        # All of it, or the moment in which the name is not there; never a part of it, and never nothing.
        assert counts <= {300, -1}
        assert 300 in counts
        drive(runtime.aclose())
