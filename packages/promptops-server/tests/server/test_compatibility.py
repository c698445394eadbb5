"""The static analysis, over prompts and catalogue entries made by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from promptops.server import wire
from promptops.server.catalogue import CatalogueEntry
from promptops.server.compatibility import OUTPUT_RESERVE, Needs, analyse, estimate_tokens, score_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def prompt(**fields: Any) -> wire.PromptResponse:
    plain: dict[str, Any] = {
        "id": "1",
        "slug": "p",
        "project_id": "x",
        "name": "p",
        "description": "",
        "content": "Hello",
        "messages": None,
        "template_format": "mustache",
        "variables": [],
        "target_models": [],
        "model_specific_prompts": [],
        "tools": [],
        "tool_choice": None,
        "response_format": None,
        "model_settings": None,
        "variables_schema": None,
        "source": None,
        "includes": [],
        "labels": [],
        "version": "1.0.0",
        "status": "active",
        "content_hash": "",
        "etag": "",
        "tags": [],
        "metadata": {},
        "module_id": None,
        "created_by": None,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return wire.PromptResponse(**{**plain, **fields})


def entry(**fields: Any) -> CatalogueEntry:
    plain: dict[str, Any] = {
        "provider": "openai",
        "name": "m",
        "capabilities": ["chat"],
        "context_window": 8192,
        "max_output_tokens": 4096,
        "supports_streaming": True,
        "supports_json": True,
        "roles": ["system", "user", "assistant"],
        "as_of": "2026-01-01",
        "source": "test",
    }
    return CatalogueEntry(**{**plain, **fields})


def run(
    subject: wire.PromptResponse | None = None, found: CatalogueEntry | None = None, **needs: Any
) -> wire.ModelCompatibility:
    return analyse(subject or prompt(), "openai", "m", found or entry(), Needs(**needs))


def codes(result: wire.ModelCompatibility) -> list[tuple[str, str, str]]:
    return [(issue.code, issue.severity, issue.field) for issue in result.issues]


def variant(provider: str = "openai", name: str = "m", **fields: Any) -> wire.ModelSpecificPrompt:
    given: dict[str, Any] = {"content": "V", **fields}
    return wire.ModelSpecificPrompt(model_provider=provider, model_name=name, **given)


@pytest.mark.parametrize(("texts", "tokens"), [([], 0), ([""], 0), (["a"], 1), (["abcd"], 1), (["abc", "de"], 2)])
def test_tokens_are_a_quarter_of_the_characters_rounded_up(texts: list[str], tokens: int) -> None:
    assert estimate_tokens(texts) == tokens


def test_a_plain_prompt_that_fits_has_no_issue_and_the_full_score() -> None:
    result = run()
    assert (result.compatible, result.score, result.issues, result.recommendations) == (True, 1.0, [], [])
    assert (result.estimated_tokens, result.reserved_output_tokens, result.context_window) == (2, OUTPUT_RESERVE, 8192)


def test_an_unknown_model_is_not_guessed() -> None:
    result = analyse(prompt(), "openai", "nowhere", None, Needs())
    assert codes(result) == [("unknown_model", "error", "model_name")]
    assert (result.compatible, result.score, result.context_window) == (False, 0.0, None)
    assert "models.json" in result.recommendations[0]


@pytest.mark.parametrize(
    ("characters", "code"),
    [
        ((8192 - 1024) * 4, "context_window_tight"),
        ((8192 - 1024) * 4 + 1, "context_window_exceeded"),
        (int(8192 * 0.8 - 1024) * 4, None),
    ],
)
def test_the_window_holds_the_text_and_the_reserve_to_the_token(characters: int, code: str | None) -> None:
    found = [issue.code for issue in run(prompt(content="x" * characters)).issues]
    assert found == ([] if code is None else [code])


def test_the_reserve_comes_from_the_caller_then_from_the_metadata_then_from_the_default() -> None:
    subject = prompt(metadata={"max_tokens": 300})
    assert run(subject, output_tokens=200).reserved_output_tokens == 200
    assert run(subject).reserved_output_tokens == 300
    assert run(prompt(metadata={"max_tokens": "300"})).reserved_output_tokens == OUTPUT_RESERVE
    assert run(prompt(), entry(max_output_tokens=100)).reserved_output_tokens == 100


def test_more_output_than_the_model_gives_is_an_error() -> None:
    assert codes(run(output_tokens=4097)) == [("output_limit_exceeded", "error", "output_tokens")]
    subject = prompt(metadata={"max_output_tokens": 5000})
    assert codes(run(subject)) == [("output_limit_exceeded", "error", "metadata.max_output_tokens")]


def test_what_is_unknown_of_a_model_is_a_warning_and_never_an_error() -> None:
    unknown = entry(
        context_window=None, max_output_tokens=None, supports_streaming=None, supports_json=None, roles=None
    )
    result = run(prompt(), unknown, requires_json=True, requires_streaming=True)
    assert result.compatible
    assert {code for code, _, _ in codes(result)} == {
        "context_window_unknown",
        "json_support_unknown",
        "streaming_support_unknown",
        "roles_unknown",
    }
    assert {severity for _, severity, _ in codes(result)} == {"warning"}
    assert result.score == 0.2


def test_a_plain_text_needs_the_system_role_unless_it_says_user() -> None:
    limited = entry(roles=["user", "assistant"])
    assert codes(run(prompt(), limited)) == [("role_not_supported", "error", "metadata.message_role")]
    assert codes(run(prompt(metadata={"message_role": "user"}), limited)) == []


def test_each_role_of_a_chat_is_checked_once_and_named() -> None:
    messages = [wire.ChatMessage(role=role, content="x") for role in ("user", "tool", "tool", "critic")]
    assert codes(run(prompt(messages=messages))) == [
        ("role_not_supported", "error", "messages[1].role"),
        ("role_not_supported", "error", "messages[3].role"),
    ]


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"requires_json": True}, "metadata.requires_json"),
        ({"response_format": "json_object"}, "metadata.response_format"),
        ({"response_format": {"type": "json_schema"}}, "metadata.response_format"),
    ],
)
def test_json_that_is_needed_and_not_there_is_an_error(metadata: dict[str, Any], field: str) -> None:
    no_json = entry(supports_json=False)
    assert codes(run(prompt(metadata=metadata), no_json)) == [("json_not_supported", "error", field)]
    assert codes(run(prompt(metadata=metadata), no_json, requires_json=False)) == []
    assert codes(run(prompt(metadata=metadata))) == []


@pytest.mark.parametrize("odd", [{"response_format": "text"}, {"response_format": 1}, {"response_format": {"type": 1}}])
def test_other_formats_need_no_json(odd: dict[str, Any]) -> None:
    assert codes(run(prompt(metadata=odd), entry(supports_json=False))) == []


def test_a_variant_that_expects_json_warns() -> None:
    subject = prompt(model_specific_prompts=[variant(expected_output_format="JSON")])
    assert codes(run(subject, entry(supports_json=False))) == [
        ("json_not_supported", "warning", "model_specific_prompts"),
        ("variant_present", "info", "model_specific_prompts"),
    ]


def test_streaming_that_is_needed_and_not_there_is_an_error() -> None:
    still = entry(supports_streaming=False)
    assert codes(run(prompt(metadata={"requires_streaming": True}), still)) == [
        ("streaming_not_supported", "error", "metadata.requires_streaming")
    ]
    assert codes(run(prompt(), still, requires_streaming=True)) == [
        ("streaming_not_supported", "error", "requires_streaming")
    ]


@pytest.mark.parametrize("targets", [["openai"], ["OpenAI"], ["m"], ["openai/m"], []])
def test_a_prompt_meant_for_the_model_has_no_issue(targets: list[str]) -> None:
    assert codes(run(prompt(target_models=targets))) == []


def test_a_prompt_meant_for_others_warns() -> None:
    result = run(prompt(target_models=["claude", "gemini"]))
    assert codes(result) == [("provider_not_targeted", "warning", "target_models")]
    assert (result.compatible, result.score) == (True, 0.8)


def test_aliases_of_providers_are_targets_too() -> None:
    claude = entry(provider="anthropic")
    result = analyse(prompt(target_models=["claude"]), "Anthropic", "m", claude, Needs())
    assert (result.model_provider, result.issues) == ("anthropic", [])


@pytest.mark.parametrize(
    ("present", "code"),
    [
        (variant(), "variant_present"),
        (variant(name="*"), "provider_variant_present"),
        (variant("cohere", "c"), "variant_missing"),
    ],
)
def test_variants_are_informational(present: wire.ModelSpecificPrompt, code: str) -> None:
    result = run(prompt(model_specific_prompts=[present]))
    assert codes(result) == [(code, "info", "model_specific_prompts")]
    assert result.score == 1.0


def test_the_text_of_the_variant_is_what_is_measured() -> None:
    subject = prompt(content="x" * 100_000, model_specific_prompts=[variant(content="abcd")])
    assert run(subject).estimated_tokens == 1


def test_variables_are_said_not_to_be_counted() -> None:
    assert codes(run(prompt(variables=["x"]))) == [("variables_not_counted", "info", "variables")]


def test_a_deprecated_model_warns_and_an_embedding_model_is_no_match() -> None:
    assert codes(run(found=entry(deprecated=True))) == [("model_deprecated", "warning", "model_name")]
    assert ("chat_not_supported", "error", "capabilities") in codes(run(found=entry(capabilities=["embedding"])))


def test_issues_are_ordered_by_severity_and_every_problem_has_its_advice() -> None:
    subject = prompt(target_models=["cohere"], variables=["x"], metadata={"requires_json": True})
    result = run(subject, entry(supports_json=False, deprecated=True))
    assert [issue.severity for issue in result.issues] == ["error", "warning", "warning", "info"]
    assert len(result.recommendations) == 3


@pytest.mark.parametrize(
    ("severities", "score"),
    [
        ([], 1.0),
        (["info"], 1.0),
        (["warning"], 0.8),
        (["warning"] * 3, 0.4),
        (["warning"] * 9, 0.2),
        (["error"], 0.0),
    ],
)
def test_the_score_follows_from_the_issues(severities: list[Any], score: float) -> None:
    issues = [wire.CompatibilityIssue(code="c", severity=each, message="", field="f") for each in severities]
    assert score_of(issues) == score


CHAT: list[Any] = [
    wire.ChatMessage(role="placeholder", content="", name="history"),
    wire.ChatMessage(
        role="user",
        content=[
            wire.TextPart(text="x" * 40),
            wire.ImagePart(data="A" * 4000, media_type="image/png"),
            wire.ToolResultPart(tool_call_id="1", content="y" * 40),
        ],
    ),
    wire.ChatMessage(role="assistant", content=[wire.ToolCallPart(id="1", name="f", arguments={"a": "z" * 32})]),
]


def test_parts_count_with_their_texts_and_tools_as_they_are_sent() -> None:
    plain = run(prompt(messages=CHAT))
    assert plain.estimated_tokens == (40 + 40 + len('{"a":""}') + 32) // 4
    tool = wire.ToolDefinition(name="f", parameters={"type": "object"})
    with_tools = run(prompt(messages=CHAT, tools=[tool]))
    assert with_tools.estimated_tokens > plain.estimated_tokens


def test_a_placeholder_is_no_role_of_the_model() -> None:
    assert "role_not_supported" not in {issue.code for issue in run(prompt(messages=CHAT)).issues}
    odd = [wire.ChatMessage(role="narrator", content="x")]
    assert "role_not_supported" in {issue.code for issue in run(prompt(messages=odd)).issues}


def test_the_messages_and_settings_of_a_variant_are_what_is_measured() -> None:
    variant = wire.ModelSpecificPrompt(
        model_provider="openai",
        content="",
        messages=[wire.ChatMessage(role="narrator", content="x" * 400)],
        model_settings=wire.ModelSettings(max_tokens=77),
    )
    found = run(prompt(model_specific_prompts=[variant], model_settings=wire.ModelSettings(max_tokens=5)))
    assert (found.estimated_tokens, found.reserved_output_tokens) == (100, 77)
    assert "role_not_supported" in {issue.code for issue in found.issues}


@pytest.mark.parametrize(("kind", "needed"), [("json_object", True), ("json_schema", True), ("text", False)])
def test_the_form_of_the_answer_says_whether_json_is_needed(kind: Any, needed: bool) -> None:
    found = run(prompt(response_format=wire.ResponseFormat(type=kind)), entry(supports_json=False))
    assert ("json_not_supported" in {issue.code for issue in found.issues}) is needed
