"""Changes of datasets against a running server: append, update, upsert, replace, splits, files; both facades."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from promptops.client import ConflictError, NotFoundError, PromptOpsClient, SyncPromptOpsClient, ValidationError
from promptops.experiments.datasets import SPLIT, RowsError, read_examples, write_examples

pytestmark = pytest.mark.anyio
Unique = Callable[[str], str]


def numbered(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"key": f"k{n}", "n": n} for n in range(start, start + count)]


async def values(client: PromptOpsClient, dataset: str, **which: Any) -> dict[str, Any]:
    return {example.id: example["n"] for example in await client.datasets.examples(dataset, **which)}


@pytest.fixture(params=[3, 1203], ids=["one request", "several requests"])
def count(request: pytest.FixtureRequest) -> int:
    """How many examples a dataset has: all changes mean the same in one request and in several."""
    found: int = request.param
    return found


async def test_given_ids_stay_and_an_experiment_keeps_its_version(
    client: PromptOpsClient, unique: Unique, count: int
) -> None:
    name = unique("kept")
    made = await client.datasets.create(name, numbered(count), id_column="key")
    run = {"example_id": "k1", "output": "x"}
    experiment = await client.experiments.create(unique("x"), dataset=made.id, runs=[run])
    done = await client.datasets.append(name, [{"key": "new", "n": -1}], id_column="key")
    assert (done.inserted, done.total, done.changed) == (1, count + 1, True)
    assert await values(client, name) == {**{f"k{n}": n for n in range(count)}, "new": -1}
    assert len(await values(client, name, version=experiment.dataset_version_id)) == count
    assert len(await values(client, name, version="v1")) == count
    with pytest.raises(NotFoundError, match="v1"):
        await values(client, name, version="v9")


async def test_a_second_append_of_the_same_rows_is_as_many_more(
    client: PromptOpsClient, unique: Unique, count: int
) -> None:
    name = unique("twice")
    rows = [{"n": n} for n in range(count)]
    await client.datasets.create(name, rows)
    done = await client.datasets.append(name, rows)
    assert (done.inserted, done.total) == (count, 2 * count)
    assert len(await values(client, name)) == 2 * count


async def test_an_update_names_ids_that_are_not_there_and_changes_nothing(
    client: PromptOpsClient, unique: Unique, count: int
) -> None:
    name = unique("updated")
    await client.datasets.create(name, numbered(count), id_column="key")
    changed = [{"id": f"k{n}", "n": n + 1000} for n in range(count)]
    with pytest.raises(ValidationError, match="nobody") as caught:
        await client.datasets.update(name, [*changed, {"id": "nobody", "n": 1}])
    assert caught.value.validation_errors[0]["field"] == f"examples[{count}].id"
    assert len((await client.datasets.get(name)).versions or ()) == 1
    done = await client.datasets.update(name, changed)
    assert (done.updated, done.inserted, done.total) == (count, 0, count)
    assert await values(client, name) == {f"k{n}": n + 1000 for n in range(count)}


async def test_an_upsert_counts_what_it_did(client: PromptOpsClient, unique: Unique, count: int) -> None:
    name = unique("upserted")
    await client.datasets.create(name, numbered(count), id_column="key")
    rows = [{"key": "k0", "n": -1}, *numbered(count + 1)[1:]]
    done = await client.datasets.upsert(name, rows, id_column="key")
    assert (done.inserted, done.updated, done.unchanged, done.total) == (1, 1, count - 1, count + 1)
    again = await client.datasets.upsert(name, rows, id_column="key")
    assert (again.changed, again.unchanged, again.version_id) == (False, count + 1, done.version_id)
    by_content = await client.datasets.upsert(name, [{"n": 1}, {"n": 1}, {"n": -7}])
    assert (by_content.inserted, by_content.updated, by_content.unchanged) == (1, 0, 2)


async def test_a_replacement_says_what_it_deletes_and_does_it_when_told_to(
    client: PromptOpsClient, unique: Unique, count: int
) -> None:
    name = unique("replaced")
    await client.datasets.create(name, numbered(count), id_column="key")
    rows = numbered(count, start=2)
    with pytest.raises(ValidationError, match=r"2 examples would be deleted \(k0, k1\).*allow_delete=2"):
        await client.datasets.replace(name, rows, id_column="key")
    plan = await client.datasets.plan_replace(name, rows, id_column="key")
    assert (plan.inserted, plan.unchanged, plan.deleted, plan.deleted_ids) == (2, count - 2, 2, ("k0", "k1"))
    assert len(await values(client, name)) == count
    done = await client.datasets.replace(name, confirm=plan)
    assert (done.deleted, done.total) == (2, count)
    assert list(await values(client, name)) == [row["key"] for row in rows]
    done = await client.datasets.replace(name, rows[1:], allow_delete=1, id_column="key")
    assert (done.deleted, done.total) == (1, count - 1)


async def test_a_plan_is_good_until_somebody_else_changes_the_dataset(client: PromptOpsClient, unique: Unique) -> None:
    name, other = unique("planned"), unique("other")
    for dataset in (name, other):
        await client.datasets.create(dataset, numbered(3), id_column="key")
    plan = await client.datasets.plan_replace(name, numbered(1), id_column="key")
    with pytest.raises(ValidationError, match="another dataset"):
        await client.datasets.replace(other, confirm=plan)
    await client.datasets.append(name, [{"n": 9}])
    with pytest.raises(ConflictError, match="was changed after"):
        await client.datasets.replace(name, confirm=plan.token)
    assert len(await values(client, name)) == 4
    await client.datasets.discard_plan(plan)
    with pytest.raises(NotFoundError):
        await client.datasets.discard_plan(plan)


async def test_the_server_keeps_the_schema_for_later_examples(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("schema")
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    made = await client.datasets.create(name, [{"n": 1}], schema=schema)
    assert made.example_schema == schema
    for verb in (client.datasets.append, client.datasets.upsert, client.datasets.insert):
        with pytest.raises(ValidationError, match=r"examples\[1\].n"):
            await verb(name, [{"n": 2}, {"n": "three"}])
    with pytest.raises(ValidationError, match=r"examples\[1100\].n"):
        await client.datasets.append(name, [{"n": n if n != 1100 else None} for n in range(1200)])
    await client.datasets.set_schema(name, None)
    await client.datasets.append(name, [{"n": "three"}])
    assert len(await client.datasets.examples(name)) == 2


async def test_splits_are_stable_when_examples_are_added(client: PromptOpsClient, unique: Unique, count: int) -> None:
    name = unique("split")
    shares = {"train": 0.7, "test": 0.2}
    await client.datasets.create(name, numbered(count), id_column="key")
    await client.datasets.assign_split(name, shares, seed=3)
    before = {example.id: example.get(SPLIT) for example in await client.datasets.examples(name)}
    await client.datasets.append(name, numbered(50, start=count), id_column="key")
    done = await client.datasets.assign_split(name, shares, seed=3)
    after = {example.id: example.get(SPLIT) for example in await client.datasets.examples(name)}
    assert {key: after[key] for key in before} == before
    assert done.updated == sum(after[key] is not None for key in after.keys() - before.keys())
    assert (await client.datasets.assign_split(name, shares, seed=3)).changed is False
    counts = await client.datasets.splits(name)
    assert sum(counts.values()) == count + 50
    for split in ("train", "test"):
        listed = await values(client, name, split=split)
        assert set(listed) == {key for key, found in after.items() if found == split}
        assert len(listed) == counts[split]


@pytest.mark.parametrize("ending", ["jsonl", "json", "parquet", "csv"])
async def test_an_exported_file_upserts_without_a_change(
    client: PromptOpsClient, unique: Unique, tmp_path: Path, ending: str
) -> None:
    name = unique("exported")
    rows = [{"q": f'{n}\n"é"', "tags": f"t{n}"} for n in range(612)]
    await client.datasets.create(name, rows)
    await client.datasets.assign_split(name, {"train": 1.0})
    path = tmp_path / f"rows.{ending}"
    assert await client.datasets.export(name, path) == 612
    done = await client.datasets.upsert(name, read_examples(path, id_column="id"))
    assert (done.changed, done.unchanged) == (False, 612)
    plan = await client.datasets.plan_replace(name, read_examples(path, id_column="id"))
    assert (plan.inserted, plan.updated, plan.deleted) == (0, 0, 0)
    copy = unique("copy")
    await client.datasets.create(copy, read_examples(path, id_column="id"))
    pairs = zip(await client.datasets.examples(name), await client.datasets.examples(copy), strict=True)
    assert all((one.id, one.fields) == (other.id, other.fields) for one, other in pairs)
    assert await client.datasets.export(name, path, split="test") == 0


async def test_wrong_rows_of_a_file_are_named_and_no_dataset_is_made(
    client: PromptOpsClient, unique: Unique, tmp_path: Path
) -> None:
    name = unique("wrong")
    path = tmp_path / "rows.csv"
    path.write_text("q,n\na,1\nb,two\nc,3\nd,four\n", encoding="utf-8")
    with pytest.raises(RowsError, match=r"row 2 \(line 3\), n: must be a whole number; row 4"):
        await client.datasets.create(name, read_examples(path, types={"n": int}))
    with pytest.raises(NotFoundError):
        await client.datasets.get(name)


async def test_examples_of_one_dataset_make_another_with_the_same_ids(client: PromptOpsClient, unique: Unique) -> None:
    first, second = unique("first"), unique("second")
    await client.datasets.create(first, numbered(4), id_column="key")
    await client.datasets.create(second, await client.datasets.examples(first), id_column="id")
    assert await values(client, second) == await values(client, first)


async def test_two_writers_upsert_at_once_and_nothing_is_lost_or_doubled(
    make_client: Any, open_server: Any, unique: Unique
) -> None:
    name = unique("raced")
    rows = [[{"key": f"k{n}", "n": n} for n in range(part * 700, part * 700 + 1400)] for part in range(3)]

    def upsert(part: list[dict[str, Any]]) -> int:
        with SyncPromptOpsClient(open_server.config()) as client:
            return client.datasets.upsert(name, part, id_column="key").inserted

    client = make_client(open_server.config())
    await client.datasets.create(name, [{"key": "first", "n": -1}], id_column="key")
    inserted = await asyncio.gather(*(asyncio.to_thread(upsert, part) for part in rows))
    found = await values(client, name)
    assert found == {"first": -1, **{f"k{n}": n for n in range(2800)}}
    assert sum(inserted) == 2800
    # A writer whose rows the others had brought already made no version.
    assert len((await client.datasets.get(name)).versions or ()) == 1 + sum(map(bool, inserted))


async def test_readers_never_see_half_a_version(make_client: Any, open_server: Any, unique: Unique) -> None:
    name = unique("whole")
    client = make_client(open_server.config())
    await client.datasets.create(name, [{"n": 0}])
    seen: set[int] = set()

    def grow() -> None:
        with SyncPromptOpsClient(open_server.config()) as writer:
            writer.datasets.append(name, [{"n": n} for n in range(1, 5001)])

    growing = asyncio.create_task(asyncio.to_thread(grow))
    while not growing.done():
        seen.add(len(await asyncio.to_thread(count_of, open_server, name)))
    await growing
    seen.add(len(await values(client, name)))
    assert seen == {1, 5001}


def count_of(server: Any, name: str) -> list[Any]:
    with SyncPromptOpsClient(server.config()) as reader:
        version = reader.datasets.get(name).versions
        assert isinstance(version, list)
        return reader.datasets.examples(name, version=version[0].id)


ROUND_TRIP = """
import sys
from pathlib import Path
from promptops.client import SyncPromptOpsClient
from promptops.experiments.datasets import read_examples
url, name, source, target = sys.argv[1:]
with SyncPromptOpsClient(base_url=url) as client:
    client.datasets.create(name, read_examples(source, id_column="key"))
    client.datasets.export(name, target)
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


def test_memory_of_an_import_and_an_export_hardly_grows_with_the_examples(
    open_server: Any, unique: Unique, tmp_path: Path
) -> None:
    # 200,000 examples may take 300 MiB: here a tenth of them, and a tenth of what they may take beyond the program.
    peaks: list[int] = []
    for count in (100, 20_000):
        source = tmp_path / f"{count}.jsonl"
        write_examples(({"key": f"k{n}", "text": "x" * 300, "meta": {"n": n}} for n in range(count)), source)
        arguments = [open_server.url, unique("large"), str(source), str(tmp_path / "out.csv")]
        done = subprocess.run(
            [sys.executable, "-c", ROUND_TRIP, *arguments], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout))
        assert sum(1 for _ in read_examples(tmp_path / "out.csv")) == count
    assert peaks[1] - peaks[0] < 24 * 1024  # KiB
    assert peaks[1] < 150 * 1024
