"""Why a prompt cannot be had: which versions or labels there are, or which names are close."""

from __future__ import annotations

import difflib
from typing import Any, Final, Protocol

from promptops.core.errors import PromptNotFoundError
from promptops.server.grants import Grant
from promptops.server.stores.prompt_protocol import LabelStore, PromptStore, Which

__all__ = ["PromptStores", "missing"]

_MOST_COMPARED: Final = 500
_SUGGESTIONS: Final = 3
_NAMED: Final = 20


class PromptStores(PromptStore, LabelStore, Protocol):
    """Prompts with their labels."""


async def missing(store: PromptStores, grant: Grant, reference: str, which: Which) -> PromptNotFoundError:
    """The error for a prompt, a version or a label that is not there."""
    if which.label is not None:
        labels = await store.list_labels(grant, reference)
        if labels is not None:
            known = ", ".join(each.label for each in labels[:_NAMED])
            has = f"it has {known}" if known else "it has none"
            return _not_found(reference, [], f"Prompt '{reference}' has no label '{which.label}'; {has}.")
    if which.version is not None:
        found = await store.list_versions(grant, reference, limit=10, offset=0)
        if found is not None:
            known = ", ".join(prompt.version for prompt in found[0])
            return _not_found(reference, [], f"Prompt '{reference}' has no version {which.version}; it has {known}.")
    here = grant.narrowed(grant.default)
    slugs = await store.recent_slugs(here, limit=_MOST_COMPARED)
    close = difflib.get_close_matches(reference[:128], slugs, n=_SUGGESTIONS, cutoff=0.6)
    hint = f" Did you mean {' or '.join(repr(slug) for slug in close)}?" if close else ""
    return _not_found(reference, close, f"There is no prompt '{reference}' in this project.{hint}")


def _not_found(reference: str, suggested: list[str], message: str) -> PromptNotFoundError:
    facts: dict[str, Any] = {"prompt_id": reference, "suggested_prompts": suggested}
    return PromptNotFoundError(message, **facts)
