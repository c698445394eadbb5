"""A render here and a render on the server are the same bytes, and so are their refusals."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from promptops.core.errors import ValidationError
from promptops.models import PromptResponse
from promptops.prompts.render import render_prompt
from promptops.server import EmbeddedServer

PROMPTS = "/v1/client/prompts"
NAMES = ["a", "b", "größe"]
FORMATS = ["mustache", "f-string", "none"]
Check = Callable[..., bool]
SETTINGS = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

tricky = st.sampled_from(
    [
        *(
            "{{ a }}",
            "{{#a}}x{{/a}}",
            "{{> other@1.0.0 }}",
            "{{",
            "}}",
            "{",
            "}",
            "{{{a}}}",
            "{a}",
            "{{}}",
            "{a!r}",
            "${a}",
        ),
        *(
            "%(a)s",
            "{% if a %}",
            '{"k": [1, {"l": {}}]}',
            '"',
            "\\",
            "\\n",
            "\r\n",
            "\n",
            "\r",
            "\t",
            " ",
            "\x00",
            "\x7f",
        ),
        *("é", "e\u0301", "\u2028", "\ufeff", "\U0001f469\u200d\U0001f680", "\u202e", "<&>", "</script>", "ß", "İ", ""),
    ]
)
texts = st.lists(tricky | st.text(max_size=3), max_size=5).map("".join)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | texts, inner, max_size=3),
    max_leaves=6,
)
literals = texts.map(lambda text: text.replace("{{", "{ ").rstrip("{"))
paths = st.sampled_from([*NAMES, "b.a", "b.größe"])


def section(sign: str, path: str, before: str, body: str, after: str) -> str:
    return f"{{{{{sign}{path}}}}}{before}{body}{after}{{{{/{path}}}}}"


def mustache(depth: int) -> st.SearchStrategy[str]:
    breaks = st.sampled_from(["", "", "\n", "\r\n", " \n"])
    tags = paths.map(lambda path: f"{{{{ {path} }}}}") | st.just("{{! note }}")
    if depth:
        tags |= st.builds(section, st.sampled_from("#^"), paths, breaks, mustache(depth - 1), breaks)
        tags |= st.builds(section, st.just("#"), paths, breaks, st.just("{{.}}"), breaks)
    return st.lists(literals | tags | breaks, max_size=5).map("".join)


f_strings = st.lists(
    texts.map(lambda text: text.replace("{", "{{").replace("}", "}}"))
    | st.sampled_from(NAMES).map(lambda name: f"{{{name}}}"),
    max_size=5,
).map("".join)
SOURCES = {"mustache": mustache(2), "f-string": f_strings, "none": texts}
nested = st.fixed_dictionaries({"a": values, "größe": values}, optional={"b": values})
variables = st.fixed_dictionaries({"a": values, "b": nested, "größe": values}, optional={"unused": values})


def prompts(source: Callable[[st.SearchStrategy[str]], st.SearchStrategy[Any]]) -> st.SearchStrategy[tuple[str, Any]]:
    return st.sampled_from(FORMATS).flatmap(lambda name: st.tuples(st.just(name), source(SOURCES[name])))


@pytest.fixture(scope="module")
def check() -> Iterator[Check]:
    """Publishes a prompt, and compares its render there with the one here."""
    with EmbeddedServer() as server, httpx.Client(base_url=server.url, verify=False) as client:

        def compare(fields: dict[str, Any], given_values: dict[str, Any], render: Any = render_prompt) -> bool:
            """Whether it was rendered; otherwise both refused it for the same reasons."""
            body = msgspec.json.encode({"name": f"g-{uuid.uuid4().hex}", **fields})
            created = client.post(PROMPTS, content=body, headers={"content-type": "application/json"})
            assert created.status_code == 201, created.text
            prompt = data_of(created, PromptResponse)
            answer = client.post(
                f"{PROMPTS}/{prompt.id}/render",
                content=msgspec.json.encode({"variables": given_values}),
                headers={"content-type": "application/json"},
            )
            here, refusal = outcome_of(lambda: render(prompt, given_values))
            if refusal is not None:
                there = msgspec.json.decode(answer.content)["error"]
                assert answer.status_code == 422
                assert refusal.message == there["message"]
                assert refusal.validation_errors == there["details"]["validation_errors"]
                return False
            assert answer.status_code == 200, answer.text
            raw = data_of(answer, dict[str, msgspec.Raw])
            assert bytes(raw["rendered_content"]) == msgspec.json.encode(here.content)
            assert bytes(raw["messages"]) == msgspec.json.encode(here.messages)
            assert bytes(raw["variables_used"]) == msgspec.json.encode(here.variables_used)
            return True

        yield compare


def outcome_of(render: Callable[[], Any]) -> tuple[Any, ValidationError | None]:
    """What was rendered, or why it was not."""
    try:
        return render(), None
    except ValidationError as error:
        return None, error


def data_of(response: httpx.Response, kind: Any) -> Any:
    """What the envelope of an answer holds."""
    return msgspec.json.decode(msgspec.json.decode(response.content, type=dict[str, msgspec.Raw])["data"], type=kind)


def test_four_hundred_messages_are_the_same_bytes(check: Check) -> None:
    seen = 0

    @settings(SETTINGS, max_examples=40)
    @given(prompts(lambda source: st.lists(source, min_size=10, max_size=10)), variables)
    def run(prompt: tuple[str, list[str]], given_values: dict[str, Any]) -> None:
        nonlocal seen
        roles = ["system", "user", "assistant"]
        messages = [{"role": roles[index % 3], "content": text} for index, text in enumerate(prompt[1])]
        assume(check({"template_format": prompt[0], "messages": messages}, given_values))  # refusals are not counted
        seen += len(messages)

    run()
    assert seen >= 400


def test_a_hundred_texts_are_the_same_bytes(check: Check) -> None:
    seen = 0

    @settings(SETTINGS, max_examples=100)
    @given(prompts(lambda source: source), variables)
    def run(prompt: tuple[str, str], given_values: dict[str, Any]) -> None:
        nonlocal seen
        assume(check({"template_format": prompt[0], "content": prompt[1] or "."}, given_values))
        seen += 1

    run()
    assert seen >= 100


def test_a_hundred_texts_of_parts_are_the_same_bytes(check: Check) -> None:
    seen = 0

    @settings(SETTINGS, max_examples=30)
    @given(prompts(lambda source: st.lists(source, min_size=4, max_size=4)), variables, texts)
    def run(prompt: tuple[str, list[str]], given_values: dict[str, Any], history: str) -> None:
        nonlocal seen
        one, two, three, four = prompt[1]
        messages = [
            {"role": "placeholder", "name": "history", "content": ""},
            {"role": "user", "content": [{"type": "text", "text": one}, {"type": "image", "url": f"https://e/{two}"}]},
            {
                "role": "assistant",
                "content": [{"type": "tool_call", "id": "c", "name": "f", "arguments": {"k": [three, 1, None]}}],
            },
            {"role": "tool", "content": [{"type": "tool_result", "tool_call_id": "c", "content": four}]},
        ]
        given_messages = [{"role": "user", "content": history}]
        fields = {"template_format": prompt[0], "messages": messages}
        assume(check(fields, {**given_values, "history": given_messages}))
        seen += len(prompt[1])

    run()
    assert seen >= 100


def test_refusals_are_the_same(check: Check) -> None:
    @settings(SETTINGS, max_examples=30)
    @given(prompts(lambda source: st.lists(source, min_size=3, max_size=3)), st.dictionaries(texts, values, max_size=3))
    def run(prompt: tuple[str, list[str]], given_values: dict[str, Any]) -> None:
        messages = [{"role": "user", "content": text} for text in prompt[1]]
        check({"template_format": prompt[0], "messages": messages}, given_values)

    run()
    assert not check({"content": "{{ b }}{{#a}}{{c}}{{/a}}"}, {"a": [1], "d": 2})


def test_control_the_comparison_sees_one_changed_byte(check: Check) -> None:
    def changed(prompt: Any, given_values: Any) -> Any:
        rendered = render_prompt(prompt, given_values)
        return msgspec.structs.replace(rendered, content=rendered.content + " ")

    assert check({"content": "{{ a }}"}, {"a": "\r\n"})
    with pytest.raises(AssertionError):
        check({"content": "{{ a }}"}, {"a": "\r\n"}, changed)
