"""What is sent of a prompt, and whether what is stored is the same: decisions without a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias, cast

import msgspec
from msgspec import UNSET, UnsetType
from promptops.core.errors import ValidationError
from promptops.models import PromptCreate, PromptResponse, PromptUpdate
from promptops.phoenix._checks import check_prompt_name
from promptops.phoenix._generated import PromptVersion, PromptVersionData
from promptops.phoenix.conversion import Converted, from_phoenix, to_phoenix
from promptops.prompts.formats import Loss

__all__ = ["WritablePrompt", "changed", "data_of", "left_out", "name_of", "refuse_loss", "same_content"]

WritablePrompt: TypeAlias = PromptVersionData | PromptVersion | PromptCreate | PromptResponse
"""What can become a version on a Phoenix server: one of its own, or a prompt of ours."""

_LEFT_OUT: Final = frozenset({"unsupported", "unknown"})
_SHOWN: Final = 20
_KEEP: Final = "Use create_version with a version of Phoenix's own kind, which list_versions gives."
_LEAVE: Final = (
    "Leave it out, or send the rest with create_prompt(..., allow_loss=True) or create_version(..., allow_loss=True)."
)


def name_of(prompt: PromptCreate) -> str:
    """The name that a new prompt gets: its slug, else its name.

    Raises:
        ValidationError: The server does not take it, or the prompt has a name for people beside its slug.
    """
    name = check_prompt_name(prompt.name if prompt.slug is None else prompt.slug)
    if prompt.name != name:
        raise _refused("name", f"a prompt of a Phoenix server has one name; make it {name!r}, or leave the slug out")
    return name


def data_of(prompt: WritablePrompt, *, allow_loss: bool) -> PromptVersionData:
    """The version that is sent.

    Args:
        prompt: What to send; a version of the server's own kind goes as it is.
        allow_loss: Whether what the server has no place for may be left out.

    Raises:
        ValidationError: Something would be left out; all of it is listed.
    """
    if isinstance(prompt, PromptVersionData):
        return prompt
    if isinstance(prompt, PromptVersion):
        return PromptVersionData(**{name: getattr(prompt, name) for name in PromptVersionData.__struct_fields__})
    if not isinstance(prompt, (PromptCreate, PromptResponse)):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        kind = type(prompt).__name__  # type: ignore[unreachable]
        raise _refused("version", f"must be a PromptVersionData, a PromptCreate or a PromptResponse, not {kind}")
    converted: Converted[PromptVersionData] = to_phoenix(prompt)
    if not allow_loss:
        refuse_loss(left_out(converted.losses), "a Phoenix server cannot hold all of this prompt", _LEAVE)
    return converted.value


def left_out(losses: Sequence[Loss]) -> list[Loss]:
    """The losses that are: the others say the same in another way, or in another place."""
    return [loss for loss in losses if loss.what in _LEFT_OUT]


def refuse_loss(losses: Sequence[Loss], reason: str, advice: str) -> None:
    """Send nothing when something would be left out.

    Raises:
        ValidationError: With everything that would be.
    """
    if not losses:
        return
    said = "; ".join(f"{loss.field}: {loss.detail}" for loss in losses[:_SHOWN])
    more = f" and {len(losses) - _SHOWN} more" if len(losses) > _SHOWN else ""
    raise ValidationError(
        f"{reason}, and nothing was sent: {said}{more}. {advice}",
        validation_errors=[{"field": loss.field, "message": loss.detail, "code": loss.what} for loss in losses],
    )


def changed(name: str, latest: PromptVersion, current: PromptResponse, changes: PromptUpdate) -> PromptCreate:
    """The prompt that an update makes of the latest version.

    Args:
        name: The prompt.
        latest: That version as the server has it.
        current: The same as our prompt.
        changes: What is to be different.

    Raises:
        ValidationError: The prompt would get another name, or the latest version says more than our prompts can, which
            the new version would lack.
    """
    unread = left_out(from_phoenix(latest).losses)
    refuse_loss(unread, f"the latest version of {name!r} says more than this call can keep", _KEEP)
    if not isinstance(changes.name, UnsetType) and changes.name != name:
        raise _refused("new_name", f"prompts of a Phoenix server keep their names; {name!r} cannot get another")
    content, messages = _text(current, changes)
    return PromptCreate(
        name=name,
        content=content,
        messages=messages,
        description=_or(changes.description, current.description),
        template_format=_or(changes.template_format, current.template_format),
        variables=_or(changes.variables, None),
        target_models=_or(changes.target_models, current.target_models),
        model_specific_prompts=_or(changes.model_specific_prompts, current.model_specific_prompts),
        tools=_or(changes.tools, current.tools),
        tool_choice=_or(changes.tool_choice, current.tool_choice),
        response_format=_or(changes.response_format, current.response_format),
        model_settings=_or(changes.model_settings, current.model_settings),
        variables_schema=_or(changes.variables_schema, current.variables_schema),
        module_id=_or(changes.module_id, current.module_id),
        tags=_or(changes.tags, current.tags),
        metadata=_or(changes.metadata, current.metadata),
    )


def same_content(one: PromptVersionData | PromptVersion, other: PromptVersionData | PromptVersion) -> bool:
    """Whether two versions say the same; absent, null and empty are the same to the server."""
    return _facts(one) == _facts(other)


def _text(current: PromptResponse, changes: PromptUpdate) -> tuple[str | None, Any]:
    if isinstance(changes.messages, list):
        return None, changes.messages
    if not isinstance(changes.content, UnsetType):
        return changes.content, None
    if changes.messages is None or current.messages is None:
        return current.content, None
    return None, current.messages


def _or(value: Any, otherwise: Any) -> Any:
    return otherwise if value is UNSET else value


def _facts(version: PromptVersionData | PromptVersion) -> dict[str, Any]:
    plain = cast("dict[str, Any]", msgspec.to_builtins(version))
    return {key: value for key, value in plain.items() if key != "id" and value not in _NOTHING}


_NOTHING: Final[tuple[Any, ...]] = (None, "", {})


def _refused(field: str, reason: str) -> ValidationError:
    problem = {"field": field, "message": reason, "code": "invalid"}
    return ValidationError(f"{field}: {reason}.", validation_errors=[problem])
