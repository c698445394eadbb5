"""Datasets against a real Phoenix server: every operation, on both facades."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from promptops.core import AsyncRuntime, RuntimeConfig
from promptops.core.errors import (
    ConflictError,
    NetworkError,
    NotFoundError,
    UnsupportedOperation,
    ValidationError,
)
from promptops.core.messages import Request, Response
from promptops.core.runtime import Runtime
from promptops.experiments.datasets import read_examples
from promptops.experiments.stores import DatasetStore
from promptops.experiments.testing import DatasetStoreConformance
from promptops.phoenix import PhoenixClient
from promptops.phoenix._ids import global_id
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.datasets import MARKER, AsyncPhoenixDatasets, PhoenixDatasetStore, _uploads

pytestmark = pytest.mark.anyio
Unique = Callable[..., str]


def numbered(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"key": f"k{n}", "n": n} for n in range(start, start + count)]


async def values(phoenix: PhoenixClient, dataset: str, **which: Any) -> dict[str, Any]:
    return {example.example_id: example["n"] for example in await phoenix.datasets.examples(dataset, **which)}


class TestPhoenixDatasetStore(DatasetStoreConformance):
    """The store keeps the promises of the port, on both runtimes."""

    @pytest.fixture
    async def datasets(self, phoenix: PhoenixClient) -> PhoenixDatasetStore:
        return phoenix.stores.datasets

    async def test_more_examples_than_one_page_keep_their_order(self, datasets: DatasetStore) -> None:
        """The server has no pages of them, and takes a second for a thousand."""
        dataset = await datasets.create(f"many-{uuid.uuid4().hex}", ({"number": number} for number in range(201)))
        assert [example["number"] async for example in datasets.examples(dataset.id)] == list(range(201))


async def test_any_json_comes_back_as_it_was(phoenix: PhoenixClient, unique: Unique) -> None:
    rows: list[dict[str, Any]] = [
        {"input": {"q": "1"}, "expected": {"a": 1}, "metadata": {"m": [1]}},
        {"input": {"q": "1"}},
        {"input": "text", "expected": None},
        {"expected": {}, "metadata": {}},
        {"metadata": "text", "input": {}},
        {"metadata": {MARKER: ["expected"], "own": 1}, "q": 1},
        {"n": 2**64, "deep": {"list": [-(2**63) - 1, 2**70, 2**63]}, "metadata": {"big": 10**30}, "expected": 10**25},
        {"floats": [1.0, 5e-324, 1.7976931348623157e308, -1e20, 0.1 + 0.2], "ints": [2**53 + 1, -(2**63), 2**64 - 1]},
        {"": "", "a.b": {"": [[], {}, None, True]}, "text": "\ud7ff\ue000\uffff𝄞\\u0000\n\"'"},
    ]
    made = await phoenix.datasets.create(unique("json"), rows)
    found = await phoenix.datasets.examples(made.id)
    assert [dict(example.fields) for example in found] == rows
    assert [repr(example.get("floats")) for example in found] == [repr(row.get("floats")) for row in rows]
    assert (found[0].input, found[0].output, found[0].metadata) == ({"q": "1"}, {"a": 1}, {"m": [1]})
    assert (found[1].output, found[1].metadata) == ({}, {})


async def test_numbers_that_are_none_are_refused_before_anything_is_sent(
    phoenix: PhoenixClient, unique: Unique
) -> None:
    name = unique("nan")
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ValidationError, match="NaN or infinite"):
            await phoenix.datasets.create(name, [{"ok": 1}, {"score": [wrong]}])
        with pytest.raises(ValidationError, match="NaN or infinite"):
            await phoenix.datasets.create_rows(name=name, inputs=[{"ok": 1}], outputs=[{"score": wrong}])
    with pytest.raises(ValidationError, match="64 bits"):
        await phoenix.datasets.create_rows(name=name, inputs=[{"n": 2**64}])
    with pytest.raises(NotFoundError):
        await phoenix.datasets.get(name)


async def test_a_dataset_is_created_found_listed_and_deleted(phoenix: PhoenixClient, unique: Unique) -> None:
    name = unique("dataset/ü ?#")
    steps: list[tuple[int, int]] = []
    made = await phoenix.datasets.create(
        name, numbered(3), description="three", on_progress=lambda done, of: steps.append((done, of))
    )
    assert (made.name, made.description, made.example_count, len(made.versions)) == (name, "three", 3, 1)
    assert steps == [(3, 3)]
    assert await phoenix.datasets.get(name) == await phoenix.datasets.get(made.id) == made
    assert (await phoenix.datasets.versions(dataset=name)) == list(made.versions)
    assert [found.id for found in await phoenix.datasets.list(name=name[3:])] == [made.id]
    assert made.id in [found.id async for found in phoenix.datasets.iterate()]
    examples = await phoenix.datasets.examples(name)
    assert [example async for example in phoenix.datasets.iterate_examples(name)] == examples
    page = await phoenix.datasets.list_page(limit=1)
    assert len(page.items) == 1
    with pytest.raises(ConflictError, match="is named"):
        await phoenix.datasets.create(name, numbered(1))
    with pytest.raises(ValidationError, match="limit"):
        await phoenix.datasets.list_page(limit=0)
    await phoenix.datasets.delete(name)
    # Its id may be that of another dataset by now: SQLite gives the last one again.
    with pytest.raises(NotFoundError, match="no dataset is named"):
        await phoenix.datasets.get(name)
    with pytest.raises(NotFoundError, match="no dataset is named"):
        await phoenix.datasets.delete(name)
    nobody = global_id("Dataset", 2**31 - 1)
    for call in (
        phoenix.datasets.get(nobody),
        phoenix.datasets.versions(dataset=nobody),
        phoenix.datasets.delete(nobody),
    ):
        with pytest.raises(NotFoundError):
            await call


async def test_what_phoenix_has_not_is_refused_by_name(phoenix: PhoenixClient, unique: Unique) -> None:
    name = unique("refused")
    with pytest.raises(UnsupportedOperation, match="project"):
        await phoenix.datasets.create(name, numbered(1), project="mine")
    with pytest.raises(UnsupportedOperation, match="schemas"):
        await phoenix.datasets.set_schema(name, {"type": "object"})
    for empty in ("", "  "):
        with pytest.raises(ValidationError, match="name is empty"):
            await phoenix.datasets.create(empty, numbered(1))
    with pytest.raises(ValidationError, match="at least one"):
        await phoenix.datasets.create(name, [])
    with pytest.raises(ValidationError, match=r"examples\[1\].n"):
        await phoenix.datasets.create(
            name, [{"n": 1}, {"n": "x"}], schema={"type": "object", "properties": {"n": {"type": "integer"}}}
        )


async def test_of_eight_who_create_a_name_at_once_one_succeeds(phoenix_url: str, unique: Unique) -> None:
    name = unique("raced")
    async with PhoenixClient(base_url=phoenix_url) as client:
        made = await asyncio.gather(
            *(client.datasets.create(name, numbered(5)) for _ in range(8)), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in made) == ["ConflictError"] * 7 + ["PhoenixDataset"]
        assert (await client.datasets.get(name)).example_count == 5


async def test_appended_copies_stay_and_ids_come_back_in_order(phoenix: PhoenixClient, unique: Unique) -> None:
    name = unique("copies")
    made = await phoenix.datasets.create(name, [{"n": 1}, {"n": 1}])
    done = await phoenix.datasets.append(name, [{"n": 1}, {"n": 2}])
    assert (done.inserted, done.total, done.changed) == (2, 4, True)
    ids = await phoenix.datasets.insert(made.id, [{"n": 1}, {"n": 3}, {"n": 1}])
    found = await phoenix.datasets.examples(name)
    assert [example["n"] for example in found] == [1, 1, 1, 2, 1, 3, 1]
    assert [example.id for example in found[4:]] == ids
    assert len(await phoenix.datasets.examples(name, version=made.versions[0].id)) == 2
    assert len(await phoenix.datasets.examples(name, version=done.version_id)) == 4
    with pytest.raises(UnsupportedOperation, match="not the latest"):
        await phoenix.datasets.insert(name, [{"n": 1}], version=made.versions[0].id)
    latest = (await phoenix.datasets.get(name)).versions[0].id
    assert len(await phoenix.datasets.insert(name, [{"n": 9}], version=latest)) == 1
    with pytest.raises(ValidationError, match="version must be an id of the kind DatasetVersion"):
        await phoenix.datasets.examples(name, version="v1")


async def test_ids_of_the_caller_are_kept_and_a_taken_one_is_refused(phoenix: PhoenixClient, unique: Unique) -> None:
    name = unique("ids")
    await phoenix.datasets.create(name, numbered(2), id_column="key")
    with pytest.raises(ValidationError, match=r"1 ids are taken .*\(k1\)"):
        await phoenix.datasets.append(name, numbered(2, start=1), id_column="key")
    assert await values(phoenix, name) == {"k0": 0, "k1": 1}
    done = await phoenix.datasets.append(name, numbered(1, start=2), id_column="key")
    assert (done.inserted, done.total) == (1, 3)
    found = await phoenix.datasets.examples(name)
    assert [example.example_id for example in found] == ["k0", "k1", "k2"]
    assert all(example.id != example.example_id for example in found)


async def test_an_update_changes_fields_and_names_ids_that_are_not_there(
    phoenix: PhoenixClient, unique: Unique
) -> None:
    name = unique("updated")
    made = await phoenix.datasets.create(name, numbered(3), id_column="key")
    with pytest.raises(ValidationError, match="nobody") as caught:
        await phoenix.datasets.update(name, [{"id": "k0", "n": 5}, {"id": "nobody", "n": 1}])
    assert caught.value.validation_errors[0]["field"] == "examples[1].id"
    assert await values(phoenix, name) == {"k0": 0, "k1": 1, "k2": 2}
    node_id = (await phoenix.datasets.examples(name))[1].id
    done = await phoenix.datasets.update(
        name, [{"id": "k0", "more": True}, {"id": node_id, "n": 7}, {"id": "k2", "n": 2}]
    )
    assert (done.updated, done.unchanged, done.inserted, done.total) == (2, 1, 0, 3)
    found = await phoenix.datasets.examples(name)
    assert [dict(example.fields) for example in found] == [{"n": 0, "more": True}, {"n": 7}, {"n": 2}]
    assert [example.example_id for example in found] == ["k0", "k1", "k2"]
    assert len(await phoenix.datasets.examples(name, version=made.versions[0].id)) == 3
    with pytest.raises(ValidationError, match="given before"):
        await phoenix.datasets.update(name, [{"id": "k1", "n": 1}, {"id": node_id, "n": 2}])


async def test_an_upsert_counts_what_it_did(phoenix: PhoenixClient, unique: Unique) -> None:
    name = unique("upserted")
    await phoenix.datasets.create(name, numbered(3), id_column="key")
    rows = [{"key": "k0", "n": -1}, *numbered(4)[1:]]
    done = await phoenix.datasets.upsert(name, rows, id_column="key")
    assert (done.inserted, done.updated, done.unchanged, done.total) == (1, 1, 2, 4)
    again = await phoenix.datasets.upsert(name, rows, id_column="key")
    assert (again.changed, again.unchanged, again.version_id, again.total) == (False, 4, done.version_id, 4)
    assert again.version_id == (await phoenix.datasets.get(name)).versions[0].id
    by_content = await phoenix.datasets.upsert(name, [{"n": 1}, {"n": 1}, {"n": -7}, {"n": -7}])
    assert (by_content.inserted, by_content.updated, by_content.unchanged) == (1, 0, 3)


async def test_a_replacement_says_what_it_deletes_and_does_it_when_told_to(
    phoenix: PhoenixClient, unique: Unique
) -> None:
    name = unique("replaced")
    await phoenix.datasets.create(name, numbered(4), id_column="key")
    rows = [*numbered(3, start=2), {"key": "k5", "n": 5}]
    rows[0] = {"key": "k2", "n": 22}
    with pytest.raises(ValidationError, match=r"2 examples would be deleted \(k0, k1\).*allow_delete=2"):
        await phoenix.datasets.replace(name, rows, id_column="key")
    plan = await phoenix.datasets.plan_replace(name, rows, id_column="key")
    assert (plan.inserted, plan.updated, plan.unchanged, plan.deleted) == (2, 1, 1, 2)
    assert (plan.total, plan.deleted_ids) == (4, ("k0", "k1"))
    assert len(await values(phoenix, name)) == 4
    done = await phoenix.datasets.replace(name, confirm=plan.token)
    assert (done.inserted, done.updated, done.unchanged, done.deleted, done.total) == (2, 1, 1, 2, 4)
    assert await values(phoenix, name) == {"k2": 22, "k3": 3, "k4": 4, "k5": 5}
    assert len(await values(phoenix, name, version=plan.version_id)) == 4
    with pytest.raises(NotFoundError, match="no plan"):
        await phoenix.datasets.replace(name, confirm=plan)
    done = await phoenix.datasets.replace(name, rows[1:], allow_delete=1, id_column="key")
    assert (done.deleted, done.total) == (1, 3)
    same = await phoenix.datasets.replace(name, rows[1:], id_column="key")
    assert (same.changed, same.unchanged) == (False, 3)
    more = await phoenix.datasets.replace(name, [*rows[1:], {"key": "k9", "n": 9}], id_column="key")
    assert (more.inserted, more.deleted, more.total) == (1, 0, 4)
    copies = [{"n": 3}, {"n": 3}, {"n": 4}]
    await phoenix.datasets.replace(name, copies, allow_delete=2)
    assert [example["n"] for example in await phoenix.datasets.examples(name)] == [3, 4, 3]


async def test_a_plan_is_good_until_somebody_else_changes_the_dataset(phoenix: PhoenixClient, unique: Unique) -> None:
    name, other = unique("planned"), unique("other")
    for dataset in (name, other):
        await phoenix.datasets.create(dataset, numbered(3), id_column="key")
    plan = await phoenix.datasets.plan_replace(name, numbered(1), id_column="key")
    with pytest.raises(ValidationError, match="another dataset"):
        await phoenix.datasets.replace(other, confirm=plan)
    await phoenix.datasets.append(name, [{"n": 9}])
    with pytest.raises(ConflictError, match="was changed after"):
        await phoenix.datasets.replace(name, confirm=plan.token)
    assert len(await values(phoenix, name)) == 4
    await phoenix.datasets.discard_plan(plan)
    with pytest.raises(NotFoundError):
        await phoenix.datasets.discard_plan(plan)
    with pytest.raises(ValidationError, match="give examples"):
        await phoenix.datasets.replace(name)


async def test_examples_in_phoenix_form_keep_splits_and_ids(phoenix: PhoenixClient, unique: Unique) -> None:
    name, train, test = unique("rows"), unique("train"), unique("test")
    made = await phoenix.datasets.create_rows(
        name=name,
        inputs=[{"q": 1}, {"q": 2}, {"q": 3}],
        outputs=[{"a": 1}, {}, {"a": 3}],
        metadata=[{"m": 1}, {}, {}],
        splits=[train, [train, test], None],
        example_ids=["one", None, "three"],
        span_ids=[None, "0123456789abcdef", None],
        description="by columns",
    )
    assert (made.example_count, made.description) == (3, "by columns")
    found = await phoenix.datasets.examples(name)
    assert [example.example_id for example in found if example.example_id in {"one", "three"}] == ["one", "three"]
    assert dict(found[0].fields) == {"input": {"q": 1}, "expected": {"a": 1}, "metadata": {"m": 1}}
    assert dict(found[1].fields) == {"input": {"q": 2}}
    assert found[1].span_id is None
    assert [example.id for example in await phoenix.datasets.examples(name, split=test)] == [found[1].id]
    assert len(await phoenix.datasets.examples(name, split=[train, test])) == 2
    assert await phoenix.datasets.splits(name) == {train: 2, test: 1, None: 1}
    done = await phoenix.datasets.append_rows(dataset=name, inputs=[{"q": 1}, {"q": 4}], splits=[test, None])
    assert (done.inserted, done.total) == (2, 5)
    assert await phoenix.datasets.splits(name) == {train: 2, test: 2, None: 2}
    assert await phoenix.datasets.splits(name, version=made.versions[0].id) == {train: 2, test: 1, None: 1}
    with pytest.raises(ValidationError, match="outputs has 1"):
        await phoenix.datasets.create_rows(name=unique("wrong"), inputs=[{}, {}], outputs=[{}])
    with pytest.raises(ValidationError, match=r"rows\[1\].*same id"):
        await phoenix.datasets.create_rows(name=unique("wrong"), inputs=[{}, {}], example_ids=["x", "x"])
    with pytest.raises(ValidationError, match="taken"):
        await phoenix.datasets.append_rows(dataset=name, inputs=[{}], example_ids=["one"])
    with pytest.raises(NotFoundError, match="splits not found"):
        await phoenix.datasets.examples(name, split=unique("nobody"))


async def test_splits_are_made_changed_and_deleted(phoenix: PhoenixClient, unique: Unique) -> None:
    name, first, second = unique("splits"), unique("first"), unique("second")
    made = await phoenix.datasets.create(name, numbered(4), id_column="key")
    nodes = [example.id for example in await phoenix.datasets.examples(name)]
    split = await phoenix.datasets.create_split(
        dataset=name, name=first, example_ids=["k0", nodes[1]], description="d", metadata={"m": 1}
    )
    assert (split.name, split.example_count, split.description, split.metadata) == (first, 2, "d", {"m": 1})
    with pytest.raises(ConflictError):
        await phoenix.datasets.create_split(dataset=name, name=first)
    with pytest.raises(NotFoundError, match="no example is named 'nobody'"):
        await phoenix.datasets.create_split(dataset=name, name=unique(), example_ids=["nobody"])
    changed = await phoenix.datasets.update_split(
        dataset=name, split=first, add=["k2", "k3"], remove=[nodes[0]], name=second, description=None
    )
    assert (changed.id, changed.name, changed.example_count, changed.description) == (split.id, second, 3, None)
    assert [found.name for found in await phoenix.datasets.list_splits(dataset=name)] == [second]
    assert list(await values(phoenix, name, split=second)) == ["k1", "k2", "k3"]
    assert len((await phoenix.datasets.get(name)).versions) == len(made.versions)
    with pytest.raises(ValidationError, match="both added and removed"):
        await phoenix.datasets.update_split(dataset=name, split=second, add=["k1"], remove=[nodes[1]])
    await phoenix.datasets.delete_split(dataset=name, split=second)
    with pytest.raises(NotFoundError, match="no split is named"):
        await phoenix.datasets.delete_split(dataset=name, split=second)
    with pytest.raises(NotFoundError):
        await phoenix.datasets.delete_split(dataset=name, split=global_id("DatasetSplit", 2**31 - 1))
    assert await phoenix.datasets.splits(name) == {None: 4}


async def test_split_of_another_dataset_is_no_dead_end(phoenix: PhoenixClient, unique: Unique) -> None:
    mine, other, split = unique("mine"), unique("other"), unique("train")
    await phoenix.datasets.create(mine, [{"q": 1}, {"q": 2}])
    await phoenix.datasets.create_rows(name=other, inputs=[{"q": 1}], splits=[split])
    with pytest.raises(ConflictError) as taken:
        await phoenix.datasets.create_split(dataset=mine, name=split)
    with pytest.raises(NotFoundError) as absent:
        await phoenix.datasets.update_split(dataset=mine, split=split)
    for error in (taken.value, absent.value):
        for way_out in ("list_splits", "assign_split", "a field 'split'", "its id"):
            assert way_out in str(error)
    # What the messages say does it.
    (there,) = await phoenix.datasets.list_splits(dataset=other)
    first, second = (example.id for example in await phoenix.datasets.examples(mine))
    await phoenix.datasets.update_split(dataset=mine, split=there.id, add=[first])
    await phoenix.datasets.update_split(dataset=mine, split=split, add=[second])
    assert await phoenix.datasets.splits(mine) == {split: 2}


async def test_assigned_splits_are_stable_when_examples_are_added(phoenix: PhoenixClient, unique: Unique) -> None:
    train, test = unique("train"), unique("test")
    shares = {train: 0.6, test: 0.3}
    other = unique("other")
    await phoenix.datasets.create_rows(name=other, inputs=[{"q": 1}], splits=[train])
    name = unique("assigned")
    made = await phoenix.datasets.create(name, numbered(30), id_column="key")
    # One split is known to another dataset only, the other one to nobody.
    done = await phoenix.datasets.assign_split(name, shares, seed=3)
    assert (done.total, done.version_id) == (30, made.versions[0].id)
    before = {split: set(await values(phoenix, name, split=split)) for split in shares}
    assert all(before.values())
    assert sum(map(len, before.values())) == done.updated
    await phoenix.datasets.append(name, numbered(20, start=30), id_column="key")
    await phoenix.datasets.assign_split(name, shares, seed=3)
    for split in shares:
        after = set(await values(phoenix, name, split=split))
        assert before[split] == {key for key in after if int(key[1:]) < 30}
    assert (await phoenix.datasets.assign_split(name, shares, seed=3)).updated == 0
    await phoenix.datasets.assign_split(name, {train: 1.0})
    assert (await phoenix.datasets.splits(name))[train] == 50
    assert await phoenix.datasets.splits(other) == {train: 1}


async def test_a_split_that_an_example_names_is_its_split_and_others_keep_theirs(
    phoenix: PhoenixClient, unique: Unique
) -> None:
    name, one, two = unique("named"), unique("one"), unique("two")
    rows = [{"key": "a", "n": 1, "split": one}, {"key": "b", "n": 2, "promptops.split": two}, {"key": "c", "n": 3}]
    await phoenix.datasets.create(name, rows, id_column="key")
    assert await phoenix.datasets.splits(name) == {one: 1, two: 1, None: 1}
    await phoenix.datasets.update_split(dataset=name, split=one, add=["c"])
    changed = [{**rows[0], "n": 10}, {**rows[1], "promptops.split": one}, {**rows[2], "n": 30}]
    done = await phoenix.datasets.upsert(name, [*changed, {"key": "d", "n": 4, "split": two}], id_column="key")
    assert (done.updated, done.inserted) == (3, 1)
    assert list(await values(phoenix, name, split=one)) == ["a", "b", "c"]
    assert list(await values(phoenix, name, split=two)) == ["d"]
    plan = await phoenix.datasets.plan_replace(name, [{"key": "e", "n": 5, "split": two}, changed[0]], id_column="key")
    await phoenix.datasets.replace(name, confirm=plan)
    assert await phoenix.datasets.splits(name) == {one: 1, two: 1}


async def test_labels_are_made_changed_put_on_datasets_and_deleted(phoenix: PhoenixClient, unique: Unique) -> None:
    name, first, second = unique("labelled"), unique("gold"), unique("silver")
    await phoenix.datasets.create(name, numbered(1))
    gold = await phoenix.datasets.create_label(name=first, color="#ffd700", description="the best")
    silver = await phoenix.datasets.create_label(name=second)
    assert (gold.name, gold.color, gold.description) == (first, "#ffd700", "the best")
    with pytest.raises(ConflictError):
        await phoenix.datasets.create_label(name=first)
    with pytest.raises(ValidationError, match="color"):
        await phoenix.datasets.create_label(name=unique(), color="red")
    assert await phoenix.datasets.get_label(label=first) == await phoenix.datasets.get_label(label=gold.id) == gold
    assert gold in await phoenix.datasets.list_labels()
    assert silver in [label async for label in phoenix.datasets.iterate_labels()]
    assert await phoenix.datasets.add_label(dataset=name, label=first) == gold
    assert await phoenix.datasets.add_label(dataset=name, label=gold.id) == gold
    assert await phoenix.datasets.labels(dataset=name) == [gold]
    assert {
        label.id for label in await phoenix.datasets.set_labels(dataset=name, labels=[first, silver.id, first])
    } == {
        gold.id,
        silver.id,
    }
    for _ in range(2):
        await phoenix.datasets.remove_label(dataset=name, label=second)
    assert await phoenix.datasets.labels(dataset=name) == [gold]
    with pytest.raises(NotFoundError, match="no label is named"):
        await phoenix.datasets.set_labels(dataset=name, labels=[unique("nobody")])
    changed = await phoenix.datasets.update_label(label=gold.id, color="#000000", description=None)
    assert (changed.name, changed.color, changed.description) == (first, "#000000", None)
    with pytest.raises(ValidationError, match="give a name"):
        await phoenix.datasets.update_label(label=gold.id)
    for label in (gold, silver):
        await phoenix.datasets.delete_label(label=label.id)
    for absent in (first, global_id("DatasetLabel", 2**31 - 1)):
        with pytest.raises(NotFoundError):
            await phoenix.datasets.get_label(label=absent)
    assert await phoenix.datasets.labels(dataset=name) == []


async def test_the_server_exports_its_own_formats(phoenix: PhoenixClient, unique: Unique) -> None:
    name = unique("formats")
    messages = [{"role": "user", "content": "2+2?"}]
    answer = [{"role": "assistant", "content": "4"}]
    made = await phoenix.datasets.create_rows(
        name=name, inputs=[{"messages": messages}], outputs=[{"messages": answer}], example_ids=["one"]
    )
    await phoenix.datasets.append(name, [{"input": {"messages": messages}, "expected": {"messages": answer}}])
    for version, count in ((None, 2), (made.versions[0].id, 1)):
        lines = [
            json.loads(line) for line in (await phoenix.datasets.download(dataset=name, version=version)).splitlines()
        ]
        assert len(lines) == count
        assert lines[0]["id"] == "one"
        assert lines[0]["input"] == {"messages": messages}
    table = list(csv.DictReader(io.StringIO(await phoenix.datasets.download(dataset=name, format="csv"))))
    assert table[0]["id"] == "one"
    tuning = json.loads((await phoenix.datasets.download(dataset=name, format="openai_ft")).splitlines()[0])
    assert tuning == {"messages": [*messages, *answer]}
    evals = json.loads((await phoenix.datasets.download(dataset=name, format="openai_evals")).splitlines()[0])
    assert evals == {"messages": messages, "ideal": "4"}
    wrong: Any = "parquet"
    with pytest.raises(ValidationError, match="format must be one of"):
        await phoenix.datasets.download(dataset=name, format=wrong)


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
async def test_an_exported_file_upserts_without_a_change_and_makes_a_copy(
    phoenix: PhoenixClient, unique: Unique, tmp_path: Path, ending: str
) -> None:
    name, copy, split = unique("exported"), unique("copy"), unique("odd")
    rows = [{"q": f'{n}\n"é"', "tags": f"t{n}", "key": f"k{n}"} for n in range(40)]
    await phoenix.datasets.create(name, rows[:20])
    await phoenix.datasets.append(name, rows[20:], id_column="key")
    path = tmp_path / f"rows.{ending}"
    assert await phoenix.datasets.export(name, path) == 40
    done = await phoenix.datasets.upsert(name, read_examples(path, id_column="id"))
    # In a table an example has every column.
    assert (done.updated, done.unchanged) == ((0, 40) if ending == "jsonl" else (20, 20))
    await phoenix.datasets.create(copy, read_examples(path, id_column="id"))
    pairs = zip(await phoenix.datasets.examples(name), await phoenix.datasets.examples(copy), strict=True)
    assert all((one.example_id, one.fields) == (other.example_id, other.fields) for one, other in pairs)
    await phoenix.datasets.create_split(dataset=name, name=split, example_ids=["k21"])
    assert await phoenix.datasets.export(name, path, split=split) == 1


async def test_what_others_wrote_is_read_and_changed_without_loss(phoenix: PhoenixClient, unique: Unique) -> None:
    name = unique("foreign")
    await phoenix.datasets.create_rows(
        name=name,
        inputs=[{"q": 1}, {"q": 2}, {}],
        outputs=[{"a": 1, "b": 2}, {}, {"a": 3}],
        metadata=[{"m": 1}, {}, {"m": 3}],
        example_ids=["x", "y", "z"],
    )
    await phoenix.datasets.update(name, [{"id": "y", "expected": {"a": 2}}])
    found = await phoenix.datasets.examples(name)
    assert (found[1].input, found[1].output, found[1].metadata) == ({"q": 2}, {"a": 2}, {})
    plan = await phoenix.datasets.plan_replace(name, found[1:], id_column="id")
    assert (plan.unchanged, plan.deleted_ids) == (2, ("x",))
    await phoenix.datasets.replace(name, confirm=plan)
    kept = await phoenix.datasets.examples(name)
    assert [(one.id, one.input, one.output, one.metadata) for one in kept] == [
        (one.id, one.input, one.output, one.metadata) for one in found[1:]
    ]


async def test_with_authentication_datasets_are_written_and_read(phoenix_admin: PhoenixClient, unique: Unique) -> None:
    name = unique("auth")
    await phoenix_admin.datasets.create(name, numbered(2))
    assert [example["n"] for example in await phoenix_admin.datasets.examples(name)] == [0, 1]


Lose = Callable[[int], str | None]
"""Says of the number of an upload what is lost of it: the ``request``, its ``answer``, or nothing."""


class Losing:
    """A runtime that loses the answers of some uploads, or the uploads themselves."""

    def __init__(self, runtime: Runtime, lose: Lose) -> None:
        self._runtime = runtime
        self._lose = lose
        self.uploads: list[Mapping[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    async def sleep(self, seconds: float) -> None:
        """Nobody waits in a test."""

    async def send(self, request: Request) -> Response:
        if not request.path.endswith("/upload"):
            return await self._runtime.send(request)
        self.uploads.append(msgspec.json.decode(request.body or b""))
        what = self._lose(len(self.uploads))
        if what == "request":
            raise NetworkError("the connection broke")
        answer = await self._runtime.send(request)
        if what == "answer":
            raise NetworkError("the connection broke")
        return answer


@pytest.fixture
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_uploads, "ROWS_PER_UPLOAD", 20)


MakeLosing = Callable[[Lose], AsyncPhoenixDatasets]


@pytest.fixture
async def runtime(phoenix_url: str) -> AsyncIterator[AsyncRuntime]:
    runtime = AsyncRuntime(RuntimeConfig(base_url=phoenix_url))
    yield runtime
    await runtime.aclose()


@pytest.fixture
def losing(runtime: AsyncRuntime) -> MakeLosing:
    """Makes datasets whose uploads meet a bad network."""
    return lambda lose: datasets_over(Losing(runtime, lose))


def datasets_over(runtime: Losing) -> AsyncPhoenixDatasets:
    network = cast("Runtime", runtime)
    return AsyncPhoenixDatasets(network, version=ServerVersion(network))


def nothing(_number: int) -> None:
    return None


def first_answer(number: int) -> str | None:
    return "answer" if number == 1 else None


@pytest.mark.usefixtures("_small_parts")
async def test_a_create_whose_answer_was_lost_is_recognised(losing: MakeLosing, unique: Unique) -> None:
    name = unique("lost")
    datasets = losing(first_answer)
    made = await datasets.create(name, numbered(45))
    assert made.example_count == 45
    found = await datasets.examples(name)
    assert [example["n"] for example in found] == list(range(45))
    with pytest.raises(ConflictError, match="is named"):
        await losing(first_answer).create(name, [{"n": "somebody else's"}])
    assert (await datasets.get(name)).example_count == 45


@pytest.mark.usefixtures("_small_parts")
@pytest.mark.parametrize(("lost", "stored"), [("request", 20), ("answer", 40)])
async def test_a_part_that_fails_says_how_many_are_stored_and_replace_completes_it(
    losing: MakeLosing, unique: Unique, lost: str, stored: int
) -> None:
    name, rows = unique("half"), numbered(25) * 2
    steps: list[tuple[int, int]] = []
    datasets = losing(lambda number: lost if number == 2 else None)
    with pytest.raises(NetworkError) as caught:
        await datasets.create(name, rows, on_progress=lambda done, of: steps.append((done, of)))
    assert caught.value.details["stored"] == stored
    assert f"the first {stored} of 50" in caught.value.__notes__[0]
    assert caught.value.details["dataset_id"] == (await datasets.get(name)).id
    assert steps == [(20, 50)]
    done = await datasets.replace(name, rows)
    assert (done.inserted, done.unchanged, done.deleted, done.total) == (50 - stored, stored, 0, 50)
    assert sorted(example["n"] for example in await datasets.examples(name)) == sorted(row["n"] for row in rows)


class Twice(Losing):
    """Sends every upload twice, as a runtime does when the first answer is lost."""

    async def send(self, request: Request) -> Response:
        if request.path.endswith("/upload"):
            assert request.is_idempotent
            await super().send(request)
        return await super().send(request)


async def test_an_append_whose_answer_was_lost_adds_nothing_twice(runtime: AsyncRuntime, unique: Unique) -> None:
    name = unique("again")
    datasets = datasets_over(Losing(runtime, nothing))
    await datasets.create(name, [{"n": 0}])
    done = await datasets_over(Twice(runtime, nothing)).append(name, [{"n": 1}, {"n": 1}])
    assert (done.inserted, done.total) == (2, 3)
    # The server answers a repetition with a version that need not be the latest.
    assert done.version_id == (await datasets.get(name)).versions[0].id
    plan = await datasets.plan_replace(name, [{"n": 1}])
    twice = datasets_over(Twice(runtime, nothing))
    done = await twice.replace(name, [{"n": 1}], allow_delete=2)
    assert (done.deleted, done.total, plan.deleted) == (2, 1, 2)
    assert done.version_id == (await datasets.get(name)).versions[0].id


class Deleting(Losing):
    """Deletes the dataset just before it is written to."""

    async def send(self, request: Request) -> Response:
        if request.path.endswith("/upload"):
            name = str(msgspec.json.decode(request.body or b"")["name"])
            datasets = AsyncPhoenixDatasets(self._runtime, version=ServerVersion(self._runtime))
            # Or the server would give the same id again.
            await datasets.create(f"{name}-later", numbered(1))
            await datasets.delete(name)
        return await super().send(request)


async def test_a_dataset_that_was_deleted_meanwhile_is_not_filled_in_silence(
    runtime: AsyncRuntime, unique: Unique
) -> None:
    made = await datasets_over(Losing(runtime, nothing)).create(unique("gone"), numbered(1))
    with pytest.raises(ConflictError, match="deleted or renamed meanwhile") as caught:
        await datasets_over(Deleting(runtime, nothing)).append(made.id, numbered(2))
    assert caught.value.details["new_dataset_id"] != made.id


async def test_more_examples_than_one_request_takes_report_the_true_counts(
    phoenix_url: str, unique: Unique, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_uploads, "ROWS_PER_UPLOAD", 200)  # of 2,000: the server takes a second for 1,000
    steps: list[tuple[int, int]] = []
    async with PhoenixClient(base_url=phoenix_url) as client:
        made = await client.datasets.create(
            unique("large"),
            ({"question": f"What is {n} and {n}?", "expected": str(2 * n)} for n in range(410)),
            on_progress=lambda done, of: steps.append((done, of)),
        )
        assert (made.example_count, len(made.versions)) == (410, 3)
        assert steps == [(200, 410), (400, 410), (410, 410)]
        found = await client.datasets.examples(made.id)
        assert [example["expected"] for example in found] == [str(2 * n) for n in range(410)]
