"""A server that takes no changes to rows: an experiment is replaced once, at the end, and no crash loses anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio
import msgspec
import pytest
from promptops.core.errors import NetworkError, ValidationError
from promptops.core.messages import Request
from promptops.experiments import AsyncExperiments, ExperimentResult, SyncExperiments, UploadError

if TYPE_CHECKING:
    from .conftest import MemoryServer

Call = Callable[..., ExperimentResult]
RETRIED = {"2", "8", "14"}


class Killed(BaseException):
    """Stands for the end of the process: nothing may catch it."""


@pytest.fixture(params=["sync", "asyncio", "trio"])
def call(request: pytest.FixtureRequest, experiments: SyncExperiments, async_experiments: AsyncExperiments) -> Call:
    """Calls a method of the resource through each facade."""

    def calling(method: str, **options: Any) -> ExperimentResult:
        options = {"progress": False, "concurrency": 1, "task_version": "1", **options}
        if request.param == "sync":
            result: ExperimentResult = getattr(experiments, method)("e", **options)
            return result

        async def main() -> ExperimentResult:
            awaited: ExperimentResult = await getattr(async_experiments, method)("e", **options)
            return awaited

        return anyio.run(main, backend=request.param)

    return calling


def answer(expected: str) -> str:
    return expected


def right(output: str) -> bool:
    return True


def sometimes(expected: str) -> str:
    if expected in RETRIED:
        raise ConnectionError("the model is down")
    return expected


def writes(server: MemoryServer) -> list[str]:
    """What was written to experiments since, as method and last part of the path."""
    found = [request for request in server.requests if request.method != "GET" and "experiments" in request.path]
    return [f"{request.method} {'runs' if request.path.endswith('/runs') else 'experiment'}" for request in found]


def outputs(server: MemoryServer) -> list[str]:
    [experiment] = server.experiments
    return sorted(row["output"] for row in server.runs[experiment["id"]] if not row["error"])


def is_whole(server: MemoryServer) -> bool:
    return outputs(server) == sorted(str(2 * i) for i in range(10)) and len(server.experiments) == 1


def test_an_experiment_is_replaced_once_when_everything_is_done(
    call: Call, questions: str, server: MemoryServer
) -> None:
    async def slow(expected: str) -> str:
        seen.append(outputs(server))
        await anyio.sleep(1.2 if expected == "8" else 0)  # longer than rows wait for company
        return expected

    call("run", dataset=questions, task=sometimes)
    before, seen = outputs(server), list[list[str]]()
    server.requests.clear()
    result = call("retry_failed", task=slow)
    assert seen == [before] * 3
    assert writes(server) == ["DELETE experiment", "POST experiment"]
    assert is_whole(server)
    assert result.experiment.id == server.experiments[0]["id"]


def test_a_run_that_is_interrupted_leaves_what_is_stored(call: Call, questions: str, server: MemoryServer) -> None:
    def interrupted(expected: str) -> str:
        if expected == "8":
            raise KeyboardInterrupt
        return expected

    call("run", dataset=questions, task=sometimes)
    before, ident = outputs(server), server.experiments[0]["id"]
    with pytest.raises(KeyboardInterrupt):
        call("retry_failed", task=interrupted)
    assert (outputs(server), server.experiments[0]["id"]) == (before, ident)
    paid: list[str] = []

    def counted(expected: str) -> str:
        paid.append(expected)
        return expected

    call("retry_failed", task=counted)
    assert paid == ["8", "14"]
    assert is_whole(server)


@pytest.mark.parametrize("step", [0, 1], ids=["delete", "create"])
@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("how", ["retry_failed", "rescore"])
def test_a_crash_at_any_step_of_a_replacement_loses_nothing(
    call: Call,
    questions: str,
    server: MemoryServer,
    monkeypatch: pytest.MonkeyPatch,
    *,
    step: int,
    answered: bool,
    how: str,
) -> None:
    call("run", dataset=questions, task=sometimes if how == "retry_failed" else answer)
    options: dict[str, Any] = {"task": answer} if how == "retry_failed" else {"evaluators": {"m": right}}
    options["evaluator_versions"] = {"m": "1"}
    send, count = server.send, 0

    async def killing(request: Request) -> Any:
        nonlocal count
        dies = request.method != "GET" and count == step
        count += request.method != "GET"
        if dies and not answered:
            raise Killed
        response = await send(request)
        if dies:
            raise Killed
        return response

    monkeypatch.setattr(server, "send", killing)
    with pytest.raises(Killed):
        call(how, **options)
    monkeypatch.setattr(server, "send", send)
    again = "resume" if how == "retry_failed" else how
    options = {**options, "dataset": questions}
    call(again, **options)
    assert is_whole(server)
    if how == "rescore":
        [experiment] = server.experiments
        assert {row["eval.m.score"] for row in server.runs[experiment["id"]]} == {1}


def test_an_experiment_that_cannot_be_deleted_stays_as_it_was(call: Call, questions: str, server: MemoryServer) -> None:
    def away(request: Request) -> None:
        if request.method == "DELETE":
            raise NetworkError("the server is away")

    call("run", dataset=questions, task=sometimes)
    before = outputs(server)
    server.before = away
    with pytest.raises(UploadError) as caught:
        call("retry_failed", task=answer)
    assert len(caught.value.rows) == 10
    assert outputs(server) == before
    server.before = None
    call("resume", task=answer)
    assert is_whole(server)


def test_who_reads_that_rows_could_not_be_stored_reads_what_was_deleted_for_them(
    call: Call, questions: str, server: MemoryServer
) -> None:
    def away(request: Request) -> None:
        if request.method == method and "experiments" in request.path:
            raise NetworkError("the server is away")

    call("run", dataset=questions, task=sometimes)
    server.before, method = away, "DELETE"
    with pytest.raises(UploadError) as kept:
        call("retry_failed", task=answer)
    assert "deleted" not in str(kept.value)
    method = "POST"
    with pytest.raises(UploadError) as caught:
        call("resume", task=answer)
    assert server.experiments == []
    assert "in the journal: resume the experiment: the server is away" in str(caught.value)
    assert "What was stored of the experiment had to be deleted for it" in str(caught.value)
    server.before = None
    call("resume", task=answer)
    assert is_whole(server)


def refusing(*taken_not: str) -> Callable[[Request], None]:
    """Refuse what is written with a row of one of these outputs."""

    def refuse(request: Request) -> None:
        body: dict[str, Any] = msgspec.json.decode(request.body) if request.body else {}
        rows: list[dict[str, Any]] = body.get("experiment_runs", [])
        if any(row["output"] in taken_not for row in rows):
            raise ValidationError("an output nests too deeply")

    return refuse


@pytest.mark.parametrize("how", ["retry_failed", "rescore"])
def test_a_row_that_is_refused_keeps_no_other_from_being_there_again(
    call: Call, questions: str, server: MemoryServer, how: str
) -> None:
    call("run", dataset=questions, task=sometimes if how == "retry_failed" else answer)
    options: dict[str, Any] = {"task": answer} if how == "retry_failed" else {"evaluators": {"m": right}}
    server.before = refusing("8")
    with pytest.raises(UploadError, match=r"^1 of 10 finished rows.*nests too deeply") as caught:
        call(how, **options)
    assert caught.value.stored == 9
    assert "deleted" not in str(caught.value)
    assert outputs(server) == sorted(str(2 * i) for i in range(10) if i != 4)
    server.before = None
    call("resume", task=answer)
    assert is_whole(server)


def test_what_was_deleted_is_there_again_after_a_resume_that_a_row_is_refused_in(
    call: Call, questions: str, server: MemoryServer
) -> None:
    def away(request: Request) -> None:
        if request.method == "POST":
            raise NetworkError("the server is away")

    call("run", dataset=questions, task=sometimes)
    server.before = away
    with pytest.raises(UploadError):
        call("retry_failed", task=answer)
    assert server.experiments == []
    server.before = refusing("0", "18")
    with pytest.raises(UploadError, match=r"^2 of 10 finished rows"):
        call("resume", task=answer)
    assert len(outputs(server)) == 8
    server.before = None
    call("resume", task=answer)
    assert is_whole(server)


def test_a_deletion_that_is_refused_is_no_fault_of_a_row(call: Call, questions: str, server: MemoryServer) -> None:
    def refuse(request: Request) -> None:
        if request.method == "DELETE":
            raise ValidationError("it may not be deleted")

    call("run", dataset=questions, task=sometimes)
    before = outputs(server)
    server.requests.clear()
    server.before = refuse
    with pytest.raises(UploadError, match="may not be deleted"):
        call("retry_failed", task=answer)
    assert writes(server) == ["DELETE experiment"]
    assert outputs(server) == before


def test_the_first_rows_of_a_new_experiment_are_not_divided(call: Call, questions: str, server: MemoryServer) -> None:
    def refuse(request: Request) -> None:
        if request.method == "POST":
            raise ValidationError("the name is too long")

    server.before = refuse
    with pytest.raises(UploadError, match=r"^10 of 10 finished rows.*the name is too long"):
        call("run", dataset=questions, task=answer)
    # Once when they were ready, if they were so for long enough, and once at the end.
    assert 1 <= len(server.sent("POST", "experiments")) <= 2
