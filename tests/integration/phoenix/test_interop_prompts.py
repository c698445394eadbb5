"""Prompts of the official client read by ours and the other way round, and every kind of version on the real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_args

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from promptops.core.errors import ValidationError
from promptops.models import (
    ChatMessage,
    ModelSettings,
    PromptResponse,
    ResponseFormat,
    TextPart,
    ToolCallPart,
    ToolChoice,
    ToolDefinition,
    ToolResultPart,
)
from promptops.phoenix import PhoenixClient
from promptops.phoenix._generated import (
    GetPromptVersionsResponseBody,
    ModelProviderKnown,
    PromptVersion,
    PromptVersionData,
)
from promptops.phoenix.conversion import PromptFields, from_phoenix, to_phoenix
from promptops.prompts.render import prompt_variables, render_prompt

if TYPE_CHECKING:
    from tools.phoenix.official import OfficialClient

pytestmark = pytest.mark.anyio

PROVIDERS = get_args(ModelProviderKnown)
FAMILIES = {"anthropic": "anthropic", "google": "google", "aws": "aws"}
SECONDS = 30.0
# A batch is not made smaller when it fails: the message names the one text.
PHASES = (Phase.reuse, Phase.generate)
HEALTH = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.large_base_example)

# Renders texts as the official client does, the value of each variable telling its name. No value can become part of a
# tag, so that its habit of reading values as templates shows nowhere.
RENDER = """
def run(client, payload):
    from phoenix.client.types import PromptVersion
    from phoenix.client.utils.template_formatters import to_formatter

    def one(text, template_format):
        version = PromptVersion(
            [{"role": "user", "content": text}], model_name="m", template_format=template_format
        )
        try:
            names = to_formatter(version._dumps()).parse(text)
            values = {name: f"<{name}>" for name in names}
            return version.format(variables=values, sdk="openai").messages[0]["content"]
        except (ValueError, KeyError, IndexError, AttributeError, TypeError):
            return None

    return [one(*case) for case in payload]
"""
READ = """
def run(client, payload):
    prompt = client.prompts.get(prompt_identifier=payload["name"])
    made = prompt.format(variables=payload["variables"], sdk=payload["sdk"])
    return {"version": prompt._dumps(), "arguments": {"messages": made.messages, **made.kwargs}}
"""
WRITE = """
def run(client, payload):
    from phoenix.client.types import PromptVersion

    version = getattr(PromptVersion, payload["how"])(payload["arguments"], description="Says hello.")
    made = client.prompts.create(name=payload["name"], version=version, prompt_description="A greeting.")
    formatted = version.format(variables=payload["variables"])
    return {"id": made.id, "arguments": {"messages": formatted.messages, **formatted.kwargs}}
"""


@pytest.fixture
def rest(phoenix_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=phoenix_url, timeout=SECONDS) as client:
        yield client


def as_prompt(fields: PromptFields) -> PromptResponse:
    now = datetime.now(UTC)
    return PromptResponse(id="p", name="p", version="1.0.0", created_at=now, updated_at=now, **fields.fields())


def rendered(fields: PromptFields) -> str | None:
    """What our engine makes of a prompt of one text, the value of each variable telling its name."""
    prompt = as_prompt(fields)
    try:
        return render_prompt(prompt, {name: f"<{name}>" for name in prompt_variables(prompt)}).content
    except ValidationError:
        return None


def version_of(text: str, template_format: str) -> PromptVersionData:
    body: dict[str, Any] = {
        "model_provider": "OPENAI",
        "model_name": "m",
        "template": {"type": "chat", "messages": [{"role": "user", "content": text}]},
        "template_type": "CHAT",
        "template_format": template_format,
        "invocation_parameters": {"type": "openai", "openai": {}},
    }
    return msgspec.convert(body, PromptVersionData)


def text_of(version: PromptVersionData) -> str:
    messages: list[dict[str, str]] = msgspec.to_builtins(version.template)["messages"]
    return messages[0]["content"]


def differs(losses: Any) -> bool:
    return any("renders differently" in loss.detail for loss in losses)


tokens = ["{{", "}}", "{", "}", "\\", " ", "\n", "a", "name", "b-c", "a.b", ".", "#a", "/a", "^a", "!", "1", "é", '"']
tags = [
    "{{a}}",
    "{{ name }}",
    "{{#a}}x{{/a}}",
    "{{! c }}",
    "\\{{a}}",
    "{a}",
    "{ a }",
    "{a!r}",
    "{a:>4}",
    "{1}",
    "{b-c}",
]
texts = st.lists(st.sampled_from([*tokens, *tags]), max_size=6).map("".join)
batches = st.lists(texts, min_size=150, max_size=150, unique=True)


@pytest.mark.parametrize("template_format", ["MUSTACHE", "F_STRING", "NONE"])
@settings(max_examples=3, deadline=None, suppress_health_check=HEALTH, phases=PHASES)
@given(batch=batches)
def test_a_phoenix_text_renders_here_as_the_official_client_renders_it(
    official: OfficialClient, template_format: str, batch: list[str]
) -> None:
    theirs = official(RENDER, [(text, template_format) for text in batch])
    compared = 0
    for text, expected in zip(batch, theirs, strict=True):
        read = from_phoenix(version_of(text, template_format))
        if not differs(read.losses):
            compared += 1
            assert rendered(read.value) == expected, text
    assert compared > len(batch) / 4


@pytest.mark.parametrize("template_format", ["mustache", "f-string", "none"])
@settings(max_examples=3, deadline=None, suppress_health_check=HEALTH, phases=PHASES)
@given(batch=batches)
def test_our_text_renders_with_the_official_client_as_it_renders_here(
    official: OfficialClient, template_format: str, batch: list[str]
) -> None:
    prompts = [
        PromptFields(content="", messages=[ChatMessage(role="user", content=text)], template_format=template_format)
        for text in batch
    ]
    sent = [to_phoenix(prompt) for prompt in prompts]
    theirs = official(RENDER, [(text_of(one.value), one.value.template_format) for one in sent])
    compared = 0
    for prompt, one, found in zip(prompts, sent, theirs, strict=True):
        if not differs(one.losses):
            compared += 1
            assert found == rendered(prompt), text_of(one.value)
    assert compared > len(batch) / 4


@pytest.mark.parametrize(
    ("text", "template_format"),
    [("{{{a}}}", "MUSTACHE"), ("\\{{a}}", "MUSTACHE"), ("{{}} and {{a}}", "MUSTACHE"), ("{b-c}", "F_STRING")],
)
def test_the_texts_that_are_written_anew_would_render_differently_as_they_were(
    official: OfficialClient, text: str, template_format: str
) -> None:
    """The control: without a translation the property above does not hold."""
    [expected] = official(RENDER, [(text, template_format)])
    read = from_phoenix(version_of(text, template_format))
    assert rendered(read.value) == expected
    own = {"MUSTACHE": "mustache", "F_STRING": "f-string"}[template_format]
    as_it_was = msgspec.structs.replace(
        read.value, messages=[ChatMessage(role="user", content=text)], template_format=own
    )
    assert rendered(as_it_was) != expected


@pytest.mark.parametrize("text", ["{{a.b}}", "{{#a}}x{{/a}}", "{{^a}}x{{/a}}", "{{b-c}}", "x {{! c }}"])
def test_what_only_our_engine_reads_as_a_tag_is_left_as_it_is_by_the_official_client_and_told(
    official: OfficialClient, text: str
) -> None:
    assert official(RENDER, [(text, "MUSTACHE")]) == [text]
    read = from_phoenix(version_of(text, "MUSTACHE"))
    assert read.value.content == text
    assert differs(read.losses)


TOOLS = [
    ToolDefinition(name="find", description="Looks.", parameters={"type": "object", "properties": {}}, strict=True),
    ToolDefinition(name="stop"),
]
CHAT = [
    ChatMessage(role="system", content="Be kind."),
    ChatMessage(role="user", content=[TextPart(text="Hi {{ name }},"), TextPart(text="what of {{city}}?")]),
    ChatMessage(role="assistant", content=[ToolCallPart(id="c1", name="find", arguments={"city": "Oslo"})]),
    ChatMessage(role="tool", content=[ToolResultPart(tool_call_id="c1", content="Rain.")]),
    ChatMessage(role="assistant", content="Rain in {{city}}."),
    ChatMessage(role="user", content="Thanks"),
]
SCHEMA = {"type": "object", "properties": {"mood": {"type": "string"}}}
COMMON: dict[str, Any] = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 2000, "stop": ["END"]}
OPENAI: dict[str, Any] = {
    **COMMON,
    "seed": 7,
    "frequency_penalty": 0.1,
    "presence_penalty": -0.1,
    "reasoning_effort": "low",
    "extra": {"extra_body": {"a": [1, None]}},
}
ALL_SETTINGS: dict[str, dict[str, Any]] = {
    "anthropic": {
        **COMMON,
        "reasoning_effort": "max",
        "extra": {"thinking": {"type": "enabled", "budget_tokens": 1024, "display": "omitted"}, "extra_body": {}},
    },
    "google": {
        **COMMON,
        "top_k": 3,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
        "reasoning_effort": "high",
        "extra": {"thinking_config": {"include_thoughts": True, "thinking_budget": 5}},
    },
    "aws": COMMON,
}


def matrix(provider: str) -> Iterator[PromptFields]:
    """Prompts with everything that a version can hold."""
    plain = ModelSettings(provider=provider, model="some-model", max_tokens=2000)
    base = PromptFields(content="Hi {{name}}", model_settings=plain, description="Says hello.", metadata={"a": [1]})
    change = msgspec.structs.replace
    yield base
    yield change(base, messages=CHAT)
    yield change(base, messages=CHAT[:1], template_format="f-string")
    yield change(base, tools=TOOLS)
    for choice in ("none", "auto", "required"):
        yield change(base, tools=TOOLS, tool_choice=ToolChoice(type=choice))
    yield change(base, tools=TOOLS, tool_choice=ToolChoice(type="tool", name="stop", parallel=False))
    yield change(base, response_format=ResponseFormat(type="json_schema", name="r", schema=SCHEMA, strict=True))
    everything = ALL_SETTINGS.get(provider, OPENAI)
    yield change(base, model_settings=ModelSettings(provider=provider, model="some-model", **everything))


@pytest.mark.parametrize("provider", [provider.lower() for provider in PROVIDERS])
def test_every_kind_of_version_is_stored_and_read_back_as_it_was(
    rest: httpx.Client, unique: Callable[..., str], provider: str
) -> None:
    name = unique("matrix")
    prompts = list(matrix(provider))
    sent: list[PromptVersionData] = []
    for prompt in prompts:
        converted = to_phoenix(prompt)
        assert converted.losses == ()
        sent.append(converted.value)
        body = {"prompt": {"name": name}, "version": converted.value}
        answer = rest.post("/v1/prompts", json=msgspec.to_builtins(body))
        assert answer.status_code == 200, answer.text
    answer = rest.get(f"/v1/prompts/{name}/versions", params={"limit": 100})
    stored = msgspec.json.decode(answer.content, type=GetPromptVersionsResponseBody).data[::-1]
    assert [data_of(version) for version in stored] == [data_of(version) for version in sent]
    read = [from_phoenix(version) for version in stored]
    assert [one.losses for one in read] == [()] * len(prompts)
    assert [said(one.value) for one in read] == [said(prompt) for prompt in prompts]


def data_of(version: PromptVersion | PromptVersionData) -> dict[str, Any]:
    """A version as JSON, without its id."""
    fields: dict[str, Any] = msgspec.to_builtins(version)
    fields.pop("id", None)
    return fields


def said(prompt: PromptFields) -> PromptFields:
    """A prompt without what only follows from the rest."""
    settled = msgspec.structs.replace(prompt, variables=[])
    return settled if prompt.messages is None else msgspec.structs.replace(settled, content="")


OPENAI_ARGUMENTS = {
    "model": "gpt-4o",
    "temperature": 0.5,
    "max_completion_tokens": 30,
    "stop": ["END"],
    "seed": 7,
    "parallel_tool_calls": False,
    "messages": [
        {"role": "system", "content": "Be {{tone}}."},
        {"role": "user", "content": "Hi {{name}}"},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"city": "Oslo"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "Rain."},
    ],
    "tools": [{"type": "function", "function": {"name": "find", "description": "Looks.", "parameters": SCHEMA}}],
    "tool_choice": {"type": "function", "function": {"name": "find"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "r", "schema": SCHEMA, "strict": True}},
}


async def test_what_the_official_client_makes_of_arguments_of_openai_is_read_field_by_field(
    phoenix: PhoenixClient, official: OfficialClient, unique: Callable[..., str]
) -> None:
    name = unique("openai")
    variables = {"tone": "kind", "name": "Ada"}
    payload = {"how": "from_openai", "name": name, "arguments": OPENAI_ARGUMENTS, "variables": variables}
    written = official(WRITE, payload)
    prompt = await phoenix.prompts.get(name, timeout=SECONDS)
    assert prompt.etag == written["id"]
    assert prompt.messages == [
        ChatMessage(role="system", content="Be {{tone}}."),
        ChatMessage(role="user", content="Hi {{name}}"),
        ChatMessage(role="assistant", content=[ToolCallPart(id="c1", name="find", arguments={"city": "Oslo"})]),
        ChatMessage(role="tool", content=[ToolResultPart(tool_call_id="c1", content="Rain.")]),
    ]
    assert prompt.template_format == "mustache"
    assert prompt.variables == ["tone", "name"]
    assert prompt.tools == [ToolDefinition(name="find", description="Looks.", parameters=SCHEMA)]
    assert prompt.tool_choice == ToolChoice(type="tool", name="find", parallel=False)
    assert prompt.response_format == ResponseFormat(type="json_schema", name="r", schema=SCHEMA, strict=True)
    assert prompt.model_settings == ModelSettings(
        provider="openai", model="gpt-4o", temperature=0.5, max_tokens=30, stop=["END"], seed=7
    )
    ours = dict(render_prompt(prompt, variables).to("openai"))
    assert ours.pop("parallel_tool_calls") is False, "the official client forgets it"
    assert comparable(ours) == comparable(written["arguments"])


ANTHROPIC_ARGUMENTS = {
    "model": "claude-opus-4-8",
    "max_tokens": 50,
    "temperature": 0.2,
    "stop_sequences": ["END"],
    "system": "Be kind.",
    "messages": [
        {"role": "user", "content": "Hi {{name}}"},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t1", "name": "find", "input": {"city": "Oslo"}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "Rain."}]},
    ],
    "tools": [{"name": "find", "description": "Looks.", "input_schema": SCHEMA}],
    "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
}


async def test_what_the_official_client_makes_of_arguments_of_anthropic_is_read_field_by_field(
    phoenix: PhoenixClient, official: OfficialClient, unique: Callable[..., str]
) -> None:
    name = unique("anthropic")
    payload = {
        "how": "from_anthropic",
        "name": name,
        "arguments": ANTHROPIC_ARGUMENTS,
        "variables": {"name": "Ada"},
    }
    written = official(WRITE, payload)
    prompt = await phoenix.prompts.get(name, timeout=SECONDS)
    assert prompt.messages == [
        ChatMessage(role="system", content="Be kind."),
        ChatMessage(role="user", content=[TextPart(text="Hi {{name}}")]),
        ChatMessage(
            role="assistant",
            content=[TextPart(text="I look."), ToolCallPart(id="t1", name="find", arguments={"city": "Oslo"})],
        ),
        ChatMessage(role="tool", content=[ToolResultPart(tool_call_id="t1", content="Rain.")]),
    ]
    assert prompt.tools == [ToolDefinition(name="find", description="Looks.", parameters=SCHEMA)]
    assert prompt.tool_choice == ToolChoice(type="required", parallel=False)
    assert prompt.model_settings == ModelSettings(
        provider="anthropic", model="claude-opus-4-8", temperature=0.2, max_tokens=50, stop=["END"]
    )
    ours = dict(render_prompt(prompt, {"name": "Ada"}).to("anthropic"))
    theirs = dict(written["arguments"])
    assert theirs.pop("extra_body") == {"temperature": 0.2}, "the SDK has no argument for it, and ours reports it"
    assert comparable(ours) == comparable(theirs)


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
async def test_our_prompt_is_read_and_formatted_by_the_official_client(
    phoenix: PhoenixClient, official: OfficialClient, unique: Callable[..., str], sdk: str
) -> None:
    name = unique("ours")
    made = await phoenix.prompts.create(
        name,
        messages=CHAT,
        tools=TOOLS[:1],
        tool_choice=ToolChoice(type="required"),
        model_settings=ModelSettings(provider=sdk, model="some-model", max_tokens=50, stop=["END"]),
    )
    variables = {"name": "Ada", "city": "Oslo"}
    read = official(READ, {"name": name, "variables": variables, "sdk": sdk})
    assert made.messages == CHAT
    expected = data_of(to_phoenix(fields_of(made)).value)
    assert {key: value for key, value in read["version"].items() if value} == {
        key: value for key, value in expected.items() if key != "metadata"
    }
    filled = render_prompt(made, variables)
    ours = filled.to("openai") if sdk == "openai" else filled.to("anthropic")
    assert comparable(dict(ours)) == comparable(read["arguments"])


async def test_a_plain_text_comes_back_as_a_plain_text_and_is_a_chat_for_the_official_client(
    phoenix: PhoenixClient, official: OfficialClient, unique: Callable[..., str]
) -> None:
    name = unique("text")
    await phoenix.prompts.create(name, content="Hi {{name}}", model_settings={"provider": "openai", "model": "m"})
    found = await phoenix.prompts.get(name, timeout=SECONDS)
    assert (found.content, found.messages) == ("Hi {{name}}", None)
    read = official(READ, {"name": name, "variables": {"name": "Ada"}, "sdk": "openai"})
    assert read["arguments"] == render_prompt(found, {"name": "Ada"}).to("openai")


def test_the_official_client_reads_values_as_templates_and_we_do_not(official: OfficialClient) -> None:
    code = """
    def run(client, payload):
        from phoenix.client.types import PromptVersion
        version = PromptVersion([{"role": "user", "content": payload["text"]}], model_name="m")
        return version.format(variables=payload["values"]).messages[0]["content"]
    """
    text, values = "A={{a}} B={{b}}", {"a": "{{b}}", "b": "{{a}}"}
    read = from_phoenix(version_of(text, "MUSTACHE"))
    assert render_prompt(as_prompt(read.value), values).content == "A={{b}} B={{a}}"
    assert official(code, {"text": text, "values": values}) != "A={{b}} B={{a}}"


def test_the_official_client_leaves_a_system_text_for_anthropic_unfilled_and_we_do_not(
    official: OfficialClient,
) -> None:
    code = """
    def run(client, payload):
        from phoenix.client.types import PromptVersion
        messages = [{"role": "system", "content": "Be {{tone}}."}, {"role": "user", "content": "Hi"}]
        version = PromptVersion(messages, model_name="m", model_provider="ANTHROPIC")
        return version.format(variables={"tone": "kind"}).kwargs["system"]
    """
    assert official(code) == "Be {{tone}}."
    chat = [ChatMessage(role="system", content="Be {{tone}}."), ChatMessage(role="user", content="Hi")]
    fields = PromptFields(content="", messages=chat, model_settings=ModelSettings(provider="anthropic", model="m"))
    assert render_prompt(as_prompt(fields), {"tone": "kind"}).to("anthropic").get("system") == "Be kind."


def test_code_that_fails_or_hangs_over_there_is_an_error_here_and_the_next_call_works(
    make_official: Callable[..., OfficialClient], phoenix_url: str
) -> None:
    """The process is one of its own: the others' calls do not wait for it."""
    client = make_official(phoenix_url, api_key="unused")
    with pytest.raises(Exception, match=r"KeyError: 'x'"):
        client("def run(client, payload): raise KeyError(payload)", "x")
    with pytest.raises(TimeoutError, match="did not answer within"):
        client("def run(client, payload): import time; time.sleep(payload)", 30, timeout=0.05)
    code = """
    async def run(client, payload):
        print("what is printed gets lost")
        return [type(client).__name__, payload]
    """
    assert client(code, None) == ["AsyncClient", None]


def fields_of(prompt: PromptResponse) -> PromptFields:
    return PromptFields(**{name: getattr(prompt, name) for name in PromptFields.__struct_fields__})


def comparable(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments without what has no meaning: the blanks in JSON that lies in a text, and a list of one text."""
    result: dict[str, Any] = json.loads(json.dumps(arguments))
    for message in result["messages"]:
        for call in message.get("tool_calls", ()):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        match message.get("content"):
            case [{"type": "text", "text": text}]:
                message["content"] = text
            case _:
                pass
    return result
