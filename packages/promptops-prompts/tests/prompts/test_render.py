"""Which text of a prompt applies, and what its messages say."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from promptops.core.errors import ValidationError
from promptops.models import ModelProvider, PromptVariables
from promptops.prompts.render import plain_variables, prompt_variables, render_prompt, select_variant

VARIANTS = [
    {"model_provider": "openai", "model_name": "gpt-4", "content": "exact {{ who }}"},
    {"model_provider": "openai", "model_name": "", "content": "openai {{ who }}"},
    {"model_provider": "Claude", "model_name": "*", "content": "anthropic {{ who }}"},
    {"model_provider": "google", "model_name": "gemini-pro", "content": "google {{ who }}"},
]


def test_a_text_is_one_system_message(make_prompt: Any) -> None:
    rendered = render_prompt(make_prompt(), {"who": "Ada"})
    assert rendered.content == "Hello Ada!"
    assert rendered.messages == [{"role": "system", "content": "Hello Ada!"}]
    assert rendered.variables_used == ["who"]
    assert rendered.variant is None


@pytest.mark.parametrize(
    ("role", "expected"), [("user", "user"), ("system", "system"), ("root", "system"), (1, "system")]
)
def test_metadata_may_make_it_a_user_message(make_prompt: Any, role: Any, expected: str) -> None:
    rendered = render_prompt(make_prompt(metadata={"message_role": role}), {"who": "Ada"})
    assert rendered.messages[0]["role"] == expected


def test_a_chat_keeps_its_roles_and_joins_its_texts_by_a_blank_line(make_prompt: Any) -> None:
    prompt = make_prompt(
        messages=[
            {"role": "system", "content": "You are {{ b }}."},
            {"role": "user", "content": "{{ a }} {{ b }}"},
            {"role": "assistant", "content": "ok"},
        ]
    )
    rendered = render_prompt(prompt, {"a": "1", "b": "2"})
    assert rendered.messages == [
        {"role": "system", "content": "You are 2."},
        {"role": "user", "content": "1 2"},
        {"role": "assistant", "content": "ok"},
    ]
    assert rendered.content == "You are 2.\n\n1 2\n\nok"
    assert rendered.variables_used == ["b", "a"]


def test_missing_variables_of_all_messages_are_named_at_once(make_prompt: Any) -> None:
    prompt = make_prompt(
        messages=[
            {"role": "system", "content": "{{ a }} {{ b }}"},
            {"role": "user", "content": "{{ b }} {{ c }} {{ d }}"},
        ]
    )
    with pytest.raises(ValidationError, match="missing variables: a, b, d") as caught:
        render_prompt(prompt, {"c": "1"})
    assert [item["field"] for item in caught.value.validation_errors] == ["variables.a", "variables.b", "variables.d"]


def test_all_messages_together_have_at_most_1_mib(make_prompt: Any) -> None:
    prompt = make_prompt(messages=[{"role": "user", "content": "{{ a }}"}] * 3)
    with pytest.raises(ValidationError, match="rendered messages exceed"):
        render_prompt(prompt, {"a": "é" * 250_000})


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        (None, None, "Hello Ada!"),
        ("openai", "gpt-4", "exact Ada"),
        ("OpenAI", "gpt-4", "exact Ada"),
        (ModelProvider.OPENAI, "gpt-4", "exact Ada"),
        ("openai", "gpt-5", "openai Ada"),
        ("openai", None, "openai Ada"),
        ("anthropic", "claude-3-sonnet", "anthropic Ada"),
        ("claude", None, "anthropic Ada"),
        ("gemini", "gemini-pro", "google Ada"),
        ("google", "gemini-flash", "Hello Ada!"),
        ("google", None, "Hello Ada!"),
        ("mistral", "gpt-4", "Hello Ada!"),
    ],
)
def test_the_text_is_the_exact_then_the_provider_wide_then_the_own(
    make_prompt: Any, provider: str | None, model: str | None, expected: str
) -> None:
    prompt = make_prompt(model_specific_prompts=VARIANTS)
    rendered = render_prompt(prompt, {"who": "Ada"}, model_provider=provider, model_name=model)
    assert rendered.content == expected
    assert rendered.variant == select_variant(prompt, model_provider=provider, model_name=model)
    assert (rendered.variant is None) == (expected == "Hello Ada!")


def test_a_model_without_its_provider_is_refused(make_prompt: Any) -> None:
    with pytest.raises(ValidationError, match="needs its provider"):
        render_prompt(make_prompt(), {"who": "Ada"}, model_name="gpt-4")


def test_a_variant_of_a_chat_is_one_message(make_prompt: Any) -> None:
    prompt = make_prompt(messages=[{"role": "user", "content": "chat"}], model_specific_prompts=VARIANTS)
    rendered = render_prompt(prompt, {"who": "Ada"}, model_provider="openai")
    assert rendered.messages == [{"role": "system", "content": "openai Ada"}]


def test_variables_may_be_any_mapping(make_prompt: Any) -> None:
    assert render_prompt(make_prompt(), PromptVariables({"who": "Ada"})).content == "Hello Ada!"
    assert render_prompt(make_prompt(content="plain")).content == "plain"
    wrong: Any = [("who", "Ada")]
    with pytest.raises(ValidationError, match="expected a mapping"):
        render_prompt(make_prompt(), wrong)


def test_every_variable_of_a_prompt_is_found(make_prompt: Any) -> None:
    prompt = make_prompt(
        content="{{ b }} {{ a.x }}", model_specific_prompts=[{**VARIANTS[0], "content": "{{ c }} {{ a }}"}]
    )
    assert prompt_variables(prompt) == ["b", "a", "c"]


def test_every_bad_text_of_a_prompt_is_named(make_prompt: Any) -> None:
    prompt = make_prompt(
        messages=[{"role": "user", "content": "fine"}, {"role": "user", "content": "{{#x}}"}],
        model_specific_prompts=[{**VARIANTS[0], "content": "{{ open"}],
    )
    with pytest.raises(ValidationError) as caught:
        prompt_variables(prompt)
    assert [item["field"] for item in caught.value.validation_errors] == [
        "messages[1].content",
        "model_specific_prompts[0].content",
    ]


def test_plain_variables_are_what_json_would_carry() -> None:
    assert plain_variables({"a": (1, 2), "b": None}) == {"a": [1, 2], "b": None}
    with pytest.raises(ValidationError, match=r"variables\.a.*variables\.b") as caught:
        plain_variables({"a": object(), "b": float("nan"), "c": 1})
    assert len(caught.value.validation_errors) == 2


def test_the_engine_loads_neither_models_nor_cache_nor_the_http_library() -> None:
    code = (
        "import sys; import promptops.prompts.template, promptops.prompts.render; "
        "print(*[name for name in sys.modules if name.startswith(('promptops.', 'httpx', 'anyio', 'asyncio'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "promptops.prompts.render" in loaded
    assert (
        not {"promptops.models", "promptops.cache", "promptops.prompts._resource", "httpx", "anyio", "asyncio"} & loaded
    )


def test_strict_refuses_what_is_neither_used_nor_declared(make_prompt: Any) -> None:
    declared = make_prompt(variables=["who", "spare"], variables_schema={"properties": {"listed": {"type": "string"}}})
    values = {"who": "Ada", "spare": 1, "listed": "x"}
    rendered = render_prompt(declared, values, strict=True)
    assert (rendered.content, rendered.variables_unused) == ("Hello Ada!", ["spare", "listed"])
    with pytest.raises(ValidationError) as caught:
        render_prompt(declared, {**values, "sparse": 1}, strict=True)
    assert [item["field"] for item in caught.value.validation_errors] == ["variables.sparse"]


def test_beside_a_missing_name_every_unused_one_is_told_whether_declared_or_not(make_prompt: Any) -> None:
    declared = make_prompt(variables=["who", "spare"])
    for strict in (False, True):
        with pytest.raises(ValidationError) as caught:
            render_prompt(declared, {"spare": 1, "whom": 2}, strict=strict)
        fields = [item["field"] for item in caught.value.validation_errors]
        assert sorted(fields) == ["variables.spare", "variables.who", "variables.whom"]
