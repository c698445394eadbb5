"""From what a caller sends to what a version holds: checks, inclusion, inferred variables, the hash of the content."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Callable, Container
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType, structs
from promptops.core.errors import ValidationError
from promptops.prompts.hashing import content_hash
from promptops.prompts.render import prompt_variables
from promptops.server import wire
from promptops.server.message_texts import PLACEHOLDER
from promptops.server.refusals import invalid
from promptops.server.services.checks import CHECKED, problems_of, refuse
from promptops.server.services.composition import check_size
from promptops.server.services.written import Text, chat_of, resolved_text, resolved_variants, source_of, variants_of
from promptops.server.stores.prompt_protocol import Current, Fetch, PromptDocument

__all__ = ["draft_of_create", "draft_of_update", "includes_others", "slug_of"]

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


def draft_of_create(body: wire.PromptCreate, slug: str, fetch: Fetch) -> tuple[PromptDocument, str]:
    """The first version of a prompt, and the hash of its content.

    Raises:
        ValidationError: A field is missing or wrong.
    """
    _check_name(body.name)
    if body.content is None and body.messages is None:
        raise invalid("content", "give content (a text) or messages (a chat)", "missing_field")
    if body.messages is None:
        written = Text(content=body.content or "", messages=None)
    else:
        written = chat_of(body.messages, body.content)
    variants = variants_of(body.model_specific_prompts)
    text, includes = resolved_text(written, slug, fetch, body.template_format)
    own, variant_includes = resolved_variants(variants, slug, fetch, body.template_format)
    _check_metadata(body.metadata)
    return _finished(
        slug,
        PromptDocument(
            content=text.content,
            messages=text.messages,
            template_format=body.template_format,
            variables=body.variables or [],
            model_specific_prompts=own,
            description=body.description,
            target_models=body.target_models,
            tags=body.tags,
            metadata=body.metadata,
            tools=body.tools,
            tool_choice=body.tool_choice,
            response_format=body.response_format,
            model_settings=body.model_settings,
            variables_schema=body.variables_schema,
            source=source_of(written, variants, includes, variant_includes),
            includes=includes,
            variant_includes=variant_includes,
        ),
    )


def draft_of_update(current: Current, body: wire.PromptUpdate) -> tuple[PromptDocument, str]:
    """What a version holds after an update: what is absent in the body stays.

    A text that stays keeps what was included in it; only texts that the caller sends are resolved anew, and only fields
    that the caller sends are held to the rules. What a version of the prompt says already may be said again.

    Raises:
        ValidationError: A field is wrong.
    """
    if body.name is not UNSET:
        _check_name(body.name)
    kept, slug = current.document, current.prompt.slug
    form: wire.TemplateFormat = _kept(body.template_format, kept.template_format)
    anew = form == "mustache" and kept.template_format != "mustache"
    written = Text(content=kept.content, messages=kept.messages)
    variants = kept.model_specific_prompts
    composes = form == "mustache"  # in another format a tag would be text, so what was included is the text now
    if kept.source is not None and composes:
        written = Text(content=kept.source.content, messages=kept.source.messages)
        variants = kept.source.model_specific_prompts
    text, includes = Text(content=kept.content, messages=kept.messages), kept.includes if composes else []
    if (sent := _sent(kept, body)) is not None or anew:
        written = sent or written
        text, includes = resolved_text(written, slug, current.fetch, form)
    own, variant_includes = kept.model_specific_prompts, kept.variant_includes if composes else []
    if not isinstance(body.model_specific_prompts, UnsetType) or anew:
        variants = variants_of(_kept(body.model_specific_prompts, variants))
        own, variant_includes = resolved_variants(variants, slug, current.fetch, form)
    if not isinstance(body.metadata, UnsetType):
        _check_metadata(body.metadata)
    # Variables that only the old text used go with it, unless the caller names them.
    rewritten = any(
        not isinstance(field, UnsetType)
        for field in (body.content, body.messages, body.model_specific_prompts, body.template_format)
    )
    return _finished(
        slug,
        PromptDocument(
            content=text.content,
            messages=text.messages,
            template_format=form,
            variables=_kept(body.variables, [] if rewritten else kept.variables),
            model_specific_prompts=own,
            description=_kept(body.description, kept.description),
            target_models=_kept(body.target_models, kept.target_models),
            tags=_kept(body.tags, kept.tags),
            metadata=_kept(body.metadata, kept.metadata),
            tools=_kept(body.tools, kept.tools),
            tool_choice=_kept(body.tool_choice, kept.tool_choice),
            response_format=_kept(body.response_format, kept.response_format),
            model_settings=_kept(body.model_settings, kept.model_settings),
            variables_schema=_kept(body.variables_schema, kept.variables_schema),
            source=source_of(written, variants, includes, variant_includes),
            includes=includes,
            variant_includes=variant_includes,
        ),
        sent={name for name in CHECKED if getattr(body, name) is not UNSET},
        has=current.has,
    )


def includes_others(body: wire.PromptCreate) -> bool:
    """Whether a text may include another prompt, so that it takes the database to tell what it says."""
    return body.template_format == "mustache" and b"{{>" in _canonical(body)


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


def _sent(kept: PromptDocument, body: wire.PromptUpdate) -> Text | None:
    """The text in the body; None when it stays as it is."""
    if isinstance(body.messages, list):
        return chat_of(body.messages, None if isinstance(body.content, UnsetType) else body.content)
    if not isinstance(body.content, UnsetType):
        return Text(content=body.content, messages=None)
    if body.messages is None and kept.messages is not None:
        return Text(content=kept.content if kept.source is None else kept.source.content, messages=None)
    return None


def _finished(
    slug: str,
    document: PromptDocument,
    *,
    sent: Container[str] = CHECKED,
    has: Callable[[str], bool] | None = None,
) -> tuple[PromptDocument, str]:
    """The document with every variable that its texts use, and the hash of its content."""
    digest = content_hash(document)
    problems = problems_of(document, sent)
    if has is None or not problems or not has(digest):
        refuse(problems)
    included = [*document.includes, *document.variant_includes]
    texts = [document.content, *(variant.content for variant in document.model_specific_prompts)]
    check_size(slug, texts, included)
    variables = list(dict.fromkeys([*document.variables, *_used(document)]))
    return structs.replace(document, variables=variables), digest


def _used(document: PromptDocument) -> list[str]:
    if document.template_format == "jinja2":  # never parsed here: only what is declared, and what placeholders name
        chats = [document.messages, *(variant.messages for variant in document.model_specific_prompts)]
        return [
            message.name
            for messages in chats
            for message in messages or ()
            if message.role == PLACEHOLDER and message.name is not None
        ]
    fields = {name: getattr(document, name) for name in document.__struct_fields__}
    return prompt_variables(_Draft(**fields))


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
