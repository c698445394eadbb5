"""Prompt files: every prompt comes back out of its file as it was, and a wrong file says where and what."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from promptops.core.errors import ConfigurationError, UnsupportedOperation, ValidationError
from promptops.models import (
    ChatMessage,
    FilePart,
    ImagePart,
    ModelSettings,
    ModelSpecificPrompt,
    PromptResponse,
    ResponseFormat,
    TextPart,
    ToolCallPart,
    ToolChoice,
    ToolDefinition,
    ToolResultPart,
)
from promptops.prompts.files import PromptDocument, document_of, format_document, parse_document, read_document

Make = Callable[..., PromptResponse]

# Lines that a naive format would take for something of its own.
LINES = st.sampled_from(
    [
        "",
        "---",
        "--- ",
        "::: user",
        ":::",
        "\\::: user",
        "\\\\:::",
        " ::: x",
        "name: x",
        "# Title",
        "{{ name }}",
        "{{> team/other@1.0.0 }}",
        "...",
        "|",
        "%YAML 1.1",
        " ",
        "\t",
        "a: [",
        "yes",
        "1e3",
        "\ufeff",
        "\u2028",
        "\x85",
        "\r",
        "🎈 Zoë",
        "\x00",
    ]
)
CHARACTERS = st.characters(exclude_categories=["Cs"])
WORDS = st.one_of(
    st.text(CHARACTERS, max_size=12),
    st.sampled_from(
        ["null", "~", "true", "1", "1.5", "-", "?", "2026-01-01", "0x1F", "1_000", "=", "<<", ".inf", "0o7"]
    ),
)
TEXTS = st.one_of(
    st.text(CHARACTERS, max_size=30),
    st.lists(LINES, max_size=6).map("\n".join),
    st.lists(LINES, max_size=4).map("\r\n".join),
)
NAMES = WORDS.filter(lambda word: bool(word.strip()))
SLUGS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._~:-]{0,8}(/[A-Za-z0-9_~:-][A-Za-z0-9._~:-]{0,8}){0,2}", fullmatch=True)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(WORDS, JSON, max_size=3)
MAYBE = st.none() | WORDS
PARTS = st.one_of(
    st.builds(TextPart, text=TEXTS),
    st.builds(ImagePart, url=st.none() | TEXTS, data=MAYBE, media_type=MAYBE),
    st.builds(FilePart, url=MAYBE, data=MAYBE, file_id=MAYBE, media_type=MAYBE, filename=MAYBE),
    st.builds(ToolCallPart, id=WORDS, name=WORDS, arguments=OBJECTS),
    st.builds(ToolResultPart, tool_call_id=WORDS, content=TEXTS, name=MAYBE, is_error=st.booleans()),
)
ROLES = st.sampled_from(["system", "user", "assistant", "tool", "developer", "placeholder"]) | WORDS
SPOKEN = st.lists(st.builds(ChatMessage, role=ROLES, content=TEXTS, name=MAYBE), min_size=1, max_size=4)
CHATS = st.lists(
    st.builds(ChatMessage, role=ROLES, content=TEXTS | st.lists(PARTS, max_size=3), name=MAYBE), min_size=1, max_size=3
)
SETTINGS = st.builds(
    ModelSettings,
    model=MAYBE,
    temperature=st.none() | NUMBERS,
    max_tokens=st.none() | st.integers(0, 10**9),
    stop=st.none() | st.lists(WORDS, max_size=2),
    extra=OBJECTS,
)
VARIANTS = st.builds(
    ModelSpecificPrompt,
    model_provider=NAMES,
    model_name=WORDS,
    content=TEXTS,
    messages=st.none() | CHATS,
    model_settings=st.none() | SETTINGS,
    instructions=st.none() | TEXTS,
)
COMMON: dict[str, Any] = {
    "slug": SLUGS,
    "name": NAMES,
    "description": TEXTS,
    "template_format": st.sampled_from(["mustache", "f-string", "none", "jinja2"]),
    "tags": st.lists(WORDS, max_size=3),
    "metadata": OBJECTS,
    "module_id": MAYBE,
    "target_models": st.lists(WORDS, max_size=2),
    "variables": st.lists(WORDS, max_size=2),
    "variables_schema": st.none() | OBJECTS,
    "model_settings": st.none() | SETTINGS,
    "tools": st.lists(
        st.builds(ToolDefinition, name=NAMES, description=st.none() | TEXTS, parameters=OBJECTS, strict=st.none()),
        max_size=2,
    ),
    "tool_choice": st.none() | st.builds(ToolChoice, type=st.sampled_from(["auto", "tool"]), name=MAYBE),
    "response_format": st.none() | st.builds(ResponseFormat, type=st.just("json_schema"), schema=st.none() | OBJECTS),
    "model_specific_prompts": st.lists(VARIANTS, max_size=2),
}
DOCUMENTS = st.one_of(
    st.builds(PromptDocument, content=TEXTS, **COMMON),
    st.builds(PromptDocument, messages=SPOKEN, **COMMON),
    st.builds(PromptDocument, messages=CHATS, **COMMON),
)
SIMPLE = st.one_of(
    st.builds(PromptDocument, slug=st.just("a"), name=st.just("A"), content=TEXTS),
    st.builds(PromptDocument, slug=st.just("a"), name=st.just("A"), messages=SPOKEN),
)


def again(text: str, slug: str = "a") -> PromptDocument:
    return parse_document(text, where="prompts/a.prompt.md", slug=slug)


@settings(max_examples=300, deadline=None)
@given(DOCUMENTS)
def test_every_prompt_comes_back_out_of_its_file(document: PromptDocument) -> None:
    text = format_document(document)
    read = again(text)
    assert read == document
    assert read.fingerprint == document.fingerprint
    assert format_document(read) == text


@settings(max_examples=600, deadline=None)
@given(SIMPLE)
def test_any_text_survives_byte_for_byte(document: PromptDocument) -> None:
    assert again(format_document(document, implied_slug="a")) == document


@settings(max_examples=200, deadline=None)
@given(SIMPLE)
def test_a_checkout_with_windows_line_ends_is_the_same_prompt(document: PromptDocument) -> None:
    text = format_document(document)
    assert again(text.replace("\n", "\r\n")) == document


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES.filter(lambda line: "\r" not in line), max_size=8).map("\n".join))
def test_what_a_person_wrote_has_one_canonical_form(text: str) -> None:
    try:
        document = again(text)
    except ValidationError as error:
        assert all(item["field"].startswith("prompts/a.prompt.md:") for item in error.validation_errors)  # noqa: PT017
        return
    canonical = format_document(document)
    assert again(canonical) == document
    assert format_document(again(canonical)) == canonical


def test_the_format_is_what_the_documentation_shows() -> None:
    document = PromptDocument(
        slug="team/greeting",
        name="Greeting",
        description="Says hello.\nBriefly.\n",
        tags=["chat"],
        model_settings=ModelSettings(model="gpt-4o", temperature=0.5),
        messages=[
            ChatMessage(role="system", content="You are {{ mood }}.\n\n- brief\n- kind"),
            ChatMessage(role="placeholder", name="history", content=""),
            ChatMessage(role="user", name="Ada L.", content="::: is a fence\n{{ question }}"),
        ],
    )
    assert format_document(document, implied_slug="team/greeting") == (
        "---\n"
        "name: Greeting\n"
        "description: |\n"
        "  Says hello.\n"
        "  Briefly.\n"
        "tags:\n"
        "  - chat\n"
        "model:\n"
        "  model: gpt-4o\n"
        "  temperature: 0.5\n"
        "---\n"
        "\n"
        "::: system\n"
        "You are {{ mood }}.\n"
        "\n"
        "- brief\n"
        "- kind\n"
        "\n"
        "::: placeholder history\n"
        "\n"
        '::: user "Ada L."\n'
        "\\::: is a fence\n"
        "{{ question }}\n"
    )


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("Hello {{ name }}", "Hello {{ name }}"),
        ("Hello\n", "Hello"),
        ("Hello\n\n", "Hello\n"),
        ("---\nname: A\n---\nHello\n", "Hello"),
        ("---\nname: A\n---\n\nHello\n", "Hello"),
        ("---\nname: A\n---\n\n\nHello\n", "\nHello"),
        ("---\nname: A\n---", ""),
        ("---\n---\n", ""),
        ("\ufeff---\nname: A\n---\nHello", None),
        ("", ""),
    ],
)
def test_trailing_and_leading_lines_are_told_exactly(text: str, content: str | None) -> None:
    if content is None:
        content = text  # a mark at the start of a text is text; only files may begin with one
    assert again(text).content == content


def test_a_text_without_front_matter_is_a_prompt_named_by_its_place(tmp_path: Path) -> None:
    file = tmp_path / "hello.prompt.md"
    file.write_bytes(b"\xef\xbb\xbfHello {{ name }}\r\nand bye\r\n")
    document = read_document(file)
    assert (document.slug, document.name, document.content) == ("hello", "hello", "Hello {{ name }}\nand bye")
    assert document.source_path == file


def test_words_are_read_as_people_mean_them() -> None:
    document = again("---\nmetadata:\n  on: yes\n  day: 2026-01-01\n  at: 12:30\n  n: 010\n  x: 1e3\n  none:\n---\n")
    assert document.metadata == {"on": "yes", "day": "2026-01-01", "at": "12:30", "n": 10, "x": 1000.0, "none": None}


ERRORS = {
    "---\nname: a\ntols: []\n---\n": ":3: unknown key 'tols'; did you mean 'tools'?",
    "---\nzzzz: 1\n---\n": ":2: unknown key 'zzzz'; known are content, description",
    "---\nname: a\nname: b\n---\n": ":3: the key 'name' is there twice; the first is in line 2",
    "---\nmetadata:\n  a: 1\n  a: 2\n---\n": ":4: the key 'a' is there twice; the first is in line 3",
    "---\ntools:\n  - name: x\n    parametres: {}\n---\n": ":4: unknown key 'parametres'; did you mean 'parameters'?",
    "---\ntools:\n  - name: 3\n---\n": ":3: tools[0].name: expected `str`, got `int`",
    "---\nmodel:\n  temperatur: 1\n---\n": ":3: unknown key 'temperatur'; did you mean 'temperature'?",
    "---\nmodel:\n  temperature: hot\n---\n": ":3: model.temperature: expected `float | null`, got `str`",
    "---\nvariants:\n  - model_provider: x\n    content: y\n    model_settings: {modle: z}\n---\n": (
        ":5: unknown key 'modle'; did you mean 'model'?"
    ),
    "---\nmessages:\n  - role: user\n    content:\n      - type: imag\n---\n": ":5: type 'imag' is unknown",
    "---\nmessages:\n  - role: user\n    content:\n      - text: x\n---\n": ":5: a part needs a type",
    "---\nmessages: []\n---\n": ":2: messages is empty",
    "---\ncontent: a\nmessages: []\n---\n": ":3: give content or messages, not both",
    "---\ncontent: a\n---\n\nmore\n": ":5: text here and 'content' in line 2",
    "---\nformat: mustash\n---\n": ":2: format 'mustash' is unknown; use one of mustache",
    "---\nname: 12\n---\n": ":2: name must be a text that is not blank",
    "---\nslug: ../x\n---\n": ":2: '../x' is not a slug",
    "---\nname: &a x\n---\n": ":2: anchors and aliases",
    "---\nname: *a\n---\n": ":2: anchors and aliases",
    "---\nname: !!python/object/apply:os.system [x]\n---\n": ":2: tags (!) are not read",
    "---\nname: x\n...\n--- y\n---\n": ":4: a second YAML document",
    "---\n- a\n---\n": ":2: the front matter must be 'key: value' lines",
    "---\nname: [\n---\n": "not YAML: ",
    "---\nname: \x00\n---\n": ":2: a character that cannot stand in YAML",
    "---\nmetadata: {a: .nan}\n---\n": ":2: .nan is no number of JSON",
    "---\nmetadata: {a: 1e999}\n---\n": ":2: a number too large",
    f"---\nmetadata: {{a: {'[' * 80}{']' * 80}}}\n---\n": ":2: nests deeper than 64 levels",
    "---\nname: a\n": ":1: the front matter has no end",
    "Hello\n\n::: user\nhi\n": ":1: text before the first role line; begin with a line like '::: user'",
    "::: user\nhi\n:::oops no\n:::!\n": ":4: not a role line",
    "::: placeholder\n": ":1: a placeholder needs the name of its variable",
}


@pytest.mark.parametrize("text", ERRORS)
def test_a_wrong_file_says_where_and_what_in_one_line(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        again(text)
    message = str(caught.value)
    assert message.startswith("prompts/a.prompt.md:")
    assert ERRORS[text] in message
    assert "\n" not in message
    assert "prompts/a.prompt.md:" in caught.value.validation_errors[0]["field"]


def test_a_file_that_is_not_utf8_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "a.prompt.md"
    file.write_bytes(b"one\ntwo \xff\n")
    with pytest.raises(ValidationError, match=r"a\.prompt\.md:2: not UTF-8"):
        read_document(file)


def test_without_pyyaml_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'promptops-prompts\[files\]'"):
        again("---\nname: a\n---\n")
    with pytest.raises(ConfigurationError, match=r"pip install 'promptops-prompts\[files\]'"):
        format_document(PromptDocument(slug="a", name="a", content=""))


def test_the_fingerprint_covers_everything_that_a_push_sends() -> None:
    document = PromptDocument(slug="a", name="A", content="x")
    changes: list[dict[str, Any]] = [
        {"name": "B"},
        {"content": "y"},
        {"content": None, "messages": [ChatMessage(role="user", content="x")]},
        {"description": "d"},
        {"template_format": "none"},
        {"tags": ["t"]},
        {"metadata": {"a": 1}},
        {"module_id": "m"},
        {"target_models": ["openai"]},
        {"variables": ["v"]},
        {"variables_schema": {"type": "object"}},
        {"model_settings": ModelSettings(model="m")},
        {"tools": [ToolDefinition(name="t")]},
        {"tool_choice": ToolChoice(type="auto")},
        {"response_format": ResponseFormat(type="text")},
        {"model_specific_prompts": [ModelSpecificPrompt(model_provider="p", content="c")]},
    ]
    prints = {msgspec.structs.replace(document, **change).fingerprint for change in changes}
    assert len(prints | {document.fingerprint}) == len(changes) + 1
    assert msgspec.structs.replace(document, source_path=Path("x")).fingerprint == document.fingerprint
    sent = {*document.create_arguments(), *document.update_arguments(), "messages"}
    assert sent - {"slug", "new_name"} >= {name for change in changes for name in change}


def test_a_composed_prompt_is_written_as_it_was_written(make_prompt: Make) -> None:
    prompt = make_prompt(
        content="Be kind. Hi {{ who }}",
        source={"content": "{{> style@1.0.0 }} Hi {{ who }}", "messages": None},
        variables=["who", "extra"],
    )
    document = document_of(prompt)
    assert document.content == "{{> style@1.0.0 }} Hi {{ who }}"
    assert document.variables == ["extra"]


def test_a_variant_is_written_as_it_was_written(make_prompt: Make) -> None:
    said = [{"role": "system", "content": "Be kind."}]
    written = [{"role": "system", "content": "{{> style@1.0.0 }}"}]
    variants = [
        {"model_provider": "openai", "content": "Be kind."},
        {"model_provider": "google", "content": "Be kind.", "messages": said},
    ]
    source = {
        "content": "Hi",
        "messages": None,
        "model_specific_prompts": [
            {"model_provider": "openai", "content": "{{> style@1.0.0 }}"},
            {"model_provider": "google", "content": "{{> style@1.0.0 }}", "messages": written},
        ],
    }
    plain, chat = document_of(
        make_prompt(content="Hi", model_specific_prompts=variants, source=source)
    ).model_specific_prompts
    assert plain.content == "{{> style@1.0.0 }}"
    assert (chat.messages or [])[0].content == "{{> style@1.0.0 }}"


def test_the_messages_of_a_variant_stand_alone_in_a_file(make_prompt: Make) -> None:
    messages = [{"role": "user", "content": "Hi {{ who }}"}]
    variant = {"model_provider": "openai", "content": "Hi {{ who }}", "messages": messages}
    text = format_document(document_of(make_prompt(content="Hello", model_specific_prompts=[variant])))
    assert text.count("Hi {{ who }}") == 1
    # Else an edit of the messages would be refused, because the content says something else.
    [edited] = parse_document(text.replace("Hi", "Dear"), where="a.prompt.md").model_specific_prompts
    assert edited.content == ""
    assert (edited.messages or [])[0].content == "Dear {{ who }}"


def test_parts_of_an_unknown_kind_are_not_written_to_a_file(make_prompt: Make) -> None:
    prompt = msgspec.structs.replace(make_prompt(), messages=[ChatMessage(role="user", content=[unknown_part()])])
    with pytest.raises(UnsupportedOperation, match="upgrade promptops"):
        document_of(prompt)


def unknown_part() -> Any:
    from promptops.models import UnknownType

    return UnknownType(tag="hologram", raw={"type": "hologram"})


def test_prompts_out_of_the_cache_can_be_written(make_prompt: Make) -> None:
    from promptops.prompts._frozen import frozen

    prompt = frozen(make_prompt(metadata={"a": {"b": [1]}}, tags=["t"]))
    assert again(format_document(document_of(prompt))).metadata == {"a": {"b": [1]}}
