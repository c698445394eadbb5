"""Searches and changes of what ``/v2`` holds, over a real socket."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from promptops.server import EmbeddedServer
from promptops.server.grants import Scope
from promptops.server.key_admin import create_key

Json = dict[str, Any]
ROWS: list[Json] = [
    {"n": 0, "text": "it's", "flag": True, "a b": 1},
    {"n": 1.5, "text": "b", "flag": False, "none": None, "a.b": "x"},
    {"n": "2", "text": "ä", "nested": {"n": 2}, "promptops.split": "test"},
]


@pytest.fixture
def made(client: httpx.Client) -> Json:
    body = {"name": f"set-{uuid.uuid4().hex[:10]}", "space_id": "default", "examples": ROWS}
    answer = client.post("/v2/datasets", json=body)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def examples(client: httpx.Client, made: Json, version: str | None = None, **body: Any) -> list[Json]:
    body = body if version is None else {**body, "dataset_version_id": version}
    answer = client.post(f"/v2/datasets/{made['id']}/examples/search", json=body)
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["examples"]
    return found


def runs_of(client: httpx.Client, made: Json, runs: list[Json]) -> str:
    ids = [each["id"] for each in examples(client, made)]
    rows = [{"example_id": ids[at % len(ids)], **run} for at, run in enumerate(runs)]
    body = {"name": "x", "dataset_id": made["id"], "experiment_runs": rows}
    answer = client.post("/v2/experiments", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def fields(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(item["field"], item["code"]) for item in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("n = 0", [0]),
        ("n >= 0 and n != 1", [0, 1]),
        ("N >= 0 or N != 1", []),
        ("n != 0", [1, 2]),
        ("n = '2'", [2]),
        ("n > -1e3", [0, 1]),
        ("text = 'it''s'", [0]),
        ("text > 'b'", [0, 2]),
        ("flag = true OR flag = FALSE", [0, 1]),
        ("flag != true", [1]),
        ("NOT flag = true", [1, 2]),
        ("none IS NULL", [0, 1, 2]),
        ("flag IS NOT NULL", [0, 1]),
        ('"a b" = 1', [0]),
        ("a.b = 'x'", [1]),
        ("n = 0 OR n = 1.5 AND text = 'nothing'", [0]),
        ("(n = 0 OR n = 1.5) AND text = 'b'", [1]),
        ("nested.n = 2", []),
        ("n = 99999999999999999999999999", []),
        ("id = 1", []),
        ("id IS NULL", []),
        ("id != 'nobody'", [0, 1, 2]),
        ("id != 1", [0, 1, 2]),
        ("id = true", []),
        ("promptops.split = 'test'", [2]),
        ("promptops.split IS NULL", [0, 1]),
        ("promptops.split != 'train'", [2]),
        ("promptops.split = 1 OR promptops.split = true", []),
    ],
)
def test_a_filter_keeps_what_it_says(client: httpx.Client, made: Json, text: str, kept: list[int]) -> None:
    found = examples(client, made, filter=text)
    assert [each["text"] for each in found] == [ROWS[index]["text"] for index in kept]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("n", "expected a comparison such as =, found the end"),
        ("n = ", "found the end"),
        ("n = x", "found 'x'"),
        ("n > true", "found 'true'"),
        ("n = 1 n = 2", "expected AND, OR or the end, found 'n'"),
        ("(n = 1", "expected a closing parenthesis"),
        ("n = 'a", "found '''"),
        ("n = 1;", "found ';'"),
        ("= 1", "expected a column"),
        ("n IS 1", "expected NULL"),
        ("1 = n", "expected a column"),
        ("created_at > '2026'", "'created_at' cannot be compared"),
        ('"a\0b" = 1', "expected a column"),
        ('"a\tb" = 1', "expected a column"),
        ("(" * 40 + "n = 1" + ")" * 40, "nests deeper"),
        (" OR ".join(["n = 1"] * 51), "at most 50 comparisons"),
        ("x" * 4001, "at most 4000 characters"),
    ],
)
def test_a_filter_that_cannot_be_read_says_where(client: httpx.Client, made: Json, text: str, said: str) -> None:
    answer = client.post(f"/v2/datasets/{made['id']}/examples/search", json={"filter": text})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert answer.json()["errors"][0]["field"] == "filter"


@pytest.mark.parametrize("where", ["datasets/{}/examples/search", "experiments/{}/runs/search"])
def test_a_blank_filter_is_a_bad_request(client: httpx.Client, where: str) -> None:
    answer = client.post(f"/v2/{where.format('nowhere')}", json={"filter": " \t"})
    assert (answer.status_code, fields(answer)) == (400, [("filter", "empty")])


def test_a_filter_is_never_sql(client: httpx.Client, made: Json) -> None:
    for text in ("n = '') OR 1=1 --'", '"a\' OR 1=1 --" = 1', "n = 1 OR 1=1"):
        answer = client.post(f"/v2/datasets/{made['id']}/examples/search", json={"filter": text})
        assert answer.status_code == 422 or answer.json()["examples"] == []


def test_a_search_leads_through_every_page_and_its_cursor_keeps_its_filter(client: httpx.Client, made: Json) -> None:
    path = f"/v2/datasets/{made['id']}/examples/search"
    first = client.post(path, json={"limit": 1, "filter": "n != 0"}).json()
    cursor = first["pagination"]["next_cursor"]
    second = client.post(path, json={"limit": 1, "filter": "n != 0", "cursor": cursor}).json()
    assert [each["n"] for each in first["examples"] + second["examples"]] == [1.5, "2"]
    assert second["pagination"] == {"has_more": False}
    other = client.post(path, json={"limit": 1, "filter": "n = 0", "cursor": cursor})
    assert (other.status_code, fields(other)) == (400, [("cursor", "bad_cursor")])


@pytest.mark.parametrize("search", [False, True])
def test_a_list_of_the_latest_version_stays_with_the_one_that_it_began_with(
    client: httpx.Client, made: Json, search: bool
) -> None:
    path = f"/v2/datasets/{made['id']}/examples"

    def page(**asked: Any) -> Json:
        asked["limit"] = 1
        answer = client.post(f"{path}/search", json=asked) if search else client.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    first = page()
    last = examples(client, made)[2]
    change = {"examples": [{"id": last["id"], "text": "changed"}], "new_version": "second"}
    client.patch(path, json=change).raise_for_status()
    second = page(cursor=first["pagination"]["next_cursor"])
    third = page(cursor=second["pagination"]["next_cursor"])
    assert [each["text"] for one in (first, second, third) for each in one["examples"]] == ["it's", "b", "ä"]
    assert examples(client, made)[2]["text"] == "changed"


def test_runs_are_searched_by_id_page_by_page(client: httpx.Client, made: Json) -> None:
    experiment = runs_of(client, made, [{"output": str(n), "eval.a.score": n} for n in range(7)])
    path = f"/v2/experiments/{experiment}/runs/search"
    found: list[Json] = []
    body: Json = {"limit": 2, "filter": "eval.a.score > 1"}
    while True:
        page = client.post(path, json=body).json()
        found += page["experiment_runs"]
        if not page["pagination"]["has_more"]:
            break
        body["cursor"] = page["pagination"]["next_cursor"]
    assert [each["id"] for each in found] == sorted(each["id"] for each in found)
    assert sorted(each["output"] for each in found) == ["2", "3", "4", "5", "6"]
    (one,) = client.post(path, json={"filter": f"id = '{found[0]['id']}'"}).json()["experiment_runs"]
    assert one == found[0]
    assert client.post("/v2/experiments/nowhere/runs/search", json={}).status_code == 404


def test_a_dataset_gets_another_name_unless_that_is_taken(client: httpx.Client, made: Json) -> None:
    path, name = f"/v2/datasets/{made['id']}", f"other-{uuid.uuid4().hex[:10]}"
    renamed = client.patch(path, json={"name": name}).json()
    assert (renamed["id"], renamed["name"]) == (made["id"], name)
    assert renamed["updated_at"] > made["updated_at"]
    body = {"name": f"{name}-2", "space_id": "default", "examples": [{"a": 1}]}
    client.post("/v2/datasets", json=body).raise_for_status()
    assert client.patch(path, json={"name": f"{name}-2"}).status_code == 409
    assert client.patch(path, json={"name": " "}).status_code == 422
    assert client.patch(path, json={"name": name, "space_id": "x"}).status_code == 422
    assert client.patch(path, json={"name": name}).status_code == 200
    assert client.patch("/v2/datasets/nowhere", json={"name": "x"}).status_code == 404


def test_examples_change_in_place_and_keep_what_is_not_named(client: httpx.Client, made: Json) -> None:
    first, _, third = examples(client, made)
    changed = client.patch(
        f"/v2/datasets/{made['id']}/examples",
        json={"examples": [{"id": third["id"], "n": 3, "new": [1]}, {"id": "nobody", "n": 1}]},
    ).json()
    assert changed["example_ids"] == [third["id"]]
    assert changed["dataset_version_id"] == made["versions"][0]["id"]
    now = {each["id"]: each for each in examples(client, made)}
    assert now[first["id"]] == first
    assert now[third["id"]] == {**third, "n": 3, "new": [1], "updated_at": now[third["id"]]["updated_at"]}
    assert now[third["id"]]["updated_at"] > third["updated_at"]


def test_a_change_in_a_new_version_leaves_the_old_one(client: httpx.Client, made: Json) -> None:
    before = examples(client, made)
    path, body = f"/v2/datasets/{made['id']}/examples", {"examples": [{"id": before[0]["id"], "n": 9}]}
    changed = client.patch(path, json={**body, "new_version": "second"}).json()
    found = client.get(f"/v2/datasets/{made['id']}").json()
    assert [each["name"] for each in found["versions"]] == ["second", "v1"]
    assert found["versions"][0]["id"] == changed["dataset_version_id"]
    assert examples(client, made, made["versions"][0]["id"]) == before
    assert [each["n"] for each in examples(client, made)] == [9, 1.5, "2"]
    assert client.patch(path, json={**body, "new_version": "second"}).status_code == 409
    assert client.patch(f"{path}?dataset_version_id=", json={**body, "new_version": ""}).status_code == 200


@pytest.mark.parametrize("blank", [" ", "\t\n", "\u00a0"])
def test_a_new_version_of_blanks_is_refused_and_nothing_is_made(client: httpx.Client, made: Json, blank: str) -> None:
    change = {"examples": [{"id": examples(client, made)[0]["id"], "n": 9}], "new_version": blank}
    answer = client.patch(f"/v2/datasets/{made['id']}/examples", json=change)
    assert (answer.status_code, fields(answer)) == (422, [("new_version", "invalid_value")])
    assert len(client.get(f"/v2/datasets/{made['id']}").json()["versions"]) == 1
    # Empty is none, as the contract has it: the change is in place.
    answer = client.patch(f"/v2/datasets/{made['id']}/examples", json={**change, "new_version": ""})
    assert answer.json()["dataset_version_id"] == made["versions"][0]["id"]


def test_a_change_is_held_to_the_schema_of_the_dataset(client: httpx.Client, made: Json) -> None:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    client.put(f"/v2/datasets/{made['id']}/schema", json={"example_schema": schema}).raise_for_status()
    one = examples(client, made)[0]["id"]
    path = f"/v2/datasets/{made['id']}/examples"
    body = {"examples": [{"id": "nobody", "text": 1}, {"id": one, "text": 1}], "new_version": "never"}
    refused = client.patch(path, json=body)
    assert (refused.status_code, fields(refused)) == (422, [("examples[1].text", "wrong_type")])
    assert len(client.get(f"/v2/datasets/{made['id']}").json()["versions"]) == 1
    assert client.patch(path, json={"examples": [{"id": one, "n": 5}]}).status_code == 200


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"n": 1}], [("examples[0].id", "missing_field")]),
        ([{"id": "a"}], [("examples[0]", "empty")]),
        ([{"id": "a", "created_at": "x"}], [("examples[0].created_at", "reserved_field")]),
        ([{"id": "a", "n": 1}, {"id": "a", "n": 2}], [("examples[1].id", "duplicate_id")]),
    ],
)
def test_a_change_that_cannot_be_meant_is_refused(
    client: httpx.Client, made: Json, rows: list[Json], expected: list[tuple[str, str]]
) -> None:
    answer = client.patch(f"/v2/datasets/{made['id']}/examples", json={"examples": rows})
    assert (answer.status_code, fields(answer)) == (422, expected)


def test_examples_are_removed_and_ids_of_nobody_are_told(client: httpx.Client, made: Json) -> None:
    first, second, _ = [each["id"] for each in examples(client, made)]
    version = made["versions"][0]["id"]
    body = {"dataset_version_id": version, "example_ids": [second, "nobody", first]}
    path = f"/v2/datasets/{made['id']}/examples"
    answers = [client.request("DELETE", path, json=body).json() for _ in range(2)]
    assert answers == [
        {"completed": True, "deleted_example_ids": [second, first], "not_deleted_example_ids": ["nobody"]},
        {"completed": True, "deleted_example_ids": [], "not_deleted_example_ids": [second, "nobody", first]},
    ]
    assert [each["n"] for each in examples(client, made)] == ["2"]
    twice = client.request("DELETE", path, json={**body, "example_ids": ["a", "a"]})
    assert (twice.status_code, fields(twice)) == (422, [("example_ids[1]", "duplicate_id")])
    assert client.request("DELETE", path, json={**body, "dataset_version_id": "nowhere"}).status_code == 404
    assert client.request("DELETE", path, json={"example_ids": ["a"]}).status_code == 422


def test_a_draft_that_began_before_a_change_in_place_is_refused(client: httpx.Client, made: Json) -> None:
    one = examples(client, made)[0]["id"]
    draft = client.post(
        "/v2/dataset-drafts",
        json={"dataset_id": made["id"], "mode": "replace", "examples": [{"n": 1}]},
    ).json()
    body = {"dataset_version_id": made["versions"][0]["id"], "example_ids": [one]}
    assert client.request("DELETE", f"/v2/datasets/{made['id']}/examples", json=body).status_code == 200
    assert client.post(f"/v2/dataset-drafts/{draft['id']}/publish").status_code == 409


def test_the_examples_of_another_project_are_missing(tmp_path: Path) -> None:
    keys = {
        name: create_key(tmp_path, name=name, projects=[name], scopes=[Scope.EXPERIMENTS]).text
        for name in ("mine", "theirs")
    }
    with EmbeddedServer(tmp_path) as server, httpx.Client(verify=False, base_url=server.url, timeout=20) as client:

        def ask(whose: str, method: str, path: str, body: Json) -> httpx.Response:
            return client.request(method, path, json=body, headers={"Authorization": f"Bearer {keys[whose]}"})

        body = {"name": "set", "space_id": "theirs", "examples": [{"n": 1}]}
        made = ask("theirs", "POST", "/v2/datasets", body).json()
        path, version = f"/v2/datasets/{made['id']}", made["versions"][0]["id"]
        before = ask("theirs", "POST", f"{path}/examples/search", {}).json()
        change: Json = {"examples": [{"id": before["examples"][0]["id"], "n": 2}]}
        requests: list[tuple[str, str, Json]] = [
            ("POST", f"{path}/examples/search", {}),
            ("PATCH", f"{path}/examples", change),
            ("PATCH", f"{path}/examples", {**change, "new_version": "second"}),
            (
                "DELETE",
                f"{path}/examples",
                {"dataset_version_id": version, "example_ids": [before["examples"][0]["id"]]},
            ),
            ("PATCH", path, {"name": "other"}),
        ]
        for method, where, asked in requests:
            assert ask("mine", method, where, asked).status_code == 404
        assert ask("theirs", "POST", f"{path}/examples/search", {}).json() == before
        for method, where, asked in requests:  # which are good in themselves
            assert ask("theirs", method, where, asked).status_code == 200
