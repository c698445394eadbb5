"""Reading one prompt, and what a row of a prompt and its version becomes."""

from __future__ import annotations

import hashlib
import uuid
from typing import Final

import msgspec
from promptops.models import prepared
from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.stores._session import Row, Session, moment
from promptops.server.stores.protocol import PromptDocument, StoredPrompt, Which
from promptops.server.stores.scope import Scoped
from promptops.server.versions import sort_key

__all__ = ["ASKED", "COLUMNS", "LATEST", "find", "get", "is_uuid", "prompt_of", "reread", "stored_of"]

_decode_document = msgspec.json.Decoder(prepared(PromptDocument)).decode
_decode_labels = msgspec.json.Decoder(list[str]).decode

# ruff: noqa: S608 - every statement below is put together from constants of this module; values are parameters
COLUMNS: Final = (
    "p.id, p.slug, p.project_id, p.name, p.module_id, p.created_by, p.revision,"
    " v.version, v.status, v.document, v.content_hash, v.revision, v.created_at, v.updated_at,"
    " (SELECT json_group_array(l.label) FROM prompt_labels l WHERE l.prompt_id = v.prompt_id"
    " AND l.sort_key = v.sort_key)"
)
LATEST: Final = "(SELECT max(x.sort_key) FROM prompt_versions x WHERE x.prompt_id = p.id)"
ASKED: Final = (
    "coalesce({version}, CASE WHEN {label} IS NULL THEN "
    f"{LATEST}"
    " ELSE (SELECT y.sort_key FROM prompt_labels y WHERE y.prompt_id = p.id AND y.label = {label}) END)"
)
"""The version that is meant: the one named, the one that the label points to, or the latest."""
_JOIN: Final = (
    "FROM prompts p JOIN prompt_versions v ON v.prompt_id = p.id AND v.sort_key = "
    f"{ASKED.format(version=':version', label=':label')}"
)
_BY_ID: Final = Scoped(f"SELECT {COLUMNS} {_JOIN} WHERE p.id = :reference AND {{p:granted}}")
_BY_SLUG: Final = Scoped(
    f"SELECT {COLUMNS} {_JOIN} WHERE p.project_id = :project AND p.slug = :reference AND {{p:granted}}"
)
_ID_BY_ID: Final = Scoped("SELECT p.id, p.project_id FROM prompts p WHERE p.id = :reference AND {p:granted}")
_ID_BY_SLUG: Final = Scoped(
    "SELECT p.id, p.project_id FROM prompts p WHERE p.project_id = :project AND p.slug = :reference AND {p:granted}"
)


def is_uuid(reference: str) -> bool:
    """Whether it is an id of a prompt; slugs never look like one."""
    try:
        return len(reference) == 36 and str(uuid.UUID(reference)) == reference.lower()
    except ValueError:
        return False


def find(session: Session, grant: Grant, reference: str) -> tuple[str, str] | None:
    """The id and the project of a prompt."""
    if is_uuid(reference):
        row = session.one(_ID_BY_ID, grant, reference=reference.lower())
    else:
        row = session.one(_ID_BY_SLUG, grant, reference=reference, project=grant.default)
    return None if row is None else (row[0], row[1])


def get(session: Session, grant: Grant, reference: str, which: Which) -> StoredPrompt | None:
    """One version of a prompt."""
    key = None if which.version is None else sort_key(which.version)
    if is_uuid(reference):
        row = session.one(_BY_ID, grant, reference=reference.lower(), version=key, label=which.label)
    else:
        row = session.one(_BY_SLUG, grant, reference=reference, project=grant.default, version=key, label=which.label)
    return None if row is None else stored_of(row)


def reread(session: Session, grant: Grant, prompt_id: str, version: str) -> wire.PromptResponse:
    """A version that was just written."""
    stored = get(session, grant, prompt_id, Which(version=version))
    if stored is None:
        raise RuntimeError("a prompt that was just written is not there")
    return stored.prompt


def prompt_of(row: Row) -> wire.PromptResponse:
    """The prompt in a row of :data:`COLUMNS`."""
    return stored_of(row).prompt


def stored_of(row: Row) -> StoredPrompt:
    """The prompt in a row of :data:`COLUMNS`, with its document."""
    document = _decode_document(row[9])
    labels = sorted(_decode_labels(row[14]))
    # Everything that can change is in the tag: the version's revision, the prompt's (its name), and the labels.
    facts = [row[0], row[7], row[11], row[6], row[10], row[13], *labels]
    tag = hashlib.sha256("\n".join(map(str, facts)).encode()).hexdigest()[:32]
    prompt = wire.PromptResponse(
        id=row[0],
        slug=row[1],
        project_id=row[2],
        name=row[3],
        description=document.description,
        content=document.content,
        messages=document.messages,
        template_format=document.template_format,
        variables=document.variables,
        target_models=document.target_models,
        model_specific_prompts=document.model_specific_prompts,
        tools=document.tools,
        tool_choice=document.tool_choice,
        response_format=document.response_format,
        model_settings=document.model_settings,
        variables_schema=document.variables_schema,
        source=document.source,
        includes=document.all_includes(),
        labels=labels,
        version=row[7],
        status=row[8],
        content_hash=row[10],
        etag=tag,
        tags=document.tags,
        metadata=document.metadata,
        module_id=row[4],
        created_by=row[5],
        created_at=moment(row[12]),
        updated_at=moment(row[13]),
    )
    return StoredPrompt(prompt=prompt, document=document)
