"""Two projects, two keys: on no route does either read, list, change or delete anything of the other.

The cases are generated from the server's own table of routes. A case takes a request of the caller that is valid in
itself, puts something of the other project in one place of it (path, query, body, cursor, idempotency key), and the
same request again with something that does not exist at all: the two answers must be the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from litestar.routes import HTTPRoute
from promptops.server import EmbeddedServer, Settings, create_app, wire
from promptops.server.grants import Scope
from promptops.server.key_admin import create_key
from promptops.server.openapi import operations
from promptops.server.operations import Operation
from promptops.server.stores import scope as scope_module

Json = dict[str, Any]
NEUTRAL = {"limit", "offset", "skip", "sort_by", "sort_order", "version", "org_id", "kind"} | {
    *("provider", "capability", "from_", "to", "granularity", "force", "until", "split")
}
"""Parameters that name nothing that belongs to a project (versions are looked up within a prompt)."""
FILTERS = {"name", "query", "tags", "module_id"}
"""Parameters that keep a list to what matches; what is elsewhere must match as little as what is nowhere."""
FRAMEWORK_METHODS = {"OPTIONS"}
"""Methods that the framework adds to every route; they answer from the table of routes alone."""
TOLD = {"datasets_examples_search", "datasets_examples_update", "experiments_runs_search"}
"""Operations that are no reads by their method, but whose answers must be the same."""


class Tenant:
    """One project with a key, and something of everything in it."""

    def __init__(self, url: str, key: str, project: str, mark: str) -> None:
        self.client = httpx.Client(verify=False, base_url=url, headers={"Authorization": f"Bearer {key}"})
        self.project, self.mark, self.key = project, mark, key.split("_")[2]
        send = self.send
        self.space = send("GET", "/v2/spaces").json()["spaces"][0]["id"]
        body: Json = {"name": f"name {mark}", "slug": f"{mark}/slug", "content": f"text {mark}", "tags": [mark]}
        made = send("POST", "/v1/client/prompts", json={**body, "module_id": mark})
        assert made.status_code == 201, made.text
        self.prompt, self.slug = made.json()["data"]["id"], f"{mark}/slug"
        send("PUT", f"/v1/client/prompts/{self.prompt}", json={"content": f"second {mark}"})
        for name, version in (("shared", "1.0.0"), (f"{mark}-label", "1.0.1")):
            moved = send("PUT", f"/v1/client/prompts/{self.prompt}/labels/{name}", json={"version": version})
            assert moved.status_code == 200, moved.text
        examples = [{"input": f"{mark} {index}"} for index in range(3)]
        # More than one of everything that is listed, so that there are cursors to steal.
        made = send("POST", "/v2/datasets", json={"name": f"set {mark}", "space_id": project, "examples": examples})
        assert made.status_code == 201, made.text
        self.dataset = made.json()["id"]
        self.version = made.json()["versions"][0]["id"]
        send("POST", "/v2/datasets", json={"name": f"more {mark}", "space_id": project, "examples": examples})
        listed = send("GET", f"/v2/datasets/{self.dataset}/examples?limit=2").json()
        self.example = listed["examples"][0]["id"]
        self.cursors = {"datasets_examples_list": listed["pagination"]["next_cursor"]}
        draft: Json = {"dataset_id": self.dataset, "mode": "append", "examples": [{"input": f"{mark} draft"}]}
        made = send("POST", "/v2/dataset-drafts", json=draft)
        assert made.status_code == 201, made.text
        self.draft = made.json()["id"]
        runs = [{"example_id": self.example, "output": f"{mark} {index}"} for index in range(3)]
        for name in ("run", "again"):
            body = {"name": f"{name} {mark}", "dataset_id": self.dataset, "experiment_runs": runs}
            made = send("POST", "/v2/experiments", json=body)
            assert made.status_code == 201, made.text
        self.experiment = made.json()["id"]
        listed = send("GET", f"/v2/experiments/{self.experiment}/runs?limit=2").json()
        self.cursors["experiments_runs_list"] = listed["pagination"]["next_cursor"]
        self.run = listed["experiment_runs"][0]["id"]
        for name, path in (
            ("datasets_examples_search", f"/v2/datasets/{self.dataset}/examples/search"),
            ("experiments_runs_search", f"/v2/experiments/{self.experiment}/runs/search"),
        ):
            self.cursors[name] = send("POST", path, json={"limit": 2}).json()["pagination"]["next_cursor"]
        for path, items in (("usage/log", "records"), ("telemetry", "events")):
            item = {"timestamp": MOMENT, "operation" if items == "records" else "name": f"{mark}.secret"}
            made = send("POST", f"/v1/client/{path}", json={"batch_id": f"{mark}-batch", items: [item]})
            assert made.status_code == 200, made.text
        self.cursors["audit_list"] = send("GET", "/v1/client/audit?limit=1").json()["data"]["pagination"]["next_cursor"]
        for name, path in (("datasets_list", "/v2/datasets"), ("experiments_list", "/v2/experiments")):
            self.cursors[name] = send("GET", f"{path}?limit=1").json()["pagination"]["next_cursor"]

    def send(self, method: str, path: str, *, key: str | None = None, **rest: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key is not None else {}
        return self.client.request(method, path, headers=headers, **rest)

    def everything(self) -> list[tuple[int, str]]:
        """All that this tenant can see, without what differs from call to call."""
        paths = [
            "/v2/spaces",
            "/v2/datasets",
            "/v2/experiments",
            "/v1/client/prompts",
            "/v1/client/auth/api-keys",
            "/v1/client/audit",
            f"/v1/client/prompts/{self.prompt}/versions",
            f"/v1/client/prompts/{self.prompt}/labels",
            f"/v1/client/prompts/{self.prompt}/history",
            f"/v1/client/prompts/{self.prompt}?label=shared",
            f"/v2/datasets/{self.dataset}",
            f"/v2/datasets/{self.dataset}/examples",
            f"/v2/dataset-drafts/{self.draft}",
            f"/v2/experiments/{self.experiment}",
            f"/v2/experiments/{self.experiment}/runs",
        ]
        return [plain(self.send("GET", path)) for path in paths]

    def secrets(self) -> list[str]:
        """What must never be in an answer to anybody else."""
        ids = [self.key, self.space, self.prompt, self.dataset, self.version, self.example, self.experiment, self.run]
        ids += [f"{self.mark}-label", self.draft]
        return [*ids, f"text {self.mark}", f"second {self.mark}", f"set {self.mark}", f"{self.mark} 0"]


class World:
    """A server with two tenants."""

    def __init__(self, directory: Path, url: str, keys: dict[str, str]) -> None:
        self.directory = directory
        self.mine = Tenant(url, keys["left"], "left", "zebraquartz")
        self.theirs = Tenant(url, keys["right"], "right", "mothfjord")

    def close(self) -> None:
        self.mine.client.close()
        self.theirs.client.close()


UNHINDERED = wire.KeyLimits(rate=100_000, per_minute=1_000_000)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    keys = {
        name: create_key(tmp_path, name=name, projects=[name], scopes=list(Scope), limits=UNHINDERED).text
        for name in ("left", "right")
    }
    with EmbeddedServer(tmp_path) as server:
        world = World(tmp_path, server.url, keys)
        yield world
        world.close()


class Place:
    """One place of a request where an id or a name can be put: theirs, or one that is nowhere.

    What lies below it is named along with it, else it would not be found in it, whoever it belongs to.
    """

    def __init__(self, where: str, put: Callable[[Request, str], None], theirs: str, nowhere: str, *below: str) -> None:
        self.where, self.put, self.theirs, self.nowhere, self.below = where, put, theirs, nowhere, below


class Request:
    """A request that can be changed before it is sent."""

    def __init__(self, operation: Operation, path: Json, body: Json | None) -> None:
        self.operation, self.path, self.body = operation, path, body
        self.query: Json = {}
        self.key: str | None = None

    def send(self, tenant: Tenant) -> httpx.Response:
        path = re.sub(r"{(\w+):str}", lambda found: quote(self.path[found[1]], safe=""), self.operation.path)
        body = {} if self.body is None else {"json": self.body}
        return tenant.send(self.operation.method, path, key=self.key, params=self.query, **body)


NOWHERE_UUID = "00000000-0000-4000-8000-000000000000"
MOMENT = datetime.now(UTC).isoformat()
NOWHERE_ID = "RGF0YXNldDoxOm5vd2hlcmVub3doZXJlbm93aGVyZQ"


def path_values(name: str, world: World) -> tuple[str, list[tuple[str, str]]]:
    """My own value of a path parameter, and pairs of theirs and nowhere; an unknown parameter fails the test."""
    mine, theirs = world.mine, world.theirs
    known: dict[str, tuple[str, list[tuple[str, str]]]] = {
        "prompt_id": (mine.prompt, [(theirs.prompt, NOWHERE_UUID), (theirs.slug, "plinthvex/slug")]),
        "version": ("1.0.0", []),
        "label": (f"{mine.mark}-label", [(f"{theirs.mark}-label", "plinthvex-label")]),
        "model_provider": ("openai", []),
        "model_name": ("gpt-4", []),
        "key_id": (mine.key, [(theirs.key, "nowhere00000")]),
        "space_id": (mine.space, [(theirs.space, NOWHERE_ID), (theirs.project, "nowhere")]),
        "dataset_id": (mine.dataset, [(theirs.dataset, NOWHERE_ID)]),
        "draft_id": (mine.draft, [(theirs.draft, NOWHERE_ID)]),
        "experiment_id": (mine.experiment, [(theirs.experiment, NOWHERE_ID)]),
    }
    return known[name]


def query_values(operation: Operation, name: str, world: World) -> list[tuple[str, str]]:
    """Pairs of theirs and nowhere for a query parameter; an unknown parameter fails the test."""
    theirs = world.theirs
    if name in NEUTRAL:
        return []
    if name in FILTERS:
        return [(theirs.mark, "plinthvex")]
    if name == "cursor":
        return (
            [(theirs.cursors[operation.id], "bm93aGVyZW5vd2hlcmVub3doZXJl")] if operation.id in theirs.cursors else []
        )
    return {
        "project_id": [(theirs.space, NOWHERE_ID), (theirs.project, "nowhere")],
        "space_id": [(theirs.space, NOWHERE_ID), (theirs.project, "nowhere")],
        "object_id": [(theirs.prompt, NOWHERE_UUID)],
        "space_name": [(theirs.project, "nowhere")],
        "dataset_id": [(theirs.dataset, NOWHERE_ID)],
        "dataset_version_id": [(theirs.version, NOWHERE_ID)],
        "label": [(f"{theirs.mark}-label", "plinthvex-label")],
    }[name]


def own_body(operation: Operation, world: World) -> Json | None:
    """A body that is valid for the caller; an unknown kind of body fails the test."""
    mine = world.mine
    run = {"example_id": mine.example, "output": "mine"}
    if operation.body is None:
        return None
    known: dict[str, Json] = {
        "PromptCreate": {"name": "new", "slug": "new", "content": "new"},
        "PromptUpdate": {"description": "changed"},
        "PromptLabelMove": {"version": "1.0.0"},
        "RenderRequest": {},
        "PromptBatchRequest": {"prompt_ids": [mine.prompt]},
        "CompatibilityRequest": {"prompt_id": mine.prompt, "model_provider": "openai", "model_name": "gpt-4"},
        "UsageLogRequest": {"batch_id": "my-own-batch", "records": [{"timestamp": MOMENT, "operation": "chat"}]},
        "TelemetryBatch": {"batch_id": "my-own-batch", "events": [{"name": "read", "timestamp": MOMENT}]},
        "ApiKeyCreate": {"name": "new"},
        "DatasetCreate": {"name": "new", "space_id": mine.space, "examples": [{"a": 1}]},
        "DatasetUpdate": {"name": "new"},
        "DatasetExamplesInsert": {"examples": [{"a": 1}]},
        "DatasetExamplesSearch": {},
        "DatasetExamplesUpdate": {"examples": [{"id": mine.example, "a": 1}]},
        "DatasetExamplesDelete": {"dataset_version_id": mine.version, "example_ids": [NOWHERE_ID]},
        "DatasetDraftCreate": {"dataset_id": mine.dataset, "mode": "append", "examples": [{"a": 1}]},
        "DatasetDraftExamples": {"examples": [{"a": 1}]},
        "DatasetSchema": {"example_schema": {"type": "object"}},
        "ExperimentCreate": {"name": "new", "dataset_id": mine.dataset, "experiment_runs": [run]},
        "ExperimentRunsInsert": {"experiment_runs": [run]},
        "ExperimentRunsSearch": {},
    }
    return known[operation.body.__name__]


def body_values(operation: Operation, name: str, world: World) -> list[tuple[str, str]]:
    """Pairs of theirs and nowhere for a field of a body."""
    theirs = world.theirs
    if name == "cursor":
        return query_values(operation, name, world)
    if name == "examples" and operation.id != "datasets_examples_update":
        return []  # new ones, which are the caller's
    return {
        "project_id": [(theirs.space, NOWHERE_ID), (theirs.project, "nowhere")],
        "space_id": [(theirs.space, NOWHERE_ID), (theirs.project, "nowhere")],
        "dataset_id": [(theirs.dataset, NOWHERE_ID)],
        "dataset_version_id": [(theirs.version, NOWHERE_ID)],
        "examples": [(theirs.example, NOWHERE_ID)],
        "example_ids": [(theirs.example, NOWHERE_ID)],
        "filter": [(f"id = '{one}'", f"id = '{NOWHERE_ID}'") for one in (theirs.example, theirs.run)],
        "projects": [(theirs.space, NOWHERE_ID), (theirs.project, "nowhere")],
        "experiment_runs": [(theirs.example, NOWHERE_ID)],
        "name": [(f"name {theirs.mark}", f"free {operation.id}"), (f"set {theirs.mark}", f"open {operation.id}")],
        "slug": [(theirs.slug, "plinthvex/slug")],
        "prompt_ids": [(theirs.prompt, NOWHERE_UUID), (theirs.slug, "plinthvex/slug")],
        "prompt_id": [(theirs.prompt, NOWHERE_UUID), (theirs.slug, "plinthvex/slug")],
        "label": [(f"{theirs.mark}-label", "plinthvex-label")],
        "labels": [(f"{theirs.mark}-label", "plinthvex-label")],
        "content": [(f"{{{{> {theirs.slug}@1.0.0 }}}}", "{{> plinthvex/slug@1.0.0 }}")],
        "batch_id": [(f"{theirs.mark}-batch", f"nowhere-{operation.id}-batch")],
    }.get(name, [])


def put_in_path(name: str) -> Callable[[Request, str], None]:
    def put(request: Request, value: str) -> None:
        request.path[name] = value

    return put


def put_in_query(name: str) -> Callable[[Request, str], None]:
    def put(request: Request, value: str) -> None:
        request.query[name] = value

    return put


def put_examples(world: World) -> Callable[[Request, str], None]:
    theirs = world.theirs

    def put(request: Request, value: str) -> None:
        known = value == theirs.dataset
        request.path["dataset_id"] = value
        request.body = {
            "dataset_version_id": theirs.version if known else NOWHERE_ID,
            "example_ids": [theirs.example if known else NOWHERE_ID],
        }

    return put


def put_in_body(name: str) -> Callable[[Request, str], None]:
    def put(request: Request, value: str) -> None:
        assert request.body is not None
        if name == "experiment_runs":
            request.body[name][0]["example_id"] = value
            return
        if name == "examples":
            request.body[name][0]["id"] = value
            return
        if name == "labels":
            request.body[name] = {request.body["prompt_ids"][0]: value}
            return
        request.body[name] = [value] if name in {"prompt_ids", "projects", "example_ids"} else value
        if name == "name" and "mode" in request.body:  # a draft is of a new dataset or of one that is there
            del request.body["dataset_id"], request.body["mode"]
        if name == "space_id":  # an experiment has a dataset or a space
            request.body.pop("dataset_id", None)

    return put


def places(operation: Operation, world: World) -> Iterator[Place]:
    for name in re.findall(r"{(\w+):str}", operation.path):
        for theirs, nowhere in path_values(name, world)[1]:
            yield Place(f"path {name}", put_in_path(name), theirs, nowhere)
    for name in operation.query.__struct_fields__:
        for theirs, nowhere in query_values(operation, name, world):
            yield Place(f"query {name}", put_in_query(name), theirs, nowhere)
    for name in operation.body.__struct_fields__ if operation.body is not None else ():
        for theirs, nowhere in body_values(operation, name, world):
            yield Place(f"body {name}", put_in_body(name), theirs, nowhere)
    if operation.id == "datasets_examples_delete":
        owner, put = world.theirs, put_examples(world)
        yield Place("dataset, version and example", put, owner.dataset, NOWHERE_ID, owner.version, owner.example)
    if takes_key(operation):
        yield Place("idempotency key", put_key, f"{world.theirs.mark}-{operation.id}", f"nowhere-{operation.id}")


def takes_key(operation: Operation) -> bool:
    return any(name == "Idempotency-Key" for name, _ in operation.headers)


def put_key(request: Request, value: str) -> None:
    request.key = value


INCLUDED = re.compile(r"{{> (\S+)@")
TIME_LIKE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\"(?:latency|processing_time)_ms\":[\d.]+")


def plain(answer: httpx.Response) -> tuple[int, str]:
    """Status and body without request id and time."""
    return answer.status_code, re.sub(r'"request_id":"[^"]*"', "", TIME_LIKE.sub("", answer.text))


def comparable(operation: Operation, answer: httpx.Response, *values: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body without request id, time and the echo of what was asked for.

    The body of a write that was done is left out: it tells of what the caller just made.
    """
    status, body = plain(answer)
    for value in values:
        included = INCLUDED.search(value)
        for echoed in {value, json.dumps(value)[1:-1], *([] if included is None else [included[1]])}:
            body = body.replace(echoed, "<asked>")
    ours = {"x-request-id", "date", "content-length", "etag"}
    tells_of_itself = operation.method in {"POST", "PUT", "PATCH"} and operation.scope not in {
        Scope.PROMPTS_READ,
        Scope.TELEMETRY,
    }
    done = answer.is_success and tells_of_itself and operation.id not in TOLD
    return (
        status,
        {
            name: text
            for name, text in answer.headers.items()
            if name not in ours and not name.startswith("x-ratelimit-")
        },
        "" if done else body,
    )


def turn(operation: Operation) -> int:
    """Reads first, creates last: a name of theirs that is put into a create is mine from then on."""
    reads = operation.scope is Scope.PROMPTS_READ
    creates = operation.method == "POST" and not operation.path.count("{") and not reads
    if creates or operation.id == "prompts_labels_move":
        return 6
    if operation.id == "datasets_examples_delete":  # of a dataset that is there
        return 4
    return {"GET": 0, "PUT": 1, "PATCH": 2, "POST": 3, "DELETE": 5}[operation.method]


def leaks(world: World) -> list[str]:
    """Run the whole matrix; every way in which one project shows in the other's answers."""
    found: list[str] = []
    for operation in filter(takes_key, operations()):
        used = {"name": f"{world.theirs.mark} {operation.id}", "content": "x"}
        world.theirs.send("POST", "/v1/client/prompts", json=used, key=f"{world.theirs.mark}-{operation.id}")
    before = world.theirs.everything()
    assert {status for status, _ in before} == {200}
    for operation in sorted(operations(), key=turn):
        request_path = {name: path_values(name, world)[0] for name in re.findall(r"{(\w+):str}", operation.path)}
        for place in places(operation, world):
            answers: list[tuple[int, dict[str, str], str]] = []
            for number, value in enumerate((place.theirs, place.nowhere)):
                request = Request(operation, dict(request_path), deepcopy(own_body(operation, world)))
                # Names are taken by the first of the two requests, so each has its own.
                for field in {"name", "slug"} & set(request.body or {}):
                    assert request.body is not None
                    request.body[field] = f"new-{operation.id}-{place.where}-{place.nowhere}-{number}".replace(" ", "-")
                if operation.method == "DELETE" and place.where == "idempotency key":
                    request.path = {name: path_values(name, world)[1][0][1] for name in request_path}
                place.put(request, value)
                answer = request.send(world.mine)
                text = answer.text.replace(value, "")
                for echoed in place.below:
                    text = text.replace(echoed, "")
                found += [
                    f"{operation.id}, {place.where}: shows {secret}"
                    for secret in world.theirs.secrets()
                    if secret in text
                ]
                if answer.status_code >= 500 or "idempotency-replayed" in answer.headers:
                    found.append(f"{operation.id}, {place.where}: {answer.status_code} {answer.text}")
                answers.append(comparable(operation, answer, value, *place.below))
                deleted = operation.method == "DELETE" and answer.is_success  # always asked for what is not mine
                if deleted and (not answer.content or answer.json().get("deleted_example_ids") != []):
                    found.append(f"{operation.id}, {place.where}: deleted something")
            if answers[0] != answers[1]:
                found.append(f"{operation.id}, {place.where}: {answers[0]} is not {answers[1]}")
        if operation.method == "GET" and not operation.path.endswith(":str}"):
            listed = Request(operation, request_path, None).send(world.mine).text
            found += [f"{operation.id}: lists {secret}" for secret in world.theirs.secrets() if secret in listed]
    if world.theirs.everything() != before:
        found.append("the other project was changed")
    return found


def test_neither_key_reaches_anything_of_the_other_on_any_route(world: World) -> None:
    assert leaks(world) == []
    world.mine, world.theirs = world.theirs, world.mine
    assert leaks(world) == []


def test_the_matrix_fails_on_a_store_that_forgets_the_projects(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(alias: str) -> str:
        return f"({alias}.project_id IS NOT NULL)"

    monkeypatch.setattr(scope_module, "scope_clause", forgetful)
    found = leaks(world)
    reads = (
        "prompts_get",
        "datasets_get",
        "datasets_examples_list",
        "experiments_runs_list",
        "prompts_list",
        "dataset_drafts_get",
        *TOLD,
    )
    for reached in (
        *reads,
        "datasets_update",
        "prompts_labels_list",
        "prompts_labels_move",
        "prompts_history",
        "datasets_examples_delete, dataset, version and example: deleted something",
    ):
        assert any(line.startswith(reached) for line in found), reached


def test_every_route_of_the_application_is_in_the_matrix(world: World, tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path / "unused"))
    routes = {
        (route.path_format, str(method))
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
    }
    listed = {(re.sub(r":str}", "}", operation.path), operation.method) for operation in operations()}
    assert {pair for pair in routes if pair[1] not in FRAMEWORK_METHODS} == listed
    untouched = {"health_get", "models_list", "usage_limits", "auth_validate"}
    for operation in operations():
        assert operation.id in untouched or list(places(operation, world)), operation.id


def test_the_same_key_and_body_of_two_projects_are_two_writes(world: World) -> None:
    body = {"name": "shared", "content": "shared"}
    made = [tenant.send("POST", "/v1/client/prompts", json=body, key="shared") for tenant in (world.mine, world.theirs)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert "idempotency-replayed" not in made[1].headers
    assert made[0].json()["data"]["id"] != made[1].json()["data"]["id"]
    again = world.mine.send("POST", "/v1/client/prompts", json=body, key="shared")
    assert again.json() == made[0].json()


def test_framework_methods_answer_alike_for_any_id(world: World) -> None:
    for operation in operations():
        names = re.findall(r"{(\w+):str}", operation.path)
        answers = {
            world.mine.send("OPTIONS", re.sub(r"{\w+:str}", value, operation.path)).headers["allow"]
            for value in (world.mine.prompt, world.theirs.prompt, world.theirs.dataset, "nowhere")
        }
        assert len(answers) == 1, (operation.id, names)


def test_bodies_of_the_matrix_are_valid_in_themselves(world: World) -> None:
    for operation in operations():
        body = own_body(operation, world)
        if operation.body is not None:
            msgspec.convert(body, operation.body)
