"""``/v2`` over a real socket."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest
from promptops.server import EmbeddedServer

Json = dict[str, Any]


def unique(stem: str) -> str:
    return f"{stem}-{uuid.uuid4().hex[:10]}"


def dataset(client: httpx.Client, count: int = 3, **fields: Any) -> Json:
    examples = [{"question": index, "nested": {"list": [1, None]}, "empty": None} for index in range(count)]
    body = {"name": unique("set"), "space_id": "default", "examples": examples, **fields}
    answer = client.post("/v2/datasets", json=body)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


def example_ids(client: httpx.Client, dataset_id: str) -> list[str]:
    listed = client.get(f"/v2/datasets/{dataset_id}/examples", params={"limit": 500}).json()
    return [example["id"] for example in listed["examples"]]


def experiment(client: httpx.Client, made: Json, runs: list[Json]) -> httpx.Response:
    return client.post("/v2/experiments", json={"name": unique("x"), "dataset_id": made["id"], "experiment_runs": runs})


def fields(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(item["field"], item["code"]) for item in answer.json()["errors"]]


def test_spaces_are_projects(client: httpx.Client) -> None:
    listed = client.get("/v2/spaces", params={"name": "DEF"}).json()
    assert listed["pagination"] == {"has_more": False}
    space = listed["spaces"][0]
    assert space["name"] == "default"
    assert client.get(f"/v2/spaces/{space['id']}").json() == space
    assert client.get("/v2/spaces/default").json() == space
    assert client.get("/v2/spaces", params={"name": "nothing"}).json()["spaces"] == []
    missing = client.get("/v2/spaces/nowhere")
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"


def test_a_problem_has_all_its_members(client: httpx.Client) -> None:
    answer = client.get("/v2/datasets/nowhere", headers={"X-Request-Id": "request-1"})
    assert answer.json() == {
        "title": "Not found",
        "status": 404,
        "detail": "There is no dataset 'nowhere' in the projects of this key.",
        "code": "NOT_FOUND_ERROR",
        "request_id": "request-1",
        "retryable": False,
    }
    assert answer.headers["x-should-retry"] == "false"


def test_examples_come_back_as_they_were_given(client: httpx.Client) -> None:
    made = dataset(client)
    listed = client.get(f"/v2/datasets/{made['id']}/examples").json()["examples"]
    assert [example["question"] for example in listed] == [0, 1, 2]
    assert listed[0]["nested"] == {"list": [1, None]}
    assert listed[0]["empty"] is None
    assert set(listed[0]) == {"id", "created_at", "updated_at", "question", "nested", "empty"}
    assert listed[0]["created_at"].endswith("Z")


def test_a_dataset_shows_its_versions(client: httpx.Client) -> None:
    made = dataset(client)
    found = client.get(f"/v2/datasets/{made['id']}").json()
    assert found == made
    assert found["versions"][0]["dataset_id"] == made["id"]
    assert "versions" not in client.get("/v2/datasets", params={"name": made["name"]}).json()["datasets"][0]


def test_examples_are_appended_in_order_and_paged(client: httpx.Client) -> None:
    made = dataset(client, 4)
    more = [{"question": index} for index in range(4, 9)]
    inserted = client.post(f"/v2/datasets/{made['id']}/examples?dataset_version_id=", json={"examples": more})
    assert inserted.status_code == 201
    assert inserted.json()["dataset_version_id"] == made["versions"][0]["id"]
    assert inserted.json()["example_ids"] == example_ids(client, made["id"])[4:]
    seen: list[int] = []
    cursor = None
    while True:
        asked = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = client.get(f"/v2/datasets/{made['id']}/examples", params=asked).json()
        seen += [example["question"] for example in page["examples"]]
        cursor = page["pagination"].get("next_cursor")
        assert page["pagination"]["has_more"] is (cursor is not None)
        if cursor is None:
            break
    assert seen == list(range(9))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"examples": []}, ("examples", "invalid_value")),
        ({"examples": [{"a": 1}] * 1001}, ("examples", "invalid_value")),
        ({"examples": [{"a": 1}, {}]}, ("examples[1]", "empty")),
        ({"examples": [{"id": "x"}]}, ("examples[0].id", "reserved_field")),
        ({"examples": [{"a": 1, "created_at": "x"}]}, ("examples[0].created_at", "reserved_field")),
        ({"examples": [1]}, ("examples[0]", "invalid_value")),
        ({"name": " "}, ("name", "invalid_value")),
        ({"name": "x" * 1001}, ("name", "too_long")),
        ({"name": 1}, ("name", "invalid_value")),
        ({"project": "x"}, ("project", "unknown_field")),
        ({"created_at": "2020-01-01T00:00:00Z"}, ("created_at", "unknown_field")),
    ],
)
def test_a_bad_dataset_is_refused_by_field(client: httpx.Client, change: Json, problem: tuple[str, str]) -> None:
    body = {"name": unique("set"), "space_id": "default", "examples": [{"a": 1}], **change}
    answer = client.post("/v2/datasets", json=body)
    assert answer.status_code == 422
    assert problem in fields(answer)


def test_a_dataset_name_is_taken_once_in_a_space(client: httpx.Client) -> None:
    made = dataset(client)
    body = {"name": made["name"], "space_id": made["space_id"], "examples": [{"a": 1}]}
    assert client.post("/v2/datasets", json=body).status_code == 409
    assert client.post("/v2/datasets", json={**body, "space_id": "nowhere"}).status_code == 404


def test_datasets_are_listed_newest_first_over_pages(client: httpx.Client) -> None:
    stem = unique("page")
    names = [dataset(client, name=f"{stem}-{index}")["name"] for index in range(5)]
    seen: list[str] = []
    asked: Json = {"name": stem.upper(), "limit": 2, "space_id": "default"}
    while True:
        page = client.get("/v2/datasets", params=asked).json()
        seen += [found["name"] for found in page["datasets"]]
        if not page["pagination"]["has_more"]:
            break
        asked["cursor"] = page["pagination"]["next_cursor"]
    assert seen == names[::-1]
    other = client.get("/v2/datasets", params={**asked, "name": "else"})
    assert other.status_code == 400
    assert fields(other) == [("cursor", "bad_cursor")]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v2/datasets?limit=0", "limit"),
        ("/v2/datasets?limit=101", "limit"),
        ("/v2/experiments?limit=x", "limit"),
        ("/v2/experiments?dataset_id=a&space_id=b", "dataset_id"),
        ("/v2/datasets?cursor=x", "cursor"),
        ("/v2/datasets/%ff", "dataset_id"),
    ],
)
def test_a_bad_query_or_path_is_400_here(client: httpx.Client, path: str, field: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 400
    assert fields(answer)[0][0] == field


def test_runs_keep_every_field_in_the_order_given(client: httpx.Client) -> None:
    made = dataset(client)
    ids = example_ids(client, made["id"])
    extra: Json = {"eval.exact.score": 1.0, "latency": 12, "none": None, "nested": {"a": [True]}, "ü": "x"}
    created = experiment(client, made, [{"example_id": ids[0], "output": "zero", **extra}])
    assert created.status_code == 201
    assert created.json()["dataset_version_id"] == made["versions"][0]["id"]
    path = f"/v2/experiments/{created.json()['id']}"
    assert client.get(path).json() == created.json()
    more = [{"example_id": ids[index % 3], "output": str(index), "error": "late"} for index in range(1, 7)]
    inserted = client.post(f"{path}/runs", json={"experiment_runs": more})
    assert inserted.status_code == 201
    first = client.get(f"{path}/runs", params={"limit": 4}).json()
    rest = client.get(f"{path}/runs", params={"limit": 4, "cursor": first["pagination"]["next_cursor"]}).json()
    runs = first["experiment_runs"] + rest["experiment_runs"]
    assert [run["output"] for run in runs] == ["zero", "1", "2", "3", "4", "5", "6"]
    assert [run["id"] for run in runs[1:]] == inserted.json()["run_ids"]
    assert {name: runs[0][name] for name in extra} == extra
    assert runs[0]["error"] is None
    assert runs[1]["error"] == "late"
    assert rest["pagination"] == {"has_more": False}


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        ({"output": None}, ("experiment_runs[0].output", "invalid_type")),
        ({"output": 4}, ("experiment_runs[0].output", "invalid_type")),
        ({"output": {"a": 1}}, ("experiment_runs[0].output", "invalid_type")),
        ({"error": 4}, ("experiment_runs[0].error", "invalid_type")),
        ({"id": "mine"}, ("experiment_runs[0].id", "reserved_field")),
        ({"example_id": None}, ("experiment_runs[0].example_id", "missing_field")),
        ({"example_id": 7}, ("experiment_runs[0].example_id", "invalid_type")),
        ({"example_id": "nowhere"}, ("experiment_runs[0].example_id", "unknown_example_id")),
    ],
)
def test_a_bad_run_is_refused_by_field_and_nothing_is_stored(
    client: httpx.Client, run: Json, problem: tuple[str, str]
) -> None:
    made = dataset(client)
    good = {"example_id": example_ids(client, made["id"])[0], "output": "x"}
    answer = experiment(client, made, [{**good, **run}])
    assert answer.status_code == 422
    assert fields(answer) == [problem]
    created = experiment(client, made, [good]).json()
    path = f"/v2/experiments/{created['id']}/runs"
    assert client.post(path, json={"experiment_runs": [good, {**good, **run}]}).status_code == 422
    assert len(client.get(path).json()["experiment_runs"]) == 1
    assert len(client.get("/v2/experiments", params={"dataset_id": made["id"]}).json()["experiments"]) == 1


def test_every_unknown_example_is_listed(client: httpx.Client) -> None:
    made = dataset(client)
    known = example_ids(client, made["id"])[0]
    runs = [{"example_id": name, "output": "x"} for name in ("one", known, "two")]
    answer = experiment(client, made, runs)
    assert answer.json()["detail"] == "Unknown example_id: one, two"
    assert [field for field, _ in fields(answer)] == ["experiment_runs[0].example_id", "experiment_runs[2].example_id"]


def test_a_tolerant_server_takes_unknown_examples() -> None:
    with (
        EmbeddedServer(accept_unknown_example_ids=True) as server,
        httpx.Client(verify=False, base_url=server.url) as client,
    ):
        assert experiment(client, dataset(client), [{"example_id": "nowhere", "output": "x"}]).status_code == 201


def test_an_experiment_needs_runs_and_one_place(client: httpx.Client) -> None:
    made = dataset(client)
    assert experiment(client, made, []).status_code == 422
    body: Json = {"name": unique("x"), "experiment_runs": [{"output": "x"}]}
    for place in ({}, {"dataset_id": made["id"], "space_id": "default"}):
        answer = client.post("/v2/experiments", json={**body, **place})
        assert answer.status_code == 422
        assert fields(answer) == [("dataset_id", "conflicting_fields")]
    assert client.post("/v2/experiments", json={**body, "dataset_id": "nowhere"}).status_code == 404
    assert client.post("/v2/experiments", json={**body, "space_id": "nowhere"}).status_code == 404
    assert client.post("/v2/experiments", json={**body, "space_id": "default", "name": 'a"b'}).status_code == 422
    spaced = client.post("/v2/experiments", json={**body, "space_id": "default"})
    assert spaced.status_code == 201
    assert spaced.json()["dataset_id"] is None
    assert client.post("/v2/experiments", json={**body, "space_id": "default"}).status_code == 409


def test_experiments_are_listed_by_dataset_and_deleted(client: httpx.Client) -> None:
    made = dataset(client)
    run = {"example_id": example_ids(client, made["id"])[0], "output": "x"}
    ids = [experiment(client, made, [run]).json()["id"] for _ in range(3)]
    listed = client.get("/v2/experiments", params={"dataset_id": made["id"]}).json()["experiments"]
    assert [found["id"] for found in listed] == ids[::-1]
    gone = client.delete(f"/v2/experiments/{ids[0]}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert client.delete(f"/v2/experiments/{ids[0]}").status_code == 404
    assert client.get(f"/v2/experiments/{ids[0]}/runs").status_code == 404
    assert client.delete(f"/v2/datasets/{made['id']}").status_code == 204
    assert client.get(f"/v2/experiments/{ids[1]}").status_code == 404
    assert client.get("/v2/experiments", params={"dataset_id": made["id"]}).status_code == 404


def test_a_thousand_runs_fit_in_one_call(client: httpx.Client) -> None:
    made = dataset(client)
    example = example_ids(client, made["id"])[0]
    runs = [{"example_id": example, "output": str(index)} for index in range(1000)]
    created = experiment(client, made, runs)
    assert created.status_code == 201
    assert experiment(client, made, [*runs, runs[0]]).status_code == 422
    listed = client.get(f"/v2/experiments/{created.json()['id']}/runs", params={"limit": 500}).json()
    assert [run["output"] for run in listed["experiment_runs"]] == [str(index) for index in range(500)]


def test_inserts_with_a_key_happen_once(client: httpx.Client) -> None:
    made = dataset(client)
    run = {"example_id": example_ids(client, made["id"])[0], "output": "x"}
    path = f"/v2/experiments/{experiment(client, made, [run]).json()['id']}/runs"
    key = {"Idempotency-Key": unique("key")}
    first = client.post(path, json={"experiment_runs": [run]}, headers=key)
    second = client.post(path, json={"experiment_runs": [run]}, headers=key)
    assert second.json() == first.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert len(client.get(path).json()["experiment_runs"]) == 2
    gone = [client.delete(path.removesuffix("/runs"), headers={"Idempotency-Key": unique("k")}) for _ in range(2)]
    assert [answer.status_code for answer in gone] == [204, 404]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/prompts", 404),
        ("POST", "/v2/experiments/x/runs/annotate", 404),
        ("GET", "/v2", 404),
        ("GET", "/", 404),
        ("PATCH", "/v2/experiments/x", 405),
        ("GET", "/v2/experiments/experiment_id_for_http_run", 404),
    ],
)
def test_everything_else_is_a_problem(client: httpx.Client, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
