"""What a server has, as the synchronisation and the lock need it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast

from promptops.core.errors import NotFoundError, PromptOpsError
from promptops.core.runtime import Runtime
from promptops.models import PromptResponse
from promptops.prompts._resource import AsyncPrompts
from promptops.prompts._sync import SyncPrompts
from promptops.prompts.files.documents import document_of

__all__ = ["origin_of", "remote_prompts", "resource_of", "runtime_of"]


def runtime_of(prompts: AsyncPrompts) -> Runtime:
    """What the resource waits on; the files wait on the same."""
    return prompts._runtime  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - another resource of the same client


def resource_of(prompts: SyncPrompts) -> AsyncPrompts:
    """The coroutines behind a blocking resource."""
    return prompts._resource  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - another resource of the same client


def origin_of(prompts: AsyncPrompts) -> str:
    """The address of the server, without path of the interface and without anything secret; empty without one."""
    config: object = getattr(runtime_of(prompts), "config", None)
    return cast("str", getattr(config, "base_url", ""))


async def remote_prompts(
    prompts: AsyncPrompts,
    known: Collection[str],
    *,
    only: Sequence[str] = (),
    project: str | None,
    timeout: float | None,
) -> tuple[dict[str, PromptResponse], dict[str, PromptOpsError]]:
    """The latest version of every prompt of one project by slug, and what could not be read.

    Args:
        prompts: The prompts of the server.
        known: Slugs to ask for even if the list does not show them.
        only: Ask for these slugs alone.
        project: Which project; None is the default of the key.
        timeout: Seconds for each request.

    Raises:
        PromptOpsError: The server could not be asked at all.
    """
    found: dict[str, PromptResponse] = {}
    if only:
        names = set(only)
    else:
        names = set(known)
        pages = prompts.iterate(use_cache=False, sort_order="asc", page_size=100, project=project, timeout=timeout)
        async for prompt in pages:
            names.add(prompt.slug)
            if project is not None:
                found[prompt.slug] = prompt
        names -= found.keys()
    # Without a project the list shows all that the key grants; a slug, though, means the prompt of the default one.
    batch = await prompts.get_many(sorted(names), use_cache=False, project=project, timeout=timeout)
    found.update(batch.prompts)
    errors = {slug: error for slug, error in batch.errors.items() if not isinstance(error, NotFoundError)}
    for slug, prompt in list(found.items()):
        try:
            document_of(prompt)
        except PromptOpsError as error:
            errors[slug] = error
            del found[slug]
    return found, errors
