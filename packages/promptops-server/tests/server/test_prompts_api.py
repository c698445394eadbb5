"""``/v1/client/prompts`` over a real socket."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from typing import Any

import httpx
import pytest
from promptops.server import EmbeddedServer

PROMPTS = "/v1/client/prompts"


def unique(stem: str = "prompt") -> str:
    return f"{stem}-{uuid.uuid4().hex[:10]}"


def create(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    body = {"name": unique(), "content": "Hello {{name}}", **fields}
    answer = client.post(PROMPTS, json=body)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def problems(answer: httpx.Response) -> list[tuple[str, str]]:
    found = answer.json()["error"]["details"]["validation_errors"]
    return [(item["field"], item["code"]) for item in found]


def test_the_envelope_carries_data_request_id_and_time(client: httpx.Client) -> None:
    made = create(client)
    answer = client.get(f"{PROMPTS}/{made['id']}", headers={"X-Request-Id": "my-request.1"})
    body = answer.json()
    assert body["success"] is True
    assert body["data"] == made
    assert body["metadata"]["request_id"] == "my-request.1" == answer.headers["x-request-id"]
    assert body["metadata"]["timestamp"].endswith("Z")


@pytest.mark.parametrize("sent", ["short", "x" * 129, "with space", "ünicode", "a\tbcdefgh"])
def test_request_ids_that_are_not_acceptable_are_replaced(client: httpx.Client, sent: str) -> None:
    answer = client.get("/v1/client/health", headers=[(b"X-Request-Id", sent.encode())])
    assert answer.headers["x-request-id"] != sent
    assert len(answer.headers["x-request-id"]) == 32


def test_health_needs_no_key_and_tells_no_version(client: httpx.Client) -> None:
    data = client.get("/v1/client/health").json()["data"]
    assert data["status"] == "healthy"
    assert data["version"] == ""
    assert data["dependencies"]["database"]["status"] == "healthy"
    told = client.get("/v1/client/health", headers={"Authorization": "Bearer any"}).json()["data"]
    assert told["version"]


def test_a_prompt_gets_what_was_left_out(client: httpx.Client) -> None:
    made = create(client, name="Grüße, Welt!", content="{{b}} {{a}} {{b}}", variables=["declared", "a"])
    assert made["slug"] == "grusse-welt"
    assert made["version"] == "1.0.0"
    assert made["variables"] == ["declared", "a", "b"]
    assert (made["description"], made["tags"], made["metadata"], made["messages"]) == ("", [], {}, None)
    assert str(uuid.UUID(made["id"])) == made["id"]


@pytest.mark.parametrize("slug", ["team/greeting", "a.b_c~d:e-f", "x/y/z", "0"])
def test_slugs_with_slashes_are_one_segment_of_the_path(client: httpx.Client, slug: str) -> None:
    slug = f"{slug}{unique('')}"
    made = create(client, slug=slug)
    encoded = slug.replace("/", "%2F")
    for spelled in (encoded, encoded.replace("%2F", "%2f")):
        assert client.get(f"{PROMPTS}/{spelled}").json()["data"] == made
        assert client.get(f"{PROMPTS}/{spelled}/versions/v1").json()["data"] == made
        assert client.get(f"{PROMPTS}/{spelled}/versions").json()["data"]["total"] == 1
    if "/" in slug:
        assert client.get(f"{PROMPTS}/{slug}").status_code == 404


@pytest.mark.parametrize(
    "slug", ["", "/x", "x/", "a//b", "../x", "a/../b", ".", "a b", "ä", "x?y", "00000000-0000-4000-8000-000000000000"]
)
def test_slugs_that_cannot_be_addressed_are_refused(client: httpx.Client, slug: str) -> None:
    answer = client.post(PROMPTS, json={"name": unique(), "content": "x", "slug": slug})
    assert answer.status_code == 422
    assert problems(answer)[0][0] == "slug"


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"name": None}, "name", "invalid_value"),
        ({"name": ""}, "name", "invalid_value"),
        ({"name": "  "}, "name", "invalid_value"),
        ({"name": "a\x00b"}, "name", "invalid_value"),
        ({"content": None}, "content", "missing_field"),
        ({"content": 5}, "content", "invalid_value"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "missing_field"),
        ({"messages": [{"role": "user", "content": "x", "z": 1}]}, "messages[0].z", "unknown_field"),
        ({"messages": [{"role": "user", "content": "other"}]}, "content", "conflicting_fields"),
        ({"content": "{{ unclosed"}, "content", "invalid_template"),
        ({"template_format": "erb"}, "template_format", "invalid_value"),
        ({"version": "x"}, "version", "invalid_version"),
        ({"tags": "a"}, "tags", "invalid_value"),
        ({"metadata": {"a": "x" * 20_000}}, "metadata", "too_large"),
        ({"metadata": {str(index): 1 for index in range(101)}}, "metadata", "too_many"),
        ({"owner": "me"}, "owner", "unknown_field"),
        ({"id": "one", "slug": "two"}, "slug", "conflicting_fields"),
    ],
)
def test_a_bad_field_is_named(client: httpx.Client, change: dict[str, Any], field: str, code: str) -> None:
    body = {"name": unique(), "content": "x", **change}
    answer = client.post(PROMPTS, json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    assert answer.headers["x-should-retry"] == "false"
    assert (field, code) in problems(answer)


def test_a_name_and_a_slug_belong_to_one_prompt(client: httpx.Client) -> None:
    made = create(client)
    answer = client.post(PROMPTS, json={"name": made["name"], "slug": unique(), "content": "x"})
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "CONFLICT_ERROR"
    assert client.post(PROMPTS, json={"name": unique(), "slug": made["slug"], "content": "x"}).status_code == 409


def test_a_missing_prompt_suggests_close_names(client: httpx.Client) -> None:
    create(client, slug="customer-greeting")
    answer = client.get(f"{PROMPTS}/customer-greetng")
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["code"] == "PROMPT_NOT_FOUND"
    assert error["details"]["prompt_id"] == "customer-greetng"
    assert "customer-greeting" in error["details"]["suggested_prompts"]


def test_a_missing_version_names_those_that_exist(client: httpx.Client) -> None:
    made = create(client)
    answer = client.get(f"{PROMPTS}/{made['id']}", params={"version": "9"})
    assert answer.status_code == 404
    assert "1.0.0" in answer.json()["error"]["message"]


def test_an_update_makes_the_next_version_and_keeps_the_old_one(client: httpx.Client) -> None:
    path = f"{PROMPTS}/{create(client, tags=['a'])['id']}"
    assert client.put(path, json={"content": "two {{x}}"}).json()["data"]["version"] == "1.0.1"
    assert client.put(path, json={"content": "three", "bump": "minor"}).json()["data"]["version"] == "1.1.0"
    assert client.put(path, json={"content": "four", "bump": "major"}).json()["data"]["version"] == "2.0.0"
    named = client.put(path, json={"content": "rc", "version": "v3.0-rc.1"}).json()["data"]
    assert (named["version"], named["tags"]) == ("3.0.0-rc.1", ["a"])
    assert client.get(path).json()["data"]["version"] == "2.0.0"
    assert client.get(path, params={"version": "latest"}).json()["data"]["version"] == "2.0.0"
    assert client.get(path, params={"version": "v1.0"}).json()["data"]["content"] == "Hello {{name}}"
    assert client.get(path, params={"version": "1.0.1"}).json()["data"]["variables"] == ["x"]
    assert client.put(path, json={"content": "x", "version": "1.1.0"}).status_code == 409


def test_an_update_in_place_changes_that_version(client: httpx.Client) -> None:
    made = create(client)
    path = f"{PROMPTS}/{made['id']}"
    client.put(path, json={"content": "two"})
    edit = {"create_new_version": False, "version": "1.0", "description": "first"}
    edited = client.put(path, json=edit).json()["data"]
    assert (edited["version"], edited["description"], edited["content"]) == ("1.0.0", "first", made["content"])
    assert edited["content_hash"] == made["content_hash"]
    assert edited["etag"] != made["etag"]
    assert client.put(path, json={**edit, "version": "7.0.0"}).status_code == 404


def test_chat_prompts_keep_their_roles(client: httpx.Client) -> None:
    messages = [{"role": "system", "content": "You are {{who}}"}, {"role": "user", "content": "{{question}}"}]
    made = create(client, content=None, messages=messages)
    assert made["messages"] == messages
    assert made["content"] == "You are {{who}}\n\n{{question}}"
    assert made["variables"] == ["who", "question"]
    rendered = client.post(
        f"{PROMPTS}/{made['id']}/render", json={"variables": {"who": "kind", "question": "{{who}}?"}}
    )
    data = rendered.json()["data"]
    assert data["messages"] == [
        {"role": "system", "content": "You are kind"},
        {"role": "user", "content": "{{who}}?"},
    ]
    assert data["rendered_content"] == "You are kind\n\n{{who}}?"
    text = client.put(f"{PROMPTS}/{made['id']}", json={"content": "plain"}).json()["data"]
    assert text["messages"] is None


def test_the_etag_saves_a_body_and_guards_an_update(client: httpx.Client) -> None:
    made = create(client)
    path = f"{PROMPTS}/{made['id']}"
    tag = client.get(path).headers["etag"]
    assert tag == f'"{made["etag"]}"'
    same = client.get(path, headers={"If-None-Match": f'"other", {tag}'})
    assert same.status_code == 304
    assert same.content == b""
    assert same.headers["etag"] == tag
    assert client.put(path, json={"content": "two"}, headers={"If-Match": tag}).status_code == 200
    stale = client.put(path, json={"content": "three"}, headers={"If-Match": tag})
    assert stale.status_code == 409
    assert "read it again" in stale.json()["error"]["message"]
    assert client.put(path, json={"content": "four"}, headers={"If-Match": "*"}).status_code == 200
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_all_missing_variables_are_named_at_once(client: httpx.Client) -> None:
    made = create(client, content="{{a}} {{b}} {{c.d}}")
    answer = client.post(f"{PROMPTS}/{made['slug']}/render", json={"variables": {"b": 1}})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    assert problems(answer) == [("variables.a", "missing_variable"), ("variables.c.d", "missing_variable")]


def test_a_render_chooses_the_text_of_the_model(client: httpx.Client) -> None:
    variants = [
        {"model_provider": "openai", "content": "wide {{x}}"},
        {"model_provider": "openai", "model_name": "m", "content": "one {{x}}"},
    ]
    path = f"{PROMPTS}/{create(client, content='own {{x}}', model_specific_prompts=variants)['id']}/render"

    def render(**asked: str) -> str:
        answer = client.post(path, json={"variables": {"x": 1}, **asked})
        return str(answer.json()["data"]["rendered_content"])

    assert render() == "own 1"
    assert render(model_provider="openai", model_name="m") == "one 1"
    assert render(model_provider="openai", model_name="n") == "wide 1"
    assert render(model_provider="google", model_name="m") == "own 1"


def test_one_version_or_all_are_deleted(client: httpx.Client) -> None:
    path = f"{PROMPTS}/{create(client)['id']}"
    client.put(path, json={"content": "two"})
    client.put(path, json={"content": "three"})
    gone = client.delete(path, params={"version": "v1.0.2"})
    assert gone.json()["data"] == {"deleted": True, "versions": ["1.0.2"]}
    assert client.get(path).json()["data"]["version"] == "1.0.1"
    assert client.delete(path).json()["data"] == {"deleted": True, "versions": ["1.0.1", "1.0.0"]}
    assert client.delete(path).status_code == 404
    assert client.get(path).status_code == 404


def test_lists_are_paged_sorted_and_filtered(client: httpx.Client) -> None:
    module = unique("module")
    names = [f"{module}-{letter}" for letter in "bac"]
    for number, name in enumerate(names):
        create(client, name=name, module_id=module, tags=["all", f"t{number}"], version=f"1.{10 - number}.0")

    def listed(**asked: Any) -> list[str]:
        answer = client.get(PROMPTS, params={"module_id": module, **asked})
        assert answer.status_code == 200, answer.text
        return [prompt["name"][-1] for prompt in answer.json()["data"]["prompts"]]

    assert listed() == ["c", "a", "b"]
    assert listed(sort_order="asc") == ["b", "a", "c"]
    assert listed(sort_by="name", sort_order="asc") == ["a", "b", "c"]
    assert listed(sort_by="version", sort_order="asc") == ["c", "a", "b"]
    assert listed(limit=1, offset=1) == listed(limit=1, skip=1) == ["a"]
    assert listed(tags="all,t1") == ["a"]
    assert listed(query=f"{module}-C".upper()) == ["c"]
    page = client.get(PROMPTS, params={"module_id": module, "limit": 2}).json()["data"]
    assert (page["total"], page["limit"], page["offset"], page["has_more"]) == (3, 2, 0, True)
    assert listed(tags="nothing") == []
    assert client.get(f"{PROMPTS}?module_id={module}&tags=all&tags=t1").json()["data"]["total"] == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("offset=-1", "offset"),
        ("limit=1&limit=2", "limit"),
        ("sort_by=content", "sort_by"),
        ("sort_order=up", "sort_order"),
        ("project_id=%ff", "query"),
    ],
)
def test_a_bad_query_is_422_here(client: httpx.Client, query: str, field: str) -> None:
    answer = client.get(f"{PROMPTS}?{query}")
    assert answer.status_code == 422
    assert problems(answer)[0][0] == field


def test_an_unknown_project_is_missing_everywhere(client: httpx.Client) -> None:
    made = create(client)
    for answer in (
        client.get(PROMPTS, params={"project_id": "nowhere"}),
        client.get(f"{PROMPTS}/{made['id']}", params={"project_id": "nowhere"}),
        client.post(PROMPTS, json={"name": unique(), "content": "x", "project_id": "nowhere"}),
        client.put(f"{PROMPTS}/{made['id']}", json={"project_id": "nowhere"}),
        client.delete(f"{PROMPTS}/{made['id']}", params={"project_id": "nowhere"}),
    ):
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "NOT_FOUND_ERROR"
    for project in ("default", made["project_id"]):
        assert client.get(f"{PROMPTS}/{made['id']}", params={"project_id": project}).status_code == 200


def test_a_write_that_is_sent_twice_happens_once(client: httpx.Client) -> None:
    key = {"Idempotency-Key": unique("key")}
    body = {"name": unique(), "content": "x"}
    first = client.post(PROMPTS, json=body, headers=key)
    second = client.post(PROMPTS, json=body, headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert second.content == first.content
    assert second.headers["etag"] == first.headers["etag"]
    other = client.post(PROMPTS, json={**body, "content": "y"}, headers=key)
    assert other.status_code == 422
    assert other.json()["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_an_idempotency_key_is_forgotten_after_24_hours_and_not_before(
    client: httpx.Client, server: EmbeddedServer
) -> None:
    path = f"{PROMPTS}/{create(client)['id']}"
    key = {"Idempotency-Key": unique("key")}

    def update_after(seconds: int) -> httpx.Response:
        with contextlib.closing(sqlite3.connect(server.directory / "promptops.db", isolation_level=None)) as database:
            change = "UPDATE idempotency SET created_at = created_at - ? WHERE key = ?"
            database.execute(change, (seconds * 1_000_000, key["Idempotency-Key"]))
        return client.put(path, json={"content": "again"}, headers=key)

    answers = [update_after(seconds) for seconds in (0, 24 * 3600 - 60, 61)]
    assert [answer.json()["data"]["version"] for answer in answers] == ["1.0.1", "1.0.1", "1.0.2"]
    assert ["idempotency-replayed" in answer.headers for answer in answers] == [False, True, False]


def test_the_etag_guards_a_delete(client: httpx.Client) -> None:
    made = create(client)
    path, tag = f"{PROMPTS}/{made['id']}", f'"{made["etag"]}"'
    client.put(path, json={"content": "two"})
    assert client.delete(path, headers={"If-Match": tag}).status_code == 409
    kept = client.get(path, params={"version": "1.0.0"})
    assert kept.headers["etag"] == tag
    assert client.delete(path, params={"version": "1.0.0"}, headers={"If-Match": tag}).status_code == 200
    assert client.delete(path, headers={"If-Match": client.get(path).headers["etag"]}).status_code == 200


def test_a_delete_that_is_sent_twice_is_answered_alike(client: httpx.Client) -> None:
    path = f"{PROMPTS}/{create(client)['id']}"
    key = {"Idempotency-Key": unique("key")}
    first, second = client.delete(path, headers=key), client.delete(path, headers=key)
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("key", ["", "x" * 256, "with space", "ünicode"])
def test_keys_that_are_not_acceptable_are_refused(client: httpx.Client, key: str) -> None:
    answer = client.post(PROMPTS, json={"name": unique(), "content": "x"}, headers=[(b"Idempotency-Key", key.encode())])
    assert answer.status_code == 422
    assert problems(answer)[0][0] == "Idempotency-Key"


@pytest.mark.parametrize("path", ["/v1/client/nothing", "/v1/nope", "/v1/client/prompts/a/b/c", "/v1/client//prompts"])
def test_unknown_routes_answer_in_the_envelope(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["success"] is False
    assert answer.json()["error"]["code"] == "NOT_FOUND_ERROR"


def test_unknown_methods_name_the_known_ones(client: httpx.Client) -> None:
    answer = client.patch(PROMPTS)
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))
    assert answer.json()["error"]["code"] == "METHOD_NOT_ALLOWED"
