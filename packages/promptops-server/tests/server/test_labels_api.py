"""Labels and history over a real socket."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from promptops.core.errors import ConfigurationError
from promptops.server import EmbeddedServer, Settings
from promptops.server.grants import Scope
from promptops.server.key_admin import create_key
from promptops.server.settings import default_protected_labels

PROMPTS = "/v1/client/prompts"


def create(client: httpx.Client, versions: int = 3, **fields: Any) -> str:
    """A prompt with the versions 1.0.0, 1.0.1 and so on; gives its id."""
    answer = client.post(PROMPTS, json={"name": f"p-{uuid.uuid4().hex[:10]}", "content": "0", **fields})
    assert answer.status_code == 201, answer.text
    prompt: str = answer.json()["data"]["id"]
    for number in range(1, versions):
        assert client.put(f"{PROMPTS}/{prompt}", json={"content": str(number)}).status_code == 200
    return prompt


def move(client: httpx.Client, prompt: str, label: str, version: str, **more: Any) -> httpx.Response:
    return client.put(f"{PROMPTS}/{prompt}/labels/{label}", json={"version": version, **more})


def data(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()["data"]


def history(client: httpx.Client, prompt: str, query: str = "") -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = data(client.get(f"{PROMPTS}/{prompt}/history{query}"))["events"]
    return events


def test_a_label_points_to_a_version_until_it_is_moved(client: httpx.Client) -> None:
    prompt = create(client)
    made = data(move(client, prompt, "staging", "v1.0"))
    assert (made["label"], made["version"], made["protected"], made["updated_by"]) == ("staging", "1.0.0", False, None)
    assert data(client.get(f"{PROMPTS}/{prompt}?label=staging"))["content"] == "0"
    data(move(client, prompt, "staging", "1.0.1"))
    assert data(client.get(f"{PROMPTS}/{prompt}?label=staging"))["content"] == "1"
    assert data(client.get(f"{PROMPTS}/{prompt}"))["version"] == "1.0.2"


def test_labels_are_listed_by_name_and_removed(client: httpx.Client) -> None:
    prompt = create(client)
    for label in ("staging", "production", "Beta.1_x"):
        data(move(client, prompt, label, "1.0.1"))
    listed = data(client.get(f"{PROMPTS}/{prompt}/labels"))["labels"]
    assert [(item["label"], item["protected"]) for item in listed] == [
        ("Beta.1_x", False),
        ("production", True),
        ("staging", False),
    ]
    gone = data(client.delete(f"{PROMPTS}/{prompt}/labels/staging"))
    assert gone == {"removed": True, "label": "staging", "version": "1.0.1"}
    again = client.delete(f"{PROMPTS}/{prompt}/labels/staging")
    assert again.status_code == 404
    assert "staging" in again.json()["error"]["message"]
    assert client.get(f"{PROMPTS}/nowhere/labels").status_code == 404
    assert client.delete(f"{PROMPTS}/nowhere/labels/staging").status_code == 404


def test_moving_a_label_to_where_it_is_changes_nothing(client: httpx.Client) -> None:
    prompt = create(client)
    first = data(move(client, prompt, "staging", "1.0.1"))
    assert data(move(client, prompt, "staging", "1.0.1")) == first
    assert [event["action"] for event in history(client, prompt, "?label=staging")] == ["label_moved"]


def test_an_expected_version_must_hold(client: httpx.Client) -> None:
    prompt = create(client)
    data(move(client, prompt, "staging", "1.0.0", expected_version=None))
    assert move(client, prompt, "staging", "1.0.1", expected_version=None).status_code == 409
    refused = move(client, prompt, "staging", "1.0.2", expected_version="1.0.1")
    assert refused.status_code == 409
    assert "points to 1.0.0, not to 1.0.1" in refused.json()["error"]["message"]
    assert move(client, prompt, "fresh", "1.0.2", expected_version="1.0.0").status_code == 409
    assert data(move(client, prompt, "staging", "1.0.1", expected_version="v1"))["version"] == "1.0.1"


def test_the_same_key_moves_a_label_once(client: httpx.Client) -> None:
    prompt = create(client)
    sent: dict[str, Any] = {"json": {"version": "1.0.0"}, "headers": {"Idempotency-Key": uuid.uuid4().hex}}
    path = f"{PROMPTS}/{prompt}/labels/staging"
    first = client.put(path, **sent)
    data(move(client, prompt, "staging", "1.0.1"))
    again = client.put(path, **sent)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == first.content
    assert data(client.get(f"{PROMPTS}/{prompt}?label=staging"))["version"] == "1.0.1"


@pytest.mark.parametrize(
    "label", ["latest", "1", "v2", "1.0.0", "1.2-rc", "-a", ".a", "a b", "a/b", "ä", "a" * 65, "a@b"]
)
def test_what_cannot_be_a_label_is_refused_everywhere(client: httpx.Client, label: str) -> None:
    prompt = create(client, 1)
    path = f"{PROMPTS}/{prompt}/labels/{label.replace('/', '%2F')}"
    answers = [
        client.put(path, json={"version": "1.0.0"}),
        client.delete(path),
        client.get(f"{PROMPTS}/{prompt}", params={"label": label}),
        client.get(f"{PROMPTS}/{prompt}/history", params={"label": label}),
        client.post(f"{PROMPTS}/{prompt}/render", json={"label": label}),
    ]
    for answer in answers:
        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]["details"]["validation_errors"][0]["field"] == "label"


@pytest.mark.parametrize(
    "body", [{}, {"version": "latest"}, {"version": "x"}, {"version": 1}, {"version": None}, [], ""]
)
def test_a_move_needs_a_version(client: httpx.Client, body: Any) -> None:
    prompt = create(client, 1)
    assert client.put(f"{PROMPTS}/{prompt}/labels/staging", json=body).status_code == 422
    more = {"version": "1.0.0", "expected_version": "latest"}
    assert client.put(f"{PROMPTS}/{prompt}/labels/staging", json=more).status_code == 422
    assert data(client.get(f"{PROMPTS}/{prompt}/labels"))["labels"] == []


def test_a_label_needs_a_version_that_exists(client: httpx.Client) -> None:
    prompt = create(client, 2)
    answer = move(client, prompt, "staging", "9.0.0")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "PROMPT_NOT_FOUND"
    assert "1.0.1, 1.0.0" in answer.json()["error"]["message"]
    assert move(client, "nowhere", "staging", "1.0.0").status_code == 404


def test_every_read_knows_labels(client: httpx.Client) -> None:
    prompt = create(client, content="{{x}} old", model_specific_prompts=[{"model_provider": "openai", "content": "o"}])
    data(move(client, prompt, "staging", "1.0.0"))
    rendered = client.post(f"{PROMPTS}/{prompt}/render", json={"label": "staging", "variables": {"x": "an"}})
    assert data(rendered)["rendered_content"] == "an old"
    shown = data(client.get(f"{PROMPTS}/{prompt}/model/google/x?label=staging"))
    assert (shown["version"], shown["content"]) == ("1.0.0", "{{x}} old")
    other = create(client, 2)
    data(move(client, other, "staging", "1.0.1"))
    third = create(client, 2)
    body = {"prompt_ids": [prompt, other, third], "label": "staging", "versions": {other: "1.0.0"}}
    found = data(client.post(f"{PROMPTS}/batch", json=body))
    assert {name: item["version"] for name, item in found["prompts"].items()} == {prompt: "1.0.0", other: "1.0.0"}
    (error,) = found["errors"]
    assert (error["prompt_id"], error["code"]) == (third, "PROMPT_NOT_FOUND")
    assert "'staging'" in error["message"]
    body = {"prompt_ids": [prompt, other], "labels": {other: "staging"}}
    found = data(client.post(f"{PROMPTS}/batch", json=body))
    assert {name: item["version"] for name, item in found["prompts"].items()} == {prompt: "1.0.2", other: "1.0.1"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "?version=1.0.0&label=a", None),
        ("GET", "/model/openai/x?version=1.0.0&label=a", None),
        ("POST", "/render", {"version": "1.0.0", "label": "a"}),
    ],
)
def test_a_version_and_a_label_exclude_each_other(client: httpx.Client, method: str, path: str, body: Any) -> None:
    prompt = create(client, 1)
    answer = client.request(method, f"{PROMPTS}/{prompt}{path}", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["validation_errors"][0]["code"] == "conflicting_fields"


@pytest.mark.parametrize(
    "body",
    [
        {"version": "1.0.0", "label": "a"},
        {"versions": {"p": "1.0.0"}, "labels": {"p": "a"}},
        {"labels": {"q": "a"}},
        {"label": "latest"},
    ],
)
def test_a_batch_that_contradicts_itself_is_refused(client: httpx.Client, body: dict[str, Any]) -> None:
    assert client.post(f"{PROMPTS}/batch", json={"prompt_ids": ["p"], **body}).status_code == 422


def test_an_unknown_label_is_answered_with_those_that_exist(client: httpx.Client) -> None:
    prompt = create(client, 1)
    answer = client.get(f"{PROMPTS}/{prompt}?label=staging")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "PROMPT_NOT_FOUND"
    assert "no label 'staging'; it has none" in answer.json()["error"]["message"]
    data(move(client, prompt, "canary", "1.0.0"))
    assert "it has canary" in client.get(f"{PROMPTS}/{prompt}?label=staging").json()["error"]["message"]


def test_every_answer_says_which_labels_point_to_its_version(client: httpx.Client) -> None:
    tag = uuid.uuid4().hex
    prompt = create(client, tags=[tag])
    for label, version in (("b", "1.0.2"), ("a", "1.0.2"), ("old", "1.0.0")):
        data(move(client, prompt, label, version))
    assert data(client.get(f"{PROMPTS}/{prompt}"))["labels"] == ["a", "b"]
    listed = data(client.get(f"{PROMPTS}?tags={tag}"))["prompts"]
    assert [item["labels"] for item in listed] == [["a", "b"]]
    versions = data(client.get(f"{PROMPTS}/{prompt}/versions"))["versions"]
    assert [item["labels"] for item in versions] == [["a", "b"], [], ["old"]]
    batch = data(client.post(f"{PROMPTS}/batch", json={"prompt_ids": [prompt], "version": "1.0.0"}))
    assert batch["prompts"][prompt]["labels"] == ["old"]
    changed = client.put(f"{PROMPTS}/{prompt}", json={"create_new_version": False, "version": "1.0.0", "content": "x"})
    assert data(changed)["labels"] == ["old"]


def test_a_moved_label_is_never_hidden_behind_a_304(client: httpx.Client) -> None:
    prompt = create(client)
    data(move(client, prompt, "staging", "1.0.0"))
    for path in ("?version=1.0.0", "?label=staging", "/versions/1.0.0", "/model/openai/x?version=1.0.0"):
        tag = client.get(f"{PROMPTS}/{prompt}{path}").headers["etag"]
        unmoved = client.get(f"{PROMPTS}/{prompt}{path}", headers={"If-None-Match": tag})
        assert unmoved.status_code == 304
        data(move(client, prompt, "staging", "1.0.1"))
        moved = client.get(f"{PROMPTS}/{prompt}{path}", headers={"If-None-Match": tag})
        assert moved.status_code == 200
        data(move(client, prompt, "staging", "1.0.0"))


def test_an_edit_that_was_read_before_a_label_came_is_refused(client: httpx.Client) -> None:
    prompt = create(client, 1)
    tag = client.get(f"{PROMPTS}/{prompt}").headers["etag"]
    data(move(client, prompt, "staging", "1.0.0"))
    body = {"create_new_version": False, "version": "1.0.0", "content": "x"}
    assert client.put(f"{PROMPTS}/{prompt}", json=body, headers={"If-Match": tag}).status_code == 409


def test_a_version_under_a_label_is_deleted_only_by_force(client: httpx.Client) -> None:
    prompt = create(client)
    data(move(client, prompt, "staging", "1.0.0"))
    refused = client.delete(f"{PROMPTS}/{prompt}?version=1.0.0")
    assert refused.status_code == 409
    assert "'staging' points to version 1.0.0" in refused.json()["error"]["message"]
    assert client.delete(f"{PROMPTS}/{prompt}?version=1.0.1").status_code == 200
    assert data(client.delete(f"{PROMPTS}/{prompt}?version=1.0.0&force=true"))["versions"] == ["1.0.0"]
    assert data(client.get(f"{PROMPTS}/{prompt}/labels"))["labels"] == []
    actions = [(event["action"], event["label"], event["version"]) for event in history(client, prompt)[:2]]
    assert actions == [("deleted", None, "1.0.0"), ("label_removed", "staging", None)]


def test_a_prompt_with_labels_is_deleted_only_by_force_and_its_history_stays(client: httpx.Client) -> None:
    prompt = create(client, 2)
    data(move(client, prompt, "staging", "1.0.0"))
    assert client.delete(f"{PROMPTS}/{prompt}").status_code == 409
    assert client.delete(f"{PROMPTS}/{prompt}?force=false").status_code == 409
    assert len(data(client.delete(f"{PROMPTS}/{prompt}?force=true"))["versions"]) == 2
    assert client.get(f"{PROMPTS}/{prompt}/labels").status_code == 404
    events = history(client, prompt)
    assert [event["action"] for event in events] == [
        "deleted",
        "label_removed",
        "label_moved",
        "versioned",
        "created",
    ]
    assert client.get(f"{PROMPTS}/{uuid.uuid4()}/history").status_code == 404


def test_the_history_says_what_happened_and_pages(client: httpx.Client) -> None:
    prompt = create(client, 2)
    data(move(client, prompt, "staging", "1.0.0"))
    data(move(client, prompt, "staging", "1.0.1"))
    body = {"create_new_version": False, "version": "1.0.1", "content": "x"}
    edited = data(client.put(f"{PROMPTS}/{prompt}", json=body))
    data(client.delete(f"{PROMPTS}/{prompt}/labels/staging"))
    events = history(client, prompt)
    assert [(event["action"], event["from_version"], event["version"], event["label"]) for event in events] == [
        ("label_removed", "1.0.1", None, "staging"),
        ("edited", None, "1.0.1", None),
        ("label_moved", "1.0.0", "1.0.1", "staging"),
        ("label_moved", None, "1.0.0", "staging"),
        ("versioned", "1.0.0", "1.0.1", None),
        ("created", None, "1.0.0", None),
    ]
    assert events[1]["content_hash"] == edited["content_hash"]
    assert all(event["request_id"] for event in events)
    page = data(client.get(f"{PROMPTS}/{prompt}/history?limit=2&offset=3"))
    assert (page["events"], page["total"], page["has_more"]) == (events[3:5], 6, True)
    assert not data(client.get(f"{PROMPTS}/{prompt}/history?limit=2&skip=4"))["has_more"]


def test_the_history_says_where_a_label_pointed_at_any_moment(client: httpx.Client) -> None:
    prompt = create(client)
    for version in ("1.0.0", "1.0.2", "1.0.1"):
        data(move(client, prompt, "staging", version))
        data(move(client, prompt, "other", version))
    data(client.delete(f"{PROMPTS}/{prompt}/labels/staging"))
    events = history(client, prompt, "?label=staging")
    assert [event["version"] for event in events] == [None, "1.0.1", "1.0.2", "1.0.0"]
    for event in events:
        at = event["at"].replace("+", "%2B")
        (then,) = history(client, prompt, f"?label=staging&until={at}&limit=1")
        assert then == event
    assert history(client, prompt, "?label=staging&until=2020-01-01T00:00:00Z") == []
    assert client.get(f"{PROMPTS}/{prompt}/history?until=yesterday").status_code == 422


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    create_key(tmp_path, name="all", scopes=list(Scope))
    with EmbeddedServer(tmp_path, protected_labels=("production", "release")) as server:
        yield server.url, tmp_path


def client_of(guarded: tuple[str, Path], *scopes: Scope) -> httpx.Client:
    url, directory = guarded
    key = create_key(directory, name="test", scopes=scopes)
    return httpx.Client(base_url=url, verify=False, headers={"Authorization": f"Bearer {key.text}"})


def test_a_protected_label_needs_the_scope_for_labels(guarded: tuple[str, Path]) -> None:
    with (
        client_of(guarded, Scope.PROMPTS_READ, Scope.PROMPTS_WRITE) as writer,
        client_of(guarded, Scope.PROMPTS_LABEL) as labeller,
        client_of(guarded, Scope.PROMPTS_READ) as reader,
        client_of(guarded, Scope.ADMIN) as admin,
    ):
        prompt = create(writer)
        assert move(writer, prompt, "staging", "1.0.0").status_code == 200
        for label in ("production", "release"):
            refused = move(writer, prompt, label, "1.0.0")
            assert refused.status_code == 403
            assert "'prompts:label'" in refused.json()["error"]["message"]
            assert move(labeller, prompt, label, "1.0.0").status_code == 200
            assert writer.delete(f"{PROMPTS}/{prompt}/labels/{label}").status_code == 403
        assert move(labeller, prompt, "staging", "1.0.1").status_code == 200
        assert move(admin, prompt, "production", "1.0.1").status_code == 200
        assert move(reader, prompt, "staging", "1.0.0").status_code == 403
        assert labeller.get(f"{PROMPTS}/{prompt}").status_code == 403
        assert labeller.delete(f"{PROMPTS}/{prompt}/labels/release").status_code == 200
        moved_by = {
            item["label"]: item["updated_by"] for item in data(reader.get(f"{PROMPTS}/{prompt}/labels"))["labels"]
        }
        assert moved_by["production"] != moved_by["staging"] is not None


def test_force_does_not_get_around_the_scope_for_labels(guarded: tuple[str, Path]) -> None:
    with (
        client_of(guarded, Scope.PROMPTS_READ, Scope.PROMPTS_WRITE) as writer,
        client_of(guarded, Scope.PROMPTS_WRITE, Scope.PROMPTS_LABEL) as both,
    ):
        prompt = create(writer)
        assert move(both, prompt, "production", "1.0.0").status_code == 200
        for query in ("?version=1.0.0&force=true", "?force=true"):
            assert writer.delete(f"{PROMPTS}/{prompt}{query}").status_code == 403
        assert data(writer.get(f"{PROMPTS}/{prompt}?label=production"))["version"] == "1.0.0"
        assert both.delete(f"{PROMPTS}/{prompt}?version=1.0.0&force=true").status_code == 200


def test_edit_in_place_does_not_get_around_the_scope_for_labels(guarded: tuple[str, Path]) -> None:
    with (
        client_of(guarded, Scope.PROMPTS_READ, Scope.PROMPTS_WRITE) as writer,
        client_of(guarded, Scope.PROMPTS_WRITE, Scope.PROMPTS_LABEL) as both,
    ):
        prompt = create(writer)
        for label, version in (("production", "1.0.0"), ("staging", "1.0.1")):
            assert move(both, prompt, label, version).status_code == 200

        def edit(client: httpx.Client, version: str) -> int:
            body = {"create_new_version": False, "version": version, "content": "edited"}
            return client.put(f"{PROMPTS}/{prompt}", json=body).status_code

        assert edit(writer, "1.0.0") == 403
        assert data(writer.get(f"{PROMPTS}/{prompt}?label=production"))["content"] == "0"
        assert edit(writer, "1.0.1") == 200  # the label there is not protected
        assert writer.put(f"{PROMPTS}/{prompt}", json={"content": "a new version"}).status_code == 200
        assert edit(both, "1.0.0") == 200


def test_label_moves_are_in_the_audit(guarded: tuple[str, Path]) -> None:
    with client_of(guarded, Scope.ADMIN) as admin:
        prompt = create(admin, 2)
        data(move(admin, prompt, "staging", "1.0.0"))
        data(move(admin, prompt, "staging", "1.0.1"))
        entries = data(admin.get(f"/v1/client/audit?object_id={prompt}&limit=1"))["entries"]
        assert [(e["action"], e["label"], e["from_version"], e["version"]) for e in entries] == [
            ("label_moved", "staging", "1.0.0", "1.0.1")
        ]


def test_protected_labels_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMPTOPS_PROTECTED_LABELS", raising=False)
    assert default_protected_labels() == ("production",)
    monkeypatch.setenv("PROMPTOPS_PROTECTED_LABELS", "live, release ,")
    assert default_protected_labels() == ("live", "release")
    monkeypatch.setenv("PROMPTOPS_PROTECTED_LABELS", "")
    assert default_protected_labels() == ()


def test_a_protected_label_that_cannot_be_one_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"'1\.0\.0' cannot be a protected label"):
        Settings(data_dir=tmp_path, protected_labels=("production", "1.0.0"))
