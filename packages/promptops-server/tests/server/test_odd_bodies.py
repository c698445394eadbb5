"""Whatever a body holds, every write route answers it, and what was stored can be read again."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Sized
from functools import partial
from typing import Any, Final, cast

import httpx
import msgspec
import pytest
from promptops.server import EmbeddedServer, wire
from promptops.server.grants import Scope
from promptops.server.key_admin import create_key
from promptops.server.openapi import operations

Json = dict[str, Any]

WRITES: Final = {each.id: each for each in operations() if each.body is not None}
MARK: Final = "@@odd@@"
"""Stands in a sample for what is written there as it is, without regard to JSON."""
DEEP: Final = "[" * 65 + "]" * 65
ODD: Final = {
    "NaN": "NaN",
    "Infinity": "-Infinity",
    "a number beyond doubles": "1e999",
    "a huge integer": "9" * 400,
    "beyond 64 bits": str(2**64),
    "below 64 bits": str(-(2**63) - 1),
    "minus zero": "-0",
    "a fraction": "0.1",
    "null": "null",
    "true": "true",
    "an empty list": "[]",
    "an empty object": "{}",
    "nulls": "[null]",
    "lists": "[[]]",
    "objects": "[{}]",
    "an empty key": '{"": 1}',
    "a key with NUL": r'{"\u0000": "\u0000"}',
    "a duplicate key": '{"a": 1, "a": {"a": 2}}',
    "a quote in a key": r'{"\"": "$.\"a\""}',
    "an empty text": '""',
    "a blank text": '" \\t\\n"',
    "NUL": r'"a\u0000b"',
    "a lone surrogate": r'"\ud800"',
    "a lone low surrogate in a key": r'{"\udc00": 1}',
    "a pair in the wrong order": r'"\udc00\ud800"',
    "a long text": json.dumps("x" * 300_000),
    "a text of controls": r'"\u0001\u001f\u007f\u0085\u2028\ufeff"',
    "a nesting too deep": DEEP,
    "a template that does not end": '"{{#a}}{{"',
    "a template with a partial": '"{{> nowhere }}"',
    "an id of nothing": '"RGF0YXNldDox"',
    "a version": '"1.0.0"',
    "a moment": '"0001-01-01T00:00:00-23:59"',
    "a moment beyond": '"9999-12-31T23:59:59.999999-23:59"',
}
WHOLE: Final = {
    "nothing": b"",
    "no JSON": b"{",
    "two values": b"{} {}",
    "not UTF-8": b'{"name": "\xff\xfe"}',
    "a surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a list": b"[]",
    "a text": b'"x"',
    "null": b"null",
    "NUL": b"\x00",
    "a deep list": b"[" * 100_000,
    "deep objects": b'{"a":' * 20_000,
    "a key twice": b'{"name": "a", "name": 1, "content": "x", "content": []}',
    "a long number": b"1" * 5_000,
}


class Place(msgspec.Struct, frozen=True):
    """What the samples refer to."""

    prompt: str
    dataset: str
    version: str
    example: str
    experiment: str
    draft: str


def path_of(template: str, place: Place) -> str:
    """The path of an operation in which everything that it names is there."""
    values = {
        "prompt_id": place.prompt,
        "dataset_id": place.dataset,
        "experiment_id": place.experiment,
        "draft_id": place.draft,
        "label": "staging",
    }
    return re.sub(r"{(\w+):\w+}", lambda found: values[found[1]], template)


CHAT: Final = [
    {"role": "system", "content": "Be {{ tone }}."},
    {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image", "url": "https://a.example/b.png"}]},
    {"role": "assistant", "content": [{"type": "tool_call", "id": "1", "name": "sum", "arguments": {"a": 1}}]},
    {"role": "tool", "content": [{"type": "tool_result", "tool_call_id": "1", "content": "2"}]},
    {"role": "placeholder", "name": "history", "content": ""},
]
SETTINGS: Final = {"provider": "openai", "temperature": 0.5, "max_tokens": 5, "stop": ["x"], "extra": {"a": 1}}
VARIANT: Final = {"model_provider": "openai", "model_name": "m", "content": "x", "model_settings": SETTINGS}
WRITTEN: Final[Json] = {
    "messages": CHAT,
    "description": "d",
    "template_format": "mustache",
    "variables": ["tone"],
    "target_models": ["openai"],
    "model_specific_prompts": [VARIANT],
    "tools": [{"name": "sum", "description": "d", "parameters": {"type": "object"}, "strict": True}],
    "tool_choice": {"type": "tool", "name": "sum"},
    "response_format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}},
    "model_settings": SETTINGS,
    "variables_schema": {"type": "object", "properties": {"tone": {"type": "string"}}},
    "module_id": "m",
    "tags": ["t"],
    "metadata": {"a": {"b": 1}},
}
EXAMPLES: Final = [{"q": 1, "nested": {"list": [1]}, "promptops.split": "test"}]


def samples(place: Place) -> dict[str, Json]:
    """A body for each write operation that it takes."""
    event = {
        "name": "prompt_fetched",
        "timestamp": "2026-01-01T00:00:00Z",
        "duration_ms": 1.5,
        "attributes": {"prompt": "a"},
    }
    record = {"timestamp": "2026-01-01T00:00:00Z", "operation": "render", "prompt_id": "p", "cost": "0.5"}
    run = {"example_id": place.example, "output": "o", "error": None, "eval.a.score": 0.5}
    return {
        "prompts_create": {"name": "odd", "slug": "odd", "version": "1.0.0", **WRITTEN},
        "prompts_update": {"create_new_version": True, "bump": "patch", **WRITTEN},
        "prompts_render": {"variables": {"tone": "x", "history": []}, "model_provider": "openai", "model_name": "m"},
        "prompts_batch": {"prompt_ids": [place.prompt], "versions": {place.prompt: "1.0.0"}, "include_metadata": True},
        "prompts_labels_move": {"version": "1.0.0", "expected_version": None},
        "models_compatibility": {"prompt_id": place.prompt, "model_provider": "openai", "model_name": "gpt-4"},
        "usage_log": {"batch_id": "b" * 16, "records": [record]},
        "telemetry_ingest": {"batch_id": "b" * 16, "events": [event]},
        "api_keys_create": {"name": "k", "scopes": ["prompts:read"], "limits": {"per_minute": 5}},
        "datasets_create": {"name": "odd", "space_id": "default", "examples": EXAMPLES},
        "datasets_update": {"name": "renamed"},
        "datasets_examples_insert": {"examples": EXAMPLES},
        "datasets_examples_search": {"filter": "q = 1", "limit": 5, "cursor": None, "dataset_version_id": None},
        "datasets_examples_update": {"examples": [{"id": place.example, "q": 2}], "new_version": "n"},
        "datasets_examples_delete": {"dataset_version_id": place.version, "example_ids": ["x"]},
        "datasets_schema_set": {"example_schema": {"type": "object", "properties": {"q": {}}}},
        "dataset_drafts_begin": {"name": "odd-draft", "version_name": "v", "examples": EXAMPLES},
        "dataset_drafts_examples_add": {"examples": EXAMPLES},
        "experiments_create": {"name": "odd", "dataset_id": place.dataset, "experiment_runs": [run]},
        "experiments_runs_insert": {"experiment_runs": [run]},
        "experiments_runs_search": {"filter": "output = 'o'", "limit": 5, "cursor": None},
    }


def places_of(value: Any) -> list[Any]:
    """The keys or the numbers of what a value holds."""
    if isinstance(value, dict):
        return list(cast("Json", value))
    return list(range(len(cast("Sized", value)))) if isinstance(value, list) else []


def spots(value: Any, set_to: Callable[[Any], None]) -> Iterator[Callable[[Any], None]]:
    """Functions that each put something else in one place of a value."""
    yield set_to
    for place in places_of(value):
        yield from spots(value[place], partial(value.__setitem__, place))


def odd_bodies(sample: Json) -> Iterator[tuple[str, bytes]]:
    """The sample with each odd value in each place, a few at a time in turn, and bodies that are odd as a whole."""
    names = list(ODD)
    count = 0
    places = sum(1 for _ in spots(copy.deepcopy(sample), lambda _: None))
    step = 3 if places < 40 else 7
    for number in range(places):
        # Each place meets some of the values, and the next one the next: a large body has a hundred places.
        for name in names[number % step :: step]:
            box = {"body": copy.deepcopy(sample)}
            list(spots(box["body"], partial(box.__setitem__, "body")))[number](MARK)
            text = json.dumps(box["body"]).replace(json.dumps(MARK), ODD[name])
            count += 1
            yield f"{name} at place {number}", text.replace('"odd"', f'"odd-{count}"').encode()
    yield from WHOLE.items()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """May do everything in a server of its own, as often as it likes: keys are made here too."""
    directory, many = tmp_path_factory.mktemp("odd"), 1_000_000
    limits = wire.KeyLimits(rate=many, per_minute=many, per_hour=many, per_day=many)
    key = create_key(directory, name="odd", projects=["default"], scopes=list(Scope), limits=limits)
    headers = {"authorization": f"Bearer {key.text}", "content-type": "application/json"}
    with (
        EmbeddedServer(directory) as server,
        httpx.Client(base_url=server.url, headers=headers, timeout=60, verify=False) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def place(client: httpx.Client) -> Place:
    prompt = client.post("/v1/client/prompts", json={"name": "there", "content": "{{ tone }}", "version": "1.0.0"})
    made = client.post("/v2/datasets", json={"name": "there", "space_id": "default", "examples": [{"q": 1}]}).json()
    example = client.get(f"/v2/datasets/{made['id']}/examples").json()["examples"][0]["id"]
    runs = [{"example_id": example, "output": "o"}]
    experiment = client.post("/v2/experiments", json={"name": "x", "dataset_id": made["id"], "experiment_runs": runs})
    draft = client.post("/v2/dataset-drafts", json={"name": "drafted", "examples": [{"q": 1}]})
    return Place(
        prompt=prompt.json()["data"]["slug"],
        dataset=made["id"],
        version=made["versions"][0]["id"],
        example=example,
        experiment=experiment.json()["id"],
        draft=draft.json()["id"],
    )


def read_everything(client: httpx.Client, place: Place) -> None:
    """Fails when a list or anything in it cannot be read."""
    v1, v2 = "/v1/client", "/v2"
    lists = [
        f"{v1}/prompts?limit=1000",
        f"{v1}/prompts/{place.prompt}/versions?limit=1000",
        f"{v1}/prompts/{place.prompt}/history?limit=1000",
        f"{v1}/audit?limit=1000",
        f"{v1}/usage/stats",
        f"{v2}/datasets?limit=100",
        f"{v2}/datasets/{place.dataset}",
        f"{v2}/datasets/{place.dataset}/examples?limit=500",
        f"{v2}/experiments?limit=100",
        f"{v2}/experiments/{place.experiment}/runs?limit=500",
        f"{v2}/dataset-drafts/{place.draft}",
    ]
    for path in lists:
        answer = client.get(path)
        # A draft may be such that it cannot be published, which is then the answer.
        fine = {200, 422} if "drafts" in path else {200}
        assert answer.status_code in fine, (path, answer.text[:500])
        msgspec.json.decode(answer.content)
        answer.content.decode("utf-8")


def test_every_write_route_has_a_sample(place: Place) -> None:
    assert set(samples(place)) == set(WRITES)


@pytest.mark.parametrize("name", sorted(WRITES))
def test_an_odd_body_is_answered_and_what_is_stored_can_be_read(client: httpx.Client, place: Place, name: str) -> None:
    operation = WRITES[name]
    path = path_of(operation.path, place)
    sample = samples(place)[name]
    taken = client.request(operation.method, path, content=json.dumps(sample).encode())
    assert taken.status_code in {200, 201}, taken.text
    for what, body in odd_bodies(sample):
        answer = client.request(operation.method, path, content=body)
        assert answer.status_code < 500, (what, body[:300], answer.text)
        if answer.content:
            msgspec.json.decode(answer.content)
    read_everything(client, place)
