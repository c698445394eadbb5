"""Chats with parts, tools, forms of answers, settings and schemas, over a real socket."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import msgspec
import pytest
from promptops import models
from promptops.prompts.hashing import content_hash
from promptops.server import wire

PROMPTS = "/v1/client/prompts"
CHAT: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You help {{who}}."},
        {"role": "placeholder", "content": "", "name": "history"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look at {{thing}}"},
                {"type": "image", "url": "https://x/{{picture}}.png", "detail": "low"},
                {"type": "file", "url": "https://x/{{paper}}", "filename": "{{title}}.pdf"},
                {"type": "file", "data": "aGk=", "media_type": "text/plain"},
                {"type": "file", "file_id": "file-1"},
            ],
            "name": "ann",
        },
        {
            "role": "assistant",
            "content": [{"type": "tool_call", "id": "c1", "name": "find", "arguments": {"q": ["{{deep}}", 1], "n": 2}}],
        },
        {
            "role": "tool",
            "content": [{"type": "tool_result", "tool_call_id": "c1", "content": "{{found}}", "is_error": True}],
        },
    ],
    "tools": [{"name": "find", "description": "{{not a template}}", "parameters": {"type": "object"}, "strict": True}],
    "tool_choice": {"type": "tool", "name": "find", "parallel": False},
    "response_format": {"type": "json_schema", "name": "answer", "schema": {"type": "object"}},
    "model_settings": {"model": "m", "temperature": 0.5, "max_tokens": 100, "stop": ["END"], "extra": {"k": [1.0]}},
    "variables_schema": {"type": "object", "properties": {"who": {"type": "string"}}},
}
JSON = {"Content-Type": "application/json"}
IMAGE = {"type": "image", "url": "https://x/a.png"}


def create(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = client.post(PROMPTS, json={"name": f"chat-{uuid.uuid4().hex[:10]}", **fields})
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def change(client: httpx.Client, prompt: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = client.put(f"{PROMPTS}/{prompt['id']}", json=fields)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def problems(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(item["field"], item["code"]) for item in answer.json()["error"]["details"]["validation_errors"]]


def test_everything_of_a_chat_is_kept_as_it_was_sent(client: httpx.Client) -> None:
    made = create(client, **CHAT)
    assert {name: made[name] for name in CHAT} == CHAT
    assert client.get(f"{PROMPTS}/{made['id']}").json()["data"] == made
    assert made["content"] == "You help {{who}}.\n\nLook at {{thing}}"
    assert (made["source"], made["includes"], made["labels"]) == (None, [], [])


def test_variables_are_found_in_every_text_of_every_part_and_in_placeholders(client: httpx.Client) -> None:
    made = create(client, **CHAT)
    assert set(made["variables"]) == {"who", "history", "thing", "picture", "paper", "title", "deep", "found"}


def test_an_update_keeps_what_it_does_not_name(client: httpx.Client) -> None:
    made = create(client, **CHAT)
    changed = change(client, made, description="another")
    assert {name: changed[name] for name in CHAT} == CHAT
    assert changed["content_hash"] == made["content_hash"]


@pytest.mark.parametrize("name", ["tool_choice", "response_format", "model_settings", "variables_schema"])
def test_null_takes_a_field_away(client: httpx.Client, name: str) -> None:
    made = create(client, **CHAT)
    changed = change(client, made, **{name: None})
    assert changed[name] is None
    assert changed["content_hash"] != made["content_hash"]


def test_tools_that_are_still_chosen_cannot_be_taken_away(client: httpx.Client) -> None:
    made = create(client, **CHAT)
    assert problems(client.put(f"{PROMPTS}/{made['id']}", json={"tools": []})) == [("tool_choice.name", "unknown_tool")]
    assert change(client, made, tools=[], tool_choice=None)["tools"] == []


def test_an_edit_in_place_changes_the_hash_with_the_settings(client: httpx.Client) -> None:
    made = create(client, **CHAT)
    settings = {**CHAT["model_settings"], "temperature": 0.7}
    edited = change(client, made, create_new_version=False, version="1.0.0", model_settings=settings)
    assert edited["version"] == "1.0.0"
    assert edited["model_settings"]["temperature"] == 0.7
    assert edited["content_hash"] != made["content_hash"]


def part(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [content]}]}


def variant(provider: str, model: str) -> dict[str, Any]:
    return {"model_provider": provider, "model_name": model, "content": "x"}


PART = "messages[0].content[0]"
NO_PARTS: dict[str, Any] = {"role": "user", "content": []}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"messages": [{"role": "placeholder", "content": ""}]}, [("messages[0].name", "missing_field")]),
        (
            {"messages": [{"role": "placeholder", "content": "x", "name": "h"}]},
            [("messages[0].content", "conflicting_fields")],
        ),
        ({"messages": [NO_PARTS]}, [("messages[0].content", "empty")]),
        ({"messages": [{"role": " \n", "content": "x"}]}, [("messages[0].role", "invalid_value")]),
        (
            {"content": "x", "model_specific_prompts": [variant("openai", "m"), variant("OpenAI", "m")]},
            [("model_specific_prompts[1].model_name", "duplicate_model")],
        ),
        (
            {"content": "x", "model_specific_prompts": [variant("google", "*"), variant("gemini", "")]},
            [("model_specific_prompts[1].model_name", "duplicate_model")],
        ),
        (
            {"content": "x", "model_specific_prompts": [variant(" ", "m")]},
            [("model_specific_prompts[0].model_provider", "invalid_value")],
        ),
        ({"content": "x", "variables_schema": {"type": "string"}}, [("variables_schema.type", "invalid_schema")]),
        (
            {"content": "x", "variables_schema": {"type": ["null", "array"]}},
            [("variables_schema.type", "invalid_schema")],
        ),
        (part({"type": "image"}), [(PART, "missing_field")]),
        (part({**IMAGE, "data": "aGk=", "media_type": "image/png"}), [(f"{PART}.data", "conflicting_fields")]),
        (part({"type": "image", "data": "aGk="}), [(f"{PART}.media_type", "missing_field")]),
        (part({"type": "image", "data": "?", "media_type": "image/png"}), [(f"{PART}.data", "invalid_base64")]),
        (part({"type": "file", "filename": "a"}), [(PART, "missing_field")]),
        (part({"type": "file", "url": "https://x", "file_id": "1"}), [(f"{PART}.file_id", "conflicting_fields")]),
        (part({"type": "tool_call", "id": " ", "name": "f"}), [(f"{PART}.id", "invalid_value")]),
        (part({"type": "tool_result", "tool_call_id": "", "content": ""}), [(f"{PART}.tool_call_id", "invalid_value")]),
        (part({"type": "image", "link": "x"}), [(f"{PART}.link", "unknown_field")]),
        (part({"type": "video", "url": "x"}), [(f"{PART}.type", "invalid_value")]),
        (part({"text": "no type"}), [(f"{PART}.type", "missing_field")]),
        ({"content": "x", "tools": [{"name": "a"}, {"name": "a"}]}, [("tools[1].name", "duplicate_name")]),
        ({"content": "x", "tools": [{"name": " "}]}, [("tools[0].name", "invalid_value")]),
        ({"content": "x", "tool_choice": {"type": "tool"}}, [("tool_choice.name", "missing_field")]),
        ({"content": "x", "tool_choice": {"type": "tool", "name": "a"}}, [("tool_choice.name", "unknown_tool")]),
        ({"content": "x", "tool_choice": {"type": "auto", "name": "a"}}, [("tool_choice.name", "conflicting_fields")]),
        ({"content": "x", "tool_choice": {"type": "required"}}, [("tool_choice.type", "missing_tools")]),
        ({"content": "x", "tool_choice": {"type": "any"}}, [("tool_choice.type", "invalid_value")]),
        ({"content": "x", "response_format": {"type": "json_schema"}}, [("response_format.schema", "missing_field")]),
        (
            {"content": "x", "response_format": {"type": "text", "schema": {}}},
            [("response_format.schema", "conflicting_fields")],
        ),
        ({"content": "x", "model_settings": {"temperature": "hot"}}, [("model_settings.temperature", "invalid_value")]),
        ({"content": "x", "model_settings": {"heat": 1}}, [("model_settings.heat", "unknown_field")]),
        (
            {
                "content": "x",
                "model_specific_prompts": [
                    {"model_provider": "openai", "content": "", "messages": [{"role": "placeholder", "content": ""}]}
                ],
            },
            [("model_specific_prompts[0].messages[0].name", "missing_field")],
        ),
    ],
)
def test_what_no_model_could_be_sent_is_refused_with_its_path(
    client: httpx.Client, fields: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    answer = client.post(PROMPTS, json={"name": f"bad-{uuid.uuid4().hex[:10]}", **fields})
    assert problems(answer) == expected


def test_variants_of_different_models_and_schemas_of_objects_are_taken(client: httpx.Client) -> None:
    variants = [variant("openai", "m"), variant("openai", "*"), variant("openai", "n"), variant("google", "m")]
    schema = {"type": ["object", "null"]}
    made = create(client, content="x", model_specific_prompts=variants, variables_schema=schema)
    assert len(made["model_specific_prompts"]) == 4
    assert create(client, content="x", variables_schema={"properties": {}})["variables_schema"] == {"properties": {}}


def test_an_update_is_held_to_the_same(client: httpx.Client) -> None:
    made = create(client, content="x")
    answer = client.put(f"{PROMPTS}/{made['slug']}", json={"messages": [NO_PARTS]})
    assert problems(answer) == [("messages[0].content", "empty")]


def test_every_problem_is_named_at_once(client: httpx.Client) -> None:
    fields = {**part({"type": "image"}), "tool_choice": {"type": "tool"}, "response_format": {"type": "json_schema"}}
    found = problems(client.post(PROMPTS, json={"name": "never", **fields}))
    assert [field for field, _ in found] == [PART, "tool_choice.name", "response_format.schema"]


def test_a_schema_that_is_not_understood_is_refused_with_its_path(client: httpx.Client) -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"a": {"patternProperties": {}}}}
    answer = client.post(PROMPTS, json={"name": "never", "content": "x", "variables_schema": schema})
    ((field, _),) = problems(answer)
    assert field.startswith("variables_schema.properties.a")


def test_a_variable_that_is_not_what_the_schema_says_is_refused_by_the_render(client: httpx.Client) -> None:
    schema = {"type": "object", "properties": {"who": {"type": "string"}}}
    made = create(client, content="Hi {{who}}", variables_schema=schema)
    answer = client.post(f"{PROMPTS}/{made['id']}/render", json={"variables": {"who": 1}})
    ((field, _),) = problems(answer)
    assert field == "variables.who"


def test_a_body_of_more_than_1_mib_is_refused(client: httpx.Client) -> None:
    answer = client.post(PROMPTS, json={"name": "big", **part({"type": "image", "data": "A" * 1_100_000})})
    assert answer.status_code == 413


def test_a_render_gives_parts_tools_and_settings(client: httpx.Client) -> None:
    made = create(client, **CHAT)
    values: dict[str, Any] = {name: f"<{name}>" for name in made["variables"] if name != "history"}
    values["history"] = [{"role": "user", "content": "{{raw}}"}]
    answer = client.post(f"{PROMPTS}/{made['id']}/render", json={"variables": values})
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data["messages"][0] == {"role": "system", "content": "You help <who>."}
    assert data["messages"][1] == {"role": "user", "content": "{{raw}}"}
    assert data["messages"][2]["content"][1]["url"] == "https://x/<picture>.png"
    assert data["messages"][3]["content"][0]["arguments"] == {"q": ["<deep>", 1], "n": 2}
    for name in ("tools", "tool_choice", "response_format", "model_settings"):
        assert data[name] == CHAT[name]


VARIANT = {
    "model_provider": "anthropic",
    "content": "",
    "messages": [{"role": "user", "content": "Claude, {{ask}}"}, {"role": "user", "content": "Now"}],
    "model_settings": {"max_tokens": 7},
}


def test_a_variant_has_messages_and_settings_of_its_own(client: httpx.Client) -> None:
    made = create(client, content="{{x}}", model_settings={"temperature": 0.1}, model_specific_prompts=[VARIANT])
    (variant,) = made["model_specific_prompts"]
    assert variant["messages"] == VARIANT["messages"]
    assert variant["content"] == "Claude, {{ask}}\n\nNow"
    assert set(made["variables"]) == {"x", "ask"}
    shown = client.get(f"{PROMPTS}/{made['id']}/model/claude/any").json()["data"]
    assert shown["messages"] == VARIANT["messages"]
    assert shown["model_settings"] == {"temperature": 0.1, "max_tokens": 7}
    body = {"variables": {"ask": "why"}, "model_provider": "anthropic"}
    data = client.post(f"{PROMPTS}/{made['id']}/render", json=body).json()["data"]
    assert data["rendered_content"] == "Claude, why\n\nNow"
    assert data["model_settings"] == shown["model_settings"]


def test_a_variant_with_messages_and_another_content_is_refused(client: httpx.Client) -> None:
    answer = client.post(
        PROMPTS, json={"name": "never", "content": "x", "model_specific_prompts": [{**VARIANT, "content": "other"}]}
    )
    assert problems(answer) == [("model_specific_prompts[0].content", "conflicting_fields")]


def test_jinja2_is_stored_with_its_declared_variables_and_never_parsed(client: httpx.Client) -> None:
    text = "{% for x in y %}{{ x.__class__ }}{% bad"
    made = create(client, content=text, template_format="jinja2", variables=["y"])
    assert (made["content"], made["variables"]) == (text, ["y"])
    chat = create(client, messages=CHAT["messages"], template_format="jinja2", variables=["who"])
    assert chat["variables"] == ["who", "history"]


def test_jinja2_is_not_rendered_by_the_server(client: httpx.Client) -> None:
    made = create(client, content="{{ x }}", template_format="jinja2", variables=["x"])
    answer = client.post(f"{PROMPTS}/{made['id']}/render", json={"variables": {"x": 1}})
    assert problems(answer) == [("template_format", "jinja2_on_server")]
    assert "promptops-prompts[jinja2]" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "fields",
    [
        CHAT,
        {"content": "plain {{x}}"},
        {"content": "x", "model_settings": {"temperature": 1}},
        {"content": ""},
        {"content": "x", "model_specific_prompts": [VARIANT, {"model_provider": "openai", "content": "o"}]},
    ],
)
def test_the_hash_of_the_server_is_that_of_the_models_on_both_sides(
    client: httpx.Client, fields: dict[str, Any]
) -> None:
    made = create(client, **fields)
    assert content_hash(msgspec.convert(made, models.PromptResponse)) == made["content_hash"]
    assert content_hash(msgspec.convert(made, wire.PromptResponse)) == made["content_hash"]


def test_a_set_of_bodies_that_are_no_prompts_are_all_refused_as_the_callers_fault(client: httpx.Client) -> None:
    made = create(client, content="x")
    odd: list[Any] = [None, [], "x", 1, {}, {"messages": "x"}, {"messages": [[]]}, {"messages": [{"role": 1}]}]
    contents: list[Any] = [None, 1, {}, [1], [[]], [{}], [None]]
    values: list[Any] = [1, "x", [1], [{}], {"a": 1}]
    odd += [{"messages": [{"role": "user", "content": value}]} for value in contents]
    odd += [{name: value} for name in CHAT for value in values if name != "variables_schema"]
    for body in odd:
        sent = msgspec.json.encode(body)
        named = sent if sent[:1] != b"{" else b'{"name": "never"' + (b"," if body else b"") + sent[1:]
        assert client.post(PROMPTS, content=named, headers=JSON).status_code == 422, sent
        if body != {}:
            assert client.put(f"{PROMPTS}/{made['id']}", content=sent, headers=JSON).status_code == 422, sent
    assert client.get(f"{PROMPTS}/{made['id']}").json()["data"] == made
