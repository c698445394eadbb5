"""Nothing is dropped in silence, and what is sent is what the SDKs declare: every feature against every provider.

The parameter types of the SDKs are read strictly here: a key that a type does not have fails.
"""

from __future__ import annotations

import functools
from typing import Any, Literal, NamedTuple, TypeGuard, cast, get_args

import pydantic
import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from google.genai import types as google
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from promptops.core.narrow import is_array, is_object
from promptops.models import ModelSettings, ResponseFormat, ToolChoice, ToolDefinition
from promptops.prompts.formats import Provider
from promptops.prompts.render import Rendered
from pydantic_core import SchemaValidator

PROVIDERS: tuple[Provider, ...] = get_args(Provider)
MODELS: dict[Provider, str] = {
    "openai": "gpt-6",
    "anthropic": "claude-opus-4-5",
    "google": "gemini-3-pro",
    "litellm": "openai/gpt-6",
}
PDF = "JVBERi0x"
PNG = "iVBORw0KGgo="
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}

Outcome = Literal["sent", "lost"]


class Feature(NamedTuple):
    """A prompt with one more thing in it, and what becomes of that by provider.

    ``marks`` are texts (a value or a key) that must stand in the arguments where the feature is sent; ``field`` is what
    a loss names.
    """

    fields: dict[str, Any]
    field: str
    marks: tuple[Any, ...]
    openai: Outcome
    anthropic: Outcome
    google: Outcome
    litellm: Outcome

    def at(self, provider: Provider) -> Outcome:
        return cast("Outcome", getattr(self, provider))


USER: dict[str, Any] = {"role": "user", "content": "Hi"}
CALL: dict[str, Any] = {"type": "tool_call", "id": "call-id", "name": "sum", "arguments": {"mark": 1}}
RESULT: dict[str, Any] = {"type": "tool_result", "tool_call_id": "call-id", "content": "the sum"}


def said(*parts: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return {"messages": [{"role": role, "content": [{"type": "text", "text": "Look."}, *parts]}]}


def told(role: str, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": "the mark", **fields}, USER]}


def setting(name: str, value: Any) -> dict[str, Any]:
    return {"settings": {name: value}}


def tooled(**fields: Any) -> dict[str, Any]:
    return {"tools": [ToolDefinition(name="sum", **fields)]}


def chosen(**fields: Any) -> dict[str, Any]:
    return {**tooled(), "tool_choice": ToolChoice(**fields)}


def formed(**fields: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"type": "json_schema", "name": "n", "schema": SCHEMA, **fields}
    return {"response_format": ResponseFormat(**given)}


def answered(**fields: Any) -> dict[str, Any]:
    calls = {"role": "assistant", "content": [CALL]}
    return {"messages": [USER, calls, {"role": "tool", "content": [{**RESULT, **fields}]}]}


def inside(role: str) -> dict[str, Any]:
    return {"messages": [USER, {"role": "assistant", "content": "Ja."}, {"role": role, "content": "the mark"}, USER]}


FEATURES: dict[str, Feature] = {
    "system": Feature(told("system"), "messages[0]", ("the mark",), "sent", "sent", "sent", "sent"),
    "developer": Feature(told("developer"), "messages[0].role", ("the mark",), "sent", "lost", "lost", "sent"),
    "assistant": Feature(
        {"messages": [USER, {"role": "assistant", "content": "the mark"}]},
        "messages[1]",
        ("the mark",),
        "sent",
        "sent",
        "sent",
        "sent",
    ),
    "system inside": Feature(inside("system"), "messages[2]", ("the mark",), "sent", "lost", "lost", "sent"),
    "name": Feature(told("user", name="ada"), "messages[0].name", ("ada",), "sent", "lost", "lost", "sent"),
    "name of a system": Feature(
        told("system", name="ada"), "messages[0].name", ("ada",), "sent", "lost", "lost", "sent"
    ),
    "text part": Feature(said(), "messages[0].content[0]", ("Look.",), "sent", "sent", "sent", "sent"),
    "image by address": Feature(
        said({"type": "image", "url": "https://x.test/mark"}),
        "messages[0].content[1]",
        ("https://x.test/mark",),
        "sent",
        "sent",
        "sent",
        "sent",
    ),
    "image by data": Feature(
        said({"type": "image", "data": PNG, "media_type": "image/png"}),
        "messages[0].content[1]",
        ("image/png",),
        "sent",
        "sent",
        "sent",
        "sent",
    ),
    "type of an image by address": Feature(
        said({"type": "image", "url": "https://x.test/a", "media_type": "image/heic"}),
        "messages[0].content[1].media_type",
        ("image/heic",),
        "lost",
        "lost",
        "sent",
        "lost",
    ),
    "detail": Feature(
        said({"type": "image", "url": "https://x.test/a", "detail": "high"}),
        "messages[0].content[1].detail",
        ("detail", "high"),
        "sent",
        "lost",
        "lost",
        "sent",
    ),
    "image of the system": Feature(
        {"messages": [*said({"type": "image", "url": "https://x.test/a"}, role="system")["messages"], USER]},
        "messages[0].content[1]",
        ("https://x.test/a",),
        "lost",
        "lost",
        "lost",
        "lost",
    ),
    "image of the assistant": Feature(
        {"messages": [USER, *said({"type": "image", "url": "https://x.test/a"}, role="assistant")["messages"]]},
        "messages[1].content[1]",
        ("https://x.test/a",),
        "lost",
        "lost",
        "sent",
        "lost",
    ),
    "file by address": Feature(
        said({"type": "file", "url": "https://x.test/a.pdf"}),
        "messages[0].content[1]",
        ("https://x.test/a.pdf",),
        "lost",
        "sent",
        "sent",
        "lost",
    ),
    "file by data": Feature(
        said({"type": "file", "data": PDF, "media_type": "application/pdf"}),
        "messages[0].content[1]",
        ("application/pdf",),
        "sent",
        "sent",
        "sent",
        "sent",
    ),
    "text file by data": Feature(
        said({"type": "file", "data": "bWFyaw==", "media_type": "text/plain"}),
        "messages[0].content[1]",
        ("text/plain",),
        "sent",
        "sent",
        "sent",
        "sent",
    ),
    "table by data": Feature(
        said({"type": "file", "data": "bWFyaw==", "media_type": "text/csv"}),
        "messages[0].content[1]",
        ("text/csv",),
        "sent",
        "lost",
        "sent",
        "sent",
    ),
    "file by id": Feature(
        said({"type": "file", "file_id": "file-mark"}),
        "messages[0].content[1]",
        ("file-mark",),
        "sent",
        "sent",
        "lost",
        "sent",
    ),
    "file of google by id": Feature(
        said({"type": "file", "file_id": "files/mark"}),
        "messages[0].content[1]",
        ("files/mark",),
        "sent",
        "sent",
        "sent",
        "sent",
    ),
    "name of a file": Feature(
        said({"type": "file", "data": PDF, "filename": "mark.pdf"}),
        "messages[0].content[1].filename",
        ("mark.pdf",),
        "sent",
        "sent",
        "lost",
        "sent",
    ),
    "name of a file by id": Feature(
        said({"type": "file", "file_id": "files/a", "filename": "mark.pdf"}),
        "messages[0].content[1].filename",
        ("mark.pdf",),
        "lost",
        "sent",
        "lost",
        "lost",
    ),
    "type of a file by id": Feature(
        said({"type": "file", "file_id": "files/a", "media_type": "video/mp4"}),
        "messages[0].content[1].media_type",
        ("video/mp4",),
        "lost",
        "lost",
        "sent",
        "lost",
    ),
    "call": Feature(answered(), "messages[1]", ("call-id", "sum"), "sent", "sent", "sent", "sent"),
    "result": Feature(answered(), "messages[2]", ("the sum",), "sent", "sent", "sent", "sent"),
    "failed result": Feature(
        answered(is_error=True),
        "messages[2].content[0].is_error",
        ("is_error", "error"),
        "lost",
        "sent",
        "sent",
        "lost",
    ),
    "tool": Feature(tooled(), "tools[0]", ("sum",), "sent", "sent", "sent", "sent"),
    "description of a tool": Feature(
        tooled(description="the mark"), "tools[0].description", ("the mark",), "sent", "sent", "sent", "sent"
    ),
    "parameters": Feature(
        tooled(parameters=SCHEMA), "tools[0].parameters", ("required",), "sent", "sent", "sent", "sent"
    ),
    "strict tool": Feature(tooled(strict=True), "tools[0].strict", ("strict",), "sent", "sent", "lost", "sent"),
    "choice auto": Feature(chosen(type="auto"), "tool_choice", ("auto", "AUTO"), "sent", "sent", "sent", "sent"),
    "choice none": Feature(chosen(type="none"), "tool_choice", ("none", "NONE"), "sent", "sent", "sent", "sent"),
    "choice required": Feature(
        chosen(type="required"), "tool_choice", ("required", "any", "ANY"), "sent", "sent", "sent", "sent"
    ),
    "choice of a tool": Feature(
        chosen(type="tool", name="sum"),
        "tool_choice",
        ("tool_choice", "allowed_function_names"),
        "sent",
        "sent",
        "sent",
        "sent",
    ),
    "one call at a time": Feature(
        chosen(type="auto", parallel=False),
        "tool_choice.parallel",
        ("parallel_tool_calls", "disable_parallel_tool_use"),
        "sent",
        "sent",
        "lost",
        "sent",
    ),
    "one call at a time of none": Feature(
        chosen(type="none", parallel=False),
        "tool_choice.parallel",
        ("parallel_tool_calls",),
        "sent",
        "lost",
        "lost",
        "sent",
    ),
    "JSON": Feature(
        {"response_format": ResponseFormat(type="json_object")},
        "response_format",
        ("json_object", "application/json"),
        "sent",
        "lost",
        "sent",
        "sent",
    ),
    "schema": Feature(formed(), "response_format.schema", ("required",), "sent", "sent", "sent", "sent"),
    "name of a schema": Feature(formed(name="mark"), "response_format.name", ("mark",), "sent", "lost", "lost", "sent"),
    "description of a schema": Feature(
        formed(description="the mark"), "response_format.description", ("the mark",), "sent", "lost", "lost", "sent"
    ),
    "loose schema": Feature(
        formed(strict=False), "response_format.strict", ("strict",), "sent", "lost", "lost", "sent"
    ),
    "temperature": Feature(
        setting("temperature", 0.25), "model_settings.temperature", (0.25,), "sent", "lost", "sent", "sent"
    ),
    "top_p": Feature(setting("top_p", 0.75), "model_settings.top_p", (0.75,), "sent", "lost", "sent", "sent"),
    "top_k": Feature(setting("top_k", 77), "model_settings.top_k", (77,), "lost", "lost", "sent", "sent"),
    "max_tokens": Feature(
        setting("max_tokens", 77), "model_settings.max_tokens", (77,), "sent", "sent", "sent", "sent"
    ),
    "stop": Feature(setting("stop", ["mark"]), "model_settings.stop", ("mark",), "sent", "sent", "sent", "sent"),
    "five stops": Feature(
        setting("stop", ["a", "b", "c", "d", "mark"]),
        "model_settings.stop[4:]",
        ("mark",),
        "lost",
        "sent",
        "sent",
        "sent",
    ),
    "six stops": Feature(
        setting("stop", ["a", "b", "c", "d", "e", "mark"]),
        "model_settings.stop[",
        ("mark",),
        "lost",
        "sent",
        "lost",
        "sent",
    ),
    "seed": Feature(setting("seed", 77), "model_settings.seed", (77,), "sent", "lost", "sent", "sent"),
    "frequency_penalty": Feature(
        setting("frequency_penalty", 0.25), "model_settings.frequency_penalty", (0.25,), "sent", "lost", "sent", "sent"
    ),
    "presence_penalty": Feature(
        setting("presence_penalty", 0.25), "model_settings.presence_penalty", (0.25,), "sent", "lost", "sent", "sent"
    ),
    "effort": Feature(
        setting("reasoning_effort", "low"),
        "model_settings.reasoning_effort",
        ("low", "LOW"),
        "sent",
        "sent",
        "sent",
        "sent",
    ),
    "no effort": Feature(
        setting("reasoning_effort", "none"),
        "model_settings.reasoning_effort",
        ("none",),
        "sent",
        "lost",
        "lost",
        "sent",
    ),
    "most effort": Feature(
        setting("reasoning_effort", "max"), "model_settings.reasoning_effort", ("max",), "sent", "sent", "lost", "sent"
    ),
}

# What a provider does when nothing is said, so that saying it loses nothing.
DEFAULTS: dict[str, dict[str, Any]] = {
    "text": {"response_format": ResponseFormat(type="text")},
    "detail auto": said({"type": "image", "url": "https://x.test/a", "detail": "auto"}),
    "strict schema": {"response_format": ResponseFormat(type="json_schema", schema=SCHEMA, name="n", strict=True)},
}


def chat(fields: dict[str, Any]) -> Rendered:
    given: dict[str, Any] = {"max_tokens": 5, **fields.get("settings", {})}
    others = {key: value for key, value in fields.items() if key not in {"settings", "messages"}}
    messages = fields.get("messages", [USER])
    return Rendered(content="", messages=messages, variables_used=[], model_settings=ModelSettings(**given), **others)


def arguments(fields: dict[str, Any], provider: Provider) -> dict[str, Any]:
    return cast("dict[str, Any]", cast("Any", chat(fields)).to(provider, model=MODELS[provider]))


def contains(value: Any, mark: Any) -> bool:
    """Whether a value or a key of it is the mark, or a text that holds it."""
    if is_object(value):
        return any(key == mark or contains(item, mark) for key, item in value.items())
    if is_array(value):
        return any(contains(item, mark) for item in value)
    if isinstance(value, str):
        return isinstance(mark, str) and mark in value
    return type(value) is type(mark) and value == mark


def is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    return isinstance(value, tuple)


def strictly(schema: Any) -> Any:
    """A schema of pydantic that takes no unknown keys, reads lists at once, and takes typed dicts alone."""
    if is_tuple(schema):
        return tuple(map(strictly, schema))
    if is_array(schema):
        return list(map(strictly, schema))
    if not is_object(schema):
        return schema
    kind = schema.get("type")
    if kind == "model":
        # The SDK takes its own answers back, too; what we make are dicts, and its models swallow any key.
        reference = {"ref": schema["ref"]} if "ref" in schema else {}
        return {"type": "is-instance", "cls": schema["cls"], **reference}
    made = {key: strictly(item) for key, item in schema.items() if key != "metadata"}
    if kind == "generator":
        made["type"] = "list"
    elif kind == "typed-dict":
        free = schema.get("config", {}).get("extra_fields_behavior") == "allow"
        made["extra_behavior"] = "allow" if free else "forbid"
    return made


@functools.cache
def validator(provider: Provider) -> SchemaValidator:
    shape: Any = MessageCreateParamsNonStreaming if provider == "anthropic" else CompletionCreateParamsNonStreaming
    return SchemaValidator(strictly(pydantic.TypeAdapter(shape).core_schema))


def declared(made: dict[str, Any], provider: Provider) -> None:
    """Fail unless the SDK declares exactly such arguments."""
    if provider == "google":
        unknown = made.keys() - {"model", "contents", "config"}
        assert not unknown
        for content in made["contents"]:
            google.Content.model_validate(content)
        google.GenerateContentConfig.model_validate(made.get("config", {}))
        return
    # LiteLLM hands top_k to the provider; all else has the shape of OpenAI.
    known = {key: value for key, value in made.items() if (provider, key) != ("litellm", "top_k")}
    validator(provider).validate_python(known)


every_provider = pytest.mark.parametrize("provider", PROVIDERS)
every_feature = pytest.mark.parametrize("feature", FEATURES.values(), ids=FEATURES)


@every_provider
@every_feature
def test_every_feature_is_sent_or_told_as_lost(feature: Feature, provider: Provider) -> None:
    losses = chat(feature.fields).losses(provider, model=MODELS[provider])
    told_of = [loss for loss in losses if loss.field.startswith(feature.field)]
    sent = any(contains(arguments(feature.fields, provider), mark) for mark in feature.marks)
    if feature.at(provider) == "sent":
        assert sent
        assert [loss for loss in told_of if loss.what != "assumed"] == []
    else:
        assert told_of
        # What is lost altogether is not there; what is said in another way or place is.
        assert sent == (told_of[0].what in {"changed", "moved"}) or feature.field == "response_format.strict"


@every_provider
@every_feature
def test_every_feature_is_sent_as_the_sdk_declares_it(feature: Feature, provider: Provider) -> None:
    declared(arguments(feature.fields, provider), provider)


@every_provider
@pytest.mark.parametrize("fields", DEFAULTS.values(), ids=DEFAULTS)
def test_what_providers_do_anyway_is_no_loss(fields: dict[str, Any], provider: Provider) -> None:
    losses = chat(fields).losses(provider, model=MODELS[provider])
    assert [loss for loss in losses if loss.field != "response_format.name"] == []
    declared(arguments(fields, provider), provider)


@every_provider
def test_all_features_together_are_declared(provider: Provider) -> None:
    together: dict[str, Any] = {"messages": [], "settings": {}}
    for feature in FEATURES.values():
        ids = f"{len(together['messages'])}"
        for message in feature.fields.get("messages", []):
            together["messages"].append(renamed(message, ids))
        together["settings"] |= feature.fields.get("settings", {})
        together |= {key: value for key, value in feature.fields.items() if key not in {"messages", "settings"}}
    declared(arguments(together, provider), provider)


def renamed(message: dict[str, Any], suffix: str) -> dict[str, Any]:
    """The message with ids of calls of its own."""
    if isinstance(message["content"], str):
        return message
    changed = [
        {key: f"{value}{suffix}" if key in {"id", "tool_call_id"} else value for key, value in part.items()}
        for part in message["content"]
    ]
    return {**message, "content": changed}


@every_provider
def test_a_misspelt_argument_fails_the_check(provider: Provider) -> None:
    made = arguments({}, provider)
    with pytest.raises((AssertionError, pydantic.ValidationError)):
        declared({**made, "temprature": 1.0}, provider)


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("openai", ("messages", 0)),
        ("openai", ("messages", 1)),
        ("openai", ("messages", 1, "tool_calls", 0, "function")),
        ("openai", ("tools", 0, "function")),
        ("openai", ("response_format", "json_schema")),
        ("anthropic", ("messages", 0)),
        ("anthropic", ("messages", 1, "content", 0)),
        ("anthropic", ("messages", 2, "content", 0)),
        ("anthropic", ("tools", 0)),
        ("anthropic", ("tool_choice",)),
        ("anthropic", ("output_config", "format")),
        ("google", ("contents", 1)),
        ("google", ("contents", 1, "parts", 0, "function_call")),
        ("google", ("config",)),
        ("google", ("config", "tools", 0, "function_declarations", 0)),
    ],
)
def test_a_misspelt_key_inside_fails_the_check(provider: Provider, path: tuple[str | int, ...]) -> None:
    fields = {**answered(), **chosen(type="auto"), **formed()}
    made: Any = arguments(fields, provider)
    declared(made, provider)
    place = made
    for step in path:
        place = place[step]
    place["nmae"] = "x"
    with pytest.raises(pydantic.ValidationError):
        declared(made, provider)
