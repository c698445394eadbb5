"""Datasets against a running server: every operation, in async and in blocking form, without and with a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from promptops.client import ConflictError, NotFoundError, PromptOpsClient

pytestmark = pytest.mark.anyio
Unique = Callable[[str], str]


async def test_a_dataset_is_found_by_name_and_by_id(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("dataset")
    made = await client.datasets.create(name, [{"question": "1 + 1"}])
    by_name, by_id = await client.datasets.get(name), await client.datasets.get(made.id)
    assert by_name == by_id
    assert (by_name.id, by_name.name) == (made.id, name)


async def test_examples_come_back_in_order_with_every_kind_of_value(client: PromptOpsClient, unique: Unique) -> None:
    given: list[dict[str, Any]] = [
        {"text": "Zoë 🎈", "number": 1.5, "flag": True, "nothing": None},
        {"nested": {"list": [1, "two", {"three": 3}]}, "big": 2**53},
        {"a.b": "dots", "with space": "", 'quote"': "x"},
    ]
    made = await client.datasets.create(unique("values"), given)
    examples = await client.datasets.examples(made.id)
    assert [dict(example.fields) for example in examples] == given
    assert len({example.id for example in examples}) == 3
    assert examples[0]["text"] == "Zoë 🎈"
    assert all(example.created_at is not None for example in examples)


async def test_more_examples_than_fit_one_call_are_stored_and_read_completely(
    client: PromptOpsClient, unique: Unique
) -> None:
    made = await client.datasets.create(unique("large"), ({"number": number} for number in range(1203)))
    examples = await client.datasets.examples(made.id)
    assert [example["number"] for example in examples] == list(range(1203))


async def test_examples_can_be_appended(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("growing")
    await client.datasets.create(name, [{"n": 1}])
    ids = await client.datasets.insert(name, [{"n": 2}, {"n": 3}])
    examples = await client.datasets.examples(name)
    assert [example["n"] for example in examples] == [1, 2, 3]
    assert [example.id for example in examples][1:] == ids


async def test_examples_can_be_read_one_by_one(client: PromptOpsClient, unique: Unique) -> None:
    made = await client.datasets.create(unique("walked"), [{"n": number} for number in range(4)])
    assert [example["n"] async for example in client.datasets.iterate_examples(made.id)] == [0, 1, 2, 3]


async def test_datasets_are_listed_newest_first(client: PromptOpsClient, unique: Unique) -> None:
    stem = unique("listed")
    for number in range(3):
        await client.datasets.create(f"{stem}-{number}", [{"n": number}])
    assert [item.name for item in await client.datasets.list(name=stem)] == [f"{stem}-{number}" for number in (2, 1, 0)]
    page = await client.datasets.list_page(name=stem, limit=2)
    assert (len(page.items), page.has_more) == (2, True)
    rest = await client.datasets.list_page(name=stem, limit=2, cursor=page.next_cursor)
    assert ([item.name for item in rest.items], rest.has_more) == ([f"{stem}-0"], False)
    assert len([item async for item in client.datasets.iterate(name=stem)]) == 3


async def test_a_dataset_lists_its_versions(client: PromptOpsClient, unique: Unique) -> None:
    made = await client.datasets.create(unique("versioned"), [{"n": 1}])
    versions = (await client.datasets.get(made.id)).versions
    assert isinstance(versions, list)
    assert [version.dataset_id for version in versions] == [made.id]
    examples = await client.datasets.examples(made.id, version=versions[0].id)
    assert len(examples) == 1


async def test_a_deleted_dataset_is_gone(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("gone")
    made = await client.datasets.create(name, [{"n": 1}])
    await client.datasets.delete(name)
    for reference in (name, made.id):
        with pytest.raises(NotFoundError):
            await client.datasets.get(reference)
    await client.datasets.create(name, [{"n": 2}])


async def test_the_same_name_twice_is_refused(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("taken")
    await client.datasets.create(name, [{"n": 1}])
    with pytest.raises(ConflictError, match=name):
        await client.datasets.create(name, [{"n": 1}])
