"""A server in memory behind the port of the runtimes, so that these tests need no other package."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from promptops.core.errors import ConflictError, NotFoundError
from promptops.core.messages import Request, Response
from promptops.core.runtime import Runtime, StreamedResponse
from promptops.experiments import AsyncDatasets, AsyncExperiments, SyncDatasets, SyncExperiments

NOW = datetime(2026, 1, 1, tzinfo=UTC).isoformat()


def make_id(kind: str, number: int) -> str:
    return base64.b64encode(f"{kind}:{number:06d}".encode()).decode()


class MemoryServer:
    """Answers the part of ``/v2`` that the resources use; never suspends, so both facades can stand on it."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.before: Callable[[Request], None] | None = None
        self.spaces = [{"id": make_id("Space", 1), "name": "default"}]
        self.datasets: list[dict[str, Any]] = []
        self.examples: dict[str, list[dict[str, Any]]] = {}
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.experiments: list[dict[str, Any]] = []
        self.runs: dict[str, list[dict[str, Any]]] = {}
        self.slept: list[float] = []
        self.drafts: dict[str, dict[str, Any]] = {}
        self._replays: dict[str, Response] = {}
        self._count = 0

    def sent(self, method: str, part: str = "") -> list[Request]:
        return [request for request in self.requests if request.method == method and part in request.path]

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        if self.before is not None:
            self.before(request)
        if request.idempotency_key in self._replays:
            return self._replays[request.idempotency_key]
        answer = self._answer(request)
        body = b"" if answer is None else msgspec.json.encode(answer)
        response = Response(status=200 if answer is not None else 204, headers={}, body=body)
        if request.idempotency_key is not None:
            self._replays[request.idempotency_key] = response
        return response

    def _answer(self, request: Request) -> dict[str, Any] | None:
        query = dict(request.query)
        body: dict[str, Any] = msgspec.json.decode(request.body) if request.body else {}
        match [request.method, *[unquote(part) for part in request.path.split("/")[2:]]]:
            case ["GET", "spaces"]:
                return _paged("spaces", [_space(space) for space in _named(self.spaces, query)], query)
            case ["GET", "datasets"]:
                scoped = [item for item in self.datasets if query.get("space_id") in {None, item["space_id"]}]
                return _paged("datasets", _named(scoped, query), query)
            case ["POST", "datasets"]:
                return self._new_dataset(body)
            case ["GET", "datasets", dataset_id]:
                return {**_one(self.datasets, dataset_id), "versions": []}
            case ["DELETE", "datasets", dataset_id]:
                self.datasets.remove(_one(self.datasets, dataset_id))
                return None
            case ["GET", "datasets", dataset_id, "examples"]:
                version = self.versions.get(query.get("dataset_version_id", ""), self.examples[dataset_id])
                return _paged("examples", version, query)
            case ["POST", "datasets", dataset_id, "examples"]:
                ids = self._add_examples(dataset_id, body["examples"])
                return {**_one(self.datasets, dataset_id), "dataset_version_id": "v1", "example_ids": ids}
            case ["POST", "dataset-drafts"]:
                draft: dict[str, Any] = {"id": make_id("DatasetVersion", self._next()), "rows": [], **body}
                self.drafts[draft["id"]] = draft
                return self._draft(draft, body["examples"])
            case ["POST", "dataset-drafts", draft_id, "examples"]:
                return self._draft(self.drafts[draft_id], body["examples"])
            case ["POST", "dataset-drafts", draft_id, "publish"]:
                return self._draft({**self.drafts[draft_id], "publish": True}, [])
            case ["DELETE", "dataset-drafts", draft_id]:
                del self.drafts[draft_id]
                return None
            case ["GET", "experiments"]:
                scoped = [item for item in self.experiments if query.get("dataset_id") in {None, item["dataset_id"]}]
                return _paged("experiments", _named(scoped, query), query)
            case ["POST", "experiments"]:
                return self._new_experiment(body)
            case ["GET", "experiments", experiment_id]:
                return _one(self.experiments, experiment_id)
            case ["DELETE", "experiments", experiment_id]:
                self.experiments.remove(_one(self.experiments, experiment_id))
                return None
            case ["GET", "experiments", experiment_id, "runs"]:
                return _paged("experiment_runs", self.runs[experiment_id], query)
            case ["POST", "experiments", experiment_id, "runs"]:
                ids = self._add_runs(experiment_id, body["experiment_runs"])
                return {**_one(self.experiments, experiment_id), "run_ids": ids}
            case other:
                raise AssertionError(f"no such route: {other}")

    def _new_dataset(self, body: dict[str, Any], *, most: int | None = 1000) -> dict[str, Any]:
        if any(item["name"] == body["name"] for item in self.datasets):
            raise ConflictError(f"a dataset is named {body['name']!r}")
        dataset: dict[str, Any] = {
            "id": make_id("Dataset", self._next()),
            "name": body["name"],
            "space_id": body.get("space_id", self.spaces[0]["id"]),
            "created_at": NOW,
            "updated_at": NOW,
        }
        self.datasets.insert(0, dataset)
        self._add_examples(dataset["id"], body["examples"], most=most)
        return dataset

    def _draft(self, draft: dict[str, Any], examples: list[dict[str, Any]]) -> dict[str, Any]:
        """Draws a draft of a new dataset, or one that appends; the rules are the real server's business."""
        draft["rows"] += examples
        told: dict[str, Any] = {
            "id": draft["id"],
            "dataset_id": draft.get("dataset_id", ""),
            "name": draft.get("name", ""),
            "space_id": "",
            "mode": draft.get("mode", "create"),
            "created_at": NOW,
        }
        if not draft.get("publish"):
            return told
        if "name" in draft:
            facts: dict[str, Any] = {key: draft[key] for key in ("name", "space_id") if key in draft}
            told["dataset_id"] = self._new_dataset({**facts, "examples": draft["rows"]}, most=None)["id"]
        else:
            self._add_examples(draft["dataset_id"], draft["rows"], most=None)
        count = len(draft["rows"])
        change: dict[str, Any] = {
            "inserted": count,
            "updated": 0,
            "unchanged": 0,
            "deleted": 0,
            "total": count,
            "deleted_ids": [],
        }
        return {**told, "dataset_version_id": draft["id"], "change": change}

    def _new_experiment(self, body: dict[str, Any]) -> dict[str, Any]:
        if any(item["name"] == body["name"] and item["dataset_id"] == body["dataset_id"] for item in self.experiments):
            raise ConflictError(f"an experiment is named {body['name']!r}")
        experiment: dict[str, Any] = {
            "id": make_id("Experiment", self._next()),
            "name": body["name"],
            "space_id": make_id("Space", 1),
            "dataset_id": body["dataset_id"],
            "dataset_version_id": None,
            "created_at": NOW,
            "updated_at": NOW,
        }
        self.experiments.insert(0, experiment)
        self._add_runs(experiment["id"], body["experiment_runs"])
        return experiment

    def _add_examples(self, dataset_id: str, examples: list[dict[str, Any]], *, most: int | None = 1000) -> list[str]:
        assert len(examples) >= 1
        assert most is None or len(examples) <= most
        added: list[dict[str, Any]] = [
            {"id": f"ex-{self._next()}", "created_at": NOW, "updated_at": NOW, **item} for item in examples
        ]
        self.examples.setdefault(dataset_id, []).extend(added)
        return [item["id"] for item in added]

    def _add_runs(self, experiment_id: str, runs: list[dict[str, Any]]) -> list[str]:
        assert 1 <= len(runs) <= 1000
        assert all(isinstance(run["output"], str) for run in runs)
        added: list[dict[str, Any]] = [{"id": f"run-{self._next()}", "error": None, **item} for item in runs]
        self.runs.setdefault(experiment_id, []).extend(added)
        return [item["id"] for item in added]

    def _next(self) -> int:
        self._count += 1
        return self._count

    def stream(self, request: Request) -> AbstractAsyncContextManager[StreamedResponse]:
        raise AssertionError("nothing here streams")

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def lock(self) -> AbstractAsyncContextManager[Any]:
        raise AssertionError("nothing here locks")

    def deadline(self, seconds: float) -> AbstractContextManager[Any]:
        return nullcontext()

    async def gather(self, *thunks: Any, limit: int | None = None) -> Any:
        raise AssertionError("nothing here gathers")

    async def run_blocking(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    async def aclose(self) -> None:
        return


def _space(space: dict[str, Any]) -> dict[str, Any]:
    return {**space, "description": "", "created_at": NOW, "is_private": False}


def _named(items: Iterable[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    return [item for item in items if query.get("name", "").lower() in item["name"].lower()]


def _one(items: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    for item in items:
        if item["id"] == wanted:
            return item
    raise NotFoundError(f"there is no {wanted}")


def _paged(field: str, items: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    start = int(query.get("cursor", "0"))
    end = start + int(query["limit"])
    more = end < len(items)
    pagination: dict[str, Any] = {"has_more": more, **({"next_cursor": str(end)} if more else {})}
    return {field: items[start:end], "pagination": pagination}


@pytest.fixture(autouse=True)
def journal_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the journal of this test lies."""
    path = tmp_path / "journal.sqlite3"
    monkeypatch.setenv("PROMPTOPS_JOURNAL", str(path))
    return path


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


@pytest.fixture
def runtime(server: MemoryServer) -> Runtime:
    return server


@pytest.fixture
def datasets(runtime: Runtime) -> SyncDatasets:
    return SyncDatasets(AsyncDatasets(runtime))


@pytest.fixture
def experiments(runtime: Runtime) -> SyncExperiments:
    return SyncExperiments(AsyncExperiments(runtime))


@pytest.fixture
def async_experiments(runtime: Runtime) -> AsyncExperiments:
    return AsyncExperiments(runtime)


@pytest.fixture
def questions(datasets: SyncDatasets) -> str:
    """The name of a dataset of ten questions."""
    datasets.create("questions", [{"question": f"{i} + {i}", "expected": str(2 * i)} for i in range(10)])
    return "questions"
