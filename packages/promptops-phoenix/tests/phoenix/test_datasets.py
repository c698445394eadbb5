"""The datasets resource has what that of our own server has, and sends what Phoenix wants."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest
from promptops.core import RuntimeConfig, SyncRuntime
from promptops.core.errors import ConflictError, NetworkError, NotFoundError, ServerError, ValidationError
from promptops.core.messages import Response
from promptops.core.testing import FakeClock, FakeTransport, assert_parity, json_response
from promptops.core.transport import Attempt, ExchangeFailed
from promptops.experiments import AsyncDatasets
from promptops.experiments.datasets import ExampleRow
from promptops.phoenix._ids import global_id
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.datasets._resource import AsyncPhoenixDatasets, SyncPhoenixDatasets

DATASET, WHEN, LATER = global_id("Dataset", 1), "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"


class Server:
    """As much of a server as datasets need: it keeps the rows of one dataset, and every attempt to upload."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}
        self.uploads: list[Attempt] = []
        self.version = 0
        self.created_at = WHEN
        self.before: Callable[[int], Response | BaseException | None] = lambda _number: None
        self.after: Callable[[int], BaseException | None] = lambda _number: None
        transport = FakeTransport(self.answer)
        self.runtime = SyncRuntime(
            RuntimeConfig(base_url="http://phoenix.test"), transport=transport, clock=FakeClock(), random=lambda: 0.5
        )
        self.known = ServerVersion(self.runtime)
        self.known.known = "20.26.1"
        self.datasets = SyncPhoenixDatasets(AsyncPhoenixDatasets(self.runtime, version=self.known))

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(attempt.body) for attempt in self.uploads]

    def answer(self, attempt: Attempt) -> Response:
        where, _, query = attempt.target.partition("?")
        if where.endswith("/upload"):
            return self.upload(attempt, query)
        if where.endswith("/versions"):
            return json_response(
                {"data": [self.version_of(n) for n in range(self.version, 0, -1)], "next_cursor": None}
            )
        if where.endswith("/examples"):
            examples = [self.example(own, row) for own, row in self.rows.items()]
            data = {"dataset_id": DATASET, "version_id": self.version_id, "filtered_splits": [], "examples": examples}
            return json_response({"data": data})
        if where.endswith("/datasets"):
            return json_response({"data": [self.facts] if self.version else [], "next_cursor": None})
        return json_response({"data": self.facts})

    def upload(self, attempt: Attempt, query: str) -> Response:
        assert query == "sync=true"
        self.uploads.append(attempt)
        number = len(self.uploads)
        first = self.before(number)
        if isinstance(first, BaseException):
            raise first
        if first is not None:
            return first
        body = json.loads(attempt.body)
        if body["action"] == "create" and self.version:
            return Response(status=409, headers={"content-type": "text/plain"}, body=b"Dataset already exists")
        sent = dict(zip(body["example_ids"], body["inputs"], strict=True))
        created = len(sent.keys() - self.rows.keys())
        updated = sum(own in self.rows and self.rows[own] != row for own, row in sent.items())
        deleted = len(self.rows.keys() - sent.keys()) if body["action"] == "update" else 0
        self.rows = sent if body["action"] == "update" else {**self.rows, **sent}
        self.version += bool(created or updated or deleted)
        lost = self.after(number)
        if lost is not None:
            raise lost
        done = {"num_created_examples": created, "num_updated_examples": updated, "num_deleted_examples": deleted}
        # One that changes nothing answers with an old version.
        version = self.version_id if created or updated or deleted else global_id("DatasetVersion", 1)
        return json_response({"data": {"dataset_id": DATASET, "version_id": version, **done}})

    @property
    def version_id(self) -> str:
        return global_id("DatasetVersion", self.version)

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "id": DATASET,
            "name": "d",
            "description": "",
            "metadata": {},
            "created_at": self.created_at,
            "updated_at": WHEN,
            "example_count": len(self.rows),
        }

    def version_of(self, number: int) -> dict[str, Any]:
        facts: dict[str, Any] = {"description": None, "metadata": {}, "created_at": WHEN}
        return {"version_id": global_id("DatasetVersion", number), **facts}

    def example(self, own: str, row: Any) -> dict[str, Any]:
        node_id = global_id("DatasetExample", list(self.rows).index(own) + 1)
        parts: dict[str, Any] = {"input": row, "output": {}, "metadata": {"promptops.fields": []}}
        return {"id": own, "node_id": node_id, **parts, "updated_at": WHEN, "source": None}


@pytest.fixture
def server() -> Server:
    return Server()


def lost() -> BaseException:
    return ExchangeFailed("the connection broke")


def test_the_blocking_twin_has_every_method() -> None:
    assert_parity(AsyncPhoenixDatasets, SyncPhoenixDatasets)


def test_code_moves_between_servers_unchanged() -> None:
    for name, ours in inspect.getmembers(AsyncDatasets, inspect.isfunction):
        if name.startswith("_"):
            continue
        theirs = getattr(AsyncPhoenixDatasets, name)
        assert inspect.iscoroutinefunction(theirs) is inspect.iscoroutinefunction(ours), name
        wanted = {key: (one.kind, one.default) for key, one in inspect.signature(ours).parameters.items()}
        there = {key: (one.kind, one.default) for key, one in inspect.signature(theirs).parameters.items()}
        assert {key: there.get(key) for key in wanted} == wanted, name
        more = [one for key, one in inspect.signature(theirs).parameters.items() if key not in wanted]
        assert all(one.kind is one.KEYWORD_ONLY and one.default is not one.empty for one in more), name


def test_what_only_phoenix_has_takes_keywords_alone() -> None:
    for name, method in inspect.getmembers(AsyncPhoenixDatasets, inspect.isfunction):
        if not name.startswith("_") and not hasattr(AsyncDatasets, name):
            kinds = {one.kind for key, one in inspect.signature(method).parameters.items() if key != "self"}
            assert kinds <= {inspect.Parameter.KEYWORD_ONLY}, name


def test_a_name_that_is_not_there_does_not_count_the_first_page_as_everything(server: Server) -> None:
    some = [server.facts | {"name": f"a{number}"} for number in range(100)]

    def answer(attempt: Attempt) -> Response:
        named = "name=" in attempt.target
        return json_response({"data": [] if named else some, "next_cursor": None if named else "more"})

    datasets = AsyncPhoenixDatasets(SyncRuntime(RuntimeConfig(), transport=FakeTransport(answer)), version=server.known)
    with pytest.raises(NotFoundError, match="there are more than 100; none of the first 100 is close"):
        SyncPhoenixDatasets(datasets).get("something else")


def test_many_examples_travel_in_parts_of_two_thousand(server: Server) -> None:
    steps: list[tuple[int, int]] = []
    made = server.datasets.create(
        "d", ({"n": n} for n in range(4001)), description="why", on_progress=lambda done, of: steps.append((done, of))
    )
    assert [(body["action"], len(body["inputs"])) for body in server.bodies] == [
        ("create", 2000),
        ("append", 2000),
        ("append", 1),
    ]
    assert [body.get("description") for body in server.bodies] == ["why", None, None]
    assert made.example_count == 4001
    assert steps == [(2000, 4001), (4000, 4001), (4001, 4001)]
    assert all("idempotency-key" not in dict(attempt.headers) for attempt in server.uploads)


def test_an_append_whose_answer_was_lost_is_repeated_and_counted_once(server: Server) -> None:
    server.datasets.create("d", [{"n": 1}])
    server.after = lambda number: lost() if number == 2 else None
    done = server.datasets.append("d", [{"n": 1}, {"n": 1}])
    assert [body["action"] for body in server.bodies] == ["create", "append", "append"]
    assert server.bodies[1] == server.bodies[2]
    assert (done.inserted, done.total, done.version_id) == (2, 3, server.version_id)


def test_an_id_that_comes_again_is_refused_and_its_example_stays(server: Server) -> None:
    server.datasets.create("d", [ExampleRow(fields={"n": 1}, id="mine", number=1)])
    rows = [ExampleRow(fields={"n": 2}, id="mine", number=1)]
    for verb in (server.datasets.insert, server.datasets.append):
        with pytest.raises(ValidationError, match=r"1 ids are taken in dataset 'd' \(mine\)"):
            verb("d", rows)
    with pytest.raises(ValidationError, match="1 ids are taken"):
        server.datasets.append_rows(dataset="d", inputs=[{"n": 2}], example_ids=["mine"])
    assert (server.rows, len(server.uploads)) == ({"mine": {"n": 1}}, 1)


@pytest.mark.parametrize("verb", ["insert", "append"])
def test_an_example_of_somebody_else_that_was_changed_in_between_is_told(server: Server, verb: str) -> None:
    """The server changes it, because the id is there by then."""
    server.datasets.create("d", [{"n": 1}])

    def theirs(_number: int) -> None:
        server.rows["mine"] = {"n": "theirs"}

    server.before = theirs
    with pytest.raises(ConflictError, match="took the place of 1 of theirs") as caught:
        getattr(server.datasets, verb)("d", [ExampleRow(fields={"n": 2}, id="mine", number=1)])
    assert caught.value.details["updated"] == 1


@pytest.mark.parametrize(("arrived", "stored"), [(False, 2000), (True, 4000)])
def test_examples_of_somebody_else_do_not_count_as_stored(server: Server, *, arrived: bool, stored: int) -> None:
    """Who appends "the others" then would leave some out."""
    server.datasets.create("d", [{"n": 0}])

    def fail(number: int) -> BaseException | None:
        if number < 3:
            return None
        server.rows |= {f"theirs{n}": {"n": n} for n in range(2500)}
        return lost()

    server.before, server.after = (lambda _: None, fail) if arrived else (fail, lambda _: None)
    with pytest.raises(NetworkError) as caught:
        server.datasets.append("d", ({"n": n} for n in range(5000)))
    assert caught.value.details["stored"] == stored
    assert f"the first {stored} of 5000" in caught.value.__notes__[0]


def test_ids_that_the_server_gave_make_no_other_examples(server: Server) -> None:
    """It would say that there are none of these in the dataset, which does not exist yet."""
    given = global_id("DatasetExample", 2**40)
    said = rf"1 ids are those that the server gave .*{given}.*id_column=None"
    with pytest.raises(ValidationError, match=said):
        server.datasets.create("d", [{"n": 1, "key": given}], id_column="key")
    with pytest.raises(ValidationError, match=said):
        server.datasets.create_rows(name="d", inputs=[{"n": 1}], example_ids=[given])
    server.datasets.create("d", [{"n": 1}])
    with pytest.raises(ValidationError, match=said):
        server.datasets.append("d", [{"n": 1, "key": given}], id_column="key")
    with pytest.raises(ValidationError, match=said):
        server.datasets.append_rows(dataset="d", inputs=[{"n": 1}], example_ids=[given])
    assert len(server.uploads) == 1


def test_a_create_is_repeated_by_nobody_but_who_can_tell_whose_the_dataset_is(server: Server) -> None:
    server.after = lambda number: lost() if number == 1 else None
    assert server.datasets.create("d", [{"n": 1}]).example_count == 1
    assert [body["action"] for body in server.bodies] == ["create", "create"]
    with pytest.raises(ConflictError, match="is named 'd' already"):
        server.datasets.create("d", [{"n": 1}])
    assert len(server.uploads) == 3
    # A 500 says of a create that it makes no sense to repeat it.
    failed = Response(status=500, headers={"content-type": "text/plain"}, body=b"Internal Server Error")
    server.before = lambda _number: failed
    with pytest.raises(ServerError) as caught:
        server.datasets.create("other", [{"n": 1}])
    assert caught.value.details["stored"] == 0
    assert len(server.uploads) == 4


def test_a_dataset_made_anew_under_the_same_id_is_noticed(server: Server) -> None:
    server.datasets.create("d", [{"n": 1}])

    def made_anew(_number: int) -> None:
        server.rows, server.created_at = {}, LATER

    server.before = made_anew
    with pytest.raises(ConflictError, match="deleted or renamed meanwhile"):
        server.datasets.append("d", [{"n": 2}])


def test_a_replacement_that_met_another_change_says_what_it_did(server: Server) -> None:
    server.datasets.create("d", [{"n": n} for n in range(3)])
    plan = server.datasets.plan_replace("d", [{"n": 1}])
    assert (plan.deleted, plan.version_id, len(server.uploads)) == (2, server.version_id, 1)

    def meddle(_number: int) -> None:
        server.rows["theirs"] = {"n": 9}

    server.before = meddle
    said = "deleted 3 examples, not 0, 0 and 2, as planned; the version before"
    with pytest.raises(ConflictError, match=said) as caught:
        server.datasets.replace("d", confirm=plan)
    assert caught.value.details["done"] == [0, 0, 3]


@pytest.mark.parametrize(("when", "count"), [(LATER, 3), (WHEN, 4)], ids=["later", "in the same second"])
def test_a_plan_is_not_carried_out_on_a_dataset_that_took_the_place_of_another(
    server: Server, when: str, count: int
) -> None:
    """SQLite gives a dataset that is made anew, and its version, the ids of those that were deleted."""
    server.datasets.create("d", [{"n": n} for n in range(3)])
    plan = server.datasets.plan_replace("d", [{"n": 1}])
    precious = {f"precious{n}": {"n": 9} for n in range(count)}
    server.created_at, server.rows = when, precious
    with pytest.raises(ConflictError, match="after the plan was made; nothing was changed"):
        server.datasets.replace("d", confirm=plan)
    assert (server.rows, len(server.uploads)) == (precious, 1)


def test_a_replacement_that_deletes_nothing_sends_only_what_is_new(server: Server) -> None:
    server.datasets.create("d", [{"n": n} for n in range(3)])
    done = server.datasets.replace("d", [{"n": n} for n in range(4)])
    assert (done.inserted, done.unchanged, done.total) == (1, 3, 4)
    assert [(body["action"], len(body["inputs"])) for body in server.bodies[1:]] == [("append", 1)]


def test_a_plan_of_another_client_is_not_known(server: Server) -> None:
    server.datasets.create("d", [{"n": 1}])
    plan = server.datasets.plan_replace("d", [{"n": 2}])
    with pytest.raises(NotFoundError, match="another client made it"):
        Server().datasets.replace("d", confirm=plan)
    for _ in range(16):
        server.datasets.plan_replace("d", [{"n": 2}])
    with pytest.raises(NotFoundError):
        server.datasets.replace("d", confirm=plan)


def test_what_is_no_list_of_ids_is_refused_before_anything_is_sent(server: Server) -> None:
    with pytest.raises(ValidationError, match="not by one text"):
        server.datasets.create_split(dataset=DATASET, name="s", example_ids="k1")
    with pytest.raises(ValidationError, match="not one text"):
        server.datasets.set_labels(dataset=DATASET, labels="gold")
    with pytest.raises(ValidationError, match="blank"):
        server.datasets.create_split(dataset=DATASET, name=" s")
    with pytest.raises(ValidationError, match="limit"):
        server.datasets.list_page(limit=-1)
    with pytest.raises(ValidationError, match="description"):
        server.datasets.create("d", [{"n": 1}], description="\ud800")
    with pytest.raises(ValidationError, match="description"):
        server.datasets.create_rows(name="d", inputs=[{"n": 1}], description="\ud800")
    assert server.uploads == []
