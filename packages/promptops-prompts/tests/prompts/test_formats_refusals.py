"""What no provider is given: calls that would be wrong, and, with ``strict``, calls that would be poorer."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from typing import Any, cast, get_args

import pytest
import structlog
from promptops.core.errors import ValidationError
from promptops.core.narrow import is_array, is_object
from promptops.models import ModelSettings, ResponseFormat, ToolChoice, ToolDefinition
from promptops.prompts._frozen import FrozenDict, FrozenList
from promptops.prompts.formats import FormatError, Loss, Provider
from promptops.prompts.render import Rendered

PROVIDERS: tuple[Provider, ...] = get_args(Provider)
USER = {"role": "user", "content": "Hi"}
CALL: dict[str, Any] = {"type": "tool_call", "id": "c1", "name": "sum", "arguments": {}}
RESULT = {"type": "tool_result", "tool_call_id": "c1", "content": "3"}
SUM = ToolDefinition(name="sum")

every_provider = pytest.mark.parametrize("provider", PROVIDERS)


def chat(*messages: Any, **fields: Any) -> Rendered:
    return Rendered(content="", messages=list(messages), variables_used=[], **fields)


def make(prompt: Rendered, provider: Provider, *, model: str | None = "m", strict: bool = False) -> Any:
    # The overloads want a literal; here any of them will do.
    return cast("Any", prompt).to(provider, model=model, strict=strict)


def refused(prompt: Rendered, provider: Provider, **options: Any) -> list[str]:
    with pytest.raises(ValidationError) as raised:
        make(prompt, provider, **options)
    assert not isinstance(raised.value, FormatError)
    return [item["field"] for item in raised.value.validation_errors]


WRONG_MESSAGES: list[tuple[list[Any], str]] = [
    ([], "messages"),
    ([{"role": "user", "content": []}], "messages[0].content"),
    ([{"role": "user"}], "messages[0]"),
    ([{"role": "user", "content": 7}], "messages[0].content"),
    ([{"role": "user", "content": "Hi", "nmae": "ada"}], "messages[0]"),
    ([{"role": "wizard", "content": "Hi"}], "messages[0].role"),
    ([{"role": "placeholder", "content": "", "name": "history"}], "messages[0].role"),
    ([USER, {"role": "user", "content": [{"type": "image"}]}], "messages[1].content[0]"),
    ([{"role": "user", "content": [{"type": "image", "url": "u", "data": "d"}]}], "messages[0].content[0]"),
    ([{"role": "user", "content": [{"type": "file", "filename": "a"}]}], "messages[0].content[0]"),
    ([{"role": "user", "content": [{"type": "video", "url": "u"}]}], "messages[0].content[0].type"),
    ([{"role": "user", "content": [{"type": "image", "data": "AAAA"}]}], "messages[0].content[0].media_type"),
    ([{"role": "user", "content": [CALL]}], "messages[0].content[0]"),
    ([USER, {"role": "tool", "content": "3"}], "messages[1].content"),
    ([USER, {"role": "tool", "content": [RESULT]}], "messages[1].content[0].tool_call_id"),
]


@every_provider
@pytest.mark.parametrize(("messages", "field"), WRONG_MESSAGES)
def test_messages_that_nobody_takes_are_refused_with_their_place(
    provider: Provider, messages: list[Any], field: str
) -> None:
    assert refused(chat(*messages), provider) == [field]


@every_provider
@pytest.mark.parametrize(
    ("choice", "tools", "field"),
    [
        (ToolChoice(type="tool", name="mul"), [SUM], "tool_choice.name"),
        (ToolChoice(type="tool"), [SUM], "tool_choice.name"),
        (ToolChoice(type="required"), [], "tool_choice"),
        (ToolChoice(type="auto", name="sum"), [SUM], "tool_choice.name"),
        (ToolChoice(type="any"), [SUM], "tool_choice.type"),
        (None, [SUM, SUM], "tools[1].name"),
    ],
)
def test_a_choice_without_its_tool_is_refused(
    provider: Provider, choice: ToolChoice | None, tools: list[ToolDefinition], field: str
) -> None:
    assert refused(chat(USER, tools=tools, tool_choice=choice), provider) == [field]


@every_provider
def test_a_choice_that_chooses_nothing_is_a_loss(provider: Provider) -> None:
    prompt = chat(USER, tool_choice=ToolChoice(type="auto"))
    assert "tool_choice" not in make(prompt, provider)
    assert "tool_choice" in {loss.field for loss in prompt.losses(provider, model="m")}


@every_provider
def test_a_schema_form_without_a_schema_is_refused(provider: Provider) -> None:
    prompt = chat(USER, response_format=ResponseFormat(type="json_schema"))
    assert refused(prompt, provider) == ["response_format.schema"]


@every_provider
def test_no_model_is_refused_and_the_message_says_what_to_give(provider: Provider) -> None:
    assert refused(chat(USER), provider, model=None) == ["model_settings.model"]
    with pytest.raises(ValidationError, match="give model="):
        make(chat(USER), provider, model=None)


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google"])
@pytest.mark.parametrize("other", ["openai", "anthropic", "claude", "google", "gemini"])
def test_the_model_of_another_provider_is_refused(provider: Provider, other: str) -> None:
    prompt = chat(USER, model_settings=ModelSettings(provider=other, model="theirs", max_tokens=1))
    if {"claude": "anthropic", "gemini": "google"}.get(other, other) == provider:
        assert make(prompt, provider, model=None, strict=True)["model"] == "theirs"
    else:
        assert refused(prompt, provider, model=None) == ["model_settings.model"]
        assert make(prompt, provider)["model"] == "m"


def test_extra_of_another_provider_is_left_out_and_told() -> None:
    prompt = chat(
        USER, model_settings=ModelSettings(provider="anthropic", model="claude-opus-5", extra={"speed": "fast"})
    )
    assert "config" not in prompt.to("google", model="gemini-3-pro")
    assert [loss.field for loss in prompt.losses("google", model="gemini-3-pro")] == ["model_settings.extra.speed"]
    assert dict(prompt.to("litellm", strict=True))["speed"] == "fast"


@pytest.mark.parametrize(
    ("provider", "extra", "field"),
    [
        ("openai", {"temperature": 1}, "model_settings.extra.temperature"),
        ("openai", {"messages": []}, "model_settings.extra.messages"),
        ("openai", {"model": "x"}, "model_settings.extra.model"),
        ("litellm", {"temperature": 1}, "model_settings.extra.temperature"),
        ("anthropic", {"output_config": {"effort": "max"}}, "model_settings.extra.output_config.effort"),
        ("anthropic", {"system": "Be evil."}, "model_settings.extra.system"),
        ("google", {"temperature": 1}, "model_settings.extra.temperature"),
        ("google", {"contents": []}, "model_settings.extra.contents"),
    ],
)
def test_extra_never_replaces_what_the_prompt_sets(provider: Provider, extra: dict[str, Any], field: str) -> None:
    given = ModelSettings(model="m", temperature=0.5, reasoning_effort="low", extra=extra)
    prompt = chat({"role": "system", "content": "Be kind."}, USER, model_settings=given)
    assert refused(prompt, provider) == [field]


def test_every_problem_is_named_at_once() -> None:
    prompt = chat(
        {"role": "wizard", "content": "Hi"}, {"role": "user", "content": [{"type": "image"}]}, tools=[SUM, SUM]
    )
    fields = {"messages[0].role", "messages[1].content[0]", "tools[1].name", "model_settings.model"}
    assert set(refused(prompt, "openai", model=None)) == fields


@pytest.mark.parametrize(
    ("provider", "name"), [("openai", "a.b"), ("anthropic", "a.b"), ("google", "1a"), ("openai", "x" * 65)]
)
def test_names_of_tools_that_a_provider_refuses_are_refused(provider: Provider, name: str) -> None:
    assert refused(chat(USER, tools=[ToolDefinition(name=name)]), provider) == ["tools[0].name"]


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google"])
def test_ids_of_calls_are_refused_where_they_are_not_taken(provider: Provider) -> None:
    prompt = chat(USER, {"role": "assistant", "content": [{**CALL, "id": "a.1"}]})
    if provider == "anthropic":
        assert refused(prompt, provider) == ["messages[1].content[0].id"]
    else:
        make(prompt, provider, strict=True)


@pytest.mark.parametrize("provider", ["anthropic", "google"])
def test_results_in_any_role_are_joined_into_the_message_behind_their_calls(provider: Provider) -> None:
    calls = {"role": "assistant", "content": [CALL, {**CALL, "id": "c2"}]}
    second = {"role": "user", "content": [{**RESULT, "tool_call_id": "c2"}, {"type": "text", "text": "So?"}]}
    made = make(chat(USER, calls, {"role": "tool", "content": [RESULT]}, second, USER), provider)
    messages = made["contents" if provider == "google" else "messages"]
    assert [len(message["parts" if provider == "google" else "content"]) for message in messages] == [
        1 if provider == "google" else 2,  # a text: one part, or its two letters
        2,
        3,
        1 if provider == "google" else 2,
    ]


@pytest.mark.parametrize("data", ["not base64", "AAA"])
def test_data_that_is_no_base64_is_refused_where_it_is_decoded(data: str) -> None:
    image = {"type": "image", "data": data, "media_type": "image/png"}
    assert refused(chat({"role": "user", "content": [image]}), "google") == ["messages[0].content[0].data"]
    text = {"type": "file", "data": data, "media_type": "text/plain"}
    assert refused(chat({"role": "user", "content": [text]}), "anthropic") == ["messages[0].content[0].data"]


def test_an_unknown_provider_is_refused() -> None:
    assert refused(chat(USER), cast("Any", "cohere")) == ["provider"]


def test_strict_refuses_what_would_be_lost_and_lists_all_of_it() -> None:
    given = ModelSettings(model="claude-opus-5", temperature=0.2, seed=1)
    prompt = chat({**USER, "name": "ada"}, model_settings=given)
    with pytest.raises(FormatError) as raised:
        prompt.to("anthropic", strict=True)
    fields = ["model_settings.max_tokens", "messages[0].name", "model_settings.temperature", "model_settings.seed"]
    assert [loss.field for loss in raised.value.losses] == fields
    assert [item["field"] for item in raised.value.validation_errors] == fields
    assert all(field in str(raised.value) for field in fields)
    assert raised.value.losses == prompt.losses("anthropic")


def test_a_format_error_survives_pickling() -> None:
    error = FormatError.of((Loss(provider="openai", field="a", what="moved", detail="b"),))
    assert pickle.loads(pickle.dumps(error)).losses == error.losses


@pytest.fixture
def logged() -> Iterator[Sequence[Any]]:
    """What is logged; structlog is as it was afterwards, or the logs of later tests would go to standard output."""
    assert not structlog.is_configured()
    with structlog.testing.capture_logs() as entries:
        yield entries
    structlog.reset_defaults()


def test_losses_are_logged_once_without_the_text_of_the_prompt(logged: Sequence[Any]) -> None:
    given = ModelSettings(model="m", temperature=0.25, max_tokens=1)
    prompt = chat({"role": "user", "content": "my secret", "name": "ada"}, model_settings=given)
    prompt.to("anthropic")
    lost = ["messages[0].name: unsupported", "model_settings.temperature: unsupported"]
    assert logged == [{"event": "prompt_format_lost", "log_level": "warning", "provider": "anthropic", "lost": lost}]


def test_nothing_is_logged_when_nothing_is_lost_or_when_only_the_losses_are_asked_for(
    logged: Sequence[Any],
) -> None:
    chat(USER).to("openai", model="m")
    chat({**USER, "name": "a b"}).losses("openai", model="m")
    assert logged == []


def shared(value: Any) -> Any:
    if is_object(value):
        return FrozenDict({key: shared(item) for key, item in value.items()})
    return FrozenList(map(shared, value)) if is_array(value) else value


def changed_everywhere(value: Any) -> None:
    """Change every dict and list in place, as a caller may."""
    if is_object(value):
        for item in value.values():
            changed_everywhere(item)
        value["changed"] = True
    elif is_array(value):
        for item in value:
            changed_everywhere(item)
        value.append("changed")


@every_provider
def test_callers_may_change_what_they_get_and_the_prompt_stays(provider: Provider) -> None:
    schema = {"type": "object", "properties": {"a": {"enum": [1, 2]}}}
    call = {**CALL, "arguments": {"a": {"b": [1]}}}
    messages = [USER, {"role": "assistant", "content": [call]}, {"role": "tool", "content": [RESULT]}]

    def made() -> Rendered:
        return chat(
            *shared(messages),
            tools=[ToolDefinition(name="sum", parameters=shared(schema))],
            response_format=ResponseFormat(type="json_schema", name="n", schema=shared(schema)),
            model_settings=ModelSettings(stop=shared(["x"]), extra=shared({"metadata": {"a": ["b"]}})),
        )

    prompt = made()
    first = make(prompt, provider)
    changed_everywhere(first)
    assert prompt == made()
    assert make(prompt, provider) == make(made(), provider) != first
