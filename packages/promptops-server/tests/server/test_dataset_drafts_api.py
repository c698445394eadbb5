"""Drafts of dataset versions over a real socket: what is published is seen as a whole, and nothing before."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

Json = dict[str, Any]
SCHEMA: Json = {"type": "object", "properties": {"q": {"type": "integer"}}, "required": ["q"]}


def unique(stem: str) -> str:
    return f"{stem}-{uuid.uuid4().hex[:10]}"


def begin(client: httpx.Client, status: int = 201, **body: Any) -> Json:
    answer = client.post("/v2/dataset-drafts", json=body)
    assert answer.status_code == status, answer.text
    told: Json = answer.json()
    return told


def change(client: httpx.Client, dataset: str, mode: str, examples: list[Json]) -> Json:
    told: Json = begin(client, dataset_id=dataset, mode=mode, examples=examples, publish=True)
    return told


def counts(draft: Json) -> tuple[int, int, int, int]:
    told = draft["change"]
    return told["inserted"], told["updated"], told["unchanged"], told["deleted"]


def rows(client: httpx.Client, dataset: str, **query: Any) -> list[Json]:
    answer = client.get(f"/v2/datasets/{dataset}/examples", params={"limit": 500, **query})
    assert answer.status_code == 200, answer.text
    listed: list[Json] = answer.json()["examples"]
    return listed


def plain(examples: list[Json]) -> list[Json]:
    return [{name: value for name, value in item.items() if not name.endswith("_at")} for item in examples]


def problems(answer: Json) -> list[tuple[str, str]]:
    return [(item["field"], item["code"]) for item in answer["errors"]]


@pytest.fixture
def dataset(client: httpx.Client) -> str:
    """A dataset of the examples a, b and c."""
    examples = [{"id": name, "q": number} for number, name in enumerate("abc")]
    made: str = begin(client, name=unique("set"), examples=examples, publish=True)["dataset_id"]
    return made


def versions(client: httpx.Client, dataset: str) -> list[Json]:
    found: list[Json] = client.get(f"/v2/datasets/{dataset}").json()["versions"]
    return found


def test_a_version_name_of_blanks_is_refused(client: httpx.Client, dataset: str) -> None:
    told = begin(client, status=422, dataset_id=dataset, mode="append", version_name=" \t", publish=True)
    assert problems(told) == [("version_name", "invalid_value")]
    assert len(versions(client, dataset)) == 1


def test_a_new_dataset_is_not_there_before_it_is_published(client: httpx.Client) -> None:
    name = unique("staged")
    draft = begin(client, name=name, examples=[{"id": "a", "q": 1}])
    where = f"/v2/datasets/{draft['dataset_id']}"
    listed = client.get("/v2/datasets", params={"name": name}).json()["datasets"]
    assert (listed, client.get(where).status_code, client.get(f"{where}/examples").status_code) == ([], 404, 404)
    assert client.get(f"{where}/examples", params={"dataset_version_id": draft["id"]}).status_code == 404
    assert client.post(f"{where}/examples", json={"examples": [{"q": 2}]}).status_code == 404
    assert client.delete(where).status_code == 404
    run = {"example_id": "a", "output": "x"}
    body = {"name": unique("x"), "dataset_id": draft["dataset_id"], "experiment_runs": [run]}
    assert client.post("/v2/experiments", json=body).status_code == 404
    added = client.post(f"/v2/dataset-drafts/{draft['id']}/examples", json={"examples": [{"q": 2}]})
    assert added.status_code == 201
    published = client.post(f"/v2/dataset-drafts/{draft['id']}/publish")
    assert (published.status_code, counts(published.json())) == (200, (2, 0, 0, 0))
    assert [item["q"] for item in rows(client, draft["dataset_id"])] == [1, 2]
    assert [item["name"] for item in client.get("/v2/datasets", params={"name": name}).json()["datasets"]] == [name]
    assert client.post("/v2/experiments", json=body).status_code == 201


def test_two_drafts_of_one_name_become_one_dataset(client: httpx.Client) -> None:
    name = unique("twice")
    first, second = (begin(client, name=name, examples=[{"q": 1}]) for _ in range(2))
    assert client.post(f"/v2/dataset-drafts/{first['id']}/publish").status_code == 200
    assert client.post(f"/v2/dataset-drafts/{second['id']}/publish").status_code == 409
    assert begin(client, 409, name=name, examples=[{"q": 1}])["code"] == "CONFLICT_ERROR"


def test_a_version_stays_as_it_was_when_the_next_one_is_published(client: httpx.Client, dataset: str) -> None:
    [before] = versions(client, dataset)
    held = rows(client, dataset)
    change(client, dataset, "append", [{"id": "d", "q": 3}])
    change(client, dataset, "update", [{"id": "a", "q": 7}])
    assert [item["name"] for item in versions(client, dataset)] == ["v3", "v2", "v1"]
    assert rows(client, dataset, dataset_version_id=before["id"]) == held
    assert [item["q"] for item in rows(client, dataset)] == [7, 1, 2, 3]


def test_an_upsert_touches_nothing_but_what_differs(client: httpx.Client, dataset: str) -> None:
    before = rows(client, dataset)
    done = change(client, dataset, "upsert", [{"id": "a", "q": 0}, {"id": "b", "q": 9}, {"q": 2}, {"id": "d", "q": 3}])
    assert counts(done) == (1, 1, 2, 0)
    after = rows(client, dataset)
    assert [item["id"] for item in after] == ["a", "b", "c", "d"]
    assert [after[0], after[2]] == [before[0], before[2]]
    assert (after[1]["q"], after[1]["created_at"]) == (9, before[1]["created_at"])
    assert after[1]["updated_at"] > before[1]["updated_at"]


def test_an_upsert_of_what_is_there_makes_no_version(client: httpx.Client, dataset: str) -> None:
    latest = versions(client, dataset)[0]["id"]
    done = change(client, dataset, "upsert", [{"id": "a", "q": 0}, {"q": 1}])
    assert (counts(done), done["dataset_version_id"]) == ((0, 0, 2, 0), latest)
    assert len(versions(client, dataset)) == 1


def test_ids_that_are_made_of_content_are_the_same_everywhere_and_tell_duplicates_apart(client: httpx.Client) -> None:
    examples = [{"q": 1, "a": {"x": 1, "y": 2}}, {"q": 2}, {"q": 2}]
    other = [{"a": {"y": 2, "x": 1}, "q": 1}, *examples[1:]]
    made = client.post("/v2/datasets", json={"name": unique("plain"), "examples": examples}).json()["id"]
    staged = begin(client, name=unique("staged"), examples=other, publish=True)["dataset_id"]
    ids = [item["id"] for item in rows(client, made)]
    assert [item["id"] for item in rows(client, staged)] == ids
    assert ids[2] == f"{ids[1]}-2"
    more = client.post(f"/v2/datasets/{made}/examples", json={"examples": [{"q": 2}]}).json()
    assert more["example_ids"] == [f"{ids[1]}-3"]


def test_an_example_whose_content_changed_keeps_its_id_and_its_old_content_gets_another(client: httpx.Client) -> None:
    dataset = begin(client, name=unique("moved"), examples=[{"q": 1}], publish=True)["dataset_id"]
    [first] = rows(client, dataset)
    change(client, dataset, "update", [{"id": first["id"], "q": 2}])
    assert counts(change(client, dataset, "upsert", [{"q": 2}])) == (0, 0, 1, 0)
    assert counts(change(client, dataset, "upsert", [{"q": 1}])) == (1, 0, 0, 0)
    assert [(item["id"], item["q"]) for item in rows(client, dataset)] == [(first["id"], 2), (f"{first['id']}-2", 1)]
    change(client, dataset, "append", [{"q": 1}])
    assert len({item["id"] for item in rows(client, dataset)}) == 3


def test_an_update_keeps_the_fields_that_it_does_not_name(client: httpx.Client) -> None:
    examples = [{"id": "a", "q": 1, "kept": [1, None]}]
    dataset = begin(client, name=unique("partial"), examples=examples, publish=True)["dataset_id"]
    change(client, dataset, "update", [{"id": "a", "q": 2, "new": None}])
    assert plain(rows(client, dataset)) == [{"id": "a", "q": 2, "kept": [1, None], "new": None}]


@pytest.mark.parametrize(
    ("mode", "examples", "found"),
    [
        ("update", [{"id": "a", "q": 1}, {"id": "x", "q": 1}], [("examples[1].id", "unknown_example_id")]),
        ("update", [{"q": 1}], [("examples[0].id", "missing_field")]),
        ("update", [{"id": "a"}], [("examples[0]", "empty")]),
        ("append", [{"id": "b", "q": 1}], [("examples.id", "id_taken")]),
        ("append", [{"id": "x", "q": 1}, {"id": "x", "q": 2}], [("examples[1].id", "duplicate_id")]),
        ("append", [{"id": ""}], [("examples[0]", "empty"), ("examples[0].id", "invalid_value")]),
        ("append", [{"id": 7, "q": 1}], [("examples[0].id", "invalid_value")]),
        ("append", [{"q": 1, "created_at": "x"}], [("examples[0].created_at", "reserved_field")]),
        ("append", [{"q": 1, "promptops.split": 1}], [("examples[0].promptops.split", "invalid_value")]),
        ("append", [{"promptops.split": "x"}], [("examples[0]", "empty")]),
    ],
)
def test_what_cannot_be_taken_is_refused_whole(
    client: httpx.Client, dataset: str, mode: str, examples: list[Json], found: list[tuple[str, str]]
) -> None:
    refused = begin(client, 422, dataset_id=dataset, mode=mode, examples=examples, publish=True)
    assert problems(refused) == found
    assert len(versions(client, dataset)) == 1
    draft = begin(client, dataset_id=dataset, mode=mode)
    added = client.post(f"/v2/dataset-drafts/{draft['id']}/examples", json={"examples": examples})
    if added.status_code == 201:  # only publishing looks at what the dataset has
        added = client.post(f"/v2/dataset-drafts/{draft['id']}/publish")
    assert (added.status_code, problems(added.json())) == (422, found)


@pytest.mark.parametrize(
    "body",
    [
        {"examples": [{"q": 1}]},
        {"name": "x", "dataset_id": "y", "examples": [{"q": 1}]},
        {"name": "x", "mode": "append"},
        {"name": " "},
        {"dataset_id": "y"},
        {"dataset_id": "y", "mode": "merge"},
        {"dataset_id": "y", "mode": "append", "example_schema": {}},
        {"name": "x", "example_schema": {"pattern": "x"}},
        {"name": "x", "other": 1},
        {"name": "x", "examples": [{"q": 1}] * 1001},
    ],
)
def test_a_draft_that_makes_no_sense_is_refused(client: httpx.Client, body: Json) -> None:
    assert begin(client, 422, **body)["code"] == "VALIDATION_ERROR"


def test_a_plan_says_what_replacing_deletes_and_changes_nothing(client: httpx.Client, dataset: str) -> None:
    draft = begin(client, dataset_id=dataset, mode="replace", examples=[{"id": "b", "q": 1}, {"id": "c", "q": 9}])
    where = f"/v2/dataset-drafts/{draft['id']}"
    for _ in range(2):
        plan = client.get(where).json()
        assert (counts(plan), plan["change"]["deleted_ids"], plan["change"]["total"]) == ((0, 1, 1, 1), ["a"], 2)
        assert plan["dataset_version_id"] is None
    assert [item["id"] for item in rows(client, dataset)] == ["a", "b", "c"]
    done = client.post(f"{where}/publish").json()
    assert (counts(done), done["dataset_version_id"]) == ((0, 1, 1, 1), draft["id"])
    assert plain(rows(client, dataset)) == [{"id": "b", "q": 1}, {"id": "c", "q": 9}]


@pytest.mark.parametrize("mode", ["replace", "update"])
def test_what_somebody_else_changed_meanwhile_is_not_overwritten(client: httpx.Client, dataset: str, mode: str) -> None:
    draft = begin(client, dataset_id=dataset, mode=mode, examples=[{"id": "b", "q": 5}])
    client.post(f"/v2/datasets/{dataset}/examples", json={"examples": [{"q": 100}]})  # in place, as the contract says
    assert client.get(f"/v2/dataset-drafts/{draft['id']}").status_code == 409
    assert client.post(f"/v2/dataset-drafts/{draft['id']}/publish").status_code == 409
    assert [item["q"] for item in rows(client, dataset)] == [0, 1, 2, 100]


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_what_somebody_else_added_meanwhile_is_kept(client: httpx.Client, dataset: str, mode: str) -> None:
    draft = begin(client, dataset_id=dataset, mode=mode, examples=[{"id": "x", "q": 5}])
    change(client, dataset, "append", [{"q": 100}])
    assert client.post(f"/v2/dataset-drafts/{draft['id']}/publish").status_code == 200
    assert [item["q"] for item in rows(client, dataset)] == [0, 1, 2, 5, 100]  # in the order in which they arrived


def test_publishing_again_changes_nothing_more(client: httpx.Client, dataset: str) -> None:
    draft = begin(client, dataset_id=dataset, mode="append", examples=[{"q": 5}])
    where = f"/v2/dataset-drafts/{draft['id']}"
    first, again = (client.post(f"{where}/publish").json() for _ in range(2))
    assert (first["dataset_version_id"], again["dataset_version_id"]) == (draft["id"], draft["id"])
    assert (counts(first), again["change"]) == ((1, 0, 0, 0), None)
    assert len(versions(client, dataset)) == 2
    assert client.post(f"{where}/examples", json={"examples": [{"q": 6}]}).status_code == 409
    assert client.delete(where).status_code == 409
    assert client.get(where).json()["mode"] == "published"


def test_a_draft_that_is_forgotten_is_gone(client: httpx.Client, dataset: str) -> None:
    bodies: list[Json] = [{"dataset_id": dataset, "mode": "append"}, {"name": unique("never")}]
    for body in bodies:
        draft = begin(client, 201, **body, examples=[{"q": 5}])
        where = f"/v2/dataset-drafts/{draft['id']}"
        assert client.delete(where).status_code == 204
        for answer in (client.get(where), client.delete(where), client.post(f"{where}/publish")):
            assert answer.status_code == 404
    assert len(rows(client, dataset)) == 3


def test_a_dataset_keeps_at_least_one_example(client: httpx.Client, dataset: str) -> None:
    assert begin(client, 422, dataset_id=dataset, mode="replace", publish=True)["errors"][0]["code"] == "empty"
    assert begin(client, 422, name=unique("empty"), publish=True)["errors"][0]["code"] == "empty"


def test_new_examples_must_meet_the_schema_of_their_dataset_on_every_route(client: httpx.Client) -> None:
    first = [{"id": "a", "q": 1}]
    refused = begin(client, 422, name=unique("s"), example_schema=SCHEMA, examples=[{"q": "x"}], publish=True)
    assert problems(refused) == [("examples[0].q", "wrong_type")]
    made = begin(client, name=unique("s"), example_schema=SCHEMA, examples=first, publish=True)["dataset_id"]
    assert client.get(f"/v2/datasets/{made}").json()["example_schema"] == SCHEMA
    wrong: Json = {"examples": [{"q": 2}, {"r": 2}]}
    answer = client.post(f"/v2/datasets/{made}/examples", json=wrong)
    assert (answer.status_code, problems(answer.json())) == (422, [("examples[1].q", "required")])
    for mode in ("append", "upsert", "replace"):
        assert problems(begin(client, 422, dataset_id=made, mode=mode, **wrong)) == [("examples[1].q", "required")]
    updated = begin(client, 422, dataset_id=made, mode="update", examples=[{"id": "a", "q": None}])
    assert problems(updated) == [("examples[0].q", "wrong_type")]
    assert counts(change(client, made, "update", [{"id": "a", "note": "the other fields are checked too"}]))[1] == 1


def test_a_schema_is_set_and_taken_away(client: httpx.Client, dataset: str) -> None:
    where = f"/v2/datasets/{dataset}/schema"
    assert client.put(where, json={"example_schema": SCHEMA}).json()["example_schema"] == SCHEMA
    assert client.post(f"/v2/datasets/{dataset}/examples", json={"examples": [{"q": "x"}]}).status_code == 422
    assert "example_schema" not in client.put(where, json={"example_schema": None}).json()
    assert client.post(f"/v2/datasets/{dataset}/examples", json={"examples": [{"q": "x"}]}).status_code == 201
    refused = client.put(where, json={"example_schema": {"pattern": "x"}})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "example_schema.pattern")
    assert client.put("/v2/datasets/nowhere/schema", json={"example_schema": None}).status_code == 404


def test_a_split_is_kept_apart_from_the_content_and_examples_are_listed_by_it(client: httpx.Client) -> None:
    examples = [
        {"id": "a", "q": 1, "promptops.split": "train"},
        {"id": "b", "q": 2, "split": "test"},
        {"id": "c", "q": 3},
    ]
    dataset = begin(client, name=unique("split"), examples=examples, publish=True)["dataset_id"]
    assert [item["id"] for item in rows(client, dataset, split="train")] == ["a"]
    assert [item["id"] for item in rows(client, dataset, split="test")] == ["b"]
    assert rows(client, dataset, split="none") == []
    assert counts(change(client, dataset, "upsert", [{"id": "a", "q": 1}, {"q": 3}])) == (0, 0, 2, 0)
    assert counts(change(client, dataset, "upsert", [{"id": "a", "q": 9}])) == (0, 1, 0, 0)
    assert rows(client, dataset)[0]["promptops.split"] == "train"
    assert counts(change(client, dataset, "upsert", [{"q": 3, "promptops.split": "train"}])) == (0, 1, 0, 0)
    assert [item["id"] for item in rows(client, dataset, split="train")] == ["a", "c"]
    change(client, dataset, "update", [{"id": "a", "promptops.split": None}, {"id": "b", "promptops.split": "train"}])
    assert [item["id"] for item in rows(client, dataset, split="train")] == ["b", "c"]
    change(client, dataset, "replace", [{"id": "c", "q": 3}])
    assert plain(rows(client, dataset)) == [{"id": "c", "q": 3, "promptops.split": "train"}]


def test_pages_of_a_split_are_as_long_as_was_asked(client: httpx.Client) -> None:
    examples = [{"q": number, "split": "odd" if number % 2 else "even"} for number in range(10)]
    dataset = begin(client, name=unique("paged"), examples=examples, publish=True)["dataset_id"]
    seen: list[int] = []
    cursor: str | None = None
    while True:
        query: dict[str, str | int] = {"split": "odd", "limit": 2, **({} if cursor is None else {"cursor": cursor})}
        page = client.get(f"/v2/datasets/{dataset}/examples", params=query).json()
        seen += [item["q"] for item in page["examples"]]
        cursor = page["pagination"].get("next_cursor")
        if cursor is None:
            break
    assert seen == [1, 3, 5, 7, 9]


def test_the_record_of_writes_says_what_was_published_and_nothing_of_drafts(client: httpx.Client, dataset: str) -> None:
    begin(client, dataset_id=dataset, mode="append", examples=[{"q": 5}])
    change(client, dataset, "append", [{"q": 5}])
    client.put(f"/v2/datasets/{dataset}/schema", json={"example_schema": SCHEMA})
    listed = client.get("/v1/client/audit", params={"object_id": dataset}).json()["data"]["entries"]
    assert [item["action"] for item in listed] == ["schema_set", "versioned", "created"]
