"""What converts without a loss comes back as it was, whichever side it began on; and nothing is dropped silently."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from promptops.core.errors import ValidationError
from promptops.models import (
    ChatMessage,
    FilePart,
    ImagePart,
    ModelSettings,
    PromptCreate,
    ResponseFormat,
    TextPart,
    ToolCallPart,
    ToolChoice,
    ToolDefinition,
    ToolResultPart,
)
from promptops.phoenix._generated import (
    ModelProviderKnown,
    PromptMessageRoleKnown,
    PromptVersion,
    PromptVersionData,
    ReasoningEffortKnown,
)
from promptops.phoenix.conversion import PromptFields, from_phoenix, to_phoenix

CASES = 60
PROVIDERS = get_args(ModelProviderKnown)

names = st.sampled_from(["name", "x", "user", "a1"])
texts = st.lists(
    st.sampled_from(
        ["Hi ", "{{name}}", "{{ x }}", "{name}", "{{{{", "}}", "{", "}", "\\{{x}}", "{{#x}}", "{{/x}}", "ü"]
    ),
    max_size=5,
).map("".join)
plain_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(0, 1).filter(lambda n: n != int(n)) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=4,
)
objects = st.dictionaries(names, plain_json, max_size=2)


def optional(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


# Phoenix versions as JSON, so that absent stays absent.
openai_parameters = optional(
    {
        "temperature": st.floats(0, 2),
        "top_p": st.floats(0, 1),
        "max_tokens": st.integers(1, 9),
        "max_completion_tokens": st.integers(1, 9),
        "stop": st.lists(texts, max_size=2),
        "seed": st.integers(0, 9),
        "frequency_penalty": st.floats(-2, 2),
        "presence_penalty": st.floats(-2, 2),
        "reasoning_effort": st.sampled_from(get_args(ReasoningEffortKnown)),
        "extra_body": objects,
    }
)
parameters = {
    "anthropic": st.fixed_dictionaries(
        {"max_tokens": st.integers(2000, 3000)},
        optional={
            "temperature": st.floats(0, 1),
            "stop_sequences": st.lists(texts, max_size=2),
            "output_config": optional({"effort": st.sampled_from(["low", "max"])}),
            "thinking": st.sampled_from(
                [{"type": "disabled"}, {"type": "adaptive"}, {"type": "enabled", "budget_tokens": 1024}]
            ),
            "extra_body": objects,
        },
    ),
    "google": optional(
        {
            "top_k": st.integers(1, 9),
            "max_output_tokens": st.integers(1, 9),
            "stop_sequences": st.lists(texts, max_size=2),
            "thinking_config": optional(
                {"thinking_level": st.sampled_from(["low", "high"]), "include_thoughts": st.booleans()}
            ),
        }
    ),
    "aws": optional({"max_tokens": st.integers(1, 9), "top_p": st.floats(0, 1)}),
}


def type_of(provider: str) -> str:
    """The type under which the server stores the parameters of a provider."""
    return provider.lower() if provider.lower() in parameters else "openai"


def invocation(provider: str) -> st.SearchStrategy[dict[str, Any]]:
    kind = type_of(provider)
    return parameters.get(kind, openai_parameters).map(lambda content: {"type": kind, kind: content})


calls: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "type": st.just("tool_call"),
        "tool_call_id": names,
        "tool_call": st.fixed_dictionaries(
            {
                "type": st.just("function"),
                "name": names,
                "arguments": objects.map(json.dumps) | st.sampled_from(['{"a":1}', "not json", "[1]", "{}"]),
            }
        ),
    }
)
results = st.fixed_dictionaries(
    {"type": st.just("tool_result"), "tool_call_id": names, "tool_result": texts | plain_json}
)
parts = st.fixed_dictionaries({"type": st.just("text"), "text": texts}) | calls | results
their_messages = st.fixed_dictionaries(
    {
        "role": st.sampled_from(get_args(PromptMessageRoleKnown)),
        "content": texts | st.lists(parts, min_size=1, max_size=3),
    }
)
functions = st.fixed_dictionaries(
    {"name": names}, optional={"description": texts, "parameters": objects, "strict": st.booleans()}
)
their_tools = st.fixed_dictionaries(
    {
        "type": st.just("tools"),
        "tools": st.lists(
            functions.map(lambda function: {"type": "function", "function": function})
            | st.just({"type": "raw", "raw": {"type": "web_search"}}),
            min_size=1,
            max_size=2,
        ),
    },
    optional={
        "tool_choice": st.sampled_from(
            [
                {"type": "none"},
                {"type": "zero_or_more"},
                {"type": "one_or_more"},
                {"type": "specific_function", "function_name": "x"},
            ]
        ),
        "disable_parallel_tool_calls": st.booleans(),
    },
)
their_formats = st.fixed_dictionaries(
    {"name": names}, optional={"description": texts, "schema": objects, "strict": st.booleans()}
).map(lambda schema: {"type": "json_schema", "json_schema": schema})
metadata = st.dictionaries(
    names | st.sampled_from(["promptops.text", "promptops.template_format", "message_role"]),
    st.sampled_from([True, "user", "jinja2", 1]),
    min_size=1,
    max_size=3,
)


@st.composite
def versions(draw: st.DrawFn) -> PromptVersionData:
    provider = draw(st.sampled_from(PROVIDERS))
    optional_fields = draw(
        optional(
            {
                "description": st.just("Says hello."),
                "metadata": metadata,
                "tools": their_tools,
                "response_format": their_formats,
            }
        )
    )
    body = {
        "model_provider": provider,
        "model_name": draw(st.sampled_from(["", "some-model"])),
        "template": {"type": "chat", "messages": draw(st.lists(their_messages, max_size=3))},
        "template_type": "CHAT",
        "template_format": draw(st.sampled_from(["MUSTACHE", "F_STRING", "NONE"])),
        "invocation_parameters": draw(invocation(provider)),
        **optional_fields,
    }
    return msgspec.convert(body, PromptVersionData)


our_parts = (
    st.builds(TextPart, text=texts)
    | st.builds(ToolCallPart, id=names, name=names, arguments=objects)
    | st.builds(ToolResultPart, tool_call_id=names, content=texts, name=st.none() | names, is_error=st.booleans())
    | st.just(ImagePart(url="https://example.com/a.png"))
    | st.just(FilePart(file_id="f1"))
)
our_messages = st.builds(
    ChatMessage,
    role=st.sampled_from(["system", "user", "assistant", "tool", "developer", "placeholder", "ai"]),
    content=texts | st.lists(our_parts, min_size=1, max_size=3),
    name=st.none() | names,
)
our_settings = st.builds(
    ModelSettings,
    provider=st.sampled_from([None, "azure", *(provider.lower() for provider in PROVIDERS)]),
    model=st.sampled_from([None, "", "some-model"]),
    temperature=st.none() | st.floats(0, 1),
    top_k=st.none() | st.integers(1, 9),
    max_tokens=st.none() | st.integers(2000, 3000),
    stop=st.none() | st.lists(texts, max_size=2),
    seed=st.none() | st.integers(0, 9),
    presence_penalty=st.none() | st.floats(0, 1),
    reasoning_effort=st.none() | st.sampled_from(["none", "low", "max"]),
    extra=optional(
        {
            "extra_body": objects,
            "logit_bias": st.just({"1": 2}),
            "max_completion_tokens": st.integers(1, 9),
            "thinking_config": optional({"include_thoughts": st.booleans()}),
            "output_config": st.just({}),
        }
    ),
)
our_prompts = st.builds(
    PromptFields,
    content=texts,
    messages=st.none() | st.lists(our_messages, min_size=1, max_size=3),
    template_format=st.sampled_from(["mustache", "f-string", "none", "jinja2"]),
    description=st.sampled_from(["", "Says hello."]),
    tools=st.lists(
        st.builds(
            ToolDefinition,
            name=names,
            description=st.none() | texts,
            parameters=objects,
            strict=st.none() | st.booleans(),
        ),
        max_size=2,
    ),
    tool_choice=st.none()
    | st.builds(ToolChoice, type=st.sampled_from(["auto", "none", "required"]), parallel=st.none() | st.booleans())
    | st.just(ToolChoice(type="tool", name="x")),
    response_format=st.none()
    | st.builds(
        ResponseFormat,
        type=st.sampled_from(["json_schema", "json_object", "text"]),
        name=st.none() | names,
        schema=st.none() | objects,
        strict=st.none() | st.booleans(),
    ),
    model_settings=st.none() | our_settings,
    metadata=metadata | st.builds(dict[str, Any]),
)


@settings(max_examples=CASES, deadline=None)
@given(versions())
def test_a_phoenix_version_read_without_losses_is_sent_back_as_it_was(version: PromptVersionData) -> None:
    read = from_phoenix(version)
    if not read.losses:
        sent = to_phoenix(read.value)
        assert sent.value == version
        assert {loss.what for loss in sent.losses} <= {"changed"}, "only of a format that Phoenix does not know"


@settings(max_examples=CASES, deadline=None)
@given(versions())
def test_what_was_read_is_stable_once_it_has_been_sent(version: PromptVersionData) -> None:
    """Whatever was lost is lost once: the next round trip finds the same."""
    sent = to_phoenix(from_phoenix(version).value)
    again = to_phoenix(from_phoenix(sent.value).value)
    assert msgspec.json.encode(again.value) == msgspec.json.encode(sent.value)


def said(prompt: PromptFields) -> PromptFields:
    """A prompt without what only follows from the rest."""
    settled = msgspec.structs.replace(prompt, variables=[])
    return settled if prompt.messages is None else msgspec.structs.replace(settled, content="")


@settings(max_examples=CASES, deadline=None)
@given(our_prompts)
def test_our_prompt_sent_without_losses_is_read_as_it_was(prompt: PromptFields) -> None:
    try:
        sent = to_phoenix(prompt)
    except ValidationError:
        return  # two names of one parameter
    if not sent.losses:
        assert said(from_phoenix(sent.value).value) == said(prompt)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_rich_version_of_every_provider_has_no_losses(provider: str) -> None:
    """The control of the properties above: they do not hold merely because everything is reported."""
    limit = {"anthropic": "max_tokens", "google": "max_output_tokens", "aws": "max_tokens"}
    kind = type_of(provider)
    name = limit.get(kind, "max_completion_tokens" if provider in {"OPENAI", "AZURE_OPENAI"} else "max_tokens")
    body = {
        "id": "UHJvbXB0VmVyc2lvbjox",
        "description": "",
        "model_provider": provider,
        "model_name": "some-model",
        "template": {
            "type": "chat",
            "messages": [
                {"role": "system", "content": "Answer {{ question }}."},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "I look."},
                        {
                            "type": "tool_call",
                            "tool_call_id": "c1",
                            "tool_call": {"type": "function", "name": "find", "arguments": '{"city": "Oslo"}'},
                        },
                    ],
                },
                {"role": "tool", "content": [{"type": "tool_result", "tool_call_id": "c1", "tool_result": "Rain."}]},
            ],
        },
        "template_type": "CHAT",
        "template_format": "MUSTACHE",
        "invocation_parameters": {"type": kind, kind: {name: 4000, "temperature": 0.5, "top_p": 1.0}},
        "tools": {
            "type": "tools",
            "tools": [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}],
            "tool_choice": {"type": "one_or_more"},
            "disable_parallel_tool_calls": True,
        },
        "response_format": {"type": "json_schema", "json_schema": {"name": "r", "schema": {"type": "object"}}},
    }
    version = msgspec.convert(body, PromptVersion)
    read = from_phoenix(version)
    assert read.losses == ()
    settings_read = read.value.model_settings
    assert settings_read is not None
    assert (settings_read.provider, settings_read.max_tokens) == (provider.lower(), 4000)
    sent = to_phoenix(read.value)
    assert sent.losses == ()
    expected = {name: value for name, value in body.items() if name not in {"id", "description"}}
    assert msgspec.to_builtins(sent.value) == expected


def test_what_the_server_answers_for_absent_is_absent() -> None:
    sent = to_phoenix(PromptFields(content="Hi.", model_settings=ModelSettings(provider="openai", model="m"))).value
    answered = msgspec.structs.replace(sent, description="", tools=None, response_format=None, metadata={})
    assert to_phoenix(from_phoenix(answered).value).value == msgspec.structs.replace(sent, metadata=UNSET), (
        "without our note it is a chat"
    )


def test_a_new_prompt_is_converted_like_one_that_was_read() -> None:
    create = PromptCreate(name="greeting", content="Hi {{name}}", tags=["a"], variables=["name", "other"])
    sent = to_phoenix(create)
    assert sent.value.template == to_phoenix(PromptFields(content="Hi {{name}}")).value.template
    assert [loss.field for loss in sent.losses] == ["tags", "model_settings.provider", "variables"]
