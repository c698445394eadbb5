"""What the database decides, on the server that uses PostgreSQL: eight clients who write the same thing at once.

In SQLite one writer follows the other; here they really meet. Nothing is lost, nothing is stored twice, and whoever
comes too late is told so. (On a server of yours that uses SQLite these tests hold as well.)
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from promptops.core.errors import ConflictError, ServerError, ValidationError
from promptops.phoenix import PhoenixClient, SyncPhoenixClient
from promptops.phoenix.tracing import NewAnnotation, NewSpan

pytestmark = pytest.mark.anyio

CLIENTS = 8
ENDED = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
Unique = Callable[..., str]
AtOnce = Callable[[Callable[[Any, int], Any]], Awaitable[list[Any]]]


@pytest.fixture(params=["async", "sync"])
async def at_once(request: pytest.FixtureRequest, phoenix_auth: Any) -> AsyncIterator[AtOnce]:
    """Makes the same call in eight clients at once, tasks or threads: ``await at_once(lambda client, number: ...)``.

    What comes back are the results, and in the place of a result that there is none of, the error.
    """
    settings = {"base_url": phoenix_auth.url, "api_key": phoenix_auth.secret}
    if request.param == "async":
        many = [PhoenixClient(**settings) for _ in range(CLIENTS)]

        async def in_tasks(call: Callable[[Any, int], Any]) -> list[Any]:
            return await asyncio.gather(*(call(one, n) for n, one in enumerate(many)), return_exceptions=True)

        yield in_tasks
        for client in many:
            await client.aclose()
        return
    blocking = [SyncPhoenixClient(**settings) for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:

        async def in_threads(call: Callable[[Any, int], Any]) -> list[Any]:
            running = [pool.submit(call, one, number) for number, one in enumerate(blocking)]
            return [one.exception() or one.result() for one in running]

        yield in_threads
    for one in blocking:
        one.close()


@pytest.fixture
async def reader(phoenix_auth: Any) -> AsyncIterator[PhoenixClient]:
    """A client that looks at what the eight have done."""
    async with PhoenixClient(base_url=phoenix_auth.url, api_key=phoenix_auth.secret) as client:
        yield client


def kinds(results: Sequence[Any]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


async def test_one_of_eight_who_create_a_prompt_at_once_creates_it(
    at_once: AtOnce, reader: PhoenixClient, unique: Unique
) -> None:
    name = unique("prompt")
    made = await at_once(lambda client, number: client.prompts.create(name, content=f"text {number}"))

    assert kinds(made) in ({"PromptResponse": 1, "ConflictError": 7}, {"ConflictError": 8})
    stored = {version.version for version in await reader.prompts.versions(name)}
    told = {one.details.get("version") if isinstance(one, ConflictError) else one.version for one in made}
    assert stored <= told  # what became a version without being the first is known to the one who sent it


async def test_of_eight_changes_of_a_prompt_at_once_each_becomes_a_version_and_one_label_stays(
    at_once: AtOnce, reader: PhoenixClient, unique: Unique
) -> None:
    name = unique("prompt")
    await reader.prompts.create(name, content="text")
    made = await at_once(lambda client, number: client.prompts.update(name, content=f"text {number}"))
    assert kinds(made) == {"PromptResponse": CLIENTS}
    assert len({one.version for one in made}) == CLIENTS
    assert len(await reader.prompts.versions(name)) == CLIENTS + 1

    moved = await at_once(lambda client, number: client.prompts.set_label(name, "live", version=made[number].version))
    assert kinds(moved) == {"PromptLabel": CLIENTS}
    (label,) = await reader.prompts.labels(name)
    assert label.version in {one.version for one in made}
    assert (await reader.prompts.get(name, label="live")).version == label.version


async def test_one_of_eight_who_create_a_dataset_at_once_creates_it(
    at_once: AtOnce, reader: PhoenixClient, unique: Unique
) -> None:
    name = unique("dataset")
    made = await at_once(
        lambda client, number: client.datasets.create(name, [{"n": n, "by": number} for n in range(5)])
    )
    assert kinds(made) == {"PhoenixDataset": 1, "ConflictError": CLIENTS - 1}
    (winner,) = [one for one in made if not isinstance(one, Exception)]
    found = await reader.datasets.get(name)
    assert (found.id, found.example_count) == (winner.id, 5)


async def test_eight_appends_at_once_are_all_there_with_true_counts_in_the_order_of_versions(
    at_once: AtOnce, reader: PhoenixClient, unique: Unique
) -> None:
    name = unique("dataset")
    await reader.datasets.create(name, [{"n": -1}])
    done = await at_once(lambda client, number: client.datasets.append(name, [{"n": number}, {"n": 100 + number}]))
    assert kinds(done) == {"DatasetChanges": CLIENTS}
    assert all(one.inserted == 2 for one in done)
    assert Counter(example["n"] for example in await reader.datasets.examples(name)) == Counter(
        [-1, *range(CLIENTS), *range(100, 100 + CLIENTS)]
    )
    versions = await reader.datasets.versions(dataset=name)
    assert len(versions) == CLIENTS + 1
    assert {one.version_id for one in done} < {version.id for version in versions}

    same = await reader.datasets.upsert(name, [{"n": 3}])
    assert (same.changed, same.version_id) == (False, versions[0].id)
    changed = await reader.datasets.replace(name, [{"n": 3}, {"n": "new"}], allow_delete=2 * CLIENTS)
    assert (changed.inserted, changed.deleted, changed.unchanged) == (1, 2 * CLIENTS, 1)
    assert [example["n"] for example in await reader.datasets.examples(name, version=versions[-1].id)] == [-1]


async def test_replacements_at_once_do_not_pass_for_done_and_the_next_one_is(
    at_once: AtOnce, reader: PhoenixClient, unique: Unique
) -> None:
    name = unique("dataset")
    await reader.datasets.create(name, [{"n": number} for number in range(4)])
    done = await at_once(lambda client, number: client.datasets.replace(name, [{"by": number}], allow_delete=100))
    assert set(kinds(done)) <= {"DatasetChanges", "ConflictError"}
    assert not any("was deleted" in str(one) for one in done)
    # The server's own count of the examples may be wrong from here on.
    await reader.datasets.replace(name, [{"by": "reader"}], allow_delete=100)
    assert [dict(example.fields) for example in await reader.datasets.examples(name)] == [{"by": "reader"}]


async def test_a_run_posted_by_eight_at_once_is_one_row_and_a_failed_one_is_replaced(
    at_once: AtOnce, reader: PhoenixClient, unique: Unique
) -> None:
    name = unique("dataset")
    await reader.datasets.create(name, [{"n": number} for number in range(2)])
    first, second = await reader.datasets.examples(name)
    experiment = (await reader.experiments.create_empty(name=unique("experiment"), dataset=name)).id
    times: dict[str, Any] = {"start_time": ENDED - timedelta(seconds=1), "end_time": ENDED}

    def post(client: Any, _: int) -> Any:
        return client.experiments.log_run(experiment=experiment, example_id=first.id, output="the same", **times)

    (run_id,) = set(await at_once(post))
    failed = await reader.experiments.log_run(
        experiment=experiment, example_id=second.id, output=None, error="failed", **times
    )
    replaced = await reader.experiments.log_run(experiment=experiment, example_id=second.id, output="mended", **times)
    assert replaced == failed
    assert len(set(await at_once(lambda client, n: evaluate(client, run_id, n)))) == 1
    rows = {run.example_id: run for run in await reader.experiments.runs(experiment)}
    assert {row.output for row in rows.values()} == {"the same", "mended"}
    assert rows[second.id].error is None
    assert rows[first.id].evaluations["judged"].score in range(CLIENTS)


def evaluate(client: Any, run_id: str, number: int) -> Any:
    return client.experiments.log_evaluation(run_id=run_id, name="judged", score=float(number))


async def test_spans_and_annotations_of_eight_at_once_are_stored_once_each(
    at_once: AtOnce, reader: PhoenixClient, unique: Unique
) -> None:
    project = unique("project")
    await reader.projects.create(name=project)
    spans = [
        NewSpan(name=f"span {n}", start_time=ENDED, end_time=ENDED + timedelta(microseconds=n + 1)) for n in range(8)
    ]
    logged = await at_once(lambda client, n: client.spans.log(project=project, spans=[spans[n]], wait=60))
    assert kinds(logged) == {"LoggedSpans": CLIENTS}
    found = await reader.spans.list(project=project)
    assert {(one.name, one.start_time, one.end_time) for one in found} == {
        (one.name, one.start_time, one.end_time) for one in spans
    }

    def annotate(client: Any, number: int) -> Any:
        made = NewAnnotation(name="quality", span_id=spans[0].span_id, score=float(number))
        return client.annotations.add_many(annotations=[made])

    assert len({str(ids[0]) for ids in await at_once(annotate)}) == 1
    (annotation,) = await reader.annotations.list(project=project, span_ids=[spans[0].span_id])
    assert annotation.score in range(CLIENTS)


def plainly_read(server: Any, name: str, number: float) -> tuple[bool, int]:
    """Whether a server uses PostgreSQL, and its answer when a dataset with a number is read."""
    once = httpx.Limits(max_keepalive_connections=0)
    headers = {"authorization": f"Bearer {server.secret}"}
    with httpx.Client(base_url=f"{server.url}/v1/datasets", headers=headers, timeout=60, limits=once) as plain:
        made = plain.post("/upload", params={"sync": True}, json={"name": name, "inputs": [{"x": number}]})
        dataset = made.raise_for_status().json()["data"]["dataset_id"]
        read = plain.get(f"/{dataset}/examples").status_code
        created = datetime.fromisoformat(plain.get(f"/{dataset}").json()["data"]["created_at"])
        plain.delete(f"/{dataset}").raise_for_status()
    return created.microsecond != 0, read


def bounded(most: float) -> dict[str, Any]:
    """A response format whose schema has a limit."""
    schema = {"type": "object", "properties": {"x": {"type": "number", "maximum": most}}}
    return {"type": "json_schema", "name": "answer", "schema": schema}


async def test_a_float_that_postgresql_would_make_a_whole_number_of_spoils_nothing(
    phoenix_admin: PhoenixClient, phoenix_auth: Any, unique: Unique
) -> None:
    """The plain upload is the control: one that uses PostgreSQL takes the float, and then cannot read its dataset."""
    assert plainly_read(phoenix_auth, unique("spoilt"), 1e20) in ((True, 500), (False, 200))

    name, numbers = unique("kept"), [1e20, -1.5e300, 2.0**64, 5e-324, 1e15]
    await phoenix_admin.datasets.create(name, [{"numbers": numbers}])
    (example,) = await phoenix_admin.datasets.examples(name)
    assert [repr(number) for number in example["numbers"]] == [repr(number) for number in numbers]
    prompt = unique("p")
    await phoenix_admin.prompts.create(prompt, content="text")
    for call in (
        phoenix_admin.prompts.update_prompt(name=prompt, metadata={"a": 1e20}),
        phoenix_admin.experiments.create_empty(name=unique("e"), dataset=name, metadata={"a": [1e20]}),
        phoenix_admin.prompts.create(unique("p"), content="text", metadata={"a": 1e20}),
        phoenix_admin.prompts.create(unique("p"), content="text", response_format=bounded(1e20)),
        phoenix_admin.annotations.add(name="rated", session_id=unique("s"), score=1e20, metadata={"a": 1e20}),
    ):
        with pytest.raises(ValidationError, match="64 bits"):
            await call


async def test_a_nul_that_postgresql_cannot_store_is_named_beside_the_failure(
    phoenix_admin: PhoenixClient, unique: Unique
) -> None:
    name = unique("nul")
    notes: list[str] = []
    try:
        await phoenix_admin.datasets.create(name, [{"text": "a\0b"}])
        notes += [
            f"NUL stored: {example['text']!r}" for example in await phoenix_admin.datasets.examples(name)
        ]  # SQLite
    except ServerError as error:
        notes += error.__notes__
    assert any("NUL" in note for note in notes)

    await phoenix_admin.datasets.create(f"{name}-rows", [{"number": 1}])
    (example,) = await phoenix_admin.datasets.examples(f"{name}-rows")
    made = await phoenix_admin.experiments.create_empty(name=name, dataset=f"{name}-rows")
    with ExitStack() as stack:
        stored = any("NUL stored" in note for note in notes)
        if not stored:
            stack.enter_context(pytest.raises(ValidationError, match="NUL character"))
        await phoenix_admin.experiments.insert_runs(made.id, [{"example_id": example.id, "output": "a\0b"}])
    assert [run.output for run in await phoenix_admin.experiments.runs(made.id)] == ["a\0b"] * stored

    span = NewSpan(name="annotated")
    await phoenix_admin.spans.log(project=name, spans=[span], wait=60)
    notes.clear()
    try:
        await phoenix_admin.annotations.add(name="rated", span_id=span.span_id, explanation="a\0b")
    except ServerError as error:
        notes += error.__notes__
    assert stored or any("NUL" in note for note in notes)
