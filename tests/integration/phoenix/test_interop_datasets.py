"""Datasets that the official client wrote are read by ours, field by field, and the other way round."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from promptops.phoenix import PhoenixClient
from promptops.phoenix.datasets import MARKER

if TYPE_CHECKING:
    from tools.phoenix.official import OfficialClient

pytestmark = pytest.mark.anyio
Unique = Callable[..., str]

CREATE = """
def run(client, payload):
    made = client.datasets.create_dataset(**payload)
    return {"id": made.id, "version_id": made.version_id}
"""
READ = """
def run(client, payload):
    found = client.datasets.get_dataset(**payload)
    return {
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "version_id": found.version_id,
        "example_count": found.example_count,
        "examples": [
            {key: example[key] for key in ("id", "node_id", "input", "output", "metadata")}
            for example in found.examples
        ],
    }
"""


async def test_what_the_official_client_creates_is_read_field_by_field(
    phoenix: PhoenixClient, official: OfficialClient, unique: Unique
) -> None:
    name, train, test = unique("theirs"), unique("train"), unique("test")
    rows: list[dict[str, Any]] = [
        {"q": "2+2 ☃", "n": 1.5, "a": "4", "m": {"deep": [1, None]}, "key": "one", "part": train},
        {"q": "3+3", "n": None, "a": "6", "m": {}, "key": "two", "part": test},
        {"q": "4+4", "n": 0, "a": "8", "m": None, "key": "three", "part": train},
    ]
    made = official(
        CREATE,
        {
            "name": name,
            "inputs": [{"q": row["q"], "n": row["n"]} for row in rows],
            "outputs": [{"a": row["a"]} for row in rows],
            "metadata": [{"m": row["m"]} for row in rows],
            "dataset_description": "made by another client",
        },
    )
    found = await phoenix.datasets.get(name)
    assert (found.id, found.description, found.example_count) == (made["id"], "made by another client", 3)
    assert [version.id for version in found.versions] == [made["version_id"]]
    examples = await phoenix.datasets.examples(made["id"], version=made["version_id"])
    assert [dict(example.fields) for example in examples] == [
        {"input": {"q": row["q"], "n": row["n"]}, "expected": {"a": row["a"]}, "metadata": {"m": row["m"]}}
        for row in rows
    ]
    assert [example.example_id for example in examples] == [example.id for example in examples]


async def test_a_table_with_splits_and_ids_is_read_field_by_field(
    phoenix: PhoenixClient, official: OfficialClient, unique: Unique, tmp_path: Path
) -> None:
    name, train, test = unique("table"), unique("train"), unique("test")
    rows: list[dict[str, Any]] = [
        {"q": "2+2", "a": "4", "m": "easy", "key": "one", "part": train},
        {"q": 'with "quotes", ☃', "a": "6", "m": "hard", "key": "two", "part": test},
    ]
    keys = {
        "input_keys": ["q"],
        "output_keys": ["a"],
        "metadata_keys": ["m"],
        "split_key": "part",
        "example_id_key": "key",
    }
    with (tmp_path / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    official(CREATE, {"name": name, "csv_file_path": str(tmp_path / "rows.csv"), **keys})
    examples = await phoenix.datasets.examples(name)
    assert [dict(example.fields) for example in examples] == [
        {"input": {"q": row["q"]}, "expected": {"a": row["a"]}, "metadata": {"m": row["m"]}} for row in rows
    ]
    assert [example.example_id for example in examples] == ["one", "two"]
    assert await phoenix.datasets.splits(name) == {train: 1, test: 1}
    assert [example.example_id for example in await phoenix.datasets.examples(name, split=test)] == ["two"]
    # A change of ours keeps what is theirs.
    await phoenix.datasets.upsert(
        name, [{"key": "two", "input": {"q": "new"}, "expected": {"a": "7"}}], id_column="key"
    )
    seen = official(READ, {"dataset": name})["examples"][1]
    assert (seen["id"], seen["input"], seen["output"], seen["metadata"]) == ("two", {"q": "new"}, {"a": "7"}, {})
    assert (await phoenix.datasets.splits(name))[test] == 1


async def test_a_data_frame_is_read_field_by_field(
    phoenix: PhoenixClient, official: OfficialClient, unique: Unique
) -> None:
    """Theirs sends a frame as a table of texts, and as such it is read; what it reads again is the same for both."""
    name, train, test = unique("frame"), unique("train"), unique("test")
    rows: list[dict[str, Any]] = [
        {"q": "2+2 ☃", "n": 7, "x": 0.5, "yes": True, "a": "4", "m": {"deep": [1, None]}, "key": "one", "part": train},
        {"q": "3+3", "n": -1, "x": 2.0, "yes": False, "a": "6", "m": {"deep": []}, "key": "two", "part": test},
        {"q": "", "n": 2**53, "x": 1e-9, "yes": True, "a": "8", "m": {}, "key": "three", "part": train},
    ]
    made, frame = official(
        """
        def run(client, payload):
            import pandas

            rows = payload.pop("rows")
            made = client.datasets.create_dataset(dataframe=pandas.DataFrame(rows), **payload)
            frame = made.to_dataframe()
            return [made.id, frame[["input", "output", "metadata"]].to_dict("records")]
        """,
        {
            "name": name,
            "rows": rows,
            "input_keys": ["q", "n", "x", "yes"],
            "output_keys": ["a"],
            "metadata_keys": ["m"],
            "split_key": "part",
            "example_id_key": "key",
        },
    )
    examples = await phoenix.datasets.examples(name)
    assert [dict(example.fields) for example in examples] == [
        {
            # An empty cell of a table is none.
            "input": {key: str(row[key]) for key in ("q", "n", "x", "yes") if row[key] != ""},
            "expected": {"a": row["a"]},
            "metadata": {"m": str(row["m"])},
        }
        for row in rows
    ]
    assert [example.example_id for example in examples] == ["one", "two", "three"]
    assert await phoenix.datasets.splits(made) == {train: 2, test: 1}
    ours = [{"input": one.input, "output": one.output, "metadata": one.metadata} for one in examples]
    assert frame == ours


async def test_what_ours_creates_the_official_client_reads_field_by_field(
    phoenix: PhoenixClient, official: OfficialClient, unique: Unique
) -> None:
    name, split = unique("ours"), unique("held-out")
    made = await phoenix.datasets.create(
        name,
        [
            {"key": "direct", "input": {"q": 1}, "expected": {"a": 1}, "metadata": {"m": 1}},
            {"key": "flat", "question": "☃", "expected": "4", "n": 2**70, "metadata": {"m": 2}},
            {"key": "bare", "question": None},
        ],
        id_column="key",
        description="made by ours",
    )
    await phoenix.datasets.create_split(dataset=name, name=split, example_ids=["flat"])
    first = made.versions[0].id
    ids = await phoenix.datasets.insert(name, [{"input": {"q": 4}}])
    nodes = [example.id for example in await phoenix.datasets.examples(name)]
    seen = official(READ, {"dataset": name, "version_id": first})
    assert (seen["id"], seen["name"], seen["description"], seen["version_id"]) == (made.id, name, "made by ours", first)
    mark = {"outside": ["expected", "metadata"], "integers": [["n"]]}
    assert seen["examples"] == [
        {"id": "direct", "node_id": nodes[0], "input": {"q": 1}, "output": {"a": 1}, "metadata": {"m": 1}},
        {
            "id": "flat",
            "node_id": nodes[1],
            "input": {"question": "☃", "n": str(2**70)},
            "output": {"expected": "4"},
            "metadata": {"m": 2, MARKER: mark},
        },
        {"id": "bare", "node_id": nodes[2], "input": {"question": None}, "output": {}, "metadata": {MARKER: []}},
    ]
    latest = official(READ, {"dataset": made.id})
    assert [example["node_id"] for example in latest["examples"]] == [*nodes[:3], *ids]
    part = official(READ, {"dataset": name, "splits": [split]})
    assert [example["id"] for example in part["examples"]] == ["flat"]


async def test_versions_and_lists_are_the_same_for_both(
    phoenix: PhoenixClient, official: OfficialClient, unique: Unique
) -> None:
    name = unique("versions")
    made = await phoenix.datasets.create(name, [{"input": {"q": 1}}])
    official(
        """
        def run(client, payload):
            client.datasets.add_examples_to_dataset(dataset=payload, inputs=[{"q": 2}], outputs=[{"a": 2}])
        """,
        name,
    )
    theirs = official(
        """
        def run(client, payload):
            listed = client.datasets.list()
            versions = client.datasets.get_dataset_versions(dataset=payload)
            return {"versions": [one["version_id"] for one in versions], "listed": [one["id"] for one in listed]}
        """,
        name,
    )
    assert theirs["versions"] == [version.id for version in await phoenix.datasets.versions(dataset=name)]
    assert len(theirs["versions"]) == 2
    assert made.id in theirs["listed"]
    assert [dict(example.fields) for example in await phoenix.datasets.examples(name)] == [
        {"input": {"q": 1}},
        {"input": {"q": 2}, "expected": {"a": 2}},
    ]
    # Theirs deletes what it is not given again, without a word; ours says it first.
    official(CREATE, {"name": name, "inputs": [{"q": 2}], "outputs": [{"a": 2}]})
    assert len(await phoenix.datasets.examples(name)) == 1
    plan = await phoenix.datasets.plan_replace(name, [{"input": {"q": 3}}])
    assert (plan.deleted, plan.inserted) == (1, 1)
    assert len(await phoenix.datasets.examples(name)) == 1
