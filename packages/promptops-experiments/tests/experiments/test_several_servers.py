"""One journal and several servers, which give out the same ids: what belongs to one never reaches another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import msgspec
import pytest
from promptops.core.bridge import drive
from promptops.core.errors import ConfigurationError, ConflictError, NotFoundError
from promptops.core.messages import Request
from promptops.core.runtime import Runtime
from promptops.experiments import AsyncDatasets, AsyncExperiments, ExperimentResult, SyncExperiments, UploadError
from promptops.experiments.journal import Journal, ScoreRecord, UnitKey
from promptops.experiments.journal._origin import origin_of
from promptops.experiments.stores import Stores
from promptops.models import DatasetExample
from promptops.models.experiments import Evaluation

if TYPE_CHECKING:
    from .conftest import MemoryServer

A, B = "http://a.test:6006", "https://b.test"
Call = Callable[..., ExperimentResult]


class Repeating(AsyncExperiments):
    """Experiments of a kind of server whose ids repeat from one to the next."""

    def _stores(self) -> Stores:
        return msgspec.structs.replace(super()._stores(), unique_ids=False)


@pytest.fixture(params=["sync", "asyncio"])
def call(request: pytest.FixtureRequest) -> Call:
    """Calls a method through each facade of a server at an address."""

    def calling(
        runtime: Runtime,
        base_url: str | None,
        method: str,
        *args: Any,
        kind: type[AsyncExperiments] = Repeating,
        **options: Any,
    ) -> ExperimentResult:
        options.setdefault("progress", False)
        resource = kind(runtime, base_url=base_url)
        if request.param == "sync":
            result: ExperimentResult = getattr(SyncExperiments(resource), method)(*args, **options)
            return result

        async def main() -> ExperimentResult:
            awaited: ExperimentResult = await getattr(resource, method)(*args, **options)
            return awaited

        return anyio.run(main)

    return calling


def filled(server: MemoryServer, prefix: str) -> MemoryServer:
    """Give a server a dataset of ten examples; on each new server it gets the same ids."""
    drive(AsyncDatasets(server).create("questions", [{"expected": f"{prefix}{number}"} for number in range(10)]))
    return server


@pytest.fixture
def first(server: MemoryServer) -> MemoryServer:
    return filled(server, "a")


@pytest.fixture
def second(first: MemoryServer) -> MemoryServer:
    second = filled(type(first)(), "a")
    assert [second.datasets, second.examples] == [first.datasets, first.examples]
    return second


class Paid:
    """A task that counts what it is called for; a class of its own, so that its counts are no part of its code."""

    fingerprint = "1"

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def __call__(self, example: DatasetExample) -> str:
        self.calls[example["expected"]] += 1
        return str(example["expected"])


def right(output: str, expected: str) -> bool:
    return output == expected


def refuse_writes(request: Request) -> None:
    if request.method == "POST":
        raise ConflictError("nothing can be stored")


def unsent(call: Call, server: MemoryServer, base_url: str | None) -> None:
    """Run an experiment none of whose rows reach the server."""
    server.before = refuse_writes
    with pytest.raises(UploadError):
        call(server, base_url, "run", "e", dataset="questions", task=Paid())
    server.before = None
    assert server.experiments == []


def origins(path: Path) -> list[str]:
    with Journal.open(path) as journal:
        return sorted(record.plan.origin for record in journal.experiments())


@pytest.mark.parametrize("dataset", ["questions", None])
@pytest.mark.parametrize("method", ["resume", "retry_failed", "rescore"])
def test_nothing_goes_on_with_an_experiment_of_another_server_and_the_error_names_that_one(
    call: Call, first: MemoryServer, second: MemoryServer, journal_path: Path, method: str, dataset: str | None
) -> None:
    unsent(call, first, A)
    task = Paid()
    options: dict[str, Any] = {"evaluators": right} if method == "rescore" else {"task": task, "accept_changes": True}
    with pytest.raises(NotFoundError, match=r"http://a\.test:6006") as caught:
        call(second, B, method, "e", dataset=dataset, **options)
    assert "move_server" in caught.value.message
    assert (second.experiments, task.calls.total(), origins(journal_path)) == ([], 0, [A])
    call(first, A, "resume", "e", task=task)
    assert (len(first.experiments), task.calls.total()) == (1, 0)


def test_without_an_address_the_rows_of_one_server_would_reach_the_other(
    call: Call, first: MemoryServer, second: MemoryServer
) -> None:
    unsent(call, first, None)
    call(second, None, "resume", "e", task=Paid())
    assert (len(first.experiments), len(second.experiments)) == (0, 1)


def test_two_servers_have_an_experiment_of_the_same_name_in_one_journal(
    call: Call, first: MemoryServer, second: MemoryServer, journal_path: Path
) -> None:
    call(first, A, "run", "e", dataset="questions", task=Paid())
    call(second, B, "run", "e", dataset="questions", task=Paid())
    assert first.experiments[0]["id"] == second.experiments[0]["id"]
    assert origins(journal_path) == [A, B]
    for server, base_url in ((first, A), (second, B)):
        task = Paid()
        result = call(server, base_url, "resume", "e", task=task)
        assert (len(result.rows), task.calls.total()) == (10, 0)
        assert len(server.runs[server.experiments[0]["id"]]) == 10


def test_rows_that_are_stored_nowhere_else_hinder_no_run_on_another_server_and_stay(
    call: Call, first: MemoryServer, second: MemoryServer
) -> None:
    unsent(call, first, A)
    call(second, B, "run", "e", dataset="questions", task=Paid())
    task = Paid()
    call(first, A, "resume", "e", task=task)
    assert (len(first.experiments), len(second.experiments), task.calls.total()) == (1, 1, 0)


@pytest.mark.parametrize("base_url", [A, None])
def test_rows_that_are_stored_nowhere_else_hinder_a_run_of_the_same_name_on_the_same_server(
    call: Call, first: MemoryServer, base_url: str | None
) -> None:
    unsent(call, first, base_url)
    with pytest.raises(ConflictError, match="nowhere else"):
        call(first, base_url, "run", "e", dataset="questions", task=Paid())


def test_a_rerun_takes_nothing_over_from_another_server(call: Call, first: MemoryServer, second: MemoryServer) -> None:
    call(first, A, "run", "e", dataset="questions", task=Paid())
    with pytest.raises(NotFoundError, match=r"http://a\.test:6006"):
        call(second, B, "rerun", "e", "again", dataset="questions", task=Paid())
    task = Paid()
    call(first, A, "rerun", "e", "again", dataset="questions", task=task)
    assert task.calls.total() == 0


def test_what_another_machine_ran_on_this_server_is_taken_over_beside_that_of_another_server(
    call: Call, first: MemoryServer, second: MemoryServer, journal_path: Path, tmp_path: Path
) -> None:
    call(first, A, "run", "e", dataset="questions", task=Paid())
    call(second, B, "run", "e", dataset="questions", task=Paid(), journal=tmp_path / "machine.sqlite3")
    task = Paid()
    result = call(second, B, "resume", "e", task=task)
    assert (len(result.rows), task.calls.total(), origins(journal_path)) == (10, 0, [A, B])


def test_a_server_that_moved_is_told_to_the_journal_once(call: Call, first: MemoryServer, journal_path: Path) -> None:
    unsent(call, first, A)
    with pytest.raises(NotFoundError, match="move_server"):
        call(first, B, "resume", "e", task=Paid())
    with Journal.open(journal_path) as journal:
        assert journal.move_server(f"{A}/v1/", B) == 1
        assert journal.move_server(A, B) == 0
    task = Paid()
    result = call(first, B, "resume", "e", task=task)
    assert (len(result.rows), task.calls.total(), origins(journal_path)) == (10, 0, [B])


def test_outputs_that_a_server_which_moved_does_not_have_are_not_paid_for_again(
    call: Call, first: MemoryServer, journal_path: Path
) -> None:
    call(first, A, "run", "e", dataset="questions", task=Paid())
    with Journal.open(journal_path) as journal, journal.resume("e") as run:
        key = UnitKey(next(run.units()).example_id, 1)
        run.append_scores(key, [ScoreRecord(evaluator="late", evaluation=Evaluation(score=1.0))]).wait(30)
    with pytest.raises(ConflictError, match=r"http://a\.test:6006.*move_server.*journal="):
        call(first, B, "resume", "e", task=Paid())
    with Journal.open(journal_path) as journal:
        journal.move_server(A, B)
    task = Paid()
    call(first, B, "resume", "e", task=task)
    assert (task.calls.total(), origins(journal_path)) == (0, [B])


def test_a_run_on_another_server_at_this_moment_hinders_nothing_here(
    call: Call, first: MemoryServer, second: MemoryServer, journal_path: Path, tmp_path: Path
) -> None:
    call(first, A, "run", "e", dataset="questions", task=Paid())
    call(second, B, "run", "e", dataset="questions", task=Paid(), journal=tmp_path / "machine.sqlite3")
    task = Paid()
    with Journal.open(journal_path) as journal, journal.resume("e") as run:
        key = UnitKey(next(run.units()).example_id, 1)
        run.append_scores(key, [ScoreRecord(evaluator="late", evaluation=Evaluation(score=1.0))]).wait(30)
        call(second, B, "resume", "e", task=task)
    assert (task.calls.total(), origins(journal_path)) == (0, [A, B])


def test_an_experiment_of_which_no_server_is_known_goes_on_and_belongs_to_that_one_from_then_on(
    call: Call, first: MemoryServer, second: MemoryServer, journal_path: Path
) -> None:
    unsent(call, first, None)
    assert origins(journal_path) == [""]
    call(first, A, "resume", "e", task=Paid())
    assert origins(journal_path) == [A]
    with pytest.raises(NotFoundError, match=r"http://a\.test:6006"):
        call(second, B, "resume", "e", task=Paid())


def test_a_server_whose_ids_are_its_own_is_known_at_whatever_address(
    call: Call, first: MemoryServer, journal_path: Path
) -> None:
    unsent(call, first, A)
    with pytest.raises(ConflictError, match="nowhere else"):
        call(first, B, "run", "e", dataset="questions", task=Paid(), kind=AsyncExperiments)
    task = Paid()
    call(first, B, "resume", "e", task=task, kind=AsyncExperiments)
    assert (len(first.experiments), task.calls.total(), origins(journal_path)) == (1, 0, [B])


def test_another_server_whose_ids_are_its_own_is_told_apart_by_them(
    call: Call, first: MemoryServer, journal_path: Path
) -> None:
    unsent(call, first, A)
    other = type(first)()
    drive(AsyncDatasets(other).create("none", [{"expected": "none"}]))
    drive(AsyncDatasets(other).delete("none"))
    filled(other, "b")
    assert other.datasets[0]["id"] != first.datasets[0]["id"]
    with pytest.raises(NotFoundError, match=r"http://a\.test:6006"):
        call(other, B, "resume", "e", task=Paid(), kind=AsyncExperiments)
    assert (other.experiments, origins(journal_path)) == ([], [A])


@pytest.mark.parametrize(
    ("base_url", "origin"),
    [
        (None, ""),
        ("", ""),
        ("http://127.0.0.1:6006/", "http://localhost:6006"),
        ("http://[::1]:6006", "http://localhost:6006"),
        ("HTTP://LOCALHOST:6006/v1", "http://localhost:6006"),
        ("https://Phoenix.test:443/space", "https://phoenix.test/space"),
    ],
)
def test_addresses_of_one_server_are_one(base_url: str | None, origin: str) -> None:
    assert origin_of(base_url) == origin


def test_an_address_with_credentials_is_refused_without_showing_them() -> None:
    with pytest.raises(ConfigurationError) as caught:
        origin_of("http://me:hunter2@a.test")
    assert "hunter2" not in caught.value.message
