"""Arguments of the SDKs, plain or as objects of the SDKs, read as prompts."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types import Message
from google.genai import types
from openai.types.chat import ChatCompletionMessage
from promptops.core.errors import ValidationError
from promptops.models import (
    ChatMessage,
    FilePart,
    ImagePart,
    ModelSettings,
    TextPart,
    ToolCallPart,
    ToolChoice,
    ToolDefinition,
    ToolResultPart,
)
from promptops.prompts.formats import Imported, from_anthropic, from_google, from_openai


def lost(imported: Imported) -> list[tuple[str, str]]:
    return [(loss.field, loss.what) for loss in imported.losses]


def openai(*messages: Any, **arguments: Any) -> Imported:
    return from_openai(
        {"model": "gpt-6", "messages": list(messages) or [{"role": "user", "content": "Hi"}], **arguments}
    )


def anthropic(*messages: Any, **arguments: Any) -> Imported:
    turns = list(messages) or [{"role": "user", "content": "Hi"}]
    return from_anthropic({"model": "claude-opus-5", "max_tokens": 9, "messages": turns, **arguments})


def google(contents: Any = "Hi", **config: Any) -> Imported:
    return from_google({"model": "gemini-3-pro", "contents": contents, "config": config})


def test_fields_are_what_create_takes_and_only_what_is_set() -> None:
    imported = openai(tools=[{"type": "function", "function": {"name": "now"}}], tool_choice="required")
    assert imported.fields() == {
        "messages": [ChatMessage(role="user", content="Hi")],
        "tools": [ToolDefinition(name="now")],
        "tool_choice": ToolChoice(type="required"),
        "model_settings": ModelSettings(provider="openai", model="gpt-6"),
    }


@pytest.mark.parametrize("arguments", [{}, {"messages": []}, {"messages": None, "contents": []}])
def test_no_messages_are_refused(arguments: dict[str, Any]) -> None:
    for read in (from_openai, from_anthropic, from_google):
        with pytest.raises(ValidationError, match="at least one"):
            read(arguments)


def test_unknown_arguments_go_to_extra_and_what_is_no_json_is_a_loss() -> None:
    imported = openai(user="u1", logit_bias={"1": 2}, http_client=object(), temperature=None)
    assert imported.model_settings is not None
    assert imported.model_settings.extra == {"user": "u1", "logit_bias": {"1": 2}}
    assert lost(imported) == [("http_client", "unknown")]


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": "sk-1"},
        {"extra_headers": {"Authorization": "Bearer x"}},
        {"aws_secret_access_key": "x"},
        {"extra_body": {"nested": {"api_key": "x"}}},
        {"mcp_servers": [{"type": "url", "url": "https://e", "authorization_token": "x"}]},
        {"extra_body": [[{"id_token": "x"}]]},
    ],
)
def test_secrets_never_become_part_of_a_prompt(arguments: dict[str, Any]) -> None:
    imported = openai(**arguments)
    assert imported.model_settings == ModelSettings(provider="openai", model="gpt-6")
    assert lost(imported) == [(next(iter(arguments)), "unknown")]


def test_words_about_tokens_are_no_secrets() -> None:
    extra = {"prompt_cache_key": "k", "top_logprobs": 2, "max_output_tokens": 4}
    imported = openai(**extra)
    assert imported.model_settings is not None
    assert imported.model_settings.extra == extra


@pytest.mark.parametrize(
    ("model", "provider", "name"),
    [
        ("gpt-6", "openai", "gpt-6"),
        ("anthropic/claude-opus-5", "anthropic", "claude-opus-5"),
        ("gemini/gemini-3-pro", "google", "gemini-3-pro"),
        ("openrouter/meta/llama", "openrouter", "meta/llama"),
        ("meta-llama/Llama-4", None, "meta-llama/Llama-4"),
    ],
)
def test_a_prefix_of_litellm_tells_the_provider(model: str, provider: str | None, name: str) -> None:
    assert openai(model=model).model_settings == ModelSettings(provider=provider, model=name)


def test_settings_of_openai() -> None:
    imported = openai(temperature=1, max_completion_tokens=5, stop="x", seed=3, reasoning_effort="low", top_k=2)
    assert imported.model_settings == ModelSettings(
        provider="openai",
        model="gpt-6",
        temperature=1.0,
        max_tokens=5,
        stop=["x"],
        seed=3,
        reasoning_effort="low",
        top_k=2,
    )
    assert lost(imported) == []


def test_both_limits_keep_the_newer_one_and_the_other_in_extra() -> None:
    imported = openai(max_completion_tokens=5, max_tokens=7)
    assert imported.model_settings == ModelSettings(
        provider="openai", model="gpt-6", max_tokens=5, extra={"max_tokens": 7}
    )


def test_messages_of_the_sdk_of_openai_are_read_as_they_come_back() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "sum", "arguments": '{"a": 1}'}}
    answer = ChatCompletionMessage.model_validate({"role": "assistant", "content": None, "tool_calls": [call]})
    imported = openai(
        {"role": "user", "content": "Add."}, answer, {"role": "tool", "tool_call_id": "c1", "content": "2"}
    )
    assert imported.messages[1:] == [
        ChatMessage(role="assistant", content=[ToolCallPart(id="c1", name="sum", arguments={"a": 1})]),
        ChatMessage(role="tool", content=[ToolResultPart(tool_call_id="c1", content="2")]),
    ]
    assert lost(imported) == []


def test_what_openai_has_and_a_prompt_has_not_is_told() -> None:
    imported = openai(
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}, {"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": "No.", "refusal": "No."},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "n", "input": ""}}]},
        tools=[{"type": "custom", "custom": {"name": "n"}}],
        tool_choice={"type": "allowed_tools", "allowed_tools": {}},
        response_format={"type": "grammar"},
    )
    assert lost(imported) == [
        ("messages[0].content[0]", "unknown"),
        ("messages[1].refusal", "unknown"),
        ("messages[2].tool_calls[0]", "unknown"),
        ("messages[2]", "unknown"),
        ("tools[0]", "unknown"),
        ("tool_choice", "unknown"),
        ("response_format", "unknown"),
    ]


def test_arguments_of_a_call_that_are_no_json_are_told() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "n", "arguments": "{"}}
    imported = openai({"role": "assistant", "tool_calls": [call]})
    assert lost(imported) == [("messages[0].tool_calls[0].function.arguments", "unsupported")]


def test_messages_of_the_sdk_of_anthropic_are_read_as_they_come_back() -> None:
    answer = Message.model_validate(
        {
            "id": "m",
            "type": "message",
            "model": "claude-opus-5",
            "role": "assistant",
            "stop_reason": "tool_use",
            "usage": {"input_tokens": 1, "output_tokens": 1},
            "content": [
                {"type": "thinking", "thinking": "…", "signature": "s"},
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "c1", "name": "sum", "input": {"a": None}},
            ],
        }
    )
    results = [{"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "2"}]}]
    said = [*results, {"type": "text", "text": "So?"}]
    imported = anthropic({"role": "assistant", "content": answer.content}, {"role": "user", "content": said})
    assert imported.messages == [
        ChatMessage(
            role="assistant",
            content=[TextPart(text="Let me see."), ToolCallPart(id="c1", name="sum", arguments={"a": None})],
        ),
        ChatMessage(role="tool", content=[ToolResultPart(tool_call_id="c1", content="2")]),
        ChatMessage(role="user", content=[TextPart(text="So?")]),
    ]
    assert ("messages[0].content[0]", "unknown") in lost(imported)


def test_settings_of_anthropic() -> None:
    imported = anthropic(
        system=[{"type": "text", "text": "A.", "cache_control": {"type": "ephemeral"}}],
        temperature=0.5,
        output_config={
            "effort": "low",
            "format": {"type": "json_schema", "schema": {"type": "object"}},
            "task_budget": 1,
        },
        thinking={"type": "adaptive"},
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
    )
    assert imported.messages[0] == ChatMessage(role="system", content="A.")
    assert imported.tool_choice == ToolChoice(type="required", parallel=False)
    assert imported.response_format is not None
    assert imported.response_format.schema == {"type": "object"}
    assert imported.model_settings == ModelSettings(
        provider="anthropic",
        model="claude-opus-5",
        max_tokens=9,
        temperature=0.5,
        reasoning_effort="low",
        extra={"output_config": {"task_budget": 1}, "thinking": {"type": "adaptive"}},
    )
    assert lost(imported) == [("system[0].cache_control", "unknown")]


def test_contents_of_google_are_read_in_every_spelling() -> None:
    spoken = ChatMessage(role="user", content="Hi")
    for contents in (
        "Hi",
        ["Hi"],
        {"text": "Hi"},
        {"role": "user", "parts": [{"text": "Hi"}]},
        [{"parts": [{"text": "Hi"}]}],
        types.Part(text="Hi"),
        types.Content(role="user", parts=[types.Part(text="Hi")]),
        [types.UserContent("Hi")],
    ):
        assert google(contents).messages == [spoken]
    assert google(["Hi", types.Part(text="Ho")]).messages == [
        ChatMessage(role="user", content=[TextPart(text="Hi"), TextPart(text="Ho")])
    ]


def test_a_call_outside_of_a_content_is_the_models() -> None:
    call: dict[str, Any] = {"function_call": {"id": "c", "name": "find", "args": {}}}
    answer = {"function_response": {"id": "c", "name": "find", "response": {"output": "x"}}}
    imported = google(["Find it", "please", call, answer])
    assert [message.role for message in imported.messages] == ["user", "assistant", "tool"]
    assert [message.role for message in google(call).messages] == ["assistant"]


def test_objects_and_camel_case_of_google() -> None:
    contents = [
        types.Content(role="model", parts=[types.Part(function_call=types.FunctionCall(name="sum", args={"a": 1}))]),
        {"role": "user", "parts": [{"functionResponse": {"name": "sum", "response": {"output": "2"}}}]},
        {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": b"\x89PNG"}}]},
    ]
    config = types.GenerateContentConfig(
        system_instruction="Be kind.",
        temperature=0.5,
        top_k=3,
        tools=[types.Tool(function_declarations=[types.FunctionDeclaration(name="sum")])],
        tool_config=types.ToolConfig(
            function_calling_config=types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY)
        ),
        thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW, include_thoughts=True),
    )
    imported = from_google({"model": "gemini-3-pro", "contents": contents, "config": config})
    assert imported.messages == [
        ChatMessage(role="system", content="Be kind."),
        ChatMessage(role="assistant", content=[ToolCallPart(id="call_1", name="sum", arguments={"a": 1})]),
        ChatMessage(role="tool", content=[ToolResultPart(tool_call_id="call_1", content="2", name="sum")]),
        ChatMessage(role="user", content=[ImagePart(data="iVBORw==", media_type="image/png")]),
    ]
    assert imported.tools == [ToolDefinition(name="sum")]
    assert imported.tool_choice == ToolChoice(type="required")
    assert imported.model_settings == ModelSettings(
        provider="google",
        model="gemini-3-pro",
        temperature=0.5,
        top_k=3,
        reasoning_effort="low",
        extra={"thinking_config": {"include_thoughts": True}},
    )
    assert [what for _, what in lost(imported)] == ["assumed", "assumed"]


def test_schemas_of_openapi_become_json_schemas_and_that_is_told() -> None:
    schema = types.Schema(type=types.Type.OBJECT, properties={"a": types.Schema(type=types.Type.STRING)})
    declared = types.FunctionDeclaration(name="sum", parameters=schema)
    imported = google(tools=[types.Tool(function_declarations=[declared])])
    assert imported.tools[0].parameters == {"type": "object", "properties": {"a": {"type": "string"}}}
    assert lost(imported) == [("config.tools[0].function_declarations[0].parameters", "changed")]


def test_what_google_has_and_a_prompt_has_not_is_told() -> None:
    parts = [
        {"text": "hm", "thought": True},
        {"executable_code": {"code": "1"}},
        {"text": "Hi", "thought_signature": b"s"},
    ]
    imported = google(
        {"role": "model", "parts": parts},
        tools=[{"google_search": {}}, len],
        tool_config={"function_calling_config": {"mode": "VALIDATED"}},
        http_options={"headers": {}},
        candidate_count=2,
    )
    assert imported.model_settings is not None
    assert imported.model_settings.extra == {"candidate_count": 2}
    assert lost(imported) == [
        ("contents.parts[0]", "unknown"),
        ("contents.parts[1]", "unknown"),
        ("contents.parts[2].thought_signature", "unknown"),
        ("config.tools[0].google_search", "unknown"),
        ("config.tools[1]", "unknown"),
        ("config.tool_config.function_calling_config.mode", "unknown"),
        ("http_options", "unknown"),
    ]


def test_files_of_every_provider() -> None:
    pdf = "data:application/pdf;base64,JVBERi0x"
    part = {"type": "file", "file": {"file_data": pdf, "filename": "a.pdf"}}
    file = FilePart(data="JVBERi0x", media_type="application/pdf", filename="a.pdf")
    assert openai({"role": "user", "content": [part]}).messages[0].content == [file]
    text = {"type": "document", "title": "a", "source": {"type": "text", "media_type": "text/plain", "data": "ü"}}
    assert anthropic({"role": "user", "content": [text]}).messages[0].content == [
        FilePart(data="w7w=", media_type="text/plain", filename="a")
    ]
    for version in ("v1", "v1beta"):
        uri = f"https://generativelanguage.googleapis.com/{version}/files/x"
        stored = {"parts": [{"file_data": {"file_uri": uri, "mime_type": "video/mp4"}}]}
        assert google(stored).messages[0].content == [FilePart(file_id="files/x", media_type="video/mp4")]
