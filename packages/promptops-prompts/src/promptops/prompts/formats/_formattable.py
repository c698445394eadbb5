"""The mixin that gives a rendered prompt its ``to`` and ``losses``; the conversions load when they are first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    from promptops.prompts.formats._chat import ChatLike
    from promptops.prompts.formats._losses import Loss, Provider
    from promptops.prompts.formats._types import (
        AnthropicArguments,
        GoogleArguments,
        LiteLLMArguments,
        OpenAIArguments,
    )

__all__ = ["Formattable"]


class Formattable:
    """A chat that can be handed to the SDK of a provider; a mixin for what has the attributes of ``ChatLike``."""

    __slots__ = ()

    @overload
    def to(
        self: ChatLike, provider: Literal["openai"], *, model: str | None = None, strict: bool = False
    ) -> OpenAIArguments: ...
    @overload
    def to(
        self: ChatLike, provider: Literal["anthropic"], *, model: str | None = None, strict: bool = False
    ) -> AnthropicArguments: ...
    @overload
    def to(
        self: ChatLike, provider: Literal["google"], *, model: str | None = None, strict: bool = False
    ) -> GoogleArguments: ...
    @overload
    def to(
        self: ChatLike, provider: Literal["litellm"], *, model: str | None = None, strict: bool = False
    ) -> LiteLLMArguments: ...
    def to(self: ChatLike, provider: Provider, *, model: str | None = None, strict: bool = False) -> Any:
        """The keyword arguments of the provider's chat call: ``client.chat.completions.create(**prompt.to("openai"))``.

        ``anthropic`` is for ``messages.create``, ``google`` for ``models.generate_content`` of google-genai, and
        ``litellm`` for ``litellm.completion``. Only what the prompt sets is present.

        Args:
            provider: Whose SDK.
            model: Which model; the one of the prompt's settings unless given.
            strict: Whether what the provider cannot express is an error. Otherwise it is left out, logged once
                (``prompt_format_lost``), and told by :meth:`losses`.

        Raises:
            FormatError: ``strict``, and something would be lost; all of it is named.
            ValidationError: The call would be wrong: no model, no message, a tool choice that names no tool.
        """
        from promptops.prompts.formats._convert import arguments

        return arguments(self, provider, model=model, strict=strict)

    def losses(self: ChatLike, provider: Provider, *, model: str | None = None) -> tuple[Loss, ...]:
        """What the provider cannot express of this prompt; empty when nothing is lost.

        Raises:
            ValidationError: The call would be wrong in any case.
        """
        from promptops.prompts.formats._convert import convert

        return convert(self, provider, model=model)[1]
