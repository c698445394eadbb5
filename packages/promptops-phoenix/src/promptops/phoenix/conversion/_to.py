"""Our prompt as a Phoenix prompt version."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET
from promptops.models import PromptCreate, PromptResponse
from promptops.phoenix._checks import check_storable
from promptops.phoenix._generated import PromptChatTemplate, PromptMessage, PromptVersionData
from promptops.phoenix.conversion._dialects import PHOENIX_FORMATS
from promptops.phoenix.conversion._given import as_structs
from promptops.phoenix.conversion._marks import FORMAT, OTHER_FORMATS, TEXT, role_of_text, without_marks
from promptops.phoenix.conversion._messages import messages_to_phoenix
from promptops.phoenix.conversion._report import Report
from promptops.phoenix.conversion._settings import settings_to_phoenix
from promptops.phoenix.conversion._texts import Text, Visit, noted, replaced, texts_to_phoenix, variables_of
from promptops.phoenix.conversion._tools import format_to_phoenix, tools_to_phoenix
from promptops.phoenix.conversion._types import Converted, PromptFields, PromptSource

__all__ = ["to_phoenix"]

_NO_PLACE: Final = {
    "target_models": "a version names the one model of its settings",
    "model_specific_prompts": "a version says the same to every model; make a prompt for each",
    "variables_schema": "variables of a version have no schema",
    "tags": "tags of Phoenix are names of versions, which are labels with us",
    "module_id": "there are no modules",
    "includes": "the text is sent as it was put together",
}


def to_phoenix(prompt: PromptSource) -> Converted[PromptVersionData]:
    """Our prompt as a Phoenix prompt version; its name, its labels and its version number are not part of one.

    A plain text becomes a chat of one message, as it is rendered, and a note in the metadata lets it come back as a
    plain text.

    Returns:
        The version, and what of the prompt it does not say. The losses name fields of the prompt
        (``messages[0].content[1]``).

    Raises:
        ValidationError: Phoenix cannot hold the prompt at all: its provider is none that Phoenix knows, a parameter
            has the wrong type, or a value has no JSON form.
    """
    prompt = as_structs(prompt)
    report = Report()
    if not isinstance(prompt, PromptFields):
        _note_others(prompt, report)
    metadata = without_marks(prompt.metadata, frozenset(), report)
    if not prompt.messages:
        metadata[TEXT] = True
    if prompt.template_format in OTHER_FORMATS:
        reason = "renders differently: Phoenix shows the texts as they are, and this client renders them"
        report.lose("template_format", "changed", reason)
        metadata[FORMAT] = prompt.template_format
    provider, model, parameters = settings_to_phoenix(prompt.model_settings, report)
    template_format, messages = _translated(prompt, report)
    value = PromptVersionData(
        description=prompt.description or UNSET,
        model_provider=provider,
        model_name=model,
        template=PromptChatTemplate(messages=messages),
        template_type="CHAT",
        template_format=template_format,
        invocation_parameters=parameters,
        tools=tools_to_phoenix(prompt.tools, prompt.tool_choice, report),
        response_format=format_to_phoenix(prompt.response_format, report),
        metadata=metadata or UNSET,
    )
    losses = report.losses()
    check_storable("version", value)
    return Converted(value=value, losses=losses)


def _note_others(prompt: PromptResponse | PromptCreate, report: Report) -> None:
    """Report what a version has no place for."""
    for name, reason in _NO_PLACE.items():
        if getattr(prompt, name, None):
            report.lose(name, "unsupported", f"Phoenix has no place for it: {reason}")


def _translated(prompt: PromptSource, report: Report) -> tuple[str, list[PromptMessage]]:
    """The messages in the template format that is to be theirs, which is known once all their texts are."""
    texts: list[Text] = []
    _messages(prompt, noted(texts), Report())
    if isinstance(prompt, PromptCreate) and prompt.variables is not None:
        used = variables_of([text.text for text in texts], prompt.template_format)
        if others := [name for name in prompt.variables if name not in used]:
            reason = f"the variables of a version are those of its texts, which have no {', '.join(others)}"
            report.lose("variables", "unsupported", reason)
    if prompt.template_format in OTHER_FORMATS:
        target, made = "none", [text.text for text in texts]
    elif prompt.template_format in PHOENIX_FORMATS:
        target, made = texts_to_phoenix(texts, prompt.template_format, report)
    else:
        report.refuse("template_format", f"{prompt.template_format!r} is no format of templates")
        return "NONE", []
    return PHOENIX_FORMATS[target], _messages(prompt, replaced(made), report)


def _messages(prompt: PromptSource, visit: Visit, report: Report) -> list[PromptMessage]:
    if prompt.messages:
        return messages_to_phoenix(prompt.messages, visit, report)
    return [PromptMessage(role=role_of_text(prompt.metadata), content=visit(prompt.content or "", "content", False))]
