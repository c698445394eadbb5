"""Chat prompts against a running server: parts, placeholders, tools and settings, rendered here and there alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from promptops.client import (
    ClientConfig,
    ConfigurationError,
    NetworkError,
    PromptNotFoundError,
    PromptOpsClient,
    ValidationError,
)
from promptops.models import ChatMessage, ImagePart, ModelSettings, TextPart, ToolCallPart
from promptops.prompts.files import Lock, LockedPrompt, write_bundle
from promptops.prompts.formats import from_openai
from promptops.prompts.rendered import RenderedPrompt

pytestmark = pytest.mark.anyio
Unique = Callable[[str], str]

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "who": {"type": "string"},
        "user": {"type": "object", "properties": {"tags": {"items": {"type": "string"}}}},
    },
    "required": ["who"],
}
CHAT: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You help {{ who }}."},
        {"role": "placeholder", "content": "", "name": "history"},
        {
            "role": "user",
            "name": "ada",
            "content": [
                {"type": "text", "text": "Look: {{ question }}"},
                {"type": "image", "url": "https://example.com/{{ file }}.png", "detail": "low"},
                {"type": "file", "data": "aGk=", "media_type": "text/plain", "filename": "{{ file }}.txt"},
            ],
        },
        {
            "role": "assistant",
            "content": [{"type": "tool_call", "id": "c1", "name": "search", "arguments": {"q": ["{{ question }}", 1]}}],
        },
        {"role": "tool", "content": [{"type": "tool_result", "tool_call_id": "c1", "content": "{{ file }}"}]},
    ],
    "tools": [{"name": "search", "description": "Finds {{ who }}", "parameters": {"type": "object"}}],
    "tool_choice": {"type": "tool", "name": "search"},
    "response_format": {"type": "json_schema", "name": "answer", "schema": {"type": "object"}},
    "model_settings": {"model": "m", "temperature": 0.5, "stop": ["end"], "extra": {"flag": True}},
    "variables_schema": SCHEMA,
    "model_specific_prompts": [
        {
            "model_provider": "anthropic",
            "content": "Short, {{ who }}.",
            "messages": [{"role": "user", "content": "Short, {{ who }}."}],
            "model_settings": {"model": "claude", "temperature": 0.0},
        }
    ],
}
VALUES: dict[str, Any] = {
    "who": "{{ question }}",
    "question": 'a "quoted" {{ who }}\r\n— ü',
    "file": "{#x}",
    "history": [
        {"role": "user", "content": "{{ who }}"},
        {
            "role": "assistant",
            "content": [
                {
                    "type": "text",
                    "text": "{{ question }}",
                }
            ],
            "name": None,
        },
    ],
}


async def test_a_chat_with_everything_in_it_is_read_back(client: PromptOpsClient, unique: Unique) -> None:
    made = await client.prompts.create(unique("chat"), **CHAT)
    read = await client.prompts.get(made.slug, use_cache=False)
    assert read == made
    assert read.messages is not None
    assert isinstance(read.messages[2].content[1], ImagePart)
    assert isinstance(read.messages[3].content[0], ToolCallPart)
    assert read.variables == ["who", "history", "question", "file"]
    assert read.tools[0].parameters == {"type": "object"}
    assert read.model_settings == ModelSettings(model="m", temperature=0.5, stop=["end"], extra={"flag": True})
    assert read.variables_schema == SCHEMA


@pytest.mark.parametrize("provider", [None, "anthropic"])
async def test_the_server_renders_a_chat_as_the_client_does(
    client: PromptOpsClient, unique: Unique, provider: str | None
) -> None:
    made = await client.prompts.create(unique("chat"), **CHAT)
    here, there = [
        await client.prompts.render(made.slug, VALUES, model_provider=provider, on_server=on_server)
        for on_server in (False, True)
    ]
    assert isinstance(here, RenderedPrompt)
    assert isinstance(there, RenderedPrompt)
    for field in ("messages", "rendered_content", "variables_used", "tools", "tool_choice", "response_format"):
        assert msgspec.json.encode(getattr(here, field)) == msgspec.json.encode(getattr(there, field)), field
    assert here.model_settings == there.model_settings
    assert here.model_settings is not None
    assert here.model_settings.model == ("claude" if provider else "m")
    assert here.model_settings.stop == ["end"]
    assert there.to("openai") == here.to("openai")


async def test_message_structs_are_given_as_history(client: PromptOpsClient, unique: Unique) -> None:
    made = await client.prompts.create(unique("chat"), messages=CHAT["messages"][:2])
    history = [ChatMessage(role="user", content=[TextPart(text="{{ who }}")], name="ada")]
    expected = [
        {"role": "system", "content": "You help Ada."},
        {"role": "user", "content": [{"type": "text", "text": "{{ who }}"}], "name": "ada"},
    ]
    for on_server in (False, True):
        rendered = await client.prompts.render(made.slug, {"who": "Ada", "history": history}, on_server=on_server)
        assert rendered.messages == expected


@pytest.mark.parametrize("on_server", [False, True])
async def test_all_that_is_wrong_with_the_variables_is_said_at_once(
    client: PromptOpsClient, unique: Unique, on_server: bool
) -> None:
    made = await client.prompts.create(unique("chat"), **CHAT)
    wrong = {"who": 7, "user": {"tags": ["a", 1]}, "history": [{"role": "user"}], "quesiton": "x"}
    with pytest.raises(ValidationError) as caught:
        await client.prompts.render(made.slug, wrong, on_server=on_server)
    assert [(item["field"], item["code"]) for item in caught.value.validation_errors] == [
        ("variables.who", "wrong_type"),
        ("variables.user.tags[1]", "wrong_type"),
        ("variables.history[0].content", "required"),
        ("variables.question", "missing_variable"),
        ("variables.file", "missing_variable"),
        ("variables.user", "unused_variable"),
        ("variables.quesiton", "unused_variable"),
    ]


async def test_an_update_keeps_what_it_does_not_name(client: PromptOpsClient, unique: Unique) -> None:
    made = await client.prompts.create(unique("chat"), **CHAT)
    changed = await client.prompts.update(made.slug, tool_choice=None, model_settings={"model": "n"})
    assert (changed.version, changed.tool_choice) == ("1.0.1", None)
    assert changed.model_settings == ModelSettings(model="n")
    assert (changed.messages, changed.tools, changed.variables_schema) == (made.messages, made.tools, SCHEMA)
    back = await client.prompts.rollback(made.slug, version="1.0.0")
    assert (back.version, back.tool_choice, back.model_settings) == ("1.0.2", made.tool_choice, made.model_settings)
    assert (back.content_hash, back.variables) == (made.content_hash, made.variables)


async def test_what_changed_between_versions_is_told(client: PromptOpsClient, unique: Unique) -> None:
    made = await client.prompts.create(unique("chat"), **CHAT)
    messages = [{"role": "system", "content": "You serve {{ who }}."}, *CHAT["messages"][1:]]
    await client.prompts.update(made.slug, messages=messages, model_settings={"model": "n"})
    diff = await client.diff_prompt(made.slug, "1.0.0")
    assert [(change.field, change.kind, change.new_index) for change in diff.messages] == [("messages", "changed", 0)]
    assert {change.path for change in diff.settings} == {
        "model_settings.model",
        "model_settings.temperature",
        "model_settings.stop",
        "model_settings.extra.flag",
    }
    assert "-You help {{ who }}.\n+You serve {{ who }}.\n" in diff.unified()
    assert (await client.prompts.diff(made.slug, "1.0.0", "1.0.0")).is_empty


async def test_a_rollback_publishes_inclusions_as_they_were_written(client: PromptOpsClient, unique: Unique) -> None:
    part = await client.prompts.create(unique("part"), content="Be kind.")
    written = f"{{{{> {part.slug}@1.0.0 }}}} Help {{{{ who }}}}."
    made = await client.prompts.create(unique("whole"), content=written)
    assert made.content == "Be kind. Help {{ who }}."
    await client.prompts.update(made.slug, content="other")
    back = await client.prompts.rollback(made.slug, version="1.0.0")
    assert (back.version, back.content) == ("1.0.2", made.content)
    assert back.source is not None
    assert back.source.content == written
    assert [item.name for item in back.includes] == [part.slug]


async def test_jinja2_is_rendered_here_and_refused_there(client: PromptOpsClient, unique: Unique) -> None:
    text = "{% for name in names %}{{ loop.index }} {{ name }}{{ '' if loop.last else ', ' }}{% endfor %}"
    made = await client.prompts.create(unique("jinja"), content=text, template_format="jinja2", variables=["names"])
    assert (await client.prompts.render(made.slug, {"names": ["{{ a }}", "b"]})).rendered_content == "1 {{ a }}, 2 b"
    with pytest.raises(ValidationError) as caught:
        await client.prompts.render(made.slug, {"names": []}, on_server=True)
    assert caught.value.validation_errors[0]["code"] == "jinja2_on_server"


async def test_what_was_imported_from_an_sdk_is_created_and_gives_the_same_call(
    client: PromptOpsClient, unique: Unique
) -> None:
    arguments: dict[str, Any] = {
        "model": "gpt-4o",
        "temperature": 0.5,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why {{ what }}?"}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
    }
    made = await client.prompts.create(unique("imported"), **from_openai(arguments).fields())
    call = (await client.render_prompt(made.slug, {"what": "not"})).to("openai")
    assert dict(call) == {**arguments, "messages": [arguments["messages"][0], {"role": "user", "content": "Why not?"}]}


async def test_names_given_in_vain_are_told_or_refused(client: PromptOpsClient, unique: Unique) -> None:
    made = await client.prompts.create(unique("strict"), content="{{ a }}")
    for on_server in (False, True):
        rendered = await client.render_prompt(made.slug, {"a": 1, "b": 2}, on_server=on_server)
        assert rendered.variables_unused == ["b"]
        with pytest.raises(ValidationError, match="does not use: b"):
            await client.render_prompt(made.slug, {"a": 1, "b": 2}, on_server=on_server, strict=True)
    declared = await client.prompts.create(unique("strict"), content="{{ a }}", variables=["a", "b"])
    for on_server in (False, True):
        rendered = await client.render_prompt(declared.slug, {"a": 1, "b": 2}, on_server=on_server, strict=True)
        assert rendered.variables_unused == ["b"]


async def test_a_bundle_serves_while_the_server_is_away(
    client: PromptOpsClient, make_client: Callable[..., PromptOpsClient], unique: Unique, tmp_path: Path
) -> None:
    made = await client.prompts.create(unique("bundled"), content="Hello {{ who }}")
    entry = LockedPrompt(
        selector=made.slug, name=made.slug, version=made.version, content_hash=made.content_hash, prompt=made
    )
    bundle = write_bundle(Lock(prompts=[entry]), tmp_path / "prompts.bundle")
    away = ClientConfig(base_url="http://127.0.0.1:9", api_key="k", timeout=2.0, read_environment=False)
    with pytest.raises(NetworkError):
        await make_client(away).render_prompt(made.slug, {"who": "Ada"})
    offline = make_client(msgspec.structs.replace(away, bundle=bundle))
    assert (await offline.render_prompt(made.slug, {"who": "Ada"})).rendered_content == "Hello Ada"
    assert (await offline.get_prompt(made.slug, version="1.0.0")).version == "1.0.0"
    with pytest.raises(NetworkError):
        await offline.get_prompt(made.slug, version="1.0.1")
    bundle.write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigurationError):
        make_client(away, bundle=str(bundle))


async def test_a_prompt_that_is_gone_is_not_served_from_the_bundle(
    client: PromptOpsClient, make_client: Callable[..., PromptOpsClient], server: Any, unique: Unique, tmp_path: Path
) -> None:
    made = await client.prompts.create(unique("bundled"), content="x")
    entry = LockedPrompt(
        selector=made.slug, name=made.slug, version=made.version, content_hash=made.content_hash, prompt=made
    )
    bundle = write_bundle(Lock(prompts=[entry]), tmp_path / "prompts.bundle")
    await client.prompts.delete(made.slug)
    with pytest.raises(PromptNotFoundError):
        await make_client(server.config(bundle=bundle)).get_prompt(made.slug)
