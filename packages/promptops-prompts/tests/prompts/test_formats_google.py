"""What Gemini is told of a chat."""

from __future__ import annotations

from typing import Any

import pytest
from promptops.models import ModelSettings, ResponseFormat, ToolChoice, ToolDefinition
from promptops.prompts.render import Rendered

USER = {"role": "user", "content": "Hi"}
SUM = ToolDefinition(name="sum", description="Adds.", parameters={"type": "object"})


def chat(*messages: dict[str, Any], extra: dict[str, Any] | None = None, **fields: Any) -> Rendered:
    given: dict[str, Any] = {
        "provider": "google",
        "model": "gemini-3-pro",
        "extra": extra or {},
        **fields.pop("settings", {}),
    }
    turns = list(messages) or [USER]
    return Rendered(content="", messages=turns, variables_used=[], model_settings=ModelSettings(**given), **fields)


def config(prompt: Rendered, **options: Any) -> Any:
    return prompt.to("google", **options).get("config")


def lost(prompt: Rendered, **options: Any) -> list[tuple[str, str]]:
    return [(loss.field, loss.what) for loss in prompt.losses("google", **options)]


def test_only_what_is_set_is_present() -> None:
    contents = [{"role": "user", "parts": [{"text": "Hi"}]}]
    assert chat().to("google", strict=True) == {"model": "gemini-3-pro", "contents": contents}


def test_the_system_speaks_in_the_config() -> None:
    first, second = {"role": "system", "content": "A."}, {"role": "system", "content": "B."}
    assert config(chat(first, USER), strict=True) == {"system_instruction": "A."}
    assert config(chat(first, second, USER), strict=True) == {
        "system_instruction": {"parts": [{"text": "A."}, {"text": "B."}]}
    }
    moved = chat(first, USER, second)
    assert config(moved) == {"system_instruction": {"parts": [{"text": "A."}, {"text": "B."}]}}
    assert lost(moved) == [("messages[2]", "moved")]


def test_a_developer_is_said_by_the_system_and_that_is_told() -> None:
    assert lost(chat({"role": "developer", "content": "A."}, USER)) == [("messages[0].role", "changed")]


def test_a_prompt_of_the_system_alone_is_said_as_the_users_and_that_is_told() -> None:
    prompt = chat({"role": "system", "content": "A."})
    assert prompt.to("google") == {"model": "gemini-3-pro", "contents": [{"role": "user", "parts": [{"text": "A."}]}]}
    assert lost(prompt) == [("messages[0].role", "changed")]


def test_an_assistant_is_the_model_and_results_of_its_calls_are_one_content() -> None:
    calls = [{"type": "tool_call", "id": f"c{n}", "name": f"f{n}", "arguments": {"n": n}} for n in (1, 2)]
    results = [{"type": "tool_result", "tool_call_id": f"c{n}", "content": "r", "is_error": n == 2} for n in (1, 2)]
    prompt = chat(
        USER,
        {"role": "assistant", "content": calls},
        *({"role": "tool", "content": [item]} for item in results),
        {"role": "user", "content": "And?"},
    )
    assert prompt.to("google", strict=True)["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {"function_call": {"id": "c1", "name": "f1", "args": {"n": 1}}},
                {"function_call": {"id": "c2", "name": "f2", "args": {"n": 2}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"function_response": {"id": "c1", "name": "f1", "response": {"output": "r"}}},
                {"function_response": {"id": "c2", "name": "f2", "response": {"error": "r"}}},
            ],
        },
        {"role": "user", "parts": [{"text": "And?"}]},
    ]


def test_tools_are_declared_once() -> None:
    assert config(chat(tools=[SUM, ToolDefinition(name="now")]), strict=True) == {
        "tools": [
            {
                "function_declarations": [
                    {"name": "sum", "description": "Adds.", "parameters_json_schema": {"type": "object"}},
                    {"name": "now"},
                ]
            }
        ]
    }


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (ToolChoice(type="auto"), {"mode": "AUTO"}),
        (ToolChoice(type="none"), {"mode": "NONE"}),
        (ToolChoice(type="required"), {"mode": "ANY"}),
        (ToolChoice(type="tool", name="sum"), {"mode": "ANY", "allowed_function_names": ["sum"]}),
    ],
)
def test_choices(choice: ToolChoice, sent: dict[str, Any]) -> None:
    made = config(chat(tools=[SUM], tool_choice=choice), strict=True)
    assert made["tool_config"] == {"function_calling_config": sent}


def test_one_call_at_a_time_cannot_be_asked_for() -> None:
    serial = chat(tools=[SUM], tool_choice=ToolChoice(type="auto", parallel=False))
    assert lost(serial) == [("tool_choice.parallel", "unsupported")]


@pytest.mark.parametrize(
    ("form", "sent"),
    [
        (ResponseFormat(type="text"), {"response_mime_type": "text/plain"}),
        (ResponseFormat(type="json_object"), {"response_mime_type": "application/json"}),
        (
            ResponseFormat(type="json_schema", schema={"type": "object"}, strict=True),
            {"response_mime_type": "application/json", "response_json_schema": {"type": "object"}},
        ),
    ],
)
def test_forms_of_the_answer(form: ResponseFormat, sent: dict[str, Any]) -> None:
    assert config(chat(response_format=form), strict=True) == sent


def test_settings_have_the_names_of_the_sdk_and_extra_joins_them() -> None:
    given: dict[str, Any] = {"temperature": 0.1, "top_p": 0.2, "top_k": 3, "max_tokens": 4, "stop": ["x"], "seed": 5}
    given |= {"frequency_penalty": 0.6, "presence_penalty": 0.7, "reasoning_effort": "low"}
    extra = {"thinking_config": {"include_thoughts": True}, "candidate_count": 2}
    assert config(chat(settings=given, extra=extra), strict=True) == {
        "temperature": 0.1,
        "top_p": 0.2,
        "top_k": 3,
        "max_output_tokens": 4,
        "stop_sequences": ["x"],
        "seed": 5,
        "frequency_penalty": 0.6,
        "presence_penalty": 0.7,
        "thinking_config": {"thinking_level": "LOW", "include_thoughts": True},
        "candidate_count": 2,
    }


@pytest.mark.parametrize(("effort", "model"), [("none", "gemini-3-pro"), ("low", "gemini-2.5-flash")])
def test_efforts_that_a_model_does_not_know_are_lost(effort: str, model: str) -> None:
    prompt = chat(settings={"reasoning_effort": effort})
    assert config(prompt, model=model) is None
    assert lost(prompt, model=model) == [("model_settings.reasoning_effort", "unsupported")]


def test_images_and_files() -> None:
    parts = [
        {"type": "image", "url": "https://x.test/a", "media_type": "image/png"},
        {"type": "image", "data": "iVBORw0KGgo="},
        {"type": "file", "url": "gs://b/a.pdf", "media_type": "application/pdf"},
        {"type": "file", "file_id": "files/abc", "media_type": "video/mp4"},
    ]
    files = "https://generativelanguage.googleapis.com/v1beta/files/abc"
    assert chat({"role": "user", "content": parts}).to("google", strict=True)["contents"][0]["parts"] == [
        {"file_data": {"file_uri": "https://x.test/a", "mime_type": "image/png"}},
        {"inline_data": {"mime_type": "image/png", "data": b"\x89PNG\r\n\x1a\n"}},
        {"file_data": {"file_uri": "gs://b/a.pdf", "mime_type": "application/pdf"}},
        {"file_data": {"file_uri": files, "mime_type": "video/mp4"}},
    ]


def test_the_type_of_an_address_is_told_by_its_end_and_that_is_told() -> None:
    prompt = chat({"role": "user", "content": [{"type": "image", "url": "https://x.test/a.JPG?size=1"}]})
    assert prompt.to("google")["contents"][0]["parts"][0]["file_data"]["mime_type"] == "image/jpeg"
    assert lost(prompt) == [("messages[0].content[0].media_type", "assumed")]


def test_files_of_other_providers_are_lost() -> None:
    parts = [{"type": "text", "text": "See."}, {"type": "file", "file_id": "file-openai"}]
    assert lost(chat({"role": "user", "content": parts})) == [("messages[0].content[1]", "unsupported")]
