"""Whether a prompt suits a model: what can be told from the prompt and the catalogue, without calling anything.

Each finding is an issue with a code. An error makes the model unsuitable, a warning lowers the score, an info is worth
knowing. What is unknown is said to be unknown: a model that is not in the catalogue cannot be confirmed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, cast

import msgspec
from msgspec import Struct
from promptops.prompts.render import normalise_provider
from promptops.server import wire
from promptops.server.catalogue import CatalogueEntry
from promptops.server.message_texts import PLACEHOLDER
from promptops.server.variants import chosen_variant, settings_with

__all__ = ["CHARACTERS_PER_TOKEN", "OUTPUT_RESERVE", "Needs", "analyse", "estimate_tokens", "score_of"]

CHARACTERS_PER_TOKEN: Final = 4
OUTPUT_RESERVE: Final = 1024
_TIGHT: Final = 0.8
_WARNING_COST: Final = 0.2
_ADVICE: Final = {
    "unknown_model": "Check the spelling, or add the model to the catalogue (models.json).",
    "chat_not_supported": "Choose a model with the capability 'chat'.",
    "context_window_exceeded": "Shorten the prompt, reserve less for the output, or choose a larger window.",
    "context_window_tight": "Leave room for the values of the variables, or choose a model with a larger window.",
    "context_window_unknown": "Add the context window of the model to the catalogue (models.json).",
    "output_limit_exceeded": "Ask for fewer output tokens, or choose a model that gives more.",
    "role_not_supported": "Use other roles; for a plain text, metadata.message_role 'user' avoids the system message.",
    "roles_unknown": "Add the roles of the model to the catalogue (models.json).",
    "json_not_supported": "Describe the format in the text and check the answer, or choose a model with JSON output.",
    "json_support_unknown": "Check that the model gives JSON where you run it.",
    "streaming_not_supported": "Ask for whole answers, or choose a model that streams.",
    "streaming_support_unknown": "Check that the model streams where you run it.",
    "provider_not_targeted": "Add the provider to target_models once the prompt was tried with it.",
    "model_deprecated": "Plan the move to a model that its vendor keeps.",
}

_encode = msgspec.json.Encoder().encode

Severity = Literal["error", "warning", "info"]


class Needs(Struct, frozen=True, kw_only=True):
    """What a caller asks of a model; None leaves it to the metadata of the prompt.

    Attributes:
        output_tokens: Reserved for the answer; without any, :data:`OUTPUT_RESERVE`, or the model's limit if lower.
        requires_json: The answer must be JSON.
        requires_streaming: The answer must be streamed.
    """

    output_tokens: int | None = None
    requires_json: bool | None = None
    requires_streaming: bool | None = None


def estimate_tokens(texts: Sequence[str]) -> int:
    """A token for every four characters, rounded up; real tokenizers differ, most by less than a third on English."""
    return -(-sum(len(text) for text in texts) // CHARACTERS_PER_TOKEN)


def score_of(issues: Sequence[wire.CompatibilityIssue]) -> float:
    """0.0 with an error; otherwise 1.0 less 0.2 for each warning, at least 0.2."""
    if any(issue.severity == "error" for issue in issues):
        return 0.0
    warnings = sum(issue.severity == "warning" for issue in issues)
    return round(max(_WARNING_COST, 1.0 - _WARNING_COST * warnings), 2)


def analyse(
    prompt: wire.PromptResponse, provider: str, name: str, entry: CatalogueEntry | None, needs: Needs
) -> wire.ModelCompatibility:
    """Everything that speaks for or against a model.

    Args:
        prompt: The version that is meant.
        provider: As the caller has it; aliases are known.
        name: Of the model.
        entry: The model in the catalogue; None when it is not there.
        needs: Of the caller.
    """
    variant = chosen_variant(prompt, provider, name)
    messages = prompt.messages if variant is None else variant.messages
    texts = _texts(prompt, variant)
    tokens = estimate_tokens(texts)
    given, reserve_field = _output_tokens(prompt, settings_with(prompt, variant), needs)
    ceiling = None if entry is None else entry.max_output_tokens
    reserve = given if given is not None else min(OUTPUT_RESERVE, ceiling or OUTPUT_RESERVE)
    issues = [*_variant(prompt, provider, name), *_targets(prompt, provider, name)]
    if entry is None:
        issues.append(
            _issue(
                "unknown_model",
                "error",
                f"{provider}/{name} is not in the model catalogue, so its suitability cannot be confirmed",
                "model_name",
            )
        )
    else:
        issues += _standing(entry)
        issues += _window(entry, tokens, reserve, reserve_field, has_variables=bool(prompt.variables))
        issues += _roles(prompt, entry, messages)
        issues += _format(prompt, entry, needs, provider, name)
        issues += _streaming(prompt, entry, needs)
    issues.sort(key=lambda issue: ("error", "warning", "info").index(issue.severity))
    advice = dict.fromkeys(_ADVICE[issue.code] for issue in issues if issue.code in _ADVICE)
    return wire.ModelCompatibility(
        model_provider=normalise_provider(provider),
        model_name=name,
        compatible=not any(issue.severity == "error" for issue in issues),
        score=score_of(issues),
        issues=issues,
        recommendations=list(advice),
        estimated_tokens=tokens,
        reserved_output_tokens=reserve,
        context_window=None if entry is None else entry.context_window,
    )


def _issue(code: str, severity: Severity, message: str, field: str) -> wire.CompatibilityIssue:
    return wire.CompatibilityIssue(code=code, severity=severity, message=message, field=field)


def _texts(prompt: wire.PromptResponse, variant: wire.ModelSpecificPrompt | None) -> list[str]:
    """Everything that a model reads, as far as it is text: images and files are not counted."""
    own = prompt if variant is None else variant
    said = [text for message in own.messages for text in _words(message)] if own.messages else [own.content]
    return [*said, *(_encode(tool).decode() for tool in prompt.tools)]


def _words(message: wire.ChatMessage) -> Iterator[str]:
    if isinstance(message.content, str):
        yield message.content
        return
    for part in message.content:
        match part:
            case wire.TextPart():
                yield part.text
            case wire.ToolCallPart():
                yield _encode(part.arguments).decode()
            case wire.ToolResultPart():
                yield part.content
            case wire.ImagePart() | wire.FilePart():
                pass


def _output_tokens(
    prompt: wire.PromptResponse, settings: wire.ModelSettings | None, needs: Needs
) -> tuple[int | None, str]:
    if needs.output_tokens is not None:
        return needs.output_tokens, "output_tokens"
    if settings is not None and settings.max_tokens is not None:
        return settings.max_tokens, "model_settings.max_tokens"
    for field in ("max_output_tokens", "max_tokens"):
        found: Any = prompt.metadata.get(field)
        if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
            return found, f"metadata.{field}"
    return None, "output_tokens"


def _variant(prompt: wire.PromptResponse, provider: str, name: str) -> Iterator[wire.CompatibilityIssue]:
    variant = chosen_variant(prompt, provider, name)
    if variant is not None and variant.model_name in {"", "*"}:
        yield _issue(
            "provider_variant_present", "info", "the prompt has a text for this provider", "model_specific_prompts"
        )
    elif variant is not None:
        yield _issue("variant_present", "info", "the prompt has a text for this model", "model_specific_prompts")
    elif prompt.model_specific_prompts:
        yield _issue(
            "variant_missing",
            "info",
            "the prompt has texts for other models, none for this one; its own text applies",
            "model_specific_prompts",
        )


def _targets(prompt: wire.PromptResponse, provider: str, name: str) -> Iterator[wire.CompatibilityIssue]:
    if not prompt.target_models:
        return
    known = normalise_provider(provider)
    accepted = {known, name.lower(), f"{known}/{name.lower()}"}
    if accepted.isdisjoint(normalise_provider(target) for target in prompt.target_models):
        listed = ", ".join(prompt.target_models[:10])
        yield _issue(
            "provider_not_targeted", "warning", f"the prompt is meant for {listed}, not for {known}", "target_models"
        )


def _standing(entry: CatalogueEntry) -> Iterator[wire.CompatibilityIssue]:
    if "chat" not in entry.capabilities:
        yield _issue("chat_not_supported", "error", "the model does not take messages", "capabilities")
    if entry.deprecated:
        yield _issue("model_deprecated", "warning", f"its vendor has deprecated it (as of {entry.as_of})", "model_name")


def _window(
    entry: CatalogueEntry, tokens: int, reserve: int, reserve_field: str, *, has_variables: bool
) -> Iterator[wire.CompatibilityIssue]:
    if entry.max_output_tokens is not None and reserve > entry.max_output_tokens:
        message = f"{reserve} output tokens are wanted, the model gives at most {entry.max_output_tokens}"
        yield _issue("output_limit_exceeded", "error", message, reserve_field)
    if entry.context_window is None:
        message = f"the context window is unknown; the prompt needs about {tokens + reserve} tokens"
        yield _issue("context_window_unknown", "warning", message, "context_window")
        return
    needed = f"about {tokens} tokens of text and {reserve} of output, in a window of {entry.context_window}"
    if tokens + reserve > entry.context_window:
        yield _issue("context_window_exceeded", "error", needed, "content")
    elif tokens + reserve > _TIGHT * entry.context_window:
        yield _issue("context_window_tight", "warning", needed, "content")
    if has_variables:
        message = "the values of the variables are not part of the token estimate"
        yield _issue("variables_not_counted", "info", message, "variables")


def _roles(
    prompt: wire.PromptResponse, entry: CatalogueEntry, messages: Sequence[wire.ChatMessage] | None
) -> Iterator[wire.CompatibilityIssue]:
    used: dict[str, str] = {}
    if not messages:
        user = prompt.metadata.get("message_role") == "user"
        used["user" if user else "system"] = "metadata.message_role"
    for index, item in enumerate(messages or ()):
        if item.role != PLACEHOLDER:
            used.setdefault(item.role, f"messages[{index}].role")
    if entry.roles is None:
        if set(used) - {"user"}:
            message = f"it is unknown whether the model takes the roles {', '.join(sorted(used))}"
            yield _issue("roles_unknown", "warning", message, next(iter(used.values())))
        return
    for role, field in used.items():
        if role not in entry.roles:
            yield _issue("role_not_supported", "error", f"the model takes no messages of the role '{role}'", field)


def _format(
    prompt: wire.PromptResponse, entry: CatalogueEntry, needs: Needs, provider: str, name: str
) -> Iterator[wire.CompatibilityIssue]:
    field = _json_field(prompt, needs)
    if field is None:
        variant = chosen_variant(prompt, provider, name)
        wanted = "" if variant is None else variant.expected_output_format or ""
        if entry.supports_json is False and wanted.strip().lower().startswith("json"):
            message = "the text for this model expects JSON, and the model cannot be held to it"
            yield _issue("json_not_supported", "warning", message, "model_specific_prompts")
    elif entry.supports_json is None:
        message = "JSON is needed, and it is unknown whether the model can be held to it"
        yield _issue("json_support_unknown", "warning", message, field)
    elif not entry.supports_json:
        yield _issue("json_not_supported", "error", "JSON is needed, and the model cannot be held to it", field)


def _json_field(prompt: wire.PromptResponse, needs: Needs) -> str | None:
    if needs.requires_json is not None:
        return "requires_json" if needs.requires_json else None
    if prompt.metadata.get("requires_json") is True:
        return "metadata.requires_json"
    if prompt.response_format is not None:
        return "response_format" if prompt.response_format.type != "text" else None
    kind: Any = prompt.metadata.get("response_format")
    if isinstance(kind, dict):
        kind = cast("dict[str, Any]", kind).get("type")
    return "metadata.response_format" if isinstance(kind, str) and kind.lower().startswith("json") else None


def _streaming(prompt: wire.PromptResponse, entry: CatalogueEntry, needs: Needs) -> Iterator[wire.CompatibilityIssue]:
    if needs.requires_streaming is not None:
        wanted, field = needs.requires_streaming, "requires_streaming"
    else:
        wanted, field = prompt.metadata.get("requires_streaming") is True, "metadata.requires_streaming"
    if not wanted:
        return
    if entry.supports_streaming is None:
        message = "streaming is needed, and it is unknown whether the model streams"
        yield _issue("streaming_support_unknown", "warning", message, field)
    elif not entry.supports_streaming:
        yield _issue("streaming_not_supported", "error", "streaming is needed, and the model does not stream", field)
