"""What Anthropic is told of a chat."""

from __future__ import annotations

import re
from typing import Any

import pytest
from promptops.core.errors import ValidationError
from promptops.models import ModelSettings, ResponseFormat, ToolChoice, ToolDefinition
from promptops.prompts.render import Rendered

SUM = ToolDefinition(name="sum", description="Adds.", parameters={"type": "object"}, strict=True)
USER = {"role": "user", "content": "Hi"}


def call(number: int) -> dict[str, Any]:
    return {"type": "tool_call", "id": f"c{number}", "name": "sum", "arguments": {"a": number}}


def result(number: int, **fields: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_call_id": f"c{number}", "content": f"r{number}", **fields}


def chat(*messages: dict[str, Any], extra: dict[str, Any] | None = None, **fields: Any) -> Rendered:
    given: dict[str, Any] = {"provider": "anthropic", "model": "claude-opus-5", "max_tokens": 64, "extra": extra or {}}
    given |= fields.pop("settings", {})
    turns = list(messages) or [USER]
    return Rendered(content="", messages=turns, variables_used=[], model_settings=ModelSettings(**given), **fields)


def lost(prompt: Rendered, **options: Any) -> list[tuple[str, str]]:
    return [(loss.field, loss.what) for loss in prompt.losses("anthropic", **options)]


def test_only_what_is_set_is_present() -> None:
    assert chat().to("anthropic", strict=True) == {"model": "claude-opus-5", "max_tokens": 64, "messages": [USER]}


def test_a_limit_is_assumed_and_that_is_told() -> None:
    prompt = chat(settings={"max_tokens": None})
    assert prompt.to("anthropic")["max_tokens"] == 4096
    assert lost(prompt) == [("model_settings.max_tokens", "assumed")]


def test_a_limit_in_extra_is_not_assumed_over() -> None:
    assert chat(settings={"max_tokens": None}, extra={"max_tokens": 7}).to("anthropic", strict=True)["max_tokens"] == 7


def test_one_system_message_is_the_system_and_several_are_its_blocks() -> None:
    first, second = {"role": "system", "content": "Be kind."}, {"role": "system", "content": "Be brief."}
    assert chat(first, USER).to("anthropic", strict=True).get("system") == "Be kind."
    assert chat(first, second, USER).to("anthropic", strict=True).get("system") == [
        {"type": "text", "text": "Be kind."},
        {"type": "text", "text": "Be brief."},
    ]


def test_a_developer_is_said_by_the_system_and_that_is_told() -> None:
    prompt = chat({"role": "developer", "content": "Be kind."}, USER)
    assert prompt.to("anthropic").get("system") == "Be kind."
    assert lost(prompt) == [("messages[0].role", "changed")]


def test_a_system_message_inside_the_conversation_stays_where_models_take_it() -> None:
    inside = {"role": "system", "content": "In German."}
    for behind in ([], [{"role": "assistant", "content": "Ja."}]):
        prompt = chat(USER, inside, *behind)
        assert prompt.to("anthropic", strict=True)["messages"] == [USER, inside, *behind]


@pytest.mark.parametrize("model", ["claude-sonnet-4-6", "claude-haiku-4-5", "claude-opus-4-7", "claude-sonnet-5", "x"])
def test_older_models_get_it_before_the_conversation_and_that_is_told(model: str) -> None:
    prompt = chat({"role": "system", "content": "A."}, USER, {"role": "system", "content": "B."})
    made = prompt.to("anthropic", model=model)
    assert made["messages"] == [USER]
    assert made.get("system") == [{"type": "text", "text": "A."}, {"type": "text", "text": "B."}]
    assert lost(prompt, model=model) == [("messages[2]", "moved")]


@pytest.mark.parametrize("model", ["claude-opus-4-8", "claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1"])
def test_newer_models_get_it_in_its_place(model: str) -> None:
    assert lost(chat(USER, {"role": "system", "content": "B."}), model=model) == []


def test_a_system_message_that_no_place_suits_is_moved() -> None:
    assistant = {"role": "assistant", "content": "Ja."}
    inside = {"role": "system", "content": "B."}
    assert lost(chat(USER, inside, USER)) == [("messages[1]", "moved")]
    assert lost(chat(USER, assistant, inside)) == [("messages[2]", "moved")]
    assert lost(chat(USER, inside, inside)) == [("messages[1]", "moved")]
    assert lost(chat(USER, inside, settings={"provider": "bedrock"})) == [("messages[1]", "moved")]


def test_a_prompt_of_the_system_alone_is_said_as_the_users_and_that_is_told() -> None:
    prompt = chat({"role": "system", "content": "A."}, {"role": "system", "content": "B."})
    made = prompt.to("anthropic")
    assert made.get("system") == "A."
    assert made["messages"] == [{"role": "user", "content": "B."}]
    assert lost(prompt) == [("messages[1].role", "changed")]


def test_an_assistant_cannot_speak_first() -> None:
    with pytest.raises(ValidationError, match="message of the user before any of the assistant"):
        chat({"role": "assistant", "content": "Hi"}, USER).to("anthropic")


def test_results_of_consecutive_tools_are_one_message_of_the_user() -> None:
    prompt = chat(
        USER,
        {"role": "assistant", "content": [call(1), call(2)]},
        {"role": "tool", "content": [result(1)]},
        {"role": "tool", "content": [result(2, is_error=True)]},
        {"role": "user", "content": "And?"},
    )
    assert prompt.to("anthropic", strict=True)["messages"] == [
        USER,
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "c1", "name": "sum", "input": {"a": 1}},
                {"type": "tool_use", "id": "c2", "name": "sum", "input": {"a": 2}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "r1"},
                {"type": "tool_result", "tool_use_id": "c2", "content": "r2", "is_error": True},
            ],
        },
        {"role": "user", "content": "And?"},
    ]


def test_results_come_before_what_else_a_message_says() -> None:
    said = {"type": "text", "text": "There."}
    prompt = chat(USER, {"role": "assistant", "content": [call(1)]}, {"role": "user", "content": [said, result(1)]})
    assert [block["type"] for block in prompt.to("anthropic")["messages"][2]["content"]] == ["tool_result", "text"]
    assert lost(prompt) == [("messages[2].content[1]", "moved")]


def test_tools_and_their_schemas() -> None:
    tools = [SUM, ToolDefinition(name="now"), ToolDefinition(name="when", parameters={"properties": {}})]
    assert chat(tools=tools).to("anthropic", strict=True).get("tools") == [
        {"name": "sum", "description": "Adds.", "input_schema": {"type": "object"}, "strict": True},
        {"name": "now", "input_schema": {"type": "object", "properties": {}}},
        {"name": "when", "input_schema": {"properties": {}, "type": "object"}},
    ]


def test_arguments_that_are_no_object_are_refused() -> None:
    with pytest.raises(ValidationError, match=re.escape("tools[0].parameters.type")):
        chat(tools=[ToolDefinition(name="now", parameters={"type": "array"})]).to("anthropic")


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (ToolChoice(type="auto"), {"type": "auto"}),
        (ToolChoice(type="none"), {"type": "none"}),
        (ToolChoice(type="required", parallel=False), {"type": "any", "disable_parallel_tool_use": True}),
        (
            ToolChoice(type="tool", name="sum", parallel=True),
            {"type": "tool", "name": "sum", "disable_parallel_tool_use": False},
        ),
    ],
)
def test_choices(choice: ToolChoice, sent: dict[str, Any]) -> None:
    assert chat(tools=[SUM], tool_choice=choice).to("anthropic", strict=True).get("tool_choice") == sent


def test_a_schema_and_an_effort_are_the_output_config() -> None:
    form = ResponseFormat(type="json_schema", schema={"type": "object"}, strict=True)
    made = chat(response_format=form, settings={"reasoning_effort": "max"}).to("anthropic", strict=True)
    expected = {"format": {"type": "json_schema", "schema": {"type": "object"}}, "effort": "max"}
    assert made.get("output_config") == expected


@pytest.mark.parametrize("effort", ["none", "minimal", "colossal"])
def test_efforts_that_anthropic_does_not_know_are_lost(effort: str) -> None:
    prompt = chat(settings={"reasoning_effort": effort})
    assert "output_config" not in prompt.to("anthropic")
    assert lost(prompt) == [("model_settings.reasoning_effort", "unsupported")]


def test_sampling_is_lost_but_extra_can_carry_it() -> None:
    prompt = chat(settings={"temperature": 0.1, "top_p": 0.2, "top_k": 3, "seed": 4})
    assert {field for field, _ in lost(prompt)} == {
        "model_settings.temperature",
        "model_settings.top_p",
        "model_settings.top_k",
        "model_settings.seed",
    }
    carried = dict(chat(extra={"temperature": 0.1}).to("anthropic", strict=True))
    assert carried["temperature"] == 0.1


def test_texts_of_blanks_are_left_out() -> None:
    parts = [{"type": "text", "text": " \n"}, {"type": "text", "text": "Hi"}]
    prompt = chat({"role": "system", "content": ""}, {"role": "user", "content": parts}, settings={"stop": ["\n", "x"]})
    made = prompt.to("anthropic")
    assert "system" not in made
    assert made["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    assert made.get("stop_sequences") == ["x"]
    fields = ["messages[0].content", "messages[1].content[0]", "model_settings.stop[0]"]
    assert [field for field, _ in lost(prompt)] == fields


def test_a_chat_of_blanks_alone_is_refused() -> None:
    with pytest.raises(ValidationError, match="nothing of the messages can be said"):
        chat({"role": "user", "content": " "}).to("anthropic")


def test_images_and_documents() -> None:
    parts = [
        {"type": "image", "url": "https://x.test/a"},
        {"type": "image", "url": "data:image/png;base64,iVBORw0KGgo"},
        {"type": "file", "url": "https://x.test/a.pdf", "filename": "A"},
        {"type": "file", "data": "JVBERi0x"},
        {"type": "file", "data": "w7w=", "media_type": "text/plain"},
        {"type": "file", "file_id": "file_1"},
    ]
    made = chat({"role": "user", "content": parts}).to("anthropic", strict=True)["messages"][0]["content"]
    assert made == [
        {"type": "image", "source": {"type": "url", "url": "https://x.test/a"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo"}},
        {"type": "document", "source": {"type": "url", "url": "https://x.test/a.pdf"}, "title": "A"},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "ü"}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
    ]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image", "data": "AAAA", "media_type": "image/tiff"},
        {"type": "file", "data": "AAAA", "media_type": "text/csv"},
        {"type": "file", "url": "https://x.test/a.csv"},
    ],
)
def test_types_that_anthropic_does_not_take_are_lost(part: dict[str, Any]) -> None:
    prompt = chat({"role": "user", "content": [{"type": "text", "text": "See."}, part]})
    assert len(prompt.to("anthropic")["messages"][0]["content"]) == 1
    assert lost(prompt) == [("messages[0].content[1]", "unsupported")]


def test_an_assistant_shows_no_documents() -> None:
    parts = [{"type": "text", "text": "See."}, {"type": "file", "file_id": "f"}]
    assert lost(chat(USER, {"role": "assistant", "content": parts})) == [("messages[1].content[1]", "unsupported")]
