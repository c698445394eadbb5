"""What OpenAI and LiteLLM are told of a chat."""

from __future__ import annotations

from typing import Any

import pytest
from promptops.models import ModelSettings, ResponseFormat, ToolChoice, ToolDefinition
from promptops.prompts.render import Rendered

SUM = ToolDefinition(name="sum", description="Adds.", parameters={"type": "object"}, strict=True)
CALL: dict[str, Any] = {"type": "tool_call", "id": "c1", "name": "sum", "arguments": {"a": [1, "ü"]}}
RESULT = {"type": "tool_result", "tool_call_id": "c1", "content": "3"}


def chat(*messages: dict[str, Any], **fields: Any) -> Rendered:
    given = list(messages) or [{"role": "user", "content": "Hi"}]
    return Rendered(content="", messages=given, variables_used=[], **fields)


def settings(**fields: Any) -> ModelSettings:
    given: dict[str, Any] = {"provider": "openai", "model": "gpt-6", **fields}
    return ModelSettings(**given)


def test_only_what_is_set_is_present() -> None:
    assert chat().to("openai", model="gpt-6") == {"model": "gpt-6", "messages": [{"role": "user", "content": "Hi"}]}


def test_the_model_of_the_settings_is_used_unless_another_is_named() -> None:
    prompt = chat(model_settings=settings())
    assert prompt.to("openai")["model"] == "gpt-6"
    assert prompt.to("openai", model="o3")["model"] == "o3"


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_keep_their_role_and_their_place(role: str) -> None:
    turns = [{"role": "user", "content": "Hi"}, {"role": role, "content": "Be brief."}]
    prompt = chat(*turns)
    assert prompt.to("openai", model="o3")["messages"] == turns
    assert prompt.losses("openai", model="o3") == ()


def test_calls_and_results_become_tool_calls_and_messages_of_tools() -> None:
    prompt = chat(
        {"role": "assistant", "content": [{"type": "text", "text": "Let me see."}, CALL]},
        {"role": "tool", "content": [RESULT]},
    )
    function = {"name": "sum", "arguments": '{"a":[1,"ü"]}'}
    assert prompt.to("openai", model="gpt-6", strict=True)["messages"] == [
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "3"},
    ]


def test_an_assistant_that_only_calls_has_no_content() -> None:
    made = chat({"role": "assistant", "content": [CALL]}).to("openai", model="gpt-6", strict=True)["messages"]
    assert "content" not in made[0]


def test_results_in_a_message_of_the_user_come_first_and_a_move_is_told() -> None:
    said = {"type": "text", "text": "There."}
    head = {"role": "assistant", "content": [CALL]}
    ordered = chat(head, {"role": "user", "content": [RESULT, said]})
    moved = chat(head, {"role": "user", "content": [said, RESULT]})
    assert ordered.to("openai", model="m")["messages"] == moved.to("openai", model="m")["messages"]
    assert [message["role"] for message in moved.to("openai", model="m")["messages"]] == ["assistant", "tool", "user"]
    assert ordered.losses("openai", model="m") == ()
    assert [(loss.field, loss.what) for loss in moved.losses("openai", model="m")] == [("messages[1].content", "moved")]


def test_texts_behind_a_call_are_told_as_moved() -> None:
    prompt = chat({"role": "assistant", "content": [CALL, {"type": "text", "text": "Wait."}]})
    assert [loss.what for loss in prompt.losses("openai", model="m")] == ["moved"]


def test_tools_and_choices() -> None:
    prompt = chat(tools=[SUM, ToolDefinition(name="now")], tool_choice=ToolChoice(type="tool", name="sum"))
    made = prompt.to("openai", model="m", strict=True)
    function = {"name": "sum", "description": "Adds.", "parameters": {"type": "object"}, "strict": True}
    assert made.get("tools") == [
        {"type": "function", "function": function},
        {"type": "function", "function": {"name": "now"}},
    ]
    assert made.get("tool_choice") == {"type": "function", "function": {"name": "sum"}}
    assert "parallel_tool_calls" not in made


@pytest.mark.parametrize("kind", ["auto", "none", "required"])
def test_plain_choices_are_words(kind: Any) -> None:
    made = chat(tools=[SUM], tool_choice=ToolChoice(type=kind, parallel=False)).to("openai", model="m")
    assert made.get("tool_choice") == kind
    assert made.get("parallel_tool_calls") is False


def test_a_schema_without_a_name_gets_one_and_that_is_told() -> None:
    named = chat(response_format=ResponseFormat(type="json_schema", name="n", schema={"type": "object"}, strict=False))
    bare = chat(response_format=ResponseFormat(type="json_schema", schema={"type": "object"}))
    schema = {"name": "n", "schema": {"type": "object"}, "strict": False}
    expected = {"type": "json_schema", "json_schema": schema}
    assert named.to("openai", model="m", strict=True).get("response_format") == expected
    assert dict(bare.to("openai", model="m"))["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "response", "schema": {"type": "object"}},
    }
    assert [(loss.field, loss.what) for loss in bare.losses("openai", model="m")] == [
        ("response_format.name", "assumed")
    ]


@pytest.mark.parametrize("provider", [None, "openai", "azure", "anthropic", "gemini"])
def test_openai_limits_completion_tokens(provider: str | None) -> None:
    # With settings for Anthropic or Google the model is the caller's, and it is one of OpenAI.
    made = chat(model_settings=settings(provider=provider, max_tokens=9)).to("openai", model="gpt-6")
    assert made.get("max_completion_tokens") == 9
    assert "max_tokens" not in made


def test_a_server_that_speaks_the_language_of_openai_gets_max_tokens() -> None:
    made = chat(model_settings=settings(provider="vllm", max_tokens=9)).to("openai")
    assert made.get("max_tokens") == 9
    assert "max_completion_tokens" not in made


@pytest.mark.parametrize("model", ["o1", "o3", "o4-mini", "o3-2025-04-16", "gpt-5", "gpt-5-mini", "gpt-5-2025-08-07"])
def test_models_with_fixed_sampling_get_none_of_it(model: str) -> None:
    prompt = chat(model_settings=settings(temperature=0.2, top_p=0.9, presence_penalty=1.0, stop=["x"]))
    made = prompt.to("openai", model=model)
    assert not made.keys() & {"temperature", "top_p", "presence_penalty", "stop"}
    fields = {"model_settings.temperature", "model_settings.top_p", "model_settings.presence_penalty"}
    assert {loss.field for loss in prompt.losses("openai", model=model)} == fields | {"model_settings.stop"}


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5.1", "gpt-5-chat-latest", "gpt-6-astra", "my-o3"])
def test_every_other_model_gets_the_sampling(model: str) -> None:
    made = chat(model_settings=settings(temperature=0.2, stop=["x"])).to("openai", model=model, strict=True)
    assert (made.get("temperature"), made.get("stop")) == (0.2, ["x"])


def test_more_than_four_stop_texts_are_a_loss() -> None:
    prompt = chat(model_settings=settings(stop=list("abcdef")))
    assert prompt.to("openai").get("stop") == list("abcd")
    assert [loss.field for loss in prompt.losses("openai")] == ["model_settings.stop[4:]"]


@pytest.mark.parametrize("name", ["Ada Lovelace", "a<b", "x" * 65])
def test_names_that_openai_refuses_are_left_out(name: str) -> None:
    prompt = chat({"role": "user", "content": "Hi", "name": name})
    assert "name" not in prompt.to("openai", model="m")["messages"][0]
    assert [loss.field for loss in prompt.losses("openai", model="m")] == ["messages[0].name"]


def test_images_and_files() -> None:
    parts = [
        {"type": "image", "url": "https://x.test/a.png", "detail": "high"},
        {"type": "image", "data": "iVBORw0KGgoAAA"},
        {"type": "image", "url": "data:image/gif;base64,R0lGOD"},
        {"type": "file", "data": "JVBERi0x", "filename": "a.pdf"},
        {"type": "file", "file_id": "file-1"},
    ]
    made = chat({"role": "user", "content": parts}).to("openai", model="m", strict=True)["messages"][0]["content"]
    assert made == [
        {"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": "high"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgoAAA"}},
        {"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lGOD"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0x", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]


def test_a_file_by_its_address_is_a_loss() -> None:
    parts = [{"type": "text", "text": "Read."}, {"type": "file", "url": "https://x.test/a.pdf"}]
    prompt = chat({"role": "user", "content": parts})
    assert len(prompt.to("openai", model="m")["messages"][0]["content"]) == 1
    assert [loss.field for loss in prompt.losses("openai", model="m")] == ["messages[0].content[1]"]


@pytest.mark.parametrize(
    ("provider", "model", "sent"),
    [
        ("anthropic", "claude-opus-5", "anthropic/claude-opus-5"),
        ("Claude", "claude-opus-5", "anthropic/claude-opus-5"),
        ("google", "gemini-3-pro", "gemini/gemini-3-pro"),
        ("vertex", "gemini-3-pro", "vertex_ai/gemini-3-pro"),
        ("openai", "openai/gpt-6", "openai/gpt-6"),
        ("huggingface", "org/model", "huggingface/org/model"),
        ("local", "ollama/llama4", "ollama/llama4"),
        (None, "gpt-6", "gpt-6"),
    ],
)
def test_litellm_gets_the_model_with_the_prefix_of_its_provider(provider: str | None, model: str, sent: str) -> None:
    assert chat(model_settings=settings(provider=provider, model=model)).to("litellm")["model"] == sent


def test_litellm_gets_a_model_that_the_caller_names_as_it_is() -> None:
    assert chat(model_settings=settings()).to("litellm", model="groq/llama")["model"] == "groq/llama"


def test_litellm_translates_settings_itself() -> None:
    prompt = chat(model_settings=settings(model="o3", temperature=1.0, top_k=4, max_tokens=9, stop=list("abcdef")))
    assert prompt.to("litellm", strict=True) == {
        "model": "openai/o3",
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 1.0,
        "top_k": 4,
        "max_tokens": 9,
        "stop": list("abcdef"),
    }
