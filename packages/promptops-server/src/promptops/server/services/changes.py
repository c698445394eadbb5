"""What a create writes, and what stands in the way of a change or a delete."""

from __future__ import annotations

from collections.abc import Sequence

from promptops.core.errors import ConflictError
from promptops.server import versions, wire
from promptops.server.services.drafts import draft_of_create
from promptops.server.stores.prompt_protocol import Fetch, PromptChange, Which

__all__ = ["check_match", "first_version", "nothing", "refuse_labelled"]


def first_version(body: wire.PromptCreate, slug: str, fetch: Fetch) -> PromptChange:
    """What a create writes.

    Raises:
        ValidationError: The body does not make a prompt.
    """
    document, content_hash = draft_of_create(body, slug, fetch)
    return PromptChange(
        name=body.name,
        module_id=body.module_id,
        version=versions.normalise(body.version) or versions.FIRST,
        document=document,
        content_hash=content_hash,
        new_version=True,
    )


def nothing(slug: str, which: Which) -> None:
    """Reads no other prompt."""


def refuse_labelled(current: wire.PromptResponse, version: str | None, labels: Sequence[str]) -> None:
    """Refuse to delete what labels point to.

    Raises:
        ConflictError: Always; it names the labels.
    """
    named = ", ".join(f"'{label}'" for label in labels)
    one = len(labels) == 1
    what = f"{'version ' + version if version is not None else 'a version'} of prompt '{current.slug}'"
    raise ConflictError(
        f"The label{'' if one else 's'} {named} point{'s' if one else ''} to {what}; move {'it' if one else 'them'}"
        " first, or delete with force=true."
    )


def check_match(current: wire.PromptResponse, if_match: str | None) -> None:
    """Refuse a change of something that the caller has not seen.

    Raises:
        ConflictError: ``If-Match`` does not have its tag.
    """
    if if_match is None:
        return
    tags = {tag.strip().strip('"') for tag in if_match.split(",")}
    if "*" not in tags and current.etag not in tags:
        raise ConflictError(
            f"Prompt '{current.slug}' changed since it was read (If-Match does not hold); read it again, then retry."
        )
