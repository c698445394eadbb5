"""What is written by hand beside the generated prompt models: providers, variables, and the least a prompt has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

__all__ = ["MessageLike", "ModelProvider", "PromptLike", "PromptVariables", "VariantLike"]


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
        """Who speaks: ``system``, ``user``, ``assistant`` or another role."""
        ...

    @property
    def content(self) -> str:
        """The template of its text."""
        ...


class VariantLike(Protocol):
    """The text of a prompt for one model or one provider."""

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
        """The template that replaces the prompt's own."""
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
        """``mustache``, ``f-string`` or ``none``."""
        ...

    @property
    def model_specific_prompts(self) -> Sequence[VariantLike]:
        """Texts for particular models."""
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
