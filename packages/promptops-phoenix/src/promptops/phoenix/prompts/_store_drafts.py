"""What is sent of a prompt, and whether what is stored is the same: decisions without a request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, TypeAlias, cast

import msgspec
from msgspec import UNSET, UnsetType
from promptops.core.errors import ValidationError
from promptops.models import PromptCreate, PromptResponse, PromptUpdate
from promptops.phoenix._checks import check_prompt_name
from promptops.phoenix._generated import PromptChatTemplate, PromptVersion, PromptVersionData
from promptops.phoenix.conversion import Converted, from_phoenix, to_phoenix
from promptops.phoenix.conversion._families import STRUCTS
from promptops.phoenix.conversion._marks import role_of_text
from promptops.prompts.formats import Loss

__all__ = ["WritablePrompt", "changed", "changed_data", "data_of", "left_out", "name_of", "refuse_loss", "same_content"]

WritablePrompt: TypeAlias = PromptVersionData | PromptVersion | PromptCreate | PromptResponse
"""What can become a version on a Phoenix server: one of its own, or a prompt of ours."""

_LEFT_OUT: Final = frozenset({"unsupported", "unknown"})
_SHOWN: Final = 20
_TAG: Final = (
    "To give the version a tag of Phoenix, leave tags out of the prompt, and use create_prompt(..., tags=[...]),"
    " create_version(..., tags=[...]) or set_label(name, tag, version=...)."
)
_TEXTS: Final = ("content", "messages", "template_format")
_KEPT: Final[dict[tuple[str, ...], tuple[str, ...]]] = {
    _TEXTS: ("template", "template_type", "template_format"),
    ("model_settings",): ("model_provider", "model_name", "invocation_parameters"),
    ("tools", "tool_choice"): ("tools",),
    ("response_format",): ("response_format",),
}
"""Fields of ours, and the fields of a version that say the same."""
_FIELD: Final = re.compile(r"[.\[]")
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
        losses = left_out(converted.losses)
        refuse_loss(losses, "a Phoenix server cannot hold all of this prompt", _advice(losses))
    return converted.value


def _advice(losses: Sequence[Loss]) -> str:
    """What to do about losses; who wanted a tag is not told how to lose it."""
    others = _LEAVE if any(loss.field != "tags" for loss in losses) else ""
    tags = _TAG if any(loss.field == "tags" for loss in losses) else ""
    return " ".join(part for part in (tags, others) if part)


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


def changed_data(name: str, latest: PromptVersion, current: PromptResponse, changes: PromptUpdate) -> PromptVersionData:
    """The version that an update makes of the latest one; arguments and errors as for :func:`changed`.

    What the update does not name is sent as the server has it, and not as our words for it would be sent: who reads it
    with other programs sees no change there.
    """
    prompt = changed(name, latest, current, changes)
    kept = {ours: theirs for ours, theirs in _KEPT.items() if all(getattr(changes, field) is UNSET for field in ours)}
    if not _keeps_its_form(prompt, latest):
        kept.pop(_TEXTS, None)
    untouched = {field for ours in kept for field in ours}
    converted: Converted[PromptVersionData] = to_phoenix(prompt)
    losses = [loss for loss in left_out(converted.losses) if _FIELD.split(loss.field, maxsplit=1)[0] not in untouched]
    refuse_loss(losses, "a Phoenix server cannot hold all of this prompt", _advice(losses))
    as_it_is = {field: getattr(latest, field) for theirs in kept.values() for field in theirs}
    return msgspec.structs.replace(converted.value, **as_it_is)


def _keeps_its_form(prompt: PromptCreate, latest: PromptVersion) -> bool:
    """Whether the messages of a version still mean the same beside the metadata of the prompt, which may be others."""
    template = latest.template
    if not isinstance(template, PromptChatTemplate) or not template.messages:
        return False
    return prompt.messages is not None or template.messages[0].role == role_of_text(prompt.metadata or {})


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
    parameters = plain["invocation_parameters"]
    if (kind := parameters["type"]) not in STRUCTS and kind in parameters:
        # As the server stores them.
        plain["invocation_parameters"] = {"type": "openai", "openai": parameters[kind]}
    return {key: value for key, value in plain.items() if key != "id" and value not in _NOTHING}


_NOTHING: Final[tuple[Any, ...]] = (None, "", {})


def _refused(field: str, reason: str) -> ValidationError:
    problem = {"field": field, "message": reason, "code": "invalid"}
    return ValidationError(f"{field}: {reason}.", validation_errors=[problem])
