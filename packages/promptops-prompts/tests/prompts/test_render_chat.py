"""Chat prompts: parts, placeholders, tools, settings, and what is said of variables that are missing or unused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from promptops.core.errors import ValidationError
from promptops.models import ChatMessage, ImagePart, ModelSettings, TextPart
from promptops.prompts.render import Rendered, plain_variables, prompt_variables, render_prompt

PARTS: list[dict[str, Any]] = [
    {"type": "text", "text": "Look, {{ who }}"},
    {"type": "image", "url": "https://example.com/{{ file }}.png", "detail": "low"},
    {"type": "file", "data": "aGk=", "media_type": "text/plain", "filename": "{{ file }}.txt"},
]
CALL: dict[str, Any] = {
    "type": "tool_call",
    "id": "c{{ who }}",
    "name": "search",
    "arguments": {"q": "{{ q }}", "n": 3, "deep": {"list": ["{{ q }}", True]}},
}
RESULT: dict[str, Any] = {"type": "tool_result", "tool_call_id": "c1", "content": "{{ answer }}"}
HISTORY = [{"role": "placeholder", "content": "", "name": "history"}]


def problems(error: ValidationError) -> list[tuple[str, str]]:
    return [(item["field"], item["code"]) for item in error.validation_errors]


def refused(prompt: Any, variables: Any, **arguments: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        render_prompt(prompt, variables, **arguments)
    return problems(caught.value)


WRONG: list[tuple[Any, list[tuple[str, str]]]] = [
    ("text", [("variables.history", "wrong_type")]),
    ([1], [("variables.history[0]", "wrong_type")]),
    ([{"content": "a"}], [("variables.history[0].role", "required")]),
    ([{"role": "placeholder", "content": ""}], [("variables.history[0].role", "invalid_value")]),
    ([{"role": "user"}], [("variables.history[0].content", "required")]),
    ([{"role": "user", "content": 7}], [("variables.history[0].content", "wrong_type")]),
    ([{"role": "user", "content": "a", "name": 7}], [("variables.history[0].name", "wrong_type")]),
    ([{"role": "user", "content": "a", "tool_calls": []}], [("variables.history[0].tool_calls", "unknown_field")]),
    ([{"role": "user", "content": ["a"]}], [("variables.history[0].content[0]", "wrong_type")]),
    ([{"role": "user", "content": [{"type": "text"}]}], [("variables.history[0].content[0].text", "required")]),
    (
        [{"role": "user", "content": [{"type": "text", "text": "a", "txt": "b"}]}],
        [("variables.history[0].content[0].txt", "unknown_field")],
    ),
    (
        [{"role": "a", "content": ""}, {"role": "tool", "content": [{**RESULT, "is_error": "no"}]}, {"role": 1}],
        [
            ("variables.history[1].content[0].is_error", "wrong_type"),
            ("variables.history[2].role", "invalid_value"),
            ("variables.history[2].content", "required"),
        ],
    ),
    ([{"role": "user", "content": object()}], [("variables.history[0].content", "invalid_value")]),
    ([{"role": "user", "content": "\ud800"}], [("variables.history", "invalid_value")]),
]


class TwinText(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    """A part as the server has it: the tag is known to msgspec alone."""

    text: str


@pytest.fixture
def make(make_prompt: Any) -> Any:
    return make_prompt


def test_texts_within_parts_are_templates_and_nothing_else_is(make: Any) -> None:
    prompt = make(
        messages=[
            {"role": "user", "name": "ada", "content": PARTS},
            {"role": "assistant", "content": [CALL]},
            {"role": "tool", "content": [RESULT]},
        ]
    )
    rendered = render_prompt(prompt, {"who": "Ada", "file": "cat", "q": "{{ who }}", "answer": "42"})
    assert rendered.messages == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look, Ada"},
                {"type": "image", "url": "https://example.com/cat.png", "detail": "low"},
                {"type": "file", "data": "aGk=", "media_type": "text/plain", "filename": "cat.txt"},
            ],
            "name": "ada",
        },
        {
            "role": "assistant",
            "content": [
                {
                    "type": "tool_call",
                    "id": "c{{ who }}",
                    "name": "search",
                    "arguments": {"q": "{{ who }}", "n": 3, "deep": {"list": ["{{ who }}", True]}},
                }
            ],
        },
        {
            "role": "tool",
            "content": [{"type": "tool_result", "tool_call_id": "c1", "content": "42", "is_error": False}],
        },
    ]
    assert rendered.content == "Look, Ada"
    assert rendered.variables_used == ["who", "file", "q", "answer"]


def test_rendering_leaves_the_prompt_as_it_was(make: Any) -> None:
    prompt = make(messages=[{"role": "assistant", "content": [CALL]}])
    before = msgspec.json.encode(prompt)
    render_prompt(prompt, {"q": "x"}).messages[0]["content"][0]["arguments"]["deep"]["list"].append("y")
    assert msgspec.json.encode(prompt) == before


def test_a_part_of_an_unknown_type_is_handed_on_as_it_came(make_json: Any) -> None:
    from promptops.models import PromptResponse, decoder

    part = {"type": "video", "url": "{{ who }}", "fps": None}
    body = msgspec.json.encode(make_json(messages=[{"role": "user", "content": [part, PARTS[0]]}]))
    rendered = render_prompt(decoder(PromptResponse).decode(body), {"who": "Ada"})
    assert rendered.messages[0]["content"] == [part, {"type": "text", "text": "Look, Ada"}]


def test_parts_are_told_apart_by_their_tag_whatever_their_class(make: Any) -> None:
    prompt = make(messages=[{"role": "user", "content": "x"}])
    message = msgspec.structs.replace(prompt.messages[0], content=[TwinText(text="{{ who }}")])
    prompt = msgspec.structs.replace(prompt, messages=[message])
    assert render_prompt(prompt, {"who": "Ada"}).messages[0]["content"] == [{"type": "text", "text": "Ada"}]
    assert prompt_variables(prompt) == ["who"]


def test_every_variable_and_every_field_of_a_chat_is_found(make: Any) -> None:
    variant = {"model_provider": "openai", "model_name": "", "content": "unused {{ z }}"}
    prompt = make(
        messages=[{"role": "user", "content": PARTS}, *HISTORY, {"role": "assistant", "content": [CALL, RESULT]}],
        model_specific_prompts=[{**variant, "messages": [{"role": "user", "content": "{{ more }}"}]}],
    )
    assert prompt_variables(prompt) == ["who", "file", "history", "q", "answer", "more"]
    broken = make(
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "{{"}, {**CALL, "arguments": {"a": ["{{"]}}]},
            {"role": "placeholder", "content": ""},
        ],
        model_specific_prompts=[{**variant, "messages": [{"role": "user", "content": "{{"}]}],
    )
    with pytest.raises(ValidationError) as caught:
        prompt_variables(broken)
    assert [field for field, _ in problems(caught.value)] == [
        "messages[0].content[0].text",
        "messages[0].content[1].arguments.a[0]",
        "messages[1].name",
        "model_specific_prompts[0].messages[0].content",
    ]


def test_a_placeholder_becomes_the_messages_that_its_variable_holds(make: Any) -> None:
    prompt = make(messages=[{"role": "system", "content": "Hi {{ who }}"}, *HISTORY, {"role": "user", "content": "?"}])
    given = [
        {"role": "user", "content": "{{ who }}"},
        ChatMessage(role="assistant", content=[TextPart(text="{{ x }}"), ImagePart(url="https://e.com")], name="bot"),
        {"role": "tool", "content": [{**RESULT, "name": None}], "name": None},
        {"role": "assistant", "content": [{"type": "tool_call", "id": "1", "name": "f"}]},
    ]
    rendered = render_prompt(prompt, {"who": "Ada", "history": given})
    assert rendered.messages == [
        {"role": "system", "content": "Hi Ada"},
        {"role": "user", "content": "{{ who }}"},
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "{{ x }}"}, {"type": "image", "url": "https://e.com"}],
            "name": "bot",
        },
        {"role": "tool", "content": [RESULT]},
        {"role": "assistant", "content": [{"type": "tool_call", "id": "1", "name": "f", "arguments": {}}]},
        {"role": "user", "content": "?"},
    ]
    assert rendered.content == "Hi Ada\n\n{{ who }}\n\n{{ x }}\n\n?"
    assert rendered.variables_used == ["who", "history"]
    assert render_prompt(prompt, {"who": "Ada", "history": ()}).messages[1:] == [{"role": "user", "content": "?"}]


@pytest.mark.parametrize(("value", "expected"), WRONG)
def test_what_is_wrong_with_given_messages_is_named_with_its_path(
    make: Any, value: Any, expected: list[tuple[str, str]]
) -> None:
    prompt = make(messages=[*HISTORY, {"role": "user", "content": "{{ who }}"}])
    assert refused(prompt, {"history": value, "who": "Ada"}) == expected


def test_a_placeholder_of_an_unknown_part_type_passes_it_on(make: Any) -> None:
    part = {"type": "video", "frames": None}
    rendered = render_prompt(make(messages=HISTORY), {"history": [{"role": "user", "content": [part]}]})
    assert rendered.messages == [{"role": "user", "content": [part]}]


def test_missing_variables_placeholders_and_names_given_in_vain_are_told_together(make: Any) -> None:
    prompt = make(messages=[*HISTORY, {"role": "user", "content": [{"type": "text", "text": "{{ who }}"}]}])
    with pytest.raises(ValidationError) as caught:
        render_prompt(prompt, {"hwo": "Ada", "histroy": []})
    assert problems(caught.value) == [
        ("variables.history", "missing_variable"),
        ("variables.who", "missing_variable"),
        ("variables.hwo", "unused_variable"),
        ("variables.histroy", "unused_variable"),
    ]
    assert "missing variables: history, who; variables that the prompt does not use: hwo, histroy" in str(caught.value)


def test_unused_names_are_told_and_refused_only_when_asked(make: Any) -> None:
    rendered = render_prompt(make(), {"who": "Ada", "more": 1})
    assert rendered.variables_unused == ["more"]
    assert refused(make(), {"who": "Ada", "more": 1}, strict=True) == [("variables.more", "unused_variable")]
    assert render_prompt(make(), {"who": "Ada"}, strict=True).variables_unused == []


def test_a_name_that_another_variant_uses_is_not_unused(make: Any) -> None:
    prompt = make(
        model_specific_prompts=[
            {"model_provider": "openai", "content": "{{ tone }}"},
            {"model_provider": "x", "content": ""},
        ]
    )
    values = {"who": "Ada", "tone": "dry"}
    assert render_prompt(prompt, values, strict=True).variables_unused == []
    assert render_prompt(prompt, values, model_provider="openai", strict=True).content == "dry"


def test_names_within_sections_are_not_unused(make: Any) -> None:
    prompt = make(content="{{#items}}{{name}} {{greeting}}{{/items}}")
    values = {"items": [{"name": "a"}], "greeting": "hi"}
    assert render_prompt(prompt, values, strict=True).content == "a hi"
    assert render_prompt(prompt, {**values, "items": []}, strict=True).variables_unused == []


def test_what_a_prompt_says_beside_its_text_comes_with_the_render(make: Any) -> None:
    prompt = make(
        tools=[{"name": "search", "parameters": {"type": "object", "x": "{{ who }}"}}],
        tool_choice={"type": "tool", "name": "search"},
        response_format={"type": "json_schema", "schema": {"type": "object"}},
        model_settings={"model": "m", "temperature": 0.5, "extra": {"a": 1}},
    )
    rendered = render_prompt(prompt, {"who": "Ada"})
    assert list(rendered.tools) == list(prompt.tools)
    assert rendered.tools[0].parameters["x"] == "{{ who }}"
    assert (rendered.tool_choice, rendered.response_format) == (prompt.tool_choice, prompt.response_format)
    assert rendered.model_settings is prompt.model_settings
    assert isinstance(rendered, Rendered)


def test_a_variant_replaces_messages_and_settings_field_by_field(make: Any) -> None:
    prompt = make(
        messages=[{"role": "user", "content": "own"}],
        model_settings={"model": "m", "temperature": 0.5, "stop": ["a"], "extra": {"a": 1}},
        model_specific_prompts=[
            {
                "model_provider": "openai",
                "content": "joined",
                "messages": [{"role": "user", "content": "Hi {{ who }}"}],
                "model_settings": {"model": "gpt", "temperature": 0.0, "top_k": 3},
            },
            {"model_provider": "google", "content": "text", "model_settings": {"extra": {"b": 2}}},
            {"model_provider": "cohere", "content": "text"},
        ],
    )
    rendered = render_prompt(prompt, {"who": "Ada"}, model_provider="openai")
    assert rendered.messages == [{"role": "user", "content": "Hi Ada"}]
    merged = rendered.model_settings
    assert merged is not None
    assert (merged.model, merged.temperature, merged.top_k, merged.stop, merged.extra) == (
        "gpt",
        0.0,
        3,
        ["a"],
        {"a": 1},
    )
    other = render_prompt(prompt, model_provider="google")
    assert other.messages == [{"role": "system", "content": "text"}]
    assert other.model_settings is not None
    assert (other.model_settings.model, other.model_settings.extra) == ("m", {"b": 2})
    assert render_prompt(prompt, model_provider="cohere").model_settings is prompt.model_settings


def test_settings_of_a_variant_stand_alone_when_the_prompt_has_none(make: Any) -> None:
    prompt = make(model_specific_prompts=[{"model_provider": "openai", "content": "a", "model_settings": {"seed": 1}}])
    settings = render_prompt(prompt, model_provider="openai").model_settings
    assert settings is not None
    assert settings.seed == 1
    assert isinstance(ModelSettings(), msgspec.Struct)


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"who": {"type": "string"}, "age": {"type": "integer"}, "tags": {"items": {"type": "string"}}},
    "required": ["who", "age"],
}


def test_wrong_types_and_missing_names_are_told_at_once(make: Any) -> None:
    prompt = make(content="{{ who }} {{ place }}", variables_schema=SCHEMA)
    assert refused(prompt, {"who": 7, "tags": ["a", 1], "plaec": "x"}) == [
        ("variables.age", "missing_variable"),
        ("variables.who", "wrong_type"),
        ("variables.tags[1]", "wrong_type"),
        ("variables.place", "missing_variable"),
        ("variables.tags", "unused_variable"),
        ("variables.plaec", "unused_variable"),
    ]


def test_without_the_schema_the_same_values_are_rendered(make: Any) -> None:
    assert render_prompt(make(), {"who": 7}).content == "Hello 7!"
    assert refused(make(variables_schema=SCHEMA), {"who": 7, "age": 1}) == [("variables.who", "wrong_type")]
    assert render_prompt(make(variables_schema=SCHEMA), {"who": "Ada", "age": 1}).content == "Hello Ada!"


def test_a_value_that_is_no_json_is_named_beside_the_schema_violations(make: Any) -> None:
    prompt = make(variables_schema=SCHEMA)
    assert refused(prompt, {"who": object(), "age": "x"}) == [
        ("variables.who", "invalid_value"),
        ("variables.age", "wrong_type"),
    ]


def test_a_schema_may_speak_of_given_messages(make: Any) -> None:
    schema = {"properties": {"history": {"type": "array", "maxItems": 1}}}
    prompt = make(messages=HISTORY, variables_schema=schema)
    message = ChatMessage(role="user", content="a")
    assert len(render_prompt(prompt, {"history": [message]}).messages) == 1
    assert refused(prompt, {"history": [message, message]}) == [("variables.history", "too_many")]


def test_a_schema_that_cannot_be_checked_is_an_error_of_the_prompt(make: Any) -> None:
    assert refused(make(variables_schema={"pattern": "a"}), {"who": "Ada"}) == [
        ("variables_schema.pattern", "unsupported_keyword")
    ]


@pytest.mark.parametrize("kind", ["parts", "history", "data"])
def test_all_of_a_chat_counts_towards_1_mib(make: Any, kind: str) -> None:
    half = "x" * (600 * 1024)
    text = {"type": "text", "text": "{{ a }}"}
    image = {"type": "image", "data": half}
    content = {"parts": [text, text], "history": [text], "data": [text, image]}[kind]
    prompt = make(messages=[{"role": "user", "content": content}, *(HISTORY if kind == "history" else [])])
    values: dict[str, Any] = {"a": half}
    if kind == "history":
        values["history"] = [{"role": "user", "content": half}]
    with pytest.raises(ValidationError, match="rendered messages exceed"):
        render_prompt(prompt, values)
    small = {"a": "x", "history": [{"role": "user", "content": "x"}]} if kind == "history" else {"a": "x"}
    assert render_prompt(prompt, small).messages


def test_message_structs_travel_as_plain_json() -> None:
    message = ChatMessage(role="user", content=[TextPart(text="a")])
    assert plain_variables({"history": [message]}) == {
        "history": [{"role": "user", "content": [{"type": "text", "text": "a"}], "name": None}]
    }


def test_a_rendered_chat_is_ready_for_an_sdk(make: Any) -> None:
    prompt = make(messages=[{"role": "user", "content": "Hi"}], model_settings={"model": "m"})
    rendered = render_prompt(prompt)
    assert rendered.to("openai")["model"] == "m"
    assert rendered.losses("openai") == ()
