"""A version of a Phoenix prompt as our prompt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
from promptops.models import PromptResponse
from promptops.phoenix._generated import PromptVersion
from promptops.phoenix.conversion import from_phoenix
from promptops.phoenix.prompts._losses import left_out
from promptops.phoenix.prompts._wire import version_text
from promptops.prompts.hashing import content_hash

__all__ = ["UNKNOWN_TIME", "response_of"]

UNKNOWN_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""What ``created_at`` and ``updated_at`` say of a Phoenix prompt: the server tells no times."""


def response_of(name: str, version: PromptVersion, *, labels: Sequence[str] = ()) -> PromptResponse:
    """A version of the prompt with this name as our prompt.

    ``id``, ``slug`` and ``name`` are the name: it is what the server knows a prompt by, and no version says the id of
    its prompt. ``version`` is the number of the version followed by ``.0.0``, ``etag`` its id.
    """
    converted = from_phoenix(version)
    if unread := [loss.field for loss in left_out(converted.losses)]:
        from promptops.core.log import log

        log().warning("prompt_read_incompletely", name=name, version=version_text(version), fields=unread)
    prompt = PromptResponse(
        id=name,
        slug=name,
        name=name,
        version=version_text(version),
        status="active",
        etag=version.id,
        labels=list(labels),
        created_at=UNKNOWN_TIME,
        updated_at=UNKNOWN_TIME,
        **converted.value.fields(),
    )
    return msgspec.structs.replace(prompt, content_hash=content_hash(prompt))
