"""What a provider can express comes back as it was: ``from_x(prompt.to("x"))`` is the prompt.

The generators make prompts in the form in which every provider's arguments are read:

- each result of a tool is a message of its own, of the role ``tool``;
- data has its media type written out;
- the provider of the settings is the one that gets the arguments.

Anthropic and Google tell a text from a list with one text apart in no way (a text comes back, from Google), their
system speaks first, one text for each message, and Google names the tool in every result.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from promptops.models import ChatMessage, ModelSettings, ResponseFormat, ToolChoice, ToolDefinition
from promptops.prompts.formats import Imported, from_anthropic, from_google, from_openai
from promptops.prompts.render import Rendered

words = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
texts = st.text(min_size=1, max_size=20).filter(str.strip)
numbers = st.floats(min_value=0, max_value=1)
leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3))
tables = st.dictionaries(words, values, max_size=3)
schemas = tables.map(lambda table: {**table, "type": "object"})
data: st.SearchStrategy[str] = st.binary(min_size=1, max_size=12).map(lambda raw: b64encode(raw).decode())
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


def part(
    kind: str, optional: dict[str, st.SearchStrategy[Any]] | None = None, **fields: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    """A part with these fields, and any of the optional ones."""
    needed: dict[str, st.SearchStrategy[Any]] = {"type": st.just(kind), **fields}
    return st.fixed_dictionaries(needed, optional=optional or {})


def address(ending: str = "") -> st.SearchStrategy[str]:
    return words.map(lambda word: f"https://x.test/{word}{ending}")


def image(*kinds: str, **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return part("image", optional, data=data, media_type=st.sampled_from(kinds))


text_part = part("text", text=texts)
pdf = part("file", {"filename": texts}, data=data, media_type=st.just("application/pdf"))


def exchange(draw: st.DrawFn, first: int, *, failures: bool, named: bool) -> list[dict[str, Any]]:
    """An assistant that calls tools, and their results."""
    calls = [
        {"type": "tool_call", "id": f"c{first + number}", "name": draw(words), "arguments": draw(tables)}
        for number in range(draw(st.integers(1, 3)))
    ]
    said = draw(st.lists(text_part, max_size=2))
    results = [
        {
            "type": "tool_result",
            "tool_call_id": call["id"],
            "content": draw(st.text(max_size=10)),
            "is_error": failures and draw(st.booleans()),
            **({"name": call["name"]} if named else {}),
        }
        for call in calls
    ]
    tools = [{"role": "tool", "content": [result]} for result in results]
    return [{"role": "assistant", "content": [*said, *calls]}, *tools]


@st.composite
def conversations(
    draw: st.DrawFn,
    parts: st.SearchStrategy[dict[str, Any]],
    *,
    roles: tuple[str, ...] = ("user", "assistant"),
    failures: bool,
    named: bool = False,
    lists_of_one: bool = True,
) -> list[dict[str, Any]]:
    """Messages that begin with the user's."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": draw(texts)}]
    for number in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["text", "parts", "exchange"]))
        if kind == "exchange":
            messages += exchange(draw, number * 10, failures=failures, named=named)
        elif kind == "text":
            messages.append({"role": draw(st.sampled_from(roles)), "content": draw(texts)})
        else:
            least = 1 if lists_of_one else 2
            messages.append({"role": "user", "content": draw(st.lists(parts, min_size=least, max_size=3))})
    return messages


systems = st.lists(texts.map(lambda text: {"role": "system", "content": text}), max_size=3)


@st.composite
def tools_and_choice(draw: st.DrawFn, *, strict: bool, parallel: bool) -> dict[str, Any]:
    names = draw(st.lists(words, max_size=3, unique=True))
    flags = some(description=texts, **({"strict": st.booleans()} if strict else {}))
    tools = [ToolDefinition(name=name, parameters=draw(schemas), **draw(flags)) for name in names]
    if not tools:
        return {}
    kind = draw(st.sampled_from([None, "auto", "none", "required", "tool"]))
    if kind is None:
        return {"tools": tools}
    both = draw(st.sampled_from([None, True, False])) if parallel and kind != "none" else None
    return {
        "tools": tools,
        "tool_choice": ToolChoice(type=kind, name=names[0] if kind == "tool" else None, parallel=both),
    }


def comes_back(imported: Imported, prompt: dict[str, Any]) -> None:
    assert imported.losses == ()
    assert imported.messages == msgspec.convert(prompt["messages"], list[ChatMessage])
    assert imported.tools == prompt.get("tools", [])
    assert imported.tool_choice == prompt.get("tool_choice")
    assert imported.response_format == prompt.get("response_format")
    assert imported.model_settings == prompt["model_settings"]


def rendered(prompt: dict[str, Any]) -> Rendered:
    return Rendered(content="", variables_used=[], **prompt)


openai_parts = st.one_of(
    text_part,
    image("image/png", "image/jpeg", detail=st.sampled_from(["auto", "low", "high"])),
    part("image", url=address()),
    part("file", file_id=words),
    pdf,
)
openai_settings = some(
    temperature=numbers,
    top_p=numbers,
    max_tokens=st.integers(1, 99),
    stop=st.lists(texts, min_size=1, max_size=4),
    seed=st.integers(0, 9),
    frequency_penalty=numbers,
    presence_penalty=numbers,
    reasoning_effort=st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
    extra=st.dictionaries(words.map(lambda word: f"x_{word}"), values.filter(lambda value: value is not None)),
)
openai_forms = st.one_of(
    st.sampled_from([None, ResponseFormat(type="text"), ResponseFormat(type="json_object")]),
    st.fixed_dictionaries(
        {"type": st.just("json_schema"), "name": words, "schema": schemas},
        optional={"description": texts, "strict": st.booleans()},
    ).map(lambda fields: msgspec.convert(fields, ResponseFormat)),
)


@quick
@given(
    messages=conversations(openai_parts, roles=("system", "developer", "user", "assistant"), failures=False),
    tools=tools_and_choice(strict=True, parallel=True),
    form=openai_forms,
    known=openai_settings,
)
def test_openai_and_litellm(messages: list[Any], tools: dict[str, Any], form: Any, known: dict[str, Any]) -> None:
    given_settings = ModelSettings(provider="openai", model="gpt-6", **known)
    prompt = {"messages": messages, "response_format": form, "model_settings": given_settings, **tools}
    comes_back(from_openai(rendered(prompt).to("openai", strict=True)), prompt)
    comes_back(from_openai(rendered(prompt).to("litellm", strict=True)), prompt)


def is_text(file: dict[str, Any]) -> bool:
    try:
        return bool(b64decode(file["data"]).decode())
    except UnicodeDecodeError:
        return False


anthropic_parts = st.one_of(
    text_part,
    image("image/png", "image/jpeg", "image/gif", "image/webp"),
    part("image", url=address()),
    part("file", {"filename": texts}, file_id=words),
    part("file", {"filename": texts}, url=address(".pdf")),
    part("file", data=data, media_type=st.just("text/plain")).filter(is_text),
    pdf,
)


@quick
@given(
    system=systems,
    messages=conversations(anthropic_parts, failures=True),
    tools=tools_and_choice(strict=True, parallel=True),
    form=st.none() | schemas.map(lambda schema: ResponseFormat(type="json_schema", schema=schema)),
    known=some(
        stop=st.lists(texts, min_size=1, max_size=5),
        reasoning_effort=st.sampled_from(["low", "medium", "high", "xhigh", "max"]),
        extra=some(metadata=st.fixed_dictionaries({"user_id": words})),
    ),
)
def test_anthropic(
    system: list[Any], messages: list[Any], tools: dict[str, Any], form: Any, known: dict[str, Any]
) -> None:
    given_settings = ModelSettings(provider="anthropic", model="claude-opus-5", max_tokens=5, **known)
    turns = [*system, *messages]
    prompt = {"messages": turns, "response_format": form, "model_settings": given_settings, **tools}
    comes_back(from_anthropic(rendered(prompt).to("anthropic", strict=True)), prompt)


google_parts = st.one_of(
    text_part,
    image("image/png", "image/heic"),
    part("image", url=address(), media_type=st.just("image/png")),
    part("file", file_id=words.map(lambda word: f"files/{word}"), media_type=st.just("video/mp4")),
    part("file", data=data, media_type=st.just("application/pdf")),
)


@quick
@given(
    system=systems,
    messages=conversations(google_parts, failures=True, named=True, lists_of_one=False),
    tools=tools_and_choice(strict=False, parallel=False),
    form=st.one_of(
        st.sampled_from([None, ResponseFormat(type="text"), ResponseFormat(type="json_object")]),
        schemas.map(lambda schema: ResponseFormat(type="json_schema", schema=schema)),
    ),
    known=some(
        temperature=numbers,
        top_p=numbers,
        top_k=st.integers(1, 9),
        max_tokens=st.integers(1, 99),
        stop=st.lists(texts, min_size=1, max_size=5),
        seed=st.integers(0, 9),
        frequency_penalty=numbers,
        presence_penalty=numbers,
        reasoning_effort=st.sampled_from(["minimal", "low", "medium", "high", "xhigh"]),
        extra=some(candidate_count=st.integers(1, 3)),
    ),
)
def test_google(
    system: list[Any], messages: list[Any], tools: dict[str, Any], form: Any, known: dict[str, Any]
) -> None:
    given_settings = ModelSettings(provider="google", model="gemini-3-pro", **known)
    turns = [*system, *messages]
    prompt = {"messages": turns, "response_format": form, "model_settings": given_settings, **tools}
    comes_back(from_google(rendered(prompt).to("google", strict=True)), prompt)
