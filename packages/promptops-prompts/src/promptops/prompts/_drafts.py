"""From the arguments of a write to the body that is sent; what is wrong is refused before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypeVar

from msgspec import UnsetType
from promptops.models import (
    ChatMessage,
    ModelSettings,
    ModelSpecificPrompt,
    PromptCreate,
    PromptUpdate,
    ResponseFormat,
    ToolChoice,
    ToolDefinition,
    Unknown,
)
from promptops.prompts._checks import (
    check_choice,
    check_name,
    converted,
    converted_one,
    mapping,
    refused,
    texts,
    well_typed,
    with_content,
)
from promptops.prompts._messages import PLACEHOLDER
from promptops.prompts.render import normalise_provider
from promptops.prompts.template import FORMATS
from promptops.prompts.versions import normalise_version

__all__ = [
    "Bump",
    "Choice",
    "Format",
    "Message",
    "Settings",
    "TemplateFormat",
    "Tool",
    "Variant",
    "new_prompt",
    "prompt_changes",
]

T = TypeVar("T")

Message: TypeAlias = ChatMessage | Mapping[str, Any]
Variant: TypeAlias = ModelSpecificPrompt | Mapping[str, Any]
Tool: TypeAlias = ToolDefinition | Mapping[str, Any]
Choice: TypeAlias = ToolChoice | Mapping[str, Any]
Format: TypeAlias = ResponseFormat | Mapping[str, Any]
Settings: TypeAlias = ModelSettings | Mapping[str, Any]
TemplateFormat: TypeAlias = Literal["mustache", "f-string", "none", "jinja2"]
Bump: TypeAlias = Literal["patch", "minor", "major"]


def new_prompt(
    name: str,
    *,
    content: str | None,
    messages: Sequence[Message] | None,
    slug: str | None,
    description: str,
    template_format: TemplateFormat,
    variables: Sequence[str] | None,
    target_models: Sequence[str],
    model_specific_prompts: Sequence[Variant],
    version: str | None,
    module_id: str | None,
    tags: Sequence[str],
    metadata: Mapping[str, Any] | None,
    tools: Sequence[Tool],
    tool_choice: Choice | None,
    response_format: Format | None,
    model_settings: Settings | None,
    variables_schema: Mapping[str, Any] | None,
    project: str | None,
) -> PromptCreate:
    """The body of a create; arguments as for :meth:`promptops.prompts.AsyncPrompts.create`."""
    name = check_name(name)
    if (content is None) == (messages is None):
        raise refused("content", "give either content or messages", "required")
    check_choice("template_format", template_format, FORMATS)
    prompt = PromptCreate(
        name=name,
        content=content,
        messages=None if messages is None else _messages(messages),
        slug=None if slug is None else check_name(slug, "slug"),
        project_id=project,
        description=description,
        template_format=template_format,
        variables=None if variables is None else texts("variables", variables),
        target_models=texts("target_models", target_models),
        model_specific_prompts=_variants(model_specific_prompts),
        tools=converted("tools", tools, ToolDefinition),
        tool_choice=_one("tool_choice", tool_choice, ToolChoice),
        response_format=_one("response_format", response_format, ResponseFormat),
        model_settings=_one("model_settings", model_settings, ModelSettings),
        variables_schema=None if variables_schema is None else mapping("variables_schema", variables_schema),
        version=normalise_version(version),
        module_id=module_id,
        tags=texts("tags", tags),
        metadata=mapping("metadata", metadata),
    )
    return well_typed(prompt)


def prompt_changes(
    *,
    version: str | None,
    bump: Bump,
    new_version: str | None,
    new_name: str | UnsetType,
    content: str | UnsetType,
    messages: Sequence[Message] | UnsetType | None,
    description: str | UnsetType,
    template_format: TemplateFormat | UnsetType,
    variables: Sequence[str] | UnsetType,
    target_models: Sequence[str] | UnsetType,
    model_specific_prompts: Sequence[Variant] | UnsetType,
    module_id: str | UnsetType | None,
    tags: Sequence[str] | UnsetType,
    metadata: Mapping[str, Any] | UnsetType,
    tools: Sequence[Tool] | UnsetType,
    tool_choice: Choice | UnsetType | None,
    response_format: Format | UnsetType | None,
    model_settings: Settings | UnsetType | None,
    variables_schema: Mapping[str, Any] | UnsetType | None,
    project: str | None,
) -> PromptUpdate:
    """The body of an update; arguments as for :meth:`promptops.prompts.AsyncPrompts.update`."""
    edited = normalise_version(version)
    named = normalise_version(new_version, field="new_version")
    if version is not None and edited is None:
        raise refused("version", "say which version to edit; None makes a new one", "invalid_version")
    if edited is not None and named is not None:
        raise refused("new_version", "a version that is edited in place keeps its number; leave one of the two out")
    check_choice("bump", bump, ("patch", "minor", "major"))
    if not isinstance(template_format, UnsetType):
        check_choice("template_format", template_format, FORMATS)
    changes = PromptUpdate(
        create_new_version=edited is None,
        version=named if edited is None else edited,
        bump=bump,
        project_id=project,
        name=new_name if isinstance(new_name, UnsetType) else check_name(new_name, "new_name"),
        content=content,
        messages=messages if messages is None or isinstance(messages, UnsetType) else _messages(messages),
        description=description,
        template_format=template_format,
        variables=_changed("variables", variables),
        target_models=_changed("target_models", target_models),
        model_specific_prompts=(
            model_specific_prompts
            if isinstance(model_specific_prompts, UnsetType)
            else _variants(model_specific_prompts)
        ),
        tools=tools if isinstance(tools, UnsetType) else converted("tools", tools, ToolDefinition),
        tool_choice=_other("tool_choice", tool_choice, ToolChoice),
        response_format=_other("response_format", response_format, ResponseFormat),
        model_settings=_other("model_settings", model_settings, ModelSettings),
        variables_schema=(
            variables_schema
            if variables_schema is None or isinstance(variables_schema, UnsetType)
            else mapping("variables_schema", variables_schema)
        ),
        module_id=module_id,
        tags=_changed("tags", tags),
        metadata=metadata if isinstance(metadata, UnsetType) else mapping("metadata", metadata),
    )
    return well_typed(changes)


def _messages(messages: Sequence[Message]) -> list[ChatMessage]:
    if not messages:
        raise refused("messages", "is empty; give at least one message", "required")
    found = converted("messages", messages, ChatMessage)
    _check_parts("messages", found)
    return found


def _variants(variants: Sequence[Variant]) -> list[ModelSpecificPrompt]:
    found = converted("model_specific_prompts", with_content(variants), ModelSpecificPrompt)
    seen: dict[tuple[str, str], int] = {}
    for index, variant in enumerate(found):
        # An empty name and ``*`` both mean every model of the provider.
        model = (normalise_provider(variant.model_provider), variant.model_name if variant.model_name != "*" else "")
        if (first := seen.setdefault(model, index)) != index:
            reason = f"names the model of model_specific_prompts[{first}]; keep one of the two"
            raise refused(f"model_specific_prompts[{index}].model_name", reason, "duplicate_model")
        _check_parts(f"model_specific_prompts[{index}].messages", variant.messages or ())
    return found


def _check_parts(field: str, messages: Sequence[ChatMessage]) -> None:
    """Refuse parts of a newer server's making: sent back they would not be what they were."""
    for index, message in enumerate(messages):
        if not message.role.strip():
            raise refused(f"{field}[{index}].role", "is blank; use for example 'user'", "required")
        if message.role != PLACEHOLDER and not isinstance(message.content, str) and not message.content:
            raise refused(f"{field}[{index}].content", "has no parts; give at least one, or a text", "required")
        for number, part in enumerate(() if isinstance(message.content, str) else message.content):
            if isinstance(part, Unknown):
                reason = f"is of the type {part.tag!r}, which this version does not know; update promptops-models"
                raise refused(f"{field}[{index}].content[{number}]", reason, "unknown_value")


def _one(field: str, value: T | Mapping[str, Any] | None, kind: type[T]) -> T | None:
    return None if value is None else converted_one(field, value, kind)


def _other(field: str, value: T | Mapping[str, Any] | UnsetType | None, kind: type[T]) -> T | UnsetType | None:
    return value if isinstance(value, UnsetType) else _one(field, value, kind)


def _changed(field: str, values: Sequence[str] | UnsetType) -> list[str] | UnsetType:
    return values if isinstance(values, UnsetType) else texts(field, values)
