"""What the modules that ``promptops prompts codegen`` writes are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypedDict, TypeVar

from msgspec import UNSET, UnsetType
from promptops.models import ChatMessage
from promptops.prompts._fallbacks import Template

__all__ = ["UNSET", "Array", "Messages", "R", "RenderOptions", "Renders", "UnsetType", "Value", "given"]

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")

Value: TypeAlias = str | int | float | bool | Mapping[str, Any] | Sequence[Any] | None
"""A variable of which no schema says more."""

Array: TypeAlias = list[T] | tuple[T, ...]
"""A list of values; not ``Sequence``, which a text would be too."""

Messages: TypeAlias = Sequence[ChatMessage | Mapping[str, Any]]
"""The messages that a placeholder stands for."""


class RenderOptions(TypedDict, total=False):
    """What a render takes beside its variables; see :meth:`promptops.prompts.AsyncPrompts.render`."""

    version: str | None
    label: str | None
    model_provider: str | None
    model_name: str | None
    use_cache: bool
    project: str | None
    timeout: float | None
    on_server: bool
    strict: bool
    fallback: Template | Callable[[Exception], Template]


class Renders(Protocol[R_co]):
    """Prompts that can be rendered: of a blocking client to a result, of an asynchronous one to a coroutine."""

    def render(
        self,
        name: str,
        variables: Mapping[str, Any] | None = None,
        *,
        version: str | None = None,
        label: str | None = None,
        model_provider: str | None = None,
        model_name: str | None = None,
        use_cache: bool = True,
        project: str | None = None,
        timeout: float | None = None,
        on_server: bool = False,
        strict: bool = False,
        fallback: Template | Callable[[Exception], Template] = ...,
    ) -> R_co:
        """Fill variables into a prompt."""
        ...


def given(variables: dict[str, Any]) -> dict[str, Any]:
    """The variables that have a value; an optional one that was left out is UNSET."""
    return {name: value for name, value in variables.items() if value is not UNSET}
