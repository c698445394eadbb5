"""Large answers and large uploads leave the event loop to others."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, ParamSpec, TypeVar

import msgspec
import pytest
from promptops.core import AsyncRuntime, RuntimeConfig
from promptops.core.errors import InvalidResponseError
from promptops.core.messages import Response
from promptops.core.testing import FakeTransport, json_response
from promptops.core.transport import Attempt
from promptops.models import decoder
from promptops.phoenix import _answers, _http, _large
from promptops.phoenix._ids import global_id
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.datasets._resource import AsyncPhoenixDatasets
from promptops.phoenix.experiments._store import PhoenixExperimentStore

pytestmark = pytest.mark.anyio
P = ParamSpec("P")
T = TypeVar("T")
DATASET, WHEN = global_id("Dataset", 1), "2026-01-01T00:00:00+00:00"
SHARE = 0.5
"""Others have had their turn by this part of what it takes in one go, at the latest; measured are 4 to 20 %."""
READ, MADE, RUNS = 15_000, 6_000, 25_000
_EXAMPLE = {
    "id": "own",
    "node_id": global_id("DatasetExample", 1),
    "input": {f"field {number}": {"text": f"text {number}"} for number in range(30)},
    "output": {"answer": "yes"},
    "metadata": {},
    "updated_at": WHEN,
}
_FACTS: dict[str, Any] = {
    "id": DATASET,
    "name": "many",
    "description": None,
    "metadata": {},
    "created_at": WHEN,
    "updated_at": WHEN,
    "example_count": MADE,
}
_DONE = {"dataset_id": DATASET, "version_id": global_id("DatasetVersion", 1)}
_COUNTS = {"num_created_examples": 2000, "num_updated_examples": 0, "num_deleted_examples": 0}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def examples_body(count: int) -> bytes:
    """The answer that holds so many examples."""
    data: dict[str, Any] = {
        "dataset_id": DATASET,
        "version_id": global_id("DatasetVersion", 1),
        "filtered_splits": [],
        "examples": [],
    }
    start, end = msgspec.json.encode({"data": data}).split(b"[]}}")[0], b"}}"
    return start + b"[" + b",".join([msgspec.json.encode(_EXAMPLE)] * count) + b"]" + end


class OnTheLoop(AsyncRuntime):
    """A runtime without worker threads."""

    async def run_blocking(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)


def datasets(kind: type[AsyncRuntime], body: bytes = b"") -> AsyncPhoenixDatasets:
    """Datasets on a server that takes every upload, and sends this for the examples."""

    def answer(attempt: Attempt) -> Response:
        if "/examples" in attempt.target:
            return Response(status=200, headers={"content-type": "application/json"}, body=body)
        if "/versions" in attempt.target:
            return json_response({"data": [], "next_cursor": None})
        return json_response({"data": {**_DONE, **_COUNTS} if "/upload" in attempt.target else _FACTS})

    runtime = kind(RuntimeConfig(base_url="http://phoenix.test"), transport=FakeTransport(answer))
    version = ServerVersion(runtime)
    version.known = "20.26.1"
    return AsyncPhoenixDatasets(runtime, version=version)


@pytest.fixture
def _only_this_test() -> Iterator[None]:
    """What other tests left behind is not looked through when memory is collected, nor is anybody told of it.

    Those who are told (Hypothesis wants to be) would let other threads run in the midst of decoding.
    """
    told = gc.callbacks[:]
    gc.callbacks.clear()
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
    gc.callbacks[:] = told


async def longest_stall(call: Coroutine[Any, Any, object]) -> float:
    """The most seconds that this process computed without giving a task that wakes each millisecond its turn.

    Computing, not waiting: what other processes of this machine do does not count.
    """
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        last = time.process_time()
        while True:
            await asyncio.sleep(0.001)
            now = time.process_time()
            longest = max(longest, now - last)
            last = now

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.005)
    await call
    await asyncio.sleep(0.005)
    ticking.cancel()
    return longest


async def read(client: AsyncPhoenixDatasets) -> None:
    count = 0
    async for _ in client.iterate_examples(DATASET):
        count += 1
    assert count == READ


def answers_of_runs() -> tuple[Response, Response]:
    """The runs of an experiment, and its export with two evaluations of each."""
    times = {"start_time": WHEN, "end_time": WHEN}
    runs: list[dict[str, Any]] = []
    exported: list[dict[str, Any]] = []
    for number in range(1, RUNS + 1):
        unit = {"repetition_number": 1, "output": {"answer": "yes"}, **times}
        example = global_id("DatasetExample", number)
        ids = {"id": global_id("ExperimentRun", number), "experiment_id": global_id("Experiment", 1)}
        runs.append({**ids, **unit, "dataset_example_id": example})
        said = [{"name": name, "annotator_kind": "CODE", "score": 1.0, **times} for name in ("one", "two")]
        exported.append({**unit, "example_id": example, "annotations": said})
    return json_response({"data": runs[::-1], "next_cursor": None}), json_response(exported)


async def read_runs(kind: type[AsyncRuntime], page: Response, export: Response) -> None:
    def answer(attempt: Attempt) -> Response:
        return export if attempt.target.endswith("/json") else page

    runtime = kind(RuntimeConfig(base_url="http://phoenix.test"), transport=FakeTransport(answer))
    found = [run async for run in PhoenixExperimentStore(runtime).runs(global_id("Experiment", 1))]
    assert [run.example_id for run in found[:2]] == [global_id("DatasetExample", number) for number in (1, 2)]
    assert all(run.scores == {"one": 1.0, "two": 1.0} for run in found[-2:])
    assert len(found) == RUNS


async def create(client: AsyncPhoenixDatasets) -> None:
    row = {f"field {number}": {"text": f"text {number}"} for number in range(30)}
    assert (await client.create("many", (row for _ in range(MADE)))).id == DATASET


@pytest.mark.usefixtures("_only_this_test")
async def test_reading_many_examples_leaves_the_loop_to_others() -> None:
    body = examples_body(READ)
    assert len(body) > 13_000_000
    shared = await longest_stall(read(datasets(AsyncRuntime, body)))
    assert shared < SHARE * await longest_stall(read(datasets(OnTheLoop, body)))


@pytest.mark.usefixtures("_only_this_test")
async def test_creating_many_examples_leaves_the_loop_to_others() -> None:
    shared = await longest_stall(create(datasets(AsyncRuntime)))
    assert shared < SHARE * await longest_stall(create(datasets(OnTheLoop)))


@pytest.mark.usefixtures("_only_this_test")
async def test_reading_many_runs_leaves_the_loop_to_others() -> None:
    answers = answers_of_runs()
    shared = await longest_stall(read_runs(AsyncRuntime, *answers))
    assert shared < SHARE * await longest_stall(read_runs(OnTheLoop, *answers))


@pytest.mark.usefixtures("_only_this_test")
async def test_a_large_answer_is_decoded_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one call of the decoder lasts no other thread runs, the one of the loop neither."""
    body = examples_body(READ)
    in_pieces = await longest_stall(read(datasets(AsyncRuntime, body)))
    monkeypatch.setattr(_answers, "in_pieces", at_once)
    assert in_pieces < SHARE * await longest_stall(read(datasets(AsyncRuntime, body)))


def at_once(shape: Any, data: bytes) -> Any:
    return decoder(shape).decode(data)


class Item(msgspec.Struct, frozen=True):
    id: str
    score: float | None = None


class Page(msgspec.Struct, frozen=True, rename={"data": "the data"}):
    data: list[Item]
    next_cursor: str | None = None
    note: str = "none"


async def fetched(body: bytes, shape: Any) -> Any:
    answer = Response(status=200, headers={"content-type": "application/json"}, body=body)
    runtime = AsyncRuntime(RuntimeConfig(base_url="http://phoenix.test"), transport=FakeTransport([answer]))
    return await (_http.fetch_json(runtime, "/v1/x") if shape is Any else _http.fetch(runtime, "/v1/x", shape))


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (b' {"the data": [{"id": "a", "score": 0.5}, {"id": "b", "more": 1}] , "other": {}}', Page),
        (b'{"the data": [], "next_cursor": null, "note": "\\u2603"}', Page),
        (b'[{"a": [1, 2.5, null, true]}, [], "\\u2603"]', Any),
        (b'{"a": [1]}', Any),
    ],
)
async def test_large_answer_is_decoded_as_a_small_one(monkeypatch: pytest.MonkeyPatch, body: bytes, shape: Any) -> None:
    small = await fetched(body, shape)
    monkeypatch.setattr(_answers, "LARGE", 4)
    assert await fetched(body, shape) == small


async def test_large_answer_may_hold_numbers_beyond_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_answers, "LARGE", 4)
    assert await fetched(b'[{"score": Infinity}, 1]', Any) == [{"score": float("inf")}, 1]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"the data": [{"id": "a"}, {"id": 5}]}', r"\$.the data\[1\].id|\$.data\[1\].id"),
        (b'{"next_cursor": null}', "the data|data"),
        (b'{"the data": [{"id": "a"}', "not complete JSON"),
        (b'{"the data": [{"id": "a", "deep": ' + b"[" * 70 + b"]" * 70 + b"}]}", "deeper than 64"),
        (b'{"the data": null}', r"Expected `array`, got `null`"),
        (b"[]          ", "Expected `object`, got `array`"),
    ],
)
async def test_large_answer_of_another_form_is_refused_by_its_path(
    monkeypatch: pytest.MonkeyPatch, body: bytes, reason: str
) -> None:
    """As a small one is."""
    with pytest.raises(InvalidResponseError, match=reason) as small:
        await fetched(body, Page)
    monkeypatch.setattr(_answers, "LARGE", 4)
    with pytest.raises(InvalidResponseError) as large:
        await fetched(body, Page)
    assert str(large.value) == str(small.value)


async def test_few_items_are_converted_on_the_spot() -> None:
    """A thread would cost more than it saves."""
    runtime = AsyncRuntime(RuntimeConfig(base_url="http://phoenix.test"), transport=FakeTransport([]))
    sizes: list[int] = []

    def convert(items: Any) -> list[int]:
        sizes.append(len(items))
        return [-item for item in items]

    for count in (0, 1, 500, 501, 1200):
        found = [item async for item in _large.in_turns(runtime, list(range(count)), convert)]
        assert found == [-item for item in range(count)]
    assert sizes == [0, 1, 500, 500, 1, 500, 500, 200]
