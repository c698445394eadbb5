"""Texts that the two sides would read differently are written anew, and the rest stays as it is."""

from __future__ import annotations

import json

import msgspec
import pytest
from promptops.models import ChatMessage, ModelSettings, TextPart, ToolCallPart, ToolResultPart
from promptops.phoenix._generated import PromptChatTemplate, PromptMessage, PromptVersionData
from promptops.phoenix.conversion import PromptFields, from_phoenix, to_phoenix

SETTINGS = ModelSettings(provider="openai", model="m")


def version(*messages: PromptMessage, template_format: str = "MUSTACHE") -> PromptVersionData:
    plain = to_phoenix(PromptFields(content="", model_settings=SETTINGS)).value
    template = PromptChatTemplate(messages=list(messages))
    return msgspec.structs.replace(plain, template=template, template_format=template_format, metadata={})


def user(text: str) -> PromptMessage:
    return PromptMessage(role="user", content=text)


@pytest.mark.parametrize(
    ("theirs", "text", "ours", "read"),
    [
        ("MUSTACHE", "Hi {{ name }}", "mustache", "Hi {{ name }}"),
        ("MUSTACHE", "a } b }} {c}", "mustache", "a } b }} {c}"),
        ("MUSTACHE", '{"x": {{x}}}', "mustache", '{"x": {{x}}}'),
        ("MUSTACHE", "{{{x}}}", "f-string", "{{{x}}}"),
        ("MUSTACHE", "\\{{x}} {{y}}", "f-string", "\\{{{{x}}}} {y}"),
        ("MUSTACHE", "{{}} {{y}}", "f-string", "{{{{}}}} {y}"),
        ("MUSTACHE", "\\{{x}}", "none", "\\{{x}}"),
        ("MUSTACHE", "{{user.name}}", "mustache", "{{user.name}}"),
        ("MUSTACHE", "{{#a}}x{{/a}}", "mustache", "{{#a}}x{{/a}}"),
        ("F_STRING", "{{}} {name}", "f-string", "{{}} {name}"),
        ("F_STRING", "{user-name}", "mustache", "{{user-name}}"),
        ("F_STRING", "{name:}", "f-string", "{name}"),
        ("F_STRING", "{name!r}", "f-string", "{name!r}"),
        ("F_STRING", "{", "f-string", "{"),
        ("NONE", "{{x}} {y}", "none", "{{x}} {y}"),
    ],
)
def test_a_phoenix_text_is_read(theirs: str, text: str, ours: str, read: str) -> None:
    found = from_phoenix(version(user(text), template_format=theirs)).value
    assert (found.template_format, found.content) == (ours, read)


@pytest.mark.parametrize(
    ("ours", "text", "theirs", "sent"),
    [
        ("mustache", "Hi {{ name }}", "MUSTACHE", "Hi {{ name }}"),
        ("mustache", "Hi{{! nobody sees this }}", "MUSTACHE", "Hi"),
        ("mustache", "{{x}}{{! nobody sees this }}", "MUSTACHE", "{{x}}"),
        ("mustache", "\\{{x}}", "F_STRING", "\\{x}"),
        ("mustache", "{{user-name}}", "F_STRING", "{user-name}"),
        ("mustache", "{{user.name}}", "MUSTACHE", "{{user.name}}"),
        ("f-string", "{{}} {name}", "F_STRING", "{{}} {name}"),
        ("f-string", "{ name }", "F_STRING", "{name}"),
        ("none", "{{x}}", "NONE", "{{x}}"),
    ],
)
def test_our_text_is_sent(ours: str, text: str, theirs: str, sent: str) -> None:
    messages = [ChatMessage(role="user", content=text)]
    made = to_phoenix(PromptFields(content="", messages=messages, template_format=ours)).value
    assert made.template == PromptChatTemplate(messages=[user(sent)])
    assert made.template_format == theirs


def test_texts_that_phoenix_fills_nothing_into_stay_as_they_are_when_they_are_rendered() -> None:
    """One format holds all texts of a prompt, so that the other texts are written in it too."""
    body = {
        "type": "chat",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi {{name}}"}]},
            {
                "role": "assistant",
                "content": [
                    {
                        "type": "tool_call",
                        "tool_call_id": "c",
                        "tool_call": {"type": "function", "name": "f", "arguments": json.dumps({"q": "{{name}}"})},
                    }
                ],
            },
            {"role": "tool", "content": [{"type": "tool_result", "tool_call_id": "c", "tool_result": "{x}"}]},
        ],
    }
    given = version(*msgspec.convert(body, PromptChatTemplate).messages)
    read = from_phoenix(given).value
    assert read.template_format == "f-string"
    assert read.variables == ["name"]
    assert read.messages == [
        ChatMessage(role="user", content=[TextPart(text="Hi {name}")]),
        ChatMessage(role="assistant", content=[ToolCallPart(id="c", name="f", arguments={"q": "{{{{name}}}}"})]),
        ChatMessage(role="tool", content=[ToolResultPart(tool_call_id="c", content="{{x}}")]),
    ]
    sent = to_phoenix(read).value
    assert msgspec.to_builtins(sent.template) == body | {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi {name}"}]}, *body["messages"][1:]]
    }, "and back they are what they were"


def test_a_text_that_is_too_long_to_be_rendered_here_is_told() -> None:
    read = from_phoenix(version(user("x" * (256 * 1024 + 1))))
    assert [(loss.field, loss.what) for loss in read.losses] == [("template.messages[0].content", "changed")]
