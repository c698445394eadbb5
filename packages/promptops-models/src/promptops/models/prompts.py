"""What is written by hand beside the generated prompt models: providers, variables, and the least a prompt has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

__all__ = [
    "MessageLike",
    "ModelProvider",
    "ModelSettingsLike",
    "PromptLike",
    "PromptVariables",
    "ResponseFormatLike",
    "ToolChoiceLike",
    "ToolLike",
    "VariantLike",
]


class ModelProvider(StrEnum):
    """Who serves a model; methods also take any other provider's name as text."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"
    COHERE = "cohere"
    HUGGINGFACE = "huggingface"
    LOCAL = "local"


class MessageLike(Protocol):
    """One message of a chat prompt."""

    @property
    def role(self) -> str:
        """Who speaks: ``system``, ``user``, ``assistant``, another role, or ``placeholder``."""
        ...

    @property
    def content(self) -> str | Sequence[object]:
        """The template of its text, or its parts: tagged structs such as ``TextPart``."""
        ...

    @property
    def name(self) -> str | None:
        """Who speaks, by name; of a placeholder the variable that holds its messages."""
        ...


class ToolLike(Protocol):
    """A tool that the model may call."""

    @property
    def name(self) -> str:
        """How the model calls it."""
        ...

    @property
    def description(self) -> str | None:
        """What it is for."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The JSON schema of its arguments."""
        ...

    @property
    def strict(self) -> bool | None:
        """Whether the provider has to keep to the schema."""
        ...


class ToolChoiceLike(Protocol):
    """Whether the model must call a tool."""

    @property
    def type(self) -> str:
        """``auto``, ``none``, ``required`` or ``tool``."""
        ...

    @property
    def name(self) -> str | None:
        """The tool, with the type ``tool``."""
        ...

    @property
    def parallel(self) -> bool | None:
        """Whether several calls at once are allowed."""
        ...


class ResponseFormatLike(Protocol):
    """The form of the answer."""

    @property
    def type(self) -> str:
        """``text``, ``json_object`` or ``json_schema``."""
        ...

    @property
    def name(self) -> str | None:
        """What the schema is called."""
        ...

    @property
    def description(self) -> str | None:
        """What the answer is for."""
        ...

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """The JSON schema, with the type ``json_schema``."""
        ...

    @property
    def strict(self) -> bool | None:
        """Whether the provider has to keep to the schema."""
        ...


class ModelSettingsLike(Protocol):
    """For which model, and how it answers; None leaves it to the provider."""

    @property
    def provider(self) -> str | None:
        """The provider, for example ``anthropic``."""
        ...

    @property
    def model(self) -> str | None:
        """The model."""
        ...

    @property
    def temperature(self) -> float | None:
        """How freely it chooses."""
        ...

    @property
    def top_p(self) -> float | None:
        """The share of likely tokens that it chooses from."""
        ...

    @property
    def top_k(self) -> int | None:
        """The number of likely tokens that it chooses from."""
        ...

    @property
    def max_tokens(self) -> int | None:
        """Most tokens of the answer."""
        ...

    @property
    def stop(self) -> Sequence[str] | None:
        """Texts that end the answer."""
        ...

    @property
    def seed(self) -> int | None:
        """Makes answers repeatable, as far as the provider can."""
        ...

    @property
    def frequency_penalty(self) -> float | None:
        """How much repeated words are avoided."""
        ...

    @property
    def presence_penalty(self) -> float | None:
        """How much known subjects are avoided."""
        ...

    @property
    def reasoning_effort(self) -> str | None:
        """How long it thinks, for example ``low``."""
        ...

    @property
    def extra(self) -> Mapping[str, Any]:
        """What is handed to the provider as it is."""
        ...


class VariantLike(Protocol):
    """What a prompt says to one model or to one provider."""

    @property
    def model_provider(self) -> str:
        """The provider, for example ``anthropic``."""
        ...

    @property
    def model_name(self) -> str:
        """The model; empty or ``*`` means every model of the provider."""
        ...

    @property
    def content(self) -> str:
        """The template that replaces the prompt's own, unless there are messages."""
        ...

    @property
    def messages(self) -> Sequence[MessageLike] | None:
        """The messages that replace the prompt's own, or None."""
        ...

    @property
    def model_settings(self) -> ModelSettingsLike | None:
        """The settings that replace the prompt's own, field by field."""
        ...


class PromptLike(Protocol):
    """The least that a prompt has: enough to render it and to say which one it was."""

    @property
    def id(self) -> str:
        """The UUID."""
        ...

    @property
    def name(self) -> str:
        """The name for people."""
        ...

    @property
    def version(self) -> str:
        """The version, SemVer without ``v``."""
        ...

    @property
    def content(self) -> str:
        """The template; for a chat prompt its texts joined, or empty."""
        ...

    @property
    def messages(self) -> Sequence[MessageLike] | None:
        """The messages of a chat prompt, or None for a plain text."""
        ...

    @property
    def template_format(self) -> str:
        """``mustache``, ``f-string``, ``none`` or ``jinja2``."""
        ...

    @property
    def model_specific_prompts(self) -> Sequence[VariantLike]:
        """Texts for particular models."""
        ...

    @property
    def tools(self) -> Sequence[ToolLike]:
        """The tools that the model may call."""
        ...

    @property
    def tool_choice(self) -> ToolChoiceLike | None:
        """Whether it must call one."""
        ...

    @property
    def response_format(self) -> ResponseFormatLike | None:
        """The form of the answer."""
        ...

    @property
    def model_settings(self) -> ModelSettingsLike | None:
        """For which model, and how it answers."""
        ...

    @property
    def variables_schema(self) -> Mapping[str, Any] | None:
        """The JSON schema that the variables have to meet."""
        ...

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Free facts; ``message_role`` says who speaks a plain text."""
        ...


class PromptVariables(Mapping[str, Any]):
    """Values for the variables of a prompt, collected step by step.

    It copies the mapping that it is made from, and it is the one model that can be changed.
    """

    __slots__ = ("_values",)

    def __init__(self, variables: Mapping[str, Any] | None = None) -> None:
        self._values: dict[str, Any] = dict(variables) if variables is not None else {}

    def add_variable(self, name: str, value: Any) -> None:
        """Set a variable, replacing an earlier value."""
        self._values[name] = value

    def get_variable(self, name: str, default: Any = None) -> Any:
        """The value of a variable, or ``default``; ``has_variable`` tells a None from an absence."""
        return self._values.get(name, default)

    def has_variable(self, name: str) -> bool:
        """Whether the variable was given."""
        return name in self._values

    def to_dict(self) -> dict[str, Any]:
        """A new dict of all variables."""
        return dict(self._values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        # Values may be anything, secrets included; names are enough to recognise it.
        return f"PromptVariables({', '.join(sorted(self._values))})"
