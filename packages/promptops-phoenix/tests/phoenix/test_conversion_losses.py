"""Every fact that the other side cannot hold is told with its place, and what cannot be sent at all is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from promptops.core.errors import ValidationError
from promptops.models import (
    ChatMessage,
    FilePart,
    ImagePart,
    ModelSettings,
    ModelSpecificPrompt,
    PromptCreate,
    PromptResponse,
    ResponseFormat,
    TextPart,
    ToolCallPart,
    ToolChoice,
    ToolDefinition,
    ToolResultPart,
    UnknownType,
    decoder,
)
from promptops.phoenix._generated import PromptVersionData
from promptops.phoenix.conversion import Converted, PromptFields, from_phoenix, to_phoenix

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIND = ToolDefinition(name="find")
IMAGE = ImagePart(url="https://example.com/a.png")


def prompt(**fields: Any) -> PromptResponse:
    known: dict[str, Any] = {"model_settings": ModelSettings(provider="openai", model="m")}
    known |= {"id": "1", "name": "p", "content": "Hi", "version": "1.0.0", "created_at": NOW, "updated_at": NOW}
    return PromptResponse(**(known | fields))


def chat(*messages: ChatMessage, **fields: Any) -> PromptResponse:
    return prompt(messages=list(messages), content="", **fields)


def settings(provider: str = "openai", **fields: Any) -> PromptResponse:
    return prompt(model_settings=ModelSettings(provider=provider, model="m", **fields))


def saying(*parts: Any, role: str = "user") -> PromptResponse:
    return chat(ChatMessage(role=role, content=[TextPart(text="Hi"), *parts]))


def version(**changes: Any) -> PromptVersionData:
    """A version as the server tells it, with a newer server's words for what is not known here."""
    body: dict[str, Any] = {
        "model_provider": "OPENAI",
        "model_name": "m",
        "template": {"type": "chat", "messages": [{"role": "user", "content": "Hi"}]},
        "template_type": "CHAT",
        "template_format": "MUSTACHE",
        "invocation_parameters": {"type": "openai", "openai": {}},
    }
    return decoder(PromptVersionData).decode(msgspec.json.encode(body | changes))


def parameters(kind: str, provider: str = "", **content: Any) -> PromptVersionData:
    invocation = {"type": kind, kind: content}
    return version(model_provider=provider or kind.upper(), invocation_parameters=invocation)


def said(*parts: Any, role: str = "user") -> PromptVersionData:
    return version(template={"type": "chat", "messages": [{"role": role, "content": list(parts)}]})


def calling(arguments: str) -> PromptVersionData:
    call = {"type": "function", "name": "f", "arguments": arguments}
    return said({"type": "tool_call", "tool_call_id": "c", "tool_call": call}, role="assistant")


def tools(*given: Any, **others: Any) -> PromptVersionData:
    return version(tools={"type": "tools", "tools": list(given), **others})


def found(converted: Converted[Any]) -> list[tuple[str, str]]:
    return [(loss.field, loss.what) for loss in converted.losses]


def test_what_both_sides_hold_is_no_loss() -> None:
    """The control of the cases below: what they change is what they lose."""
    assert found(to_phoenix(prompt())) == []
    assert found(to_phoenix(saying())) == []
    assert found(from_phoenix(version())) == []


VARIANT = ModelSpecificPrompt(model_provider="openai", content="Hi")
FUNCTION = {"type": "function", "function": {"name": "find"}}


@pytest.mark.parametrize(
    ("given", "field", "what"),
    [
        (prompt(target_models=["m"]), "target_models", "unsupported"),
        (prompt(model_specific_prompts=[VARIANT]), "model_specific_prompts", "unsupported"),
        (prompt(variables_schema={"type": "object"}), "variables_schema", "unsupported"),
        (prompt(tags=["a"]), "tags", "unsupported"),
        (prompt(module_id="a"), "module_id", "unsupported"),
        (prompt(metadata={"promptops.text": True}), "metadata.promptops.text", "unsupported"),
        (prompt(template_format="jinja2"), "template_format", "changed"),
        (prompt(content="{{user.name}}"), "content", "changed"),
        (prompt(content="a {{! comment }}"), "content", "changed"),
        (prompt(content="{{^a}}none{{/a}} \\{{a}}"), "content", "unsupported"),  # it would be read back as it stands
        (chat(ChatMessage(role="placeholder", content="", name="h")), "messages[0]", "unsupported"),
        (chat(ChatMessage(role="function", content="Hi")), "messages[0]", "unsupported"),
        (chat(ChatMessage(role="ai", content="Hi")), "messages[0].role", "changed"),
        (chat(ChatMessage(role="user", content="Hi", name="ada")), "messages[0].name", "unsupported"),
        (saying(IMAGE), "messages[0].content[1]", "unsupported"),
        (saying(FilePart(file_id="f")), "messages[0].content[1]", "unsupported"),
        (saying(UnknownType(tag="audio", raw={"type": "audio"})), "messages[0].content[1]", "unsupported"),
        (
            saying(ToolResultPart(tool_call_id="c", content="", name="f")),
            "messages[0].content[1].name",
            "unsupported",
        ),
        (
            saying(ToolResultPart(tool_call_id="c", content="", is_error=True)),
            "messages[0].content[1].is_error",
            "unsupported",
        ),
        (
            saying(ToolResultPart(tool_call_id="c", content="{{a}}")),
            "messages[0].content[1].content",
            "unsupported",
        ),
        (
            saying(ToolCallPart(id="c", name="f", arguments={"a": [{"b": "{{x}}"}]}), role="assistant"),
            "messages[0].content[1].arguments.a[0].b",
            "unsupported",
        ),
        (prompt(tool_choice=ToolChoice(type="auto")), "tool_choice", "unsupported"),
        (prompt(tools=[FIND], tool_choice=ToolChoice(type="auto", name="find")), "tool_choice.name", "unsupported"),
        (prompt(response_format=ResponseFormat(type="json_object")), "response_format", "unsupported"),
        (prompt(response_format=ResponseFormat(type="json_schema", schema={})), "response_format.name", "assumed"),
        (prompt(model_settings=None), "model_settings.provider", "assumed"),
        (settings("azure"), "model_settings.provider", "changed"),
        (settings("OpenAI"), "model_settings.provider", "changed"),
        (settings(top_k=3), "model_settings.top_k", "unsupported"),
        (settings(reasoning_effort="max"), "model_settings.reasoning_effort", "unsupported"),
        (settings(extra={"logit_bias": {"1": 2}}), "model_settings.extra.logit_bias", "unsupported"),
        (settings(extra={"temperature": 1}), "model_settings.extra.temperature", "moved"),
        (settings("anthropic"), "model_settings.max_tokens", "assumed"),
        (settings("anthropic", max_tokens=9, seed=1), "model_settings.seed", "unsupported"),
        (settings("aws", reasoning_effort="low"), "model_settings.reasoning_effort", "unsupported"),
        (settings("aws", extra={"extra_body": {}}), "model_settings.extra.extra_body", "unsupported"),
        (
            settings("google", extra={"thinking_config": {"new": 1}}),
            "model_settings.extra.thinking_config.new",
            "unsupported",
        ),
    ],
)
def test_what_phoenix_cannot_hold_of_ours_is_told(given: PromptResponse, field: str, what: str) -> None:
    assert (field, what) in found(to_phoenix(given))


@pytest.mark.parametrize(
    ("given", "field", "what"),
    [
        (version(model_provider="NEW"), "model_provider", "unknown"),
        (version(template={"type": "new"}), "template", "unknown"),
        (version(template={"type": "string", "template": "Hi"}, template_type="STR"), "template", "changed"),
        (version(template={"type": "chat", "messages": []}), "template.messages", "changed"),
        (version(template_format="NEW"), "template_format", "unknown"),
        (version(template_type="STR"), "template_type", "changed"),
        (version(metadata={"promptops.text": True}, template_format="NONE"), "metadata.promptops.text", "unsupported"),
        (said({"type": "image"}), "template.messages[0]", "unsupported"),
        (said({"type": "image"}), "template.messages[0].content[0]", "unknown"),
        (said({"type": "text", "text": "Hi"}, role="model"), "template.messages[0].role", "changed"),
        (calling("no json"), "template.messages[0].content[0].tool_call.arguments", "unsupported"),
        (calling("[1]"), "template.messages[0].content[0].tool_call.arguments", "unsupported"),
        (calling('{"a": NaN}'), "template.messages[0].content[0].tool_call.arguments", "unsupported"),
        (calling("[" * 100_000), "template.messages[0].content[0].tool_call.arguments", "unsupported"),
        (calling('{"a":1}'), "template.messages[0].content[0].tool_call.arguments", "changed"),
        (calling('{"a": 1, "a": 2}'), "template.messages[0].content[0].tool_call.arguments", "changed"),
        (calling('{"a": "{{x}}"}'), "template_format", "changed"),
        (
            said({"type": "tool_result", "tool_call_id": "c", "tool_result": {"a": 1}}),
            "template.messages[0].content[0].tool_result",
            "changed",
        ),
        (
            said({"type": "tool_result", "tool_call_id": "c", "tool_result": None}),
            "template.messages[0].content[0].tool_result",
            "changed",
        ),
        (tools({"type": "raw", "raw": {"type": "web_search"}}), "tools.tools[0]", "unsupported"),
        (tools({"type": "new"}), "tools.tools[0]", "unknown"),
        (tools({"type": "raw", "raw": {}}, tool_choice={"type": "none"}), "tools.tool_choice", "unsupported"),
        (tools(FUNCTION, tool_choice={"type": "new"}), "tools.tool_choice", "unknown"),
        (tools(FUNCTION, disable_parallel_tool_calls=True), "tools.disable_parallel_tool_calls", "assumed"),
        (
            tools({"type": "function", "function": {"name": "f", "parameters": {}}}),
            "tools.tools[0].function.parameters",
            "changed",
        ),
        (
            version(response_format={"type": "new", "json_schema": {"name": "r"}}),
            "response_format",
            "unknown",
        ),
        (version(invocation_parameters={"type": "new"}), "invocation_parameters", "unknown"),
        (parameters("anthropic", "OPENAI", max_tokens=5), "invocation_parameters.type", "changed"),
        (parameters("zai", max_tokens=5), "invocation_parameters.type", "changed"),
        (parameters("openai", max_tokens=5), "invocation_parameters.openai.max_tokens", "changed"),
        (
            parameters("openai", "GROQ", max_completion_tokens=5),
            "invocation_parameters.openai.max_completion_tokens",
            "changed",
        ),
        (
            parameters("anthropic", max_tokens=5, thinking={"type": "new"}),
            "invocation_parameters.anthropic.thinking",
            "unknown",
        ),
    ],
)
def test_what_a_prompt_cannot_hold_of_a_version_is_told(given: PromptVersionData, field: str, what: str) -> None:
    assert (field, what) in found(from_phoenix(given))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (settings("cohere"), "model_settings.provider"),
        (settings(temperature=float("nan")), "version.invocation_parameters.openai.temperature"),
        (settings(seed=2**63), "model_settings.seed"),
        (settings(extra={"extra_body": 5}), "model_settings"),
        (settings(temperature=1.0, extra={"temperature": 0.5}), "model_settings.extra.temperature"),
        (
            settings("google", reasoning_effort="low", extra={"thinking_config": {"thinking_level": "high"}}),
            "model_settings.extra.thinking_config.thinking_level",
        ),
        (
            settings("google", extra={"thinking_config": {"thinking_level": "huge"}}),
            "model_settings.extra.thinking_config.thinking_level",
        ),
        (
            settings("anthropic", max_tokens=2000, extra={"thinking": {"type": "enabled", "budget_tokens": 2000}}),
            "model_settings.extra.thinking.budget_tokens",
        ),
        (
            settings("anthropic", max_tokens=9, extra={"thinking": {"type": "adaptive", "display": "loud"}}),
            "model_settings.extra.thinking.display",
        ),
        (settings("anthropic", max_tokens=9, extra={"thinking": {"type": "new"}}), "model_settings"),
        (prompt(tools=[FIND], tool_choice=ToolChoice(type="tool")), "tool_choice.name"),
        (prompt(tools=[FIND], tool_choice=ToolChoice(type="some")), "tool_choice.type"),
        (prompt(template_format="erb"), "template_format"),
        (prompt(metadata={"a": float("inf")}), "version.metadata.a"),
    ],
)
def test_what_the_server_would_refuse_or_mistake_is_refused_here(given: PromptResponse, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        to_phoenix(given)
    assert field in [item["field"] for item in caught.value.validation_errors]


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        to_phoenix(prompt(model_settings=ModelSettings(provider="cohere", seed=2**70), template_format="erb"))
    fields = [item["field"] for item in caught.value.validation_errors]
    assert fields == ["model_settings.provider", "model_settings.seed", "template_format"]


def test_parameters_of_another_provider_are_read_as_what_they_say() -> None:
    """The server takes parameters of any type with any provider; ours are always those of the provider."""
    read = from_phoenix(parameters("anthropic", "OPENAI", max_tokens=5, stop_sequences=["x"])).value
    assert read.model_settings == ModelSettings(provider="openai", model="m", max_tokens=5, stop=["x"])
    sent = to_phoenix(read).value
    assert msgspec.to_builtins(sent.invocation_parameters) == {
        "type": "openai",
        "openai": {"max_completion_tokens": 5, "stop": ["x"]},
    }


def test_both_limits_of_openai_are_kept() -> None:
    given = parameters("openai", max_tokens=5, max_completion_tokens=6)
    read = from_phoenix(given)
    assert read.losses == ()
    assert read.value.model_settings == ModelSettings(
        provider="openai", model="m", max_tokens=6, extra={"max_tokens": 5}
    )
    assert to_phoenix(read.value).value == given


def test_a_plain_text_comes_back_as_one_and_an_edited_one_as_a_chat() -> None:
    sent = to_phoenix(prompt(content="Hi {{name}}", metadata={"message_role": "user"})).value
    read = from_phoenix(sent).value
    assert (read.content, read.messages, read.metadata) == ("Hi {{name}}", None, {"message_role": "user"})
    edited = said({"type": "text", "text": "Other"}).template
    other = from_phoenix(msgspec.structs.replace(sent, template=edited))
    assert other.value.messages == [ChatMessage(role="user", content=[TextPart(text="Other")])]
    assert found(other) == [("metadata.promptops.text", "unsupported")]


def test_a_jinja2_template_comes_back_as_one() -> None:
    given = prompt(content="{% if a %}{{ a }}{% endif %}", template_format="jinja2")
    sent = to_phoenix(given).value
    assert sent.template_format == "NONE"
    read = from_phoenix(sent)
    assert (read.value.content, read.value.template_format, read.losses) == (given.content, "jinja2", ())


def test_converting_changes_nothing_of_the_original() -> None:
    metadata = {"a": [1]}
    given = prompt(metadata=metadata)
    to_phoenix(given)
    assert given == prompt(metadata={"a": [1]})


def test_labels_status_and_ids_are_no_part_of_a_version() -> None:
    fields = PromptFields(content="Hi", model_settings=ModelSettings(provider="openai", model="m"))
    assert to_phoenix(fields) == to_phoenix(prompt(labels=["x"], status="active", etag="e", slug="p"))


def test_dicts_say_the_same_as_structs() -> None:
    chat_of_dicts: dict[str, Any] = {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi {{ who }}"}]}],
        "tools": [{"name": "find"}],
        "tool_choice": {"type": "auto"},
        "response_format": {"type": "json_schema", "name": "city"},
        "model_settings": {"provider": "openai", "model": "m", "temperature": 0.5},
    }
    made = to_phoenix(PromptCreate(name="p", **chat_of_dicts))
    structs = PromptCreate(
        name="p",
        messages=[ChatMessage(role="user", content=[TextPart(text="Hi {{ who }}")])],
        tools=[FIND],
        tool_choice=ToolChoice(type="auto"),
        response_format=ResponseFormat(type="json_schema", name="city"),
        model_settings=ModelSettings(provider="openai", model="m", temperature=0.5),
    )
    assert made == to_phoenix(structs)
    assert made.losses == ()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"messages": [{"role": "user"}]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": {"role": "user", "content": "Hi"}}, "messages"),
        ({"content": "Hi", "model_settings": {"temperature": "hot"}}, "model_settings.temperature"),
        ({"content": "Hi", "model_settings": "gpt-4o"}, "model_settings"),
        ({"content": "Hi", "tools": [{"description": "find"}]}, "tools[0]"),
        ({"content": "Hi", "metadata": ["a"]}, "metadata"),
        ({"content": 5}, "content"),
    ],
)
def test_value_of_a_wrong_type_is_refused_by_the_name_of_its_field(given: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        to_phoenix(PromptCreate(name="p", **given))
    assert [problem["field"] for problem in caught.value.validation_errors] == [field]
