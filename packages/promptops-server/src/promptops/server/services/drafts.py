"""From what a caller sends to what a version holds: checks, inferred variables, the hash of the content."""

from __future__ import annotations

import hashlib
import re
import unicodedata
import uuid
from collections.abc import Iterable
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from promptops.core.errors import ValidationError
from promptops.prompts.render import prompt_variables
from promptops.server import wire
from promptops.server.refusals import invalid
from promptops.server.stores.protocol import PromptDocument

__all__ = ["draft_of_create", "draft_of_update", "slug_of"]

T = TypeVar("T")
_SLUG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:-]*(?:/[A-Za-z0-9_~:-][A-Za-z0-9._~:-]*)*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_METADATA_BYTES: Final = 16 * 1024
_METADATA_KEYS: Final = 100
_canonical = msgspec.json.Encoder(order="sorted").encode


class _Draft(PromptDocument, frozen=True, kw_only=True):
    """A document with the names that the template engine asks of a prompt."""

    id: str = ""
    name: str = ""
    version: str = ""


def draft_of_create(body: wire.PromptCreate) -> tuple[PromptDocument, str]:
    """The first version of a prompt, and the hash of its content.

    Raises:
        ValidationError: A field is missing or wrong.
    """
    _check_name(body.name)
    if body.content is None and body.messages is None:
        raise invalid("content", "give content (a text) or messages (a chat)", "missing_field")
    content = body.content
    if body.messages is not None:
        joined = _joined(body.messages)
        if content is not None and content != joined:
            raise invalid("content", "give content or messages, not both", "conflicting_fields")
        content = joined
    return _finished(
        content=content or "",
        messages=body.messages,
        template_format=body.template_format,
        declared=body.variables or [],
        model_specific_prompts=body.model_specific_prompts,
        description=body.description,
        target_models=body.target_models,
        tags=body.tags,
        metadata=body.metadata,
    )


def draft_of_update(current: wire.PromptResponse, body: wire.PromptUpdate) -> tuple[PromptDocument, str]:
    """What a version holds after an update: what is absent in the body stays.

    Raises:
        ValidationError: A field is wrong.
    """
    if body.name is not UNSET:
        _check_name(body.name)
    content, messages = current.content, current.messages
    if isinstance(body.messages, list):
        messages = body.messages
        content = _joined(messages)
        if body.content is not UNSET and body.content != content:
            raise invalid("content", "give content or messages, not both", "conflicting_fields")
    elif body.content is not UNSET:
        content, messages = body.content, None
    elif body.messages is None:
        messages = None
    # Variables that only the old text used go with it, unless the caller names them.
    rewritten = any(
        not isinstance(field, UnsetType)
        for field in (body.content, body.messages, body.model_specific_prompts, body.template_format)
    )
    declared = body.variables if body.variables is not UNSET else [] if rewritten else current.variables
    return _finished(
        content=content,
        messages=messages,
        template_format=_kept(body.template_format, current.template_format),
        declared=declared,
        model_specific_prompts=_kept(body.model_specific_prompts, current.model_specific_prompts),
        description=_kept(body.description, current.description),
        target_models=_kept(body.target_models, current.target_models),
        tags=_kept(body.tags, current.tags),
        metadata=_kept(body.metadata, current.metadata),
    )


def slug_of(body: wire.PromptCreate) -> str:
    """The slug that a new prompt gets: the one given, or one made of its name.

    Raises:
        ValidationError: The slug cannot be used.
    """
    given = body.slug if body.slug is not None else body.id
    if body.slug is not None and body.id is not None and body.slug != body.id:
        raise invalid("slug", "slug and id are two names of one field; give one", "conflicting_fields")
    if given is None:
        return _derived(body.name)
    if _SLUG.fullmatch(given) is None:
        raise invalid("slug", "use letters, digits and . _ ~ : - with / between parts, for example team/greeting")
    if _is_uuid(given):
        raise invalid("slug", "a slug must not look like an id (UUID)")
    return given


def _kept(value: T | UnsetType, current: T) -> T:
    return current if isinstance(value, UnsetType) else value


def _finished(*, declared: list[str], **fields: Any) -> tuple[PromptDocument, str]:
    _check_metadata(fields["metadata"])
    draft = _Draft(variables=[], **fields)
    used = prompt_variables(draft)
    variables = list(dict.fromkeys([*declared, *used]))
    content = {
        "content": draft.content,
        "messages": draft.messages,
        "template_format": draft.template_format,
        "model_specific_prompts": draft.model_specific_prompts,
    }
    return PromptDocument(variables=variables, **fields), hashlib.sha256(_canonical(content)).hexdigest()


def _joined(messages: Iterable[wire.ChatMessage]) -> str:
    return "\n\n".join(message.content for message in messages)


def _check_name(name: str) -> None:
    if not name.strip():
        raise invalid("name", "must not be blank")
    if _CONTROL.search(name):
        raise invalid("name", "must not have control characters")


def _check_metadata(metadata: wire.JsonObject) -> None:
    problems: list[dict[str, Any]] = []
    if len(metadata) > _METADATA_KEYS:
        problems.append({"field": "metadata", "message": f"at most {_METADATA_KEYS} keys", "code": "too_many"})
    if len(_canonical(metadata)) > _METADATA_BYTES:
        problems.append({"field": "metadata", "message": f"at most {_METADATA_BYTES} bytes", "code": "too_large"})
    if problems:
        raise ValidationError(f"metadata: {problems[0]['message']}", validation_errors=problems)


def _derived(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:128].strip("-")
    return slug if slug and not _is_uuid(slug) else f"prompt-{uuid.uuid4().hex[:12]}"


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
