"""The hash of what a prompt says."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from promptops.models import PromptResponse
from promptops.prompts._frozen import frozen
from promptops.prompts.hashing import content_hash

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FULL: dict[str, Any] = {
    "content": "a\n\nb",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image", "url": "u"}], "name": "n"},
        {
            "role": "assistant",
            "content": [{"type": "tool_call", "id": "1", "name": "f", "arguments": {"z": 1, "a": 2.0}}],
        },
        {"role": "user", "content": "b"},
    ],
    "tools": [{"name": "f", "parameters": {"type": "object"}}],
    "tool_choice": {"type": "auto"},
    "response_format": {"type": "json_schema", "schema": {"type": "object"}},
    "model_settings": {"temperature": 1.0, "extra": {"x": None}},
    "variables_schema": {"type": "object"},
}


def prompt(**fields: Any) -> PromptResponse:
    """A prompt as it is decoded from JSON."""
    plain: dict[str, Any] = {"id": "1", "name": "p", "version": "1.0.0", "content": "x"}
    return msgspec.convert({**plain, "created_at": NOW, "updated_at": NOW, **fields}, PromptResponse, strict=False)


def test_the_hash_is_of_sorted_json_without_what_is_empty() -> None:
    plain = b'{"content":"x","template_format":"mustache"}'
    assert content_hash(prompt()) == hashlib.sha256(plain).hexdigest()
    chat = b'{"messages":[{"content":[{"text":"a","type":"text"}],"role":"user"}],"template_format":"none"}'
    messages = [{"role": "user", "content": [{"type": "text", "text": "a"}]}]
    found = content_hash(prompt(messages=messages, content="a", template_format="none"))
    assert found == hashlib.sha256(chat).hexdigest()
    settings = b'{"content":"x","model_settings":{"extra":{"k":1.0},"temperature":1},"template_format":"mustache"}'
    found = content_hash(prompt(model_settings={"temperature": 1.0, "extra": {"k": 1.0}}))
    assert found == hashlib.sha256(settings).hexdigest()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content", "y"),
        ("template_format", "none"),
        ("messages", [{"role": "user", "content": "x"}]),
        ("model_specific_prompts", [{"model_provider": "openai", "content": "x"}]),
        ("tools", [{"name": "f"}]),
        ("tool_choice", {"type": "none"}),
        ("response_format", {"type": "text"}),
        ("model_settings", {"seed": 0}),
        ("variables_schema", {"type": "object"}),
    ],
)
def test_everything_that_a_model_or_a_render_sees_changes_it(name: str, value: Any) -> None:
    assert content_hash(prompt(**{name: value})) != content_hash(prompt())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "other"),
        ("slug", "other"),
        ("version", "2.0.0"),
        ("description", "other"),
        ("labels", ["production"]),
        ("tags", ["a"]),
        ("metadata", {"a": 1}),
        ("variables", ["a"]),
        ("source", {"content": "{{> y@1 }}", "messages": None}),
        ("includes", [{"name": "y", "version": "1.0.0", "label": None, "content_hash": "h"}]),
        ("etag", "e"),
    ],
)
def test_what_only_describes_a_prompt_does_not(name: str, value: Any) -> None:
    assert content_hash(prompt(**{name: value})) == content_hash(prompt())


def test_the_content_of_a_chat_is_not_counted_beside_its_messages() -> None:
    assert content_hash(prompt(**{**FULL, "content": "other"})) == content_hash(prompt(**FULL))
    variant = {"model_provider": "openai", "messages": [{"role": "user", "content": "x"}]}
    with_text, without = ({**variant, "content": text} for text in ("x", ""))
    assert content_hash(prompt(model_specific_prompts=[with_text])) == content_hash(
        prompt(model_specific_prompts=[without])
    )


def test_whole_numbers_in_settings_count_alike_and_in_json_of_the_callers_they_do_not() -> None:
    one, other = (prompt(model_settings={"temperature": value}) for value in (1, 1.0))
    assert content_hash(one) == content_hash(other)
    schemas = ({"minimum": 1}, {"minimum": 1.0})
    hashes = {content_hash(prompt(variables_schema=schema)) for schema in schemas}
    assert len(hashes) == 2


def test_a_prompt_that_was_frozen_or_sent_around_keeps_its_hash() -> None:
    made = prompt(**FULL)
    again = msgspec.json.decode(msgspec.json.encode(made), type=PromptResponse)
    assert content_hash(made) == content_hash(frozen(made)) == content_hash(again)


def test_a_part_that_this_version_does_not_know_counts_as_it_came() -> None:
    from promptops.models import UnknownType

    part = UnknownType(tag="video", raw={"type": "video", "url": "u"})
    chat = prompt(messages=[{"role": "user", "content": "x"}])
    assert chat.messages is not None
    messages = [msgspec.structs.replace(chat.messages[0], content=[part])]
    text = b'{"messages":[{"content":[{"type":"video","url":"u"}],"role":"user"}],"template_format":"mustache"}'
    found = content_hash(msgspec.structs.replace(chat, messages=messages))
    assert found == hashlib.sha256(text).hexdigest()
