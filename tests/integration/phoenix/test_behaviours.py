"""Twenty behaviours of the server that surprise: each as the server shows it, and as the client handles it.

The plain requests of each test are its control: they fail when a server stops behaving so, and the handling with it.
"""

from __future__ import annotations

import gzip
import json
import math
import socket
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from http.client import HTTPResponse
from typing import Any

import httpx
import pytest
from promptops.core.errors import (
    ConflictError,
    InvalidResponseError,
    NotFoundError,
    PromptOpsError,
    ServerError,
    ValidationError,
)
from promptops.core.testing.faults import Exchange, FaultProxy, Mode
from promptops.models import ExperimentRun
from promptops.phoenix import PhoenixClient
from promptops.phoenix._checks import json_body
from promptops.phoenix._generated import (
    CreateExperimentResponseBody,
    CreateExperimentRunResponseBody,
    GetPromptsResponseBody,
)
from promptops.phoenix._http import fetch, path, send
from promptops.phoenix._ids import global_id
from promptops.phoenix._state import ClientState

pytestmark = pytest.mark.anyio

Plain = Callable[..., httpx.Response]
Make = Callable[..., PhoenixClient]
Unique = Callable[[str], str]
ROWS = [{"question": "one"}, {"question": "two"}, {"question": "three"}]
START, END = "2026-01-02T03:04:05+00:00", "2026-01-02T03:04:06+00:00"
BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TOOK = timedelta(seconds=1)
NOBODY = 2**31 - 1
"""The number of a row that no table of a test server reaches."""


def state_of(client: object) -> ClientState:
    """What both kinds of client hold; its coroutines can be awaited for either."""
    target: object = client.__dict__.get("_target", client)
    state: ClientState = target.__dict__["_state"]
    return state


def nothing_was_sent(client: PhoenixClient) -> bool:
    """Any answer would have told the version."""
    return client.server_version is None


@pytest.fixture(scope="module")
def bare() -> Iterator[httpx.Client]:
    """A client that uses each connection once."""
    with httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0)) as client:
        yield client


@pytest.fixture
def plain(bare: httpx.Client, phoenix_url: str) -> Plain:
    """Sends one request without any client of ours, on a connection of its own."""

    def ask(method: str, where: str, **settings: Any) -> httpx.Response:
        return bare.request(method, f"{phoenix_url}{where}", **settings)

    return ask


@pytest.fixture
def make_dataset(plain: Plain, unique: Unique) -> Iterator[Callable[..., Any]]:
    """Makes datasets with plain requests: ``make_dataset(rows)`` is its id, its name and the ids of its examples."""
    made: list[str] = []

    def make(rows: list[dict[str, Any]] = ROWS) -> tuple[str, str, list[str]]:
        name = unique("behaviour")
        found = upload(plain, name=name, inputs=rows)
        made.append(found["dataset_id"])
        examples = plain("GET", f"/v1/datasets/{made[-1]}/examples").json()["data"]["examples"]
        return made[-1], name, [example["node_id"] for example in examples]

    yield make
    for dataset in made:
        plain("DELETE", f"/v1/datasets/{dataset}")


def upload(plain: Plain, **body: Any) -> dict[str, Any]:
    answer = plain("POST", "/v1/datasets/upload?sync=true", json=body)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def make_experiment(plain: Plain, dataset: str, **body: Any) -> str:
    made: str = plain("POST", f"/v1/datasets/{dataset}/experiments", json=body).json()["data"]["id"]
    return made


def run_body(example: str, **other: Any) -> dict[str, Any]:
    body = {"dataset_example_id": example, "output": "x", "repetition_number": 1, "start_time": START, "end_time": END}
    return body | other


async def log_run(client: PhoenixClient, *, experiment: str, example_id: str, output: Any, **other: Any) -> str:
    """Store one run with our client, which took a second unless something else is said."""
    settings: dict[str, Any] = {"start_time": BEGAN, "end_time": BEGAN + TOOK} | other
    return await client.experiments.log_run(experiment=experiment, example_id=example_id, output=output, **settings)


async def inputs_of(client: PhoenixClient, dataset: str) -> list[Any]:
    return sorted(example.input["question"] for example in await client.datasets.examples(dataset))


async def test_behaviour_01_a_missing_route_answers_with_a_web_page(phoenix: PhoenixClient, plain: Plain) -> None:
    for method in ("GET", "HEAD"):
        page = plain(method, "/v1/no/such/route")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert plain("POST", "/v1/no/such/route").status_code == 405

    with pytest.raises(InvalidResponseError, match="the route is missing") as caught:
        await fetch(state_of(phoenix).runtime, path("no", "such", "route"), GetPromptsResponseBody)
    assert page.headers["x-phoenix-server-version"] in caught.value.message
    with pytest.raises(InvalidResponseError, match="405: the route is missing"):
        await send(state_of(phoenix).runtime, "POST", path("no", "such"), b"{}", GetPromptsResponseBody)


async def test_behaviour_02_a_name_with_a_slash_answers_with_a_web_page(phoenix: PhoenixClient, plain: Plain) -> None:
    page = plain("GET", "/v1/prompts/gr%2Feet/latest")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")

    with pytest.raises(ValidationError, match="name"):
        await phoenix.prompts.get("gr/eet")
    with pytest.raises(ValidationError, match="name"):
        await phoenix.prompts.list_versions(name="gr/eet")
    assert nothing_was_sent(phoenix)


async def test_behaviour_03_a_connection_is_dead_after_a_500(
    make_phoenix: Make, phoenix_url: str, plain: Plain, make_dataset: Callable[..., Any]
) -> None:
    dataset, _, (example, other, _) = make_dataset()
    experiment = make_experiment(plain, dataset)
    runs = f"/v1/experiments/{experiment}/runs"
    assert dropped_after(phoenix_url, runs, run_body("malformed")) == (500, True)
    assert dropped_after(phoenix_url, runs, run_body(other)) == (200, False)

    runtime = state_of(make_phoenix(base_url=phoenix_url, max_connections=1)).runtime
    where = path("experiments", experiment, "runs")
    with pytest.raises(ServerError):
        await send(runtime, "POST", where, json_body(run_body("malformed")), CreateExperimentRunResponseBody)
    # One connection at most, and a write that is never sent twice: it can only have gone out on a fresh one.
    made = await send(runtime, "POST", where, json_body(run_body(example)), CreateExperimentRunResponseBody)
    assert made.data.id


def dropped_after(url: str, where: str, body: dict[str, Any]) -> tuple[int, bool]:
    """The status that a plain request gets, and whether the server then drops the connection without having said so."""
    address = httpx.URL(url)
    content = json.dumps(body).encode()
    lines = (f"POST {where} HTTP/1.1", "host: x", "content-type: application/json", f"content-length: {len(content)}")
    with socket.create_connection((address.host, address.port or 80), timeout=10) as connection:
        connection.sendall("\r\n".join((*lines, "", "")).encode() + content)
        answer = HTTPResponse(connection)
        answer.begin()
        answer.read()
        said = answer.headers.get("connection", "")
        connection.settimeout(0.3)
        try:
            dropped = connection.recv(1) == b""
        except ConnectionResetError:
            dropped = True
        except TimeoutError:
            dropped = False
    return answer.status, dropped and said == ""


async def test_behaviour_04_a_malformed_or_unknown_id_in_a_write_is_a_500(
    make_phoenix: Make, recorder: Any, plain: Plain, make_dataset: Callable[..., Any]
) -> None:
    dataset, _, (example, *_) = make_dataset()
    experiment = make_experiment(plain, dataset)
    unknown = global_id("Experiment", NOBODY)
    for where, body in (
        (f"/v1/experiments/{experiment}/runs", run_body("malformed")),
        (f"/v1/experiments/{unknown}/runs", run_body(example)),
        ("/v1/experiment_evaluations", evaluation_body("malformed")),
    ):
        assert plain("POST", where, json=body).status_code == 500

    phoenix = make_phoenix(base_url=recorder.url)
    with pytest.raises(ValidationError, match="run_id must be an id"):
        await phoenix.experiments.log_evaluation(run_id="malformed", name="e", score=1.0)
    assert nothing_was_sent(phoenix)
    with pytest.raises(ValidationError, match="example"):
        await log_run(phoenix, experiment=experiment, example_id="malformed", output="x")
    with pytest.raises(NotFoundError):
        await log_run(phoenix, experiment=unknown, example_id=example, output="x")
    with pytest.raises(ServerError) as caught:
        await phoenix.experiments.log_evaluation(run_id=global_id("ExperimentRun", NOBODY), name="e", score=1.0)
    assert caught.value.status_code == 500
    posted = [where for method, where, _ in recorder.requests if method == "POST"]
    assert posted.count("/v1/experiment_evaluations") == 1  # though it may be repeated, this is not worth it
    assert len(posted) == len(set(posted))


def evaluation_body(run: str, **other: Any) -> dict[str, Any]:
    body = {"experiment_run_id": run, "name": "e", "annotator_kind": "CODE", "start_time": START, "end_time": END}
    return body | {"result": {"score": 1.0}} | other


async def test_behaviour_05_no_repetitions_spoil_the_dataset(
    phoenix_admin: PhoenixClient, phoenix_auth: Any, bare: httpx.Client, unique: Unique
) -> None:
    # On the server with authentication: there nobody else lists the experiments of every dataset.
    key = {"authorization": f"Bearer {phoenix_auth.secret}"}

    def ask(method: str, where: str, **settings: Any) -> httpx.Response:
        return bare.request(method, f"{phoenix_auth.url}{where}", headers=key, **settings)

    name = unique("spoilt")
    dataset = upload(ask, name=name, inputs=ROWS)["dataset_id"]
    listing = f"/v1/datasets/{dataset}/experiments"
    try:
        for number in (0, -1):
            with pytest.raises(ValidationError, match="repetitions must be"):
                await phoenix_admin.experiments.create_empty(name="x", dataset=dataset, repetitions=number)
        with pytest.raises(ValidationError, match="repetitions must be"):
            await phoenix_admin.stores.experiments.create("x", dataset_id=dataset, repetitions=0)
        assert nothing_was_sent(phoenix_admin)
        assert ask("GET", listing).json()["data"] == []

        assert ask("POST", listing, json={"repetitions": 0}).status_code == 500
        assert [ask("GET", listing).status_code for _ in range(2)] == [500, 500]
        with pytest.raises(ServerError):
            await phoenix_admin.experiments.list(dataset=name)
    finally:
        ask("DELETE", f"/v1/datasets/{dataset}")


async def test_behaviour_06_repetitions_and_examples_of_elsewhere_are_stored(
    phoenix: PhoenixClient, plain: Plain, make_dataset: Callable[..., Any]
) -> None:
    dataset, _, (example, *_) = make_dataset()
    _, _, (foreign, *_) = make_dataset()
    runs = f"/v1/experiments/{make_experiment(plain, dataset, repetitions=2)}/runs"
    assert plain("POST", runs, json=run_body(example, repetition_number=99)).status_code == 200
    assert plain("POST", runs, json=run_body(foreign)).status_code == 200

    experiment = make_experiment(plain, dataset, repetitions=2)
    for chosen, other in ((example, {"repetition": 99}), (foreign, {})):
        with pytest.raises(ValidationError):
            await log_run(phoenix, experiment=experiment, example_id=chosen, output="x", **other)
    assert plain("GET", f"/v1/experiments/{experiment}/runs").json()["data"] == []


async def test_behaviour_07_numbers_that_are_not_finite_fail_vanish_or_spoil_the_export(
    make_phoenix: Make, recorder: Any, plain: Plain, make_dataset: Callable[..., Any], unique: Unique
) -> None:
    dataset, _, (example, other, _) = make_dataset()
    experiment = make_experiment(plain, dataset)
    json_text = {"content-type": "application/json"}

    def post(where: str, body: Any) -> httpx.Response:
        return plain("POST", where, content=json.dumps(body), headers=json_text)  # writes the tokens NaN and Infinity

    name = unique("numbers")
    assert post("/v1/datasets/upload?sync=true", {"name": name, "inputs": [{"x": math.nan}]}).status_code == 500
    run = post(f"/v1/experiments/{experiment}/runs", run_body(example, output={"x": math.nan})).json()["data"]["id"]
    assert post("/v1/experiment_evaluations", evaluation_body(run, result={"score": math.inf})).status_code == 200
    exported = plain("GET", f"/v1/experiments/{experiment}/json")
    assert "Infinity" in exported.text
    assert plain("GET", f"/v1/experiments/{experiment}/runs").json()["data"][0]["output"] in ({"x": None}, None)

    client = make_phoenix(base_url=recorder.url)
    for number in (math.nan, math.inf):
        with pytest.raises(ValidationError):
            await client.datasets.create(name, [{"x": number}])
        with pytest.raises(ValidationError, match="score"):
            await client.experiments.log_evaluation(run_id=run, name="e", score=number)
        with pytest.raises(ValidationError, match="output"):
            await log_run(client, experiment=experiment, example_id=other, output={"x": [number]})
    assert "POST" not in [method for method, _, _ in recorder.requests]
    (row,) = await client.experiments.export_json(experiment=experiment)
    assert [annotation["score"] for annotation in row["annotations"]] == [math.inf]


async def test_behaviour_08_a_compressed_body_is_refused(
    make_phoenix: Make, recorder: Any, plain: Plain, unique: Unique
) -> None:
    name = unique("large")
    rows = [{"question": f"{'long ' * 50}{number}"} for number in range(20)]
    packed = gzip.compress(json.dumps({"name": name, "inputs": rows}).encode())
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    refused = plain("POST", "/v1/datasets/upload?sync=true", content=packed, headers=headers)
    assert refused.status_code in {400, 422}

    client = make_phoenix(base_url=recorder.url)
    made = await client.datasets.create(name, rows)
    assert made.example_count == len(rows)
    assert [method for method, _, _ in recorder.requests].count("POST") >= 1
    assert not any("content-encoding" in sent for _, _, sent in recorder.requests)
    await client.datasets.delete(made.id)


async def test_behaviour_09_without_sync_a_200_says_nothing(phoenix: PhoenixClient, plain: Plain) -> None:
    span = "0123456789abcdef"
    body = {"data": [{"span_id": span, "name": "n", "annotator_kind": "HUMAN", "result": {"label": "x"}}]}
    said = plain("POST", "/v1/span_annotations", json=body)
    assert (said.status_code, said.json()) == (200, {"data": []})

    with pytest.raises(NotFoundError):
        await phoenix.annotations.add(name="n", span_id=span, label="x")


async def test_behaviour_10_an_update_with_fewer_rows_deletes_the_rest(
    phoenix: PhoenixClient, plain: Plain, make_dataset: Callable[..., Any]
) -> None:
    dataset, name, _ = make_dataset()
    said = upload(plain, name=name, inputs=ROWS[:1], action="update")
    assert said["num_deleted_examples"] == 2
    assert await inputs_of(phoenix, name) == ["one"]

    dataset, name, _ = make_dataset()
    with pytest.raises(ConflictError):
        await phoenix.datasets.create(name, [{"question": "one"}])
    await phoenix.datasets.append(name, [{"question": "four"}])
    assert await inputs_of(phoenix, dataset) == ["four", "one", "three", "two"]
    with pytest.raises(PromptOpsError, match="delete"):
        await phoenix.datasets.replace(name, [{"question": "one"}])
    assert await inputs_of(phoenix, dataset) == ["four", "one", "three", "two"]
    plan = await phoenix.datasets.plan_replace(name, [{"question": "one"}])
    assert (plan.deleted, plan.unchanged + plan.inserted) in {(3, 1), (4, 1)}


async def test_behaviour_11_an_append_of_nothing_new_names_an_older_version(
    phoenix: PhoenixClient, plain: Plain, make_dataset: Callable[..., Any], unique: Unique
) -> None:
    dataset, name, _ = make_dataset(ROWS[:1])
    wrong, coarse = False, True
    for turn in range(8):  # both versions have to be made within one second of the clock
        for question in ("a", "b"):
            upload(plain, name=name, inputs=[{"question": f"{question}{turn}"}], action="append")
        said = upload(plain, name=name, inputs=[{"question": f"a{turn}"}], action="append")
        assert said["num_created_examples"] == 0
        (latest,) = plain("GET", f"/v1/datasets/{dataset}/versions?limit=1").json()["data"]
        coarse = coarse and datetime.fromisoformat(latest["created_at"]).microsecond == 0
        if wrong := said["version_id"] != latest["version_id"]:
            break
    assert wrong is coarse  # PostgreSQL tells the versions of a second apart

    made = await phoenix.datasets.create(unique("ours"), [{"question": "one"}])
    for question in ("two", "three"):
        newest = (await phoenix.datasets.upsert(made.id, [{"question": question}])).version_id
    nothing = await phoenix.datasets.upsert(made.id, [{"question": "one"}])
    assert not nothing.changed
    assert nothing.version_id == newest
    await phoenix.datasets.delete(made.id)


async def test_behaviour_12_equal_examples_are_taken_for_one(
    phoenix: PhoenixClient, plain: Plain, make_dataset: Callable[..., Any]
) -> None:
    dataset, name, _ = make_dataset()
    assert upload(plain, name=name, inputs=[{"question": "one"}], action="append")["num_created_examples"] == 0

    changed = await phoenix.datasets.append(name, [{"question": "one"}, {"question": "one"}])
    assert changed.inserted == 2
    assert await inputs_of(phoenix, dataset) == ["one", "one", "one", "three", "two"]


PROMPT = {
    "description": "d",
    "model_provider": "OPENAI",
    "model_name": "gpt-4o",
    "template_type": "CHAT",
    "template_format": "MUSTACHE",
    "template": {"type": "chat", "messages": [{"role": "user", "content": "Hello {{name}}"}]},
    "invocation_parameters": {"type": "openai", "openai": {"temperature": 0.5}},
}


@asynccontextmanager
async def some_prompt(plain: Plain, name: str) -> AsyncGenerator[str]:
    """A prompt with one version, made with a plain request; the id of the version."""
    made: str = plain("POST", "/v1/prompts", json={"prompt": {"name": name}, "version": PROMPT}).json()["data"]["id"]
    try:
        yield made
    finally:
        plain("DELETE", f"/v1/prompts/{name}")


async def test_behaviour_13_the_same_prompt_twice_is_two_versions(
    phoenix: PhoenixClient, plain: Plain, unique: Unique
) -> None:
    name = unique("twice")
    async with some_prompt(plain, name) as first:
        second = plain("POST", "/v1/prompts", json={"prompt": {"name": name}, "version": PROMPT}).json()["data"]["id"]
        assert first != second

        same = await phoenix.prompts.get_version(version_id=second)
        made = [await phoenix.prompts.create_version(name=name, version=same) for _ in range(2)]
        assert [version.id for version in made] == [second, second]
        assert len(await phoenix.prompts.list_versions(name=name)) == 2


async def test_behaviour_14_of_many_equal_writes_one_is_taken(
    phoenix: PhoenixClient, plain: Plain, make_dataset: Callable[..., Any], unique: Unique
) -> None:
    dataset, name, (example, *_) = make_dataset()
    experiment = make_experiment(plain, dataset)
    runs = f"/v1/experiments/{experiment}/runs"
    fresh = unique("raced")

    def post_run(_: int) -> int:
        return plain("POST", runs, json=run_body(example)).status_code

    def create(_: int) -> int:
        return plain("POST", "/v1/datasets/upload?sync=true", json={"name": fresh, "inputs": ROWS}).status_code

    with ThreadPoolExecutor(4) as pool:
        # Over PostgreSQL several may be told that they wrote the one row, and those who created too late get a 500.
        assert {200} <= set(pool.map(post_run, range(4))) <= {200, 409}
        said = sorted(pool.map(create, range(4)))
        assert said[0] == 200
        assert set(said[1:]) <= {409, 500}
    assert len(plain("GET", runs).json()["data"]) == 1
    plain("DELETE", f"/v1/datasets/{plain('GET', '/v1/datasets', params={'name': fresh}).json()['data'][0]['id']}")

    with pytest.raises(ConflictError):
        await phoenix.datasets.create(name, [{"question": "one"}])
    stored = plain("GET", runs).json()["data"][0]["id"]
    row = ExperimentRun(example_id=example, output="x")
    assert await phoenix.stores.experiments.upload_runs(experiment, [row]) == [stored]


class LosesAnUpload(Mode):
    """The sender of the first upload hears nothing of it, though the server has stored it."""

    lost = False

    async def answer(self, exchange: Exchange) -> None:
        data = await exchange.fetch()
        if not self.lost and "/upload?" in exchange.target:
            self.lost = True
            exchange.abort()
            return
        await exchange.write(data)


async def test_behaviour_15_an_upload_outlives_the_patience_of_the_sender(
    make_phoenix: Make, phoenix_url: str, plain: Plain, unique: Unique
) -> None:
    rows = [{"question": f"number {number}"} for number in range(400)]
    lost, kept = unique("lost"), unique("kept")
    impatient = httpx.Timeout(30, read=0.02)
    with pytest.raises(httpx.ReadTimeout):
        plain("POST", "/v1/datasets/upload?sync=true", json={"name": lost, "inputs": rows}, timeout=impatient)

    mode = LosesAnUpload()
    with FaultProxy(phoenix_url) as proxy:
        proxy.set(mode)
        datasets = make_phoenix(base_url=proxy.url).datasets
        made = await datasets.create(kept, rows)
        assert (mode.lost, made.example_count) == (True, 400)
        changed = await datasets.upsert(kept, rows)
        assert (changed.inserted, changed.unchanged, changed.total) == (0, 400, 400)
        found = await datasets.get(lost)
        assert found.example_count == 400  # they were stored all the same
        for dataset in (made.id, found.id):
            await datasets.delete(dataset)


async def test_behaviour_16_page_sizes_and_repeated_deletions_differ_by_route(
    make_phoenix: Make, recorder: Any, plain: Plain, make_dataset: Callable[..., Any], unique: Unique
) -> None:
    dataset, named, _ = make_dataset()
    for question in range(10):
        upload(plain, name=named, action="append", inputs=[{"question": str(question)}])
    assert len(plain("GET", f"/v1/datasets/{dataset}/versions").json()["data"]) == 10
    experiment, name = make_experiment(plain, dataset), unique("tagged")
    async with some_prompt(plain, name) as version:
        tags = f"/v1/prompt_versions/{version}/tags"
        plain("POST", tags, json={"name": "here"})
        assert [plain("DELETE", f"{tags}/here").status_code for _ in range(2)] == [204, 404]
        gone = f"/v1/experiments/{experiment}/tags/never"
        assert [plain("DELETE", gone).status_code for _ in range(2)] == [204, 204]

        client = make_phoenix(base_url=recorder.url)
        assert len(await client.datasets.versions(dataset=dataset)) == 11
        await client.experiments.list(dataset=dataset)
        await client.prompts.list_versions(name=name)
        lists = [where for method, where, _ in recorder.requests if method == "GET" and not is_one(where)]
        assert lists
        assert all("limit=" in where for where in lists)
        with pytest.raises(NotFoundError):
            await client.prompts.remove_tag(version_id=version, name="here")
        await client.experiments.delete_tag(experiment=experiment, name="never")


def is_one(where: str) -> bool:
    """Whether a path leads to one thing rather than a list."""
    route = where.partition("?")[0].removeprefix("/v1/").split("/")
    return len(route) == 2 or route[-1] in {"latest", "examples"}


async def test_behaviour_17_a_time_without_offset_is_taken_for_utc(
    phoenix: PhoenixClient, plain: Plain, make_dataset: Callable[..., Any]
) -> None:
    dataset, _, (example, other, _) = make_dataset()
    experiment = make_experiment(plain, dataset)
    runs = f"/v1/experiments/{experiment}/runs"
    naive = {"start_time": "2026-01-02T03:04:05", "end_time": "2026-01-02T03:04:06"}
    assert plain("POST", runs, json=run_body(example, **naive)).status_code == 200
    (stored,) = plain("GET", runs).json()["data"]
    assert datetime.fromisoformat(stored["start_time"]) == BEGAN

    with pytest.raises(ValidationError, match="start_time has no time zone"):
        await log_run(
            phoenix,
            experiment=experiment,
            example_id=other,
            output="x",
            start_time=datetime(2026, 1, 2),
            end_time=BEGAN,
        )
    with pytest.raises(ValidationError, match="start_time has no time zone"):
        await phoenix.spans.list(project="default", start_time=datetime(2026, 1, 2))
    assert nothing_was_sent(phoenix)
    east = BEGAN.astimezone(timezone(timedelta(hours=5, minutes=30)))
    await log_run(phoenix, experiment=experiment, example_id=other, output="x", start_time=east, end_time=east + TOOK)
    times = {row["start_time"] for row in plain("GET", runs).json()["data"]}
    assert {datetime.fromisoformat(time) for time in times} == {BEGAN}


async def test_behaviour_18_a_conflict_names_the_stored_run_in_prose(
    phoenix: PhoenixClient, plain: Plain, make_dataset: Callable[..., Any]
) -> None:
    dataset, _, (example, *_) = make_dataset()
    experiment = make_experiment(plain, dataset)
    runs = f"/v1/experiments/{experiment}/runs"
    stored = plain("POST", runs, json=run_body(example)).json()["data"]["id"]
    conflict = plain("POST", runs, json=run_body(example))
    assert (conflict.status_code, conflict.headers["content-type"]) == (409, "text/plain; charset=utf-8")
    assert not conflict.text.startswith("{")

    same = await log_run(phoenix, experiment=experiment, example_id=example, output="x")
    assert same == stored
    with pytest.raises(ConflictError):
        await log_run(phoenix, experiment=experiment, example_id=example, output="y")


async def test_behaviour_19_other_methods_are_refused_in_prose(make_phoenix: Make, recorder: Any, plain: Plain) -> None:
    for method, where in (("OPTIONS", "/v1/prompts"), ("PUT", "/v1/prompts")):
        refused = plain(method, where)
        assert (refused.status_code, refused.text) == (405, "Method Not Allowed")

    client = make_phoenix(base_url=recorder.url)
    with pytest.raises(InvalidResponseError, match="PUT /v1/prompts answered with status 405") as caught:
        await send(state_of(client).runtime, "PUT", path("prompts"), b"{}", CreateExperimentResponseBody)
    assert not caught.value.retryable
    await client.health()
    await client.prompts.list_prompts()
    assert {method for method, _, _ in recorder.requests} == {"PUT", "GET"}


async def test_behaviour_20_names_of_prompts_follow_another_rule_than_those_of_datasets(
    phoenix: PhoenixClient, plain: Plain, unique: Unique
) -> None:
    name = f"{unique('Any')} Name / ü"
    refused = plain("POST", "/v1/prompts", json={"prompt": {"name": name}, "version": PROMPT})
    assert refused.status_code == 422

    for wrong in (name, unique("Upper"), f"{unique('ends')}-"):
        with pytest.raises(ValidationError, match="name"):
            await phoenix.prompts.list_versions(name=wrong)
    assert nothing_was_sent(phoenix)
    made = await phoenix.datasets.create(name, [{"question": "one"}])
    assert (await phoenix.datasets.get(name)).id == made.id
    experiment = await phoenix.experiments.create_empty(name=f"{name} again", dataset=name)
    assert (await phoenix.experiments.get(f"{name} again", dataset=name)).id == experiment.id
    await phoenix.datasets.delete(made.id)


def test_every_behaviour_has_its_test() -> None:
    numbers = [int(name.split("_")[2]) for name in globals() if name.startswith("test_behaviour_")]
    assert numbers == list(range(1, 21))
