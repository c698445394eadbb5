"""Writing chat prompts: parts, tools and settings as dicts or structs, and what is refused before it is sent."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from promptops.core.errors import ValidationError
from promptops.models import (
    ChatMessage,
    ModelSettings,
    PromptResponse,
    ResponseFormat,
    TextPart,
    ToolChoice,
    ToolDefinition,
    UnknownType,
    decoder,
)
from promptops.prompts import AsyncPrompts
from promptops.prompts.formats import from_openai

pytestmark = pytest.mark.anyio

TEXT = {"type": "text", "text": "a"}
NO_PARTS: dict[str, Any] = {"role": "user", "content": []}
VARIANT = {"model_provider": "openai", "model_name": "m", "content": "x"}


@pytest.fixture
def prompts(stub: Any) -> AsyncPrompts:
    return AsyncPrompts(stub.runtime)


async def test_dicts_and_structs_are_sent_alike(stub: Any, prompts: AsyncPrompts) -> None:
    schema = {"type": "object"}
    await prompts.create(
        "Chat",
        messages=[{"role": "user", "content": [TEXT]}],
        tools=[{"name": "search", "parameters": schema}],
        tool_choice={"type": "tool", "name": "search"},
        response_format={"type": "json_schema", "schema": schema},
        model_settings={"model": "m", "temperature": 0.5},
        variables_schema=schema,
        template_format="jinja2",
    )
    first = stub.sent()
    await prompts.create(
        "Chat",
        messages=[ChatMessage(role="user", content=[TextPart(text="a")])],
        tools=[ToolDefinition(name="search", parameters=schema)],
        tool_choice=ToolChoice(type="tool", name="search"),
        response_format=ResponseFormat(type="json_schema", schema=schema),
        model_settings=ModelSettings(model="m", temperature=0.5),
        variables_schema=schema,
        template_format="jinja2",
    )
    assert stub.sent() == first
    assert first["messages"][0]["content"] == [TEXT]
    assert first["tool_choice"] == {"type": "tool", "name": "search", "parallel": None}
    assert (first["variables_schema"], first["template_format"]) == (schema, "jinja2")


async def test_what_was_read_from_an_sdk_is_created_as_it_is(stub: Any, prompts: AsyncPrompts) -> None:
    imported = from_openai(
        {
            "model": "gpt-4o",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            "tools": [{"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}],
        }
    )
    await prompts.create("Imported", **imported.fields())
    sent = stub.sent()
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    assert (sent["tools"][0]["name"], sent["model_settings"]["model"]) == ("search", "gpt-4o")


async def test_an_update_sends_what_is_given_and_none_where_none_is_meant(stub: Any, prompts: AsyncPrompts) -> None:
    await prompts.update("a", tools=[], tool_choice=None, model_settings={"seed": 1})
    sent = stub.sent()
    assert (sent["tools"], sent["tool_choice"], sent["model_settings"]["seed"]) == ([], None, 1)
    assert not {"response_format", "variables_schema", "messages", "content"} & set(sent)


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        (
            "messages[0].content[1].text",
            {"messages": [{"role": "user", "content": [TEXT, {"type": "text", "text": 1}]}]},
        ),
        ("messages[0].content[0].type", {"messages": [{"role": "user", "content": [{"type": "txt"}]}]}),
        ("tools[0].parameters", {"content": "a", "tools": [{"name": "a", "parameters": 7}]}),
        ("model_settings.temperature", {"content": "a", "model_settings": {"temperature": "hot"}}),
        ("tool_choice", {"content": "a", "tool_choice": "auto"}),
        ("variables_schema", {"content": "a", "variables_schema": ["a"]}),
        ("tools", {"content": "a", "tools": "search"}),
    ],
)
async def test_what_has_the_wrong_type_is_refused_with_its_path(
    stub: Any, prompts: AsyncPrompts, field: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError) as caught:
        await prompts.create("a", **arguments)
    assert caught.value.validation_errors[0]["field"] == field
    assert not stub.requests


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"messages": [NO_PARTS]}, "messages[0].content"),
        ({"messages": [{"role": " ", "content": "x"}]}, "messages[0].role"),
        (
            {"content": "x", "model_specific_prompts": [VARIANT, {**VARIANT, "model_provider": "OpenAI"}]},
            "model_specific_prompts[1].model_name",
        ),
        (
            {"content": "x", "model_specific_prompts": [{**VARIANT, "model_name": name} for name in ("", "*")]},
            "model_specific_prompts[1].model_name",
        ),
        (
            {"content": "x", "model_specific_prompts": [{**VARIANT, "messages": [NO_PARTS]}]},
            "model_specific_prompts[0].messages[0].content",
        ),
    ],
)
async def test_what_the_server_would_refuse_is_refused_before(
    stub: Any, prompts: AsyncPrompts, fields: dict[str, Any], field: str
) -> None:
    for write in (prompts.create, prompts.update):
        with pytest.raises(ValidationError) as caught:
            await write("a", **fields)
        assert caught.value.validation_errors[0]["field"] == field
    assert stub.requests == []


async def test_a_star_within_the_name_of_a_model_is_part_of_the_name(
    stub: Any, prompts: AsyncPrompts, make_json: Any
) -> None:
    stub.reply(make_json())
    names = ["gpt", "gpt-*", "gpt-", ""]
    await prompts.create("a", content="x", model_specific_prompts=[{**VARIANT, "model_name": name} for name in names])
    assert [each["model_name"] for each in stub.sent()["model_specific_prompts"]] == names


async def test_parts_that_this_version_does_not_know_are_not_sent_back(stub: Any, prompts: AsyncPrompts) -> None:
    unknown = UnknownType(tag="video", raw={"type": "video"})
    message = ChatMessage(role="user", content=[unknown])
    for write in (prompts.create("a", messages=[message]), prompts.update("a", messages=[message])):
        with pytest.raises(ValidationError, match="'video', which this version does not know") as caught:
            await write
        assert caught.value.validation_errors[0]["field"] == "messages[0].content[0]"
    assert not stub.requests


async def test_a_rollback_publishes_all_of_the_old_version(stub: Any, prompts: AsyncPrompts, make_json: Any) -> None:
    stub.reply(
        make_json(
            messages=[{"role": "user", "content": [TEXT]}],
            tools=[{"name": "search"}],
            tool_choice={"type": "auto"},
            response_format={"type": "text"},
            model_settings={"seed": 1},
            variables_schema={"type": "object"},
        )
    )
    await prompts.rollback("a", version="1.0.0")
    sent = stub.sent()
    assert sent["messages"][0]["content"] == [TEXT]
    assert (sent["tools"][0]["name"], sent["tool_choice"]["type"], sent["response_format"]["type"]) == (
        "search",
        "auto",
        "text",
    )
    assert (sent["model_settings"]["seed"], sent["variables_schema"]) == (1, {"type": "object"})


async def test_a_rollback_publishes_a_prompt_with_inclusions_as_it_was_written(
    stub: Any, prompts: AsyncPrompts, make_json: Any
) -> None:
    written = "{{> greeting@1.0.0 }} {{ who }}"
    stub.reply(make_json(content="Hello {{ who }}", source={"content": written, "messages": None}))
    await prompts.rollback("a", version="1.0.0")
    assert stub.sent()["content"] == written
    stub.reply(
        make_json(
            messages=[{"role": "user", "content": "x"}],
            source={"content": "", "messages": [{"role": "user", "content": written}]},
        )
    )
    await prompts.rollback("a", version="1.0.0")
    assert stub.sent()["messages"][0]["content"] == written
    assert "content" not in stub.sent()
    variant = {"model_provider": "openai", "content": "Hello"}
    source = {"content": "x", "messages": None, "model_specific_prompts": [{**variant, "content": written}]}
    stub.reply(make_json(content="x", model_specific_prompts=[variant], source=source))
    await prompts.rollback("a", version="1.0.0")
    assert stub.sent()["model_specific_prompts"][0]["content"] == written


async def test_a_variant_with_messages_needs_no_content(stub: Any, prompts: AsyncPrompts, make_json: Any) -> None:
    variant = {"model_provider": "openai", "messages": [{"role": "user", "content": "Hi"}]}
    stub.reply(make_json())
    await prompts.create("A", content="x", model_specific_prompts=[variant])
    assert stub.sent()["model_specific_prompts"][0]["content"] == ""
    with pytest.raises(ValidationError, match="content"):
        await prompts.create("A", content="x", model_specific_prompts=[{"model_provider": "openai"}])


async def test_everything_within_a_remembered_prompt_is_frozen(
    stub: Any, prompts: AsyncPrompts, make_json: Any
) -> None:
    call = {"type": "tool_call", "id": "1", "name": "f", "arguments": {"a": [1]}}
    stub.reply(
        make_json(
            messages=[{"role": "user", "content": [call]}],
            tools=[{"name": "f", "parameters": {"type": "object"}}],
            model_settings={"stop": ["a"], "extra": {"b": 1}},
        )
    )
    prompt = await prompts.get("a")
    assert prompt.messages is not None
    content: Any = prompt.messages[0].content
    assert prompt.model_settings is not None
    stop: Any = prompt.model_settings.stop
    for shared in (content, content[0].arguments["a"], stop):
        with pytest.raises(TypeError, match="shared by all callers"):
            shared.append(2)
    for mapping in (content[0].arguments, prompt.tools[0].parameters, prompt.model_settings.extra):
        with pytest.raises(TypeError, match="shared by all callers"):
            mapping["x"] = 1
    assert decoder(PromptResponse).decode(msgspec.json.encode(prompt)) == prompt
