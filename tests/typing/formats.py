"""What users see of a prompt handed to the SDK of a provider: both checkers read this file, nothing runs it."""

from typing import Any, assert_type

from anthropic import Anthropic
from anthropic.types import Message
from google.genai import Client
from google.genai.types import GenerateContentResponse
from openai import OpenAI
from openai.types.chat import ChatCompletion
from promptops.models import ChatMessage, ModelSettings
from promptops.prompts.formats import (
    AnthropicArguments,
    Formattable,
    GoogleArguments,
    Imported,
    LiteLLMArguments,
    Loss,
    OpenAIArguments,
    from_anthropic,
    from_google,
    from_openai,
)
from promptops.prompts.render import Rendered
from promptops.prompts.rendered import RenderedPrompt


def a_render_has_the_type_of_each_provider(prompt: RenderedPrompt) -> None:
    assert_type(prompt.to("openai"), OpenAIArguments)
    assert_type(prompt.to("anthropic", model="claude-opus-5"), AnthropicArguments)
    assert_type(prompt.to("google", strict=True), GoogleArguments)
    assert_type(prompt.to("litellm"), LiteLLMArguments)
    assert_type(prompt.losses("openai"), tuple[Loss, ...])
    assert_type(prompt.to("openai")["model"], str)
    assert_type(prompt.to("openai").get("stop"), list[str] | None)


def a_pure_render_has_them_too(prompt: Rendered) -> None:
    assert_type(prompt.to("openai"), OpenAIArguments)
    assert_type(prompt.losses("google", model="gemini-3-pro"), tuple[Loss, ...])


def the_sdks_take_the_arguments(prompt: RenderedPrompt, openai: OpenAI, anthropic: Anthropic, google: Client) -> None:
    assert_type(openai.chat.completions.create(**prompt.to("openai")), ChatCompletion)
    assert_type(anthropic.messages.create(**prompt.to("anthropic")), Message)
    # Images of the library PIL, which is not installed, are among what its parameters take.
    answer = google.models.generate_content(**prompt.to("google"))  # pyright: ignore[reportUnknownMemberType]
    assert_type(answer, GenerateContentResponse)


def mistakes_are_found(prompt: RenderedPrompt) -> None:
    # Each call is wrong on purpose; an ignore that is not needed fails the check.
    prompt.to("opneai")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    prompt.to("openai", modle="gpt-6")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    prompt.losses("cohere")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    prompt.to("anthropic")["temperature"]  # type: ignore[typeddict-item]  # pyright: ignore[reportGeneralTypeIssues]


class Bare(Formattable):
    """The mixin beside nothing that it needs."""


def the_mixin_asks_for_its_attributes(bare: Bare) -> None:
    bare.to("openai")  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def arguments_become_a_prompt() -> None:
    imported = from_openai({"model": "gpt-6", "messages": []})
    assert_type(imported, Imported)
    assert_type(imported.messages, list[ChatMessage])
    assert_type(imported.model_settings, ModelSettings | None)
    assert_type(imported.fields(), dict[str, Any])
    assert_type(from_anthropic({}), Imported)
    assert_type(from_google({}), Imported)
