"""Batches, texts for one model, and compatibility over a real socket."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

PROMPTS = "/v1/client/prompts"
BATCH = f"{PROMPTS}/batch"
COMPATIBILITY = "/v1/client/models/compatibility"
Json = dict[str, Any]


def create(client: httpx.Client, **fields: Any) -> Json:
    name = f"b-{uuid.uuid4().hex[:10]}"
    answer = client.post(PROMPTS, json={"name": name, "slug": name, "content": "base", **fields})
    assert answer.status_code == 201, answer.text
    data: Json = answer.json()["data"]
    return data


def batch(client: httpx.Client, **body: Any) -> Json:
    answer = client.post(BATCH, json=body)
    assert answer.status_code == 200, answer.text
    data: Json = answer.json()["data"]
    return data


def text_for(client: httpx.Client, reference: str, provider: str, name: str, **query: str) -> Json:
    answer = client.get(f"{PROMPTS}/{reference}/model/{provider}/{name}", params=query)
    assert answer.status_code == 200, answer.text
    data: Json = answer.json()["data"]
    return data


def test_a_batch_answers_by_the_id_that_was_asked_for(client: httpx.Client) -> None:
    first, second = create(client, metadata={"a": 1}), create(client)
    asked = [first["slug"], first["id"], second["slug"].upper(), second["id"].upper(), first["slug"]]
    found = batch(client, prompt_ids=asked)
    assert list(found["prompts"]) == [first["slug"], first["id"], second["id"].upper()]
    assert found["prompts"][first["slug"]] == found["prompts"][first["id"]] == first
    (error,) = found["errors"]
    assert (error["prompt_id"], error["code"]) == (second["slug"].upper(), "PROMPT_NOT_FOUND")
    assert second["slug"].upper() in error["message"]


def test_versions_are_common_or_of_one_prompt(client: httpx.Client) -> None:
    first, second = create(client), create(client)
    for prompt in (first, second):
        client.put(f"{PROMPTS}/{prompt['id']}", json={"content": "next"})
    asked = [first["slug"], second["slug"]]
    latest = batch(client, prompt_ids=asked)["prompts"]
    assert {prompt["version"] for prompt in latest.values()} == {"1.0.1"}
    mixed = batch(client, prompt_ids=asked, version="v1", versions={second["slug"]: "latest"})["prompts"]
    assert [mixed[slug]["version"] for slug in asked] == ["1.0.0", "1.0.1"]


def test_errors_are_typed_and_in_the_order_asked(client: httpx.Client) -> None:
    prompt = create(client)
    asked = ["nowhere", prompt["slug"], prompt["id"]]
    found = batch(client, prompt_ids=asked, versions={prompt["slug"]: "one", prompt["id"]: "9.9.9"})
    assert found["prompts"] == {}
    assert [(error["prompt_id"], error["code"]) for error in found["errors"]] == [
        ("nowhere", "PROMPT_NOT_FOUND"),
        (prompt["slug"], "VALIDATION_ERROR"),
        (prompt["id"], "PROMPT_NOT_FOUND"),
    ]
    assert "9.9.9" in found["errors"][2]["message"]


def test_a_hundred_prompts_are_one_batch_and_one_more_is_too_many(client: httpx.Client) -> None:
    prompt = create(client)
    ids = [*(f"nowhere-{index}" for index in range(99)), prompt["slug"]]
    found = batch(client, prompt_ids=ids)
    assert (list(found["prompts"]), len(found["errors"])) == ([prompt["slug"]], 99)
    assert client.post(BATCH, json={"prompt_ids": [*ids, "more"]}).status_code == 422


def test_metadata_is_there_unless_it_is_not_wanted(client: httpx.Client) -> None:
    prompt = create(client, metadata={"a": 1})
    without = batch(client, prompt_ids=[prompt["slug"]], include_metadata=False)["prompts"][prompt["slug"]]
    assert without == {**prompt, "metadata": {}}


def test_ids_with_quotes_percents_and_other_letters_are_only_ids(client: httpx.Client) -> None:
    odd = ["a'b", 'a"b', "%", "_", "a\\b", "é", "a\x00b", "  "]
    found = batch(client, prompt_ids=odd)
    assert [error["prompt_id"] for error in found["errors"]] == odd


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "prompt_ids"),
        ({"prompt_ids": []}, "prompt_ids"),
        ({"prompt_ids": "a"}, "prompt_ids"),
        ({"prompt_ids": [1]}, "prompt_ids[0]"),
        ({"prompt_ids": [""]}, "prompt_ids[0]"),
        ({"prompt_ids": ["a" * 256]}, "prompt_ids[0]"),
        ({"prompt_ids": ["a"], "version": "one"}, "version"),
        ({"prompt_ids": ["a"], "versions": {"b": "1.0.0"}}, "versions"),
        ({"prompt_ids": ["a"], "versions": ["1.0.0"]}, "versions"),
        ({"prompt_ids": ["a"], "include_metadata": "yes"}, "include_metadata"),
        ({"prompt_ids": ["a"], "other": 1}, "other"),
    ],
)
def test_a_malformed_batch_is_refused_with_its_field(client: httpx.Client, body: Json, field: str) -> None:
    answer = client.post(BATCH, json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["validation_errors"][0]["field"] == field


VARIANTS = [
    {"model_provider": "anthropic", "model_name": "*", "content": "for claude", "instructions": "think"},
    {"model_provider": "openai", "model_name": "gpt-4", "content": "for gpt-4", "expected_output_format": "json"},
    {"model_provider": "openai", "model_name": "", "content": "for openai"},
]


@pytest.mark.parametrize(
    ("provider", "name", "content", "matched"),
    [
        ("openai", "gpt-4", "for gpt-4", "gpt-4"),
        ("openai", "gpt-4o", "for openai", ""),
        ("claude", "any%2Fthing", "for claude", "*"),
        ("cohere", "command-r", "base", None),
    ],
)
def test_the_best_text_is_the_models_then_the_providers_then_the_prompts(
    client: httpx.Client, provider: str, name: str, content: str, matched: str | None
) -> None:
    prompt = create(client, model_specific_prompts=VARIANTS)
    found = text_for(client, prompt["slug"], provider, name)
    assert (found["content"], found["is_model_specific"], found["matched_model"]) == (
        content,
        matched is not None,
        matched,
    )
    assert (found["prompt_id"], found["version"]) == (prompt["id"], "1.0.0")


def test_a_chat_keeps_its_messages_where_its_own_text_applies(client: httpx.Client) -> None:
    messages = [{"role": "system", "content": "be"}, {"role": "user", "content": "ask"}]
    prompt = create(client, content=None, messages=messages, model_specific_prompts=VARIANTS)
    assert text_for(client, prompt["id"], "cohere", "x")["messages"] == messages
    assert text_for(client, prompt["id"], "openai", "x")["messages"] is None


def test_the_text_for_a_model_has_an_etag_of_its_own(client: httpx.Client) -> None:
    prompt = create(client, model_specific_prompts=VARIANTS)
    path = f"{PROMPTS}/{prompt['slug']}/model/openai/gpt-4"
    tag = client.get(path).headers["etag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert tag != client.get(f"{PROMPTS}/{prompt['slug']}").headers["etag"]
    client.put(f"{PROMPTS}/{prompt['slug']}", json={"description": "new"})
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200
    assert client.get(f"{path}?version=1.0.0", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("path", ["%20/x", "x/%20", "x/" + "y" * 129, "p" * 65 + "/x"])
def test_names_that_no_model_has_are_refused(client: httpx.Client, path: str) -> None:
    answer = client.get(f"{PROMPTS}/{create(client)['slug']}/model/{path}")
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["validation_errors"][0]["field"].startswith("model_")


def test_a_missing_prompt_has_no_text_for_any_model(client: httpx.Client) -> None:
    answer = client.get(f"{PROMPTS}/nowhere/model/openai/gpt-4")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "PROMPT_NOT_FOUND")


def test_compatibility_of_one_model_and_of_many(client: httpx.Client) -> None:
    prompt = create(client, target_models=["openai"])
    one = {"prompt_id": prompt["slug"], "model_provider": "openai", "model_name": "gpt-4"}
    report = client.post(COMPATIBILITY, json=one).json()["data"]
    assert (report["prompt_id"], report["version"]) == (prompt["id"], "1.0.0")
    assert [(result["compatible"], result["score"]) for result in report["results"]] == [(True, 1.0)]
    asked = [
        {"model_provider": "claude", "model_name": "claude-3-sonnet"},
        {"model_provider": "cohere", "model_name": "nothing"},
    ]
    results = client.post(COMPATIBILITY, json={"prompt_id": prompt["id"], "models": asked}).json()["data"]["results"]
    assert [(each["model_provider"], each["model_name"], each["compatible"]) for each in results] == [
        ("anthropic", "claude-3-sonnet", True),
        ("cohere", "nothing", False),
    ]
    assert {issue["code"] for issue in results[0]["issues"]} == {"provider_not_targeted", "model_deprecated"}


def test_compatibility_with_a_provider_that_nobody_knows_is_refused(client: httpx.Client) -> None:
    models = [{"model_provider": "openai", "model_name": "gpt-4"}, {"model_provider": "opnai", "model_name": "gpt-4"}]
    answer = client.post(COMPATIBILITY, json={"prompt_id": create(client)["id"], "models": models})
    assert answer.status_code == 422
    [problem] = answer.json()["error"]["details"]["validation_errors"]
    assert problem["field"] == "models[1].model_provider"


def test_compatibility_is_of_the_version_that_is_named(client: httpx.Client) -> None:
    prompt = create(client)
    client.put(f"{PROMPTS}/{prompt['id']}", json={"content": "x" * 40_000})
    body = {"prompt_id": prompt["id"], "model_provider": "openai", "model_name": "gpt-4"}
    verdicts = [
        client.post(COMPATIBILITY, json={**body, "version": version}).json()["data"]["results"][0]["compatible"]
        for version in (None, "v1.0")
    ]
    assert verdicts == [False, True]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "prompt_id"),
        ({"prompt_id": ""}, "prompt_id"),
        ({"prompt_id": "p"}, "model_provider"),
        ({"prompt_id": "p", "model_provider": "openai"}, "model_name"),
        ({"prompt_id": "p", "model_name": "gpt-4"}, "model_provider"),
        ({"prompt_id": "p", "model_provider": "", "model_name": "gpt-4"}, "model_provider"),
        ({"prompt_id": "p", "models": []}, "models"),
        ({"prompt_id": "p", "models": ["gpt-4"]}, "models[0]"),
        ({"prompt_id": "p", "models": [{"model_provider": "openai"}]}, "models[0].model_name"),
        (
            {"prompt_id": "p", "model_provider": "x", "models": [{"model_provider": "x", "model_name": "y"}]},
            "model_provider",
        ),
        ({"prompt_id": "p", "model_provider": "x", "model_name": "y", "output_tokens": -1}, "output_tokens"),
        ({"prompt_id": "p", "model_provider": "local", "model_name": "y", "version": "one"}, "version"),
        ({"prompt_id": "p", "model_provider": "x", "model_name": "y", "temperature": 1}, "temperature"),
    ],
)
def test_a_malformed_question_is_refused_with_its_field(client: httpx.Client, body: Json, field: str) -> None:
    answer = client.post(COMPATIBILITY, json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["validation_errors"][0]["field"] == field


def test_compatibility_of_a_missing_prompt_is_not_found(client: httpx.Client) -> None:
    body = {"prompt_id": "nowhere", "model_provider": "openai", "model_name": "gpt-4"}
    assert client.post(COMPATIBILITY, json=body).status_code == 404
