"""Experiments are stored once, whatever a server says in which words."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec
import pytest
from promptops.core import RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive
from promptops.core.errors import ConflictError, NetworkError, NotFoundError, ServerError, ValidationError
from promptops.core.messages import Response
from promptops.core.testing import FakeClock, FakeTransport, json_response
from promptops.core.transport import Attempt, ExchangeFailed
from promptops.models.experiments import ExperimentRun
from promptops.phoenix._ids import global_id
from promptops.phoenix.experiments import _store_known
from promptops.phoenix.experiments._store import PhoenixExperimentStore

T = TypeVar("T")
MOMENT = "2026-01-01T00:00:00+00:00"
DATASET, VERSION = global_id("Dataset", 1), global_id("DatasetVersion", 1)
EXPERIMENT = global_id("Experiment", 1)
EXAMPLES = [global_id("DatasetExample", number) for number in (1, 2)]


class Server:
    """A Phoenix server as far as these tests need one; ``faults`` answer instead, by method and end of the path."""

    def __init__(self) -> None:
        self.experiments: list[dict[str, Any]] = []
        self.elsewhere: list[dict[str, Any]] = []
        self.runs: dict[tuple[str, int], dict[str, Any]] = {}
        self.faults: dict[str, Callable[[], Response]] = {}
        self.sentence = "Experiment run {} already exists with a successful result and cannot be updated"
        self.takes_cursors = True
        self.examples = list(EXAMPLES)
        self.transport = FakeTransport(self.answer)
        config = RuntimeConfig(base_url="http://phoenix.test")
        runtime = SyncRuntime(config, transport=self.transport, clock=FakeClock(), random=lambda: 0.5)
        self.store = PhoenixExperimentStore(runtime)

    def made(self, name: str = "e", **fields: Any) -> dict[str, Any]:
        record: dict[str, Any] = {
            "id": global_id("Experiment", len(self.experiments) + 1),
            "dataset_id": DATASET,
            "dataset_version_id": VERSION,
            "name": name,
            "description": None,
            "repetitions": 1,
            "metadata": {},
            "project_name": f"Experiment-{len(self.experiments)}",
            "created_at": MOMENT,
            "updated_at": MOMENT,
            "example_count": len(self.examples),
            "successful_run_count": 0,
            "failed_run_count": 0,
            "missing_run_count": 0,
            **fields,
        }
        self.experiments.insert(0, record)
        return record

    def asked(self, method: str, end: str = "") -> int:
        return sum(
            attempt.method == method and attempt.target.partition("?")[0].endswith(end)
            for attempt in self.transport.attempts
        )

    def answer(self, attempt: Attempt) -> Response:
        where, _, query = attempt.target.partition("?")
        for key, fault in list(self.faults.items()):
            method, _, end = key.partition(" ")
            if method == attempt.method and where.endswith(end):
                return fault()
        body: dict[str, Any] = msgspec.json.decode(attempt.body or b"{}")
        if where == f"/v1/datasets/{DATASET.replace('=', '%3D')}/experiments":
            if attempt.method == "GET":
                return json_response({"data": self.experiments, "next_cursor": None})
            return json_response({"data": self.made(**body)})
        if where == "/v1/datasets":
            facts: dict[str, Any] = {"description": None, "metadata": {}, "created_at": MOMENT, "updated_at": MOMENT}
            datasets = [(global_id("Dataset", 2), "spoilt"), (DATASET, "sound")]
            data = [{"id": ident, "name": name, "example_count": 2, **facts} for ident, name in datasets]
            return json_response({"data": data, "next_cursor": None})
        if where.endswith("/experiments"):
            return json_response({"data": self.elsewhere, "next_cursor": None})
        if where.endswith("/examples"):
            nodes = [{"node_id": example} for example in self.examples]
            return json_response({"data": {"version_id": VERSION, "examples": nodes}})
        if where.endswith("/runs") and attempt.method == "GET":
            return self.page(query)
        if where.endswith("/runs"):
            return self.run(body)
        if where.startswith("/v1/experiments/") and attempt.method == "GET":
            found = [item for item in self.experiments if item["id"].replace("=", "%3D") == where.split("/")[3]]
            return json_response({"data": found[0]}) if found else said("Experiment not found", 404)
        raise AssertionError(f"unexpected {attempt.method} {attempt.target}")

    def run(self, body: dict[str, Any]) -> Response:
        key = (body["dataset_example_id"], body["repetition_number"])
        before = self.runs.get(key)
        if before is not None and before["error"] is None:
            return said(self.sentence.format(before["id"]), 409)
        run_id = before["id"] if before else global_id("ExperimentRun", len(self.runs) + 1)
        self.runs[key] = {"error": None, **body, "id": run_id, "experiment_id": EXPERIMENT}
        return json_response({"data": {"id": run_id}})

    def page(self, query: str) -> Response:
        cursor = re.search(r"cursor=([^&]+)", query)
        rows = list(self.runs.values())[::-1]
        if cursor is not None:
            if not self.takes_cursors:
                return said("Invalid cursor format", 422)
            ids = [row["id"].replace("=", "%3D") for row in rows]
            rows = rows[ids.index(cursor[1]) :]
        limit = int(re.findall(r"limit=(\d+)", query)[0])
        following = rows[limit]["id"] if len(rows) > limit else None
        return json_response({"data": rows[:limit], "next_cursor": following})


def said(text: str, status: int) -> Response:
    return Response(status=status, headers={"content-type": "text/plain"}, body=text.encode())


def lost() -> Response:
    raise ExchangeFailed("the connection ended")


def once(server: Server, key: str, fault: Callable[[], Response]) -> None:
    def failing() -> Response:
        del server.faults[key]
        return fault()

    server.faults[key] = failing


def run(output: str = "4", example: int = 0, error: str | None = None) -> ExperimentRun:
    return ExperimentRun(example_id=EXAMPLES[example], output=output, error=error)


def do(coroutine: Coroutine[Any, Any, T]) -> T:
    return drive(coroutine)


@pytest.fixture
def server() -> Server:
    server = Server()
    server.made()
    return server


@pytest.mark.parametrize(
    "sentence",
    [
        "Experiment run {} already exists with a successful result and cannot be updated",
        "Conflict: ({})",
        "There is one already.",
        "Experiment RXhwZXJpbWVudDox has a run.",
    ],
)
@pytest.mark.parametrize("takes_cursors", [True, False])
def test_run_that_is_stored_already_is_found_whatever_the_server_says(
    server: Server, sentence: str, takes_cursors: bool
) -> None:
    ids = do(server.store.upload_runs(EXPERIMENT, [run(), run("5", 1)]))
    server.sentence, server.takes_cursors = sentence, takes_cursors
    assert do(server.store.upload_runs(EXPERIMENT, [run("5", 1), run()])) == ids[::-1]
    assert len(server.runs) == 2


def test_pages_that_are_not_read_to_their_end_are_closed(server: Server) -> None:
    do(server.store.upload_runs(EXPERIMENT, [run(), run("5", 1)]))
    begun: list[Any] = []
    before = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(firstiter=begun.append)
    try:
        do(server.store.upload_runs(EXPERIMENT, [run()]))
    finally:
        sys.set_asyncgen_hooks(*before)
    assert begun
    assert [generator for generator in begun if generator.ag_frame is not None] == []


def test_another_output_in_the_place_of_one_is_a_conflict_and_the_rest_is_stored(server: Server) -> None:
    do(server.store.upload_runs(EXPERIMENT, [run()]))
    with pytest.raises(ConflictError, match="other successful runs of 1 ") as caught:
        do(server.store.upload_runs(EXPERIMENT, [run("other"), run("5", 1)]))
    assert caught.value.details["units"] == [[EXAMPLES[0], 1]]
    assert {row["output"] for row in server.runs.values()} == {"4", "5"}


def test_failed_run_does_not_take_the_place_of_a_successful_one(server: Server) -> None:
    do(server.store.upload_runs(EXPERIMENT, [run("")]))
    with pytest.raises(ConflictError):
        do(server.store.upload_runs(EXPERIMENT, [run("", error="broke")]))


def test_failed_run_is_replaced(server: Server) -> None:
    first = do(server.store.upload_runs(EXPERIMENT, [run("", error="broke")]))
    assert do(server.store.upload_runs(EXPERIMENT, [run("4")])) == first
    assert [row["output"] for row in server.runs.values()] == ["4"]


def test_run_whose_answer_was_lost_is_sent_again_and_stored_once(server: Server) -> None:
    def stored_but_lost() -> Response:
        server.answer(server.transport.attempts[-1])
        return lost()

    once(server, "POST /runs", stored_but_lost)
    assert do(server.store.upload_runs(EXPERIMENT, [run()])) == [global_id("ExperimentRun", 1)]
    assert server.asked("POST", "/runs") == 2


def test_experiment_is_asked_for_once_however_many_rows_come(server: Server) -> None:
    for index in (0, 1):
        do(server.store.upload_runs(EXPERIMENT, [run(example=index)]))
    assert server.asked("GET") == 2
    assert server.asked("GET", "/examples") == 1


def test_experiment_that_another_has_taken_the_id_of_is_noticed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(server.store.upload_runs(EXPERIMENT, [run()]))
    server.experiments.clear()
    server.runs.clear()
    server.examples = [global_id("DatasetExample", 9)]
    server.made(project_name="Experiment-another")
    monkeypatch.setattr(_store_known, "_FRESH_SECONDS", 0.0)
    with pytest.raises(ValidationError, match="not an example of experiment"):
        do(server.store.upload_runs(EXPERIMENT, [run(example=1)]))


def test_failure_of_the_server_is_named_for_what_it_is_when_the_experiment_is_gone(server: Server) -> None:
    do(server.store.upload_runs(EXPERIMENT, [run()]))
    server.experiments.clear()
    server.faults["POST /runs"] = lambda: said("Internal Server Error", 500)
    with pytest.raises(NotFoundError, match="was deleted on the server"):
        do(server.store.upload_runs(EXPERIMENT, [run(example=1)]))
    server.made()
    with pytest.raises(ServerError) as caught:
        do(server.store.upload_runs(EXPERIMENT, [run(example=1)]))
    assert caught.value.status_code == 500


@pytest.mark.parametrize(("output", "refusal"), [("a\0b", ValidationError), ("a\\u0000b", ServerError)])
def test_a_failure_on_a_row_with_a_nul_is_a_refusal_of_that_row(
    server: Server, output: str, refusal: type[Exception]
) -> None:
    """A row that is refused leaves the way free for the others; one that the server failed on is sent again."""
    server.faults["POST /runs"] = lambda: said("Internal Server Error", 500)
    with pytest.raises(refusal) as caught:
        do(server.store.upload_runs(EXPERIMENT, [run(output)]))
    assert ("NUL character" in str(caught.value)) is (refusal is ValidationError)


def test_experiment_whose_answer_was_lost_is_made_once(server: Server) -> None:
    def made_but_lost() -> Response:
        server.answer(server.transport.attempts[-1])
        return lost()

    once(server, "POST /experiments", made_but_lost)
    made = do(server.store.create("new", dataset_id=DATASET))
    assert [item["name"] for item in server.experiments] == ["new", "e"]
    assert made.id == server.experiments[0]["id"]
    assert not made.metadata, "the key is not shown"


def test_experiment_that_was_not_made_says_why(server: Server) -> None:
    once(server, "POST /experiments", lost)
    with pytest.raises(NetworkError):
        do(server.store.create("new", dataset_id=DATASET))


def test_name_that_another_client_takes_in_the_same_moment_goes_to_the_first(server: Server) -> None:
    deleted: list[str] = []

    def behind_another() -> Response:
        server.made("new", metadata={"promptops.key": "theirs"})
        return server.answer(server.transport.attempts[-1])

    def removed() -> Response:
        deleted.append(server.experiments.pop(0)["id"])
        return Response(status=204, headers={}, body=b"")

    once(server, "POST /experiments", behind_another)
    server.faults["DELETE "] = removed
    with pytest.raises(ConflictError, match="same moment"):
        do(server.store.create("new", dataset_id=DATASET))
    assert deleted == [global_id("Experiment", 3)]
    assert [item["name"] for item in server.experiments] == ["new", "e"]


@pytest.mark.parametrize("repetitions", [0, -1, True, 1.5])
def test_repetitions_that_would_spoil_the_dataset_never_leave(server: Server, repetitions: Any) -> None:
    with pytest.raises(ValidationError, match="repetitions"):
        do(server.store.create("new", dataset_id=DATASET, repetitions=repetitions))
    assert not server.transport.attempts


def test_nothing_is_made_when_a_run_does_not_fit(server: Server) -> None:
    stranger = ExperimentRun(example_id=global_id("DatasetExample", 9), output="4")
    second = ExperimentRun(example_id=EXAMPLES[0], output="4", fields={"promptops.repetition": 2})
    for wrong in (stranger, second):
        with pytest.raises(ValidationError):
            do(server.store.create("new", dataset_id=DATASET, runs=[run(), wrong]))
    assert not server.asked("POST")


def test_experiment_of_some_splits_takes_only_their_examples(server: Server) -> None:
    server.experiments[0]["example_count"] = 1
    node: dict[str, Any] = {
        "id": "x",
        "node_id": EXAMPLES[0],
        "input": {},
        "output": {},
        "metadata": {},
        "updated_at": MOMENT,
    }
    pages: dict[str, Any] = {"data": [{"dataset_example": node, "repetition_numbers": [1]}], "next_cursor": None}
    server.faults["GET /incomplete-runs"] = lambda: json_response(pages)
    with pytest.raises(ValidationError, match="not an example of experiment"):
        do(server.store.upload_runs(EXPERIMENT, [run(example=1)]))
    assert do(server.store.upload_runs(EXPERIMENT, [run()]))


def test_experiment_that_was_made_just_now_is_not_asked_for(server: Server) -> None:
    made = do(server.store.create("new", dataset_id=DATASET))
    before = server.asked("GET")
    do(server.store.upload_runs(made.id, [run()]))
    assert server.asked("GET") - before == 1
    assert server.asked("GET", "/examples") == 1


def test_experiments_of_every_dataset_are_listed_newest_first(server: Server) -> None:
    server.elsewhere = [server.made("there", dataset_id=global_id("Dataset", 2))]
    server.experiments.pop(0)
    assert do(_ids(server)) == [global_id("Experiment", 2), EXPERIMENT]


def test_dataset_whose_experiments_cannot_be_listed_is_named(server: Server) -> None:
    other = global_id("Dataset", 2)
    server.faults[f"GET /v1/datasets/{other.replace('=', '%3D')}/experiments"] = lambda: said("Internal Error", 500)
    with pytest.raises(ServerError) as caught:
        do(server.store.get("e"))
    assert f"dataset 'spoilt' ({other})" in caught.value.__notes__[0]
    # The way out that the note names:
    assert do(server.store.get("e", dataset_id=DATASET)).id == EXPERIMENT


async def _ids(server: Server) -> list[str]:
    return [experiment.id async for experiment in server.store.iterate()]
