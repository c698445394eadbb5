"""What is sent of a prompt, and whether what is stored is the same: decisions without a request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, TypeAlias, cast

import msgspec
from msgspec import UNSET, UnsetType
from promptops.models import PromptCreate, PromptResponse, PromptUpdate
from promptops.phoenix._checks import check_prompt_name, check_storable, refused
from promptops.phoenix._generated import PromptChatTemplate, PromptVersion, PromptVersionData
from promptops.phoenix.conversion import Converted, from_phoenix, to_phoenix
from promptops.phoenix.conversion._families import STRUCTS
from promptops.phoenix.conversion._marks import role_of_text
from promptops.phoenix.prompts._losses import advice_on, left_out, refuse_loss
from promptops.prompts.formats import Loss

__all__ = ["Draft", "WritablePrompt", "changed", "changed_draft", "draft_of", "name_of", "same_content"]

WritablePrompt: TypeAlias = PromptVersionData | PromptVersion | PromptCreate | PromptResponse
"""What can become a version on a Phoenix server: one of its own, or a prompt of ours."""
Draft: TypeAlias = Converted[PromptVersionData]
"""A version that is to be sent, and what it says otherwise than what was given."""

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


def name_of(prompt: PromptCreate) -> str:
    """The name that a new prompt gets: its slug, else its name.

    Raises:
        ValidationError: The server does not take it, or the prompt has a name for people beside its slug.
    """
    name = check_prompt_name(prompt.name if prompt.slug is None else prompt.slug)
    if prompt.name != name:
        raise refused(
            "name", f"must be the slug {name!r}, or leave that out: a prompt of a Phoenix server has one name"
        )
    return name


def draft_of(prompt: WritablePrompt, *, allow_loss: bool) -> Draft:
    """The version that is sent, and what it says otherwise.

    Args:
        prompt: What to send; a version of the server's own kind goes as it is.
        allow_loss: Whether what the server has no place for may be left out.

    Raises:
        ValidationError: Something would be left out, and all of it is listed; or the server could not read it again.
    """
    if isinstance(prompt, PromptVersionData):
        check_storable("version", prompt)
        return Converted(value=prompt)
    if isinstance(prompt, PromptVersion):
        fields = {name: getattr(prompt, name) for name in PromptVersionData.__struct_fields__}
        return draft_of(PromptVersionData(**fields), allow_loss=allow_loss)
    if not isinstance(prompt, (PromptCreate, PromptResponse)):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        kind = type(prompt).__name__  # type: ignore[unreachable]
        raise refused("version", f"must be a PromptVersionData, a PromptCreate or a PromptResponse, not {kind}")
    draft: Draft = to_phoenix(prompt)
    if not allow_loss:
        _refuse_left_out(draft.losses)
    return draft


def _refuse_left_out(losses: Sequence[Loss]) -> None:
    gone = left_out(losses)
    refuse_loss(gone, "a Phoenix server cannot hold all of this prompt", advice_on(gone))


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
        raise refused("new_name", f"must be left out: prompts of a Phoenix server keep their names, as {name!r} does")
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


def changed_draft(
    name: str, latest: PromptVersion, current: PromptResponse, changes: PromptUpdate, *, allow_loss: bool = False
) -> Draft:
    """The version that an update makes of the latest one, and what it says otherwise of what the update names.

    What the update does not name is sent as the server has it, and not as our words for it would be sent: who reads it
    with other programs sees no change there.

    Args:
        name: As for :func:`changed`.
        latest: As for :func:`changed`.
        current: As for :func:`changed`.
        changes: As for :func:`changed`.
        allow_loss: Whether what the server has no place for may be left out.

    Raises:
        ValidationError: As for :func:`changed`; or something would be left out.
    """
    prompt = changed(name, latest, current, changes)
    kept = {ours: theirs for ours, theirs in _KEPT.items() if all(getattr(changes, field) is UNSET for field in ours)}
    if not _keeps_its_form(prompt, latest):
        kept.pop(_TEXTS, None)
    untouched = {field for ours in kept for field in ours}
    converted: Draft = to_phoenix(prompt)
    losses = tuple(loss for loss in converted.losses if _FIELD.split(loss.field, maxsplit=1)[0] not in untouched)
    if not allow_loss:
        _refuse_left_out(losses)
    as_it_is = {field: getattr(latest, field) for theirs in kept.values() for field in theirs}
    return Converted(value=msgspec.structs.replace(converted.value, **as_it_is), losses=losses)


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
